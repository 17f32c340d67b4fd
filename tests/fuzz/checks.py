# SPDX-License-Identifier: BSD-3-Clause
"""What must hold of a random program: values, derivatives, and the same bits in every layout."""

import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from complex_steps import along, directions

import thalweg as tw

from .programs import NOTES, Program

VALUE = 1e-10  # of the value, or of 1: lines are of the order of one
FIRST = 1e-8  # of the terms of a slope
SECOND = 1e-5  # of the terms of a product with the Hessian; differences of gradients
ROUNDINGS = 1e4  # how far rounding may move us, in what it moves NumPy between two precisions
JITTERS = 100.0  # in what it moves NumPy where each line is off by one unit in the last place
STRANGERS = (np.nan, np.inf, 1e300, -1e300, 0.0, 5e-324)
LANES = (2, 3, 5, 8, 9, 17, 64, 65)


Function = Callable[[Any], Any]


class DoubtfulError(Exception):
    """NumPy itself gives no answer that could be compared."""


def faults(program: Program, seed: int) -> Iterator[str]:
    """Each thing that is wrong with the objective of a program; the first line names the fault."""
    rng = np.random.default_rng([7, seed])
    f, x = program.function, program.point
    try:
        with np.errstate(all="ignore"):  # of what the function computes of constants
            F = tw.objective(f, x)
    except tw.TraceError as e:
        NOTES["refused: " + re.sub(r" in f .*?:", ":", _first(e), count=1)] += 1
        return
    except Exception as e:
        yield f"tracing raises {type(e).__name__}: {_first(e)}"
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for check in CHECKS:
            if x.size == 0 and check in NEEDS_NUMBERS:
                continue
            try:
                yield from check(F, program, rng)
            except DoubtfulError as e:
                NOTES[f"{check.__name__} without an oracle: {_first(e)}"] += 1
            except Exception as e:
                yield f"{check.__name__} raises {type(e).__name__}: {_first(e)}"


def _first(e: Exception) -> str:
    return f"{e}".partition("\n")[0][:120]


# ---- numbers -------------------------------------------------------------------------------------


def numpys(program: Program) -> Function:
    """NumPy's function; where it raises an error at another point, there is nothing to compare."""
    function = program.function

    def f(x: Any) -> Any:
        try:
            return function(x)
        except Exception as e:
            raise DoubtfulError(_first(e)) from e

    return f


def persists(wrong: Callable[[Any], str | None], x: Any, rng: np.random.Generator) -> str | None:
    """What is wrong at x, unless it is gone at points near by: then a branch lay at x itself.

    Zeros and ones stay as they are, so that faults at corners are found.
    """
    said = wrong(x)
    if said is None:
        return None
    for size in (1e-3, 3e-2):
        corner = (x == 0) | (x == 1) | (x == -1)
        near = np.where(corner, x, x + size * rng.standard_normal(np.shape(x)))
        try:
            if wrong(near) is None:
                return None
        except DoubtfulError:
            return None
    return said


def value_is_numpys(F: Any, program: Program, rng: np.random.Generator) -> Iterator[str]:
    f = numpys(program)

    def wrong(x: Any) -> str | None:
        exact = float(f(x))
        if not np.isfinite(exact):
            raise DoubtfulError("NumPy's value is not finite")
        least = VALUE * max(1.0, abs(exact)) + _rounding(program, x, exact)
        for name, ours in (("F(x)", F(x)), ("value_and_grad", F.value_and_grad(x)[0])):
            if not abs(ours - exact) <= least:
                return f"value is not NumPy's\n{name} = {ours!r}, NumPy {exact!r}"
        return None

    if said := persists(wrong, program.point, rng):
        # The sign of a sum of zeros is another one in each version of NumPy.
        moved = np.where(program.point == 0, 1e-12, program.point)
        if SIGNED.search(program.source) and wrong(moved) is None:
            raise DoubtfulError("the sign of a zero")
        if rounding_decides(program, float(F(program.point))):
            raise DoubtfulError("rounding decides")
        yield said


SIGNED = re.compile("copysign|signbit|arctan2")


def rounding_decides(program: Program, ours: float) -> bool:
    """Whether NumPy's own value moves about as far where lines are rounded in another way.

    So it does where a function jumps, or has a pole: `np.heaviside(np.sinc(1), 0.3)`, where
    `np.sinc(1)` is 4e-17 in NumPy.
    """
    x = program.point
    exact = float(program.function(x))
    moved = [abs(float(program.jittered(seed, least=1.0)(x)) - exact) for seed in range(8)]
    return any(m >= 0.1 * abs(ours - exact) for m in moved)


def _rounding(program: Program, x: Any, exact: float) -> float:
    """How far rounding may move the value: by NumPy in extended precision, where it has that.

    Otherwise by programs that round each line in another way.
    """
    f = program.function
    try:
        finer = f(np.asarray(x, np.longdouble)[()] if np.ndim(x) else np.longdouble(x))
    except Exception:  # a function that has no such precision
        try:
            moved = [abs(float(program.jittered(seed)(x)) - exact) for seed in range(3)]
        except Exception as e:
            raise DoubtfulError(_first(e)) from e
        return JITTERS * float(np.median([m for m in moved if np.isfinite(m)] or [0.0]))
    return ROUNDINGS * abs(float(np.asarray(finer)) - exact)


def slopes_are_complex_steps(F: Any, program: Program, rng: np.random.Generator) -> Iterator[str]:
    f, oracle = numpys(program), program.oracle
    along_these = directions(np.shape(program.point), rng) if program.point.size else []

    def wrong(x: Any) -> str | None:
        slope = np.asarray(F.grad(x))
        if np.isinf(slope).any():
            raise DoubtfulError("a slope is infinite")
        for v in along_these:
            exact, rough = _slope(f, oracle, x, v)
            terms = float(np.sum(np.abs(slope * v)))
            least = FIRST * max(terms, abs(exact), 1e-3) + ROUNDINGS * abs(exact - rough)
            jvp = F.jvp(x, v)
            for name, ours in (("gradient", np.sum(slope * v)), ("jvp", jvp)):
                if not abs(ours - exact) <= (1e-3 if np.isnan(least) else least):
                    if np.isnan(ours) and INFINITE.search(program.source):
                        raise DoubtfulError("NaN, perhaps of an infinite slope times 0")
                    if not smooth(f, x, v, exact, 0.1 * abs(ours - exact) + 10 * least):
                        raise DoubtfulError("left and right slopes differ")
                    if abs(exact - rough) > 1e-3 * abs(exact):  # near a pole, such as of psi
                        raise DoubtfulError("the complex step itself is rough")
                    return (
                        f"{name} is not the complex step's\n{name} @ v = {ours!r}, exact {exact!r},"
                        f" allowed {least:.1e}"
                    )
        return None

    if said := persists(wrong, program.point, rng):
        yield said


# Slopes that are infinite somewhere: their product with 0 is NaN.
INFINITE = re.compile(
    "sqrt|cbrt|log|arc|power|[*][*] 0|norm|std|entr|kl_div|psi|gamma|logit|divide"
)


def smooth(f: Function, x: Any, v: Any, slope: float, least: float) -> bool:
    """Whether the slope is that to the left and to the right, where f has values."""
    h, here = 1e-6, float(f(x))
    sides = (float(f(x + h * v)) - here) / h, (here - float(f(x - h * v))) / h
    return all(abs(side - slope) <= least for side in sides)


def _slope(f: Function, oracle: Function, x: Any, v: Any) -> tuple[float, float]:
    """The derivative along v, and by a way that rounds more; differences where steps fail."""
    try:
        exact = float(np.asarray(along(oracle, x, v)))
        rough = float(np.asarray(along(oracle, x, v, precision=np.float64)))
    except Exception:
        h = 1e-3
        try:
            f(x + h * v)
        except Exception as e:  # what was a label, say, is none any more
            raise DoubtfulError(_first(e)) from e
        d = [float(f(x + k * h * v) - f(x - k * h * v)) for k in (1, 2, 3)]
        exact = (45 * d[0] - 9 * d[1] + d[2]) / (60 * h)
        near = (8 * d[0] - d[1]) / (12 * h)
        rough = exact + 1e-2 * (near - exact) + 1e-12
        NOTES["slopes by differences"] += 1
    if not np.isfinite(exact):
        raise DoubtfulError("the slope is not finite")
    return exact, rough if np.isfinite(rough) else exact


def hvp_is_a_difference_of_gradients(
    F: Any, program: Program, rng: np.random.Generator
) -> Iterator[str]:
    if program.point.size > 3000:
        return
    v = rng.standard_normal(np.shape(program.point))

    def wrong(x: Any) -> str | None:
        product = np.asarray(F.hvp(x, v))
        if np.isinf(F.grad(x)).any():
            raise DoubtfulError("a slope is infinite")
        estimates = []
        for h in (1e-4, 1e-5):
            points = np.stack([np.asarray(x + k * h * v) for k in (-2, -1, 1, 2)])
            g = np.asarray(F.value_and_grad(points)[1])
            estimates.append((g[0] - 8 * g[1] + 8 * g[2] - g[3]) / (12 * h))
        exact, other = estimates
        size = float(np.max(np.abs(g)))
        if not (np.isfinite(exact).all() and np.isfinite(other).all()):
            raise DoubtfulError("gradients near by are not finite")
        least = SECOND * max(float(np.abs(exact).max()), 1e-3 * size, 1e-3)
        off = np.abs(product - exact)
        if np.abs(exact - other).max() <= least and not (off <= 3 * least).all():
            here = np.asarray(F.grad(x))
            sides = (g[2] - here) / h, (here - g[1]) / h
            near = 0.1 * off + 10 * least
            slope = float(np.sum(here * v))
            if not smooth(numpys(program), x, v, slope, 1e-2 * max(1.0, abs(slope))):
                raise DoubtfulError("the value jumps, or has a kink")
            if not all((np.abs(side - exact) <= near).all() for side in sides):
                raise DoubtfulError("gradients left and right differ")
            at = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
            return (
                "hvp is not a difference of gradients\n"
                f"at {at}: {product[at]!r}, differences {exact[at]!r}, allowed {least:.1e}"
            )
        return None

    if said := persists(wrong, program.point, rng):
        yield said


def products_with_the_jacobian(F: Any, program: Program, rng: np.random.Generator) -> Iterator[str]:
    """The last line alone, an array, by vjp and jvp: u' (J v) both ways, and its values."""
    if rng.random() < 0.7 or not program.lines:
        return
    f, x = program.vector_function, program.point
    exact = np.asarray(f(x))
    G = tw.objective(f, x)
    ours = np.asarray(G(x))
    if ours.shape != exact.shape:
        yield f"shape of a value is not NumPy's\n{ours.shape}, NumPy {exact.shape}"
        return
    if exact.size == 0:
        return
    v, u = rng.standard_normal(np.shape(x)), rng.standard_normal(exact.shape)
    forward = np.asarray(G.jvp(x, v))
    back = np.asarray(G.vjp(x, u))
    if not (np.isfinite(forward).all() and np.isfinite(back).all()):
        raise DoubtfulError("a slope of the last line is not finite")
    a, b = float(np.sum(u * forward)), float(np.sum(back * v))
    least = 1e-7 * (float(np.sum(np.abs(u * forward))) + float(np.sum(np.abs(back * v))) + 1e-3)
    if not abs(a - b) <= least:
        yield f"forward and reverse disagree\nu' (J v) = {a!r}, (u' J) v = {b!r}"


# ---- the same bits -------------------------------------------------------------------------------


def same_bits(a: Any, b: Any) -> bool:
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    nan = np.isnan(a) & np.isnan(b) if a.shape == b.shape else False
    return bool(a.shape == b.shape and np.all((a.view(np.int64) == b.view(np.int64)) | nan))


def lanes_have_the_bits_of_one(F: Any, program: Program, rng: np.random.Generator) -> Iterator[str]:
    x = program.point
    k = int(rng.choice([n for n in LANES if n * max(x.size, 1) <= 60_000] or [2]))
    many = np.stack([x + 0.1 * i * rng.standard_normal(x.shape) for i in range(k)])
    strange = rng.random(k) < 0.2
    many[strange] = rng.choice(STRANGERS)
    order = rng.permutation(k)
    values, slopes = F.value_and_grad(many)
    mixed_values, mixed_slopes = F.value_and_grad(many[order])
    if not (same_bits(mixed_values, values[order]) and same_bits(mixed_slopes, slopes[order])):
        yield f"another order of lanes gives other bits\n{k} lanes"
    plain = F(many)
    for i in rng.choice(k, min(k, 4), replace=False):
        value, slope = F.value_and_grad(many[i])
        if not (same_bits(value, values[i]) and same_bits(slope, slopes[i])):
            yield f"a lane among others has other bits than alone\nlane {i} of {k}"
            return
        if not same_bits(F(many[i]), plain[i]):
            yield f"a lane's value among others has other bits than alone\nlane {i} of {k}"
            return
    if x.size and x.size <= 300 and rng.random() < 0.3:
        v = rng.standard_normal(x.shape)
        products = F.hvp(many, np.stack([v] * k))
        i = int(rng.integers(k))
        if not same_bits(F.hvp(many[i], v), products[i]):
            yield f"a lane's hvp among others has other bits than alone\nlane {i} of {k}"


def threads_and_pickles_have_the_same_bits(
    F: Any, program: Program, rng: np.random.Generator
) -> Iterator[str]:
    x = program.point
    value, slope = F.value_and_grad(x)
    if rng.random() < 0.3:
        again = pickle.loads(pickle.dumps(F)).value_and_grad(x)
        if not (same_bits(again[0], value) and same_bits(again[1], slope)):
            yield f"a pickled objective has other bits\n{again[0]!r}, before {value!r}"
    if rng.random() < 0.3:
        shared = tw.objective(program.function, x, threads=2).value_and_grad(x)
        if not (same_bits(shared[0], value) and same_bits(shared[1], slope)):
            yield f"two threads have other bits than one\n{shared[0]!r}, one {value!r}"


# ---- descents ------------------------------------------------------------------------------------

METHODS = ("lbfgs", "newton", "bfgs", "cg", "newton_cg", "steepest", "compass", "gradient_descent",
           "adam", "momentum", "nesterov", "rprop", "lion")  # fmt: skip


def a_descent_tells_the_truth(F: Any, program: Program, rng: np.random.Generator) -> Iterator[str]:
    if rng.random() < 0.8:
        return
    x, method = program.point, str(rng.choice(METHODS))
    if x.size > 1100 or (x.size > 70 and method in ("newton", "bfgs", "compass")):
        return
    how = {} if hasattr(tw.methods, "x") or method in METHODS[:7] else {"learning_rate": 1e-2}
    r = tw.minimize(F, x, method, max_iter=4, **how)
    start = F(x)
    fun, slope = F.value_and_grad(r.x)
    if np.isfinite(fun) and not abs(r.fun - fun) <= 1e-9 * max(1.0, abs(fun)):
        yield f"a descent's value is not that at its x\n{method}: {r.fun!r}, {fun!r}"
    if np.isfinite(start) and not r.fun <= start + 1e-12 * max(1.0, abs(start)):
        yield f"a descent ends above its start\n{method}: {r.fun!r} from {start!r}"
    if method != "compass" and np.isfinite(slope).all():
        off = np.abs(np.asarray(r.jac) - slope)
        if not (off <= 1e-6 * max(1.0, float(np.abs(slope).max()))).all():
            yield f"a descent's gradient is not that at its x\n{method}: off by {off.max()!r}"
    if r.success and not (np.isfinite(r.fun) and np.isfinite(np.asarray(r.x)).all()):
        yield f"success that is not finite\n{method}: {r.message}"
    two = tw.minimize_many(F, np.stack([x, x]), method, max_iter=4, **how)
    for name in ("x", "fun", "nit", "reason"):
        one, among = np.asarray(r[name], float), np.asarray(two[name], float)
        if not (same_bits(among[0], among[1]) and same_bits(one, among[0])):
            yield f"a descent among others has another {name} than alone\n{method}"
            return


CHECKS: list[Callable[[Any, Program, np.random.Generator], Iterator[str]]] = [
    value_is_numpys,
    slopes_are_complex_steps,
    hvp_is_a_difference_of_gradients,
    products_with_the_jacobian,
    lanes_have_the_bits_of_one,
    threads_and_pickles_have_the_same_bits,
    a_descent_tells_the_truth,
]
NEEDS_NUMBERS = (
    slopes_are_complex_steps,
    hvp_is_a_difference_of_gradients,
    a_descent_tells_the_truth,
)
