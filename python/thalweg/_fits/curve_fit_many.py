# SPDX-License-Identifier: BSD-3-Clause
"""`curve_fit_many`: one model fitted to many data at once; what is asked is checked here."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._descents.interrupts import Parts, carried, carries_result, how_many
from thalweg._descents.lanes import cores
from thalweg._descents.progress import Progress
from thalweg._fits.arguments import FREE, between, parameter_structure
from thalweg._fits.arguments_many import (
    check_finite,
    check_starts,
    check_words,
    data_of,
    errors_of,
    fixed_of,
    outputs_of,
    parameters_of,
    predictors_of,
    walls_around,
)
from thalweg._fits.chunks import Rows
from thalweg._fits.fit_lanes import SIDES, Arrays, FitLanes, failed
from thalweg._fits.fits import Fits
from thalweg._fits.information import warn
from thalweg._fits.least_squares import checked_scale, checked_stops, scale_of
from thalweg._fits.robust import checked_loss
from thalweg._fits.soundness import largest
from thalweg._fits.tapes import FitTapes, Layout, Values
from thalweg._objectives.points import FloatArray
from thalweg._objectives.signatures import Parameters, split
from thalweg._results.reasons import Reason
from thalweg._tracing.trace import Trace, trace_call

__all__ = ["curve_fit_many", "fit_many"]

Shape = tuple[int, ...]


@carries_result
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
        (k, p) or (p,), which it must not change; its starts are moved into the bounds. Ones by
        default, and where that gives nothing to be trusted the scale of the fit's own `xdata`
        (docs/fits.md); with bounds, a point between them.
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
        `nfev`, `n_missing`, `determined`, `worse`, `names`.

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
    shared, varying, known = predictors_of(xdata, lead, data.shape[-1])
    names, start = parameters_of(f, p0, lead, data)
    own = Parameters.of(f)

    def values(trace: Trace, predictors: list[Any], parameters: list[Any]) -> Any:
        return trace_call(trace, f, *split((shared(predictors), *parameters), own.named))

    return fit_many(
        values, names, start, data, varying, known, sigma=sigma, absolute_sigma=absolute_sigma,
        bounds=bounds, given=p0 is not None, fixed=fixed, loss=loss, f_scale=f_scale,
        likelihood=likelihood, nan_policy=nan_policy, threads=threads, progress=progress, out=out,
        x_scale=x_scale, stops=checked_stops(ftol, xtol, gtol, max_nfev, max_time),
        size=largest(() if varying else xdata) if p0 is None else None,
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
    size: float | None = None,
) -> Fits:
    """Fit a model of which `values` makes the values; its tapes are kept in `kept`."""
    began = time.perf_counter()
    lead, m, p = data.shape[:-1], data.shape[-1], len(names)
    check_words(nan_policy, likelihood)
    rho, f_scale = checked_loss(loss), checked_scale(f_scale)
    poisson = likelihood == "poisson"
    if poisson and sigma is not None:
        raise ValueError("likelihood='poisson' takes no `sigma`: counts have their own errors")
    if poisson and rho is not None:
        raise ValueError(f"likelihood='poisson' takes no `loss`, got {loss!r}")
    errors, weights = errors_of(sigma, lead, m)
    if absolute_sigma and sigma is None and not poisson:
        warn(
            "absolute_sigma=True without sigma: the covariances take the errors of ydata to be 1; "
            "give sigma, or leave absolute_sigma out"
        )
    constant = fixed_of(fixed, names, lead)
    free = [i for i, name in enumerate(names) if name not in constant]
    if not free:
        raise ValueError("`fixed` must leave a parameter to be fitted, got all of them")
    if len(free) > m:
        raise TypeError(
            f"The number of func parameters={len(free)} must not exceed the number of data "
            f"points={m}, of ydata of shape {data.shape}"
            + ": ravel() makes one fit of a column"
            * (m == 1)
        )
    walls = walls_around(bounds, p, names)
    if walls and not given:
        start = between(*walls)
    check_starts(start, walls, free, names)
    if not callable(start) and start.ndim > 1:
        start = Rows(start, lead)
    if stops["max_nfev"] is None:
        stops["max_nfev"] = 1000 * (len(free) + 1)
    scale = scale_of(x_scale, parameter_structure(p))
    y, predictors = Rows(data, lead), [Rows(x, lead) for x in varying]
    if nan_policy == "raise":
        if known:
            raise ValueError("array must not contain infs or NaNs: xdata does")
        check_finite(y, "ydata", prod(lead))
        for x in predictors:
            check_finite(x, "xdata", prod(lead))
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

    arrays = outputs_of(out, lead, p)
    theirs = set() if out is None else set(out.keys())
    lanes = FitLanes(
        prod(lead), layout, made, y, start, box, stops, nan_policy, f_scale,
        None if scale is None else np.ascontiguousarray(scale[free]), absolute_sigma, predictors,
        known, None if errors is None else Rows(errors, lead), weights,
        [constant[names[i]] for i in held], "pcov" in arrays, "perr" in arrays,
        cores(threads), size=size,
    )  # fmt: skip
    made(False)  # traced, and refused, before anything is read
    if not progress:
        return _run(lanes, arrays, theirs, lead, names, began)
    with Progress(True, total=lanes.k, unit="fits") as shown:
        lanes.progress = shown.count
        return _run(lanes, arrays, theirs, lead, names, began)


def _run(
    lanes: FitLanes,
    arrays: Arrays,
    given: set[str],
    lead: Shape,
    names: list[str],
    began: float,
) -> Fits:
    """Run chunk by chunk; arrays in `given` are the user's."""
    sides: Arrays = {name: np.empty(lead) for name in SIDES}
    fresh = {*arrays, *sides} - given
    rows = {name: Rows(array, lead) for name, array in (arrays | sides).items()}
    done = 0

    def run(parts: Parts) -> None:
        nonlocal done
        for a, b in lanes.chunks():
            part, error = lanes.run(a, b)
            for name, to in rows.items():
                if b - a == lanes.k and name in fresh:  # all at once: nothing is copied
                    into = sides if name in sides else arrays
                    into[name] = part[name].reshape(into[name].shape)
                else:
                    to.write(a, b, part[name])
            done = b
            if error is not None:
                return parts.append((None, {"error": error}))
            lanes.tell(b)
        return None

    def tell(_: Parts, seconds: float) -> Fits:
        if done < lanes.k:
            rest = failed(1, len(names), Reason.interrupted)
            for name, to in rows.items():
                to.write(done, lanes.k, rest[name])
        shared = {"names": list(names), "elapsed": seconds}
        about = {"max_nfev": lanes.stops["max_nfev"], "free": list(lanes.layout.free)}
        return Fits(arrays, lead, shared, sides, about)

    def holds(_: Parts) -> str:
        begun = int(np.count_nonzero(arrays["reason"].reshape(-1)[:done] != Reason.interrupted))
        return how_many(begun, lanes.k)

    return carried(began, run, tell, holds)
