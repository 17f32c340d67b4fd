# SPDX-License-Identifier: BSD-3-Clause
"""Access the inputs of the tapes of many fits by name; only this module knows their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from thalweg._fits.robust import Rho
from thalweg._objectives.points import FloatArray
from thalweg._parameters.plan import Plan, Tie
from thalweg._parameters.priors import NO_PRIORS, Priors
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["Inputs", "Layout"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The inputs of the tapes of a model, and their shapes in one fit.

    Attributes
    ----------
    m : int
        The number of data of a fit.
    free, fixed : tuple of int
        The positions of the parameters that are fitted, and of those that are fixed.
    predictors : int
        The number of predictors that differ between fits.
    weights : tuple of int or None
        The shape of the inverse errors of the data, () or (m,); None without errors.
    rho : callable or None
        The loss.
    poisson : bool
        Whether the data are counts.
    ties : tuple of Tie
        The parameters that are computed from others.
    priors : Priors
        What is known of parameters.
    bounded : bool
        Whether each fit has bounds of its own.
    """

    m: int
    free: tuple[int, ...]
    fixed: tuple[int, ...] = ()
    predictors: int = 0
    weights: Shape | None = None
    rho: Rho | None = None
    poisson: bool = False
    ties: tuple[Tie, ...] = ()
    priors: Priors = NO_PRIORS
    bounded: bool = False

    @cached_property
    def plan(self) -> Plan:
        """Which parameters are fitted, fixed and tied."""
        return Plan(self.free, self.fixed, self.ties)

    @property
    def n(self) -> int:
        """The number of all parameters."""
        return self.plan.n

    @property
    def predictor_names(self) -> list[str]:
        """The names of the inputs for predictors that differ between fits."""
        return [f"predictor {i}" for i in range(self.predictors)]

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each input in one fit, in the order of the tapes' inputs.

        `x` holds the fitted parameters, `y` the data, `fixed` the fixed parameters, `weights` the
        inverse errors of the data, `prior` the means and errors of normal priors, `f_scale` the
        scale of the loss, `rows` the number of data that are not missing, and `lower` and `upper`
        the bounds of the fitted parameters if they differ between fits.
        """
        data = (self.m,)
        shapes: dict[str, Shape] = {"x": (len(self.free),), "y": data}
        if self.fixed:
            shapes["fixed"] = (len(self.fixed),)
        shapes |= dict.fromkeys(self.predictor_names, data)
        if self.weights is not None:
            shapes["weights"] = self.weights
        if self.priors.normal:
            shapes["prior"] = (2, len(self.priors.normal))
        shapes |= {"f_scale": (), "rows": ()}
        if self.bounded:
            shapes |= dict.fromkeys(("lower", "upper"), (len(self.free),))
        return shapes

    @property
    def minimized(self) -> int:
        """The number of inputs of the sum of squares, which uses `f_scale` only with a loss."""
        return list(self.shapes).index("f_scale") + (self.rho is not None)

    def traced(self, trace: Trace) -> dict[str, Tracer]:
        """Return the inputs as traced values."""
        return {
            name: trace.input(place, shape)
            for place, (name, shape) in enumerate(self.shapes.items())
        }


class Inputs:
    """The arrays for the tapes of k fits, by the names in `Layout.shapes`.

    An array has the shape of its input if it is the same for all fits, and otherwise the leading
    axis (k,) too.
    """

    __slots__ = ("_arrays", "layout")

    def __init__(self, layout: Layout, arrays: dict[str, FloatArray]) -> None:
        self.layout, self._arrays = layout, arrays

    def __len__(self) -> int:
        return len(self["x"])

    def __getitem__(self, name: str) -> FloatArray:
        return self._arrays[name]

    def get(self, name: str) -> FloatArray | None:
        """Return an array, or None if the tapes have no such input."""
        return self._arrays.get(name)

    @property
    def predictors(self) -> list[FloatArray]:
        """The predictors (k, m) that differ between fits."""
        return [self[name] for name in self.layout.predictor_names]

    @property
    def arrays(self) -> list[FloatArray]:
        """All arrays in the order of the tapes' inputs."""
        return [self[name] for name in self.layout.shapes]

    @property
    def varying(self) -> list[bool]:
        """Whether each array differs between fits, in the same order."""
        return [self._varies(name) for name in self.layout.shapes]

    def _varies(self, name: str) -> bool:
        return self[name].ndim > len(self.layout.shapes[name])

    def with_arrays(self, **arrays: FloatArray) -> Inputs:
        """Return the same inputs with some arrays replaced."""
        return Inputs(self.layout, self._arrays | arrays)

    def taken(self, which: npt.NDArray[np.intp] | slice) -> Inputs:
        """Return the inputs of the selected fits."""

        def rows(array: FloatArray) -> FloatArray:
            return array[which] if isinstance(which, slice) else np.take(array, which, axis=0)

        arrays = self._arrays.items()
        return Inputs(
            self.layout, {name: rows(a) if self._varies(name) else a for name, a in arrays}
        )
