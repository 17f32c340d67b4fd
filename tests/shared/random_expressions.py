# SPDX-License-Identifier: BSD-3-Clause
"""Random objectives as NumPy source; their oracle is `precise.oracle`, with numbers of 150 digits.

`make(count, seed)` deals every operation of the core's list and every function of NumPy and SciPy
that can be traced over `count` functions, so that each is used about `EACH` times. While a function
is written it is also evaluated, so arguments are shifted and scaled into an operation's domain with
constants that stand in the source.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from operation_values import OPERATIONS, PARTS, reference_of
from precise import NAMES, FloatArray, Precise, objects
from special_values import CASES
from uses import count_uses

from thalweg._formulas.expressions import operation

N = 6  # variables of each function
EACH = 23  # uses of each feature dealt over the set; at least 20 must be counted


@dataclass
class Expression:
    """A function of N variables in an array of shape (N,), as source."""

    lines: list[str]
    point: FloatArray
    function: Callable[[Any], Any] = field(init=False)

    def __post_init__(self) -> None:
        scope = dict(NAMES)
        exec(self.source, scope)
        self.function = scope["f"]

    @property
    def source(self) -> str:
        return "\n    ".join(["def f(x):", *self.lines]) + "\n"

    def value(self) -> float:
        """The function's value at its point; what a dead branch holds gives no warning."""
        with np.errstate(all="ignore"):
            return float(self.function(self.point))

    def uses(self) -> Counter[str]:
        return count_uses(self.source)


# ---- the writer ----------------------------------------------------------------------------------

Emit = Callable[["Writer"], str]


class Writer:
    """Writes one function, line by line, evaluating as it goes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        # All digits: with three, and constants of three, an argument falls on a kink now and then.
        self.point = rng.uniform(-1.5, 1.5, N)
        self.lines: list[str] = []
        self.values: dict[str, FloatArray] = {"x": self.point}
        self.unused: list[str] = []
        self.scope = dict(NAMES) | {"x": self.point}

    def number(self, low: float, high: float) -> float:
        return round(float(self.rng.uniform(low, high)), 3)

    def pick(
        self, want: Callable[[FloatArray], bool] = lambda _: True, avoid: Iterable[str] = ()
    ) -> str:
        """A name whose value is wanted; the variables themselves if none."""
        names = [n for n in self.values if n not in avoid and want(self.values[n])]
        # What was made last and what no one took yet come first, so that expressions grow deep.
        recent = [n for n in names if n in self.unused]
        pool = recent if recent and self.rng.random() < 0.7 else names
        name = str(self.rng.choice(pool)) if pool else "x"
        if name in self.unused:
            self.unused.remove(name)
        return name

    def vector(self) -> str:
        """A vector of two or more elements."""
        return self.pick(lambda v: v.ndim == 1 and v.size >= 2)

    def matrix(self) -> str:
        name = self.pick(lambda v: v.ndim == 2)
        if self.values[name].ndim == 2:
            return name
        shape = [(2, 3), (3, 2)][self.rng.integers(2)]
        return self.line(f"np.reshape({self.pick(lambda v: v.shape == (N,))}, {shape})")

    def fit(self, name: str, low: float, high: float) -> str:
        """Source that shifts and scales a name's values into an interval."""
        value = self.values[name]
        bottom, top = float(value.min()), float(value.max())
        a, b = sorted(self.rng.uniform(low, high, 2))
        if b - a < 0.2 * (high - low):
            a, b = low, high
        scale = round(min((b - a) / max(top - bottom, 1e-9), 1.5), 3) or 0.5
        shift = round((a + b) / 2 - scale * (top + bottom) / 2, 3)
        return f"({shift} + {scale} * {name})"

    def some(self, low: float, high: float, avoid: Iterable[str] = ()) -> str:
        return self.fit(self.pick(avoid=avoid), low, high)

    def pair(self, low: float, high: float, low2: float, high2: float) -> tuple[str, str]:
        """Two different arguments that broadcast against one another."""
        first = self.pick()
        shape = self.values[first].shape

        def fits(v: FloatArray) -> bool:
            try:
                return len(np.broadcast_shapes(shape, v.shape)) <= 2
            except ValueError:
                return False

        second = self.pick(fits, avoid=[first])
        if second == first or not fits(self.values[second]):
            second = (
                self.line(f"np.flip({first})")
                if self.values[first].size > 1
                else self.line("x[-1]")
            )
            self.unused.remove(second)
        return self.fit(first, low, high), self.fit(second, low2, high2)

    def line(self, source: str) -> str:
        with np.errstate(all="ignore"):
            value = np.asarray(eval(source, self.scope))  # our own text, a line above
        if not np.isfinite(value).all():
            raise ValueError(f"{source} is not finite")
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {source}")
        self.values[name] = value
        self.scope[name] = value
        self.unused.append(name)
        return name

    def finish(self) -> Expression:
        parts = []
        for name in self.unused or ["x"]:
            size = float(np.abs(self.values[name]).max()) if self.values[name].size else 1.0
            weight = float(f"{self.rng.uniform(0.5, 2) / max(size, 0.1):.3g}")
            parts.append(
                f"{weight} * {name}"
                if self.values[name].ndim == 0
                else f"{weight} * np.sum({name})"
            )
        return Expression([*self.lines, "return " + " + ".join(parts)], self.point)


def _unary(text: str, low: float, high: float) -> Emit:
    return lambda w: f"{text}({w.some(low, high)})"


def _binary(text: str, *limits: float) -> Emit:
    def emit(w: Writer) -> str:
        a, b = w.pair(*limits)
        return text.format(a, b)

    return emit


def _truth(text: str) -> Emit:
    """A condition that chooses between two values."""

    def emit(w: Writer) -> str:
        a, b = w.pair(-1, 1, -1, 1)
        return f"np.where({text.format(a, b)}, np.square({a}), {w.number(0.3, 2)} * {b})"

    return emit


def _of(kind: str, *texts: str) -> Emit:
    """A function of one vector or matrix: {0} as it is, {1} shifted and scaled."""

    def emit(w: Writer) -> str:
        name = getattr(w, kind)()
        return str(w.rng.choice(texts)).format(name, w.fit(name, -1.5, 1.5))

    return emit


def _of_two(kind: str, *texts: str) -> Emit:
    def emit(w: Writer) -> str:
        name = getattr(w, kind)()
        value = w.values[name]
        other = w.pick(lambda v: v.shape == value.shape, avoid=[name])
        if other == name or w.values[other].shape != value.shape:
            other = w.line(f"np.sin(np.flip({name}))")
            w.unused.remove(other)
        return str(w.rng.choice(texts)).format(w.fit(name, -1.5, 1.5), w.fit(other, -1.5, 1.5))

    return emit


def _index(kind: str) -> Emit:
    def emit(w: Writer) -> str:
        name = w.vector()
        n = w.values[name].shape[0]
        if kind == "slice":
            return f"{name}[{w.rng.choice(['1:', ':-1', '::2', '::-1', '1::2'])}]"
        if kind == "integer":
            return f"{name}[{w.rng.integers(-n, n)}]"
        if kind == "integers":
            return f"{name}[np.array({w.rng.integers(-n, n, w.rng.integers(2, 7)).tolist()})]"
        mask = w.rng.random(n) < 0.6
        mask[0] = True
        return f"{name}[np.array({mask.tolist()})]"

    return emit


def _by_name(name: str) -> Callable[..., Any]:
    """An operation for arrays, traced values and `Precise`, found by its name."""

    def apply(*arguments: Any) -> Any:
        if any(isinstance(a, Precise) for a in arguments):
            f = np.frompyfunc(reference_of(name), len(arguments), 1)
            return Precise(f(*map(objects, arguments)))
        return operation(name)(*arguments)

    return apply


def _new_operation(name: str) -> Emit:
    def emit(w: Writer) -> str:
        domains = OPERATIONS[name]["domain"]
        names = [w.pick(lambda v: v.shape == (N,)) for _ in domains]
        limits = [(max(low, -1.5), min(high, 1.5)) for low, high, *_ in domains]
        inner = [(a + 0.1 * (b - a), b - 0.1 * (b - a)) for a, b in limits]
        return f"{name}({', '.join(w.fit(n, *i) for n, i in zip(names, inner, strict=True))})"

    return emit


def _interp(w: Writer) -> str:
    table = [w.number(-1, 1) for _ in range(5)]
    return f"np.interp({w.some(-1.8, 1.8)}, [-2.0, -0.71, 0.13, 0.9, 2.0], {table})"


def _polyval(w: Writer) -> str:
    return f"np.polyval({[w.number(-1, 1) for _ in range(4)]}, {w.some(-1.2, 1.2)})"


OPERATION_FEATURES: dict[str, Emit] = {
    "add": _binary("np.add({}, {})", -2, 2, -2, 2),
    "subtract": _binary("np.subtract({}, {})", -2, 2, -2, 2),
    "multiply": _binary("np.multiply({}, {})", -1.5, 1.5, -1.5, 1.5),
    "divide": _binary("np.divide({}, {})", -2, 2, 0.6, 2),
    "negative": _unary("np.negative", -2, 2),
    "square": _unary("np.square", -1.5, 1.5),
    "reciprocal": _unary("np.reciprocal", 0.5, 2),
    "sqrt": _unary("np.sqrt", 0.3, 3),
    "cbrt": _unary("np.cbrt", 0.3, 3),
    "power": _binary("np.power({}, {})", 0.4, 2, -2, 2),
    "absolute": _unary("np.absolute", -1, 1.3),
    "sign": _binary("np.sign({}) * {}", -1, 1, -1, 1),
    "maximum": _binary("np.maximum({}, {})", -1, 1, -1, 1),
    "minimum": _binary("np.minimum({}, {})", -1, 1, -1, 1),
    "fmax": _binary("np.fmax({}, {})", -1, 1, -1, 1),
    "fmin": _binary("np.fmin({}, {})", -1, 1, -1, 1),
    "copysign": _binary("np.copysign({}, {})", 0.2, 2, -1, 1),
    "remainder": _binary("np.remainder({}, {})", -3, 3, 0.7, 1.5),
    "fmod": _binary("np.fmod({}, {})", -3, 3, 0.7, 1.5),
    "floor_divide": _binary("np.floor_divide({0}, {1}) * np.sin({1})", -3, 3, 0.7, 1.5),
    "floor": _binary("np.floor({}) * {}", -2, 2, -1, 1),
    "ceil": _binary("np.ceil({}) * {}", -2, 2, -1, 1),
    "rint": _binary("np.rint({}) * {}", -2, 2, -1, 1),
    "trunc": _binary("np.trunc({}) * {}", -2, 2, -1, 1),
    "exp": _unary("np.exp", -2, 1),
    "exp2": _unary("np.exp2", -2, 1),
    "expm1": _unary("np.expm1", -2, 1),
    "log": _unary("np.log", 0.3, 3),
    "log2": _unary("np.log2", 0.3, 3),
    "log10": _unary("np.log10", 0.3, 3),
    "log1p": _unary("np.log1p", -0.6, 2),
    "expit": _unary("special.expit", -3, 3),
    "log_expit": _unary("special.log_expit", -3, 3),
    "logit": _unary("special.logit", 0.15, 0.85),
    "logaddexp": _binary("np.logaddexp({}, {})", -2, 2, -2, 2),
    "logaddexp2": _binary("np.logaddexp2({}, {})", -2, 2, -2, 2),
    "xlogy": _binary("special.xlogy({}, {})", -2, 2, 0.4, 2),
    "xlog1py": _binary("special.xlog1py({}, {})", -2, 2, -0.5, 2),
    "sin": _unary("np.sin", -3, 3),
    "cos": _unary("np.cos", -3, 3),
    "tan": _unary("np.tan", -1, 1),
    "arcsin": _unary("np.arcsin", -0.7, 0.7),
    "arccos": _unary("np.arccos", -0.7, 0.7),
    "arctan": _unary("np.arctan", -2, 2),
    "arctan2": _binary("np.arctan2({}, {})", -1, 1, 0.4, 2),
    "hypot": _binary("np.hypot({}, {})", -1, 1, 0.4, 2),
    "sinh": _unary("np.sinh", -1.5, 1.5),
    "cosh": _unary("np.cosh", -1.5, 1.5),
    "tanh": _unary("np.tanh", -1.5, 1.5),
    "arcsinh": _unary("np.arcsinh", -2, 2),
    "arccosh": _unary("np.arccosh", 1.4, 3),
    "arctanh": _unary("np.arctanh", -0.7, 0.7),
    "erf": _unary("special.erf", -1.5, 1.5),
    "erfc": _unary("special.erfc", -1.5, 1.5),
    "gammaln": _unary("special.gammaln", 0.6, 4),
    "digamma": _unary("special.psi", 0.7, 4),
    "polygamma": lambda w: f"polygamma({w.rng.integers(1, 4)}, {w.some(1, 4)})",
    "gamma": _unary("special.gamma", 0.6, 3),
    "beta": _binary("special.beta({}, {})", 0.6, 3, 0.6, 3),
    "betaln": _binary("special.betaln({}, {})", 0.6, 3, 0.6, 3),
    "gamma_density": lambda w: "gamma_density({}, {})".format(*w.pair(0.6, 3, 0.4, 3)),
    "erfinv": _unary("special.erfinv", -0.8, 0.8),
    "jn": lambda w: f"jn({w.rng.integers(0, 4)}, {w.some(-3, 3)})",
    "iv": lambda w: f"iv({w.rng.integers(0, 3)}, {w.some(-2, 2)})",
    "ive": lambda w: f"ive({w.rng.integers(0, 3)}, {w.some(-2, 2)})",
    "less": _truth("np.less({}, {})"),
    "less_equal": _truth("np.less_equal({}, {})"),
    "greater": _truth("np.greater({}, {})"),
    "greater_equal": _truth("np.greater_equal({}, {})"),
    "equal": _truth("np.equal({}, {})"),
    "not_equal": _truth("np.not_equal({}, {})"),
    "logical_and": _truth("np.logical_and({0} > 0.1, {1} <= 0.3)"),
    "logical_or": _truth("np.logical_or({0} > 0.1, {1} >= 0.3)"),
    "logical_xor": _truth("np.logical_xor({0} < 0.1, {1} < 0.3)"),
    "logical_not": _truth("np.logical_not({0} > {1})"),
    "isnan": _truth("np.isnan({0})"),
    "isfinite": _truth("np.isfinite({0} * {1})"),
    "isinf": _truth("np.isinf({0})"),
    "heaviside": _binary("np.heaviside({}, 0.5) * {}", -1, 1, -1, 1),
    "where": lambda w: "np.where({0} > {2}, np.sin({1}), {0} * {1})".format(
        *w.pair(-1, 1, -1, 1), w.number(-0.3, 0.3)
    ),
}

# An operation that has just entered the core's list is known by its name and domain alone.
# mpmath takes too long for these in so many bits: test_special_functions.py has their slopes.
SLOW = (set(CASES) | PARTS) - {
    "gamma", "beta", "betaln", "gamma_density", "erfinv", "jn", "iv", "ive"
}  # fmt: skip
NEW = [name for name in OPERATIONS if name not in OPERATION_FEATURES and name not in SLOW]
for _name in [*NEW, "gamma_density", "jn", "iv", "ive"]:  # called by the operation's name
    NAMES[_name] = _by_name(_name)
for _name in NEW:
    OPERATION_FEATURES[_name] = _new_operation(_name)

FUNCTION_FEATURES: dict[str, Emit] = {
    "+": _binary("{} + {}", -2, 2, -2, 2),
    "-": _binary("{} - {}", -2, 2, -2, 2),
    "*": _binary("{} * {}", -1.5, 1.5, -1.5, 1.5),
    "/": _binary("{} / {}", -2, 2, 0.6, 2),
    "**": lambda w: f"{w.some(0.4, 1.6)} ** {w.rng.choice([2, 3, 4, -1, -2, 0.5, 1.5, 2.7])}",
    "@": _of_two("vector", "{0} @ {1}"),
    "abs": _unary("abs", -1, 1.3),
    "<": _truth("{} < {}"),
    "<=": _truth("{} <= {}"),
    ">": _truth("{} > {}"),
    ">=": _truth("{} >= {}"),
    "==": _truth("{} == {}"),
    "!=": _truth("{} != {}"),
    "clip": lambda w: f"np.clip({w.some(-2, 2)}, {w.number(-1, -0.5)}, {w.number(0.5, 1)})",
    "sum": _of("matrix", "np.sum({1}, axis=0)", "np.sum({1}, axis=1)", "{0}.sum()"),
    "mean": _of("matrix", "np.mean({1}, axis=0)", "np.mean({1})", "{0}.mean(axis=1)"),
    "prod": _of("matrix", "np.prod({1}, axis=0)", "np.prod({1})", "np.prod({1}, axis=1)"),
    "cumsum": _of("vector", "np.cumsum({1})", "{0}.cumsum()"),
    "cumprod": _of("vector", "np.cumprod({1})"),
    "max": _of("matrix", "np.max({0}, axis=0)", "np.max({1})", "{0}.max(axis=1)"),
    "min": _of("matrix", "np.min({0}, axis=0)", "np.min({1})", "{0}.min(axis=1)"),
    "var": _of("matrix", "np.var({1})", "np.var({1}, axis=0)", "np.var({1}, ddof=1)"),
    "std": _of("vector", "np.std({1})", "np.std({1}, ddof=1)"),
    "trapezoid": _of("vector", "np.trapezoid({1})", "np.trapezoid({1}, dx=0.3)"),
    "dot": _of_two("vector", "np.dot({0}, {1})"),
    "vdot": _of_two("matrix", "np.vdot({0}, {1})"),
    "inner": _of_two("matrix", "np.inner({0}, {1})"),
    "outer": _of_two("vector", "np.outer({0}[:3], {1}[:2])"),
    "cross": lambda w: "np.cross({}[:3], {}[-3:])".format(
        *(w.fit(w.pick(lambda v: v.shape == (N,)), -1, 1) for _ in "ab")
    ),
    "matmul": _of_two("matrix", "np.matmul({0}, np.transpose({1}))", "np.matmul({0}.T, {1})"),
    "einsum": _of_two(
        "matrix",
        "np.einsum('ij,kj->ik', {0}, {1})",
        "np.einsum('ij,ij->j', {0}, {1})",
        "np.einsum('ij,ik->', {0}, {1})",
    ),
    "tensordot": _of_two(
        "matrix", "np.tensordot({0}, {1}, axes=([0], [0]))", "np.tensordot({0}, {1}, axes=2)"
    ),
    "norm": _of(
        "vector", "np.linalg.norm({1})", "np.linalg.norm({1}, ord=1)", "np.linalg.norm({0}, np.inf)"
    ),
    "polyval": _polyval,
    "convolve": _of_two(
        "vector",
        "np.convolve({0}, {1}[:2])",
        "np.convolve({0}, {1}[:2], 'valid')",
        "np.convolve({0}, [0.5, -1.2], 'same')",
    ),
    "interp": _interp,
    "diff": _of("vector", "np.diff({1})"),
    "[slice]": _index("slice"),
    "[integer]": _index("integer"),
    "[integers]": _index("integers"),
    "[mask]": _index("mask"),
    "reshape": _of("vector", "np.reshape({0}, (-1, 1))", "{0}.reshape(1, -1)"),
    "ravel": _of("matrix", "np.ravel({0})", "{0}.ravel()"),
    "T": _of("matrix", "{0}.T"),
    "transpose": _of("matrix", "np.transpose({0})", "{0}.transpose()"),
    "concatenate": _of_two("vector", "np.concatenate([{0}[:3], {1}[1:]])"),
    "stack": _of_two("vector", "np.stack([{0}, {1}])", "np.stack([{0}, {1}], axis=1)"),
    "hstack": _of_two("vector", "np.hstack([{0}[:2], {1}[:3]])"),
    "vstack": _of_two("vector", "np.vstack([{0}, {1}])"),
    "broadcast_to": _of(
        "vector", "np.broadcast_to({0}[:3], (2, 3))[:, :2]", "np.broadcast_to({0}[0], (3,))"
    ),
    "squeeze": _of("vector", "np.squeeze({1}[None, :])"),
    "expand_dims": _of("vector", "np.expand_dims({0}, 1)", "np.expand_dims({0}, 0)"),
    "roll": _of("vector", "np.roll({0}, 1)", "np.roll({0}, -2)"),
    "flip": _of("matrix", "np.flip({0}, 1)", "np.flip({0})"),
    "tile": _of("vector", "np.tile({0}[:3], 2)"),
    "repeat": _of("vector", "np.repeat({0}[:3], 2)"),
    "zeros_like": _of("vector", "np.zeros_like({0}) + np.cos({0})"),
    "ones_like": _of("vector", "np.ones_like({0}) - np.sin({0})"),
}


# Branches that are not taken, with what is infinite or no number there: where takes the other one
# everywhere or in some places, maximum and minimum leave it out, products and sums reach across.
def _dead(*texts: str) -> Emit:
    def emit(w: Writer) -> str:
        a, b = w.pair(-1.4, 1.4, -1.4, 1.4)
        return str(w.rng.choice(texts)).format(a, b, w.number(-0.4, 0.4))

    return emit


BRANCHES: dict[str, Emit] = {
    "a dead branch": _dead(
        "np.where({0} > -9, {1}, np.log({0} - 20))",
        "np.where({0} > -9, {0} * {1}, {1} * np.inf)",
        "np.where({0} > 9, np.sqrt({1} - 20) * {0}, np.sin({1}))",
        "np.where({0} > 9, np.exp(900 + 500 * {1}), {0} / (3 + {1}))",
        "np.where({0} < 9, {1} ** 3, np.nan * {0})",
    ),
    "a branch dead in places": _dead(
        "np.where({0} > {2}, np.log({0} + {2} + 2.5), np.where({0} < 9, {1}, np.log({1} - 20)))",
        "np.where({0} > {2}, {0} * {1}, np.where({1} > 9, {0} * np.inf, np.square({1})))",
        "np.where({0} > {2}, np.sqrt(np.where({0} > {2}, {0} - {2}, -3.0) + 1), {1})",
        "np.where({0} > {2}, np.exp({1}), np.cos({0})) * np.where({0} < 9, {1}, {1} * np.inf)",
    ),
    "a dead sum": _dead(
        "np.where(np.sum(np.square({0})) > -1, {1}, np.sum(np.log({0} - 20)) * {1})",
        "np.where(np.sum(np.square({0})) < -1, np.prod({1} * np.inf), np.cumsum({0} * {1}))",
    ),
    "left out": _dead(
        "np.maximum({1}, -np.inf * (3 + {0}))",
        "np.minimum({0} * {1}, np.exp(900 + 500 * (2 + {0})))",
        "np.clip({0} * {1}, -np.inf, np.inf)",
        "np.max(np.stack([{0} + {1}, {0} - np.inf]), axis=0)",
    ),
    "a squared corner": _dead(
        "np.hypot({0}, {1}) ** 2",
        "(np.abs({0}) / (2 + np.square({1}))) ** 2",
        "np.linalg.norm(np.stack([{0} * np.ones_like({1}), {1}]), axis=0) ** 2",
        "np.sqrt(np.square({0}) + 0.5) * np.sqrt(np.square({0}) + 0.5) * {1}",
    ),
}


def make(count: int = 200, seed: int = 20) -> list[Expression]:
    """Functions over which every feature is dealt EACH times or more."""
    features = OPERATION_FEATURES | FUNCTION_FEATURES | BRANCHES
    later = [*NEW, *BRANCHES]
    deck = [name for name in features if name not in later for _ in range(EACH)]
    np.random.default_rng(seed).shuffle(deck)
    hands = [deck[k::count] for k in range(count)]
    for i, name in enumerate(
        later
    ):  # at the end of a few functions, so that the rest stays as it is
        for k in range(EACH):
            hands[(i * EACH + k) % count].append(name)
    made = []
    for k, hand in enumerate(hands):
        writer = Writer(np.random.default_rng([seed, k]))
        for name in hand:
            for _ in range(20):
                try:
                    writer.line(features[name](writer))
                    break
                except ValueError:  # shapes that do not fit, no finite value: other arguments
                    continue
        made.append(writer.finish())
    return made


def finite(e: Expression) -> bool:
    return math.isfinite(e.value())
