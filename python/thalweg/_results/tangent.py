# SPDX-License-Identifier: BSD-3-Clause
"""Compute the tangent line or plane of a function at a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, check_finite
from thalweg._results.record import text

__all__ = ["Tangent", "tangent"]


@dataclass(frozen=True, slots=True, eq=False)
class Tangent:
    """The tangent line or plane of a function at a point, created by `thalweg.tangent`.

    Call it with a point to get its height there, ``value + gradient · (x - at)``.

    Attributes
    ----------
    at : float, ndarray, tuple or dict
        The point of contact.
    value : float
        The value of the function at that point.
    gradient : float, ndarray, tuple or dict
        The gradient at that point, in the form of `at`.
    """

    at: Any
    value: float
    gradient: Any
    _objective: Objective
    _rows: tuple[FloatArray, FloatArray]

    def __call__(self, *x: Any, **named: Any) -> Any:
        """Return the height of the line or plane at points.

        Parameters
        ----------
        *x : array_like, tuple or dict
            A point in the form of `at`, possibly with leading axes, or the function's own
            arguments.

        Returns
        -------
        float or ndarray
            The heights, in the shape of the leading axes.
        """
        objective = self._objective
        lead, rows = objective.structure.flatten(objective._point(x, named))
        at, slope = self._rows
        # Products are added one by one in a fixed order, so that the bits do not depend on shapes.
        heights = np.full(len(rows), self.value)
        with np.errstate(invalid="ignore"):  # the slope may be infinite
            for i in range(objective.n):
                heights = heights + slope[i] * (rows[:, i] - at[i])
        return objective._shaped(heights, lead, ())

    def __repr__(self) -> str:
        at, slope = self._rows
        terms = [text(self.value)]
        names = self._objective.structure.labels(self._objective.names)
        for name, a, g in zip(names, at, slope, strict=True):
            shift = f"({name} {'-' if a >= 0 else '+'} {abs(a):g})" if a else name
            terms.append(f"{'-' if g < 0 else '+'} {abs(g):.6g} {shift}")
        return f"<thalweg.Tangent {' '.join(terms)}>"


def tangent(fun: Callable[..., Any] | Objective, at: Any, args: Any = ()) -> Tangent:
    """Compute the tangent line or plane of a function at a point.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy that returns one value.
    at : array_like, tuple or dict
        The point of contact.
    args : tuple, optional
        Further arguments of `fun`, unless it is an `Objective`.

    Returns
    -------
    Tangent
        The `value` and `gradient` at the point. Call it with another point to get the height of the
        line or plane there.

    Raises
    ------
    TypeError
        If the function has more than one value.
    ValueError
        If `at` is not finite, or does not have the form of the objective's points.

    See Also
    --------
    grad : Return the gradient alone.
    thalweg.plot.tangent : Draw the function and its tangent.

    References
    ----------
    .. [1] W. Rudin, *Principles of Mathematical Analysis*, 3rd ed., McGraw-Hill, 1976, 9.11.

    Examples
    --------
    >>> import thalweg as tw
    >>> plane = tw.tangent(lambda x, y: x**2 + y**2, [2.0, 4.0])
    >>> plane.value, plane.gradient
    (20.0, array([4., 8.]))
    >>> plane(2.5, 4.0)
    22.0
    >>> plane
    <thalweg.Tangent 20.0 + 4 (x - 2) + 8 (y - 4)>
    """
    objective = fun if isinstance(fun, Objective) else Objective(fun, at, args)
    if prod(objective.shape) != 1:
        raise TypeError(f"tangent needs a function with one value, got shape {objective.shape}")
    lead, rows = objective.structure.flatten(at, "at")
    if lead:
        raise ValueError(f"at must be one point, got leading axes {lead}")
    check_finite(rows[0], "at", objective.structure)
    value, slope = objective.rows_value_and_grad(rows)
    point = objective.structure.restore(rows.copy())
    gradient = objective.structure.restore(slope)
    return Tangent(point, float(value[0]), gradient, objective, (rows[0].copy(), slope[0]))
