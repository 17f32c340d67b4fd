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
from scipy import special

STEP = np.longdouble("1e-40")  # its square vanishes beside 1
APART = np.longdouble("2e-6")  # fourth order: 1e-23 of truncation, 1e-13 of rounding

_REAL = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.signbit, np.isnan, np.isfinite, np.isinf,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.floor_divide,
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


def _rest(remainder: Any) -> Callable[[Any, Any], Any]:
    """A - q b, with its slope also where q jumps."""

    def rest(a: Any, b: Any) -> Any:
        exact = remainder(_real(a), _real(b))
        q = np.rint((_real(a) - exact) / _real(b))
        return exact + 1j * (np.imag(_plain(a)) - q * np.imag(_plain(b)))

    return rest


def _modf(a: Any) -> Any:
    a = _plain(a)
    return a - np.trunc(np.real(a)), np.trunc(np.real(a))


def _cbrt(a: Any) -> Any:
    return np.sign(_real(a)) * _absolute(a) ** (np.longdouble(1) / 3)


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.remainder: _rest(np.remainder),
    np.fmod: _rest(np.fmod),
    np.modf: _modf,
    np.divmod: lambda a, b: (np.floor_divide(_real(a), _real(b)), _rest(np.remainder)(a, b)),
    np.conjugate: _plain,
    np.heaviside: lambda a, h: np.where(_real(a) == 0, _plain(h), np.heaviside(_real(a), 0)),
    np.vecdot: lambda a, b: np.sum(_plain(a) * _plain(b), axis=-1),
    np.vecmat: lambda a, b: np.matmul(_plain(a)[..., None, :], _plain(b))[..., 0, :],
    np.absolute: _absolute,
    np.fabs: _absolute,
    np.maximum: _largest,
    np.minimum: lambda a, b: -_largest(-_plain(a), -_plain(b)),
    np.fmax: _largest,
    np.fmin: lambda a, b: -_largest(-_plain(a), -_plain(b)),
    np.logaddexp: _logaddexp,
    np.hypot: lambda a, b: np.sqrt(_plain(a) ** 2 + _plain(b) ** 2),
    np.arctan2: lambda a, b: (
        np.arctan(_plain(a) / _plain(b)) + np.where(_real(b) < 0, np.copysign(np.pi, _real(a)), 0)
    ),
    special.ive: lambda n, x: _differenced(special.ive, n, x),
    np.cbrt: _cbrt,
    special.cbrt: _cbrt,
}


SQRT_PI = np.sqrt(np.pi)

# Slopes that differences do not reach near poles and borders.
SLOPES: dict[Any, Callable[..., tuple[Any, ...]]] = {
    special.round: lambda x: (0 * x,),
    special.psi: lambda x: (special.polygamma(1, x),),
    special.gammaln: lambda x: (special.psi(x),),
    special.ive: lambda n, x: (  # exp(-|Re x|) has no complex step
        0 * x,
        0.5 * (special.ive(n - 1, x) + special.ive(n + 1, x)) - np.sign(x) * special.ive(n, x),
    ),
    special.erf: lambda x: (2 / SQRT_PI * np.exp(-x * x),),
    special.erfc: lambda x: (-2 / SQRT_PI * np.exp(-x * x),),
    special.ndtr: lambda x: (np.exp(-x * x / 2) / np.sqrt(2 * np.pi),),
    special.logit: lambda x: (1 / (x * (1 - x)),),
    special.entr: lambda x: (-np.log(x) - 1,),
    special.xlogy: lambda x, y: (np.log(y), x / y),
    special.xlog1py: lambda x, y: (np.log1p(y), x / (1 + y)),
    special.rel_entr: lambda x, y: (np.log(x / y) + 1, -x / y),
    special.kl_div: lambda x, y: (np.log(x / y), 1 - x / y),
}


def _differenced(ufunc: Any, *args: Any) -> Any:
    """A function of real numbers alone, its partial derivatives by differences of sixth order."""
    real = [np.asarray(a).real for a in args]
    try:
        value = ufunc(*real)
    except TypeError:
        real = [a.astype(np.float64) if a.dtype == np.longdouble else a for a in real]
        value = ufunc(*real)
    total: Any = np.asarray(value).astype(np.clongdouble)
    if ufunc in SLOPES:
        for a, slope in zip(args, SLOPES[ufunc](*real), strict=True):
            total = total + 1j * np.where(np.imag(a) == 0, 0, slope) * np.imag(a)
        return total
    for i, a in enumerate(args):
        if np.iscomplexobj(a):
            h = 2.0**-9 * np.minimum(1, np.maximum(np.abs(real[i]), 2.0**-9))
            d = [
                ufunc(*real[:i], real[i] + k * h, *real[i + 1 :])
                - ufunc(*real[:i], real[i] - k * h, *real[i + 1 :])
                for k in (1, 2, 3)
            ]
            slope = (45 * d[0] - 9 * d[1] + d[2]) / (60 * h)
            total = total + 1j * np.where(np.imag(a) == 0, 0, slope) * np.imag(a)
    return total


def _extreme(sign: int) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        a = _plain(a)
        best = sign * (sign * a.real).max(axis=axis, keepdims=True)
        ties = a.real == best
        return np.where(ties, a, 0).sum(axis=axis, keepdims=keepdims) / ties.sum(
            axis=axis, keepdims=keepdims
        )

    return extreme


def _variance(a: Any, axis: Any = None, keepdims: bool = False, ddof: float = 0, **_: Any) -> Any:
    a = _plain(a)
    d = a - a.mean(axis=axis, keepdims=True)
    n = a.size // (d * d).sum(axis=axis).size
    return (d * d).sum(axis=axis, keepdims=keepdims) / (n - ddof)


def _norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    a = _plain(a)
    if ord == "fro":
        ord = 2
    if ord == 1:
        return _absolute(a).sum(axis=axis, keepdims=keepdims)
    if ord in (np.inf, -np.inf):
        return _extreme(1 if ord > 0 else -1)(_absolute(a), axis=axis, keepdims=keepdims)
    p = 2 if ord is None else ord
    powers = a * a if p == 2 else _absolute(a) ** p
    return powers.sum(axis=axis, keepdims=keepdims) ** (np.longdouble(1) / p)


def _interp(x: Any, xp: Any, fp: Any) -> Any:
    x = _plain(x)
    xp, fp = np.asarray(xp, np.longdouble), np.asarray(fp, np.longdouble)
    k = np.clip(np.searchsorted(xp, x.real, "right") - 1, 0, len(xp) - 2)
    inside = fp[k] + (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]) * (x - xp[k])
    return np.where(x.real < xp[0], fp[0], np.where(x.real > xp[-1], fp[-1], inside))


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    a, least, most = _plain(a), a_min if min is None else min, a_max if max is None else max
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
    np.correlate: lambda a, v, mode="valid": _convolve(a, np.asarray(_plain(v))[::-1], mode),
    np.amax: _extreme(1),
    np.amin: _extreme(-1),
    np.ptp: lambda a, **k: _extreme(1)(a, **k) - _extreme(-1)(a, **k),
    np.linalg.vector_norm: lambda a, axis=None, keepdims=False, ord=2: _norm(
        a, ord, axis=axis, keepdims=keepdims
    ),
    np.linalg.matrix_norm: lambda a, keepdims=False, ord="fro": _norm(
        a, ord, axis=(-2, -1), keepdims=keepdims
    ),
    np.vdot: lambda a, b: np.sum(np.ravel(_plain(a)) * np.ravel(_plain(b))),
    np.linalg.vecdot: lambda a, b, axis=-1: np.sum(_plain(a) * _plain(b), axis=axis),
    np.real: _plain,
    np.real_if_close: _plain,
    np.imag: lambda a: np.zeros(np.shape(a)),
    np.isrealobj: lambda _: True,
    np.iscomplexobj: lambda _: False,
    np.isreal: lambda a: np.full(np.shape(a), True),
    np.iscomplex: lambda a: np.full(np.shape(a), False),
    np.fix: lambda a: np.trunc(_real(a)),
    np.count_nonzero: lambda a, **k: np.count_nonzero(_real(a), **k),
    np.any: lambda a, **k: np.any(_real(a), **k),
    np.all: lambda a, **k: np.all(_real(a), **k),
}


class Probe(np.ndarray):
    """Complex numbers that compare by their real parts."""

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "reduce" and ufunc in (np.maximum, np.minimum):
            kwargs.setdefault("axis", args[1] if len(args) > 1 else 0)
            return as_probe(_extreme(1 if ufunc is np.maximum else -1)(args[0], **kwargs))
        kwargs.pop("out", None)
        if method != "__call__":
            return as_probe(getattr(ufunc, method)(*map(_plain, args), **kwargs))
        if ufunc in _REAL:
            return ufunc(*map(_real, args))
        own = UFUNCS.get(ufunc)
        if own is not None:
            return as_probe(own(*map(_plain, args)))
        try:
            return as_probe(ufunc(*map(_plain, args)))
        except TypeError:  # no complex numbers, or none of this precision
            return as_probe(_differenced(ufunc, *map(_plain, args)))

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return as_probe(FUNCTIONS.get(f, f)(*map(_plain, args), **_plain_values(kwargs)))

    def __getitem__(self, index: Any) -> Any:
        return as_probe(super().__getitem__(index))  # a number alone as well

    @property
    def real(self) -> Any:
        return self

    def conj(self) -> Any:
        return self

    conjugate = conj

    def round(self, decimals: int = 0) -> Any:  # NumPy's own takes .real for an array of its own
        return np.round(np.real(np.asarray(self)), decimals)

    def clip(self, *args: Any, **k: Any) -> Any:
        return np.clip(self, *args, **k)

    def var(self, *args: Any, **k: Any) -> Any:
        return np.var(self, *args, **k)

    def std(self, *args: Any, **k: Any) -> Any:
        return np.std(self, *args, **k)

    def any(self, *args: Any, **k: Any) -> Any:
        return np.any(self, *args, **k)

    def all(self, *args: Any, **k: Any) -> Any:
        return np.all(self, *args, **k)

    def max(self, *args: Any, **k: Any) -> Any:
        return np.max(self, *args, **k)

    def min(self, *args: Any, **k: Any) -> Any:
        return np.min(self, *args, **k)


def _plain_values(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: _plain(v) for k, v in kwargs.items()}


def as_probe(value: Any) -> Any:
    a = np.asarray(value)
    return a.astype(np.clongdouble).view(Probe) if a.dtype.kind == "c" else value


def along(f: Callable[[Any], Any], x: Any, v: Any, precision: Any = np.longdouble) -> Any:
    """The derivative of f at x along v, in extended precision unless another is asked for."""
    at = np.asarray(x, precision) + 1j * precision(STEP) * np.asarray(v, precision)
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
