# SPDX-License-Identifier: BSD-3-Clause
"""Check the keywords of fits once, and store them.

A keyword is spelled in the public signature, in a class here, and where it is used.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from thalweg import _core
from thalweg._fits.robust import Rho, checked_loss
from thalweg._fits.soundness import shares
from thalweg._methods.stopping import FOREVER
from thalweg._objectives.points import FloatArray, Structure, as_floats
from thalweg._parameters.plan import Plan

__all__ = [
    "FREE", "CurveFitSettings", "FitKind", "ManyFitSettings", "SquaresSettings", "checked_scale",
    "scale_of", "within_limits",
]  # fmt: skip

T = TypeVar("T")

_EPS = float(np.finfo(np.float64).eps)
FREE = (-inf, inf)


@dataclass(kw_only=True)
class SquaresSettings:
    """The settings that every kind of least squares shares.

    Attributes
    ----------
    bounds, loss, x_scale, ftol, xtol, gtol, max_nfev, max_time
        The values that the user gave.
    f_scale : float
        The scale of the loss.
    rho : callable or None
        The loss as a function of squared residuals; None if it is linear.
    """

    bounds: Any = FREE
    loss: Any = "linear"
    f_scale: Any = 1.0
    x_scale: Any = None
    ftol: Any = 1e-10
    xtol: Any = 1e-10
    gtol: Any = 1e-10
    max_nfev: Any = None
    max_time: Any = None
    rho: Rho | None = field(init=False)

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Select the settings from the arguments of a function (its `locals()`).

        Those that the function does not have keep their defaults.
        """
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.init and f.name in given})

    def __post_init__(self) -> None:
        self._stopping = _core.Stopping(
            **_tolerances({"ftol": self.ftol, "xtol": self.xtol, "gtol": self.gtol}),
            max_iter=FOREVER, max_nfev=_evaluations(self.max_nfev), max_time=_time(self.max_time),
        )  # fmt: skip
        self._limits: dict[tuple[int, int], _core.Stopping] = {}
        self.rho, self.f_scale = checked_loss(self.loss), checked_scale(self.f_scale)

    def stopping(self, n: int, threads: int = 1) -> _core.Stopping:
        """Return the stopping limits of descents with n variables, and the number of threads."""
        found = self._limits.get((n, threads))
        if found is None:
            default = {} if self.max_nfev is not None else {"max_nfev": 1000 * (n + 1)}
            found = self._limits[n, threads] = self._stopping.replace(threads=threads, **default)
        return found


_POLICIES = ("omit", "raise", "propagate")
_LIKELIHOODS = ("gaussian", "poisson")


@dataclass(kw_only=True)
class ManyFitSettings(SquaresSettings):
    """The settings of `curve_fit_many` and `Model.fit_many`.

    Attributes
    ----------
    sigma, absolute_sigma, fixed, ties, priors, shared, mask, resume, nan_policy, threads, \
progress, out
        The values that the user gave.
    poisson : bool
        Whether the data are counts.
    """

    sigma: Any = None
    absolute_sigma: bool = False
    fixed: Any = None
    ties: Any = None
    priors: Any = None
    shared: Any = None
    mask: Any = None
    resume: bool = False
    likelihood: str = "gaussian"
    nan_policy: str = "omit"
    threads: int | None = None
    progress: bool = False
    out: Any = None
    poisson: bool = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nan_policy not in _POLICIES:
            raise ValueError(f"nan_policy must be one of {_POLICIES}, got {self.nan_policy!r}")
        if self.likelihood not in _LIKELIHOODS:
            raise ValueError(f"likelihood must be one of {_LIKELIHOODS}, got {self.likelihood!r}")
        self.poisson = self.likelihood == "poisson"
        if self.poisson and self.sigma is not None:
            raise ValueError(
                "likelihood='poisson' takes no `sigma`: the counts determine their errors"
            )
        if self.poisson and self.rho is not None:
            raise ValueError(f"likelihood='poisson' takes no `loss`, got {self.loss!r}")

    @property
    def kind(self) -> FitKind:
        """What statistics must know about the cost."""
        absolute = bool(self.absolute_sigma or self.poisson or self.priors)
        return FitKind(absolute, self.poisson, self.rho is not None)


class FitKind(NamedTuple):
    """What the statistics of a fit must know about its cost.

    Attributes
    ----------
    absolute : bool
        Whether the errors of the data are known.
    poisson : bool
        Whether the data are counts.
    robust : bool
        Whether there is a loss, so that the cost is not half the sum of squares.
    """

    absolute: bool = False
    poisson: bool = False
    robust: bool = False


class CurveFitSettings(NamedTuple):
    """The checked keywords of `curve_fit` and `Model.fit`.

    Attributes
    ----------
    squares : SquaresSettings
        The keywords shared with `least_squares`; its `bounds` are not used.
    box : list of ndarray
        [lower, upper] bounds of the parameters, or [].
    method : str or None
        SciPy's name for the method.
    jac : callable, str or None
        The Jacobian of a model that is not traced.
    absolute_sigma, full_output : bool
        The values that the user gave.
    plan : Plan
        Which parameters are fitted.
    """

    squares: SquaresSettings
    box: list[FloatArray]
    method: str | None
    jac: Any
    absolute_sigma: bool
    full_output: bool
    plan: Plan


def checked_scale(f_scale: Any) -> float:
    """Check that `f_scale` is a positive number."""
    scale = float(as_floats(f_scale, "f_scale").reshape(()))
    if not 0 < scale < inf:
        raise ValueError(f"`f_scale` must be a positive number, got {scale}")
    return scale


def _tolerances(given: dict[str, Any]) -> dict[str, Any]:
    """Convert tolerances to those of the core, for which 0 switches a test off."""
    tolerances = {}
    for name, value in given.items():
        try:
            tolerances[name] = 0.0 if value is None else float(value)
        except (TypeError, ValueError):
            raise TypeError(f"`{name}` must be a number or None, got {value!r}") from None
        if not tolerances[name] >= 0:
            raise ValueError(f"`{name}` must be >= 0, got {value}")
    if not any(value >= _EPS for value in tolerances.values()):
        named = ", ".join(f"{name}={value}" for name, value in given.items())
        raise ValueError(
            "At least one of the tolerances must be higher than machine epsilon "
            f"({_EPS:.2e}), got {named}"
        )
    return tolerances


def _evaluations(max_nfev: Any) -> int:
    """Check a maximum number of evaluations; None means that the default is set later."""
    if max_nfev is None:
        return FOREVER
    if isinstance(max_nfev, bool) or not float(max_nfev).is_integer() or max_nfev < 1:
        raise ValueError(f"`max_nfev` must be None or positive integer, got {max_nfev!r}")
    return min(int(max_nfev), FOREVER)


def _time(max_time: Any) -> float:
    """Check a maximum duration in seconds; None means that there is no limit."""
    seconds = inf if max_time is None else float(max_time)
    if not seconds >= 0:
        raise ValueError(f"`max_time` must be >= 0, got {max_time}")
    return min(seconds, 1e300)


def within_limits(
    tries: Sequence[T], n: int, stopping: _core.Stopping, ends: float | None = None
) -> Iterator[tuple[T, _core.Stopping]]:
    """Yield the tries of a fit, each with its share of the evaluations and the remaining time.

    Parameters
    ----------
    tries : sequence
        The tries. The last ones are left out if no evaluations remain for them.
    n : int
        The number of variables.
    stopping : Stopping
        The stopping limits of all tries together.
    ends : float, optional
        The time of the end, by `time.monotonic`; by default `max_time` seconds from now.
    """
    if ends is None:
        ends = time.monotonic() + stopping.max_time
    for one, most in zip(tries, shares(stopping.max_nfev, n, len(tries)), strict=False):
        left = max(ends - time.monotonic(), 0.0)
        yield one, _limited(stopping, most, left)


@functools.lru_cache(maxsize=64)
def _limited(stopping: _core.Stopping, most: int, left: float) -> _core.Stopping:
    """Return the limits of one try, which are the same in every fit without `max_time`."""
    return stopping.replace(max_nfev=most, max_time=left)


def scale_of(x_scale: Any, s: Structure) -> FloatArray | None:
    """Return the unit of each variable; None if the norms of the Jacobian's columns decide."""
    if x_scale is None or (isinstance(x_scale, str) and x_scale == "jac"):
        return None
    try:
        _, rows = s.flatten(x_scale, "x_scale") if isinstance(x_scale, dict | tuple) else (
            (), np.broadcast_to(as_floats(x_scale, "x_scale"), (1, s.size)))  # fmt: skip
    except (TypeError, ValueError):
        rows = np.zeros((1, 1))
    scale = np.ascontiguousarray(rows[0])
    if scale.shape != (s.size,) or not np.isfinite(scale).all() or not (scale > 0).all():
        raise ValueError(
            f"`x_scale` must be 'jac' or array_like with positive numbers, one for each of the "
            f"{s.size} variables, got {x_scale!r}"
        )
    return scale
