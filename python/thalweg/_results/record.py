# SPDX-License-Identifier: BSD-3-Clause
"""Provide the base of all results: entries as attributes and keys, printed as a small table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

__all__ = ["Record", "Shown", "Unread", "any_active", "same", "seconds", "text"]


def seconds(duration: float) -> str:
    """Format a duration in seconds with a suitable unit: `12.3 µs`, `4.56 ms`, `7.89 s`."""
    for limit, scale, unit in ((1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if abs(duration) < limit:
            return f"{duration * scale:.3g} {unit}"
    return f"{duration:.3g} s" if duration < 1000 else f"{duration:.0f} s"


def text(value: Any) -> str:
    """Format a value as short text: numbers in full, arrays abbreviated, structures by entry."""
    if isinstance(value, dict):
        return "{" + _listed([(f"{k}: ", text(v)) for k, v in value.items()]) + "}"
    if isinstance(value, tuple):
        entries = _listed([("", text(v)) for v in value])
        return "(" + entries + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return text(value[()])
        return np.array2string(value, threshold=12, edgeitems=3, precision=8, separator=", ")
    return str(value)


def _listed(entries: list[tuple[str, str]]) -> str:
    """Join labels and texts in one line, or in several if a text has several lines."""
    lines = any("\n" in each for _, each in entries)
    parts = [label + each.replace("\n", "\n" + " " * (1 + len(label))) for label, each in entries]
    return (",\n " if lines else ", ").join(parts)


def same(a: Any, b: Any) -> bool:
    """Whether two points of one structure are equal."""
    if isinstance(a, dict):
        return isinstance(b, dict) and all(k in b and same(v, b[k]) for k, v in a.items())
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    return bool(np.array_equal(a, b, equal_nan=True))


def any_active(mask: Any) -> bool:
    """Whether any entry of a structure of masks is not 0."""
    if isinstance(mask, dict):
        return any(map(any_active, mask.values()))
    if isinstance(mask, tuple):
        return any(map(any_active, mask))
    return bool(np.any(mask))


class Shown:
    """An object that prints itself, and shows itself in a notebook, as rows of name and text."""

    __slots__ = ()

    def _rows(self) -> list[tuple[str, str]]:
        """Return the rows to show, as pairs of name and text."""
        raise NotImplementedError

    def __repr__(self) -> str:
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            f"{name:>{width}}: {shown}".replace("\n", "\n" + " " * (width + 2))
            for name, shown in rows
        )

    def _repr_html_(self) -> str:
        import html

        cells = "".join(
            f'<tr><th style="text-align:right">{html.escape(name)}</th>'
            f'<td style="text-align:left"><pre style="margin:0">{html.escape(shown)}</pre></td>'
            "</tr>"
            for name, shown in self._rows()
        )
        return f"<table>{cells}</table>"


class Record(Shown, Mapping[str, Any]):
    """A dataclass whose fields are keys too, except those that begin with an underscore."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __getitem__(self, key: str) -> Any:
        if key in self.__dataclass_fields__ and not key.startswith("_"):
            return getattr(self, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.__dataclass_fields__ if not name.startswith("_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # The comparison of Mapping would need the truth value of arrays.
    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, (type(self), dict(self))

    def _rows(self) -> list[tuple[str, str]]:
        """Return the rows to show, as pairs of name and text."""
        return [(name, text(value)) for name, value in self.items()]


class Unread(Record):
    """A record whose entries may come from the attributes of a source when they are first read."""

    __slots__ = ("_source",)

    @classmethod
    def of(cls, source: Any) -> Self:
        """Return a record that reads its entries from `source`."""
        record = cls.__new__(cls)
        object.__setattr__(record, "_source", source)
        return record

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # called for slots that are empty
            if name not in self.__dataclass_fields__:
                said = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(said, name=name, obj=self)
            value = getattr(self._source, name)
            object.__setattr__(self, name, value)
            return value


def restored(kind: type[Record], values: dict[str, Any]) -> Record:
    """Restore a pickled record by field names; fields added later get their defaults."""
    return kind(**values)
