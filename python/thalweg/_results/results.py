# SPDX-License-Identifier: BSD-3-Clause
"""Hold the results of many descents, as `minimize_many` returns them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
import numpy.typing as npt

from thalweg._objectives.points import FloatArray, Structure, any_in_rows
from thalweg._results.collection import Many, One
from thalweg._results.messages import blame, blamed, sentence
from thalweg._results.reasons import STATUS_MANY, SUCCESS, Reason
from thalweg._results.record import text

if TYPE_CHECKING:
    from thalweg._objectives.objective import Objective

__all__ = ["Many", "One", "Results"]

_SUCCESS, _STATUS = np.array(SUCCESS), np.array(STATUS_MANY, dtype=np.int8)


class Results(Many):
    """The results of many descents: where each ended, why, and what it cost.

    The arrays are attributes and keys. ``r[3]`` is one result with its `message`; ``r[r.success]``,
    ``r[:10]`` and ``r.sort()`` are `Results` too. ``np.savez(file, **r)`` saves the arrays, and
    pickling saves everything except the function.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The best points, in the form of `x0`, each array with the leading axis (k,).
    fun : ndarray
        The value at each best point, shape (k,).
    jac : ndarray, tuple or dict
        The gradient at each best point, in the form of `x`.
    success : ndarray of bool
        Whether each descent converged, shape (k,).
    status : ndarray of int8
        The reasons as status codes of `scipy.optimize.elementwise`, shape (k,).
    reason : ndarray of int8
        Why each descent ended, as values of `thalweg.Reason`, shape (k,).
    nit, nfev, nhev : ndarray of int64
        The numbers of iterations, of evaluations of value and gradient, and of evaluations of the
        Hessian or its products.
    elapsed : float
        The duration of the call in seconds.
    best : One
        The result with the lowest value among those that converged, or among all if none did.
    tally : dict
        The number of descents that ended for each reason.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg._results.results import Results
    >>> r = Results({"x": np.array([[0.0, 1.0], [2.0, 3.0]]), "fun": np.array([4.0, 1.0]),
    ...              "reason": np.array([0, 4], dtype=np.int8),
    ...              "success": np.array([True, False])}, (2,))
    >>> r.fun, r["fun"] is r.fun, len(r)
    (array([4., 1.]), True, 2)
    >>> r[1].x, str(r[1].reason), r[r.success].fun
    (array([2., 3.]), 'max_iterations', array([4.]))
    >>> r.sort().fun
    array([1., 4.])
    """

    x: Any
    fun: FloatArray
    jac: Any
    success: npt.NDArray[np.bool_]
    status: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    nit: npt.NDArray[np.int64]
    nfev: npt.NDArray[np.int64]
    nhev: npt.NDArray[np.int64]
    elapsed: float

    __slots__ = ()

    @classmethod
    def of_outcome(
        cls,
        out: dict[str, Any],
        objective: Objective,
        *,
        max_nfev: int,
        elapsed: float,
        lane_args: Sequence[npt.NDArray[Any] | None] = (),
    ) -> Results:
        """Build the results from the core's output for k descents.

        Parameters
        ----------
        out : dict
            `x` and `jac` (k, n), `fun`, `reason`, `nit`, `nfev`, `nhev`, `left`, `right` (k,); also
            `last_x` (k, n) and `last_fun` (k,), for messages about values that are not finite.
        objective : Objective
            The function that was minimized.
        max_nfev : int
            The limit of evaluations, for messages.
        elapsed : float
            The duration in seconds.
        lane_args : sequence, optional
            For each of the objective's `args`, its rows, or None if it is the same for all.
        """
        k = len(out["fun"])
        _judge_untouched(out, objective)
        form, reason = objective.structure, out["reason"]
        slopes = {} if out["jac"] is None else {"jac": _points(form, out["jac"])}
        arrays: dict[str, Any] = {
            "x": _points(form, out["x"]),
            "fun": out["fun"],
            **slopes,
            "success": _SUCCESS.take(reason),
            "status": _STATUS.take(reason),
            "reason": reason,
            "nit": out["nit"],
            "nfev": out["nfev"],
            "nhev": out["nhev"],
        }
        if out.get("path") is not None:  # with record=True
            arrays["path"] = out["path"]
        own: dict[str, npt.NDArray[Any]] = {
            name: out[name] for name in ("left", "right", "last_x", "last_fun") if name in out
        }
        about = {"objective": objective, "max_nfev": max_nfev}
        if any(rows is not None for rows in lane_args):
            own["lane"], about["lane_args"] = np.arange(k), tuple(lane_args)
        return cls(arrays, (k,), {"elapsed": elapsed}, own, about)

    @property
    def best(self) -> Any:
        """The result with the lowest value among those that converged, or among all."""
        return self._one(self._best())

    def _best(self) -> int:
        if not self.size:
            raise ValueError("there is no best result, because there are no results")
        values = np.where(np.isnan(self.fun), np.inf, self.fun).ravel()
        converged = _SUCCESS[self.reason.ravel()]
        if converged.any():
            return int(np.flatnonzero(converged)[np.argmin(values[converged])])
        return int(np.argmin(values))

    def _message(self, lane: int) -> str:
        reason = Reason(int(self.reason.flat[lane]))
        left, right, last_fun = (
            float(self._own[k].flat[lane]) if k in self._own else np.nan
            for k in ("left", "right", "last_fun")
        )
        nit, nfev = (
            int(self._arrays[k].flat[lane]) if k in self._arrays else 0 for k in ("nit", "nfev")
        )
        objective, last = self._objective_of(lane), self._own.get("last_x")
        if blamed(reason, last_fun) and objective is not None and last is not None:
            at = last.reshape(self.size, -1)[lane : lane + 1]
            value = float(objective.rows_value_and_grad(at)[0][0])
            found, message = blame(objective, at, value, nit)
            if found == reason:
                return message
        most = int(self._about.get("max_nfev", 0))
        if reason is Reason.max_iterations and np.isnan(right):
            right = nit
        return sentence(reason, left, right, nit, nfev, most, last_fun)

    def _objective_of(self, lane: int) -> Objective | None:
        """Return the objective of one descent with its own args, or None if it was not kept."""
        objective: Objective | None = self._about.get("objective")
        rows_of = self._about.get("lane_args")
        if objective is None or rows_of is None:
            return objective
        at = int(self._own["lane"].flat[lane])
        return objective.with_numbers(
            [
                a if rows is None else np.ascontiguousarray(rows[at])
                for a, rows in zip(objective.args, rows_of, strict=True)
            ]
        )

    def _heading(self) -> tuple[str, str]:
        converged = int(np.count_nonzero(_SUCCESS[self.reason]))
        return "descents", f"{self.size:,}, of which {converged:,} converged"

    def _rows(self) -> list[tuple[str, str]]:
        rows = super()._rows()
        if self.size:
            lane = self._best()
            best = self._one(lane)
            rows.insert(1, ("best", f"fun {text(best.fun)}, index {lane:,}\nx {text(best.x)}"))
        return rows


def _judge_untouched(out: dict[str, Any], objective: Objective) -> None:
    """Withdraw success if a gradient is not finite, or the function does not depend on x."""
    if out["jac"] is None:
        return
    begun = out.get("begun", len(out["fun"]))  # the others have no results
    reason, slopes = out["reason"][:begun], out["jac"][:begun]
    converged = _SUCCESS.take(reason)
    if not converged.any():
        return
    reason[converged & any_in_rows(~np.isfinite(slopes))] = Reason.non_finite
    untouched = converged & (out["nit"][:begun] == 0)
    untouched[untouched] = ~slopes[untouched].any(axis=1)
    if untouched.any() and not objective.varies:
        warn(
            "the function does not depend on x, so the starts were returned unchanged",
            RuntimeWarning,
            stacklevel=5,
        )
        reason[untouched] = Reason.stuck
        for name in {"left", "right"} & out.keys():
            out[name][:begun][untouched] = np.nan


def _points(form: Structure, rows: FloatArray) -> Any:
    return form.restore(rows, (len(rows),))
