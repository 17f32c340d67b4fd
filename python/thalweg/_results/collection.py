# SPDX-License-Identifier: BSD-3-Clause
"""Keep the results of many descents in arrays, and give access to all of them or to one.

The return values of `minimize_many`, `multistart`, `basins`, `sweep` and fits are built on `Many`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg._results.reasons import Reason
from thalweg._results.record import Record, Shown, seconds, text

__all__ = ["Many", "One", "mapped"]


class One(Record):
    """One result among many, with entries as attributes and keys.

    Parameters
    ----------
    entries : dict
        The values by name.
    message : str or callable
        Why the descent ended, or a function that returns this text when it is first read.
    """

    __slots__ = ("_entries", "_message")

    def __init__(self, entries: dict[str, Any], message: str | Callable[[], str]) -> None:
        self._entries, self._message = entries, message

    @property
    def message(self) -> str:
        """The reason as a sentence, with both sides of the inequality that decided it."""
        if callable(self._message):
            self._message = self._message()
        return self._message

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._entries:
            return self._entries[name]
        raise AttributeError(f"this result has no {name!r}; it has {', '.join(self)}")

    def __getitem__(self, key: str) -> Any:
        return self.message if key == "message" else self._entries[key]

    def __iter__(self) -> Iterator[str]:
        yield from self._entries
        yield "message"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._entries]

    def __reduce__(self) -> tuple[Any, ...]:
        return One, (self._entries, self.message)

    def _rows(self) -> list[tuple[str, str]]:
        return [("message", self.message), *((k, text(v)) for k, v in self._entries.items())]


def _plain(value: Any) -> Any:
    """Convert a NumPy number to Python's own type; return anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


class Many(Shown):
    """The results of many descents, in arrays whose leading axes number the descents.

    The arrays are attributes and keys: ``r.fun`` is ``r["fun"]``. An integer for every leading axis
    selects one result; slices, masks and arrays of indices select several, as an object of the same
    class.

    Parameters
    ----------
    arrays : dict
        Arrays by name, or a tuple or dict of arrays for points in the form of `x0`. Each array has
        the leading axes.
    shape : tuple of int
        The shape of the leading axes.
    shared : dict, optional
        Entries that apply to all descents, such as `elapsed`. They are attributes and keys too.
    own : dict, optional
        Hidden arrays with the leading axes, from which messages are made.
    about : dict, optional
        Other data for messages and pictures. Its `objective` is not pickled.
    """

    __slots__ = ("_about", "_arrays", "_own", "_shared", "shape")

    def __init__(
        self,
        arrays: dict[str, Any],
        shape: tuple[int, ...],
        shared: dict[str, Any] | None = None,
        own: dict[str, npt.NDArray[Any]] | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self._arrays, self.shape = arrays, tuple(shape)
        self._shared, self._own, self._about = shared or {}, own or {}, about or {}
        for name, value in [*arrays.items(), *self._own.items()]:
            for label, array in _parts(name, value):
                if array.shape[: len(self.shape)] != self.shape:
                    raise ValueError(
                        f"{label} must have the leading axes {self.shape}, got shape {array.shape}"
                    )

    # ---- entries by name

    def keys(self) -> list[str]:
        """Return the names of the entries; parts of a tuple or dict have names like ``"x.W"``."""
        every = [*self._arrays.items(), *self._shared.items()]
        return [label for name, value in every for label, _ in _parts(name, value)]

    def values(self) -> list[Any]:
        """Return the entries in the order of `keys`."""
        return [self[key] for key in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of name and entry."""
        return list(zip(self.keys(), self.values(), strict=True))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (key in self._named() or key in self.keys())

    def _named(self) -> dict[str, Any]:
        return {**self._arrays, **self._shared}

    def _entry(self, name: str) -> Any:
        """Return an entry by its name, or a part of an entry."""
        named = self._named()
        if name in named:
            return named[name]
        first = name.partition(".")[0]
        if first in named:
            for label, array in _parts(first, named[first]):
                if label == name:
                    return array
        raise KeyError(f"no entry {name!r}; the entries are {', '.join(self.keys())}")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for entries in (self._arrays, self._shared):
                if name in entries:
                    return entries[name]
        kind = type(self).__name__
        raise AttributeError(f"{kind} has no {name!r}" + self._has(name))

    def _has(self, name: str) -> str:
        return "" if name.startswith("_") else f"; it has {', '.join(self._named())}"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._named()]

    # ---- lanes

    @property
    def size(self) -> int:
        """The number of descents."""
        return prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single result has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._entry(key)
        if isinstance(key, int | np.integer) and not isinstance(key, bool) and len(self.shape) == 1:
            if not -self.size <= key < self.size:
                raise IndexError(f"there are {self.size} results, got index {key}")
            return self._one(int(key) % self.size)
        if isinstance(key, tuple) and any(isinstance(k, str) for k in key):
            raise KeyError(f"select one name at a time, got {key!r}")
        picked = np.arange(self.size).reshape(self.shape)[key]
        return self._one(int(picked)) if picked.ndim == 0 else self._taken(picked)

    def _one(self, lane: int) -> One:
        """Return one result by its flat index."""
        at = np.unravel_index(lane, self.shape)
        entries = {
            name: mapped(value, lambda a: _plain(a[at])) for name, value in self._arrays.items()
        }
        if "reason" in entries:
            entries["reason"] = Reason(entries["reason"])
        return One(entries, lambda: self._message(lane))

    def _message(self, lane: int) -> str:
        """Describe why one of the descents ended."""
        reason = self._arrays.get("reason")
        return "" if reason is None else str(Reason(int(reason.flat[lane])))

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Self:
        """Return the results with these flat indices, whose shape becomes the leading axes."""

        def take(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.reshape(self.size, *array.shape[len(self.shape) :])[lanes]

        return self._like(
            {name: mapped(value, take) for name, value in self._arrays.items()},
            lanes.shape,
            {name: take(array) for name, array in self._own.items()},
        )

    def _like(
        self,
        arrays: dict[str, Any],
        shape: tuple[int, ...],
        own: dict[str, npt.NDArray[Any]],
    ) -> Self:
        return type(self)(arrays, shape, self._shared, own, self._about)

    def _in_shape(self, shape: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the visible and the hidden arrays with other leading axes, without copies."""

        def arranged(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.reshape(*shape, *array.shape[len(self.shape) :])

        return (
            {name: mapped(value, arranged) for name, value in self._arrays.items()},
            {name: arranged(array) for name, array in self._own.items()},
        )

    def sort(self, by: Any = "fun", descending: bool = False) -> Self:
        """Sort the results, which become one axis.

        Parameters
        ----------
        by : str or array_like, default "fun"
            The name of an entry with one number for each descent, or such numbers.
        descending : bool, default False
            Whether the largest number comes first. Equal numbers keep their order, and NaN always
            comes last.

        Returns
        -------
        Many
            A new object of the same class.

        Raises
        ------
        ValueError
            If there is not one number for each descent.
        """
        name = f"by={by!r}" if isinstance(by, str) else "by"
        numbers = np.asarray(self._entry(by) if isinstance(by, str) else by)
        if numbers.shape != self.shape or numbers.dtype.kind not in "biuf":
            raise ValueError(
                f"{name} must be one number for each descent, of shape {self.shape}, got "
                f"{numbers.dtype} of shape {numbers.shape}"
            )
        ascending = numbers.ravel()
        if descending:
            ascending = -ascending.astype(np.float64)
        return self._taken(np.argsort(ascending, kind="stable"))

    # ---- elsewhere

    def to_dataframe(self) -> Any:
        """Convert the results to a pandas DataFrame with one row for each descent.

        Returns
        -------
        pandas.DataFrame
            One column for each number of a result, such as ``fun``, ``x[0]`` or ``x.W[0, 1]``.
            `reason` is a categorical of names. Several leading axes become a MultiIndex.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError('to_dataframe needs pandas: pip install "thalweg[pandas]"') from None
        columns: dict[str, Any] = {}
        for name, value in self._arrays.items():
            for label, array in _parts(name, value):
                own = array.shape[len(self.shape) :]
                flat = array.reshape(self.size, prod(own))
                for j, at in enumerate(np.ndindex(*own)):
                    where = f"[{', '.join(map(str, at))}]" if own else ""
                    columns[label + where] = flat[:, j]
        if "reason" in columns:
            columns["reason"] = pd.Categorical.from_codes(
                columns["reason"], [str(r) for r in Reason]
            )
        index = None
        if len(self.shape) > 1:
            index = pd.MultiIndex.from_product([range(n) for n in self.shape])
        return pd.DataFrame(columns, index=index)

    def __copy__(self) -> Self:
        return self._like(self._arrays, self.shape, self._own)

    def __reduce__(self) -> tuple[Any, ...]:
        # The objective is left out, because it may hold much data.
        about = {k: v for k, v in self._about.items() if k not in ("objective", "lane_args")}
        return type(self), (self._arrays, self.shape, self._shared, self._own, about)

    # ---- shown

    @property
    def tally(self) -> dict[Reason, int]:
        """The number of descents that ended for each reason, the most frequent first."""
        counts = np.bincount(self._arrays["reason"].ravel(), minlength=len(Reason))
        order = np.argsort(-counts, kind="stable")
        return {Reason(int(r)): int(counts[r]) for r in order if counts[r]}

    def _heading(self) -> tuple[str, str]:
        return "results", f"{self.size:,}"

    def _rows(self) -> list[tuple[str, str]]:
        rows = [self._heading()]
        if "reason" in self._arrays and self.size:
            tally = self.tally
            width = max(len(str(r)) for r in tally)
            digits = max(len(f"{n:,}") for n in tally.values())
            lines = [f"{r!s:{width}} {n:>{digits},}" for r, n in tally.items()]
            rows.append(("reason", "\n".join(lines)))
        counted = [n for n in ("nit", "nfev") if n in self._arrays and self.size]
        rows += [(name, _spread(self._arrays[name])) for name in counted]
        if "elapsed" in self._shared:
            rows.append(("elapsed", seconds(self._shared["elapsed"])))
        return rows


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """Split an entry into pairs (label, array), one for each part of a tuple or dict."""
    if isinstance(value, dict):
        return [(f"{name}.{k}", v) for k, v in value.items()]
    if isinstance(value, tuple):
        return [(f"{name}.{i}", v) for i, v in enumerate(value)]
    return [(name, value)]


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to each array of an entry, which keeps its structure."""
    if isinstance(value, dict):
        return {k: function(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(function(v) for v in value)
    return function(value)


def _spread(counts: npt.NDArray[Any]) -> str:
    """Describe the range and the median of counts."""
    low, high = counts.min(), counts.max()
    if low == high:
        return f"{low:,}"
    return f"{low:,} to {high:,}, median {np.median(counts):,.0f}"
