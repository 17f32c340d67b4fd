# SPDX-License-Identifier: BSD-3-Clause
"""Trace a function of data and parameters once, and keep it for any number of fits.

`curve_fit` creates such a model and fits it once.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._fits.arguments import (
    Sample,
    box_of,
    check_method,
    check_within,
    checked_data,
    held_start,
    is_data,
    parameters,
    residuals,
    squares_settings,
    start_for,
    weights_of,
)
from thalweg._fits.arguments_many import data_of, model_elsewhere, name_of, starts_for
from thalweg._fits.endings import explain
from thalweg._fits.information import information, warn
from thalweg._fits.running import ManyProblem, fit_many, fit_with_priors, problem_of
from thalweg._fits.settings import FREE, CurveFitSettings, ManyFitSettings, scale_of
from thalweg._fits.soundness import flat_cost, named, worse
from thalweg._fits.squares import (
    CalledSquares,
    Ending,
    Squares,
    TracedSquares,
    best_of,
    tries_from,
)
from thalweg._objectives.bounds import active_mask, checked_box
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._objectives.signatures import Parameters
from thalweg._parameters.named import plan_of
from thalweg._parameters.plan import Expansion, Plan
from thalweg._results.reasons import STATUS_LEAST_SQUARES, SUCCESS
from thalweg._tracing.numbers import mask_of, without_masks
from thalweg._tracing.stand_ins import with_stand_ins

if TYPE_CHECKING:
    from thalweg._fits.fits import Fits
    from thalweg._fits.tapes import FitTapes
    from thalweg._inference.fit import Fit

__all__ = ["Model", "model"]


class Model:
    """A traced model of data, created by `thalweg.model`.

    Call it with its parameters to get its values at `xdata`; `fit` finds the parameters.

    Attributes
    ----------
    names : list of str
        The names of the parameters.
    n : int
        The number of parameters.
    p0 : ndarray
        The default start of fits.
    """

    def __init__(
        self, f: Callable[..., Any], xdata: Any, p0: Any = None, *, trace: bool = True
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function f(x, a, b, ...), got {type(f).__name__}")
        self.names, self.p0 = parameters(f, p0)
        self._f, self.name, self._own = f, name_of(f), Parameters.of(f)
        self._xdata = np.array(as_floats(xdata, "xdata")) if is_data(xdata) else xdata
        self._objective: Objective | None = None
        # Caches of residuals, by the shapes of a sample, of the tapes of many fits, and of models
        # of some parameters, which know how to compute all.
        self._residuals: dict[Any, Objective] = {}
        self._parts: dict[Plan, Model] = {}
        self._expansion: Expansion | None = None
        self._tapes: dict[Any, FitTapes] = {}
        if trace:
            self._objective = Objective(self._traced_call, self.p0, unpack=True)
            self._objective.names = self.names

    def _call(self, *p: Any) -> Any:
        return self._own.call(self._f, (self._xdata, *self._all(p)))

    def _all(self, p: tuple[Any, ...]) -> Iterable[Any]:
        """Return all parameters for the fitted ones."""
        return p if self._expansion is None else self._expansion(np.array(p)).tolist()

    def _traced_call(self, *p: Any) -> Any:
        return self._own.call(with_stand_ins(self._f), (self._xdata, *p))

    def __getstate__(self) -> dict[str, Any]:
        # The traced model is pickled, but not the function and the data that it was traced from.
        state = self.__dict__ | {"_residuals": {}, "_tapes": {}, "_parts": {}}
        return state if self._objective is None else state | {"_f": None, "_xdata": None}

    @property
    def n(self) -> int:
        """The number of parameters."""
        return self.p0.size

    def __repr__(self) -> str:
        shape = "" if self._objective is None else f", values of shape {self._objective.shape}"
        return f"<thalweg.Model {self.name}: {', '.join(self.names)}{shape}>"

    def __call__(self, *p: Any) -> Any:
        """Evaluate the model at `xdata`.

        Parameters
        ----------
        *p : float or array_like
            The parameters. Arrays of one shape evaluate many models at once.

        Returns
        -------
        ndarray
            The values, in the shape of the parameters followed by that of the data.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> M = tw.model(lambda x, a, b: a * x + b, [0.0, 1.0, 2.0])
        >>> M(2.0, 1.0)
        array([1., 3., 5.])
        """
        if len(p) != self.n:
            raise TypeError(f"the model takes {self.n} parameters, got {len(p)}")
        if self._objective is None:
            return self._call(*p)
        return self._objective(np.stack(np.broadcast_arrays(*p), axis=-1))

    def fit(
        self,
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
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Fit the parameters to `ydata`, with the arguments and results of `curve_fit`.

        Parameters
        ----------
        ydata : array_like
            The data, one for each value of the model.
        p0 : array_like or dict, optional
            The start, by default that of the model.
        sigma, absolute_sigma, check_finite, bounds, method, jac, fixed, ties, priors, \
full_output, nan_policy, **kwargs
            As in `thalweg.curve_fit`.

        Returns
        -------
        Fit
            As in `thalweg.curve_fit`: it unpacks as ``popt, pcov``.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> M = tw.model(lambda x, a, b: a * np.exp(-b * x), x, [1.0, 1.0])
        >>> M.fit(2.5 * np.exp(-1.3 * x))[0].round(6)
        array([2.5, 1.3])
        """
        start = self.p0 if p0 is None else start_for(p0, self.names, fixed, ties)
        plan = plan_of(self.names, fixed, ties)
        start = held_start(start, self.names, fixed, plan)
        box = box_of(bounds, self.names, plan)
        check_method(method, bool(box))
        kept = None
        for masked in (mask_of(ydata), mask_of(sigma)):
            if masked is not None:
                kept = ~masked if kept is None else kept & ~masked
        ydata, sigma = without_masks(ydata, 0.0), without_masks(sigma, 1.0)
        y = checked_data(ydata, "ydata", check_finite, nan_policy)
        if nan_policy == "omit" and np.isnan(y).any():
            kept = ~np.isnan(y) if kept is None else kept & ~np.isnan(y)
        weights = None if sigma is None else weights_of(sigma, y, kept)
        settings = CurveFitSettings(
            squares_settings(kwargs), box, method, jac, bool(absolute_sigma), full_output, plan
        )
        if priors:
            gaps = y if kept is None else np.where(kept, y, np.nan)
            problem = self.problem("a fit with priors", gaps.ravel(), start)
            return fit_with_priors(problem, sigma, priors, ties, settings)
        return self.fitted(Sample(y, weights, kept), start, settings)

    def fit_many(
        self,
        ydata: Any,
        p0: Any = None,
        *,
        sigma: Any = None,
        absolute_sigma: bool = False,
        bounds: Any = FREE,
        fixed: Any = None,
        ties: dict[str, Callable[..., Any]] | None = None,
        priors: dict[str, Any] | None = None,
        shared: str | Sequence[str] | None = None,
        mask: Any = None,
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
        """Fit the parameters to many data sets, with the arguments of `curve_fit_many`.

        Parameters
        ----------
        ydata : array_like
            The data (..., m).
        p0 : array_like, dict or callable, optional
            The starts, by default that of the model.
        sigma, absolute_sigma, bounds, fixed, ties, shared, mask, loss, f_scale, likelihood, \
nan_policy, threads, progress, out, resume, x_scale, ftol, xtol, gtol, max_nfev, max_time
            As in `thalweg.curve_fit_many`.

        Returns
        -------
        Fits
            The results, as in `thalweg.curve_fit_many`.

        Raises
        ------
        TypeError
            If the model is not traced.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> M = tw.model(lambda x, a, b: a * np.exp(-b * x), x, [1.0, 1.0])
        >>> M.fit_many(M([1.0, 2.0], [1.3, 0.7])).popt.round(6)
        array([[1. , 1.3],
               [2. , 0.7]])
        """
        given = locals()
        problem = self.problem("fit_many", ydata, p0, fixed, ties)
        return fit_many(problem, ManyFitSettings.of(given))

    def problem(
        self, caller: str, ydata: Any, p0: Any = None, fixed: Any = None, ties: Any = None
    ) -> ManyProblem:
        """Return the fits of this model to many data sets, for a function of this name."""
        if self._objective is None:
            raise TypeError(f"{caller} needs a traced model; this one was created with trace=False")
        data, lead = data_of(ydata)
        start = self.p0 if p0 is None else starts_for(p0, self.names, lead, fixed, ties)
        return self.problem_of(data, start)

    def problem_of(self, data: npt.NDArray[Any], start: Any, whitened: Any = None) -> ManyProblem:
        """Return the fits of this model to checked data (..., m), whitened by a matrix if given."""
        objective = self._objective
        assert objective is not None
        f: Any = self._f  # None in a model from a file
        problem = problem_of(objective, data, start, whitened)
        problem.name, problem.elsewhere = self.name, None if f is None else model_elsewhere(f)
        problem.tapes = self._tapes if whitened is None else {}
        return problem

    def fitted(
        self,
        sample: Sample,
        start: FloatArray,
        settings: CurveFitSettings,
        sizes: tuple[float, ...] = (),
    ) -> tuple[Any, ...]:
        """Fit the model to a checked sample.

        A fit that is not sound starts again from `start` with a long first step, and then with all
        parameters equal to each of `sizes`.
        """
        if not settings.plan.whole:
            return self._of_free(sample, start, settings, sizes)
        n, y, method = self.n, sample.y, settings.method
        if n > y.size != 1 and not settings.box and method in (None, "lm"):
            raise TypeError(
                f"The number of func parameters={n} must not exceed the number of data "
                f"points={y.size}"
            )
        squares = self._squares(sample, settings)
        if settings.box:
            squares.box = checked_box(settings.box, start, squares.structure)
        squares.scale = scale_of(settings.squares.x_scale, squares.structure)
        stopping = settings.squares.stopping(n, squares.threads)
        flat = flat_cost(y.ravel(), sample.weights, sample.kept, squares.loss)
        rows = prod(squares.shape) if sample.kept is None else int(np.count_nonzero(sample.kept))
        rows = 0 if settings.absolute_sigma else rows
        tries = tries_from(start, sizes, squares.box)
        ending, left_open = best_of(squares, tries, stopping, rows, flat)
        message = functools.partial(explain, ending, stopping.max_nfev, squares)
        if not SUCCESS[ending.reason]:
            raise RuntimeError(f"Optimal parameters not found: {message()}")
        self._warn(ending, left_open, squares.box, flat)
        if settings.absolute_sigma and sample.weights is None:
            warn(
                "absolute_sigma=True without sigma: the covariance assumes that the errors of "
                "ydata are 1; pass sigma, or leave out absolute_sigma"
            )
        if not settings.full_output:
            made = sample, start, settings, flat, stopping.max_nfev
            fit: Fit = attached("Fit").of(ending, left_open, message, self, *made)
            return fit
        r, jacobian = squares.at(ending.x)
        with np.errstate(all="ignore"):
            jacobian = squares.curved(r, jacobian)
        mask = active_mask(ending.x, squares.box)
        info = information(squares.evaluations(ending.nfev)[0], r, jacobian, mask)
        status = STATUS_LEAST_SQUARES[ending.reason]
        return ending.x, ending.covariance, info, message(), status

    def _of_free(
        self,
        sample: Sample,
        start: FloatArray,
        settings: CurveFitSettings,
        sizes: tuple[float, ...],
    ) -> tuple[Any, ...]:
        """Do the same as `fitted` if some parameters are fixed or tied."""
        plan = settings.plan
        free = list(plan.free)
        box = settings.box and check_within(settings.box, start, self.names, plan)
        squares = settings.squares
        if np.size(squares.x_scale) == self.n > 1:
            squares = replace(squares, x_scale=as_floats(squares.x_scale, "x_scale")[free])
        own = settings._replace(squares=squares, box=box, plan=Plan(tuple(range(len(free)))))
        part = self._reduced(Expansion(plan, start[list(plan.fixed)]), start)
        fit: Any = part.fitted(sample, start[free], own, sizes)
        x, covariance, *more = fit
        assert part._expansion is not None
        every, spread = part._expansion(x), part._expansion.spread(x, covariance)
        if not settings.full_output:
            whole: Fit = fit.of_all(every, spread, self, start, settings)
            return whole
        mask = np.zeros(self.n, dtype=int)
        mask[free] = more[0]["active_mask"]
        more[0]["active_mask"] = mask
        return every, spread, *more

    def _reduced(self, expansion: Expansion, start: FloatArray) -> Model:
        """Return the model of the fitted parameters alone."""
        plan = expansion.plan
        part = self._parts.get(plan)
        if part is None:
            part = copy.copy(self)
            part.names = [self.names[k] for k in plan.free]
            part._residuals = {}
            if self._objective is not None:
                part._objective = expansion.of(self._objective)
                part._objective.names = part.names
            if not plan.ties:  # what the functions of ties refer to may change
                self._parts[plan] = part
        part = copy.copy(part)
        part._expansion, part.p0 = expansion, start[list(plan.free)]
        if part._objective is not None and plan.fixed:
            part._objective = part._objective.with_numbers([expansion.fixed])
        return part

    def _warn(self, ending: Ending, left_open: Any, box: list[FloatArray], flat: float) -> None:
        """Warn about undetermined parameters, and about a fit that is worse than a constant."""
        if left_open is not None:
            which = named(self.names, left_open)
            warn(
                "Covariance of the parameters could not be estimated: the data do not determine "
                f"{which}"
                if ending.loose.any()
                else f"the data do not determine {which}: the standard errors are too large"
            )
        elif ending.rank < self.n and ending.rank < self.n - np.count_nonzero(
            active_mask(ending.x, box)
        ):
            warn("Covariance of the parameters could not be estimated")
        if worse(ending.cost, flat):
            warn(
                f"the fit is worse than a constant: its cost {ending.cost:.6g} exceeds the cost "
                f"{flat:.6g} of the mean; another p0 may help"
            )

    def _squares(self, sample: Sample, settings: CurveFitSettings) -> Squares:
        if self._objective is None:
            return self._called(sample, settings)
        traced, given = self._residuals.get(sample.kind), sample.arrays()
        held = self._objective.args
        if traced is None:
            traced = self._residuals[sample.kind] = self._objective.then(
                lambda values, *arrays: residuals(values, sample.with_arrays(arrays)), given
            )
        names = *("fixed",) * len(held), "ydata", "1 / sigma"
        return TracedSquares(traced, settings.squares, [*held, *given], names)

    def _called(self, sample: Sample, settings: CurveFitSettings) -> CalledSquares:
        weights, jac = sample.weights, settings.jac

        def called(p: Any) -> Any:
            return residuals(as_floats(self._call(*p), "f"), sample)

        def slopes(p: Any) -> Any:
            x = np.array(p)
            p = tuple(self._all(p))
            given = Parameters.of(jac).call(jac, (self._xdata, *p))
            columns = as_floats(given, "jac").reshape(-1, len(p))
            if self._expansion is not None:
                columns = columns @ self._expansion.slopes(x)
            if weights is None:
                return columns
            return weights @ columns if weights.ndim == 2 else columns * weights.reshape(-1, 1)

        return CalledSquares(
            called, self.p0, (), slopes if callable(jac) else None, False, settings.squares
        )


def model(f: Callable[..., Any], xdata: Any, p0: Any = None, *, trace: bool = True) -> Model:
    """Trace a model of data once, and keep it for several fits.

    Parameters
    ----------
    f : callable
        The model ``f(x, a, b, ...)``, written in NumPy, which returns its values at `xdata`. It is
        called once. The values in its closure and in globals are frozen at that moment.
    xdata : array_like or object
        The points at which the data were measured, (m,), or (k, m) for k predictors. An array is
        copied.
    p0 : array_like or dict, optional
        The default start of fits; ones, if the signature names the parameters.
    trace : bool
        If False, `f` is not traced but called at every evaluation.

    Returns
    -------
    Model
        The model, with `fit` and `fit_many`.

    Raises
    ------
    TraceError
        If the function cannot be traced.

    See Also
    --------
    curve_fit : Fit a function once.
    curve_fit_many : Fit a function to many data sets.

    References
    ----------
    .. [1] D. M. Bates and D. G. Watts, *Nonlinear Regression Analysis and Its Applications*, Wiley,
       1988, https://doi.org/10.1002/9780470316757

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> M = tw.model(lambda x, a, b: a * np.exp(-b * x), x, [1.0, 1.0])
    >>> popt, pcov = M.fit(M(2.5, 1.3))
    >>> popt.round(6)
    array([2.5, 1.3])
    """
    return Model(f, xdata, p0, trace=trace)
