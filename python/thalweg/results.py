# SPDX-License-Identifier: BSD-3-Clause
"""Many endings kept together: arrays with the lanes' axes in front, read as one record or as all.

`Many` keeps, picks, sorts, saves and shows; `Results` is what `minimize_many` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from thalweg.reasons import STATUS_MANY, SUCCESS, Reason
from thalweg.record import Record, Shown, seconds, text
from thalweg.sentences import blame, blamed, sentence
from thalweg.structure import FloatArray, Structure

if TYPE_CHECKING:
    from thalweg.objective import Objective

__all__ = ["Many", "One", "Results"]

Self_ = TypeVar("Self_", bound="Many")


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


class Results(Many):
    """Where many descents ended, why, and what each cost; what `minimize_many` returns.

    The arrays are attributes and keys. ``r[3]`` is one ending, with its `message`;
    ``r[r.success]``, ``r[:10]`` and ``r.sort()`` are `Results` too. ``np.savez(file, **r)`` saves
    the arrays, and pickling all of it but the function.

    Attributes
    ----------
    x : ndarray, tuple or dict
        The best points, in the structure of `x0`, each array with (k,) in front.
    fun : ndarray
        The values there, shape (k,).
    jac : ndarray, tuple or dict
        The gradients there, as `x`.
    success : ndarray of bool
        Whether it converged, shape (k,).
    status : ndarray of int8
        The reason in the numbers of `scipy.optimize.elementwise`, shape (k,).
    reason : ndarray of int8
        Why it ended: values of `thalweg.Reason`, shape (k,).
    nit, nfev, nhev : ndarray of int64
        Iterations; evaluations of value and gradient, and of the Hessian or its products.
    elapsed : float
        Seconds, of all together.
    best : One
        The ending with the lowest value of those that converged; of all where none did.
    tally : dict
        How many ended why.

    Examples
    --------
    >>> import numpy as np
    >>> from thalweg.results import Results
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
    def told(
        cls,
        out: dict[str, Any],
        objective: Objective,
        *,
        max_nfev: int,
        elapsed: float,
        lane_args: Sequence[npt.NDArray[Any] | None] = (),
    ) -> Results:
        """What the core tells of k descents, as the user sees it.

        Parameters
        ----------
        out : dict
            `x` and `jac` (k, n), `fun`, `reason`, `nit`, `nfev`, `nhev`, `left`, `right` (k,); and
            for messages of what was not finite, `last_x` (k, n) and `last_fun` (k,).
        objective : Objective
            What was minimized.
        max_nfev : int
            The limit, for its message.
        elapsed : float
            Seconds.
        lane_args : sequence, optional
            For each of the objective's `args`, its rows by lane, or None where it is shared.
        """
        k = len(out["fun"])
        form, reason = objective.structure, out["reason"]
        slopes = {} if out["jac"] is None else {"jac": _points(form, out["jac"])}
        arrays: dict[str, Any] = {
            "x": _points(form, out["x"]),
            "fun": out["fun"],
            **slopes,
            "success": np.array(SUCCESS)[reason],
            "status": np.array(STATUS_MANY, dtype=np.int8)[reason],
            "reason": reason,
            "nit": out["nit"],
            "nfev": out["nfev"],
            "nhev": out["nhev"],
        }
        if out.get("path") is not None:  # one by one, where they were asked for
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
        """The ending with the lowest value of those that converged; of all where none did."""
        return self._one(self._best())

    def _best(self) -> int:
        if not self.size:
            raise ValueError("there is no best of no endings")
        values = np.where(np.isnan(self.fun), np.inf, self.fun).ravel()
        converged = np.asarray(SUCCESS)[self.reason.ravel()]
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
            told, words = blame(objective, at, value, nit)
            if told == reason:
                return words
        most = int(self._about.get("max_nfev", 0))
        if reason is Reason.max_iterations and np.isnan(right):
            right = nit
        return sentence(reason, left, right, nit, nfev, most, last_fun)

    def _objective_of(self, lane: int) -> Objective | None:
        """What one of them descended, with the args of its own; None where it was not kept."""
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
        converged = int(np.count_nonzero(np.asarray(SUCCESS)[self.reason]))
        return "descents", f"{self.size:,}, {converged:,} converged"

    def _rows(self) -> list[tuple[str, str]]:
        rows = super()._rows()
        if self.size:
            lane = self._best()
            best = self._one(lane)
            rows.insert(1, ("best", f"fun {text(best.fun)}, number {lane:,}\nx {text(best.x)}"))
        return rows


def _points(form: Structure, rows: FloatArray) -> Any:
    return form.restore(rows, (len(rows),))


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
