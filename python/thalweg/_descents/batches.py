# SPDX-License-Identifier: BSD-3-Clause
"""Read the settings of minibatches, split off held-out rows, and trace the loss of a batch.

The loss is traced once for every batch size that occurs.
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

__all__ = ["Batches", "Losses", "Rows"]

# Defaults. Batches of 256 rows are large enough to fill vector registers and small enough for many
# steps. Ten epochs without a lower held-out loss is what scikit-learn waits too.
_BATCH_SIZE, _EPOCHS, _PATIENCE = 256, 10, 10
_FOREVER = 2**62


@dataclass(slots=True)
class Rows:
    """Data arrays of one length and the indices of the selected rows; None selects all."""

    arrays: list[npt.NDArray[Any]]
    chosen: npt.NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """The number of selected rows."""
        return len(self.arrays[0]) if self.chosen is None else len(self.chosen)

    def over(
        self, size: int, make: Callable[[int], _core.OnRows], losses: Losses, last: bool = True
    ) -> _core.OnBatches:
        """Split the rows into batches of `size`; `last` keeps an incomplete last batch."""
        size = min(size, self.count)
        rest = self.count % size if last else 0
        full, part = make(size), make(rest) if rest else None
        return _core.OnBatches(full, part, self.arrays, self.chosen, losses.shared)


@dataclass(slots=True)
class Batches:
    """The settings of minibatches, named as in `minimize`."""

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
                    raise TypeError(f"{f.name}= is for minibatches: pass data=, or leave it out")
        for name in ("shuffle", "drop_last", "average"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        if self.patience is not None and self.holdout is None:
            raise TypeError("patience= is for held-out rows: pass holdout=, or leave it out")
        self.epochs = min(_whole("epochs", self.epochs, 0, _EPOCHS), _FOREVER)
        self.patience = min(_whole("patience", self.patience, 1, _PATIENCE), _FOREVER)
        if self.seed is not None:
            self.seed = _whole("seed", self.seed, 0, 0)
            if self.seed >= 2**64:
                raise ValueError(f"seed must be < 2**64, got {self.seed}")
        self.data = _read(self.data, "data")
        self.batch_size = _whole("batch_size", self.batch_size, 1, _BATCH_SIZE)

    def apart(self, seed: int) -> tuple[Rows, Rows | None]:
        """Return the training rows and the held-out rows."""
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
    """Check arrays of one length, and copy only those whose dtype the core cannot read."""
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
            raise ValueError(f"{what}[{i}] must be a regular array, got a ragged one") from None
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
        raise ValueError(f"the arrays of {what} must have equally many rows, got {lengths}")
    if lengths[0] == 0:
        raise ValueError(f"{what} must have rows, got shapes {[a.shape for a in arrays]}")
    return arrays


class Losses:
    """The loss, traced for each batch size that occurs."""

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
        self._traced: dict[int, Objective] = {}

    def of(self, rows: int) -> Objective:
        """Return the loss of this many rows, whose data are inputs that change with the batch."""
        loss = self._traced.get(rows)
        if loss is None:
            inputs = [np.zeros((rows, *shape)) for shape in self._shapes]
            loss = Objective(self._function, self._x0, (*inputs, *self._args), self._unpack)
            if prod(loss.shape) != 1:
                raise ValueError(
                    f"the loss must be one value, a mean over rows, got shape {loss.shape}"
                )
            self._traced[rows] = loss
        return loss

    @property
    def shared(self) -> list[FloatArray]:
        """The numbers in `args`, which are the same in every batch."""
        return next(iter(self._traced.values())).args[len(self._shapes) :]

    def on(self, rows: int, gradient: bool) -> _core.OnRows:
        """Return the program for the value, and optionally the gradient, of this many rows."""
        return self.of(rows).on_rows(len(self._shapes), rows, gradient)

    def at(self, rows: npt.NDArray[np.int64], data: list[npt.NDArray[Any]]) -> Objective:
        """Return the loss of the given rows alone."""
        taken = [np.asarray(a[rows], np.float64) for a in data]
        return self.of(len(rows)).with_args((*taken, *self.shared))
