# SPDX-License-Identifier: BSD-3-Clause
"""Fit one model to many data sets at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from thalweg._descents.interrupts import carries_result
from thalweg._fits.arguments_many import (
    data_of,
    model_elsewhere,
    name_of,
    parameters_of,
    predictors_of,
)
from thalweg._fits.chunks import at_hand
from thalweg._fits.fits import Fits
from thalweg._fits.running import ManyProblem, fit_many
from thalweg._fits.settings import FREE, ManyFitSettings
from thalweg._fits.soundness import largest
from thalweg._objectives.signatures import Parameters, split
from thalweg._tracing.trace import Trace, trace_call

__all__ = ["curve_fit_many"]


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
    fixed: Any = None,
    ties: dict[str, Callable[..., Any]] | None = None,
    priors: dict[str, Any] | None = None,
    mask: Any = None,
    shared: str | Sequence[str] | None = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    likelihood: str = "gaussian",
    nan_policy: str = "omit",
    threads: int | None = None,
    progress: bool = False,
    out: dict[str, Any] | Fits | None = None,
    resume: bool = False,
    x_scale: Any = None,
    ftol: float | None = 1e-10,
    xtol: float | None = 1e-10,
    gtol: float | None = 1e-10,
    max_nfev: int | None = None,
    max_time: float | None = None,
) -> Fits:
    """Fit a model to many data sets: a fit in every pixel, well, spectrum or trace.

    The model is traced once. All fits run together in C++, and each gives the same result as
    `curve_fit` would. Data are read and results written in pieces, so that memory stays bounded for
    any number of fits.

    Parameters
    ----------
    f : callable
        The model ``f(x, a, b, ...)``, written in NumPy. It is called once, with traced parameters.
    xdata : array_like, tuple or object
        The points at which the data were measured: (m,) for all fits, or (..., m) with the leading
        axes of `ydata`. A tuple holds several predictors of this kind. Any other two-dimensional
        array is (k, m), k predictors, as in SciPy. Anything else is passed to `f` unchanged.
    ydata : array_like
        The data (..., m), of any numeric dtype and with axes in any order, including `np.memmap`.
        They are read piece by piece. The results have the same leading axes. A Dask array is not
        computed: the result is then a `LazyFits`, with one task for each chunk of the leading axes.
        A chunk must span the last axis.
    p0 : array_like, dict or callable, optional
        The starts: (p,) for all fits, (..., p) for each fit, a dict by name of numbers or of arrays
        in the shape of the leading axes, or a function of data (k, m) that returns (k, p), (p,) or
        a dict of (k,) and does not change the data; its starts are moved inside the bounds. A dict
        may leave out parameters that are fixed or tied.
        The default is ones or, with bounds, a point between them. A fit from the default start that
        fails or is not sound starts again from the scale of its own `xdata`.
    sigma : array_like, optional
        The standard deviations of the data: one number, (m,), or (..., m).
    absolute_sigma : bool
        Whether `sigma` is absolute. If not, it is scaled for each fit so that the reduced chi
        squared is 1.
    bounds : 2-tuple of array_like, Bounds or dict
        Lower and upper bounds of the parameters. A dict holds pairs
        ``(low, high)`` by name, with None for an open end; its ends may be arrays in the shape of
        the leading axes.
    fixed : dict or tuple of str, optional
        Parameters that are not fitted: a dict of their values by name, numbers or arrays in the
        shape of the leading axes, or the names of those that keep their starts.
    ties : dict, optional
        Parameters that are computed from others: functions by name, as in `curve_fit`.
    priors : dict, optional
        What is known of parameters beforehand, by name, as in `curve_fit`; means and sds may be
        arrays in the shape of the leading axes. `sigma` is then absolute.
    mask : array_like of bool, optional
        Which fits to make, in the shape of the leading axes. The others cost nothing; their results
        are NaN, with the reason `not_run`.
    shared : str or sequence of str, optional
        The names of parameters that have one value for all fits; the other parameters are each
        fit's own. All data are then fitted together, and `joint` of the result describes what they
        share. `max_nfev` limits the evaluations of each set.
    loss, f_scale
        A robust loss of squared residuals, and the residual beyond which data count as outliers, as
        in `least_squares`.
    likelihood : {'gaussian', 'poisson'}
        With 'poisson', `ydata` are counts and the model is their mean. The likelihood is maximized,
        and the covariance is the inverse of Fisher's information. `sigma` and `loss` must then be
        left out.
    nan_policy : {'omit', 'raise', 'propagate'}
        How to treat NaN in `ydata` or in predictors: leave out the value, raise ValueError (also
        for infinities), or return NaN for that fit.
    threads : int, optional
        The number of threads, by default one for each core, and 1 within a task of Dask. The
        results are the same for any number, bit for bit.
    progress : bool
        Whether to show on standard error how many fits have ended.
    out : dict or Fits, optional
        Arrays to fill instead of new ones, such as `np.memmap`: any of `popt`, `pcov`, `perr`,
        `cost`, `success`, `status`, `reason`, `nit`, `nfev`, `n_missing`, `determined`, `worse`.
        None for `pcov` or `perr` leaves it out. A call first sets `reason` to `not_run`.
    resume : bool
        Whether to make only those fits whose `reason` in `out` is `not_run` or `interrupted`. All
        other fits keep their results. In new arrays fill `reason` with ``Reason.not_run``.
    x_scale : None, 'jac' or array_like
        The unit of each parameter; by default, the norms of the Jacobian's columns decide.
    ftol, xtol, gtol : float or None
        As in `least_squares`.
    max_nfev : int, optional
        Maximum number of evaluations in each fit, by default 1000 (p + 1).
    max_time : float, optional
        Maximum duration of all fits together, in seconds; with Dask, of those of each chunk.

    Returns
    -------
    Fits or LazyFits
        `popt` (..., p), `pcov` (..., p, p), `perr`, `cost`, `success`, `status`, `reason`, `nit`,
        `nfev`, `n_missing`, `determined`, `worse`, `names`.

    Raises
    ------
    ValueError
        If shapes do not match, a start lies outside the bounds, or `sigma` is not positive. If a
        single fit fails, its `reason` says why. With Dask arrays: if `out`, `resume`, `shared` or
        `progress` are given, or the data of a fit lie in several chunks.
    TraceError
        If `f` cannot be traced.
    KeyboardInterrupt
        On Ctrl-C, with the partial `Fits` in ``.result``. Fits that were not done have the reason
        `interrupted`.

    See Also
    --------
    curve_fit : Fit one data set.
    model : Trace a model once for several calls.
    least_squares_many : Minimize residuals of any kind from many starts.
    LazyFits : The result if data are Dask arrays.
    thalweg.plot.maps : Draw the parameters of an image as maps.

    References
    ----------
    .. [1] J. J. Moré, "The Levenberg-Marquardt algorithm: Implementation and theory", Lecture Notes
       in Math. 630, 1978, 105-116, https://doi.org/10.1007/BFb0067700
    .. [2] S. Baker and R. D. Cousins, "Clarification of the use of chi-square and likelihood
       functions in fits to histograms", Nucl. Instrum. Methods 221, 1984, 437-442,
       https://doi.org/10.1016/0167-5087(84)90016-4

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
    given = locals()
    data, lead = data_of(ydata)
    xdata = at_hand(xdata, data.shape if lead else None)
    joined, varying, known = predictors_of(xdata, lead, data.shape[-1])
    names, start = parameters_of(f, p0, lead, data, fixed, ties)
    own = Parameters.of(f)

    def values(trace: Trace, predictors: list[Any], parameters: list[Any]) -> Any:
        return trace_call(trace, f, *split((joined(predictors), *parameters), own.named))

    problem = ManyProblem(
        values=values, names=names, data=data, varying=varying, known=known,
        start=None if p0 is None else start,
        size=largest(() if varying else xdata) if p0 is None else None,
        elsewhere=model_elsewhere(f), name=name_of(f),
    )  # fmt: skip
    return fit_many(problem, ManyFitSettings.of(given))
