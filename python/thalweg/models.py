# SPDX-License-Identifier: BSD-3-Clause
"""`model`: a function of data and parameters traced once and kept, to be fitted again and again.

The covariance of what was fitted, and what data, errors and bounds mean, stand here for `curve_fit`
too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from thalweg import _core
from thalweg.bounds import checked_box, read_box
from thalweg.leastsq import (
    active_mask,
    checked_scale,
    checked_stops,
    explain,
    scale_of,
    weighed,
)
from thalweg.objective import Objective
from thalweg.reasons import STATUS_LEAST_SQUARES, SUCCESS, Reason
from thalweg.robust import checked_loss
from thalweg.squares import CalledSquares, Squares, TracedSquares
from thalweg.structure import FloatArray, Structure, argument_names, as_floats

__all__ = ["Model", "OptimizeWarning", "model"]

_FREE = (-inf, inf)


class OptimizeWarning(UserWarning):
    """A fit has something to say of its answer."""


def warn(message: str) -> None:
    """Warn the user's line; as SciPy's OptimizeWarning too, where SciPy is in use."""
    import sys

    category: type[Warning] = OptimizeWarning
    scipy = sys.modules.get("scipy.optimize")
    if scipy is not None and hasattr(scipy, "OptimizeWarning"):
        category = type("OptimizeWarning", (OptimizeWarning, scipy.OptimizeWarning), {})
    depth = 1
    while sys._getframe(depth).f_globals.get("__name__", "").partition(".")[0] == "thalweg":
        depth += 1
    warnings.warn(message, category, stacklevel=depth + 1)


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
        self._f, self._traced = f, trace
        self._xdata = np.array(xdata, dtype=np.float64) if _is_data(xdata) else xdata
        self._objective: Objective | None = None
        # By kind of errors and shape of the data: residuals made of the traced model.
        self._residuals: dict[Any, Objective] = {}
        if trace:
            self._objective = Objective(self._call, self.p0, unpack=True)
            self._objective.names = self.names

    def _call(self, *p: Any) -> Any:
        return self._f(self._xdata, *p)

    @property
    def n(self) -> int:
        """Number of parameters."""
        return self.p0.size

    def __repr__(self) -> str:
        name = getattr(self._f, "__name__", "f")
        shape = "" if self._objective is None else f", values of shape {self._objective.shape}"
        return f"<thalweg.Model {name}: {', '.join(self.names)}{shape}>"

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
        bounds: Any = _FREE,
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
        box = read_box(bounds, parameter_structure(self.n))
        if method is not None or bounds is not _FREE:
            check_method(method, bool(checked_walls(box)))
        y = checked_data(ydata, "ydata", check_finite, nan_policy)
        kept = None
        if nan_policy == "omit" and np.isnan(y).any():
            kept = ~np.isnan(y)
        weights = weights_of(sigma, y, kept)
        return self.fitted(
            y, start, weights, kept, box, method, jac, absolute_sigma and sigma is None,
            bool(absolute_sigma), full_output, kwargs,
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
        unlikely: bool,
        absolute_sigma: bool,
        full_output: bool,
        kwargs: dict[str, Any],
    ) -> tuple[Any, ...]:
        """Fit to checked data; `unlikely`: absolute errors that are not given."""
        if (method or "lm") == "lm" and not box and y.size != 1 and self.n > y.size:
            raise TypeError(
                f"The number of func parameters={self.n} must not exceed the number of data "
                f"points={y.size}"
            )
        rho, f_scale, stops, scale = settings(kwargs, self.n)
        squares = self._squares(y, weights, kept, rho, f_scale, jac)
        box = checked_box(box, start, squares.structure)
        out = squares.run(start, box, scale, stops)
        if out["error"] is not None:
            raise out["error"]
        x = out["x"][0]
        reason = Reason(int(out["reason"][0]))
        if not SUCCESS[reason]:
            raise RuntimeError(
                "Optimal parameters not found: " + explain(reason, out, stops, squares, x)
            )
        r, jacobian = squares.at(x)
        if rho is not None:
            _, _, jacobian = weighed(squares, r, jacobian)
        mask = active_mask(x, box)
        held = mask != 0 if box else None
        m = r.size if kept is None else int(np.count_nonzero(kept))
        pcov, rank = _core.covariance(jacobian.T, held)
        free = self.n if held is None else self.n - int(np.count_nonzero(held))
        if not absolute_sigma and rank == free and free:
            if m > free:
                pcov *= 2.0 * float(out["fun"][0]) / (m - free)
            else:
                pcov[~np.isnan(pcov)] = inf
                rank = -1
        if rank < free:
            warn("Covariance of the parameters could not be estimated")
        if unlikely:
            warn(
                "absolute_sigma=True without sigma: the covariance takes the errors of ydata to be "
                "1; give sigma, or leave absolute_sigma out"
            )
        if not full_output:
            return x, pcov
        info = information(squares.evaluations(out)[0], r, jacobian, mask, held)
        message = explain(reason, out, stops, squares, x)
        return x, pcov, info, message, STATUS_LEAST_SQUARES[reason]

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
        else:
            made = made.with_numbers(given)
        return TracedSquares(made, rho, f_scale)

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
            columns = as_floats(jac(self._xdata, *p), "jac").reshape(-1, self.n)
            if weights is None:
                return columns
            return weights @ columns if weights.ndim == 2 else columns * weights.reshape(-1, 1)

        return CalledSquares(
            residuals, self.p0, (), slopes if callable(jac) else None, False, rho, f_scale
        )


def difference(values: Any, y: Any, weights: Any, kept: Any, rest: Any) -> Any:
    """Residuals, of numbers or traced values; `rest`: the weights and the mask that there are."""
    rest = list(rest)
    r = values - y
    w = rest.pop(0) if weights is not None else None
    if kept is not None:
        r = np.where(rest[0] > 0, r, 0.0)
    if w is not None:
        r = w @ np.ravel(r) if w.ndim == 2 else r * w
    return np.ravel(r)


# ---- what the arguments mean


def _is_data(xdata: Any) -> bool:
    return isinstance(xdata, list | tuple | np.ndarray)


def parameters(f: Callable[..., Any], p0: Any) -> tuple[list[str], FloatArray]:
    """Names of the parameters, and a start: ones where none is given."""
    names = argument_names(f)[1:]
    if p0 is None:
        if not names:
            raise ValueError(
                "Unable to determine number of fit parameters: f must be f(x, a, b, ...), or p0 "
                "be given"
            )
        return names, np.ones(len(names))
    if np.iscomplexobj(p0):
        raise ValueError(f"p0 must be real, got {p0!r}")
    start = np.atleast_1d(as_floats(p0, "p0")).ravel()
    if len(names) < start.size:
        names = [f"p{i}" for i in range(start.size)]
    return names[: start.size], start


def parameter_structure(n: int) -> Structure:
    """Of parameters that are passed one by one."""
    return Structure("elements", ((),) * n)


def checked_walls(box: list[FloatArray]) -> list[FloatArray]:
    """The box, if it has walls."""
    return box if any(np.isfinite(end).any() for end in box) else []


def check_method(method: Any, bounded: bool) -> None:
    """Refuse what SciPy refuses."""
    if method == "lm" and bounded:
        raise ValueError(
            "Method 'lm' only works for unconstrained problems. Use 'trf' or 'dogbox' instead."
        )
    if method not in (None, "lm", "trf", "dogbox"):
        raise ValueError(f"`method` must be 'trf', 'dogbox' or 'lm', got {method!r}")


def checked_data(data: Any, what: str, check_finite: bool | None, nan_policy: Any) -> FloatArray:
    """Data as numbers, finite where that is asked for."""
    array: FloatArray = np.asarray(data, dtype=np.float64)
    if check_finite is None:
        check_finite = nan_policy is None
    if check_finite and not np.isfinite(array).all():
        raise ValueError(f"array must not contain infs or NaNs: {what} does")
    if nan_policy is not None:
        if nan_policy == "propagate":
            raise ValueError("`nan_policy='propagate'` is not supported by this function.")
        if nan_policy not in ("raise", "omit"):
            raise ValueError(
                f"nan_policy must be one of {{None, 'raise', 'omit'}}, got {nan_policy!r}"
            )
        if nan_policy == "raise" and np.isnan(array).any():
            raise ValueError(f"The input contains nan values: {what} does")
    if array.size == 0 and what == "ydata":
        raise ValueError("`ydata` must not be empty!")
    return array


def weights_of(sigma: Any, y: FloatArray, kept: Any) -> FloatArray | None:
    """What residuals are multiplied by: 1 / sigma, or the inverse of a covariance's factor."""
    if sigma is None:
        return None
    errors = as_floats(sigma, "sigma")
    if errors.size == 1 or errors.shape == (y.size,):
        if errors.size == 1:
            errors = errors.reshape(())
        if not (errors != 0).all():
            raise ValueError("`sigma` must not be 0: a residual is divided by it")
        return 1.0 / errors
    if errors.shape != (y.size, y.size):
        raise ValueError(
            f"`sigma` has incorrect shape: wanted one number, ({y.size},) or ({y.size}, {y.size}), "
            f"got {errors.shape}"
        )
    whole = np.flatnonzero(np.ones(y.size) if kept is None else kept)
    try:
        factor = np.linalg.cholesky(errors[np.ix_(whole, whole)])
    except np.linalg.LinAlgError:
        raise ValueError("`sigma` must be positive definite.") from None
    weights = np.zeros_like(errors)
    weights[np.ix_(whole, whole)] = np.linalg.inv(factor)
    return weights


_IGNORED = ("epsfcn", "col_deriv", "diff_step", "tr_solver", "tr_options", "jac_sparsity",
            "workers", "factor")  # fmt: skip


def settings(
    kwargs: dict[str, Any], n: int
) -> tuple[Any, float, dict[str, Any], FloatArray | None]:
    """Loss, its scale, when to stop, and what variables are measured in."""
    if not kwargs:
        return None, 1.0, _usual(n), None
    given = dict(kwargs)
    if "args" in given:
        raise ValueError("'args' is not a supported keyword argument.")
    for name in _IGNORED:
        given.pop(name, None)
    most = given.pop("max_nfev", None)
    most = given.pop("maxfev", None) if most is None else most
    most = None if most == 0 else most  # leastsq's word for its default
    rho = checked_loss(given.pop("loss", "linear"))
    f_scale = checked_scale(given.pop("f_scale", 1.0))
    tolerances = [given.pop(name, 1e-10) for name in ("ftol", "xtol", "gtol")]
    stops = checked_stops(
        tolerances[0], tolerances[1], tolerances[2], most, given.pop("max_time", None)
    )
    if stops["max_nfev"] is None:
        stops["max_nfev"] = 1000 * (n + 1)
    x_scale, diag = given.pop("x_scale", None), given.pop("diag", None)
    if diag is not None:
        x_scale = 1.0 / as_floats(diag, "diag")
    if given:
        raise TypeError(f"curve_fit() got an unexpected keyword argument {next(iter(given))!r}")
    return rho, f_scale, stops, scale_of(x_scale, parameter_structure(n))


_USUAL = checked_stops(1e-10, 1e-10, 1e-10, None)


def _usual(n: int) -> dict[str, Any]:
    return _USUAL | {"max_nfev": 1000 * (n + 1)}


def information(
    nfev: int, r: FloatArray, jacobian: FloatArray, mask: Any, held: Any
) -> dict[str, Any]:
    """SciPy's `infodict`, and rank, condition number and `active_mask`."""
    free = jacobian if held is None else jacobian[:, ~held]
    lengths = np.linalg.norm(free, axis=0)
    scaled = free / np.where(lengths > 0, lengths, 1.0)
    values = np.linalg.svd(scaled, compute_uv=False) if free.size else np.ones(0)
    small = np.finfo(np.float64).eps * max(free.shape) * values.max(initial=0.0)
    rank = int(np.count_nonzero(values > small))
    worst = values.min(initial=inf) if values.size else 1.0
    cond = float(values.max(initial=0.0) / worst) if worst > 0 else inf
    # MINPACK's R of J P = Q R, its columns by falling length, and Q'r.
    n = jacobian.shape[1]
    order = pivots(jacobian)
    q, upper = np.linalg.qr(jacobian[:, order])
    fjac = np.zeros((n, r.size))
    fjac[:, : upper.shape[0]] = upper.T
    return {
        "nfev": nfev, "fvec": r, "fjac": fjac, "ipvt": order + 1, "qtf": q.T @ r,
        "rank": rank, "cond": cond, "active_mask": mask,
    }  # fmt: skip


def pivots(jacobian: FloatArray) -> Any:
    """The order of the columns in which QR with pivoting takes them."""
    left = np.array(jacobian)
    order: list[int] = []
    for _ in range(left.shape[1]):
        lengths = np.linalg.norm(left, axis=0)
        lengths[order] = -1.0
        k = int(np.argmax(lengths))
        order.append(k)
        if lengths[k] > 0:
            v = left[:, k] / lengths[k]
            left -= np.outer(v, v @ left)
    return np.array(order, dtype=int)


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
