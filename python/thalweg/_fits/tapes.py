# SPDX-License-Identifier: BSD-3-Clause
"""Build the tapes that all fits of one model share, with one lane for each fit.

Everything that differs between fits is an input of the tapes; slots.py lists the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.constants import traced_cost, traced_deviance
from thalweg._fits.covariances import of_all_parameters, traced_spread, variance
from thalweg._fits.robust import weighted
from thalweg._fits.slots import Inputs, Layout
from thalweg._fits.soundness import LOOSE
from thalweg._fits.squares import cost_and_derivatives, weights_and_cost
from thalweg._objectives.points import FloatArray
from thalweg._parameters.priors import function_rows, of_data_alone, standard_rows
from thalweg._tracing.trace import Trace, Tracer, output_node

__all__ = ["ON_TAPE", "OUTSIDE", "FitTapes", "Values"]

# Returns the model's values for traced predictors that differ between fits and traced parameters.
Values = Callable[[Trace, list[Tracer], list[Tracer]], Any]

# Tapes compute covariances for at most this many parameters, with n**3 / 2 instructions. For 16
# parameters, building the tape takes 15 ms.
ON_TAPE = 16


class FitTapes:
    """The tapes of one model, for whole data or for data with missing values (NaN).

    Parameters
    ----------
    values : callable
        The model, ``values(trace, predictors, parameters)``.
    layout : Layout
        The inputs of the tapes.
    missing : bool
        Whether values are left out if they, or their predictors, are NaN.
    box : list of ndarray
        [lower, upper] bounds of the fitted parameters, or [].
    absolute : bool
        Whether the errors of the data are absolute.
    known : sequence of ndarray
        The predictors that are the same for all fits and may contain NaN.

    Raises
    ------
    ValueError
        If the model does not return one value for each of the data.
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
        self._kept: dict[Any, _core.Function] = {}
        trace = self._trace = Trace()
        self._inputs = inputs = layout.traced(trace)
        self._x = inputs["x"]
        predictors = [inputs[name] for name in layout.predictor_names]
        parameters = self._parameters = layout.plan.all_of(
            trace,
            [self._x[i] for i in range(len(layout.free))],
            [inputs["fixed"][i] for i in range(len(layout.fixed))],
        )
        model = _of_size(trace, values(trace, predictors, parameters), layout.m)
        self.model = model
        valid: Any = None
        if missing:
            valid = _all_known(trace, [inputs["y"], *predictors], known)
        self._valid, self._rho = valid, layout.rho
        if layout.poisson:
            self._counts(model, inputs["y"], valid)
            return
        r: Any = model - inputs["y"]
        if "weights" in inputs:
            r = r * inputs["weights"]
        r = r if valid is None else np.where(valid, r, 0.0)
        if layout.priors.normal:
            r = np.concatenate([r, self._normal])
            if layout.rho is not None:
                self._rho = of_data_alone(layout.rho, layout.m, r.size)
        self._residuals: Any = r

    @cached_property
    def _normal(self) -> Any:
        """The residuals of normal priors (q,)."""
        trace = self._trace
        values = [trace.lift(self._parameters[k]) for k in self.layout.priors.normal]
        return standard_rows(Tracer(trace, trace.stack(values)), self._inputs["prior"])

    @cached_property
    def _beside(self) -> tuple[Any, Any, Any, Any] | None:
        """The rows beside the residuals, or beside counts: subject, slope, share and cost."""
        trace, priors, rows = self._trace, self.layout.priors, []
        if self.layout.poisson and priors.normal:
            z = self._normal
            rows.append((z, z, np.ones(z.size), 0.5 * np.sum(z * z)))
        for k, density in priors.functions:
            p = self._parameters[k]
            cost, slope, bend = function_rows(trace, p, density)
            rows.append((*(trace.wrap(each).reshape(1) for each in (p, slope, bend)), cost))
        if not rows:
            return None
        subject, slope, share = (np.concatenate([row[i] for row in rows]) for i in range(3))
        return subject, slope, share, sum(row[3] for row in rows)

    def prior_cost(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return the part of the costs (k,) that is not that of the data."""
        if not len(self.layout.priors):
            return np.zeros(len(inputs))
        (costs,) = self._prior_cost(inputs.arrays, inputs.varying, len(inputs), threads)
        return costs[:, 0]

    @cached_property
    def _prior_cost(self) -> _core.Function:
        total: Any = self._beside[3] if self._beside is not None else 0.0
        if self.layout.priors.normal and not self.layout.poisson:
            total = total + 0.5 * np.sum(self._normal * self._normal)
        return self._function(total.node)

    # ---- the cost

    def minimize(
        self,
        inputs: Inputs,
        factor: float,
        stopping: _core.Stopping,
        scale: FloatArray | None,
        progress: Callable[[int], Any] | None,
    ) -> dict[str, Any]:
        """Descend from the parameters in `inputs`, which are measured in `scale`."""
        count = self.layout.minimized
        starts = _core.Starts(inputs["x"], inputs.arrays[1:count], inputs.varying[1:count])
        hooks = _core.Hooks(progress=progress)
        return self.minimizer.run(starts, [factor], self.box_of(inputs), stopping, hooks, scale)

    def box_of(self, inputs: Inputs) -> list[FloatArray]:
        """Return [lower, upper] bounds, each (n,) or (k, n), or []."""
        return [inputs["lower"], inputs["upper"]] if self.layout.bounded else self.box

    @cached_property
    def minimizer(self) -> _core.Minimizer:
        """The core's solver for the residuals, or for the deviance of counts."""
        layout, graph, x = self.layout, self._trace.graph, self._x
        if layout.poisson or self._beside is not None:
            subject, slope, share, cost = self._system
            derivatives = graph.normal_equations(subject.node, slope.node, share.node, x.node)
        else:
            cost, derivatives = cost_and_derivatives(
                self._residuals, x.node, self._rho, self._inputs["f_scale"]
            )
        objective = _core.Objective(graph, cost.node, len(layout.free), layout.minimized)
        return _core.Minimizer("lm", objective, derivatives)

    @cached_property
    def _system(self) -> tuple[Any, Any, Any, Any]:
        """What is minimized: the subject of derivatives, slopes and shares of its rows, and cost.

        The gradient is J' slope, and the normal matrix J' share J.
        """
        if self.layout.poisson:
            system = self._mean, self._slope, self._share, self._deviance
        else:
            r = self._residuals
            if self._rho is None:
                system = r, r, np.ones(r.size), np.sum(r * r) * 0.5
            else:
                costs, share = weighted(self._rho, r, self._inputs["f_scale"])
                system = r, share * r, share, np.sum(self._trace.wrap(costs))
        if self._beside is None:
            return system
        *rows, cost = zip(system, self._beside, strict=True)
        joined = (np.concatenate([*pair]) for pair in rows)
        subject, slope, share = (self._trace.wrap(each) for each in joined)
        return subject, slope, share, cost[0] + cost[1]

    def _counts(self, mean: Any, y: Any, valid: Any) -> None:
        """Trace half the deviance of counts from their means, its slopes and Fisher's information.

        The deviance is twice the negative log-likelihood, up to terms that do not depend on the
        parameters. Half of it is the sum of y log(y / mean) - (y - mean) = y (t - log1p(t)) with
        t = (mean - y) / y.
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

    # ---- constants

    def flat(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return the cost of the best constant in each fit, (k,); infinite if data do not vary."""
        (costs,) = self._flat(inputs.arrays, inputs.varying, len(inputs), threads)
        return costs[:, 0]

    @cached_property
    def _flat(self) -> _core.Function:
        layout, inputs = self.layout, self._inputs
        if layout.poisson:
            cost = traced_deviance(inputs["y"], self._valid)
        else:
            cost = traced_cost(
                inputs["y"], inputs.get("weights"), self._valid,
                lambda r: weights_and_cost(r, layout.rho, inputs["f_scale"])[1],
            )  # fmt: skip
        return self._function(cost.node)

    # ---- at the results

    def values(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return the values (k, m) of the model."""
        (values,) = self._values(inputs.arrays, inputs.varying, len(inputs), threads)
        return values

    @cached_property
    def _values(self) -> _core.Function:
        return self._function(self.model.node)

    def covariances(self, inputs: Inputs, threads: int) -> list[FloatArray]:
        """Return covariances (k, p p), standard errors (k, p), and two columns of flags (k, 1).

        The first marks the fits that need QR. The second marks those in which an error exceeds
        `LOOSE` times its value; in the others nothing is undetermined or vague.
        """
        return self._covariances(inputs.arrays, inputs.varying, len(inputs), threads)

    @cached_property
    def _covariances(self) -> _core.Function:
        layout, trace = self.layout, self._trace
        (weights, cost), rows = self._weighed(), self._inputs["rows"]

        def scale(free: Any) -> tuple[Any, Any]:
            known = self.absolute or layout.poisson
            return (1.0, rows == rows) if known else variance(cost, rows, free)

        box: list[Any] = self.box
        if layout.bounded:
            box = [self._inputs["lower"], self._inputs["upper"]]
        covariance, errors, doubtful = traced_spread(self._subject, self._x, weights, box, scale)
        slopes: Any = self._tied_slopes() if layout.ties else None
        whole, each = of_all_parameters(trace, layout.plan, covariance, errors, slopes)
        large = [errors[i] > LOOSE * np.abs(self._x[i]) for i in range(len(errors))]
        unclear: Any = np.where(reduce(or_, large), 1.0, 0.0)
        return self._function(
            trace.stack([e.node for row in whole for e in row]),
            trace.stack([e.node for e in each]),
            doubtful.node,
            unclear.node,
        )

    # ---- tied parameters

    def all_parameters(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return all parameters (k, p)."""
        (every,) = self._all_parameters(inputs.arrays, inputs.varying, len(inputs), threads)
        return every

    @cached_property
    def _all_parameters(self) -> _core.Function:
        trace = self._trace
        return self._function(trace.stack([trace.lift(each) for each in self._parameters]))

    def tied_slopes(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return the derivatives (k, t, n) of the tied parameters by the fitted ones."""
        (slopes,) = self._slopes_of_tied(inputs.arrays, inputs.varying, len(inputs), threads)
        return slopes.reshape(len(inputs), len(self.layout.ties), len(self.layout.free))

    @cached_property
    def _slopes_of_tied(self) -> _core.Function:
        return self._function(self._tied_slopes().node)

    def _tied_slopes(self) -> Tracer:
        """Return the derivatives (t, n) of the tied parameters, traced."""
        trace, layout = self._trace, self.layout
        tied = trace.stack([trace.lift(self._parameters[tie.position]) for tie in layout.ties])
        return self._derivatives(tied, len(layout.ties)).T

    # ---- functions

    def _function(self, *outputs: int) -> _core.Function:
        """Return a function of all inputs."""
        return _core.Function(self._trace.graph, list(outputs), len(self.layout.shapes))

    def kept(
        self, key: Any, build: Callable[..., list[int]], *shapes: tuple[int, ...]
    ) -> _core.Function:
        """Return a function of all inputs and of further ones, which is built once.

        Parameters
        ----------
        key : hashable
            The function's name among those that are kept.
        build : callable
            ``build(trace, *further)`` returns the nodes of the outputs.
        *shapes : tuple of int
            The shapes of the further inputs in one fit.
        """
        if key not in self._kept:
            count = len(self.layout.shapes)
            further = [self._trace.input(count + i, shape) for i, shape in enumerate(shapes)]
            outputs = build(self._trace, *further)
            self._kept[key] = _core.Function(self._trace.graph, outputs, count + len(shapes))
        return self._kept[key]

    @property
    def _subject(self) -> Any:
        """The node that is differentiated: the residuals, or the mean of counts, and priors."""
        if self._beside is not None:
            return self._system[0]
        return self._mean if self.layout.poisson else self._residuals

    def _weighed(self) -> tuple[Any, Any]:
        """Return the weights of the Jacobian's rows in the covariance, or None, and the cost."""
        if self.layout.poisson:
            weights, cost = self._share, self._deviance
        else:
            weights, cost = weights_and_cost(self._residuals, self._rho, self._inputs["f_scale"])
        if self._beside is None:
            return weights, cost
        if weights is None:
            weights = np.ones(self._residuals.size)
        return np.concatenate([weights, self._beside[2]]), cost + self._beside[3]

    def jacobians(self, inputs: Inputs, threads: int) -> list[FloatArray]:
        """Return columns of the Jacobians (k, n m), weighted as in the covariance, and costs."""
        return self._jacobians(inputs.arrays, inputs.varying, len(inputs), threads)

    @cached_property
    def _jacobians(self) -> _core.Function:
        return self._function(self.weighted_columns().node, self._weighed()[1].node)

    def weighted_columns(self) -> Tracer:
        """Trace the columns (n, m) of the Jacobian, weighted as in the covariance."""
        columns, weights = self.columns_of(self._subject), self._weighed()[0]
        return columns if weights is None else columns * np.sqrt(weights)

    def costs(self, inputs: Inputs, threads: int) -> FloatArray:
        """Return the costs (k,)."""
        (costs,) = self._costs(inputs.arrays, inputs.varying, len(inputs), threads)
        return costs[:, 0]

    @cached_property
    def _costs(self) -> _core.Function:
        return self._function(self._weighed()[1].node)

    def linear(
        self, inputs: Inputs, threads: int
    ) -> Callable[[npt.NDArray[np.intp], FloatArray], tuple[FloatArray, FloatArray, FloatArray]]:
        """Return a function that gives costs, residuals and J's columns of some fits at points.

        It takes the positions of a fits and their points (a, n), and returns costs (a,), residuals
        (a, m) and columns (a, n, m). They correspond to `Squares.linear` for a single sum of
        squares.
        """
        layout = self.layout
        plain = layout.rho is None and not layout.poisson and not layout.priors.functions

        def at(
            which: npt.NDArray[np.intp], x: FloatArray
        ) -> tuple[FloatArray, FloatArray, FloatArray]:
            own = inputs if len(which) == len(inputs) else inputs.taken(which)
            here = own.with_arrays(x=x)
            cost, r, columns = self._linear(here.arrays, here.varying, len(x), threads)
            # A product of matrices has the bits of `r @ r` for one fit.
            costs = 0.5 * (r[:, None, :] @ r[:, :, None]).ravel() if plain else cost[:, 0]
            return costs, r, columns.reshape(*x.shape, -1)

        return at

    def linear_many(
        self, inputs: Inputs, threads: int
    ) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
        """Return a function that gives residuals (k, m) and J's columns (k, n, m) of k fits."""
        at, every = self.linear(inputs, threads), np.arange(len(inputs))
        return lambda x: at(every, x)[1:]

    @cached_property
    def _linear(self) -> _core.Function:
        """The cost, residuals and Jacobian's columns, weighted as they are minimized."""
        subject, residuals, root = self._residuals_as_weighed()
        _, cost = self._weighed()
        columns = self.columns_of(subject)
        if root is not None:
            columns = columns * root
        return self._function(cost.node, residuals.node, columns.node)

    def columns_of(self, subject: Any) -> Tracer:
        """Return the derivatives (n, m) of a traced vector by the fitted parameters."""
        return self._derivatives(subject.node, subject.size)

    def _derivatives(self, node: int, m: int) -> Tracer:
        graph = self._trace.graph
        jacobian = graph.jacobian(node, self._x.node)
        return Tracer(self._trace, graph.reshape(jacobian, (len(self.layout.free), m)))

    def _residuals_as_weighed(self) -> tuple[Any, Any, Any]:
        """Return the node to differentiate, the residuals, and the root of each row's weight."""
        if self._beside is not None:
            subject, slope, share, _ = self._system
            root: Any = np.sqrt(np.maximum(share, 0.0))
            flat = root == 0.0  # such a row has a slope, but no part in the normal matrix
            return subject, np.where(flat, 0.0, slope / np.where(flat, 1.0, root)), root
        if self.layout.poisson:
            root = np.sqrt(self._share)
            return self._mean, self._slope / root, root
        r = self._residuals
        if self._rho is None:
            return r, r, None
        root = np.sqrt(np.maximum(weighted(self._rho, r, self._inputs["f_scale"])[1], 0.0))
        return r, r * root, root

    def outside(self, inputs: Inputs) -> npt.NDArray[np.bool_]:
        """Return which points lie outside the model's domain; a mean of counts must be positive."""
        given = (inputs.arrays, inputs.varying, len(inputs))
        faults = self._trace.graph.faults(self._subject.node, *given)
        found: npt.NDArray[np.bool_] = faults == OUTSIDE
        if self.layout.poisson:
            (inside,) = self._inside(*given)
            found |= inside[:, 0] == 0
        return found

    @cached_property
    def _inside(self) -> _core.Function:
        return self._function(np.min(np.where(self._mean_is_one, 1.0, 0.0)).node)


# The number of the fault of an operation whose input is outside its domain.
OUTSIDE = _core.Fault.outside_domain.value


def _all_known(trace: Trace, varying: list[Tracer], shared: Sequence[FloatArray]) -> Any:
    """Return where no varying input, and no array that all fits share, is NaN."""
    first, *rest = varying
    valid: Any = first == first
    for each in rest:
        valid = valid & (each == each)
    for array in shared:
        if np.isnan(array).any():
            valid = valid & trace.wrap(~np.isnan(array))
    return valid


def _of_size(trace: Trace, result: Any, m: int) -> Tracer:
    """Return the model's values as one vector (m,)."""
    value = Tracer(trace, *trace.stable(output_node(trace, result)))
    if value.size == m:
        return Tracer(trace, trace.graph.reshape(value.node, (m,)))
    if value.size == 1:
        return Tracer(trace, trace.graph.broadcast_to(
            trace.graph.reshape(value.node, ()), (m,)))  # fmt: skip
    raise ValueError(
        f"ydata has {m} values along its last axis, but f returns values of shape {value.shape}: "
        "move the axis of the data with np.moveaxis"
    )
