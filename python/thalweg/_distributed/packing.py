# SPDX-License-Identifier: BSD-3-Clause
"""Pack the results of fits into one array of doubles, one row for each fit, and read them again.

One task then has one output, whatever is asked of it. Counts and codes are exact as doubles.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.verdicts import SIDES, Arrays, fields_of
from thalweg._objectives.points import FloatArray

__all__ = ["ISAS", "Packing"]

# The instruction sets, which `isa` numbers. Results of different ones may differ by rounding.
ISAS = ("baseline", "avx2", "avx512", "neon")


class _Column(NamedTuple):
    """Where an array lies in a row, and what it is for one fit."""

    first: int
    own: tuple[int, ...]
    kind: type

    @property
    def where(self) -> slice:
        return slice(self.first, self.first + prod(self.own))


class Packing:
    """The layout of a row.

    Parameters
    ----------
    p : int
        The number of parameters.
    more : sequence of str
        Statistics that need the data, so that the tasks compute them.
    """

    def __init__(self, p: int, more: tuple[str, ...] = ()) -> None:
        fields: dict[str, tuple[tuple[int, ...], type]] = fields_of(p) | {"isa": ((), np.int8)}
        self.own = (*SIDES, *more)
        self.columns: dict[str, _Column] = {}
        self.width = 0
        for name, (own, kind) in (fields | dict.fromkeys(self.own, ((), np.float64))).items():
            self.columns[name] = _Column(self.width, own, kind)
            self.width += prod(own)

    @property
    def arrays(self) -> list[str]:
        """The names of the arrays that users see."""
        return [name for name in self.columns if name not in self.own]

    def pack(self, arrays: Arrays, lead: tuple[int, ...]) -> FloatArray:
        """Return rows (*lead, width), with the instruction set of this process."""
        packed = np.empty((*lead, self.width))
        arrays = arrays | {"isa": np.array(ISAS.index(_core.active_isa()), dtype=np.int8)}
        for name, column in self.columns.items():
            array = np.broadcast_to(arrays[name], (*lead, *column.own))
            packed[..., column.where] = array.reshape(*lead, prod(column.own))
        return packed

    def column(self, packed: FloatArray, array: str) -> npt.NDArray[Any]:
        """Return one of the arrays of rows (..., width)."""
        column = self.columns[array]
        rows = packed[..., column.where].reshape((*packed.shape[:-1], *column.own))
        return np.ascontiguousarray(rows, dtype=column.kind).reshape(rows.shape)

    def unpack(self, packed: FloatArray) -> tuple[Arrays, Arrays]:
        """Return the arrays that users see, and those from which messages are made."""
        every = {name: self.column(packed, name) for name in self.columns}
        return {k: every[k] for k in self.arrays}, {k: every[k] for k in self.own}
