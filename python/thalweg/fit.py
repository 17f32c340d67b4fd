# SPDX-License-Identifier: BSD-3-Clause
"""`curve_fit`: SciPy's, with exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg.fit_arguments import (
    FREE,
    check_method,
    checked_data,
    is_data,
    parameters,
    walls_of,
    weights_of,
)
from thalweg.models import Model
from thalweg.soundness import largest, scales_of
from thalweg.structure import FloatArray

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
    full_output: bool = False,
    nan_policy: str | None = None,
    trace: bool = True,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """Fit a function's parameters to data by least squares, as `scipy.optimize.curve_fit` does.

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)`` written in NumPy; called once, with traced parameters.
    xdata : array_like or object
        Where the data were measured: (m,), or (k, m) for k predictors; handed to `f`.
    ydata : array_like
        The data, (m,).
    p0 : array_like, optional
        The start (n,). By default ones; with bounds, a point between them.
    sigma : None, scalar or array_like, optional
        Standard deviations of the data, one or (m,), or their covariance (m, m).
    absolute_sigma : bool
        Whether `sigma` is meant as it stands; else it is scaled so that the reduced chi squared is
        1. A warning says where it stands without `sigma`.
    check_finite : bool, optional
        Refuse data that are not finite; by default where `nan_policy` is not given.
    bounds : 2-tuple of array_like, or Bounds
        Lower and upper ends of the parameters.
    method : {'lm', 'trf', 'dogbox'}, optional
        SciPy's names for what is one method here; 'lm' refuses bounds.
    jac : callable or str, optional
        With ``trace=False``: ``jac(x, a, b, ...)`` gives the Jacobian (m, n). A traced function is
        differentiated exactly, and `jac` is not called.
    full_output : bool
        Whether the last three of what is returned come too.
    nan_policy : {None, 'raise', 'omit'}
        What to do with NaN in the data.
    trace : bool
        False calls `f` at every evaluation.
    **kwargs
        `ftol`, `xtol`, `gtol`, `max_nfev` (or `maxfev`), `x_scale`, `loss`, `f_scale`, as in
        `thalweg.least_squares`.

    Returns
    -------
    popt : ndarray
        The parameters (n,).
    pcov : ndarray
        Their covariance (n, n), by QR of the Jacobian. Parameters that ended at a bound are left
        out: their rows and columns are NaN.
    infodict : dict
        `nfev`, `fvec`, `fjac`, `ipvt`, `qtf` as SciPy's; `rank` and `cond`, the rank and condition
        number of the Jacobian, its columns scaled to one length; `active_mask`.
    mesg : str
        Why it ended.
    ier : int
        SciPy's number for that, 1 to 4.

    Raises
    ------
    ValueError
        If data are not finite, or arguments do not fit each other.
    RuntimeError
        If no minimum was found.

    Warns
    -----
    OptimizeWarning
        If the covariance cannot be estimated: it is infinite then.

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
    names, start = parameters(f, p0)
    walls = walls_of(bounds, len(names))
    check_method(method, bool(walls))
    if p0 is None and walls:
        start = between(*walls)
    y = checked_data(ydata, "ydata", check_finite, nan_policy)
    x = xdata
    if is_data(xdata):
        x = checked_data(xdata, "xdata", check_finite, nan_policy)
        if nan_policy == "omit":
            x, y, sigma = without_nan(x, y, sigma)
    if "args" in kwargs:
        raise ValueError("'args' is not a supported keyword argument.")
    weights = None if sigma is None else weights_of(sigma, y, None)
    scales = scales_of(largest(x)) if p0 is None else ()
    return Model(f, x, start, trace=trace).fitted(
        y, start, weights, None, walls, method, jac, bool(absolute_sigma), full_output, kwargs,
        scales,
    )  # fmt: skip


def between(lower: FloatArray, upper: FloatArray) -> FloatArray:
    """A start within bounds: the middle, or one off the only bound there is, or one."""
    low, high = np.isfinite(lower), np.isfinite(upper)
    start = np.ones(lower.size)
    start[low & high] = 0.5 * (lower[low & high] + upper[low & high])
    start[low & ~high] = lower[low & ~high] + 1.0
    start[~low & high] = upper[~low & high] - 1.0
    return start


def without_nan(x: FloatArray, y: FloatArray, sigma: Any) -> tuple[FloatArray, FloatArray, Any]:
    """Data and their errors where nothing is NaN; the last axis of x is that of the data."""
    kept = ~(np.isnan(x).any(axis=tuple(range(x.ndim - 1))) | np.isnan(y))
    if kept.all():
        return x, y, sigma
    if sigma is not None:
        sigma = np.asarray(sigma)
        if sigma.ndim == 1 and sigma.size > 1:
            sigma = sigma[kept]
        elif sigma.ndim == 2:
            sigma = sigma[np.ix_(kept, kept)]
    return x[..., kept], y[kept], sigma
