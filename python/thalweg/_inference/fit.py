# SPDX-License-Identifier: BSD-3-Clause
"""Define the result of one fit, which unpacks as SciPy's pair and knows what it came from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thalweg._fits.arguments import Sample
from thalweg._fits.fits import Fits
from thalweg._fits.running import ManyProblem
from thalweg._fits.settings import FREE, CurveFitSettings, FitKind, ManyFitSettings
from thalweg._fits.soundness import worse
from thalweg._fits.squares import Ending
from thalweg._fits.verdicts import bits_of, verdicts
from thalweg._objectives.points import FloatArray
from thalweg._results.inferences import Inferences
from thalweg._results.reasons import Reason
from thalweg._results.record import Shown, text

if TYPE_CHECKING:
    from thalweg._fits.model import Model

__all__ = ["Fit", "Made"]


class Made(NamedTuple):
    """What a fit was made from.

    Attributes
    ----------
    model : Model
        The model.
    sample : Sample
        The data.
    start : ndarray
        The start (p,).
    settings : CurveFitSettings
        The keywords of the call.
    flat : float
        The cost of the best constant; infinite if the data do not vary.
    max_nfev : int
        The largest number of evaluations.
    """

    model: Model
    sample: Sample
    start: FloatArray
    settings: CurveFitSettings
    flat: float
    max_nfev: int


class Fit(Inferences, Shown, tuple[FloatArray, FloatArray]):
    """The result of one fit. It unpacks as SciPy's pair, ``popt, pcov = fit``, and says more.

    `thalweg.curve_fit` and `Model.fit` return it. What needs the data or the model again is
    computed when it is asked for.

    Attributes
    ----------
    perr : ndarray
        The standard errors (p,).
    cost : float
        Half the sum of the losses of squared residuals.
    nit, nfev : int
        The numbers of steps, and of evaluations of the model with its Jacobian.
    reason : Reason
        Why the fit ended.
    success : bool
        True: a fit that fails raises an error.
    determined : bool
        Whether the data determine every parameter.
    worse : bool
        Whether a constant would fit better.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
    >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
    >>> popt, pcov = fit
    >>> bool(fit.params["a"] == popt[0])
    True
    >>> int(fit.dof), round(float(fit.reduced_chi2), 6), round(float(fit.r2), 4)
    (7, 0.005631, 0.9934)
    """

    perr: FloatArray
    cost: float
    nit: int
    nfev: int
    n_missing: int
    reason: Reason
    status: int
    success: bool
    determined: bool
    worse: bool

    @classmethod
    def of(cls, ending: Ending, left_open: Any, message: Callable[[], str], *made: Any) -> Fit:
        """Return the result of a fit that ended, and was made from the entries of `Made`."""
        fit = cls((ending.x, ending.covariance))
        fit.__dict__.update(_ended=(ending, left_open), _said=message, _made=Made(*made))
        return fit

    def of_all(
        self,
        popt: FloatArray,
        pcov: FloatArray,
        model: Model,
        start: FloatArray,
        settings: CurveFitSettings,
    ) -> Fit:
        """Return this fit of some parameters as one of all; the others are fixed or tied."""
        fit = type(self)((popt, pcov))
        own = self.__dict__
        made = own["_made"]._replace(model=model, start=start, settings=settings)
        fit.__dict__.update(_ended=own["_ended"], _said=own["_said"], _made=made)
        return fit

    @classmethod
    def alone(cls, fits: Fits) -> Fit:
        """Return the only fit of `Fits` without leading axes."""
        fit = cls((fits.popt, fits.pcov))
        fit.__dict__.update(_many=fits, _made=None, _said=lambda: fits._message(0))
        return fit

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # called for what is not in __dict__
            if name in _ENTRIES:
                value = self._many[name][()]
                return Reason(int(value)) if name == "reason" else _plain(value)
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    @property
    def popt(self) -> FloatArray:
        """The parameters (p,)."""
        return self[0]

    @property
    def pcov(self) -> FloatArray:
        """Their covariance (p, p)."""
        return self[1]

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return list(self._many.names)

    @property
    def params(self) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self.names, self.popt.tolist(), strict=True))

    @cached_property
    def message(self) -> str:
        """The reason as a sentence, with both sides of the inequality that decided it."""
        said: Callable[[], str] = self.__dict__["_said"]
        return said()

    @cached_property
    def fitted(self) -> FloatArray:
        """The model's values at the data, in their shape."""
        made: Made | None = self.__dict__["_made"]
        if made is None:
            return super().fitted
        values = np.asarray(made.model(*self.popt))
        return np.broadcast_to(values, made.sample.y.shape)

    @property
    def residuals(self) -> FloatArray:
        """The data less the model's values, without weights; NaN for missing data."""
        made: Made | None = self.__dict__["_made"]
        if made is None:
            return super().residuals
        r: FloatArray = made.sample.y - self.fitted
        return r if made.sample.kept is None else np.where(made.sample.kept, r, np.nan)

    def _evidence(self) -> Fits:
        return self._many

    @cached_property
    def _many(self) -> Fits:
        """The fit as `Fits` without leading axes."""
        (ending, left_open), made = self.__dict__["_ended"], self.__dict__["_made"]
        sample, model = made.sample, made.model
        free = list(made.settings.plan.free)
        with np.errstate(invalid="ignore"):
            perr = np.sqrt(np.diag(self.pcov))
        open_ = np.zeros(len(free), dtype=bool) if left_open is None else left_open
        kept = sample.y.size if sample.kept is None else int(np.count_nonzero(sample.kept))
        numbers = {
            "cost": ending.cost, "nit": np.int64(ending.nit), "nfev": np.int64(ending.nfev),
            "n_missing": np.int64(sample.y.size - kept), "determined": left_open is None,
            "worse": worse(ending.cost, made.flat),
        }  # fmt: skip
        arrays = {"popt": self.popt, "pcov": self.pcov, "perr": perr}
        arrays |= {name: np.asarray(value) for name, value in numbers.items()}
        arrays |= verdicts(np.array(ending.reason, dtype=np.int8))
        sides = {
            "left": np.asarray(ending.left), "right": np.asarray(ending.right),
            "open": bits_of(open_[None])[0],
        }  # fmt: skip
        squares = made.settings.squares
        about = {
            "max_nfev": made.max_nfev, "free": free, "rows": sample.y.size, "flat": made.flat,
            "kind": FitKind(made.settings.absolute_sigma, False, squares.rho is not None),
            "init": made.start, "name": model.name,
            "whitened": sample.weights is not None and sample.weights.ndim == 2,
        }  # fmt: skip
        if model._objective is not None:
            about["source"] = _source(made)
        return Fits(arrays, (), {"names": list(model.names)}, sides, about)

    def __reduce__(self) -> tuple[Any, ...]:
        return Fit.alone, (self._many,)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("message", self.message)]
        for name, value, error in zip(self.names, self.popt, self.perr, strict=True):
            rows.append((name, f"{value:.6g} ± {error:.2g}"))
        return [*rows, ("cost", text(self.cost)), ("nit", f"{self.nit}    nfev: {self.nfev}")]


_ENTRIES = ("perr", "cost", "nit", "nfev", "reason", "status", "success", "determined", "worse",
            "n_missing")  # fmt: skip


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _source(made: Made) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the fit as a problem of many fits, without leading axes, and its settings."""
    y, weights, kept = made.sample
    data, sigma, whitened = y.ravel(), None, None
    if kept is not None:
        data = np.where(kept.ravel(), data, np.nan)
    if weights is not None and weights.ndim == 2:
        data, whitened = weights @ np.nan_to_num(data), weights
    elif weights is not None:
        sigma = 1.0 / weights
    own, box, plan = made.settings.squares, made.settings.box, made.settings.plan
    names = made.model.names
    settings = ManyFitSettings(
        sigma=sigma, absolute_sigma=made.settings.absolute_sigma, bounds=box or FREE,
        loss=own.loss, f_scale=own.f_scale, x_scale=own.x_scale, ftol=own.ftol, xtol=own.xtol,
        fixed={names[k]: made.start[k] for k in plan.fixed} or None,
        ties={names[tie.position]: tie.function for tie in plan.ties} or None,
        gtol=own.gtol, max_nfev=own.max_nfev, max_time=own.max_time, threads=1,
    )  # fmt: skip
    return made.model.problem_of(data, made.start, whitened), settings
