# SPDX-License-Identifier: BSD-3-Clause
"""`model`: a function of data and parameters traced once and kept, to be fitted again and again.

`curve_fit` is one fit of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._fits.arguments import (
    FREE,
    check_method,
    checked_data,
    is_data,
    parameters,
    settings,
    walls_of,
    weights_of,
)
from thalweg._fits.arguments_many import data_of, starts_of
from thalweg._fits.curve_fit_many import fit_many
from thalweg._fits.endings import active_mask, explain, weighed
from thalweg._fits.information import information, warn
from thalweg._fits.least_squares import checked_stops
from thalweg._fits.robust import weighted
from thalweg._fits.soundness import (
    FACTORS,
    NOT_BEGUN,
    again,
    better,
    flat_cost,
    named,
    shares,
    worse,
)
from thalweg._fits.squares import CalledSquares, Ending, Squares, TracedSquares
from thalweg._objectives.bounds import checked_box
from thalweg._objectives.grafting import grafted
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, as_floats
from thalweg._objectives.signatures import Parameters
from thalweg._results.reasons import STATUS_LEAST_SQUARES, SUCCESS
from thalweg._tracing.numbers import mask_of, without_masks
from thalweg._tracing.trace import Trace, Tracer

if TYPE_CHECKING:
    from thalweg._fits.fits import Fits
    from thalweg._fits.tapes import FitTapes

__all__ = ["Model", "model"]


class Model:
    """A model of data, traced and kept. Made by `thalweg.model`.

    Called with its parameters it gives its values at `xdata`; `fit` finds the parameters.

    Attributes
    ----------
    names : list of str
        The parameters.
    n : int
        How many they are.
    p0 : ndarray
        Where fits start, unless told otherwise.
    """

    def __init__(
        self, f: Callable[..., Any], xdata: Any, p0: Any = None, *, trace: bool = True
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function f(x, a, b, ...), got {type(f).__name__}")
        self.names, self.p0 = parameters(f, p0)
        self._f, self._name, self._own = f, getattr(f, "__name__", "f"), Parameters.of(f)
        self._xdata = np.array(as_floats(xdata, "xdata")) if is_data(xdata) else xdata
        self._objective: Objective | None = None
        # By kind of errors and shape of the data: residuals made of the traced model.
        self._residuals: dict[Any, Objective] = {}
        self._tapes: dict[Any, FitTapes] = {}  # of many fits, likewise
        if trace:
            self._objective = Objective(self._call, self.p0, unpack=True)
            self._objective.names = self.names

    def _call(self, *p: Any) -> Any:
        return self._own.call(self._f, (self._xdata, *p))

    def __getstate__(self) -> dict[str, Any]:
        # What was traced is saved; the function and its data, which were read then, are not.
        state = self.__dict__ | {"_residuals": {}, "_tapes": {}}
        return state if self._objective is None else state | {"_f": None, "_xdata": None}

    @property
    def n(self) -> int:
        """Number of parameters."""
        return self.p0.size

    def __repr__(self) -> str:
        shape = "" if self._objective is None else f", values of shape {self._objective.shape}"
        return f"<thalweg.Model {self._name}: {', '.join(self.names)}{shape}>"

    def __call__(self, *p: Any) -> Any:
        """Values at `xdata`.

        Parameters
        ----------
        *p : float or array_like
            The parameters, one by one; arrays of one shape are many models at once.

        Returns
        -------
        ndarray
            Shape: that of the parameters, then that of the data.

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
        full_output: bool = False,
        nan_policy: str | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Fit the parameters to `ydata`; arguments and answers are those of `curve_fit`.

        Parameters
        ----------
        ydata : array_like
            The data, as many as the model has values.
        p0 : array_like, optional
            The start, by default the model's own.
        sigma, absolute_sigma, check_finite, bounds, method, jac, full_output, nan_policy, **kwargs
            As in `thalweg.curve_fit`.

        Returns
        -------
        popt, pcov : ndarray
            As from `thalweg.curve_fit`.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> M = tw.model(lambda x, a, b: a * np.exp(-b * x), x, [1.0, 1.0])
        >>> M.fit(2.5 * np.exp(-1.3 * x))[0].round(6)
        array([2.5, 1.3])
        """
        start = self.p0 if p0 is None else as_floats(p0, "p0").ravel()
        if start.size != self.n:
            raise ValueError(f"p0 must have {self.n} entries, got {start.size}")
        box = walls_of(bounds, self.n)
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
        return self.fitted(
            y, start, weights, kept, box, method, jac, bool(absolute_sigma), full_output, kwargs
        )

    def fit_many(
        self,
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
        """Fit the parameters to many data; arguments and answers are those of `curve_fit_many`.

        Parameters
        ----------
        ydata : array_like
            The data (..., m).
        p0 : array_like or callable, optional
            Starts, by default the model's own.
        sigma, absolute_sigma, bounds, fixed, loss, f_scale, likelihood, nan_policy, threads, \
progress, out, x_scale, ftol, xtol, gtol, max_nfev, max_time
            As in `thalweg.curve_fit_many`.

        Returns
        -------
        Fits

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
        objective = self._objective
        if objective is None:
            raise TypeError("fit_many needs a traced model; this one was made with trace=False")
        data, lead = data_of(ydata)

        def values(trace: Trace, _: Any, parameters: list[Any]) -> Tracer:
            p = trace.stack([trace.lift(each) for each in parameters])
            return Tracer(trace, grafted(objective._graph, objective._f, trace.graph, {0: p}))

        start = self.p0 if p0 is None else starts_of(p0, lead)
        return fit_many(
            values, self.names, start, data, [], [], sigma=sigma, absolute_sigma=absolute_sigma,
            bounds=bounds, given=True, fixed=fixed, loss=loss, f_scale=f_scale,
            likelihood=likelihood, nan_policy=nan_policy, threads=threads, progress=progress,
            out=out, x_scale=x_scale, kept=self._tapes,
            stops=checked_stops(ftol, xtol, gtol, max_nfev, max_time),
        )  # fmt: skip

    def fitted(
        self,
        y: FloatArray,
        start: FloatArray,
        weights: FloatArray | None,
        kept: Any,
        box: list[FloatArray],
        method: str | None,
        jac: Any,
        absolute_sigma: bool,
        full_output: bool,
        kwargs: dict[str, Any],
        scales: tuple[Any, ...] = (),
    ) -> tuple[Any, ...]:
        """Fit to data, weights and bounds that are checked.

        Where the fit from `start` is not sound it is begun again with a long first step, and then
        with every parameter at each of `scales`.
        """
        n = self.n
        if n > y.size != 1 and not box and method in (None, "lm"):
            raise TypeError(
                f"The number of func parameters={n} must not exceed the number of data "
                f"points={y.size}"
            )
        rho, f_scale, stops, scale = settings(kwargs, n)
        squares = self._squares(y, weights, kept, rho, f_scale, jac)
        if box:
            box = checked_box(box, start, squares.structure)
        rows = prod(squares.shape) if kept is None else int(np.count_nonzero(kept))
        flat = flat_cost(y.ravel(), weights, kept, _cost_by(rho, f_scale))
        ending, loose = _tried(
            squares, start, scales, box, scale, stops, 0 if absolute_sigma else rows, flat
        )
        if not SUCCESS[ending.reason]:
            raise RuntimeError("Optimal parameters not found: " + explain(ending, stops, squares))
        x = ending.x
        if loose.any():
            which = named(self.names, loose)
            warn(
                "Covariance of the parameters could not be estimated: the data do not determine "
                f"{which}"
                if ending.loose.any()
                else f"the data do not determine {which}: the standard errors are too large"
            )
        elif ending.rank < n and ending.rank < n - np.count_nonzero(active_mask(x, box)):
            warn("Covariance of the parameters could not be estimated")
        if worse(ending.cost, flat):
            warn(
                f"the fit is worse than a constant: its cost {ending.cost:.6g} exceeds "
                f"{flat:.6g}, that of the mean; another p0 may help"
            )
        if absolute_sigma and weights is None:
            warn(
                "absolute_sigma=True without sigma: the covariance takes the errors of ydata to be "
                "1; give sigma, or leave absolute_sigma out"
            )
        if not full_output:
            return x, ending.covariance
        r, jacobian = squares.at(x)
        _, _, jacobian = weighed(squares, r, jacobian)
        info = information(squares.evaluations(ending.nfev)[0], r, jacobian, active_mask(x, box))
        status = STATUS_LEAST_SQUARES[ending.reason]
        return x, ending.covariance, info, explain(ending, stops, squares), status

    def _squares(
        self,
        y: FloatArray,
        weights: FloatArray | None,
        kept: Any,
        rho: Any,
        f_scale: float,
        jac: Any,
    ) -> Squares:
        if self._objective is None:
            return self._called(y, weights, kept, rho, f_scale, jac)
        kind = (y.shape, None if weights is None else weights.shape, kept is None)
        made = self._residuals.get(kind)
        given = [
            a for a in (y, weights, None if kept is None else kept.astype(float)) if a is not None
        ]
        if made is None:
            made = self._residuals[kind] = self._objective.then(
                lambda values, y, *rest: difference(values, y, weights, kept, rest), given
            )
        return TracedSquares(made, rho, f_scale, given, ("ydata", "1 / sigma"))

    def _called(
        self,
        y: FloatArray,
        weights: FloatArray | None,
        kept: Any,
        rho: Any,
        f_scale: float,
        jac: Any,
    ) -> CalledSquares:
        def residuals(p: Any) -> Any:
            rest = [a for a in (weights, kept) if a is not None]
            return difference(as_floats(self._call(*p), "f"), y, weights, kept, rest)

        def slopes(p: Any) -> Any:
            given = Parameters.of(jac).call(jac, (self._xdata, *p))
            columns = as_floats(given, "jac").reshape(-1, self.n)
            if weights is None:
                return columns
            return weights @ columns if weights.ndim == 2 else columns * weights.reshape(-1, 1)

        return CalledSquares(
            residuals, self.p0, (), slopes if callable(jac) else None, False, rho, f_scale
        )


def _cost_by(rho: Any, f_scale: float) -> Callable[[Any], Any] | None:
    return None if rho is None else lambda r: weighted(rho, r, f_scale)[0]


def _tried(
    squares: Squares,
    start: FloatArray,
    scales: tuple[Any, ...],
    box: list[FloatArray],
    scale: FloatArray | None,
    stops: dict[str, Any],
    rows: int,
    flat: float,
) -> tuple[Ending, Any]:
    """The first sound ending of some tries, else the best of them; parameters it leaves open."""
    tries = [(start, factor) for factor in FACTORS]
    for size in scales:
        x = np.full(start.size, size)
        tries.append((np.clip(x, *box) if box else x, FACTORS[0]))
    best: Ending | None = None
    loose: Any = None
    nfev = 0
    ends = time.monotonic() + stops["max_time"]
    shared = shares(stops["max_nfev"], start.size, len(tries))
    for (x, factor), most in zip(tries, shared, strict=False):
        if best is not None and factor != FACTORS[0] and best.reason in NOT_BEGUN:
            continue
        left = max(ends - time.monotonic(), 0.0)
        own = stops | {"max_nfev": most, "max_time": left}
        ending = squares.fit(x, box, scale, own, rows, factor)
        nfev += ending.nfev
        if best is None or better(
            SUCCESS[ending.reason], ending.cost, SUCCESS[best.reason], best.cost
        ):
            best = ending
            loose = squares.left_open(ending, start, scale)
        if SUCCESS[best.reason] and not loose.any() and not worse(best.cost, flat):
            break
        if not again(ending.reason):
            break
    assert best is not None
    return squares.explained_stop(best._replace(nfev=nfev)), loose


def difference(values: Any, y: Any, weights: Any, kept: Any, rest: Any) -> Any:
    """Residuals, of numbers or traced values; `rest`: the weights and the mask that there are."""
    rest = list(rest)
    if values.shape != y.shape:
        check_shapes(values.shape, y.shape)
    r = values - y
    w = rest.pop(0) if weights is not None else None
    if kept is not None:
        r = np.where(rest[0] > 0, r, 0.0)
    r = np.ravel(r)
    if w is None:
        return r
    return w @ r if w.ndim == 2 else r * w


def check_shapes(values: tuple[int, ...], data: tuple[int, ...]) -> None:
    """Refuse values that would make more or fewer residuals than there are data."""
    try:
        size = prod(np.broadcast_shapes(values, data))
    except ValueError:
        size = 0
    if size != prod(data) != 1:
        raise ValueError(
            f"ydata must have the shape of the model's values, {values}, got {data}"
            + ": ravel() makes one axis of both" * (prod(values) == prod(data))
        )


def model(f: Callable[..., Any], xdata: Any, p0: Any = None, *, trace: bool = True) -> Model:
    """Trace a model of data now, and keep it.

    Parameters
    ----------
    f : callable
        ``f(x, a, b, ...)`` written in NumPy: the model's values at `xdata`. It is called once; what
        its closure and globals hold is frozen then.
    xdata : array_like or object
        Where the data were measured: (m,), or (k, m) for k predictors. Copied if it is an array.
    p0 : array_like, optional
        Where fits start; ones by default, if the signature names the parameters.
    trace : bool
        False keeps nothing: `f` is called at every evaluation.

    Returns
    -------
    Model

    Raises
    ------
    TraceError
        If the function does what cannot be traced.

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
