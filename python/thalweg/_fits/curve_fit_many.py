# SPDX-License-Identifier: BSD-3-Clause
"""`curve_fit_many`: fits one model to many data sets at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thalweg._descents.interrupts import carries_result
from thalweg._fits.arguments_many import data_of, parameters_of, predictors_of
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
        array is (k, m), k predictors, as in SciPy. Anything else is passed to `f` as it is.
    ydata : array_like
        The data (..., m): any type of number, any order of axes, `np.memmap` too; read piece by
        piece. The leading axes are those of the answers.
    p0 : array_like or callable, optional
        Starts: (p,) for all fits, (..., p) for each, or a function of data (k, m) that returns
        (k, p) or (p,) and must not change the data; its starts are moved into the bounds. Ones by
        default, and if that gives nothing to be trusted the scale of the fit's own `xdata`
        (docs/fits.md); with bounds, a point between them.
    sigma : array_like, optional
        Standard deviations of the data: one number, (m,), or (..., m).
    absolute_sigma : bool
        Whether `sigma` is absolute. If not, it is scaled, for each fit, so that the reduced chi
        squared is 1.
    bounds : 2-tuple of array_like, or Bounds
        Lower and upper bounds of the parameters, for all fits.
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
        positive. The failure of a single fit is in its `reason`.
    TraceError
        If `f` does what cannot be traced.
    KeyboardInterrupt
        With the partial `Fits` in ``.result``; fits that are missing have the reason `interrupted`.

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
    given = locals()
    data, lead = data_of(ydata)
    shared, varying, known = predictors_of(xdata, lead, data.shape[-1])
    names, start = parameters_of(f, p0, lead, data)
    own = Parameters.of(f)

    def values(trace: Trace, predictors: list[Any], parameters: list[Any]) -> Any:
        return trace_call(trace, f, *split((shared(predictors), *parameters), own.named))

    problem = ManyProblem(
        values=values, names=names, data=data, varying=varying, known=known,
        start=None if p0 is None else start,
        size=largest(() if varying else xdata) if p0 is None else None,
    )  # fmt: skip
    return fit_many(problem, ManyFitSettings.of(given))
