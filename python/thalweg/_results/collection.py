# SPDX-License-Identifier: BSD-3-Clause
"""Many endings kept together: arrays with the lanes' axes in front, read as one record or as all.

What `minimize_many`, `multistart`, `basins`, `sweep` and fits return is built on `Many`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg._results.reasons import Reason
from thalweg._results.record import Record, Shown, seconds, text

__all__ = ["Many", "One"]


class One(Record):
    """One ending of many: entries as attributes and keys; `message` is made when it is read.

    Parameters
    ----------
    entries : dict
        Name to value.
    message : str or callable
        Why it ended, or a function that gives it.
    """

    __slots__ = ("_entries", "_message")

    def __init__(self, entries: dict[str, Any], message: str | Callable[[], str]) -> None:
        self._entries, self._message = entries, message

    @property
    def message(self) -> str:
        """The reason in words, with both sides of the inequality that decided it."""
        if callable(self._message):
            self._message = self._message()
        return self._message

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._entries:
            return self._entries[name]
        raise AttributeError(f"this ending has {', '.join(self)}; no {name!r}")

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
    """A number as Python's own; arrays and whatever else as they are."""
    return value.item() if isinstance(value, np.generic) else value


class Many(Shown):
    """Endings of many descents, in arrays that have the lanes' axes in front.

    The arrays are attributes and keys: ``r.fun`` is ``r["fun"]``. An index of every lanes' axis
    gives one ending, anything else (slices, masks, arrays of indices) others of the same kind.

    Parameters
    ----------
    arrays : dict
        Name to an array shaped (lanes, own), or a tuple or dict of such: points in the form of
        `x0`.
    shape : tuple of int
        The lanes' axes.
    shared : dict, optional
        What is true of all of them: `elapsed`, axes. Attributes and keys like the arrays.
    own : dict, optional
        Arrays by lane that nobody is shown, from which messages are made.
    about : dict, optional
        What messages and pictures need besides; `objective` is not saved with the rest.
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
                        f"{label} must have {self.shape} in front, got shape {array.shape}"
                    )

    # ---- entries by name

    def keys(self) -> list[str]:
        """Names of the entries; those of a tuple or dict one by one, as ``"x.W"``."""
        every = [*self._arrays.items(), *self._shared.items()]
        return [label for name, value in every for label, _ in _parts(name, value)]

    def values(self) -> list[Any]:
        """The entries in the order of their names."""
        return [self[key] for key in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """Names and entries."""
        return list(zip(self.keys(), self.values(), strict=True))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (key in self._named() or key in self.keys())

    def _named(self) -> dict[str, Any]:
        return {**self._arrays, **self._shared}

    def _entry(self, name: str) -> Any:
        """An entry by name, or by the name of a part of it."""
        named = self._named()
        if name in named:
            return named[name]
        first = name.partition(".")[0]
        if first in named:
            for label, array in _parts(first, named[first]):
                if label == name:
                    return array
        raise KeyError(f"there is no {name!r}; there are {', '.join(self.keys())}")

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
        """How many endings."""
        return prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single ending has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._entry(key)
        if isinstance(key, int | np.integer) and not isinstance(key, bool) and len(self.shape) == 1:
            if not -self.size <= key < self.size:
                raise IndexError(f"there are {self.size} endings, got index {key}")
            return self._one(int(key) % self.size)
        if isinstance(key, tuple) and any(isinstance(k, str) for k in key):
            raise KeyError(f"one name at a time, got {key!r}")
        picked = np.arange(self.size).reshape(self.shape)[key]
        return self._one(int(picked)) if picked.ndim == 0 else self._taken(picked)

    def _one(self, lane: int) -> One:
        """One ending, by its number in order."""
        at = np.unravel_index(lane, self.shape)
        entries = {
            name: _mapped(value, lambda a: _plain(a[at])) for name, value in self._arrays.items()
        }
        if "reason" in entries:
            entries["reason"] = Reason(entries["reason"])
        return One(entries, lambda: self._message(lane))

    def _message(self, lane: int) -> str:
        """Why one of them ended, in words."""
        reason = self._arrays.get("reason")
        return "" if reason is None else str(Reason(int(reason.flat[lane])))

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Self:
        """Those with these numbers, which give the new lanes' axes."""

        def take(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.reshape(self.size, *array.shape[len(self.shape) :])[lanes]

        return self._like(
            {name: _mapped(value, take) for name, value in self._arrays.items()},
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
        """The arrays that are shown and those that are not, with other lanes' axes; no copies."""

        def arranged(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.reshape(*shape, *array.shape[len(self.shape) :])

        return (
            {name: _mapped(value, arranged) for name, value in self._arrays.items()},
            {name: arranged(array) for name, array in self._own.items()},
        )

    def sort(self, by: Any = "fun", descending: bool = False) -> Self:
        """These endings in another order, along one axis.

        Parameters
        ----------
        by : str or array_like, default "fun"
            The name of an entry with one number an ending, or numbers of your own.
        descending : bool, default False
            Largest first. Equal ones keep their order; NaN comes last either way.

        Returns
        -------
        Many
            A new one of the same kind.

        Raises
        ------
        ValueError
            If there is not one number an ending.
        """
        told = f"by={by!r}" if isinstance(by, str) else "by"
        numbers = np.asarray(self._entry(by) if isinstance(by, str) else by)
        if numbers.shape != self.shape or numbers.dtype.kind not in "biuf":
            raise ValueError(
                f"{told} must be one number an ending, of shape {self.shape}, got "
                f"{numbers.dtype} of shape {numbers.shape}"
            )
        ascending = numbers.ravel()
        if descending:
            ascending = -ascending.astype(np.float64)
        return self._taken(np.argsort(ascending, kind="stable"))

    # ---- elsewhere

    def to_dataframe(self) -> Any:
        """The endings as a pandas DataFrame, a row each.

        Returns
        -------
        pandas.DataFrame
            One column for each number of an ending: ``fun``, ``x[0]``, ``x.W[0, 1]``. `reason`
            is a categorical of the names. Several lanes' axes make a MultiIndex.

        Raises
        ------
        ImportError
            If pandas is missing.
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
        # As a result, without what was minimized: it may hold much data.
        about = {k: v for k, v in self._about.items() if k not in ("objective", "lane_args")}
        return type(self), (self._arrays, self.shape, self._shared, self._own, about)

    # ---- shown

    @property
    def tally(self) -> dict[Reason, int]:
        """How many ended why, the most frequent first."""
        counts = np.bincount(self._arrays["reason"].ravel(), minlength=len(Reason))
        order = np.argsort(-counts, kind="stable")
        return {Reason(int(r)): int(counts[r]) for r in order if counts[r]}

    def _heading(self) -> tuple[str, str]:
        return "endings", f"{self.size:,}"

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
    """An entry as (label, array): those of a tuple or dict one by one."""
    if isinstance(value, dict):
        return [(f"{name}.{k}", v) for k, v in value.items()]
    if isinstance(value, tuple):
        return [(f"{name}.{i}", v) for i, v in enumerate(value)]
    return [(name, value)]


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """The same structure with each array mapped."""
    if isinstance(value, dict):
        return {k: function(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(function(v) for v in value)
    return function(value)


def _spread(counts: npt.NDArray[Any]) -> str:
    """From where to where numbers go, and the one in the middle."""
    low, high = counts.min(), counts.max()
    if low == high:
        return f"{low:,}"
    return f"{low:,} to {high:,}, median {np.median(counts):,.0f}"
