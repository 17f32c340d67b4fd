# SPDX-License-Identifier: BSD-3-Clause
"""The inputs of the tapes of many fits, by name. Only this file knows their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from thalweg._fits.robust import Rho
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["Inputs", "Layout"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Which inputs the tapes of a model have, and their shapes in one fit.

    Attributes
    ----------
    m : int
        Number of data of a fit.
    free, fixed : tuple of int
        Parameters that are fitted, and those that are not, by position.
    predictors : int
        How many predictors differ from fit to fit.
    weights : tuple of int or None
        Shape of the inverse errors of the data: () or (m,).
    rho : callable or None
        The loss.
    poisson : bool
        Whether the data are counts.
    """

    m: int
    free: tuple[int, ...]
    fixed: tuple[int, ...] = ()
    predictors: int = 0
    weights: Shape | None = None
    rho: Rho | None = None
    poisson: bool = False

    @property
    def n(self) -> int:
        """Number of parameters, all of them."""
        return len(self.free) + len(self.fixed)

    @property
    def predictor_names(self) -> list[str]:
        """Names of the inputs for predictors that differ from fit to fit."""
        return [f"predictor {i}" for i in range(self.predictors)]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each input in one fit, in the order in which tapes take them.

        `x` holds the fitted parameters, `y` the data, `fixed` the other parameters, `weights` the
        inverse errors of the data, `f_scale` the scale of the loss, `rows` how many of the data
        are not missing.
        """
        data = (self.m,)
        shapes: dict[str, Shape] = {"x": (len(self.free),), "y": data}
        if self.fixed:
            shapes["fixed"] = (len(self.fixed),)
        shapes |= dict.fromkeys(self.predictor_names, data)
        if self.weights is not None:
            shapes["weights"] = self.weights
        return shapes | {"f_scale": (), "rows": ()}

    @property
    def minimized(self) -> int:
        """How many of the first inputs the sum of squares takes: `f_scale` only with a loss."""
        return list(self.shapes).index("f_scale") + (self.rho is not None)

    def traced(self, trace: Trace) -> dict[str, Tracer]:
        """The inputs as traced values."""
        return {
            name: trace.input(place, shape)
            for place, (name, shape) in enumerate(self.shapes.items())
        }


class Inputs:
    """Arrays for the tapes of k fits, by the names in `Layout.shapes`.

    An array has the shape of its input, and is then the same for all fits, or (k,) in front of it.
    """

    __slots__ = ("_arrays", "layout")

    def __init__(self, layout: Layout, arrays: dict[str, FloatArray]) -> None:
        self.layout, self._arrays = layout, arrays

    def __len__(self) -> int:
        return len(self["x"])

    def __getitem__(self, name: str) -> FloatArray:
        return self._arrays[name]

    def get(self, name: str) -> FloatArray | None:
        """An array, or None where tapes have no such input."""
        return self._arrays.get(name)

    @property
    def predictors(self) -> list[FloatArray]:
        """Predictors (k, m) that differ from fit to fit."""
        return [self[name] for name in self.layout.predictor_names]

    @property
    def arrays(self) -> list[FloatArray]:
        """All arrays in the order in which tapes take them."""
        return [self[name] for name in self.layout.shapes]

    @property
    def varying(self) -> list[bool]:
        """Which of them differ from fit to fit, in the same order."""
        return [self._varies(name) for name in self.layout.shapes]

    def _varies(self, name: str) -> bool:
        return self[name].ndim > len(self.layout.shapes[name])

    def with_arrays(self, **arrays: FloatArray) -> Inputs:
        """The same with other arrays in some places."""
        return Inputs(self.layout, self._arrays | arrays)

    def taken(self, which: npt.NDArray[np.intp] | slice) -> Inputs:
        """The inputs of some fits."""

        def rows(array: FloatArray) -> FloatArray:
            return array[which] if isinstance(which, slice) else np.take(array, which, axis=0)

        arrays = self._arrays.items()
        return Inputs(
            self.layout, {name: rows(a) if self._varies(name) else a for name, a in arrays}
        )
