# SPDX-License-Identifier: BSD-3-Clause
"""Read and check the arguments of one fit: data, their errors, bounds, starts and settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from thalweg._fits.settings import FREE, SquaresSettings
from thalweg._objectives.bounds import box_from_vectors
from thalweg._objectives.points import FloatArray, Structure, argument_names, as_floats
from thalweg._parameters.named import (
    bounds_by_name,
    check_untied,
    names_for,
    starts_by_name,
    values_by_name,
)
from thalweg._parameters.plan import Plan
from thalweg._tracing.numbers import first_bad, is_lazy, place_in

__all__ = [
    "Sample", "between", "box_of", "check_method", "check_shapes", "check_within", "checked_data",
    "held_start", "is_data", "parameter_structure", "parameters", "residuals", "squares_settings",
    "start_for", "weights_of",
]  # fmt: skip


class Sample(NamedTuple):
    """The checked data of one fit.

    Attributes
    ----------
    y : ndarray
        The data.
    weights : ndarray, optional
        The inverse errors of the data, () or (m,), or the inverse (m, m) of the Cholesky factor of
        their covariance.
    kept : ndarray of bool, optional
        Which data are not missing; None if all are present.
    """

    y: Any
    weights: Any
    kept: Any

    @property
    def kind(self) -> tuple[Any, ...]:
        """The shapes that decide whether residuals traced for one sample suit another."""
        shape = None if self.weights is None else self.weights.shape
        return self.y.shape, shape, self.kept is None

    def arrays(self) -> list[FloatArray]:
        """Return the arrays that are not None, as inputs of traced residuals."""
        kept = None if self.kept is None else self.kept.astype(float)
        return [a for a in (self.y, self.weights, kept) if a is not None]

    def with_arrays(self, arrays: Sequence[Any]) -> Sample:
        """Return the sample with other arrays, which may be traced, in place of these."""
        others = iter(arrays)
        return Sample(*(None if a is None else next(others) for a in self))


def is_data(xdata: Any) -> bool:
    """Whether `xdata` holds numbers; any other object is passed to the model as it is."""
    return isinstance(xdata, list | tuple | np.ndarray) or is_lazy(xdata)


def parameters(
    f: Callable[..., Any], p0: Any, fixed: Any = None, ties: Any = None
) -> tuple[list[str], FloatArray]:
    """Return the names of the parameters and a start, by default ones."""
    if isinstance(p0, dict) or (p0 is None and (fixed or ties)):
        names = names_for(f, p0, fixed, ties)
        return names, start_for(p0, names, fixed, ties)
    names = argument_names(f)[1:]
    if p0 is None:
        if not names:
            raise ValueError(
                "Unable to determine number of fit parameters: define f as f(x, a, b, ...), or "
                "pass p0"
            )
        return names, np.ones(len(names))
    if np.iscomplexobj(p0):
        raise ValueError(f"p0 must be real, got {p0!r}")
    start = np.atleast_1d(as_floats(p0, "p0")).ravel()
    if len(names) < start.size:
        names = [f"p{i}" for i in range(start.size)]
    return names[: start.size], start


def start_for(p0: Any, names: list[str], fixed: Any = None, ties: Any = None) -> FloatArray:
    """Return the start (p,) of one fit; p0 may be a dict by name, or None for ones."""
    if p0 is None:
        return np.ones(len(names))
    if not isinstance(p0, dict):
        start = as_floats(p0, "p0").ravel()
        if start.size != len(names):
            raise ValueError(f"p0 must have {len(names)} entries, got {start.size}")
        return start
    optional = {*(fixed if isinstance(fixed, dict) else ()), *(ties or ())}
    return starts_by_name(p0, names, (), optional).astype(np.float64)


def held_start(start: FloatArray, names: Sequence[str], fixed: Any, plan: Plan) -> FloatArray:
    """Return the start (p,) with the values of the fixed parameters, which must be finite."""
    if not plan.fixed:
        return start
    start = start.copy()
    for name, value in values_by_name(fixed, names, ()).items():
        start[names.index(name)] = value
    for k in plan.fixed:
        if not isfinite(start[k]):
            raise ValueError(f"{names[k]} must be fixed at a finite value, got {start[k]}")
    return start


def parameter_structure(n: int) -> Structure:
    """Return the form of points whose parameters are separate arguments."""
    return Structure("elements", ((),) * n)


def box_of(bounds: Any, names: Sequence[str], plan: Plan | None = None) -> list[FloatArray]:
    """Return [lower, upper] of all parameters, each (p,), or [] if no bound is finite."""
    if bounds is FREE:
        return []
    if isinstance(bounds, dict):
        box: list[FloatArray] = bounds_by_name(bounds, names, ())
    else:
        box = box_from_vectors(bounds, parameter_structure(len(names)))
    if plan is not None and box:
        check_untied(box, names, plan)
    return box if any(np.isfinite(end).any() for end in box) else []


def check_within(
    box: list[FloatArray], start: FloatArray, names: Sequence[str], plan: Plan
) -> list[FloatArray]:
    """Return the bounds of the fitted parameters; raise ValueError if a start lies outside."""
    lower, upper = box
    for k in plan.free:
        if not lower[k] <= start[k] <= upper[k]:
            raise ValueError(
                f"Initial guess is outside of provided bounds: {start[k]} is outside "
                f"[{lower[k]}, {upper[k]}] for {names[k]}"
            )
    return [end[list(plan.free)] for end in box]


def check_method(method: Any, bounded: bool) -> None:
    """Raise ValueError for a method that SciPy refuses."""
    if method is None:
        return
    if method == "lm" and bounded:
        raise ValueError(
            "Method 'lm' only works for unconstrained problems. Use 'trf' or 'dogbox' instead."
        )
    if method not in ("lm", "trf", "dogbox"):
        raise ValueError(f"`method` must be 'trf', 'dogbox' or 'lm', got {method!r}")


def checked_data(data: Any, what: str, check_finite: bool | None, nan_policy: Any) -> FloatArray:
    """Convert data to numbers, and check that they are finite unless the arguments forbid it."""
    array = as_floats(data, what)
    if check_finite is None:
        check_finite = nan_policy is None
    # A sum of squares is finite only if all terms are, and it is fast to compute.
    flat = array.ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        quickly = check_finite and isfinite(flat.dot(flat))
    if check_finite and not quickly and not np.isfinite(array).all():
        raise ValueError(f"array must not contain infs or NaNs: {what} {first_bad(array)}")
    if nan_policy is not None:
        if nan_policy == "propagate":
            raise ValueError("`nan_policy='propagate'` is not supported by this function.")
        if nan_policy not in ("raise", "omit"):
            raise ValueError(
                f"nan_policy must be one of {{None, 'raise', 'omit'}}, got {nan_policy!r}"
            )
        if nan_policy == "raise" and np.isnan(array).any():
            raise ValueError(f"The input contains nan values: {what} {first_bad(array)}")
    if array.size == 0 and what == "ydata":
        raise ValueError("`ydata` must not be empty!")
    return array


def weights_of(sigma: Any, y: FloatArray, kept: Any) -> FloatArray | None:
    """Return the weights of residuals: 1 / sigma, or the inverse of the covariance's factor."""
    if sigma is None:
        return None
    errors = _of_kept(as_floats(sigma, "sigma"), y.size, kept)
    if np.isnan(errors).any():
        raise ValueError(f"`sigma` must not be NaN: it {first_bad(errors)}")
    if errors.size == 1 or errors.shape == (y.size,):
        if errors.size == 1:
            errors = errors.reshape(())
        if not (errors != 0).all():
            at = place_in(np.argwhere(errors == 0)[0])
            raise ValueError(
                f"`sigma` must not be 0, because residuals are divided by it, got 0{at}"
            )
        return 1.0 / errors
    if errors.shape != (y.size, y.size):
        raise ValueError(
            f"`sigma` has incorrect shape: expected one number, ({y.size},) or "
            f"({y.size}, {y.size}), got {errors.shape}"
        )
    whole = np.flatnonzero(np.ones(y.size) if kept is None else kept)
    try:
        factor = np.linalg.cholesky(errors[np.ix_(whole, whole)])
    except np.linalg.LinAlgError:
        raise ValueError("`sigma` must be positive definite.") from None
    weights = np.zeros_like(errors)
    weights[np.ix_(whole, whole)] = np.linalg.inv(factor)
    return weights


def _of_kept(errors: FloatArray, m: int, kept: Any) -> FloatArray:
    """Return the errors with 1 for data that are left out, whose own may be NaN or 0."""
    if kept is None or errors.size == 1:
        return errors
    kept = np.ravel(kept)
    if errors.shape == (m,):
        return np.where(kept, errors, 1.0)
    return np.where(kept[:, None] & kept, errors, np.eye(m)) if errors.shape == (m, m) else errors


_IGNORED = ("epsfcn", "col_deriv", "diff_step", "tr_solver", "tr_options", "jac_sparsity",
            "workers", "factor")  # fmt: skip
_SETTINGS = ("loss", "f_scale", "x_scale", "ftol", "xtol", "gtol", "max_nfev", "max_time")
_USUAL = SquaresSettings()


def squares_settings(kwargs: dict[str, Any]) -> SquaresSettings:
    """Read the further keywords of `curve_fit`, those of `least_squares` and of `leastsq`."""
    if not kwargs:
        return _USUAL
    if "args" in kwargs:
        raise ValueError("'args' is not a supported keyword argument.")
    given = {name: value for name, value in kwargs.items() if name not in _IGNORED}
    maxfev, diag = given.pop("maxfev", None), given.pop("diag", None)
    if given.get("max_nfev") is None:
        given["max_nfev"] = maxfev
    if given["max_nfev"] == 0:
        given["max_nfev"] = None  # leastsq uses 0 for the default
    if diag is not None:
        given["x_scale"] = 1.0 / as_floats(diag, "diag")
    if unknown := [name for name in given if name not in _SETTINGS]:
        raise TypeError(f"curve_fit() got an unexpected keyword argument {unknown[0]!r}")
    return SquaresSettings(**given)


def between(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return a start inside bounds: the middle, or 1 from the only bound, or 1 without bounds."""
    low, high = np.isfinite(lower), np.isfinite(upper)
    start = np.ones(lower.shape)
    start[low & high] = 0.5 * (lower[low & high] + upper[low & high])
    start[low & ~high] = lower[low & ~high] + 1.0
    start[~low & high] = upper[~low & high] - 1.0
    return start


def residuals(values: Any, sample: Sample) -> Any:
    """Return the residuals of a sample as a vector; values may be numbers or traced."""
    y, weights, kept = sample
    if values.shape != y.shape:
        check_shapes(values.shape, y.shape)
    r = values - y
    if kept is not None:
        r = np.where(kept > 0, r, 0.0)
    r = np.ravel(r)
    if weights is None:
        return r
    return weights @ r if weights.ndim == 2 else r * weights


def check_shapes(values: tuple[int, ...], data: tuple[int, ...]) -> None:
    """Raise ValueError if values and data do not give one residual for each of the data."""
    try:
        size = prod(np.broadcast_shapes(values, data))
    except ValueError:
        size = 0
    if size != prod(data) != 1:
        raise ValueError(
            f"ydata must have the shape of the model's values, {values}, got {data}"
            + ": ravel() makes one axis of both" * (prod(values) == prod(data))
        )
