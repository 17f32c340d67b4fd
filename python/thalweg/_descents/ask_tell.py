# SPDX-License-Identifier: BSD-3-Clause
"""Ask and tell: descents of objectives that live elsewhere, in torch or in a simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.descent import refuse_matrices
from thalweg._methods.method import Method, SolverMethod, memory_of
from thalweg._methods.stopping import checked_stop, defaults
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.points import FloatArray, as_floats, structure_of
from thalweg._results.reasons import STATUS_MANY, SUCCESS

__all__ = ["Asked", "Dialogue"]

_SUCCESS, _STATUS = np.array(SUCCESS), np.array(STATUS_MANY, dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Where a descent wants values, and which.

    Attributes
    ----------
    x : ndarray, (k, n)
        The points; of descents that have ended, the last.
    live : ndarray of bool, (k,)
        Which descents go on: what is told of the others is not read.
    values : ndarray of bool, (k,)
        Which want the value, and the gradient where the method uses it.
    curvature : ndarray of bool, (k,)
        Which want the Hessian, or its product with `v`.
    v : ndarray, (k, n), or None
        Directions, for a method of Hessian-vector products.
    """

    x: FloatArray
    live: npt.NDArray[np.bool_]
    values: npt.NDArray[np.bool_]
    curvature: npt.NDArray[np.bool_]
    v: FloatArray | None


class Dialogue:
    """Descents whose objective is evaluated by the caller; made by ``method.start(x0)``.

    Attributes
    ----------
    needs : str
        What the method is told: ``"value"``, ``"gradient"`` (value and gradient), ``"hessian"``
        (and, where asked for, the Hessian), ``"hessian_vector"`` (and products with it).
    x, fun : ndarray, (k, n) and (k,)
        The best points and their values, once a descent has ended; NaN before.
    reason, success, status, nit, nfev : ndarray, (k,)
        As in every result; of those that have ended.
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
        self._curved = False  # was curvature asked for?
        self._k, self._n = rows.shape
        structure, _ = structure_of(rows[0], lambda x: x, 0, False)
        for row in rows:
            limits = read_bounds(bounds, structure, row)
        given = {name: checked_stop(name, value) for name, value in stops.items()}
        stops = defaults(method) | given
        if isinstance(method, SolverMethod):
            refuse_matrices(method.name, self._n, self._k)
            minimizer = _core.Minimizer(method.name, _core.Graph(), -1, self._n, 1)
            self._core = minimizer.start(rows, method.numbers(), limits, _core.Stopping(**stops))
        else:
            stepper = _core.Stepper(
                method.name, _core.Graph(), -1, self._n, 1, bool(limits), stops["gtol"] > 0,
                stops["xtol"] > 0, False, method.settings(_core.Graph()),
            )  # fmt: skip
            memory = [None] * (len(memory_of(method.name)) + method.counts)
            self._core = stepper.start(
                rows, method.inputs(), limits, memory, _core.Stopping(**stops)
            )
        self.needs: str = self._core.needs

    def ask(self) -> Asked | None:
        """Where values are wanted next; None when every descent has ended."""
        asked = self._core.ask()
        self._curved = asked is not None and bool(asked[3].any())
        return None if asked is None else Asked(*asked)

    def tell(self, f: Any, g: Any = None, h: Any = None) -> None:
        """Tell what was asked for.

        Parameters
        ----------
        f : array_like, (k,)
            Values; a number for one start. NaN and infinite values shorten the step.
        g : array_like, (k, n)
            Gradients, unless `needs` is ``"value"``.
        h : array_like, (k, n, n) or (k, n)
            Hessians, or products with `v`, where `curvature` asked for them.

        Raises
        ------
        ValueError
            If a shape does not fit; nothing is told then.
        RuntimeError
            If nothing was asked.
        """
        k, n = self._k, self._n
        value = self._shaped(f, "f", (k,))
        slope = None if self.needs == "value" else self._shaped(g, "g", (k, n))
        curvature = None
        if self._curved and h is None:
            raise ValueError(f"h must be told: {self.method.name} asked for curvature")
        if h is not None:
            own = (k, n) if self.needs == "hessian_vector" else (k, n, n)
            curvature = self._shaped(h, "h", own)
        self._core.tell(value, slope, curvature)

    def _shaped(self, value: Any, name: str, shape: tuple[int, ...]) -> FloatArray:
        if value is None:
            raise ValueError(f"{name} must be told: {self.method.name} needs {self.needs}")
        array = as_floats(value, name)
        if array.shape != shape and not (self._k == 1 and array.shape == shape[1:]):
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        return np.ascontiguousarray(array.reshape(shape))

    def _ended(self, name: str) -> Any:
        value = self._core.endings()[name]
        return value.reshape(self._lead + value.shape[1:])[()]

    @property
    def x(self) -> Any:
        """The best points, of the descents that have ended."""
        return self._ended("x")

    @property
    def fun(self) -> Any:
        """The values there."""
        return self._ended("fun")

    @property
    def reason(self) -> Any:
        """Why each ended, as the numbers of `Reason`; -1 where it has not."""
        return self._ended("reason")

    @property
    def success(self) -> Any:
        """Whether each has converged."""
        reason = self.reason
        return (reason >= 0) & _SUCCESS[reason]

    @property
    def status(self) -> Any:
        """`scipy.optimize.elementwise`'s numbers for the reasons; 1 while it runs."""
        reason = self.reason
        return np.where(reason >= 0, _STATUS[reason], 1)[()]

    @property
    def nit(self) -> Any:
        """Iterations of each that has ended."""
        return self._ended("nit")

    @property
    def nfev(self) -> Any:
        """Evaluations of each that has ended."""
        return self._ended("nfev")
