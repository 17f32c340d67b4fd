# SPDX-License-Identifier: BSD-3-Clause
"""Compute with pairs of real and imaginary parts, of which None is exactly zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from thalweg._tracing.operations import OPCODE
from thalweg._tracing.tracer import Tracer, apply

Part = Tracer | None
Parts = tuple[Part, Part]


def plus(a: Part, b: Part) -> Part:
    """Return a + b."""
    return b if a is None else a if b is None else a + b


def minus(a: Part, b: Part) -> Part:
    """Return a - b."""
    return a if b is None else -b if a is None else a - b


def times(a: Part, b: Part) -> Part:
    """Return a b."""
    return None if a is None or b is None else a * b


def _op(name: str, *operands: Any) -> Tracer:
    trace = next(o.trace for o in operands if isinstance(o, Tracer))
    return apply(trace, OPCODE[name], operands)


def where(condition: Any, a: Part, b: Part) -> Part:
    """Return a where the condition holds, and b elsewhere."""
    if a is None and b is None:
        return None
    return _op("where", condition, 0.0 if a is None else a, 0.0 if b is None else b)


def _some(part: Part, like: Part) -> Tracer:
    """Return a part; if it is None, a zero in the trace of the other."""
    if part is not None:
        return part
    assert like is not None
    return like.trace.wrap(0.0)


def _one(z: Parts) -> Tracer:
    return _some(*z).trace.wrap(1.0)


def modulus(z: Parts) -> Tracer:
    """Return abs(z)."""
    a, b = z
    if a is None or b is None:
        return _op("absolute", _some(a, b) if b is None else b)
    return _op("hypot", a, b)


def argument(z: Parts) -> Tracer:
    """Return the angle of z, in (-pi, pi]."""
    a, b = z
    if b is None:
        assert a is not None
        angle = _op("where", _op("copysign", 1.0, a) < 0, math.pi, 0.0)
        return _op("where", _op("isnan", a), a, angle)
    return _op("arctan2", b, 0.0 if a is None else a)


def multiply(z: Parts, w: Parts) -> Parts:
    """Return z w."""
    (a, b), (c, d) = z, w
    return minus(times(a, c), times(b, d)), plus(times(a, d), times(b, c))


def divide(z: Parts, w: Parts) -> Parts:
    """Return z / w without overflow of abs(w)**2."""
    (a, b), (c, d) = z, w
    if d is None:
        return tuple(None if part is None else part / c for part in (a, b))  # type: ignore[return-value]
    if c is None:  # z / (i d) = (b - i a) / d
        return None if b is None else b / d, None if a is None else -a / d
    size = modulus(w)
    u, v = c / size, d / size
    real, imag = plus(times(a, u), times(b, v)), minus(times(b, u), times(a, v))
    return None if real is None else real / size, None if imag is None else imag / size


def exponential(z: Parts) -> Parts:
    """Return exp(z)."""
    a, b = z
    if b is None:
        return _op("exp", _some(a, b)), None
    turned = _op("cos", b), _op("sin", b)
    if a is None:
        return turned
    size = _op("exp", a)
    return size * turned[0], size * turned[1]


def logarithm(z: Parts) -> Parts:
    """Return log(z); near abs(z) = 1 by log1p, so that its real part keeps its digits."""
    a, b = z
    size = modulus(z)
    real = _op("log", size)
    if a is not None and b is not None:
        x, y = (_op("absolute", part) for part in z)
        larger, smaller = _op("maximum", x, y), _op("minimum", x, y)
        excess = (larger - 1.0) * (larger + 1.0) + smaller**2
        near = (size > 0.5) & (size < 2.0)
        real = _op("where", near, 0.5 * _op("log1p", excess), real)
    return real, argument(z)


def square_root(z: Parts) -> Parts:
    """Return the principal square root."""
    a, b = z
    if b is None:
        root = _op("sqrt", _op("absolute", _some(a, b)))
        below = _some(a, b) < 0
        return where(below, None, root), where(below, root, None)
    real = _some(a, b)
    larger = _op("sqrt", 0.5 * _op("absolute", real) + 0.5 * modulus(z))
    zero = larger == 0.0
    smaller = 0.5 * b / _op("where", zero, 1.0, larger)
    side = _op("copysign", 1.0, b)  # the upper or the lower side of the branch cut
    right = real >= 0
    return (
        _op("where", right, larger, side * smaller),
        _op("where", right, smaller, side * larger),
    )


def whole_power(z: Parts, n: int) -> Parts:
    """Return z**n by repeated squaring."""
    if n < 0:
        return divide((_one(z), None), whole_power(z, -n))
    result: Parts | None = None
    while n:
        if n & 1:
            result = z if result is None else multiply(result, z)
        n >>= 1
        if n:
            z = multiply(z, z)
    return (_one(z), None) if result is None else result


def _sine(z: Parts) -> Parts:
    a, b = z
    if a is None:
        return None, _op("sinh", _some(b, a))
    return _op("sin", a) * _op("cosh", _some(b, a)), _op("cos", a) * _op("sinh", _some(b, a))


def _cosine(z: Parts) -> Parts:
    a, b = z
    if a is None:
        return _op("cosh", _some(b, a)), None
    return _op("cos", a) * _op("cosh", _some(b, a)), -_op("sin", a) * _op("sinh", _some(b, a))


def _turned(z: Parts) -> Parts:
    """Return i z."""
    return None if z[1] is None else -z[1], z[0]


def _back(z: Parts) -> Parts:
    """Return z / i."""
    return z[1], None if z[0] is None else -z[0]


def _hyperbolic_tangent(z: Parts) -> Parts:
    """Return tanh(z): (t + i s) / (1 + i t s), with t = tanh(a) and s = tan(b)."""
    a, b = z
    if a is None:
        return None, _op("tan", _some(b, a))
    t = _op("tanh", a)
    if b is None:
        return t, None
    s = _op("tan", b)
    below = 1.0 + (t * s) ** 2
    return t * (1.0 + s**2) / below, s / _op("cosh", a) ** 2 / below


def _scaled(z: Parts, by: float) -> Parts:
    return None if z[0] is None else z[0] * by, None if z[1] is None else z[1] * by


def _sign(z: Parts) -> Parts:
    size = modulus(z)
    below = _op("where", size == 0.0, 1.0, size)
    return None if z[0] is None else z[0] / below, None if z[1] is None else z[1] / below


def _wofz(z: Parts) -> Parts:
    a, b = (0.0 if part is None else part for part in z)
    return _op("faddeeva_real", a, b), None if z[0] is None else _op("faddeeva_imag", a, b)


def _both(name: str, join: Callable[[Any, Any], Any]) -> Callable[[Parts], Tracer]:
    def test(z: Parts) -> Tracer:
        known = [_op(name, part) for part in z if part is not None]
        result: Tracer = known[0] if len(known) == 1 else join(*known)
        return result

    return test


def _equal(z: Parts, w: Parts) -> Tracer:
    same = [
        _op("equal", 0.0 if a is None else a, 0.0 if b is None else b)
        for a, b in zip(z, w, strict=True)
        if a is not None or b is not None
    ]
    result: Tracer = same[0] if len(same) == 1 else same[0] & same[1]
    return result


# The ufuncs that have complex operands. Each takes the parts of its operands, and returns parts or
# a real value. `power` has a form of its own, since it asks for plain numbers.
COMPLEX_UFUNCS: dict[str, Callable[..., Any]] = {
    "add": lambda z, w: (plus(z[0], w[0]), plus(z[1], w[1])),
    "subtract": lambda z, w: (minus(z[0], w[0]), minus(z[1], w[1])),
    "multiply": multiply,
    "divide": divide,
    "negative": lambda z: (minus(None, z[0]), minus(None, z[1])),
    "positive": lambda z: z,
    "conjugate": lambda z: (z[0], minus(None, z[1])),
    "absolute": modulus,
    "square": lambda z: multiply(z, z),
    "reciprocal": lambda z: divide((_one(z), None), z),
    "exp": exponential,
    "exp2": lambda z: exponential(_scaled(z, math.log(2.0))),
    "log": logarithm,
    "log2": lambda z: _scaled(logarithm(z), 1 / math.log(2.0)),
    "log10": lambda z: _scaled(logarithm(z), 1 / math.log(10.0)),
    "sqrt": square_root,
    "sin": _sine,
    "cos": _cosine,
    "tan": lambda z: _back(_hyperbolic_tangent(_turned(z))),
    "sinh": lambda z: _back(_sine(_turned(z))),
    "cosh": lambda z: _cosine(_turned(z)),
    "tanh": _hyperbolic_tangent,
    "sign": _sign,
    "wofz": _wofz,
    "equal": _equal,
    "not_equal": lambda z, w: ~_equal(z, w),
    "isnan": _both("isnan", lambda a, b: a | b),
    "isinf": _both("isinf", lambda a, b: a | b),
    "isfinite": _both("isfinite", lambda a, b: a & b),
}
