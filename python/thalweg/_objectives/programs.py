# SPDX-License-Identifier: BSD-3-Clause
"""Compile a traced function in the core: values, derivatives, solvers and steps.

Each program is compiled when it is first needed, and then kept. `Objective` adds the public
methods.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._methods.method import Method, kept_minimizer, kept_stepper
from thalweg._objectives.held import Held
from thalweg._objectives.points import FloatArray, Structure
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["Kept", "Programs", "check_memory", "check_square", "checked_threads"]


def _available_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 1 << 62


def checked_threads(threads: Any) -> int:
    """Check that a number of threads is a whole number >= 1."""
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer):
        raise TypeError(f"threads must be a whole number, got {threads!r}")
    if threads < 1:
        raise ValueError(f"threads must be >= 1, got {threads}")
    return min(int(threads), 4096)  # no machine has more, and the core takes a C++ int


def check_square(n: int, what: str, instead: str, matrices: int = 1) -> None:
    """Raise MemoryError if matrices (n, n) do not fit into memory."""
    check_memory(8 * n * n * matrices, f"{what} of {n} variables", instead)


def check_memory(need: int, what: str, instead: str) -> None:
    """Raise MemoryError if `need` bytes do not fit into memory."""
    if need > _available_memory():
        raise MemoryError(f"{what} needs {need:.3g} bytes; {instead}")


class Kept:
    """The core's steps and solvers on one objective, each built once."""

    _steppers: dict[Any, _core.Stepper]
    _minimizers: dict[Any, Any]

    def _in_core(self) -> _core.Objective:
        raise NotImplementedError

    def stepper(
        self, method: str | Method, bounds: bool, norm: bool, change: bool, value: bool = False
    ) -> _core.Stepper:
        """Return the core's step of a method on this objective, built once for each choice."""
        parts = (bounds, norm, change, value)
        return kept_stepper(self._steppers, method, self._in_core, parts)

    def solver(self, name: str) -> _core.Minimizer:
        """Return the core's solver on this objective, built once for each solver."""
        return kept_minimizer(self._minimizers, name, self._in_core)


class Programs(Kept):
    """A graph, the nodes of its value and its variables, and the programs compiled from them."""

    args: list[FloatArray]
    shape: tuple[int, ...]  # of the value
    structure: Structure
    threads: int
    x_node: int
    # The arrays that the function used; None for an objective from a pickle.
    held: Held | None = None
    _graph: _core.Graph
    _f: int
    _functions: dict[Any, _core.Function]

    @property
    def n(self) -> int:
        """The number of variables."""
        return self.structure.size

    def _function(self, key: Any, build: Callable[[], list[int]], inputs: int) -> _core.Function:
        function = self._functions.get(key)
        if function is None:
            function = _core.Function(self._graph, build(), inputs)
            function = self._functions.setdefault(key, function)
        return function

    def _run(self, key: Any, build: Callable[[], list[int]], rows: FloatArray) -> list[FloatArray]:
        """Evaluate outputs at points (k, n); each output is (k, size)."""
        f = self._function(key, build, 1 + len(self.args))
        varying = [True] + [False] * len(self.args)
        return f([rows, *self.args], varying, rows.shape[0], self.threads)

    def _gradient_node(self) -> int:
        return self._graph.gradient(self._f, self.x_node)

    def gradient_function(self) -> _core.Function:
        """Return value and gradient as a function of the variables and `args`."""
        return self._function(
            "value_and_grad", lambda: [self._f, self._gradient_node()], 1 + len(self.args)
        )

    def rows_value_and_grad(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return values (k,) and gradients (k, n) at points (k, n)."""
        return self.values_and_grads(rows, self.args, [False] * len(self.args), self.threads)

    def values_and_grads(
        self,
        rows: FloatArray,
        args: Sequence[FloatArray],
        varying: Sequence[bool],
        threads: int = 1,
    ) -> tuple[FloatArray, FloatArray]:
        """Return values (k,) and gradients (k, n); varying `args` have a row for each point."""
        f = self.gradient_function()
        value, slope = f([rows, *args], [True, *varying], rows.shape[0], threads)
        return value[:, 0], slope

    def _directional(self, kind: str, rows: FloatArray, directions: FloatArray) -> FloatArray:
        """Return products with directions (k, size) at one point or at k points."""
        k = directions.shape[0]
        number = 1 + len(self.args)

        def build() -> list[int]:
            g, x = self._graph, self.x_node
            if kind == "vjp":
                u = g.input(number, self.shape)
                return g.vjp([self._f], [u], [x])
            v = g.input(number, (self.n,))
            of = self._gradient_node() if kind == "hvp" else self._f
            return g.jvp([of], [x], [v])

        # Each input number of a graph has one shape, so u has a number of its own.
        number += kind == "vjp"
        f = self._function(kind, build, number + 1)
        values: list[FloatArray] = [rows, *self.args]
        varying = [rows.shape[0] != 1 or k == 1] + [False] * len(self.args)
        while len(values) < number:
            values.append(np.zeros((self.n,)))
            varying.append(False)
        (out,) = f([*values, directions], [*varying, True], k, self.threads)
        return out

    def rows_hvp(self, rows: FloatArray, directions: FloatArray) -> FloatArray:
        """Return Hessian-vector products (k, n) at points (k, n) along directions (k, n)."""
        return self._directional("hvp", rows, np.ascontiguousarray(directions))

    def kept_squares(
        self, key: Any, build: Callable[[_core.Graph, int, int, int], _core.Minimizer]
    ) -> _core.Minimizer:
        """Return ``build(graph, value, variables, inputs)``, built once for each key."""
        minimizer = self._minimizers.get(("lm", key))
        if minimizer is None:
            check_square(self.n, "least squares", "use minimize, with lbfgs", 3)
            minimizer = build(self._graph, self._f, self.x_node, 1 + len(self.args))
            self._minimizers["lm", key] = minimizer
        return minimizer

    def diagnose_residuals(
        self, rows: FloatArray, jacobian: bool
    ) -> tuple[str, list[float], float, bool] | None:
        """Diagnose a vector function or its Jacobian; otherwise like `diagnose`."""
        node = self._graph.jacobian(self._f, self.x_node) if jacobian else self._f
        return self._graph.diagnose(node, [rows, *self.args])

    def fit(
        self,
        x: FloatArray,
        args: list[FloatArray],
        box: list[FloatArray],
        scale: FloatArray | None,
        rows: int,
        stopping: _core.Stopping,
        factor: float,
    ) -> tuple[Any, ...]:
        """Find x (n,) that minimizes the sum of squares of the values; see `_core.Fit.run`."""
        fit = self._minimizers.get("fit")
        if fit is None:
            check_square(self.n, "a fit", "use minimize, with lbfgs", 3)
            fit = _core.Fit(self._graph, self._f, self.x_node, 1 + len(self.args))
            self._minimizers["fit"] = fit
        return fit.run(_core.Starts(x[None, :], args), box, stopping, scale, rows, factor)

    def kept_function(
        self, key: Any, build: Callable[[Trace, Tracer, Tracer], list[int]], inputs: int
    ) -> _core.Function:
        """Return the function that `build` makes of values and variables, once for each key.

        The values are passed to `build` as one vector.
        """

        def nodes() -> list[int]:
            trace, m = Trace(self._graph), prod(self.shape)
            values = Tracer(trace, self._graph.reshape(self._f, (m,)))
            return build(trace, values, Tracer(trace, self.x_node))

        return self._function(key, nodes, inputs)

    def residuals_and_jacobian(self, row: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the values (m,) and their derivatives (m, n) at one point, a row (1, n)."""
        r, columns = self._run(
            "residuals", lambda: [self._f, self._graph.jacobian(self._f, self.x_node)], row
        )
        return r[0], columns.reshape(self.n, r.shape[1]).T

    def _in_core(self) -> _core.Objective:
        return _core.Objective(self._graph, self._f, self.n, 1 + len(self.args))

    def on_rows(self, columns: int, rows: int, gradient: bool) -> _core.OnRows:
        """Return the program of value and gradient if the first `columns` args are rows of data."""
        nodes = [self._f, self._gradient_node()] if gradient else [self._f]
        return _core.OnRows(self._graph, nodes, 1 + len(self.args), columns, rows)

    def step_on_rows(
        self, method: Method, columns: int, rows: int, bounds: bool, norm: bool
    ) -> _core.OnRows:
        """Return the program of a method's step if the first `columns` args are rows of data."""
        parts = _core.StepParts(bounds, norm)
        hyper = method.settings(self._graph)
        return _core.OnRows.step(method.name, self._in_core(), parts, hyper, columns, rows)

    def diagnose(
        self, rows: FloatArray, gradient: bool
    ) -> tuple[str, list[float], float, bool] | None:
        """Find the operation that made a value (or gradient) at one point non-finite.

        Return its name, its inputs, its result, and whether an input lies outside its domain.
        """
        node = self._gradient_node() if gradient else self._f
        return self._graph.diagnose(node, [rows, *self.args])

    def bad_data(self, args: Sequence[FloatArray] | None = None, names: Sequence[str] = ()) -> str:
        """Describe the first array of data or `args` that holds NaN or infinity; "" if none does.

        `names` replace the default names ``args[i]`` of the arguments.
        """
        held = self.held or Held(len, [])
        return held.not_finite(self.args if args is None else args, names)

    def faults(
        self, rows: FloatArray, args: Sequence[FloatArray], varying: Sequence[bool], gradient: bool
    ) -> npt.NDArray[np.int8]:
        """Return the number of the `_core.Fault` in the value (or gradient) at each of k points."""
        node = self._gradient_node() if gradient else self._f
        return self._graph.faults(node, [rows, *args], [True, *varying], rows.shape[0])
