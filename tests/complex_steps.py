# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives along directions, without thalweg: NumPy on complex numbers of extended precision.

`Probe` is an array of complex numbers whose comparisons, choices and functions look at the real
parts, so that the imaginary part of f(x + ih v) is h times the derivative of f along v, on both
sides of a kink as well. The second derivative is a difference of first ones along u.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

STEP = np.longdouble("1e-40")  # its square vanishes beside 1
APART = np.longdouble("2e-6")  # fourth order: 1e-23 of truncation, 1e-13 of rounding

_REAL = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.signbit, np.isnan, np.isfinite,
}  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Probe):
        return np.asarray(value)
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value


def _real(value: Any) -> Any:
    return np.real(_plain(value))


def _pick(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, _plain(a), _plain(b))


def _absolute(a: Any) -> Any:
    return _plain(a) * np.sign(_real(a))


def _largest(a: Any, b: Any) -> Any:
    a, b = _plain(a), _plain(b)
    half = (a + b) / 2  # a tie is shared evenly
    return np.where(np.real(a) == np.real(b), half, np.where(np.real(a) > np.real(b), a, b))


def _logaddexp(a: Any, b: Any) -> Any:
    top, least = _largest(a, b), -_largest(-_plain(a), -_plain(b))
    return top + np.log1p(np.exp(least - top))


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.maximum: _largest,
    np.minimum: lambda a, b: -_largest(-_plain(a), -_plain(b)),
    np.logaddexp: _logaddexp,
    np.hypot: lambda a, b: np.sqrt(_plain(a) ** 2 + _plain(b) ** 2),
    np.arctan2: lambda a, b: (
        np.arctan(_plain(a) / _plain(b)) + np.where(_real(b) < 0, np.copysign(np.pi, _real(a)), 0)
    ),
    np.cbrt: lambda a: np.sign(_real(a)) * _absolute(a) ** (np.longdouble(1) / 3),
}


def _extreme(sign: int) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        a = _plain(a)
        best = sign * (sign * a.real).max(axis=axis, keepdims=True)
        ties = a.real == best
        return np.where(ties, a, 0).sum(axis=axis, keepdims=keepdims) / ties.sum(
            axis=axis, keepdims=keepdims
        )

    return extreme


def _variance(a: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0, **_: Any) -> Any:
    a = _plain(a)
    d = a - a.mean(axis=axis, keepdims=True)
    n = a.size if axis is None else a.shape[axis]
    return (d * d).sum(axis=axis, keepdims=keepdims) / (n - ddof)


def _norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    a = _plain(a)
    if ord == 1:
        return _absolute(a).sum(axis=axis, keepdims=keepdims)
    if ord == np.inf:
        return _extreme(1)(_absolute(a), axis=axis, keepdims=keepdims)
    p = 2 if ord is None else ord
    powers = a * a if p == 2 else _absolute(a) ** p
    return powers.sum(axis=axis, keepdims=keepdims) ** (np.longdouble(1) / p)


def _interp(x: Any, xp: Any, fp: Any) -> Any:
    x = _plain(x)
    xp, fp = np.asarray(xp, np.longdouble), np.asarray(fp, np.longdouble)
    k = np.clip(np.searchsorted(xp, x.real, "right") - 1, 0, len(xp) - 2)
    inside = fp[k] + (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]) * (x - xp[k])
    return np.where(x.real < xp[0], fp[0], np.where(x.real > xp[-1], fp[-1], inside))


def _clip(a: Any, least: Any, most: Any) -> Any:
    a = _plain(a)
    a = a if least is None else _pick(np.real(a) < _real(least), least, a)
    return a if most is None else _pick(np.real(a) > _real(most), most, a)


def _convolve(a: Any, b: Any, mode: str = "full") -> Any:
    # NumPy's own is in double precision.
    a, b = np.asarray(_plain(a)), np.asarray(_plain(b))
    if len(a) < len(b):
        a, b = b, a
    full = np.zeros(len(a) + len(b) - 1, np.clongdouble)
    for k, weight in enumerate(b):
        full[k : k + len(a)] += weight * a
    first, size = {
        "full": (0, len(full)),
        "same": ((len(b) - 1) // 2, len(a)),
        "valid": (len(b) - 1, len(a) - len(b) + 1),
    }[mode]
    return full[first : first + size]


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _pick,
    np.max: _extreme(1),
    np.min: _extreme(-1),
    np.var: _variance,
    np.std: lambda a, **k: np.sqrt(_variance(a, **k)),
    np.linalg.norm: _norm,
    np.interp: _interp,
    np.clip: _clip,
    np.convolve: _convolve,
}


class Probe(np.ndarray):
    """Complex numbers that compare by their real parts."""

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in (np.maximum, np.minimum):
            return as_probe(_extreme(1 if ufunc is np.maximum else -1)(*args, **kwargs))
        kwargs.pop("out", None)
        if method != "__call__":
            return as_probe(getattr(ufunc, method)(*map(_plain, args), **kwargs))
        if ufunc in _REAL:
            return ufunc(*map(_real, args))
        return as_probe(UFUNCS.get(ufunc, ufunc)(*map(_plain, args)))

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return as_probe(FUNCTIONS.get(f, f)(*map(_plain, args), **_plain_values(kwargs)))

    def __getitem__(self, index: Any) -> Any:
        return as_probe(super().__getitem__(index))  # a number alone as well

    def max(self, **k: Any) -> Any:
        return np.max(self, **k)

    def min(self, **k: Any) -> Any:
        return np.min(self, **k)


def _plain_values(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) for k, v in kwargs.items()}


def as_probe(value: Any) -> Any:
    a = np.asarray(value)
    return a.astype(np.clongdouble).view(Probe) if a.dtype.kind == "c" else value


def along(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The derivative of f at x along v, in extended precision."""
    at = np.asarray(x, np.longdouble) + 1j * STEP * np.asarray(v, np.longdouble)
    with np.errstate(all="ignore"):  # of dead branches
        return np.imag(_plain(f(as_probe(at)))) / STEP


def second_along(f: Callable[[Any], Any], x: Any, v: Any, u: Any, apart: Any = APART) -> Any:
    """The derivative along u of the derivative of f along v; wrong where a kink lies between."""
    x, u = np.asarray(x, np.longdouble), np.asarray(u, np.longdouble)
    far = [along(f, x + k * apart * u, v) for k in (-2, -1, 1, 2)]
    return sum(w * d for w, d in zip((1, -8, 8, -1), far, strict=True)) / (12 * apart)


def directions(shape: tuple[int, ...], rng: np.random.Generator) -> list[Any]:
    """One everywhere; others at the borders and at a few places only."""
    size = int(np.prod(shape))
    border = np.zeros(size)
    border[[0, -1]] = 1.0, -2.0
    border[size // 2] = 0.5
    dense = rng.standard_normal(size)
    return [d.reshape(shape) for d in itertools.chain([dense, border])]
