# SPDX-License-Identifier: BSD-3-Clause
"""Fit one curve, with the interface of SciPy's `curve_fit` and exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.arguments import (
    Sample,
    between,
    box_of,
    check_method,
    checked_data,
    held_start,
    is_data,
    parameters,
    squares_settings,
    weights_of,
)
from thalweg._fits.model import Model
from thalweg._fits.running import fit_with_priors
from thalweg._fits.settings import FREE, CurveFitSettings
from thalweg._fits.soundness import largest, scales_of
from thalweg._objectives.points import FloatArray
from thalweg._parameters.named import plan_of
from thalweg._tracing.numbers import mask_of, without_masks

__all__ = ["curve_fit"]


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = FREE,
    method: str | None = None,
    jac: Any = None,
    *,
    fixed: Any = None,
    ties: dict[str, Callable[..., Any]] | None = None,
    priors: dict[str, Any] | None = None,
    full_output: bool = False,
    nan_policy: str | None = None,
    trace: bool = True,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """Fit a function's parameters to data by least squares, as `scipy.optimize.curve_fit` does.

    Parameters
    ----------
    f : callable
        The model ``f(x, a, b, ...)``, written in NumPy. It is called once, with traced parameters.
    xdata : array_like or object
        The points at which the data were measured, (m,), or (k, m) for k predictors. They are
        passed to `f`.
    ydata : array_like
        The data, (m,). Elements that are masked in `ydata`, `xdata` or `sigma` are left out.
    p0 : array_like or dict, optional
        The start, (n,), or a dict of starts by name, which may leave out parameters that are fixed
        or tied. The default is ones or, with bounds, a point between them. If a fit from
        the default start fails or is not sound, it starts again from the scale of `xdata`.
    sigma : None, scalar or array_like, optional
        The standard deviations of the data, one number or (m,), or their covariance (m, m).
    absolute_sigma : bool
        Whether `sigma` is absolute. If not, it is scaled so that the reduced chi squared is 1. A
        warning says if `sigma` is missing.
    check_finite : bool, optional
        Whether to raise an error if data are not finite; by default, only without `nan_policy`.
    bounds : 2-tuple of array_like, Bounds or dict
        Lower and upper bounds of the parameters. A dict holds pairs ``(low, high)`` by name, with
        None for an open end.
    method : {'lm', 'trf', 'dogbox'}, optional
        SciPy's names of methods, which all select the same method here; 'lm' refuses bounds.
    jac : callable or str, optional
        With ``trace=False``, the function ``jac(x, a, b, ...)`` that returns the Jacobian (m, n). A
        traced function is differentiated exactly, and `jac` is not called.
    fixed : dict or tuple of str, optional
        Parameters that are not fitted: a dict of their values by name, or the names of those that
        keep their starts. Their variances are 0.
    ties : dict, optional
        Parameters that are computed from others: functions by name, such as
        ``{"b": lambda a: 2 * a}``, written in NumPy. The names of their arguments are those of
        other parameters, which may be fitted, fixed or tied.
    priors : dict, optional
        What is known of parameters beforehand, by name: ``(mean, sd)`` of a normal distribution, or
        a function of the parameter, written in NumPy, that returns its -log density. Priors count
        as data. They need `sigma`, which is then absolute.
    full_output : bool
        Whether to return `infodict`, `mesg` and `ier` too.
    nan_policy : {None, 'raise', 'omit'}
        What to do with NaN in the data.
    trace : bool
        If False, `f` is called at every evaluation.
    **kwargs
        `ftol`, `xtol`, `gtol`, `max_nfev` (or `maxfev`), `x_scale`, `loss` and `f_scale`, as in
        `thalweg.least_squares`.

    Returns
    -------
    Fit
        The result, which unpacks as ``popt, pcov`` and has `report`, `predict`, `interval` and
        more: the parameters (n,), and their covariance (n, n), computed by QR of the Jacobian.
        Parameters that ended at a bound are left out: their rows and columns are NaN. With
        `full_output` it is a tuple of `popt`, `pcov` and the three below.
    infodict : dict
        `nfev`, `fvec`, `fjac`, `ipvt` and `qtf` as in SciPy; `rank` and `cond`, the rank and
        condition number of the Jacobian with columns scaled to unit length; and `active_mask`.
    mesg : str
        Why the fit ended.
    ier : int
        SciPy's code for that reason, 1 to 4.

    Raises
    ------
    ValueError
        If data are not finite, or if arguments do not match each other.
    RuntimeError
        If no minimum was found.

    Warns
    -----
    OptimizeWarning
        If the data do not determine a parameter, which the warning names. If it depends on others,
        the covariance is infinite. The warning is also given if the fit is worse than a constant.

    See Also
    --------
    curve_fit_many : Fit a model to many data sets at once.
    model : Trace a model once for several fits.
    least_squares : Minimize residuals of any kind.
    thalweg.plot.fit : Draw data, curve, confidence band and residuals.

    References
    ----------
    .. [1] J. J. Moré, "The Levenberg-Marquardt algorithm: Implementation and theory", Lecture Notes
       in Math. 630, 1978, 105-116, https://doi.org/10.1007/BFb0067700
    .. [2] D. M. Bates and D. G. Watts, *Nonlinear Regression Analysis and Its Applications*, Wiley,
       1988, https://doi.org/10.1002/9780470316757

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 4.0, 50)
    >>> rng = np.random.default_rng(0)
    >>> y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.2 * rng.normal(size=50)
    >>> popt, pcov = tw.curve_fit(lambda x, a, b, c: a * np.exp(-b * x) + c, x, y)
    >>> popt.round(2)
    array([2.53, 1.63, 0.62])
    """
    names, start = parameters(f, p0, fixed, ties)
    plan = plan_of(names, fixed, ties)
    box = box_of(bounds, names, plan)
    check_method(method, bool(box))
    if p0 is None and box:
        start = between(*box)
    start = held_start(start, names, fixed, plan)
    xdata, ydata, sigma = without_masked(xdata, ydata, sigma)
    y = checked_data(ydata, "ydata", check_finite, nan_policy)
    x = xdata
    if is_data(xdata):
        x = checked_data(xdata, "xdata", check_finite, nan_policy)
    if nan_policy == "omit":
        x, y, sigma = kept_rows(there(x, y), x, y, sigma)
    squares = squares_settings(kwargs)
    weights = None if sigma is None else weights_of(sigma, y, None)
    scales = scales_of(largest(x)) if p0 is None else ()
    settings = CurveFitSettings(squares, box, method, jac, bool(absolute_sigma), full_output, plan)
    model = Model(f, x, start, trace=trace)
    model.names = names
    if priors:
        problem = model.problem("a fit with priors", y.ravel(), start)
        problem.size = largest(x) if p0 is None else None
        return fit_with_priors(problem, sigma, priors, ties, settings)
    return model.fitted(Sample(y, weights, None), start, settings, scales)


def there(x: Any, y: FloatArray) -> npt.NDArray[np.bool_]:
    """Mark the data that are not NaN, and whose predictors, along the last axis of x, are not."""
    kept = ~np.isnan(y)
    if hasattr(x, "iloc"):  # a pandas object, whose rows are the data
        missing = np.asarray(x.isna()).reshape(len(x), -1).any(axis=1)
        return kept & ~missing if missing.shape == kept.shape else kept
    if not is_data(x):
        return kept
    return np.asarray(~np.isnan(x).any(axis=tuple(range(np.ndim(x) - 1))) & kept)


def without_masked(xdata: Any, ydata: Any, sigma: Any) -> tuple[Any, Any, Any]:
    """Return the data for which none of x, y and sigma is masked."""
    masks = [mask_of(ydata), mask_of(sigma), mask_of(xdata) if is_data(xdata) else None]
    if all(mask is None for mask in masks):
        return xdata, ydata, sigma
    kept = np.ones(np.shape(ydata), bool)
    for mask in masks:
        if mask is not None:
            kept = kept & ~mask.any(axis=tuple(range(mask.ndim - 1)))
    x = np.asarray(without_masks(xdata)) if is_data(xdata) else xdata
    return kept_rows(kept, x, np.asarray(without_masks(ydata)), without_masks(sigma))


def kept_rows(
    kept: npt.NDArray[np.bool_], x: Any, y: npt.NDArray[Any], sigma: Any
) -> tuple[Any, Any, Any]:
    """Select the data to keep, with their predictors and errors."""
    if kept.all():
        return x, y, sigma
    if sigma is not None:
        sigma = np.asarray(sigma)
        if sigma.ndim == 1 and sigma.size > 1:
            sigma = sigma[kept]
        elif sigma.ndim == 2:
            sigma = sigma[np.ix_(kept, kept)]
    if hasattr(x, "iloc") and len(x) == kept.size:
        return x.iloc[np.flatnonzero(kept)], y[kept], sigma
    if not is_data(x):
        raise ValueError(
            "missing data can be left out only if xdata is an array, a Series or a DataFrame with "
            f"a row for each, got {type(x).__name__}: remove them before the call"
        )
    return x[..., kept], y[kept], sigma
