# SPDX-License-Identifier: BSD-3-Clause
"""The keywords of fits, checked once.

A keyword is spelled in the public signature, in a class here, and where it is used.
"""

from __future__ import annotations

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

__all__ = [
    "FREE", "CurveFitSettings", "ManyFitSettings", "SquaresSettings", "checked_scale",
    "scale_of", "within_limits",
]  # fmt: skip

T = TypeVar("T")

_EPS = float(np.finfo(np.float64).eps)
FREE = (-inf, inf)


@dataclass(kw_only=True)
class SquaresSettings:
    """What every kind of least squares may be given.

    Attributes
    ----------
    bounds, loss, x_scale, ftol, xtol, gtol, max_nfev, max_time
        As the user gave them.
    f_scale : float
        Where the loss begins.
    rho : callable or None
        The loss as a function of squared residuals; None where it is linear.
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
        """Pick the settings out of the arguments of a function (its `locals()`)."""
        return cls(**{f.name: given[f.name] for f in fields(cls) if f.init})

    def __post_init__(self) -> None:
        self._stopping = _core.Stopping(
            **_tolerances({"ftol": self.ftol, "xtol": self.xtol, "gtol": self.gtol}),
            max_iter=FOREVER, max_nfev=_evaluations(self.max_nfev), max_time=_time(self.max_time),
        )  # fmt: skip
        self.rho, self.f_scale = checked_loss(self.loss), checked_scale(self.f_scale)

    def stopping(self, n: int, threads: int = 1) -> _core.Stopping:
        """When descents of n variables stop, and how many threads share them."""
        if self.max_nfev is not None:
            return self._stopping.replace(threads=threads)
        return self._stopping.replace(threads=threads, max_nfev=1000 * (n + 1))


_POLICIES = ("omit", "raise", "propagate")
_LIKELIHOODS = ("gaussian", "poisson")


@dataclass(kw_only=True)
class ManyFitSettings(SquaresSettings):
    """The settings of `curve_fit_many` and `Model.fit_many`.

    Attributes
    ----------
    sigma, absolute_sigma, fixed, nan_policy, threads, progress, out
        As the user gave them.
    poisson : bool
        Whether data are counts.
    """

    sigma: Any = None
    absolute_sigma: bool = False
    fixed: dict[str, Any] | None = None
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
            raise ValueError("likelihood='poisson' takes no `sigma`: counts have their own errors")
        if self.poisson and self.rho is not None:
            raise ValueError(f"likelihood='poisson' takes no `loss`, got {self.loss!r}")


class CurveFitSettings(NamedTuple):
    """How one curve is to be fitted: the keywords of `curve_fit` and `Model.fit`, checked.

    Attributes
    ----------
    squares : SquaresSettings
        The keywords that it shares with `least_squares`; its `bounds` are not read.
    box : list of ndarray
        [lower, upper] bounds of the parameters, or nothing.
    method : str or None
        SciPy's name for the method.
    jac : callable, str or None
        The Jacobian, of a model that is not traced.
    absolute_sigma, full_output : bool
        As the user gave them.
    """

    squares: SquaresSettings
    box: list[FloatArray]
    method: str | None
    jac: Any
    absolute_sigma: bool
    full_output: bool


def checked_scale(f_scale: Any) -> float:
    """A positive number for `f_scale`."""
    scale = float(as_floats(f_scale, "f_scale").reshape(()))
    if not 0 < scale < inf:
        raise ValueError(f"`f_scale` must be a positive number, got {scale}")
    return scale


def _tolerances(given: dict[str, Any]) -> dict[str, Any]:
    """Tolerances as the core takes them: 0 switches a test off."""
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
    """A number of evaluations; without limit where the default depends on what is fitted."""
    if max_nfev is None:
        return FOREVER
    if isinstance(max_nfev, bool) or not float(max_nfev).is_integer() or max_nfev < 1:
        raise ValueError(f"`max_nfev` must be None or positive integer, got {max_nfev!r}")
    return min(int(max_nfev), FOREVER)


def _time(max_time: Any) -> float:
    """Seconds, as many as a double can count."""
    seconds = inf if max_time is None else float(max_time)
    if not seconds >= 0:
        raise ValueError(f"`max_time` must be >= 0, got {max_time}")
    return min(seconds, 1e300)


def within_limits(
    tries: Sequence[T], n: int, stopping: _core.Stopping, ends: float | None = None
) -> Iterator[tuple[T, _core.Stopping]]:
    """Each of some tries of a fit, with its share of the evaluations and the time that is left.

    Parameters
    ----------
    tries : sequence
        At most so many; fewer where no evaluations are left.
    n : int
        Number of variables.
    stopping : Stopping
        When all of them together stop.
    ends : float, optional
        When time is up, by `time.monotonic`; `max_time` seconds from now by default.
    """
    if ends is None:
        ends = time.monotonic() + stopping.max_time
    for one, most in zip(tries, shares(stopping.max_nfev, n, len(tries)), strict=False):
        left = max(ends - time.monotonic(), 0.0)
        yield one, stopping.replace(max_nfev=most, max_time=left)


def scale_of(x_scale: Any, s: Structure) -> FloatArray | None:
    """What each variable is measured in; None: the norms of the Jacobian's columns say."""
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
