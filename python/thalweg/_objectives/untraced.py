# SPDX-License-Identifier: BSD-3-Clause
"""Call a function that cannot be traced (`trace=False`) at every evaluation.

Its gradient comes from the user or from finite differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._objectives.differences import central_differences
from thalweg._objectives.points import FloatArray, as_floats, structure_of
from thalweg._objectives.programs import Kept

__all__ = ["Called"]


class Called(Kept):
    """A Python function that gives the core its values and gradients."""

    def __init__(
        self,
        function: Callable[..., Any],
        x0: Any,
        args: tuple[Any, ...],
        jac: Any,
        unpack: bool | None,
        slopes: bool = True,
    ) -> None:
        if not callable(function):
            raise TypeError(f"the function must be callable, got {type(function).__name__}")
        if jac is not None and jac is not True and not callable(jac):
            raise TypeError(f"jac must be a function, True or None, got {jac!r}")
        self.structure, self.start = structure_of(x0, function, len(args), unpack)
        self._function, self._jac, self._extra = function, jac, args
        self._slopes = slopes  # whether gradients are needed
        self.args: list[FloatArray] = []
        self.shape: tuple[int, ...] = ()
        self.threads = 1
        self.calls = [0, 0]
        self.box: list[FloatArray] = []  # the function is never evaluated outside
        # The value and gradient of the latest and of the lowest point, kept to save evaluations.
        self._latest: tuple[FloatArray, float, FloatArray] | None = None
        self._lowest: tuple[FloatArray, float, FloatArray] | None = None
        self._steppers, self._minimizers = {}, {}

    def _call(self, function: Callable[..., Any], x: FloatArray) -> Any:
        return self.structure.call(function, x, self._extra)

    def _value(self, x: FloatArray) -> float:
        value = as_floats(self._call(self._function, x), "the function's value")
        if value.size != 1:
            raise ValueError(f"the function must return one value, got shape {value.shape}")
        return float(value.reshape(()))

    def _flat(self, gradient: Any) -> FloatArray:
        if self.structure.form == "elements":
            return as_floats(gradient, "jac").ravel()
        row: FloatArray = self.structure.flatten(gradient, "jac")[1][0]
        return row

    @property
    def cost(self) -> int:
        """The number of calls of the function for one value and gradient."""
        alone = self._jac is not None or not self._slopes
        return 1 if alone else 1 + 2 * self.structure.size

    def rows_value_and_grad_one(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return value and gradient at one point, and remember the latest and the lowest."""
        value, gradient = self._evaluate(x)
        self._latest = (x.copy(), value, gradient)
        if self._lowest is None or value <= self._lowest[1]:
            self._lowest = self._latest
        return value, gradient

    def _evaluate(self, x: FloatArray) -> tuple[float, FloatArray]:
        self.calls[0] += 1
        self.calls[1] += self._slopes
        if self._jac is True:
            pair = self._call(self._function, x)
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TypeError(
                    "with jac=True the function must return (value, gradient), "
                    f"got {type(pair).__name__}"
                )
            value, gradient = pair
            return float(as_floats(value, "the function's value").reshape(())), self._flat(gradient)
        value = self._value(x)
        if not self._slopes:
            return value, np.full_like(x, np.nan)
        if self._jac is not None:
            return value, self._flat(self._call(self._jac, x))
        gradient = np.empty_like(x)
        for i, slope in enumerate(central_differences(self._value, x, self.box)):
            gradient[i] = slope
            self.calls[0] += 2
        return value, gradient

    def again(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Evaluate values (k,) and gradients (k, n) again, without counting the calls."""
        calls = list(self.calls)
        pairs = [self._evaluate(row) for row in rows]
        self.calls = calls
        return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])

    def rows_value_and_grad(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values (k,) and gradients (k, n) at remembered points, and NaN at others.

        The function is not called again, because a call may take minutes or may have failed.
        """
        values, gradients = np.full(rows.shape[0], np.nan), np.full(rows.shape, np.nan)
        for k, row in enumerate(rows):
            for known in (self._latest, self._lowest):
                if known is not None and np.array_equal(known[0], row):
                    values[k], gradients[k] = known[1], known[2]
        return values, gradients

    def _in_core(self) -> _core.Objective:
        # The caller evaluates values and gradients.
        return _core.Objective(_core.Graph(), -1, self.structure.size)
