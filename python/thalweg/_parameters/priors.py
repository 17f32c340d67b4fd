# SPDX-License-Identifier: BSD-3-Clause
"""What is known of parameters before a fit: normal distributions, and -log densities.

A normal prior is one more residual, (p - mean) / sd. The -log density of another prior is added to
the cost; in the normal equations it has its slope, and its curvature where that is positive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.grafting import grafted
from thalweg._objectives.objective import Objective
from thalweg._parameters.named import check_known, spread_to
from thalweg._parameters.plan import Plan
from thalweg._tracing.trace import Trace, Tracer

__all__ = [
    "NO_PRIORS", "Priors", "check_errors_known", "function_rows", "of_data_alone", "priors_of",
    "standard_rows",
]  # fmt: skip

Density = Callable[[Any], Any]


@dataclass(frozen=True)
class Priors:
    """Which parameters have priors.

    Attributes
    ----------
    normal : tuple of int
        The positions of the parameters with a normal prior.
    functions : tuple of (int, callable)
        The positions of the others, and the functions that return their -log densities.
    """

    normal: tuple[int, ...] = ()
    functions: tuple[tuple[int, Density], ...] = ()

    def __len__(self) -> int:
        return len(self.normal) + len(self.functions)


NO_PRIORS = Priors()


def priors_of(
    priors: Any, names: Sequence[str], plan: Plan, lead: tuple[int, ...]
) -> tuple[Priors, npt.NDArray[Any]]:
    """Read priors; return them, and the means and errors of normal ones, (..., 2, q).

    Raises
    ------
    TypeError, ValueError
        If `priors` is no dict, a name is not that of a fitted or tied parameter, or an error is not
        positive.
    """
    if not priors:
        return NO_PRIORS, np.zeros((2, 0))
    if not isinstance(priors, dict):
        raise TypeError(
            "priors must be a dict of (mean, sd) or of functions by name, got "
            f"{type(priors).__name__}"
        )
    check_known(priors, names, "priors")
    normal, functions, pairs = [], [], []
    for name, prior in priors.items():
        k = names.index(name)
        if k in plan.fixed:
            raise ValueError(f"priors names {name!r}, which is fixed: leave one of them out")
        if callable(prior):
            functions.append((k, prior))
            continue
        if not isinstance(prior, tuple | list | np.ndarray) or len(prior) != 2:
            raise TypeError(
                f"priors[{name!r}] must be (mean, sd) or a function that returns the -log density, "
                f"got {prior!r}"
            )
        mean, sd = (spread_to(each, lead, f"priors[{name!r}]") for each in prior)
        if not np.isfinite(mean).all() or not ((sd > 0) & (sd < np.inf)).all():
            raise ValueError(
                f"priors[{name!r}] must be a finite mean and a positive sd, got {prior!r}"
            )
        normal.append(k)
        pairs.append(np.stack(np.broadcast_arrays(mean, sd), axis=-1))
    shape = np.broadcast_shapes(*(pair.shape for pair in pairs)) if pairs else (2,)
    numbers = np.stack([np.broadcast_to(pair, shape) for pair in pairs], axis=-1) if pairs else (
        np.zeros((2, 0)))  # fmt: skip
    return Priors(tuple(normal), tuple(functions)), numbers.astype(np.float64)


def function_rows(trace: Trace, parameter: Any, density: Density) -> tuple[Any, Any, Any]:
    """Trace the -log density of a parameter: its value, slope and curvature, 0 where negative.

    Raises
    ------
    TraceError
        If the function cannot be traced.
    ValueError
        If it does not return one number.
    """
    own = Objective(density, 1.0)
    if prod(own.shape) != 1:
        raise ValueError(f"a function in priors must return one number, got shape {own.shape}")
    source = own._graph
    slope = source.gradient(own._f, own.x_node)
    bend = source.gradient(source.reshape(slope, ()), own.x_node)
    point = trace.graph.reshape(trace.lift(parameter), (1,))
    value, first, second = (
        Tracer(trace, trace.graph.reshape(grafted(source, node, trace.graph, {0: point}), ()))
        for node in (own._f, slope, bend)
    )
    return value, first, np.maximum(second, 0.0)


@functools.lru_cache(maxsize=64)
def of_data_alone(rho: Callable[[Any], Any], data: int, rows: int) -> Callable[[Any], Any]:
    """Return a loss for the first `data` residuals; the others, of priors, have none."""
    are_data = np.arange(rows) < data

    def loss(z: Any) -> tuple[Any, Any, Any]:
        value, first, second = rho(z)
        return (
            np.where(are_data, value, z),
            np.where(are_data, first, 1.0),
            np.where(are_data, second, 0.0),
        )

    return loss


def standard_rows(values: Any, numbers: Any) -> Any:
    """Return the residuals (p - mean) / sd of parameters (q,) with normal priors (2, q)."""
    return (values - numbers[0]) / numbers[1]


def check_errors_known(priors: Priors, known: bool) -> None:
    """Raise ValueError if priors would be weighed against errors that are not known."""
    if len(priors) and not known:
        raise ValueError(
            "priors weigh against the errors of the data, which must be known: pass sigma, or in "
            "many fits likelihood='poisson'"
        )
