# SPDX-License-Identifier: BSD-3-Clause
"""Compute the triangles of data sets, with the tapes of fits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from thalweg import _core
from thalweg._fits.slots import Inputs
from thalweg._fits.tapes import FitTapes
from thalweg._objectives.points import FloatArray
from thalweg._together.triangles import packed, triangular

__all__ = ["ArrowTapes"]


class ArrowTapes(FitTapes):
    """The tapes of one model whose fitted parameters are the local and then the shared ones.

    Parameters
    ----------
    order : sequence of int
        The positions of the local parameters among the fitted ones, followed by those of the
        shared.
    *args
        As in `FitTapes`.
    """

    def __init__(self, order: Sequence[int], *args: Any) -> None:
        super().__init__(*args)
        self._order = tuple(order)

    def triangles(self, inputs: Inputs, threads: int) -> tuple[FloatArray, FloatArray]:
        """Return the costs (k,) of sets, and the packed triangles (k, ·) of [A B r]."""
        cost, triangle = self._triangles(inputs.arrays, inputs.varying, len(inputs), threads)
        return cost[:, 0], triangle

    @cached_property
    def _triangles(self) -> _core.Function:
        """The cost and R, of residuals and Jacobian as they are weighted for the minimization."""
        subject, residuals, root = self._residuals_as_weighed()
        _, cost = self._weighed()
        columns = self.columns_of(subject)
        if root is not None:
            columns = columns * root
        parts = [*(columns[i] for i in self._order), residuals]
        return self._function(cost.node, packed(self._trace, triangular(parts)))
