# SPDX-License-Identifier: BSD-3-Clause
"""`curve_fit_many`: one model fitted to many data at once; what is asked is checked here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from math import isfinite, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg.chunks import Rows, as_numbers
from thalweg.fit import between
from thalweg.fit_arguments import FREE, is_data, parameter_structure, walls_of
from thalweg.fit_information import warn
from thalweg.fit_lanes import Arrays, FitLanes, failed, fields_of
from thalweg.fit_tapes import FitTapes, Layout, Values
from thalweg.fits import Fits
from thalweg.leastsq import checked_scale, checked_stops, scale_of
from thalweg.reasons import Reason
from thalweg.robust import checked_loss
from thalweg.structure import FloatArray, argument_names, as_floats
from thalweg.trace import trace_call

__all__ = ["curve_fit_many", "data_of", "fit_many", "starts_of"]

_POLICIES = ("omit", "raise", "propagate")
_LIKELIHOODS = ("gaussian", "poisson")
Shape = tuple[int, ...]


def curve_fit_many(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    *,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = FREE,
    fixed: dict[str, Any] | None = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    likelihood: str = "gaussian",
    nan_policy: str = "omit",
    threads: int | None = None,
    progress: bool = False,
    out: dict[str, Any] | Fits | None = None,
    x_scale: Any = None,
    ftol: float | None = 1e-10,
    xtol: float | None = 1e-10,
    gtol: float | None = 1e-10,
    max_nfev: int | None = None,
    max_time: float | None = None,
) -> Fits:
    """Fit a model to many data sets: a fit in every pixel, well, spectrum or trace.

    The model is traced once; all fits descend together in C++, each as `curve_fit` would alone.
    Memory stays bounded whatever their number: data are read, and answers written, in pieces.

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)`` written in NumPy; called once, with traced parameters.
    xdata : array_like, tuple or object
        Where the data were measured: (m,), the same for all fits, or (..., m) with the leading
        axes of `ydata`; a tuple is several predictors, each as above; any other two-dimensional
        array is (k, m), k predictors, as in SciPy. Anything else is handed to `f` as it is.
    ydata : array_like
        The data (..., m): any type of number, any order of axes, `np.memmap` too; read piece by
        piece. The leading axes are those of the answers.
    p0 : array_like or callable, optional
        Starts: (p,) for all fits, (..., p) for each, or a function of data (k, m) that returns
        (k, p) or (p,), whose starts are moved into the bounds. Ones by default; with bounds, a
        point between them.
    sigma : array_like, optional
        Standard deviations of the data: one number, (m,), or (..., m).
    absolute_sigma : bool
        Whether `sigma` is meant as it stands; else it is scaled, for each fit, so that its reduced
        chi squared is 1.
    bounds : 2-tuple of array_like, or Bounds
        Lower and upper ends of the parameters, for all fits.
    fixed : dict, optional
        Parameters that are not fitted, by name: a number, or an array like the leading axes.
    loss, f_scale
        A robust loss of squared residuals, and where it begins; as in `least_squares`.
    likelihood : {'gaussian', 'poisson'}
        'poisson': `ydata` are counts and the model their mean; the likelihood is maximized and
        the covariance is the inverse of Fisher's information. Takes neither `sigma` nor `loss`.
    nan_policy : {'omit', 'raise', 'propagate'}
        What a NaN in `ydata`, or in predictors, does: its value is left out of its fit, a
        ValueError (infinities too), or its fit is NaN.
    threads : int, optional
        By default as many as there are cores. The answers do not depend on it, to the bit.
    progress : bool
        Show on standard error how many fits are done.
    out : dict or Fits, optional
        Arrays to be filled in place of new ones, `np.memmap` for example: any of `popt`, `pcov`,
        `perr`, `cost`, `success`, `status`, `reason`, `nit`, `nfev`, `n_missing`. None for `pcov`
        or `perr` leaves it out.
    x_scale : None, 'jac' or array_like
        What each parameter is measured in; by default the norms of the Jacobian's columns say.
    ftol, xtol, gtol : float or None
        As in `least_squares`.
    max_nfev : int, optional
        Evaluations of each fit, at most; 1000 (p + 1) by default.
    max_time : float, optional
        Seconds, for all fits together.

    Returns
    -------
    Fits
        `popt` (..., p), `pcov` (..., p, p), `perr`, `cost`, `success`, `status`, `reason`, `nit`,
        `nfev`, `n_missing`, `names`.

    Raises
    ------
    ValueError
        If shapes do not fit each other, a start lies outside the bounds, or `sigma` is not
        positive. What fails in one fit only is told by its `reason`.
    TraceError
        If `f` does what cannot be traced.
    KeyboardInterrupt
        With ``.result``, the `Fits` as far as they are done: the others' reason is `interrupted`.

    See Also
    --------
    curve_fit : one fit.
    least_squares_many : residuals of any kind.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 4.0, 20)
    >>> a, b = np.array([1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0])
    >>> y = a[:, None] * np.exp(-x / b[:, None])
    >>> y[1, 3] = np.nan
    >>> fits = tw.curve_fit_many(lambda x, a, b: a * np.exp(-x / b), x, y)
    >>> fits.popt.round(6)
    array([[1. , 0.5],
           [2. , 1. ],
           [3. , 2. ]])
    >>> fits.success.all(), fits.n_missing
    (np.True_, array([0, 1, 0]))
    """
    data, lead = data_of(ydata)
    shared, varying, known = _predictors(xdata, lead, data.shape[-1])

    def values(_: Any, predictors: list[Any], parameters: list[Any]) -> Any:
        return trace_call(f, (shared(predictors), *parameters))

    names, start = _parameters(f, p0, lead, data)
    return fit_many(
        values, names, start, data, varying, known, sigma=sigma, absolute_sigma=absolute_sigma,
        bounds=bounds, given=p0 is not None, fixed=fixed, loss=loss, f_scale=f_scale,
        likelihood=likelihood, nan_policy=nan_policy, threads=threads, progress=progress, out=out,
        x_scale=x_scale, stops=checked_stops(ftol, xtol, gtol, max_nfev, max_time),
    )  # fmt: skip


def fit_many(
    values: Values,
    names: list[str],
    start: Any,
    data: npt.NDArray[Any],
    varying: list[npt.NDArray[Any]],
    known: list[FloatArray],
    *,
    sigma: Any,
    absolute_sigma: bool,
    bounds: Any,
    given: bool,
    fixed: dict[str, Any] | None,
    loss: Any,
    f_scale: float,
    likelihood: str,
    nan_policy: str,
    threads: int | None,
    progress: bool,
    out: Any,
    x_scale: Any,
    stops: dict[str, Any],
    kept: dict[Any, FitTapes] | None = None,
) -> Fits:
    """Fit a model of which `values` makes the values; its tapes are kept in `kept`."""
    began = time.perf_counter()
    lead, m, p = data.shape[:-1], data.shape[-1], len(names)
    _check_words(nan_policy, likelihood)
    rho, f_scale = checked_loss(loss), checked_scale(f_scale)
    poisson = likelihood == "poisson"
    if poisson and sigma is not None:
        raise ValueError("likelihood='poisson' takes no `sigma`: counts have their own errors")
    if poisson and rho is not None:
        raise ValueError(f"likelihood='poisson' takes no `loss`, got {loss!r}")
    errors, weights = _errors(sigma, lead, m)
    if absolute_sigma and sigma is None and not poisson:
        warn(
            "absolute_sigma=True without sigma: the covariances take the errors of ydata to be 1; "
            "give sigma, or leave absolute_sigma out"
        )
    constant = _fixed(fixed, names, lead)
    free = [i for i, name in enumerate(names) if name not in constant]
    if not free:
        raise ValueError("`fixed` must leave a parameter to be fitted, got all of them")
    if len(free) > m:
        raise TypeError(
            f"The number of func parameters={len(free)} must not exceed the number of data "
            f"points={m}"
        )
    walls = _walls(bounds, p, names)
    if walls and not given:
        start = between(*walls)
    _check_starts(start, walls, free, names)
    if stops["max_nfev"] is None:
        stops["max_nfev"] = 1000 * (len(free) + 1)
    scale = scale_of(x_scale, parameter_structure(p))
    y, predictors = Rows(data, lead), [Rows(x, lead) for x in varying]
    if nan_policy == "raise":
        _check_finite(y, "ydata", prod(lead))
        for x in predictors:
            _check_finite(x, "xdata", prod(lead))
    held = [i for i in range(p) if i not in free]
    layout = Layout(
        m, free, held, len(varying),
        (m,) if errors is not None else None if weights is None else weights.shape,
        rho, poisson,
    )  # fmt: skip
    box = [end[free] for end in walls]
    if nan_policy != "omit":
        known = []
    tapes = {} if kept is None else kept

    def made(missing: bool) -> FitTapes:
        key = (layout.key, missing, *(end.tobytes() for end in box), absolute_sigma)
        if key not in tapes:
            tapes[key] = FitTapes(values, layout, missing, box, absolute_sigma, known)
        return tapes[key]

    arrays = _outputs(out, lead, p)
    lanes = FitLanes(
        prod(lead), layout, made, y, start, box, stops, nan_policy, f_scale,
        None if scale is None else np.ascontiguousarray(scale[free]), absolute_sigma, predictors,
        known, None if errors is None else Rows(errors, lead), weights,
        [constant[names[i]] for i in held], "pcov" in arrays, "perr" in arrays,
        _checked_threads(threads),
    )  # fmt: skip
    made(False)  # traced, and refused, before anything is read
    if not progress:
        return _run(lanes, arrays, lead, names, began)
    from thalweg.progress import Progress

    with Progress(True, total=lanes.k, unit="fits") as shown:
        lanes.progress = shown.count
        return _run(lanes, arrays, lead, names, began)


def _run(
    lanes: FitLanes,
    arrays: Arrays,
    lead: Shape,
    names: list[str],
    began: float,
) -> Fits:
    """Run chunk by chunk."""
    rows = {name: Rows(array, lead) for name, array in arrays.items()}
    done, error = 0, None
    try:
        for a, b in lanes.chunks():
            part, error = lanes.run(a, b)
            for name, to in rows.items():
                to.write(a, b, part[name])
            done = b
            if error is not None:
                break
            lanes.tell(b)
    except KeyboardInterrupt as interrupt:
        error = interrupt
    if error is not None and done < lanes.k:
        rest = failed(1, len(names), Reason.interrupted)
        for name, to in rows.items():
            to.write(done, lanes.k, rest[name])
    shared = {"names": list(names), "elapsed": time.perf_counter() - began}
    fits = Fits(arrays, lead, shared, about={"max_nfev": lanes.stops["max_nfev"]})
    if isinstance(error, KeyboardInterrupt):
        error.result = fits  # type: ignore[attr-defined]
    if error is not None:
        raise error
    return fits


# ---- arguments, one paragraph each


def data_of(ydata: Any) -> tuple[npt.NDArray[Any], Shape]:
    """The data (..., m) as they lie, and their leading axes."""
    data = as_numbers(ydata, "ydata")
    if data.ndim == 0:
        raise ValueError("ydata must have shape (..., m), got a single number")
    if data.shape[-1] == 0:
        raise ValueError(f"`ydata` must not be empty!, got shape {data.shape}")
    return data, data.shape[:-1]


def _predictors(
    xdata: Any, lead: Shape, m: int
) -> tuple[Callable[[list[Any]], Any], list[npt.NDArray[Any]], list[FloatArray]]:
    """What `f` gets of the traced ones, those that differ by fit, those that may hold NaN."""
    if not is_data(xdata):
        return lambda _: xdata, [], []
    if isinstance(xdata, tuple) and any(np.ndim(x) for x in xdata):
        parts = [as_numbers(x, f"xdata[{i}]") for i, x in enumerate(xdata)]
        for i, x in enumerate(parts):
            if x.shape not in ((m,), (*lead, m)):
                wanted = f"({m},)" + (f" or {(*lead, m)}" if lead else "")
                raise ValueError(f"xdata[{i}] must have shape {wanted}, got {x.shape}")
        each = [bool(lead) and x.shape != (m,) for x in parts]
        same = [None if e else as_floats(x, "xdata") for e, x in zip(each, parts, strict=True)]
        if not any(each):
            return _as_it_is(np.stack(parts), m)

        def joined(traced: list[Any]) -> Any:
            rest = iter(traced)
            return tuple(next(rest) if x is None else x for x in same)

        varying = [x for e, x in zip(each, parts, strict=True) if e]
        return joined, varying, [x for x in same if x is not None and np.isnan(x).any()]
    x = as_numbers(xdata, "xdata")
    if lead and x.shape == (*lead, m):
        return lambda traced: traced[0], [x], []
    return _as_it_is(x, m)


def _as_it_is(
    x: npt.NDArray[Any], m: int
) -> tuple[Callable[[list[Any]], Any], list[npt.NDArray[Any]], list[FloatArray]]:
    floats = np.array(x, dtype=np.float64)
    known: list[FloatArray] = []
    if np.isnan(floats).any():
        if floats.shape[-1:] != (m,):
            raise ValueError(f"xdata holds NaN, and its shape {x.shape} does not end in {m}")
        known = list(floats.reshape(-1, m))
    return lambda _: floats, [], known


def _parameters(
    f: Callable[..., Any], p0: Any, lead: Shape, data: npt.NDArray[Any]
) -> tuple[list[str], Any]:
    """Names, and starts: (p,), (..., p) or a function."""
    if not callable(f):
        raise TypeError(f"f must be a function f(x, a, b, ...), got {type(f).__name__}")
    names = argument_names(f)[1:]
    start = p0
    if callable(p0):
        if not names:
            count = np.shape(p0(Rows(data, lead).read(0, 1)))[-1:]
            names = [f"p{i}" for i in range(*count)]
    elif p0 is not None:
        start = starts_of(p0, lead)
        if len(names) < start.shape[-1]:
            names = [f"p{i}" for i in range(start.shape[-1])]
        names = names[: start.shape[-1]]
    if not names:
        raise ValueError(
            "Unable to determine number of fit parameters: f must be f(x, a, b, ...), or p0 be "
            "given"
        )
    return names, np.ones(len(names)) if p0 is None else start


def starts_of(p0: Any, lead: Shape) -> Any:
    """Starts (p,) or (..., p), or the function that makes them."""
    if callable(p0):
        return p0
    start = np.atleast_1d(as_numbers(p0, "p0"))
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


def _check_words(nan_policy: Any, likelihood: Any) -> None:
    if nan_policy not in _POLICIES:
        raise ValueError(f"nan_policy must be one of {_POLICIES}, got {nan_policy!r}")
    if likelihood not in _LIKELIHOODS:
        raise ValueError(f"likelihood must be one of {_LIKELIHOODS}, got {likelihood!r}")


def _errors(sigma: Any, lead: Shape, m: int) -> tuple[npt.NDArray[Any] | None, FloatArray | None]:
    """Errors that differ by fit, or inverse errors that do not."""
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
            f"`sigma` has incorrect shape: wanted one number, ({m},) or {(*lead, m)}, "
            f"got {errors.shape}"
        ) from None


def _fixed(fixed: Any, names: list[str], lead: Shape) -> dict[str, Any]:
    """Fixed parameters: a number, or rows of one number a fit."""
    if fixed is None:
        return {}
    if not isinstance(fixed, dict):
        raise TypeError(f"fixed must be a dict of values by name, got {type(fixed).__name__}")
    constant: dict[str, Any] = {}
    for name, value in fixed.items():
        if name not in names:
            raise ValueError(f"fixed: the model has no {name!r}; it has {', '.join(names)}")
        array = as_numbers(value, f"fixed[{name!r}]")
        if array.size == 1:
            constant[name] = float(array.reshape(()))
            if not isfinite(constant[name]):
                raise ValueError(f"fixed[{name!r}] must be finite, got {constant[name]}")
            continue
        try:
            constant[name] = Rows(np.broadcast_to(array, lead), lead)
        except ValueError:
            raise ValueError(
                f"fixed[{name!r}] must be a number or have shape {lead}, got {array.shape}"
            ) from None
    return constant


def _walls(bounds: Any, p: int, names: list[str]) -> list[FloatArray]:
    if isinstance(bounds, tuple | list) and len(bounds) != 2:
        raise ValueError(f"`bounds` must contain 2 elements, got {len(bounds)}")
    walls = walls_of(bounds, p)
    for i in range(p if walls else 0):
        if not walls[0][i] < walls[1][i]:
            raise ValueError(
                "Each lower bound must be strictly less than each upper bound, got "
                f"({walls[0][i]}, {walls[1][i]}) for {names[i]}"
            )
    return [np.ascontiguousarray(end) for end in walls]


def _check_starts(start: Any, walls: list[FloatArray], free: list[int], names: list[str]) -> None:
    """Refuse starts that are not finite, or outside the bounds; a function's are moved inside."""
    if callable(start):
        return
    k = prod(start.shape[:-1])
    if start.shape[-1] != len(names):
        raise ValueError(f"p0 must have {len(names)} entries, got {start.shape[-1]}")
    rows = Rows(start, start.shape[:-1])
    for a in range(0, k, _PIECE):
        some = rows.read(a, min(a + _PIECE, k))[:, free]
        wrong = ~np.isfinite(some)
        if wrong.any():
            fit, i = np.argwhere(wrong)[0]
            raise ValueError(f"p0 must be finite, got {some[fit, i]} for {names[free[i]]} of fit "
                             f"{a + fit}")  # fmt: skip
        if not walls:
            continue
        low, high = (end[free] for end in walls)
        wrong = (some < low) | (some > high)
        if wrong.any():
            fit, i = np.argwhere(wrong)[0]
            raise ValueError(
                f"Initial guess is outside of provided bounds: {some[fit, i]} is outside "
                f"[{low[i]}, {high[i]}] for {names[free[i]]} of fit {a + fit}"
            )


_PIECE = 65536


def _check_finite(rows: Rows, what: str, k: int) -> None:
    step = max(1, int(4e6) // max(prod(rows.own), 1))
    for a in range(0, k, step):
        some = rows.read(a, min(a + step, k))
        if not isfinite(some.sum()) and not np.isfinite(some).all():
            fit = a + int(np.flatnonzero(~np.isfinite(some).all(axis=1))[0])
            raise ValueError(f"array must not contain infs or NaNs: {what} of fit {fit} does")


def _outputs(out: Any, lead: Shape, p: int) -> Arrays:
    """The arrays that are filled: those given, and new ones for the rest."""
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
                f"out[{name!r}] must be writeable and hold {np.dtype(kind)}, got {array.dtype}"
            )
        arrays[name] = array
    return arrays


def _checked_threads(threads: Any) -> int:
    from thalweg.objective import checked_threads

    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (
            os.cpu_count() or 1)  # fmt: skip
    return checked_threads(threads)
