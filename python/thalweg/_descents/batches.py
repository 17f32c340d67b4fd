# SPDX-License-Identifier: BSD-3-Clause
"""Minibatches as they are asked for: data arrays, how their rows are dealt, what is held out.

And the loss, traced for every size of batch that occurs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray

__all__ = ["Batches", "Losses", "Over", "Rows"]

# Where nothing is said. Batches of 256: large enough to fill the vectors, small enough for many
# steps; ten epochs without a better held-out loss: as many as scikit-learn waits.
_BATCH_SIZE, _EPOCHS, _PATIENCE = 256, 10, 10
_FOREVER = 2**62
# What the core takes means or steps over: a full batch, the incomplete one, arrays, rows.
Over = tuple[
    _core.OnRows, _core.OnRows | None, list[npt.NDArray[Any]], npt.NDArray[np.int64] | None
]


@dataclass(slots=True)
class Rows:
    """Data arrays of one length, and which of their rows; None for all."""

    arrays: list[npt.NDArray[Any]]
    chosen: npt.NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """How many."""
        return len(self.arrays[0]) if self.chosen is None else len(self.chosen)

    def over(self, size: int, make: Callable[[int], _core.OnRows], last: bool = True) -> Over:
        """In batches of `size` rows; `last`: with the incomplete one."""
        size = min(size, self.count)
        rest = self.count % size if last else 0
        return make(size), make(rest) if rest else None, self.arrays, self.chosen


@dataclass(slots=True)
class Batches:
    """What was asked about minibatches; the names are those of `minimize`."""

    data: Any
    batch_size: Any = None
    epochs: Any = None
    seed: Any = None
    holdout: Any = None
    patience: Any = None
    shuffle: bool = True
    drop_last: bool = False
    average: bool = False

    def __post_init__(self) -> None:
        if self.data is None:
            for f in fields(self)[1:]:
                if getattr(self, f.name) is not f.default:
                    raise TypeError(f"{f.name}= is for minibatches: give data=, or leave it out")
        for name in ("shuffle", "drop_last", "average"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if self.patience is not None and self.holdout is None:
            raise TypeError("patience= is for held-out rows: give holdout=, or leave it out")
        self.epochs = min(_whole("epochs", self.epochs, 0, _EPOCHS), _FOREVER)
        self.patience = min(_whole("patience", self.patience, 1, _PATIENCE), _FOREVER)
        if self.seed is not None:
            self.seed = _whole("seed", self.seed, 0, 0)
            if self.seed >= 2**64:
                raise ValueError(f"seed must be < 2**64, got {self.seed}")
        self.data = _read(self.data, "data")
        self.batch_size = _whole("batch_size", self.batch_size, 1, _BATCH_SIZE)

    def apart(self, seed: int) -> tuple[Rows, Rows | None]:
        """The rows trained on, and those held out."""
        rows = len(self.data[0])
        if self.holdout is None:
            return Rows(self.data), None
        if isinstance(self.holdout, tuple | list | np.ndarray):
            kept = _read(self.holdout, "holdout")
            wanted, got = [a.shape[1:] for a in self.data], [a.shape[1:] for a in kept]
            if wanted != got:
                raise ValueError(f"holdout must have rows of shapes {wanted} as data, got {got}")
            return Rows(self.data), Rows(kept)
        share = self.holdout
        if isinstance(share, bool) or not isinstance(share, float | np.floating):
            raise TypeError(
                f"holdout must be a fraction or a tuple of arrays, got {type(share).__name__}"
            )
        if not 0 < share < 1:
            raise ValueError(f"holdout must lie between 0 and 1, got {share}")
        count = max(1, round(share * rows))
        if count == rows:
            raise ValueError(f"holdout must leave rows to train on, got {share} of {rows}")
        order = _core.permutation(seed, 0, rows)
        return Rows(self.data, np.sort(order[count:])), Rows(self.data, np.sort(order[:count]))


def _whole(name: str, value: Any, least: int, default: int) -> int:
    if value is None:
        return default
    if value == np.inf and name in ("epochs", "patience"):
        return _FOREVER
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be >= {least}, got {value}")
    return int(value)


def _read(data: Any, what: str) -> list[npt.NDArray[Any]]:
    """Arrays of one length: referenced where the core reads their numbers, else copied."""
    if not isinstance(data, tuple | list):
        data = (data,)
    if not data:
        raise ValueError(f"{what} must hold at least one array, got none")
    arrays = []
    for i, given in enumerate(data):
        if isinstance(given, np.ma.MaskedArray):
            raise TypeError(f"{what}[{i}] must not be masked: leave the rows out, or weight them")
        try:
            a = np.asarray(given)
        except ValueError:
            raise ValueError(f"{what}[{i}] must be an array of numbers, got a ragged one") from None
        if a.dtype.kind not in "biuf":
            wanted = "real" if a.dtype.kind == "c" else "numbers"
            raise TypeError(f"{what}[{i}] must be {wanted}, got dtype {a.dtype}")
        if a.ndim == 0:
            raise ValueError(f"{what}[{i}] must have rows along its first axis, got a number")
        if not a.dtype.isnative or (a.dtype.kind == "f" and a.dtype.itemsize > 8):
            a = a.astype(np.float64)
        arrays.append(a)
    lengths = [len(a) for a in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"the arrays of {what} must have as many rows each, got {lengths}")
    if lengths[0] == 0:
        raise ValueError(f"{what} must have rows, got shapes {[a.shape for a in arrays]}")
    return arrays


class Losses:
    """The loss traced for batches of each size that occurs."""

    def __init__(
        self,
        function: Callable[..., Any],
        x0: Any,
        data: list[npt.NDArray[Any]],
        args: tuple[Any, ...],
        unpack: bool | None,
    ) -> None:
        self._function, self._x0, self._args, self._unpack = function, x0, args, unpack
        self._shapes = [a.shape[1:] for a in data]
        self._made: dict[int, Objective] = {}

    def of(self, rows: int) -> Objective:
        """The loss of so many rows: inputs of it, whose values are given batch by batch."""
        made = self._made.get(rows)
        if made is None:
            inputs = [np.zeros((rows, *shape)) for shape in self._shapes]
            made = Objective(self._function, self._x0, (*inputs, *self._args), self._unpack)
            if prod(made.shape) != 1:
                raise ValueError(
                    f"the loss must be one value, a mean over rows, got shape {made.shape}"
                )
            self._made[rows] = made
        return made

    @property
    def shared(self) -> list[FloatArray]:
        """What is the same in every batch: the numbers in `args`."""
        return next(iter(self._made.values())).args[len(self._shapes) :]

    def on(self, rows: int, gradient: bool) -> _core.OnRows:
        """Value, and gradient, of so many rows."""
        return self.of(rows).on_rows(len(self._shapes), rows, gradient)

    def at(self, rows: npt.NDArray[np.int64], data: list[npt.NDArray[Any]]) -> Objective:
        """The loss of these rows alone."""
        taken = [np.asarray(a[rows], np.float64) for a in data]
        return self.of(len(rows)).with_args((*taken, *self.shared))
