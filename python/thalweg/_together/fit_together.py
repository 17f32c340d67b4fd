# SPDX-License-Identifier: BSD-3-Clause
"""Fit data sets of different models together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg._descents.interrupts import carries_result
from thalweg._fits.fits import Fits
from thalweg._fits.model import Model
from thalweg._fits.settings import FREE, ManyFitSettings
from thalweg._together.joint import Together
from thalweg._together.joint_fit import JointFit, SetsRun, checked_names

__all__ = ["fit_together"]


@carries_result
def fit_together(
    models: Sequence[Model],
    ydata: Sequence[Any],
    p0: Any = None,
    *,
    shared: str | Sequence[str],
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    fixed: Any = None,
    ties: Any = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    likelihood: str = "gaussian",
    nan_policy: str = "omit",
    threads: int | None = None,
    progress: bool = False,
    ftol: float | None = 1e-10,
    xtol: float | None = 1e-10,
    gtol: float | None = 1e-10,
    max_nfev: int | None = None,
    max_time: float | None = None,
) -> Together:
    """Fit data sets of different models or lengths together, with some parameters in common.

    Parameters are matched by name: those in `shared` have one value in all models that have them;
    any other parameter belongs to its data set alone, even if another model has one of that name.
    The memory and the time of a step are proportional to the number of data.

    Parameters
    ----------
    models : sequence of Model
        One model for each entry of `ydata`, from `thalweg.model`.
    ydata : sequence of array_like
        The data of each model: (m,) for one data set, or (..., m) for several, which have local
        parameters of their own.
    p0 : dict or sequence, optional
        Starts by name, for all models that have the parameter, or one entry for each model: a dict,
        an array (p,) or (..., p), or None. The default is the start of the model.
    shared : str or sequence of str
        The names of the parameters that all models have in common.
    sigma : sequence, optional
        The standard deviations of each model's data: a number, (m,), (..., m) or None. One number
        applies to all.
    absolute_sigma : bool
        Whether `sigma` is absolute. If not, it is scaled so that the reduced chi squared of all
        data together is 1.
    bounds : dict or sequence, optional
        Pairs of lower and upper bounds by name, None for no bound; or one entry for each model: a
        dict, bounds as in `curve_fit_many`, or None.
    fixed : dict, tuple of str or sequence, optional
        Values of parameters that are not fitted by name, or the names of those that keep their
        starts; or one such entry for each model.
    ties : dict or sequence, optional
        Functions that compute parameters from others by name, or one such dict for each model.
    loss, f_scale, likelihood, nan_policy, threads, progress, ftol, xtol, gtol, max_time
        As in `thalweg.curve_fit_many`.
    max_nfev : int, optional
        Maximum number of evaluations of each data set.

    Returns
    -------
    Together
        The values, errors and covariance of the shared parameters, and `fits`, one `Fits` for each
        model.

    Raises
    ------
    ValueError
        If lengths or shapes do not match, a name is not that of a parameter, or a start lies
        outside the bounds.
    TypeError
        If a model is not traced.
    KeyboardInterrupt
        On Ctrl-C, with the parameters so far in ``.result``.

    See Also
    --------
    curve_fit_many : Fit one model to data sets of one length; it has `shared` too.

    Notes
    -----
    A step solves the block-arrow system of all linearized residuals [1]_. The local columns of
    every set are eliminated by an orthogonal factorization, set by set; what remains has columns
    for the shared parameters only, and is joined pairwise. A set in which the linear model was
    wrong then descends in its local parameters alone, as in variable projection [2]_.

    References
    ----------
    .. [1] Å. Björck, *Numerical Methods for Least Squares Problems*, SIAM, 1996, chapter 6,
       https://doi.org/10.1137/1.9781611971484
    .. [2] G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least
       squares problems whose variables separate", SIAM J. Numer. Anal. 10(2), 1973, 413-432,
       https://doi.org/10.1137/0710036

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> t, w = np.linspace(0.0, 4.0, 9), np.linspace(0.0, 3.0, 7)
    >>> decay = tw.model(lambda t, a, tau: a * np.exp(-t / tau), t, [1.0, 1.0])
    >>> line = tw.model(lambda w, b, tau: b / (1 + (w * tau) ** 2), w, [1.0, 1.0])
    >>> both = tw.fit_together(
    ...     [decay, line], [decay(2.0, 0.7), line(5.0, 0.7)], shared="tau"
    ... )
    >>> round(both.shared["tau"], 6), both.fits[1].popt.round(6)
    (0.7, array([5. , 0.7]))
    """
    began = time.perf_counter()
    given = locals()
    models, data = list(models), list(ydata)
    for i, model in enumerate(models):
        if not isinstance(model, Model):
            raise TypeError(f"models[{i}] must be a tw.model, got {type(model).__name__}")
    if not models:
        raise ValueError("models must have at least one model, got none")
    count = len(models)
    if len(data) != count:
        raise ValueError(f"ydata must have one entry for each of {count} models, got {len(data)}")
    known = [name for model in models for name in model.names]
    names = checked_names(shared, known)
    each = {
        "p0": _for_each("p0", p0, models), "bounds": _for_each("bounds", bounds, models),
        "fixed": _for_each("fixed", fixed, models), "ties": _for_each("ties", ties, models),
        "sigma": [sigma] * count if _is_one(sigma) else _listed("sigma", sigma, count),
    }  # fmt: skip
    runs: list[SetsRun] = []
    settings: ManyFitSettings | None = None
    for i, model in enumerate(models):
        start = _start(model, each["p0"][i])
        fixes, tied, box = (each[what][i] or None for what in ("fixed", "ties", "bounds"))
        checked_names(names, known, fixes, tied)
        own = given | {
            "bounds": FREE if box is None else box, "fixed": fixes, "ties": tied,
            "sigma": each["sigma"][i], "x_scale": None, "out": None,
        }  # fmt: skip
        settings = ManyFitSettings.of(own)
        problem = model.problem("fit_together", data[i], start, fixes, tied)
        runs.append(SetsRun(problem, settings, names))
    assert settings is not None
    whole = JointFit(runs, names, settings)

    def told(seconds: float) -> Together:
        joint = whole.joint(seconds)
        fits = tuple(whole.fits(i, joint, Fits) for i in range(count))
        return Together(**dict(joint), fits=fits)

    return whole.carried(began, told)


def _is_one(sigma: Any) -> bool:
    """Whether errors are one number for all models, or not given."""
    return sigma is None or isinstance(sigma, int | float | np.number)


def _listed(what: str, values: Any, count: int) -> list[Any]:
    """Return values for each model as a list."""
    if len(values) != count:
        raise ValueError(
            f"{what} must have one entry for each of {count} models, got {len(values)}"
        )
    return list(values)


def _for_each(what: str, value: Any, models: list[Model]) -> list[Any]:
    """Return an entry for each model, from a dict by name for all or a sequence of entries."""
    if value is None:
        return [None] * len(models)
    names = isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)
    if not isinstance(value, dict) and not (names and what == "fixed"):
        return _listed(what, value, len(models))
    every = {name for model in models for name in model.names}
    for name in value:
        if name not in every:
            raise ValueError(
                f"{what} names {name!r}, but the parameters are {', '.join(sorted(every))}"
            )
    if not isinstance(value, dict):
        return [tuple(name for name in value if name in model.names) for model in models]
    return [{name: v for name, v in value.items() if name in model.names} for model in models]


def _checked(what: str, entries: dict[str, Any], model: Model) -> dict[str, Any]:
    for name in entries:
        if name not in model.names:
            raise ValueError(
                f"{what} names {name!r}, but the parameters are {', '.join(model.names)}"
            )
    return entries


def _start(model: Model, start: Any) -> Any:
    """Return the start of a model, of which a dict may give some entries by name."""
    if not isinstance(start, dict):
        return start
    columns: list[Any] = list(model.p0)
    for name, value in _checked("p0", start, model).items():
        columns[model.names.index(name)] = np.asarray(value, dtype=np.float64)
    return np.stack(np.broadcast_arrays(*columns), axis=-1)
