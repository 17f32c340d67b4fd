# SPDX-License-Identifier: BSD-3-Clause
"""Arrays of mpmath numbers of 150 digits that NumPy's functions take for their own.

Derivatives are their divided differences, in which nothing of thalweg has a part.
"""

import itertools
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf
from numpy.typing import NDArray
from operation_values import reference_of
from scipy import special

from thalweg._formulas.expressions import operation

FloatArray = NDArray[np.float64]

BITS = 500
STEP = (
    mpf(2) ** -160
)  # one-sided differences: 1e-48 of truncation, and second ones keep 500 - 320 bits

CHOICES: dict[str, Callable[..., Any]] = {
    "sign": lambda a: (a > 0) - (a < 0),
    "maximum": max,
    "minimum": min,
    "fmax": max,
    "fmin": min,
    "copysign": lambda a, b: abs(a) if b >= 0 else -abs(a),
    "rint": mpmath.nint,
    "trunc": lambda a: mpmath.floor(a) if a >= 0 else mpmath.ceil(a),
    "heaviside": lambda a, h: h if a == 0 else mpf(a > 0),
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "logical_and": lambda a, b: bool(a) and bool(b),
    "logical_or": lambda a, b: bool(a) or bool(b),
    "logical_xor": lambda a, b: bool(a) != bool(b),
    "logical_not": lambda a: not a,
    "bitwise_and": lambda a, b: a and b,
    "bitwise_or": lambda a, b: a or b,
    "invert": lambda a: not a,
    "isnan": mpmath.isnan,
    "isinf": mpmath.isinf,
    "isfinite": mpmath.isfinite,
}


def _plain(value: Any) -> Any:
    if isinstance(value, Precise):
        return value.items
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value


def objects(value: Any) -> NDArray[Any]:
    """An array of mpmath numbers or truth values."""
    value = _plain(value)
    array = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    return array if array.dtype == object else array.astype(object)


class Precise(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of mpmath numbers on which NumPy's functions work."""

    def __init__(self, items: Any) -> None:
        self.items = items if isinstance(items, np.ndarray) else np.array(items, dtype=object)

    shape = property(lambda self: self.items.shape)
    ndim = property(lambda self: self.items.ndim)
    T = property(lambda self: Precise(self.items.T))

    def __getitem__(self, index: Any) -> "Precise":
        return Precise(self.items[index])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        assert method == "__call__"
        assert not kwargs
        if ufunc is np.matmul:
            return Precise(np.matmul(*map(objects, inputs)))
        name = {"psi": "digamma"}.get(ufunc.__name__, ufunc.__name__)
        f = CHOICES.get(name) or reference_of(name)
        return Precise(np.frompyfunc(f, ufunc.nin, 1)(*map(objects, inputs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        own = OWN.get(function)
        result = (own or function)(*_plain(args), **{k: _plain(v) for k, v in kwargs.items()})
        return [Precise(r) for r in result] if isinstance(result, list) else Precise(result)

    def reshape(self, *shape: int) -> "Precise":
        return Precise(self.items.reshape(*shape))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np, name):
            raise AttributeError(name)
        return lambda *args, **kwargs: getattr(np, name)(self, *args, **kwargs)


def _root(x: Any) -> Any:
    return np.frompyfunc(mpmath.sqrt, 1, 1)(x)


def _precise_norm(x: Any, ord: Any = None, axis: Any = None) -> Any:
    if ord in (None, 2):
        return _root(np.sum(x * x, axis=axis))
    return np.sum(abs(x), axis=axis) if ord == 1 else np.max(abs(x), axis=axis)


def _precise_var(x: Any, axis: Any = None, ddof: int = 0) -> Any:
    n = x.size if axis is None else x.shape[axis]
    d = x - np.sum(x, axis=axis, keepdims=True) / mpf(n)
    return np.sum(d * d, axis=axis) / mpf(n - ddof)


def _precise_interp(x: Any, xp: Any, fp: Any) -> Any:
    def one(v: Any) -> Any:
        if v <= xp[0] or v >= xp[-1]:
            return mpf(fp[0] if v <= xp[0] else fp[-1])
        k = max(i for i in range(len(xp)) if xp[i] <= v)
        return mpf(fp[k]) + (mpf(fp[k + 1]) - mpf(fp[k])) * (v - mpf(xp[k])) / (
            mpf(xp[k + 1]) - mpf(xp[k])
        )

    return np.frompyfunc(one, 1, 1)(x)


OWN: dict[Any, Callable[..., Any]] = {
    np.linalg.norm: _precise_norm,
    np.var: _precise_var,
    np.std: lambda x, axis=None, ddof=0: _root(_precise_var(x, axis, ddof)),
    np.mean: lambda x, axis=None: (
        np.sum(x, axis=axis) / mpf(x.size if axis is None else x.shape[axis])
    ),
    np.interp: _precise_interp,
    np.where: lambda c, a, b: np.where(np.asarray(c, dtype=bool), objects(a), objects(b)),
    np.clip: lambda x, lower, upper: np.frompyfunc(lambda v: min(max(v, lower), upper), 1, 1)(x),
    np.trapezoid: lambda y, dx=1.0: np.sum((y[..., 1:] + y[..., :-1]) * dx / 2, axis=-1),
    np.polyval: lambda p, x: sum(mpf(c) * x ** (len(p) - 1 - k) for k, c in enumerate(p)),
    np.einsum: lambda text, *arrays: np.einsum(text, *map(objects, arrays), optimize=False),
}


def polygamma(order: int, x: Any) -> Any:
    """SciPy's is no ufunc and takes no traced value."""
    if isinstance(x, Precise):
        return Precise(np.frompyfunc(lambda v: mpmath.psi(order, v), 1, 1)(x.items))
    return operation("polygamma")(order, x)


NAMES: dict[str, Any] = {"np": np, "special": special, "polygamma": polygamma}


def oracle(e: Any) -> tuple[float, FloatArray, FloatArray, float] | None:
    """Value, gradient, Hessian of a function, and how far left and right slopes lie apart.

    It is `e.function` at `e.point`. None where one is not finite.
    """
    n = len(e.point)
    with mp.workprec(BITS), np.errstate(all="ignore"):
        x = [mpf(float(v)) for v in e.point]

        def at(*moved: tuple[int, int]) -> Any:
            y = list(x)
            for k, sign in moved:
                y[k] += sign * STEP
            result = e.function(Precise(np.array(y, dtype=object)))
            return mpmath.mpmathify(result.items.item() if isinstance(result, Precise) else result)

        try:
            f = at()
            right = [at((i, 1)) for i in range(n)]
            left = [at((i, -1)) for i in range(n)]
            H = np.zeros((n, n))
            for i, j in itertools.combinations_with_replacement(range(n), 2):
                H[i, j] = H[j, i] = float((at((i, 1), (j, 1)) - right[i] - right[j] + f) / STEP**2)
        except (ZeroDivisionError, ValueError, TypeError):  # a pole; a value that is complex
            return None
        g = np.array([float((r - s) / (2 * STEP)) for r, s in zip(right, left, strict=True)])
        kink = max(float(abs(r - 2 * f + s) / STEP) for r, s in zip(right, left, strict=True))
        return float(f), g, H, kink / max(float(np.abs(g).max()), 1e-300)
