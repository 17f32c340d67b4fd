# SPDX-License-Identifier: BSD-3-Clause
"""`grad` and its kin: functions of the user's own arguments, traced per shape and cached.

And a check of gradients against values alone.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, as_floats, check_finite
from thalweg._tracing.numbers import mask_of, unmasked

__all__ = ["GradientCheck", "check_grad", "grad", "hessian", "hvp", "jacobian", "value_and_grad"]

# Traced objectives of a function, by what was not traced: shapes, and everything that is no number.
# Held as long as the function is.
_cache: weakref.WeakKeyDictionary[Any, dict[Any, Objective]] = weakref.WeakKeyDictionary()
_MOST = 64  # kept for one function; the oldest goes first
_lock = threading.Lock()  # held while one is entered and another goes


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool | str | bytes) or value is None:
        return False
    if mask_of(value) is not None:
        unmasked(value, "an argument")  # refused, and not passed as it is
    try:
        as_floats(value, "argument")
    except (TypeError, ValueError):
        return False
    return True


def _key_of(value: Any) -> Any:
    """What a frozen argument is known by; raises TypeError where its content may change."""
    hash(value)
    return (type(value), value)


class _Call:
    """One call of a transformed function: what is differentiated, an input, or frozen."""

    def __init__(
        self,
        fun: Callable[..., Any],
        argnums: int | tuple[int, ...],
        args: tuple[Any, ...],
        named: dict[str, Any],
    ) -> None:
        wanted = argnums if isinstance(argnums, tuple | list) else (argnums,)
        self.single = not isinstance(argnums, tuple | list)
        for i in wanted:
            if isinstance(i, bool) or not isinstance(i, int | np.integer):
                raise TypeError(f"argnums must be whole numbers, got {i!r}")
            if not -len(args) <= i < len(args):
                raise TypeError(
                    f"argnums must be among the {len(args)} positional arguments, got {i}"
                )
        self.wrt = tuple(int(i) % len(args) for i in wanted)
        if len(set(self.wrt)) != len(self.wrt) or not self.wrt:
            raise TypeError(f"argnums must be different arguments, got {argnums!r}")
        self.x = tuple(as_floats(args[i], f"argument {i}") for i in self.wrt)
        # Whatever is a number is an input, positional or by name; the rest is frozen.
        rest: dict[int | str, Any] = {i: args[i] for i in range(len(args)) if i not in self.wrt}
        rest.update(named)
        self.inputs = [k for k, v in rest.items() if _is_numeric(v)]
        self.args = [as_floats(rest[k], f"argument {k}") for k in self.inputs]
        # DataFrames are traced with the names of their columns.
        self._given = [rest[k] for k in self.inputs]
        names = tuple(tuple(getattr(v, "columns", ())) for v in self._given)
        frozen = {k: v for k, v in rest.items() if k not in self.inputs}
        try:
            key = (
                self.wrt,
                tuple(a.shape for a in self.x),
                tuple(self.inputs),
                tuple(a.shape for a in self.args),
                names,
                tuple((k, _key_of(v)) for k, v in frozen.items()),
            )
            known = _cache.setdefault(fun, {})
        except TypeError:  # a builtin, or an argument whose content may change: traced anew
            self.objective = self._trace(fun, args, named)
            return
        found = known.get(key)
        if found is None:  # threads may trace at once; the first to be kept is everyone's
            made = self._trace(fun, args, named)
            with _lock:
                found = known.setdefault(key, made)
                if len(known) > _MOST:
                    known.pop(next(iter(known)))
        self.objective = found

    def _trace(
        self, fun: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]
    ) -> Objective:
        wrt, inputs, count = self.wrt, self.inputs, len(self.wrt)

        def called(*values: Any) -> Any:
            full, by_name = list(args), dict(named)
            for i, v in zip(wrt, values[:count], strict=True):
                full[i] = v
            for k, v in zip(inputs, values[count:], strict=True):
                if isinstance(k, int):
                    full[k] = v
                else:
                    by_name[k] = v
            return fun(*full, **by_name)

        called.__name__ = getattr(fun, "__name__", "f")
        pairs = zip(self._given, self.args, strict=True)
        inputs_given = tuple(v if hasattr(v, "columns") else a for v, a in pairs)
        return Objective(called, self.x, inputs_given, unpack=True)

    def at(self) -> tuple[Objective, tuple[FloatArray, ...]]:
        """The objective with this call's inputs, and the point."""
        return self.objective.with_args(self.args), self.x

    def one(self, structured: Any) -> Any:
        """Of a tuple with an entry a variable: the entry alone where there was one argnum."""
        return structured[0] if self.single else structured


def _transform(
    fun: Callable[..., Any], name: str, evaluate: Callable[..., Any]
) -> Callable[..., Any]:
    if not callable(fun):
        raise TypeError(f"{name} takes a function, got {type(fun).__name__}")

    @functools.wraps(fun, updated=())
    def transformed(*args: Any, **named: Any) -> Any:
        return evaluate(*args, **named)

    transformed.__doc__ = f"`{name}` of {getattr(fun, '__name__', 'a function')}."
    return transformed


def grad(fun: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Gradient of a function, as a function of the same arguments.

    Parameters
    ----------
    fun : callable
        Written in NumPy, with one value. What its closure and globals hold is frozen when traced;
        its arguments are inputs.
    argnums : int or tuple of int, default 0
        With respect to which positional arguments.

    Returns
    -------
    callable
        Returns an array shaped like the argument (a float for a scalar), or a tuple of them. Traced
        once for each set of shapes, then cached as long as the function lives.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.grad(lambda x, y: 3 * x**2 * y**3)(2.0, 1.0)
    12.0
    >>> tw.grad(lambda x, y: 3 * x**2 * y**3, argnums=(0, 1))(2.0, 1.0)
    (12.0, 36.0)
    """
    both = value_and_grad(fun, argnums)
    return _transform(fun, "grad", lambda *a, **k: both(*a, **k)[1])


def value_and_grad(
    fun: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., Any]:
    """Value and gradient of a function, together; otherwise as `grad`.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.value_and_grad(lambda x: x**2)(3.0)
    (9.0, 6.0)
    """

    def evaluate(*args: Any, **named: Any) -> Any:
        call = _Call(fun, argnums, args, named)
        objective, x = call.at()
        value, slope = objective.value_and_grad(x)
        return value, call.one(slope)

    return _transform(fun, "value_and_grad", evaluate)


def _blocks(call: _Call, lead: tuple[int, ...], matrix: FloatArray) -> Any:
    """A matrix over all variables, cut into blocks (*lead, *argument); one for one argnum."""
    out, at = [], 0
    for a in call.x:
        block = matrix[..., at : at + a.size].reshape(lead + a.shape)
        out.append(float(block) if block.ndim == 0 else block)
        at += a.size
    return call.one(tuple(out))


def hessian(fun: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Matrix of second derivatives, ``(*shape, *shape)``; for several arguments tuples of blocks.

    Raises
    ------
    MemoryError
        When called, if the matrix does not fit; `hvp` needs one vector.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> tw.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """

    def evaluate(*args: Any, **named: Any) -> Any:
        call = _Call(fun, argnums, args, named)
        objective, x = call.at()
        full = np.asarray(objective.hessian(x)).reshape(objective.n, objective.n)
        rows, at = [], 0
        for a in call.x:
            rows.append(_blocks(call, a.shape, full[at : at + a.size]))
            at += a.size
        return call.one(tuple(rows))

    return _transform(fun, "hessian", evaluate)


def hvp(fun: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """Hessian-vector product: a function of `fun`'s arguments and, last, the vector.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> tw.hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """

    def evaluate(*args: Any, **named: Any) -> Any:
        if len(args) < 2:
            raise TypeError("hvp takes the function's arguments and then the vector")
        call = _Call(fun, argnums, args[:-1], named)
        objective, x = call.at()
        v = args[-1] if not call.single else (args[-1],)
        return call.one(objective.hvp(x, v))

    return _transform(fun, "hvp", evaluate)


def jacobian(fun: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Matrix of first derivatives of a vector function: the value's shape, then the argument's.

    Forward or reverse mode, whichever takes fewer products.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> tw.jacobian(lambda x: np.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """

    def evaluate(*args: Any, **named: Any) -> Any:
        call = _Call(fun, argnums, args, named)
        objective, x = call.at()
        return _blocks(call, objective.shape, np.asarray(objective.jacobian(x)))

    return _transform(fun, "jacobian", evaluate)


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_grad` found.

    Attributes
    ----------
    error : float
        The worst error of a component, relative to its size or the gradient's mean size, whichever
        is larger.
    index : int
        Which component, over all variables in order.
    gradient, reference : float
        Its value from thalweg, and from the check.
    """

    error: float
    index: int
    gradient: float
    reference: float

    def __float__(self) -> float:
        return self.error


def check_grad(
    fun: Callable[..., Any] | Objective, x0: Any, args: tuple[Any, ...] = ()
) -> GradientCheck:
    """Compare the gradient with one that uses values alone.

    Complex steps (Squire and Trapp 1998, SIAM Rev. 40(1), 110-112) where the function takes complex
    numbers, and central differences extrapolated to step zero (Ridders 1982, Adv. Eng. Softw. 4(2),
    75-76); for each component, the one that agrees better counts.

    Parameters
    ----------
    fun : callable or Objective
    x0 : array_like, tuple or dict
        Where.
    args : tuple, optional
        Further arguments.

    Returns
    -------
    GradientCheck
        The worst relative error, and where.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> bool(tw.check_grad(lambda x: np.sum(np.sin(x)), np.ones(3)).error < 1e-9)
    True
    """
    objective = fun if isinstance(fun, Objective) else Objective(fun, x0, args)
    if prod(objective.shape) != 1:
        raise TypeError(f"check_grad needs a function with one value, got shape {objective.shape}")
    _, rows = objective.structure.flatten(x0, "x0")
    x = rows[0]
    check_finite(x, "x0", objective.structure)
    _, gradient = objective.rows_value_and_grad(rows)
    g = gradient[0]
    references = [_extrapolated(objective, x)]
    if not isinstance(fun, Objective):
        references.append(_complex_step(fun, objective, x, args))
    scale = np.maximum(np.abs(g), np.mean(np.abs(g)) + np.finfo(np.float64).tiny)
    errors = np.array([np.abs(r - g) / scale for r in references])
    errors = np.where(np.isnan(errors), np.inf, errors)
    best = np.argmin(errors, axis=0)
    error = errors[best, np.arange(g.size)]
    i = int(np.argmax(error))
    return GradientCheck(float(error[i]), i, float(g[i]), float(references[best[i]][i]))


def _extrapolated(objective: Objective, x: FloatArray) -> FloatArray:
    """Central differences with steps halved, extrapolated in h**2; each point is a lane."""
    levels = 8
    h = 0.02 * np.maximum(np.abs(x), 0.1)
    steps = h[:, None] * 0.5 ** np.arange(levels)
    points = np.repeat(x[None, :], 2 * levels * x.size, axis=0).reshape(x.size, levels, 2, x.size)
    for i in range(x.size):
        points[i, :, 0, i] += steps[i]
        points[i, :, 1, i] -= steps[i]
    widths = (
        points[np.arange(x.size), :, 0, np.arange(x.size)]
        - points[np.arange(x.size), :, 1, np.arange(x.size)]
    )
    values, _ = objective.rows_value_and_grad(points.reshape(-1, x.size))
    v = values.reshape(x.size, levels, 2)
    table = (v[:, :, 0] - v[:, :, 1]) / widths
    best, spread = table[:, -1].copy(), np.full(x.size, np.inf)
    for k in range(1, levels):
        table = (4**k * table[:, 1:] - table[:, :-1]) / (4**k - 1)
        if table.shape[1] < 2:
            break
        change = np.abs(np.diff(table, axis=1))
        change = np.where(np.isnan(change), np.inf, change)
        at = np.argmin(change, axis=1)
        least = change[np.arange(x.size), at]
        better = least < spread
        best = np.where(better, table[np.arange(x.size), at + 1], best)
        spread = np.where(better, least, spread)
    return best


def _complex_step(
    fun: Callable[..., Any], objective: Objective, x: FloatArray, args: tuple[Any, ...]
) -> FloatArray:
    """Im f(x + ih) / h; NaN where the function does not take complex numbers."""
    s, out = objective.structure, np.full(x.size, np.nan)
    tiny = 1e-200
    with np.errstate(all="ignore"):
        for i in range(x.size):
            z = x.astype(np.complex128)
            z[i] += tiny * 1j
            pieces, at = [], 0
            for shape in s.shapes:
                pieces.append(z[at : at + prod(shape)].reshape(shape)[()])
                at += prod(shape)
            try:
                positional, named = s.arguments(fun, pieces, args)
                value = fun(*positional, **named)
                out[i] = np.imag(np.asarray(value).reshape(())) / tiny
            except (TypeError, ValueError):
                return out
    return out
