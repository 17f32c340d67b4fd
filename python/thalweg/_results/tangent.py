# SPDX-License-Identifier: BSD-3-Clause
"""`tangent`: the line or plane that touches a function at a point, in numbers."""

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
    """The line or plane that touches a function at a point. Made by `thalweg.tangent`.

    Called with a point it gives the height there, ``value + gradient · (x - at)``.

    Attributes
    ----------
    at : float, ndarray, tuple or dict
        The point, in its own form.
    value : float
        The function's value there.
    gradient : float, ndarray, tuple or dict
        The slopes there, in the form of `at`.
    """

    at: Any
    value: float
    gradient: Any
    _objective: Objective
    _rows: tuple[FloatArray, FloatArray]

    def __call__(self, *x: Any, **named: Any) -> Any:
        """Heights of the line or plane.

        Parameters
        ----------
        *x : array_like, tuple or dict
            A point in the form of `at`, lanes in front, or the function's own arguments.

        Returns
        -------
        float or ndarray
            Shape: the lanes.
        """
        objective = self._objective
        lead, rows = objective.structure.flatten(objective._point(x, named))
        at, slope = self._rows
        # Each product is added by itself, in order: a line's heights are those of its own sum.
        heights = np.full(len(rows), self.value)
        with np.errstate(invalid="ignore"):  # where it is vertical
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
    """Touch a function at a point: its value, its gradient, and the line or plane through both.

    Parameters
    ----------
    fun : callable or Objective
        Written in NumPy, with one value.
    at : array_like, tuple or dict
        Where.
    args : tuple, optional
        Further arguments of a function; an Objective has its own.

    Returns
    -------
    Tangent
        `value`, `gradient`, and, called with a point, the height of the line or plane there.

    Raises
    ------
    TypeError
        If the function has more than one value.
    ValueError
        If `at` is not finite, or not in the form of the objective's points.

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
        raise ValueError(f"at must be one point, got axes {lead} in front")
    check_finite(rows[0], "at", objective.structure)
    value, slope = objective.rows_value_and_grad(rows)
    point = objective.structure.restore(rows.copy())
    gradient = objective.structure.restore(slope)
    return Tangent(point, float(value[0]), gradient, objective, (rows[0].copy(), slope[0]))
