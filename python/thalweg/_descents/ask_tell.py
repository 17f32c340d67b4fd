# SPDX-License-Identifier: BSD-3-Clause
"""Ask and tell: run descents whose objective is evaluated by the caller, in torch or a simulator.

The caller asks for points, evaluates the objective there, and tells the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.descent import refuse_matrices
from thalweg._methods.method import Method, SolverMethod
from thalweg._methods.stopping import checked_stop, defaults
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.points import FloatArray, as_floats, structure_of
from thalweg._results.reasons import STATUS_MANY, SUCCESS

__all__ = ["Dialogue", "Request"]

_SUCCESS, _STATUS = np.array(SUCCESS), np.array(STATUS_MANY, dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """The points where a descent needs evaluations, and which evaluations it needs.

    Attributes
    ----------
    x : ndarray, (k, n)
        The points to evaluate. A descent that has ended keeps its last point.
    live : ndarray of bool, (k,)
        Which descents are still running. Values given for the others are ignored.
    values : ndarray of bool, (k,)
        Which descents need the value, and the gradient if the method uses it.
    curvature : ndarray of bool, (k,)
        Which descents need the Hessian, or its product with `v`.
    v : ndarray, (k, n), or None
        Directions for Hessian-vector products; None unless the method uses such products.
    """

    x: FloatArray
    live: npt.NDArray[np.bool_]
    values: npt.NDArray[np.bool_]
    curvature: npt.NDArray[np.bool_]
    v: FloatArray | None


class Dialogue:
    """Descents whose objective is evaluated by the caller, created by ``method.start(x0)``.

    Attributes
    ----------
    needs : str
        What the method needs: ``"value"``, ``"gradient"`` (value and gradient), ``"hessian"``
        (also the Hessian, on request), or ``"hessian_vector"`` (also Hessian-vector products, on
        request).
    x, fun : ndarray, (k, n) and (k,)
        The best point of each descent and its value; NaN until the descent has ended.
    reason, success, status, nit, nfev : ndarray, (k,)
        The same as in every result, filled in once a descent has ended.
    """

    def __init__(self, method: Method, x0: Any, bounds: Any = None, **stops: Any) -> None:
        rows = as_floats(x0, "x0")
        if rows.ndim not in (1, 2) or rows.size == 0:
            raise ValueError(f"x0 must have shape (n,) or (k, n), got {rows.shape}")
        self._lead = rows.shape[:-1]
        rows = np.ascontiguousarray(np.atleast_2d(rows))
        if not np.isfinite(rows).all():
            raise ValueError("x0 must be finite")
        self.method = method
        self._curved = False  # whether the last request included curvature
        self._k, self._n = rows.shape
        structure, _ = structure_of(rows[0], lambda x: x, 0, False)
        for row in rows:
            box = read_bounds(bounds, structure, row)
        given = {name: checked_stop(name, value) for name, value in stops.items()}
        stopping = _core.Stopping(**defaults(method) | given)
        unevaluated, starts = _core.Objective(_core.Graph(), -1, self._n), _core.Starts(rows)
        if isinstance(method, SolverMethod):
            refuse_matrices(method.name, self._n, self._k)
            minimizer = _core.Minimizer(method.name, unevaluated)
            self._core = minimizer.start(starts, method.numbers(), box, stopping)
        else:
            parts = _core.StepParts(bool(box), stopping.gtol > 0, stopping.xtol > 0)
            stepper = _core.Stepper(
                method.name, unevaluated, parts, method.settings(unevaluated.graph)
            )
            self._core = stepper.start(starts, method.inputs(), box, stopping)
        self.needs: str = self._core.needs

    def ask(self) -> Request | None:
        """Return the next points to evaluate, or None when every descent has ended."""
        request = self._core.ask()
        self._curved = request is not None and bool(request[3].any())
        return None if request is None else Request(*request)

    def tell(self, f: Any, g: Any = None, h: Any = None) -> None:
        """Pass the requested evaluations to the method.

        Parameters
        ----------
        f : array_like, (k,)
            Values; a number if there is one start. NaN and infinite values shorten the step.
        g : array_like, (k, n)
            Gradients; required unless `needs` is ``"value"``.
        h : array_like, (k, n, n) or (k, n)
            Hessians, or products with `v`; required if `curvature` requested them.

        Raises
        ------
        ValueError
            If an array is missing or has the wrong shape. The descents are then left unchanged.
        RuntimeError
            If no request is open.
        """
        k, n = self._k, self._n
        value = self._shaped(f, "f", (k,))
        slope = None if self.needs == "value" else self._shaped(g, "g", (k, n))
        curvature = None
        if self._curved and h is None:
            raise ValueError(f"h is required: {self.method.name} requested curvature")
        if h is not None:
            own = (k, n) if self.needs == "hessian_vector" else (k, n, n)
            curvature = self._shaped(h, "h", own)
        self._core.tell(value, slope, curvature)

    def _shaped(self, value: Any, name: str, shape: tuple[int, ...]) -> FloatArray:
        if value is None:
            raise ValueError(f"{name} is required: {self.method.name} needs {self.needs}")
        array = as_floats(value, name)
        if array.shape != shape and not (self._k == 1 and array.shape == shape[1:]):
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        return np.ascontiguousarray(array.reshape(shape))

    def _ended(self, name: str) -> Any:
        value = self._core.endings()[name]
        return value.reshape(self._lead + value.shape[1:])[()]

    @property
    def x(self) -> Any:
        """The best point of each descent that has ended."""
        return self._ended("x")

    @property
    def fun(self) -> Any:
        """The value at each best point."""
        return self._ended("fun")

    @property
    def reason(self) -> Any:
        """Why each descent ended, as a number of `Reason`; -1 while it runs."""
        return self._ended("reason")

    @property
    def success(self) -> Any:
        """Whether each descent has converged."""
        reason = self.reason
        return (reason >= 0) & _SUCCESS[reason]

    @property
    def status(self) -> Any:
        """The reasons as status codes of `scipy.optimize.elementwise`; 1 while a descent runs."""
        reason = self.reason
        return np.where(reason >= 0, _STATUS[reason], 1)[()]

    @property
    def nit(self) -> Any:
        """The number of iterations of each descent that has ended."""
        return self._ended("nit")

    @property
    def nfev(self) -> Any:
        """The number of evaluations of each descent that has ended."""
        return self._ended("nfev")
