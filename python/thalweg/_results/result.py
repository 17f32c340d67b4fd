# SPDX-License-Identifier: BSD-3-Clause
"""Hold the result of a descent and show it: printed, in a notebook, or as a picture.

`minimize` creates these objects; this module only stores and shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._results.reasons import Reason
from thalweg._results.record import Unread, any_active, same, seconds, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LastPoint", "Path", "Result", "seconds"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LastPoint:
    """The last iterate of a descent, while `Result.x` is the best one.

    Attributes
    ----------
    x : float, ndarray, tuple or dict
        The point, in the form of `x0`.
    fun : float
        The value there; NaN or infinite if the descent left the domain.
    jac : float, ndarray, tuple or dict
        The gradient there, in the form of `x0`.
    """

    x: Any
    fun: float
    jac: Any

    def __repr__(self) -> str:
        return f"LastPoint(x={text(self.x)}, fun={text(self.fun)}, jac={text(self.jac)})"


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Every point of a descent, from the start on (`record=True`).

    A training on minibatches has one entry for the start and one for the end of each epoch, instead
    of one for each iteration.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The points in the form of `x0`, each array with the leading axis `nit + 1`.
    fun : ndarray
        The value at each point, shape (nit + 1,).
    grad_norm : ndarray
        The largest absolute component of the projected gradient, shape (nit + 1,).
    holdout : ndarray or None
        The loss on the held-out rows; None unless rows were held out in a training on minibatches.
    """

    x: Any
    fun: FloatArray
    grad_norm: FloatArray
    holdout: FloatArray | None = None

    def __repr__(self) -> str:
        return f"Path({self.fun.shape[0]} points)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Unread):
    """The result of a descent: where it ended, why, and what it cost.

    The entries have SciPy's names and are attributes and keys.

    Attributes
    ----------
    x : float, ndarray, tuple or dict
        The best point, in the form of `x0`.
    fun : float
        The value at `x`.
    jac : float, ndarray, tuple or dict
        The gradient at `x`, in the form of `x0`.
    nit, nfev, njev, nhev : int
        The numbers of iterations and of evaluations of the value, the gradient, and the Hessian or
        its products. A joint evaluation of value and gradient counts once in each.
    success : bool
        Whether the descent converged.
    status : int
        SciPy's status code for the reason.
    message : str
        The reason as a sentence, with both sides of the inequality that decided it.
    reason : Reason
        Why the descent ended.
    last : LastPoint
        The last iterate.
    active_mask : int, ndarray, tuple or dict
        -1 for a variable at its lower bound, 0 for a free one, 1 for one at its upper bound; None
        without bounds.
    path : Path or None
        Every point, if `record=True` was set.
    state : State
        The state from which ``state=`` continues.
    elapsed : float
        The duration of the call in seconds.
    epochs : int or None
        The number of epochs finished in a training on minibatches.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> res = tw.minimize(lambda x: np.exp(x) - np.log(x), 1.6, "gradient_descent",
    ...                   learning_rate=0.1, max_iter=25)
    >>> res.nit, res["nit"], "path" in res
    (25, 25, True)
    >>> print(res.reason)
    max_iterations
    """

    x: Any
    fun: float
    jac: Any
    nit: int
    nfev: int
    njev: int
    nhev: int
    success: bool
    status: int
    message: str
    reason: Reason
    last: LastPoint
    active_mask: Any = None
    path: Path | None = None
    state: Any = None
    elapsed: float = 0.0
    epochs: int | None = None
    # The objective, for `plot`. It is never pickled.
    _objective: Any = field(default=None, kw_only=True)

    def __copy__(self) -> Result:
        return Result(*self.values(), _objective=self._objective)

    def __deepcopy__(self, memo: dict[int, Any]) -> Result:
        from copy import deepcopy

        return Result(*(deepcopy(v, memo) for v in self.values()), _objective=self._objective)

    def _rows(self) -> list[tuple[str, str]]:
        """Return the rows to show, as pairs of name and text."""
        counts = f"{self.nit}    nfev: {self.nfev}    njev: {self.njev}"
        if self.nhev:
            counts += f"    nhev: {self.nhev}"
        if self.epochs is not None:
            counts += f"    epochs: {self.epochs}"
        rows = [
            ("message", self.message),
            ("success", f"{self.success}    reason: {self.reason}    status: {self.status}"),
            ("fun", text(self.fun)),
            ("x", text(self.x)),
            ("jac", text(self.jac)),
            ("nit", counts),
        ]
        if not same(self.last.x, self.x):
            rows += [("last.x", text(self.last.x)), ("last.fun", text(self.last.fun))]
        if self.active_mask is not None and any_active(self.active_mask):
            rows.append(("active_mask", text(self.active_mask)))
        if self.path is not None:
            rows.append(("path", f"{self.path.fun.shape[0]} points"))
        rows.append(("elapsed", seconds(self.elapsed)))
        return rows

    def plot(self, **kw: Any) -> Axes:
        """Draw the descent: the function and the path, or value against iteration.

        Parameters
        ----------
        **kw
            Keywords of `thalweg.plot.descent`: `bounds`, `names`, `ax`.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that hold the picture; `.figure.savefig(file)` saves it.

        Raises
        ------
        ValueError
            If the result came from a pickle, which does not contain the function, or if there are
            more than two variables and no path.
        """
        axes: Axes = attached("Result.plot")(self._objective, self, **kw)
        return axes
