# SPDX-License-Identifier: BSD-3-Clause
"""Let DataFrames and Series of pandas work together with traced values.

Their operators defer to an operand with a higher `__pandas_priority__`, except `@` and `dot`, which
would multiply element by element and collect traced values in a Series of objects.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from thalweg._tracing.tracer import Tracer, holds_tracer

__all__ = ["Frame", "defer_to_traced_values"]


class Frame(Tracer):
    """A DataFrame from `args` as a traced array (rows, columns) with named columns.

    As in pandas, a name or a list of names selects columns, a slice or a mask selects rows,
    iteration is over the names, and reductions such as `mean` act on each column unless `axis` is
    given.
    """

    __slots__ = ("columns",)
    columns: list[Any]

    @classmethod
    def of(cls, x: Tracer, columns: Sequence[Any]) -> Frame:
        """Give names to the columns of a traced array."""
        frame = cls(x.trace, x.node)
        frame.columns = list(columns)
        return frame

    def like(self, node: int) -> Tracer:
        """Return a node of selected elements as an array without names."""
        return Tracer(self.trace, node)

    def __getitem__(self, index: Any) -> Tracer:
        if index is None or index is Ellipsis or isinstance(index, tuple | slice):
            return super().__getitem__(index)
        axes = 1 if isinstance(index, list) else np.ndim(index)
        if axes > 1 or holds_tracer(index):
            return super().__getitem__(index)
        if not axes:
            return super().__getitem__((slice(None), self._position(index)))
        names = list(index)
        if names and all(isinstance(name, bool | np.bool_) for name in names):
            return super().__getitem__(np.array(names))
        return super().__getitem__((slice(None), [self._position(name) for name in names]))

    def _position(self, name: Any) -> int:
        if name not in self.columns:
            raise KeyError(name)
        return self.columns.index(name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.columns)

    def __getattr__(self, name: str) -> Tracer:
        if name != "columns" and name in self.columns:
            return self[name]
        raise AttributeError(f"'Frame' has no attribute {name!r}", name=name, obj=self)

    @property
    def values(self) -> Tracer:
        """The array without names."""
        return Tracer(self.trace, self.node)

    def to_numpy(self) -> Tracer:
        """Return the array without names."""
        return self.values

    def items(self) -> Iterator[tuple[Any, Tracer]]:
        """Iterate over names and columns."""
        return ((name, self[:, k]) for k, name in enumerate(self.columns))


def _by_column(name: str, defaults: dict[str, Any]) -> Callable[..., Tracer]:
    def method(self: Frame, **how: Any) -> Any:
        return getattr(self.values, name)(**{**defaults, **how})

    method.__name__, method.__doc__ = name, f"Return the {name} of each column."
    return method


for _name in ("sum", "mean", "prod", "max", "min"):
    setattr(Frame, _name, _by_column(_name, {"axis": 0}))
for _name in ("std", "var"):
    setattr(Frame, _name, _by_column(_name, {"axis": 0, "ddof": 1}))


def defer_to_traced_values() -> None:
    """Make `@` and `dot` of pandas, if it is imported, defer to traced values too."""
    pandas = sys.modules.get("pandas")
    for kind in (getattr(pandas, "DataFrame", None), getattr(pandas, "Series", None)):
        if kind is not None and not hasattr(kind.dot, "gives_way"):
            kind.dot = kind.__matmul__ = _giving_way(kind.dot)


def _giving_way(dot: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    @functools.wraps(dot)
    def product(self: Any, other: Any) -> Any:
        return other.__rmatmul__(self) if isinstance(other, Tracer) else dot(self, other)

    product.gives_way = True  # type: ignore[attr-defined]
    return product
