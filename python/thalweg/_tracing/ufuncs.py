# SPDX-License-Identifier: BSD-3-Clause
"""Trace ufuncs: compositions of the core's operations, SciPy's by name, and their methods."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from thalweg._tracing.errors import cannot_trace
from thalweg._tracing.operations import CODES, OPCODE, OPERATIONS
from thalweg._tracing.registry import FUNCTIONS, accepted, no_traced_form
from thalweg._tracing.tracer import Tracer, apply

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

ARITY = tuple(int(o["arity"]) for o in OPERATIONS)
_OTHER_NAMES = {"psi": "digamma"}


def call_ufunc(
    trace: Trace, ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Apply a ufunc, or a method of a ufunc such as `add.reduce`."""
    name = ufunc.__name__
    if method != "__call__":
        handler = METHODS.get((name, method)) or METHODS.get(("", method))
        if handler is None:
            raise no_traced_form(f"np.{name}.{method}")
        kwargs = accepted(f"np.{name}.{method}", kwargs, frozenset({"axis", "keepdims"}))
        return (
            handler(trace, ufunc, *inputs, **kwargs)
            if ("", method) in METHODS
            else handler(trace, *inputs, **kwargs)
        )
    if kwargs:
        accepted(f"np.{name}", kwargs, frozenset())
    composed = COMPOSED.get(name)
    if composed is not None:
        return composed(*[trace.wrap(i) for i in inputs])
    code = OPCODE.get(_OTHER_NAMES.get(name, name))
    if code is None or ARITY[code] != ufunc.nin:
        raise no_traced_form(
            f"np.{name}" if getattr(np, name, None) is ufunc else f"the ufunc {name}"
        )
    CODES[ufunc] = code
    return apply(trace, code, inputs)


# ---- compositions of operations, whose operands are traced values --------------------------------


def operation(name: str) -> Callable[..., Tracer]:
    """Return an operation of the core as a function of traced values."""
    code = OPCODE[name]

    def call(*operands: Any) -> Tracer:
        trace = next(o.trace for o in operands if isinstance(o, Tracer))
        return apply(trace, code, operands)

    call.__name__ = name
    call.__doc__ = f"Apply the operation {name}."
    return call


where, exp, log, sqrt, trunc, hypot = map(
    operation, ("where", "exp", "log", "sqrt", "trunc", "hypot")
)
xlogy, xlog1py, erfc, absolute, equal = map(
    operation, ("xlogy", "xlog1py", "erfc", "absolute", "equal")
)
faddeeva_real, faddeeva_imag, log1p = map(operation, ("faddeeva_real", "faddeeva_imag", "log1p"))
gamma = operation("gamma")


def power(x: Tracer, y: Tracer) -> Tracer:
    """Return x**y, as a square or a root if the exponent is 2 or 0.5."""
    number = y.trace.graph.constant_value(y.node)
    result: Tracer = x**y if number is None else x**number
    return result


def modf(x: Tracer) -> tuple[Tracer, Tracer]:
    """Return the fractional and the integral part, both with the sign of x."""
    whole = trunc(x)
    return where(equal(absolute(x), math.inf), 0.0, x - whole), whole


def rel_entr(x: Tracer, y: Tracer) -> Tracer:
    """Return x log(x / y), with log1p near x = y; the slope in x at 0 is minus infinity."""
    ratio = x / y
    near = (ratio > 0.5) & (ratio < 2)
    ordinary = (x == 0) | ((ratio > 1e-300) & (ratio < math.inf))
    apart = where(ordinary, xlogy(x, ratio), xlogy(x, x) - xlogy(x, y))
    value = where(near, xlog1py(x, (x - y) / y), apart)
    inside = (x >= 0) & (y > 0)
    value = where(inside, value, where((x == 0) & (y == 0), 0.0, math.inf))
    return where((x != x) | (y != y), x + y, value)


def kl_div(x: Tracer, y: Tracer) -> Tracer:
    """Return x log(x / y) - x + y, with a series near its minimum x = y, where the terms cancel.

    With u = x / y - 1 and s = u / (2 + u), log(1 + u) is 2 artanh(s), and y times
    (1 + u) log(1 + u) - u is y times u**2 / (2 + u) + 2 (1 + u) (s**3 / 3 + s**5 / 5 + ...).
    """
    u = (x - y) / y
    s = u / (2.0 + u)
    z = s**2
    tail: Any = 0.0
    for k in range(25, 1, -2):  # enough for a second derivative to full precision, abs(u) <= 1/4
        tail = tail * z + 1.0 / k
    near = y * (u**2 / (2.0 + u) + 2.0 * (1.0 + u) * (s * z * tail))
    return where((absolute(u) <= 0.25) & (y > 0), near, rel_entr(x, y) - x + y)


def huber(delta: Tracer, r: Tracer) -> Tracer:
    """Return r**2 / 2 up to abs(r) = delta, and delta (abs(r) - delta / 2) beyond."""
    size = absolute(r)
    value = where(size <= delta, 0.5 * r**2, delta * (size - 0.5 * delta))
    return where(delta < 0, math.inf, value)


def pseudo_huber(delta: Tracer, r: Tracer) -> Tracer:
    """Return delta**2 (sqrt(1 + (r / delta)**2) - 1) without cancellation or overflow."""
    value = r * (r * (delta / (delta + hypot(delta, r))))
    return where(delta < 0, math.inf, where(delta == 0, 0.0, value))


def voigt_profile(x: Tracer, sigma: Tracer, gamma: Tracer) -> Tracer:
    """Return a normal density convolved with Cauchy's: Re w((x + i gamma) / (sigma sqrt 2)).

    Without a normal part, sigma = 0, that is Cauchy's density, which w gives for a tiny sigma: then
    its argument is so large that w is i / (sqrt(pi) z), or 0 or 1 if gamma = 0 too. Everything that
    asks for sigma = 0 is a number for each lane, not an array.
    """
    sharp = sigma == 0
    unit = math.sqrt(0.5) / where(sharp, 2.0**-300, sigma)
    density = faddeeva_real(x * unit, gamma * unit) * (unit / math.sqrt(math.pi))
    return density * where(sharp & (gamma == 0), 2.0**1000, 1.0)


def erfcx(x: Tracer) -> Tracer:
    """Return exp(x**2) erfc(x)."""
    return faddeeva_real(0.0, x)


def log_ndtr(x: Tracer) -> Tracer:
    """Return log of the normal distribution function, with its digits in both tails."""
    t = x * -math.sqrt(0.5)
    low = x < -1
    below = log(0.5 * erfcx(where(low, t, 1.0))) - t**2
    return where(low, below, log1p(-0.5 * erfc(-t)))


def wofz(x: Tracer) -> Any:
    """Return the Faddeeva function of a real argument, which is complex."""
    return x.trace.call_complex("wofz", (x,))


def loggamma(x: Tracer) -> Tracer:
    """Return log of Gamma(x), which is complex for x < 0: NaN, as SciPy's of a real number."""
    return where(x < 0, math.nan, operation("gammaln")(x))


def whole_order(name: str, order: Tracer) -> float:
    """Return the order of a Bessel function or of its kin, which must be a whole constant."""
    number = order.trace.graph.constant_value(order.node)
    if number is None or number != round(number):
        why = "its order must be one whole number, which is a constant; write a call for each."
        raise cannot_trace(f"scipy.special.{name}", why)
    return number


def of_order(name: str, known_as: str) -> Callable[[Tracer, Tracer], Tracer]:
    """Return a function of a whole order and of x."""
    return lambda order, x: operation(name)(whole_order(known_as, order), x)


def of_that_order(name: str, order: float) -> Callable[[Tracer], Tracer]:
    """Return a function of x alone."""
    return lambda x: operation(name)(order, x)


BESSEL: dict[str, Callable[..., Any]] = {
    known_as: of_order(name, known_as)
    for known_as, name in (
        ("jv", "jn"), ("yv", "yn"), ("yn", "yn"), ("iv", "iv"), ("ive", "ive"), ("kv", "kn"),
        ("kn", "kn"), ("kve", "kve"),
    )
} | {
    known_as.format(order): of_that_order(name, order)
    for known_as, name in (
        ("j{}", "jn"), ("y{}", "yn"), ("i{}", "iv"), ("i{}e", "ive"), ("k{}", "kn"),
        ("k{}e", "kve"),
    )
    for order in (0, 1)
}  # fmt: skip


def sici(x: Tracer) -> tuple[Tracer, Tracer]:
    """Return the sine and the cosine integral."""
    return operation("sine_integral")(x), operation("cosine_integral")(x)


def eval_legendre(order: Tracer, x: Tracer) -> Tracer:
    """Return Legendre's polynomial by its recurrence, (k + 1) P(k + 1) = (2k + 1) x P(k) - k P."""
    n = whole_order("eval_legendre", order)
    n = -n - 1 if n < 0 else n
    before, now = x * 0.0 + 1.0, x
    for k in range(1, int(n)):
        before, now = now, x * now * ((2 * k + 1) / (k + 1)) - before * (k / (k + 1))
    return now if n else before


def poisson_term(k: Tracer) -> Tracer:
    """Return the first argument of the gamma functions in Poisson's distribution function."""
    return operation("floor")(k) + 1.0


def stdtrit(df: Tracer, p: Tracer) -> Tracer:
    """Return Student's quantiles, by the beta distribution of t**2 / (df + t**2) or its rest."""
    half, inverse = 0.5 * df, operation("betaincinv")
    middle = equal(p, 0.5)  # where the formulas are 0 / 0, it is (p - 1/2) over the density
    q = where(middle, 0.25, p)
    tail = 2.0 * where(q < 0.5, q, 1.0 - q)
    far = tail < 0.5
    rest = inverse(half, 0.5, where(far, tail, 0.25))
    share = inverse(0.5, half, where(far, 0.25, 1.0 - tail))
    size = sqrt(df * where(far, (1.0 - rest) / rest, share / (1.0 - share)))
    near = (p - 0.5) * sqrt(df) * operation("beta")(half, 0.5)
    return where(middle, near, where(q < 0.5, -size, size))


def binomial(n: Tracer, k: Tracer) -> Tracer:
    """Return n over k for 0 <= k <= n, whole or not."""
    return 1.0 / ((n + 1.0) * operation("beta")(n - k + 1.0, k + 1.0))


def binomial_tail(of: str, last: float) -> Callable[[Tracer, Tracer, Tracer], Tracer]:
    """Return a binomial distribution function of k, n and p, which is `last` from k = n on."""

    def tail(k: Tracer, n: Tracer, p: Tracer) -> Tracer:
        k, n = operation("floor")(k), operation("floor")(n)  # whole numbers, as in SciPy
        value = operation(of)(where(k < n, k, 0.0) + 1.0, where(k < n, n - k, 1.0), p)
        return where(k < n, value, last)

    return tail


# Distribution functions of scipy.special.
DISTRIBUTIONS: dict[str, Callable[..., Any]] = {
    "chdtr": lambda df, x: operation("gammainc")(0.5 * df, 0.5 * x),
    "chdtrc": lambda df, x: operation("gammaincc")(0.5 * df, 0.5 * x),
    "gdtr": lambda rate, a, x: operation("gammainc")(a, rate * x),
    "gdtrc": lambda rate, a, x: operation("gammaincc")(a, rate * x),
    "stdtrit": stdtrit,
    "binom": binomial,
    "bdtr": binomial_tail("betaincc", 1.0),
    "bdtrc": binomial_tail("betainc", 0.0),
    "nbdtr": lambda k, n, p: operation("betainc")(operation("floor")(n), poisson_term(k), p),
    "nbdtrc": lambda k, n, p: operation("betaincc")(operation("floor")(n), poisson_term(k), p),
    "pdtr": lambda k, m: operation("gammaincc")(poisson_term(k), m),
    "pdtrc": lambda k, m: operation("gammainc")(poisson_term(k), m),
    "fdtr": lambda m, n, x: operation("betainc")(0.5 * m, 0.5 * n, m * x / (n + m * x)),
    "fdtrc": lambda m, n, x: operation("betainc")(0.5 * n, 0.5 * m, n / (n + m * x)),
}

COMPOSED: dict[str, Callable[..., Any]] = {
    "power": power,
    "float_power": power,
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "fabs": absolute,
    "deg2rad": lambda x: x * (math.pi / 180),
    "radians": lambda x: x * (math.pi / 180),
    "rad2deg": lambda x: x * (180 / math.pi),
    "degrees": lambda x: x * (180 / math.pi),
    "divmod": divmod,
    "modf": modf,
    "signbit": lambda x: operation("copysign")(x.trace.wrap(1.0), x) < 0,
    "invert": lambda x: ~x,
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "matmul": lambda x, y: FUNCTIONS[np.matmul](x.trace, x, y),
    "vecdot": lambda x, y: FUNCTIONS[np.vecdot](x.trace, x, y),
    "matvec": lambda x, y: FUNCTIONS[np.matmul](x.trace, x, y[..., None])[..., 0],
    "vecmat": lambda x, y: FUNCTIONS[np.matmul](x.trace, x[..., None, :], y)[..., 0, :],
    # of scipy.special
    "round": lambda x: operation("rint")(x) + 0.0,  # where rint gives -0.0, this gives 0.0
    "exp10": lambda x: 10.0**x,
    "ndtr": lambda x: 0.5 * erfc(x * -math.sqrt(0.5)),
    "log_ndtr": log_ndtr,
    "ndtri": lambda p: -math.sqrt(2) * operation("erfcinv")(2 * p),
    "loggamma": loggamma,
    "erfcx": erfcx,
    "dawsn": lambda x: (0.5 * math.sqrt(math.pi)) * faddeeva_imag(x, 0.0),
    "erfi": lambda x: exp(x**2) * faddeeva_imag(x, 0.0),
    "voigt_profile": voigt_profile,
    "wofz": wofz,
    "boxcox": lambda x, power: log(x) * operation("exprel")(power * log(x)),
    "inv_boxcox": lambda y, power: exp(
        where(power == 0, y, operation("log1p")(power * y) / where(power == 0, 1.0, power))
    ),
    "entr": lambda x: where(x < 0, -math.inf, -xlogy(x, x)),
    "rel_entr": rel_entr,
    "kl_div": kl_div,
    "huber": huber,
    "pseudo_huber": pseudo_huber,
    **BESSEL,
    **DISTRIBUTIONS,
    "cosm1": lambda x: -2.0 * operation("sin")(0.5 * x) ** 2,
    "boxcox1p": lambda x, power: log1p(x) * operation("exprel")(power * log1p(x)),
    "inv_boxcox1p": lambda y, power: operation("expm1")(
        where(power == 0, y, log1p(power * y) / where(power == 0, 1.0, power))
    ),
    "sici": sici,
    "expn": of_order("expn", "expn"),
    "rgamma": lambda x: where((x <= 0) & equal(x, operation("rint")(x)), 0.0, gamma(x) ** -1.0),
    "_riemann_zeta": lambda s: operation("zeta")(s, 1.0),
    "_zeta": lambda s, q: operation("zeta")(s, q),
    "eval_legendre": eval_legendre,
}


# ---- methods of ufuncs ---------------------------------------------------------------------------


def _as_function(function: Any) -> Callable[..., Any]:
    return lambda trace, x, axis=0, **kwargs: FUNCTIONS[function](trace, x, axis, **kwargs)


def axis_of_running(x: Tracer, axis: Any) -> int:
    """Return the axis of an accumulation, which NumPy also takes as None or as a tuple."""
    if not x.ndim:
        raise TypeError("cannot accumulate on a scalar")
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if len(axes) != 1:
        raise ValueError("accumulate does not allow multiple axes")
    return axes[0]


def _accumulated(function: Any) -> Callable[..., Any]:
    def accumulate(trace: Trace, x: Any, axis: Any = 0) -> Tracer:
        x = trace.wrap(x)
        result: Tracer = FUNCTIONS[function](trace, x, axis_of_running(x, axis))
        return result

    return accumulate


def log_sum_exp(trace: Trace, x: Any, axis: Any = 0, keepdims: bool = False) -> Tracer:
    """Return log(sum(exp(x))) without overflow."""
    x = trace.wrap(x)
    if not x.size:  # log(0)
        return FUNCTIONS[np.sum](trace, x, axis, keepdims=keepdims) - math.inf  # type: ignore[no-any-return]
    top = FUNCTIONS[np.max](trace, x, axis, keepdims=True)
    top = where(operation("isfinite")(top), top, 0.0)
    total = log(FUNCTIONS[np.sum](trace, exp(x - top), axis, keepdims=True)) + top
    return (
        total
        if keepdims
        else FUNCTIONS[np.squeeze](trace, total, tuple(range(x.ndim)) if axis is None else axis)
    )


def outer(trace: Trace, ufunc: Any, a: Any, b: Any) -> Any:
    """Apply the ufunc to every pair of elements."""
    a, b = trace.wrap(a), trace.wrap(b)
    return ufunc(a.reshape(a.shape + (1,) * b.ndim), b)


METHODS: dict[tuple[str, str], Callable[..., Any]] = {
    ("add", "reduce"): _as_function(np.sum),
    ("multiply", "reduce"): _as_function(np.prod),
    ("maximum", "reduce"): _as_function(np.max),
    ("minimum", "reduce"): _as_function(np.min),
    ("logical_and", "reduce"): _as_function(np.all),
    ("logical_or", "reduce"): _as_function(np.any),
    ("logaddexp", "reduce"): log_sum_exp,
    ("add", "accumulate"): _accumulated(np.cumsum),
    ("multiply", "accumulate"): _accumulated(np.cumprod),
    ("", "outer"): outer,
}


# ---- methods named after ufuncs, which NumPy calls on the elements of object arrays --------------


def _method(ufunc: Any, name: str) -> Callable[..., Any]:
    def method(self: Tracer, *others: Any) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", self, *others)

    method.__name__ = name
    method.__doc__ = f"Do the same as `numpy.{name}`."
    return method


for _name in (*OPCODE, *COMPOSED):
    _ufunc = getattr(np, _name, None)
    if isinstance(_ufunc, np.ufunc) and not hasattr(Tracer, _name):
        setattr(Tracer, _name, _method(_ufunc, _name))
Tracer.conj = Tracer.conjugate  # type: ignore[attr-defined]
