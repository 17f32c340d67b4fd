# SPDX-License-Identifier: BSD-3-Clause
"""Turn a function into its gradient, Hessian or Jacobian, and check gradients numerically.

The new functions take the user's own arguments. They trace once for each set of shapes and cache
the result.
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

# The traced objectives of each function, by the shapes of its arguments and the arguments that are
# not numeric. An entry lives as long as its function.
_cache: weakref.WeakKeyDictionary[Any, dict[Any, Objective]] = weakref.WeakKeyDictionary()
_MOST = 64  # the number of objectives kept for one function; the oldest is dropped first
_lock = threading.Lock()  # held while one objective is added and another dropped


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool | str | bytes) or value is None:
        return False
    if mask_of(value) is not None:
        unmasked(value, "an argument")  # raises: masked values must not be passed unchanged
    try:
        as_floats(value, "argument")
    except (TypeError, ValueError):
        return False
    return True


def _key_of(value: Any) -> Any:
    """Return the cache key of a frozen argument; raise TypeError if its content may change."""
    hash(value)
    return (type(value), value)


class _Call:
    """One call of a transformed function: its variables, its inputs, and its frozen arguments."""

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
                    f"argnums must refer to the {len(args)} positional arguments, got {i}"
                )
        self.wrt = tuple(int(i) % len(args) for i in wanted)
        if len(set(self.wrt)) != len(self.wrt) or not self.wrt:
            raise TypeError(f"argnums must be different arguments, got {argnums!r}")
        self.x = tuple(as_floats(args[i], f"argument {i}") for i in self.wrt)
        # Numeric arguments are inputs, whether positional or named; the others are frozen.
        rest: dict[int | str, Any] = {i: args[i] for i in range(len(args)) if i not in self.wrt}
        rest.update(named)
        self.inputs = [k for k, v in rest.items() if _is_numeric(v)]
        self.args = [as_floats(rest[k], f"argument {k}") for k in self.inputs]
        # A DataFrame is traced with the names of its columns.
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
        except TypeError:  # a builtin, or an argument whose content may change: no caching
            self.objective = self._trace(fun, args, named)
            return
        found = known.get(key)
        if found is None:  # threads may trace at the same time; all use the first one stored
            traced = self._trace(fun, args, named)
            with _lock:
                found = known.setdefault(key, traced)
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
        """Return the objective with the inputs of this call, and the point."""
        return self.objective.with_args(self.args), self.x

    def one(self, structured: Any) -> Any:
        """Return the only entry if argnums was a number, else the tuple of all entries."""
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
    """Return the gradient of a function, as a function of the same arguments.

    Parameters
    ----------
    fun : callable
        A function written in NumPy that returns one value. The values in its closure and in globals
        are frozen when it is traced; its arguments remain inputs.
    argnums : int or tuple of int, default 0
        The positional arguments to differentiate with respect to.

    Returns
    -------
    callable
        A function that returns an array in the shape of the argument (a float for a number), or a
        tuple of them. It is traced once for each set of shapes and cached as long as `fun` lives.

    See Also
    --------
    value_and_grad : Return the value too.
    hessian, jacobian, hvp : Return other derivatives.
    objective : Trace a function once for a given point.
    check_grad : Check a gradient numerically.

    References
    ----------
    .. [1] A. Griewank and A. Walther, *Evaluating Derivatives: Principles and Techniques of
       Algorithmic Differentiation*, 2nd ed., SIAM, 2008, https://doi.org/10.1137/1.9780898717761

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
    """Return a function that computes value and gradient together.

    Parameters
    ----------
    fun, argnums
        As in `grad`.

    Returns
    -------
    callable
        A function that returns the value and the gradient.

    See Also
    --------
    grad : Return the gradient alone.

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
    """Cut a matrix over all variables into blocks (*lead, *argument), one for each argument."""
    out, at = [], 0
    for a in call.x:
        block = matrix[..., at : at + a.size].reshape(lead + a.shape)
        out.append(float(block) if block.ndim == 0 else block)
        at += a.size
    return call.one(tuple(out))


def hessian(fun: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return the matrix of second derivatives, as a function of the same arguments.

    Parameters
    ----------
    fun, argnums
        As in `grad`.

    Returns
    -------
    callable
        A function that returns an array ``(*shape, *shape)``, or a tuple of tuples of blocks if
        `argnums` is a tuple. It raises MemoryError if the matrix does not fit into memory; `hvp`
        needs one vector only.

    See Also
    --------
    hvp : Multiply the Hessian by a vector without forming it.
    grad : Return the gradient.

    References
    ----------
    .. [1] B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Comput. 6(1), 1994,
       147-160, https://doi.org/10.1162/neco.1994.6.1.147

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
    """Return the Hessian-vector product, as a function of the arguments and the vector.

    Parameters
    ----------
    fun : callable
        As in `grad`.
    argnums : int, default 0
        The positional argument to differentiate with respect to.

    Returns
    -------
    callable
        A function that takes the arguments of `fun` and then the vector, and returns an array in
        the shape of the vector.

    See Also
    --------
    hessian : Return the whole matrix.

    References
    ----------
    .. [1] B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Comput. 6(1), 1994,
       147-160, https://doi.org/10.1162/neco.1994.6.1.147

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
    """Return the matrix of first derivatives of a vector function.

    Forward or reverse mode is used, whichever takes fewer products.

    Parameters
    ----------
    fun, argnums
        As in `grad`; `fun` may return an array.

    Returns
    -------
    callable
        A function that returns an array whose shape is that of the value followed by that of the
        argument.

    See Also
    --------
    grad : Differentiate a function with one value.

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
    """The outcome of `check_grad`.

    Attributes
    ----------
    error : float
        The largest error of a component, relative to its absolute value or to the mean absolute
        value of the gradient, whichever is larger.
    index : int
        The index of that component over all variables in order.
    gradient, reference : float
        The component as thalweg computes it, and as the check computes it.
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
    """Compare the gradient with one computed from values alone.

    The check uses complex steps [1]_ if the function accepts complex numbers, and central
    differences extrapolated to step zero [2]_. For each component, the better match counts.

    Parameters
    ----------
    fun : callable or Objective
        The function to check.
    x0 : array_like, tuple or dict
        The point at which to check.
    args : tuple, optional
        Further arguments of `fun`.

    Returns
    -------
    GradientCheck
        The largest relative error and its component.

    See Also
    --------
    grad : Return the gradient of a function.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real
       functions", SIAM Rev. 40(1), 1998, 110-112, https://doi.org/10.1137/S003614459631241X
    .. [2] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Softw.
       4(2), 1982, 75-76, https://doi.org/10.1016/S0141-1195(82)80057-0

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
    """Extrapolate central differences with halved steps in h**2; each point is a lane."""
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
    """Return Im f(x + ih) / h, or NaN if the function does not accept complex numbers."""
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
