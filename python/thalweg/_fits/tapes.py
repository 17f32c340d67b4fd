# SPDX-License-Identifier: BSD-3-Clause
"""Fits of one model to many data, as tapes that all fits share: each fit is a lane.

What differs from fit to fit is an input of the tape: the data, and where they do, predictors,
errors and parameters that are held fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.covariances import covariances, held_of
from thalweg._fits.robust import Rho, curvature, weighted
from thalweg._fits.squares import sum_of_squares
from thalweg._objectives.points import FloatArray
from thalweg._tracing.trace import Trace, Tracer, output_node

__all__ = ["ON_TAPE", "FitTapes", "Layout", "Values"]

# The model's values, of traced predictors that differ from fit to fit and traced parameters.
Values = Callable[[Trace, list[Tracer], list[Tracer]], Any]

# Parameters up to which covariances are on the tape: n**3 / 2 instructions, 15 ms to write for 16.
ON_TAPE = 16


class Layout:
    """What the inputs of the tapes are, in their order.

    Attributes
    ----------
    m : int
        Data of a fit.
    free, fixed : tuple of int
        Parameters that are fitted, and those that are not, by position.
    predictors : int
        How many predictors differ from fit to fit.
    weights : tuple of int or None
        Shape of the data's inverse errors: () or (m,).
    rho : callable or None
        The loss; its scale is the last input of what is minimized.
    poisson : bool
        Whether the data are counts.
    """

    def __init__(
        self,
        m: int,
        free: Sequence[int],
        fixed: Sequence[int],
        predictors: int = 0,
        weights: tuple[int, ...] | None = None,
        rho: Rho | None = None,
        poisson: bool = False,
    ) -> None:
        self.m, self.free, self.fixed = m, tuple(free), tuple(fixed)
        self.predictors, self.weights = predictors, weights
        self.rho, self.poisson = rho, poisson

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells one from another."""
        return (self.m, self.free, self.fixed, self.predictors, self.weights, self.rho,
                self.poisson)  # fmt: skip

    @property
    def n(self) -> int:
        """Number of parameters, all of them."""
        return len(self.free) + len(self.fixed)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs but for the loss's scale: free parameters, data, and the rest."""
        n, f = len(self.free), len(self.fixed)
        return [
            (n,), (self.m,), *[(f,)] * bool(f), *[(self.m,)] * self.predictors,
            *([] if self.weights is None else [self.weights]),
        ]  # fmt: skip


class FitTapes:
    """The tapes of one model: of whole data, or of data in which values may be missing (NaN).

    Parameters
    ----------
    values : callable
        ``values(trace, predictors, parameters)``: the model.
    layout : Layout
    missing : bool
        Whether a NaN in the data, or in a predictor, leaves that value out.
    box : list of ndarray
        Lower and upper ends of the free parameters, or nothing.
    absolute : bool
        Whether errors are meant as they stand.
    known : sequence of ndarray
        Predictors that are the same for all fits and may hold NaN.

    Raises
    ------
    ValueError
        If the model does not give a value for each of the data.
    """

    def __init__(
        self,
        values: Values,
        layout: Layout,
        missing: bool,
        box: list[FloatArray],
        absolute: bool,
        known: Sequence[FloatArray] = (),
    ) -> None:
        self.layout, self.box, self.absolute = layout, box, absolute
        trace = self._trace = Trace()
        inputs: list[Any] = [trace.input(i, shape) for i, shape in enumerate(layout.shapes)]
        self.inputs = len(inputs)
        self._x: Tracer = inputs[0]
        y = inputs[1]
        rest = inputs[2:]
        fixed: Any = rest.pop(0) if layout.fixed else None
        predictors = [rest.pop(0) for _ in range(layout.predictors)]
        weights = rest.pop(0) if rest else None

        parameters: list[Any] = [None] * layout.n
        for i, k in enumerate(layout.free):
            parameters[k] = self._x[i]
        for i, k in enumerate(layout.fixed):
            parameters[k] = fixed[i]
        model = _of_size(trace, values(trace, predictors, parameters), layout.m)
        self.model = model.node
        valid: Any = None
        if missing:
            valid = y == y
            for p in predictors:
                valid = valid & (p == p)
            for x in known:
                if np.isnan(x).any():
                    valid = valid & trace.wrap(~np.isnan(x))
        if layout.poisson:
            self._counts(model, y, valid)
        else:
            r = model - y
            if weights is not None:
                r = r * weights
            self._residuals: Any = r if valid is None else np.where(valid, r, 0.0)

    # ---- what is minimized

    @cached_property
    def minimizer(self) -> _core.Minimizer:
        """The core's least squares of the residuals, or what is that for counts."""
        layout, graph = self.layout, self._trace.graph
        if not layout.poisson:
            r, x = self._residuals.node, self._x.node
            return sum_of_squares(graph, r, x, self.inputs, layout.rho)
        slopes = graph.normal_equations(
            self._mean.node, self._slope.node, self._share.node, self._x.node
        )
        return _core.Minimizer(
            "lm", graph, self._deviance.node, len(layout.free), self.inputs, slopes
        )

    def _counts(self, mean: Any, y: Any, valid: Any) -> None:
        """Half the deviance of counts from their means, with slopes J'u and Fisher's information.

        The deviance differs from twice the negative log-likelihood by what does not depend on the
        parameters: y log(y / mean) - (y - mean) = y (t - log1p(t)), t = (mean - y) / y, summed.
        """
        if valid is not None:
            mean, y = np.where(valid, mean, 1.0), np.where(valid, y, 1.0)
        some = y > 0.0
        t = (mean - y) / np.where(some, y, 1.0)
        each = np.where(some, y * (t - np.log1p(t)), mean)
        inside = (mean > 0.0) & (y >= 0.0)
        self._mean, self._mean_is_one = mean, inside
        self._deviance = np.sum(np.where(inside, each, np.nan))
        self._slope, self._share = 1.0 - y / mean, 1.0 / mean

    # ---- what is told at the answer

    @cached_property
    def told(self) -> _core.Function:
        """Covariance (n, n), errors (n,), and whether they are to be done by QR, at the answers.

        Its inputs are those of what is minimized, then the loss's scale (whether there is one or
        not), then the number of data that are not missing.
        """
        layout, trace, x = self.layout, self._trace, self._x
        scale, rows = trace.input(self.inputs, ()), trace.input(self.inputs + 1, ())
        weights, cost = self._weighed(scale)
        subject = self._mean if layout.poisson else self._residuals
        node = trace.lift(weights) if weights is not None else -1
        _, normal = trace.graph.normal_equations(subject.node, subject.node, node, x.node)
        n = len(layout.free)
        held, count = self._held(n)
        known: Any = rows > count
        factor: Any = 2.0 * cost / (rows - count)
        if self.absolute or layout.poisson:
            known, factor = rows == rows, 1.0
        matrix = Tracer(trace, trace.graph.reshape(normal, (n, n)))
        covariance, errors, doubtful = covariances(matrix, n, factor, known, held)
        zero = trace.wrap(0.0)
        whole = [[zero] * layout.n for _ in range(layout.n)]
        each = [zero] * layout.n
        for i, k in enumerate(layout.free):
            each[k] = errors[i]
            for j, l in enumerate(layout.free):
                whole[k][l] = covariance[i][j]
        outputs = [
            trace.stack([e.node for row in whole for e in row]),
            trace.stack([e.node for e in each]),
            doubtful.node,
        ]
        return _core.Function(trace.graph, outputs, self.inputs + 2)

    def _weighed(self, scale: Tracer) -> tuple[Any, Any]:
        """What each row of the Jacobian weighs in the covariance, if anything; the cost."""
        layout = self.layout
        if layout.poisson:
            return self._share, self._deviance
        r = self._residuals
        if layout.rho is None:
            return None, np.sum(r * r) * 0.5
        costs, _ = weighted(layout.rho, r, scale)
        return curvature(layout.rho, r, scale), np.sum(self._trace.wrap(costs))

    def _held(self, n: int) -> tuple[list[Any] | None, Any]:
        """Which parameters ended at a bound, and how many did not."""
        return held_of(self._x, n, self.box)

    @cached_property
    def columns(self) -> _core.Function:
        """The Jacobian's columns, its rows as they weigh in the covariance; the cost. As `told`."""
        layout, trace = self.layout, self._trace
        scale = trace.input(self.inputs, ())
        weights, cost = self._weighed(scale)
        subject = self._mean if layout.poisson else self._residuals
        n = len(layout.free)
        jacobian = Tracer(trace, trace.graph.reshape(
            trace.graph.jacobian(subject.node, self._x.node), (n, layout.m)))  # fmt: skip
        if weights is not None:
            jacobian = jacobian * np.sqrt(weights)
        return _core.Function(trace.graph, [jacobian.node, cost.node], self.inputs + 2)

    @cached_property
    def linear(self) -> _core.Function:
        """The cost, residuals and Jacobian's columns, weighted as they are minimized. As `told`."""
        layout, trace = self.layout, self._trace
        scale = trace.input(self.inputs, ())
        subject, residuals, root = self._residuals_as_weighed(scale)
        _, cost = self._weighed(scale)
        n = len(layout.free)
        jacobian = Tracer(trace, trace.graph.reshape(
            trace.graph.jacobian(subject.node, self._x.node), (n, layout.m)))  # fmt: skip
        if root is not None:
            jacobian = jacobian * root
        return _core.Function(
            trace.graph, [cost.node, residuals.node, jacobian.node], self.inputs + 2
        )

    def _residuals_as_weighed(self, scale: Tracer) -> tuple[Any, Any, Any]:
        """What is differentiated, the residuals, and the root of what each row weighs."""
        layout = self.layout
        if layout.poisson:
            root: Any = np.sqrt(self._share)
            return self._mean, self._slope / root, root
        r = self._residuals
        if layout.rho is None:
            return r, r, None
        root = np.sqrt(np.maximum(weighted(layout.rho, r, scale)[1], 0.0))
        return r, r * root, root

    def outside(
        self, inputs: list[FloatArray], varying: list[bool], k: int
    ) -> npt.NDArray[np.bool_]:
        """Which of k points lie outside the model's domain, or give counts a mean that is none."""
        subject = self._mean if self.layout.poisson else self._residuals
        faults = self._trace.graph.faults(subject.node, inputs, varying, k)
        found: npt.NDArray[np.bool_] = faults == _OUTSIDE
        if not self.layout.poisson:
            return found
        (inside,) = self._inside(inputs, varying, k)
        found |= inside[:, 0] == 0
        return found

    @cached_property
    def _inside(self) -> _core.Function:
        node = np.min(np.where(self._mean_is_one, 1.0, 0.0)).node
        return _core.Function(self._trace.graph, [node], self.inputs + 2)


# `_core.Graph.faults`: an operation had an input outside its domain.
_OUTSIDE = 3


def _of_size(trace: Trace, result: Any, m: int) -> Tracer:
    """The model's values as one vector (m,)."""
    value = Tracer(trace, output_node(trace, result))
    if value.size == m:
        return Tracer(trace, trace.graph.reshape(value.node, (m,)))
    if value.size == 1:
        return Tracer(trace, trace.graph.broadcast_to(
            trace.graph.reshape(value.node, ()), (m,)))  # fmt: skip
    raise ValueError(
        f"f must give a value for each of the {m} data of a fit, which are the last axis of ydata, "
        f"got values of shape {value.shape}: np.moveaxis moves an axis of ydata"
    )
