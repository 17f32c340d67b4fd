# SPDX-License-Identifier: BSD-3-Clause
"""Keep a function that was traced once, and evaluate it and its derivatives in C++.

This module arranges inputs and outputs. The graph says what to compute, and the core computes it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import _core
from thalweg._attached import attached
from thalweg._methods.stopping import FTOL, GTOL, XTOL, limits_among
from thalweg._objectives.held import Held
from thalweg._objectives.points import (
    FloatArray,
    Structure,
    argument_names,
    as_floats,
    structure_of,
)
from thalweg._objectives.programs import Programs, check_memory, check_square, checked_threads
from thalweg._tracing.frames import Frame
from thalweg._tracing.numbers import mask_of, unmasked
from thalweg._tracing.trace import Trace, Tracer, depends, output_node, traced_node

if TYPE_CHECKING:
    from thalweg._descents.minimizer import Minimizer

__all__ = ["Objective", "restore_objective"]


class Objective(Programs):
    """A traced function with its derivatives, created by `thalweg.objective`.

    Call it with a point in the form of `x0`, or with the function's own arguments, to get the value
    of the function. Leading axes of a point are lanes, which are evaluated together.

    Parameters
    ----------
    fun : callable
        A function written in NumPy.
    x0 : array_like, tuple or dict
        A point that gives the form and the shapes; its values do not matter.
    args : tuple, optional
        Further positional arguments. Numbers and arrays are inputs that later calls may replace.
    unpack : bool, optional
        Whether to pass the elements of `x0` as separate arguments. By default, the signature of
        `fun` decides.
    threads : int, default 1
        The number of threads that share the rows of long arrays, which have 256 elements or more
        along the leading axis. The results are the same for any number, bit for bit.

    Attributes
    ----------
    shape : tuple of int
        The shape of the function's value.
    n : int
        The number of variables.

    See Also
    --------
    objective : Trace a function and return an `Objective`.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        x0: Any,
        args: Any = (),
        unpack: bool | None = None,
        threads: int = 1,
        stable: bool = True,
    ) -> None:
        self.threads = checked_threads(threads)
        if not callable(fun):
            raise TypeError(f"the function must be callable, got {type(fun).__name__}")
        args = args if isinstance(args, tuple) else (args,)  # as in SciPy, one may stand alone
        self.structure, self.start = structure_of(x0, fun, len(args), unpack)
        self._name = getattr(fun, "__name__", "f")
        self.names = argument_names(fun)
        trace = Trace(stable=stable)
        x = trace.input(0, (self.structure.size,), self.start)
        self.args = []
        pieces = _pieces(self.structure, trace, x)
        further = [self._input(trace, value) for value in args]
        self._graph = trace.graph
        self._f = traced_node(trace, fun, *self.structure.arguments(fun, pieces, further))
        self.shape = trace.graph.shape(self._f)
        self.x_node = x.node
        self.held = Held(fun, trace.read)
        self._functions, self._steppers, self._minimizers = {}, {}, {}

    def _input(self, trace: Trace, value: Any) -> Any:
        """Trace an argument as an input if it is numeric; otherwise return it unchanged."""
        if isinstance(value, bool | np.bool_):  # a flag that selects what the function does
            return value
        if type(value) is not np.ndarray and mask_of(value) is not None:
            unmasked(value, "args")  # raises: masked values must not be passed unchanged
        try:
            array = as_floats(value, "args")
        except (TypeError, ValueError):
            return value
        self.args.append(array)
        x = trace.input(len(self.args), array.shape, array)
        names = getattr(value, "columns", None)
        return x if names is None or array.ndim != 2 else Frame.of(x, list(names))

    @property
    def varies(self) -> bool:
        """Whether the value depends on `x0`, and not on constants and `args` alone."""
        return depends(self._graph, self._f, self.x_node)

    def with_args(self, args: Sequence[Any]) -> Objective:
        """Return the same traced function with other values of its `args`.

        Parameters
        ----------
        args : sequence of array_like
            The new values of all numeric arguments, with the same shapes as before.
        """
        if len(args) != len(self.args):
            raise ValueError(f"args must hold {len(self.args)} arrays, got {len(args)}")
        arrays = [as_floats(a, f"args[{i}]") for i, a in enumerate(args)]
        for i, (new, old) in enumerate(zip(arrays, self.args, strict=True)):
            if new.shape != old.shape:
                raise ValueError(f"args[{i}] must have shape {old.shape}, got {new.shape}")
        other = copy.copy(self)
        other.args = arrays
        return other

    def slice(self, /, **fixed: Any) -> Objective:
        """Fix some variables and return the objective of the others.

        Parameters
        ----------
        **fixed : float or array_like
            The value of each variable to fix, by the name of the function's parameter.

        Returns
        -------
        Objective
            The objective of the remaining variables. If one variable remains, a point is that
            variable itself.

        Raises
        ------
        TypeError
            If a name is not a variable, if no or every variable is fixed, or if the function takes
            its variables as one array.
        ValueError
            If a value has a different shape from its variable, or is not finite.

        Examples
        --------
        >>> import thalweg as tw
        >>> F = tw.objective(lambda x, y: x**2 + y**2, [1.0, 1.0])
        >>> along_x = F.slice(y=4)
        >>> along_x(2.0), along_x.grad(2.0)
        (20.0, 4.0)
        """
        smaller: Objective = attached("Objective.slice")(self, fixed)
        return smaller

    def __repr__(self) -> str:
        return f"<thalweg.Objective {self._name}: {self.n} variables, value of shape {self.shape}>"

    # ---- evaluation

    def _point(self, x: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Return the point that a call was given: itself, or the function's own arguments."""
        s = self.structure
        if named:
            if x or s.form != "dict":
                raise TypeError("named arguments need an objective whose x0 was a dict")
            return named
        if len(x) == 1:
            return x[0]
        if s.form == "tuple" and len(x) == len(s.shapes):
            return x
        if s.form == "elements" and len(x) == s.size:
            return np.stack(np.broadcast_arrays(*(as_floats(e, "x") for e in x)), axis=-1)
        wanted = s.size if s.form == "elements" else len(s.shapes)
        raise TypeError(
            f"the objective takes a point, or {wanted} arguments; got {len(x)} arguments"
        )

    def _shaped(self, rows: FloatArray, lead: tuple[int, ...], own: tuple[int, ...]) -> Any:
        out = rows.reshape(lead + own)
        return float(out) if out.ndim == 0 else out

    def _require_scalar(self, what: str, instead: str) -> None:
        if prod(self.shape) != 1:
            raise TypeError(
                f"{what} needs a function with one value, got shape {self.shape}; {instead}"
            )

    def __call__(self, *x: Any, **named: Any) -> Any:
        """Evaluate the function at a point.

        Parameters
        ----------
        *x : array_like, tuple or dict
            A point in the form of `x0`, possibly with leading axes (lanes), or the function's own
            arguments.

        Returns
        -------
        float or ndarray
            The value. Its shape is that of the lanes followed by that of the function's value.

        Raises
        ------
        ValueError
            If the shape is not that of `x0`, with optional leading axes.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> F = tw.objective(lambda x, y: x**2 + y**2, (1.0, 1.0))
        >>> F(2.0, 3.0)
        13.0
        """
        lead, rows = self.structure.flatten(self._point(x, named))
        (value,) = self._run("value", lambda: [self._f], rows)
        return self._shaped(value, lead, self.shape)

    def value_and_grad(self, *x: Any, **named: Any) -> tuple[Any, Any]:
        """Evaluate value and gradient at a point; the gradient has the form of the point.

        Raises
        ------
        TypeError
            If the function has more than one value.
        """
        self._require_scalar("a gradient", "use jacobian or vjp")
        lead, rows = self.structure.flatten(self._point(x, named))
        value, slope = self.rows_value_and_grad(rows)
        return self._shaped(value, lead, ()), self.structure.restore(slope, lead)

    def grad(self, *x: Any, **named: Any) -> Any:
        """Evaluate the gradient at a point; it has the form of the point.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> F = tw.objective(lambda x, y: 3 * x**2 * y**3, (1.0, 1.0))
        >>> F.grad((2.0, 1.0))
        (12.0, 36.0)
        """
        return self.value_and_grad(*x, **named)[1]

    # ---- second derivatives

    def _both(
        self, x: Any, v: Any, shapes: Structure | None
    ) -> tuple[tuple[int, ...], FloatArray, FloatArray]:
        lead, rows = self.structure.flatten(x)
        if shapes is not None:
            lead_v, directions = shapes.flatten(v, "v")
        else:
            u = as_floats(v, "u")
            cut = u.ndim - len(self.shape)
            if cut < 0 or u.shape[cut:] != self.shape:
                raise ValueError(f"u must have shape (..., {self.shape}), got {u.shape}")
            lead_v, directions = u.shape[:cut], u.reshape(prod(u.shape[:cut]), prod(self.shape))
        both = np.broadcast_shapes(lead, lead_v)
        k = prod(both)

        def spread(a: FloatArray, own: tuple[int, ...]) -> FloatArray:
            full = np.broadcast_to(a.reshape(*own, a.shape[1]), (*both, a.shape[1]))
            return np.ascontiguousarray(full.reshape(k, a.shape[1]))

        return both, rows if rows.shape[0] == 1 else spread(rows, lead), spread(directions, lead_v)

    def hvp(self, x: Any, v: Any) -> Any:
        """Return the Hessian-vector product at `x` along `v`.

        Both have the form of `x0`, possibly with leading axes (lanes).
        """
        self._require_scalar("a Hessian", "use jvp or vjp")
        lead, rows, directions = self._both(x, v, self.structure)
        return self.structure.restore(self._directional("hvp", rows, directions), lead)

    def hessian(self, *x: Any, **named: Any) -> Any:
        """Return the Hessian at a point.

        Its shape is (n, n) over all variables, or ``(*s, *s)`` if `x0` is one array of shape s.

        Raises
        ------
        MemoryError
            If its n**2 numbers do not fit into memory; `hvp` needs only n.
        """
        self._require_scalar("a Hessian", "use jacobian")
        check_square(self.n, "the Hessian", "use hvp, which needs one vector")
        lead, rows = self.structure.flatten(self._point(x, named))
        eye = np.eye(self.n)
        rows_out = [self._directional("hvp", row[None, :], eye) for row in rows]
        own: tuple[int, ...] = (self.n, self.n)
        if self.structure.form == "whole":
            own = self.structure.shapes[0] * 2
        return self._shaped(np.array(rows_out), lead, own)

    # ---- vector functions

    def jvp(self, x: Any, v: Any) -> Any:
        """Return the derivative at `x` along `v`, in the shape of the function's value."""
        lead, rows, directions = self._both(x, v, self.structure)
        return self._shaped(self._directional("jvp", rows, directions), lead, self.shape)

    def vjp(self, x: Any, u: Any) -> Any:
        """Return the gradient at `x` of the values weighted by `u`, in the form of `x0`."""
        lead, rows, weights = self._both(x, u, None)
        return self.structure.restore(self._directional("vjp", rows, weights), lead)

    def jacobian(self, *x: Any, **named: Any) -> Any:
        """Return the Jacobian at a point.

        Its shape is that of the value followed by that of the point. For a tuple or dict, the last
        axis runs over all variables in order. Forward or reverse mode is used, whichever takes
        fewer products.
        """
        lead, rows = self.structure.flatten(self._point(x, named))
        m, n = prod(self.shape), self.n
        check_memory(8 * m * n * max(rows.shape[0], 1), "the Jacobian", "use jvp or vjp")
        blocks = []
        for row in rows:
            if n <= m:
                blocks.append(self._directional("jvp", row[None, :], np.eye(n)).T)
            else:
                blocks.append(self._directional("vjp", row[None, :], np.eye(m)))
        own = self.structure.shapes[0] if self.structure.form == "whole" else (n,)
        return self._shaped(np.array(blocks), lead, self.shape + own)

    # ---- descents

    def minimizer(
        self,
        method: Any = "lbfgs",
        *,
        bounds: Any = None,
        gtol: float | None = GTOL,
        xtol: float | None = XTOL,
        ftol: float | None = FTOL,
        max_iter: int | None = None,
        max_nfev: int | None = None,
        max_time: float | None = None,
        threads: int | None = None,
        **hyper: Any,
    ) -> Minimizer:
        """Bind a method with its settings to this objective, for loops that call it often.

        Parameters
        ----------
        method, bounds, gtol, xtol, ftol, max_iter, max_nfev, max_time, threads, **hyper
            As in `thalweg.minimize`, which checks them in each call.

        Returns
        -------
        Minimizer
            A function ``solve(x0, *args)`` that returns what
            ``thalweg.minimize(self, x0, method, args=args, ...)`` returns, bit for bit.

        Examples
        --------
        >>> import thalweg as tw
        >>> F = tw.objective(lambda x, y: (x**2 - 1) ** 2 + y**2, [1.0, 1.0])
        >>> solve = F.minimizer("lbfgs", max_iter=100)
        >>> [round(float(solve([start, 1.0]).x[0]), 6) for start in (-2.0, 0.5, 3.0)]
        [-1.0, 1.0, 1.0]
        """
        limits = limits_among(locals())
        bound: Minimizer = attached("Objective.minimizer")(
            self, method, hyper, bounds, limits, threads
        )
        return bound

    # ---- other objectives

    def then(self, build: Callable[..., Any], args: Sequence[FloatArray]) -> Objective:
        """Compose: return the objective ``build(value, *args)``.

        `args` become inputs after the existing ones.
        """
        other = copy.copy(self)
        other._functions, other._steppers, other._minimizers = {}, {}, {}
        trace = Trace(self._graph)
        first = 1 + len(self.args)
        further = [trace.input(first + i, a.shape) for i, a in enumerate(args)]
        other._f = output_node(trace, build(Tracer(trace, self._f), *further))
        other.args = [*self.args, *args]
        other.shape = self._graph.shape(other._f)
        return other

    def with_numbers(self, args: Sequence[FloatArray]) -> Objective:
        """Return the same objective with other `args`, whose shapes are not checked."""
        if args is self.args:
            return self
        other = copy.copy(self)
        other.args = list(args)
        return other

    @property
    def tape(self) -> Tape:
        """The tape of value and gradient, or of the value alone for a vector function."""
        scalar = prod(self.shape) == 1
        nodes = [self._f, self._gradient_node()] if scalar else [self._f]
        f = _core.Function(self._graph, nodes, 1 + len(self.args))
        return Tape(f.print([True] + [False] * len(self.args)))

    def __copy__(self) -> Objective:
        other = Objective.__new__(Objective)
        other.__dict__.update(self.__dict__)
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return restore_objective, (attached("Objective.__reduce__")(self),)


def restore_objective(saved: Any) -> Objective:
    """Rebuild an objective from a pickle. Pickles refer to this function by name."""
    restored = Objective.__new__(Objective)
    attached("restore_objective")(restored, saved)
    return restored


class Tape(str):
    """A printed tape, with one instruction on each line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self).rstrip("\n")


def _pieces(s: Structure, trace: Trace, x: Tracer) -> list[Tracer]:
    """Return the traced entries of `x0`, which are pieces of the flat vector."""
    pieces, at = [], 0
    for shape in s.shapes:
        strides = [prod(shape[i + 1 :]) for i in range(len(shape))]
        pieces.append(Tracer(trace, trace.graph.view(x.node, shape, at, strides)))
        at += prod(shape)
    return pieces
