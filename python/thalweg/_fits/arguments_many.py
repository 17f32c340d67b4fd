# SPDX-License-Identifier: BSD-3-Clause
"""Read and check the arguments of many fits: data, predictors, starts, errors and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.arguments import box_of, is_data
from thalweg._fits.chunks import LeadingRows, as_numbers, at_hand, filled, numbers_or_lazy
from thalweg._fits.fits import Fits
from thalweg._fits.verdicts import Arrays, fields_of
from thalweg._objectives.points import FloatArray, argument_names, as_floats
from thalweg._objectives.signatures import Parameters, split
from thalweg._parameters.named import (
    bounds_by_name,
    check_untied,
    names_for,
    starts_by_name,
    values_by_name,
)
from thalweg._parameters.plan import Plan
from thalweg._results.reasons import Reason
from thalweg._tracing.numbers import as_array, first_bad, is_lazy
from thalweg._tracing.trace import Trace, trace_call

__all__ = [
    "box_around", "check_finite", "check_starts", "chosen_of", "data_of", "errors_of", "fixed_of",
    "model_elsewhere", "name_of", "outputs_of", "parameters_of", "predictors_of", "starts_for",
    "starts_of",
]  # fmt: skip

Shape = tuple[int, ...]


def data_of(ydata: Any) -> tuple[npt.NDArray[Any], Shape]:
    """Return the data (..., m), which are not copied or computed, and their leading axes."""
    try:
        data = numbers_or_lazy(ydata, "ydata")
    except ValueError as error:
        if "ragged" not in str(error):
            raise
        raise ValueError(
            f"{error}: fill shorter data sets up with NaN, which is left out, or fit data sets of "
            "different lengths by fit_together"
        ) from None
    if data.ndim == 0:
        raise ValueError("ydata must have shape (..., m), got a single number")
    if data.shape[-1] == 0:
        raise ValueError(f"`ydata` must not be empty!, got shape {data.shape}")
    return data, data.shape[:-1]


def predictors_of(
    xdata: Any, lead: Shape, m: int
) -> tuple[Callable[[list[Any]], Any], list[npt.NDArray[Any]], list[FloatArray]]:
    """Separate the predictors that differ between fits from those that are the same for all.

    Returns
    -------
    joined : callable
        Builds the first argument of the model from the traced predictors.
    varying : list of ndarray
        The predictors that differ between fits.
    known : list of ndarray
        The predictors that are the same for all fits and contain NaN.
    """
    if not is_data(xdata):
        return lambda _: xdata, [], []
    if isinstance(xdata, tuple) and any(np.ndim(x) for x in xdata):
        parts = [numbers_or_lazy(x, f"xdata[{i}]") for i, x in enumerate(xdata)]
        for i, x in enumerate(parts):
            if x.shape not in ((m,), (*lead, m)):
                wanted = f"({m},)" + (f" or {(*lead, m)}" if lead else "")
                raise ValueError(f"xdata[{i}] must have shape {wanted}, got {x.shape}")
        each = [bool(lead) and x.shape != (m,) for x in parts]
        same = [None if e else filled(x) for e, x in zip(each, parts, strict=True)]
        if not any(each):
            return _as_it_is(np.ma.stack(parts), m)

        def joined(traced: list[Any]) -> Any:
            rest = iter(traced)
            return tuple(next(rest) if x is None else x for x in same)

        varying = [x for e, x in zip(each, parts, strict=True) if e]
        return joined, varying, [x for x in same if x is not None and np.isnan(x).any()]
    x = numbers_or_lazy(xdata, "xdata")
    if lead and x.shape == (*lead, m):
        return lambda traced: traced[0], [x], []
    return _as_it_is(x, m)


def name_of(f: Any) -> str:
    """Return the name of a function, for reports."""
    return str(getattr(f, "__name__", type(f).__name__))


def model_elsewhere(
    f: Callable[..., Any],
) -> Callable[[Any, Shape, int], tuple[Callable[..., Any], list[npt.NDArray[Any]]]]:
    """Return a function that gives the model for other predictors, and those that differ by fit."""
    own = Parameters.of(f)

    def elsewhere(
        xdata: Any, lead: Shape, m: int
    ) -> tuple[Callable[..., Any], list[npt.NDArray[Any]]]:
        shared, varying, _ = predictors_of(at_hand(xdata), lead, m)

        def values(trace: Trace, predictors: list[Any], parameters: list[Any]) -> Any:
            return trace_call(trace, f, *split((shared(predictors), *parameters), own.named))

        return values, varying

    return elsewhere


def _as_it_is(
    x: npt.NDArray[Any], m: int
) -> tuple[Callable[[list[Any]], Any], list[npt.NDArray[Any]], list[FloatArray]]:
    floats = filled(x).copy()
    known: list[FloatArray] = []
    if np.isnan(floats).any():
        if floats.shape[-1:] != (m,):
            raise ValueError(f"xdata contains NaN, so its shape {x.shape} must end in {m}")
        known = list(floats.reshape(-1, m))
    return lambda _: floats, [], known


def parameters_of(
    f: Callable[..., Any],
    p0: Any,
    lead: Shape,
    data: npt.NDArray[Any],
    fixed: Any = None,
    ties: Any = None,
) -> tuple[list[str], Any]:
    """Return the names of the parameters, and the starts: (p,), (..., p) or a function."""
    if not callable(f):
        raise TypeError(f"f must be a function f(x, a, b, ...), got {type(f).__name__}")
    if isinstance(p0, dict) or (p0 is None and (fixed or ties)):
        names = names_for(f, p0, fixed, ties)
        return names, starts_for(p0, names, lead, fixed, ties)
    names = argument_names(f)[1:]
    start = p0
    if callable(p0):
        if not names and is_lazy(data):
            raise ValueError(
                "the signature of f must name its parameters if ydata is a Dask array and p0 a "
                "function: define f as f(x, a, b, ...)"
            )
        if not names:
            first = LeadingRows(data, lead).read(0, 1).view()
            first.flags.writeable = False
            count = np.shape(p0(first))[-1:]
            names = [f"p{i}" for i in range(*count)]
    elif p0 is not None:
        start = starts_of(p0, lead)
        if len(names) < start.shape[-1]:
            names = [f"p{i}" for i in range(start.shape[-1])]
        names = names[: start.shape[-1]]
    if not names:
        raise ValueError(
            "Unable to determine number of fit parameters: define f as f(x, a, b, ...), or pass p0"
        )
    return names, np.ones(len(names)) if p0 is None else start


def starts_for(p0: Any, names: list[str], lead: Shape, fixed: Any = None, ties: Any = None) -> Any:
    """Return starts that may be given by name; None for ones."""
    if p0 is None:
        return np.ones(len(names))
    if not isinstance(p0, dict):
        return starts_of(p0, lead)
    optional = {*(fixed if isinstance(fixed, dict) else ()), *(ties or ())}
    return starts_by_name(p0, names, lead, optional)


def starts_of(p0: Any, lead: Shape) -> Any:
    """Check starts (p,) or (..., p); return a function that makes starts unchanged."""
    if callable(p0):
        return p0
    start = p0 if is_lazy(p0) and p0.ndim > 1 else np.atleast_1d(as_array(p0, "p0"))
    if start.shape[-1] == 0:
        raise ValueError("p0 must not be empty")
    if start.ndim > 1:
        try:
            return np.broadcast_to(start, (*lead, start.shape[-1]))
        except ValueError:
            raise ValueError(
                f"p0 must have shape (p,) or {(*lead, 'p')}, got {start.shape}"
            ) from None
    return start


def errors_of(sigma: Any, lead: Shape, m: int) -> tuple[npt.NDArray[Any] | None, FloatArray | None]:
    """Return errors that differ between fits, or inverse errors that are the same for all."""
    if sigma is None:
        return None, None
    errors = as_numbers(sigma, "sigma")
    if errors.size == 1 or errors.shape == (m,):
        one = as_floats(errors, "sigma").reshape(errors.shape if errors.size > 1 else ())
        if not (one > 0).all():
            raise ValueError(f"`sigma` must be positive, got {np.min(one)}")
        return None, np.asarray(1.0 / one)
    try:
        return np.broadcast_to(errors, (*lead, m), subok=True), None
    except ValueError:
        raise ValueError(
            f"`sigma` has incorrect shape: expected one number, ({m},) or {(*lead, m)}, "
            f"got {errors.shape}"
        ) from None


def fixed_of(
    fixed: Any, names: list[str], lead: Shape, which: npt.NDArray[np.intp] | None = None
) -> dict[str, Any]:
    """Return the values of fixed parameters by name: a number, or one for each fit in `which`.

    A parameter that is fixed at its start has None.
    """
    constant: dict[str, Any] = dict.fromkeys(fixed or ())
    for name, value in values_by_name(fixed, names, lead).items():
        constant[name] = LeadingRows(value, lead, which) if value.ndim else float(value)
    return constant


def box_around(bounds: Any, names: list[str], plan: Plan, lead: Shape = ()) -> list[FloatArray]:
    """Return [lower, upper] bounds of the parameters, or [] if none is bounded.

    They are (p,), or (*lead, p) if they differ between fits.
    """
    if isinstance(bounds, dict):
        given = bounds_by_name(bounds, names, lead)
        check_untied(given, names, plan)
        box: list[FloatArray] = [*np.broadcast_arrays(*given)]
        if not any(np.isfinite(end).any() for end in box):
            return []
    else:
        box = box_of(bounds, names, plan)
    if box and not (box[0] < box[1]).all():
        at = tuple(np.argwhere(~(box[0] < box[1]))[0])
        fit = f" of fit {np.ravel_multi_index(at[:-1], lead)}" if len(at) > 1 else ""
        raise ValueError(
            "Each lower bound must be strictly less than each upper bound, got "
            f"({box[0][at]}, {box[1][at]}) for {names[at[-1]]}{fit}"
        )
    return [np.ascontiguousarray(end) for end in box]


def check_starts(
    start: Any,
    box: list[FloatArray],
    free: Sequence[int],
    names: list[str],
    fixed: Sequence[int] = (),
) -> None:
    """Raise ValueError if a start is not finite or lies outside the bounds.

    The parameters in `fixed` keep their starts, which must be finite.
    """
    if callable(start):  # its starts are checked, and moved inside, once it has returned them
        return
    if box and box[0].ndim > start.ndim:
        start = np.broadcast_to(start, box[0].shape)
    k = prod(start.shape[:-1])
    if start.shape[-1] != len(names):
        raise ValueError(f"p0 must have {len(names)} entries, got {start.shape[-1]}")
    rows = LeadingRows(start, start.shape[:-1])
    for a in range(0, k, _PIECE):
        some = rows.read(a, min(a + _PIECE, k))
        which = [*free, *fixed]
        wrong = ~np.isfinite(some[:, which])
        if wrong.any():
            fit, i = np.argwhere(wrong)[0]
            raise ValueError(f"p0 must be finite, got {some[fit, which[i]]} for {names[which[i]]} "
                             f"of fit {a + fit}")  # fmt: skip
        if not box:
            continue
        some = some[:, list(free)]
        low, high = (
            end[list(free)] if end.ndim == 1 else
            LeadingRows(end, end.shape[:-1]).read(a, min(a + _PIECE, k))[:, list(free)]
            for end in box
        )  # fmt: skip
        wrong = (some < low) | (some > high)
        if wrong.any():
            fit, i = np.argwhere(wrong)[0]
            low, high = (np.broadcast_to(end, some.shape)[fit, i] for end in (low, high))
            raise ValueError(
                f"Initial guess is outside of provided bounds: {some[fit, i]} is outside "
                f"[{low}, {high}] for {names[free[i]]} of fit {a + fit}"
            )


_PIECE = 65536


def check_finite(rows: LeadingRows, what: str, k: int, number: Callable[[int], int] = int) -> None:
    """Raise ValueError if one of k rows contains NaN or infinity; `number` gives that of a fit."""
    step = max(1, int(4e6) // max(prod(rows.own), 1))
    for a in range(0, k, step):
        some = rows.read(a, min(a + step, k))
        with np.errstate(over="ignore", invalid="ignore"):
            total = some.sum()
        if not isfinite(total) and not np.isfinite(some).all():
            fit = a + int(np.flatnonzero(~np.isfinite(some).all(axis=1))[0])
            raise ValueError(
                f"array must not contain infs or NaNs: {what} of fit {number(fit)} "
                f"{first_bad(some[fit - a])}"
            )


def chosen_of(mask: Any, resume: bool, out: Any, lead: Shape) -> npt.NDArray[np.intp] | None:
    """Return the numbers of the fits to make, or None for all.

    Those are the fits that `mask` marks and, to resume, those that `out` says were not made.
    """
    chosen: Any = None
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.dtype != np.bool_:
            raise TypeError(f"mask must be an array of bool, got {chosen.dtype}")
        try:
            chosen = np.broadcast_to(chosen, lead)
        except ValueError:
            raise ValueError(f"mask must have shape {lead}, got {chosen.shape}") from None
    if resume:
        given = out._arrays if isinstance(out, Fits) else out
        if not isinstance(given, dict) or not isinstance(given.get("reason"), np.ndarray):
            raise ValueError(
                "resume=True needs out= with the array 'reason' of an earlier call, in which fits "
                "to make are Reason.not_run or Reason.interrupted"
            )
        left = np.isin(given["reason"], (Reason.not_run, Reason.interrupted))
        chosen = left if chosen is None else chosen & left
    return None if chosen is None else np.flatnonzero(chosen)


def outputs_of(out: Any, lead: Shape, p: int) -> Arrays:
    """Return the arrays to fill with the results: those of the user, and new ones."""
    given = {} if out is None else out._arrays if isinstance(out, Fits) else out
    if not isinstance(given, dict):
        raise TypeError(f"out must be a dict of arrays or a Fits, got {type(out).__name__}")
    fields = fields_of(p)
    if unknown := sorted(set(given) - set(fields)):
        raise ValueError(f"out has {unknown[0]!r}; it may have {', '.join(fields)}")
    arrays: Arrays = {}
    for name, (own, kind) in fields.items():
        array = given.get(name, ...)
        if array is None and name in ("pcov", "perr"):
            continue
        if array is ...:
            array = np.empty((*lead, *own), dtype=kind)
        if not isinstance(array, np.ndarray) or array.shape != (*lead, *own):
            got = array.shape if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"out[{name!r}] must be an array of shape {(*lead, *own)}, got {got}")
        if not np.can_cast(kind, array.dtype, "same_kind") or not array.flags.writeable:
            raise ValueError(
                f"out[{name!r}] must be a writeable array of {np.dtype(kind)}, got {array.dtype}"
            )
        arrays[name] = array
    return arrays
