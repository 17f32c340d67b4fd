# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of instruction, over sizes around every block boundary, gives NumPy's numbers.

A function is evaluated by NumPy and by its tape: alone (elements across the registers, or row by
row where the first axis is long), among other lanes, and as a part that is the same in every lane.
Most data are small whole numbers, with which every order of summation gives the same bits.
"""

# ruff: noqa: ARG005  (forms of one table are called alike, each with what it may use)

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from special_values import CASES

from thalweg import _core
from thalweg._tracing.trace import Trace, output_node

FloatArray = NDArray[np.float64]
Function = Callable[..., Any]

# Batches (2, 4 and 8 doubles), the 32 partial sums, 64 lanes, runs of 256, tiles of 4096.
SHORT = range(1, 71)
LONG = (255, 256, 257, 4095, 4096, 4097, 8191, 8192, 8193)
CHUNKS = (65535, 65536, 65537)  # of 16 tiles, in loops over rows
SIZES = (*SHORT, *LONG)

RNG = np.random.default_rng(12)
# Whole numbers, and signs: their products are exact too.
WHOLE = RNG.integers(-4, 5, 3 * CHUNKS[-1]).astype(float)
OTHER = RNG.integers(-4, 5, 3 * CHUNKS[-1]).astype(float)
SIGNS = RNG.choice([-1.0, 1.0], 3 * CHUNKS[-1])


def shaped(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return np.resize(values, shape)


class Traced:
    """A function's tape, and the ways in which it is run."""

    def __init__(self, function: Function, *arrays: Any) -> None:
        self.arrays = [np.asarray(a, dtype=np.float64) for a in arrays]
        self.trace = Trace()
        inputs = [self.trace.input(k, a.shape) for k, a in enumerate(self.arrays)]
        self.node = output_node(self.trace, function(*inputs))
        self.shape = self.trace.graph.shape(self.node)

    def _run(
        self, node: int, values: list[FloatArray], varying: list[bool], k: int, threads: int = 1
    ) -> FloatArray:
        made = _core.Function(self.trace.graph, [node], len(varying))
        return made([v.reshape(-1) for v in values], varying, k, threads)[0]

    def alone(self, threads: int = 1) -> FloatArray:
        return self._run(self.node, self.arrays, [True] * len(self.arrays), 1, threads)[0]

    def among(self) -> FloatArray:
        """Of three lanes the middle one."""
        lanes = [np.stack([a[..., ::-1] if a.ndim else a, a, a + 1.0]) for a in self.arrays]
        return self._run(self.node, lanes, [True] * len(lanes), 3)[1]

    def the_same_in_every_lane(self) -> FloatArray:
        """What varies is a number that is added: only the prologue computes."""
        graph, count = self.trace.graph, len(self.arrays)
        add = next(k for k, o in enumerate(_core.operations()) if o["name"] == "add")
        node = graph.elementwise(add, self.node, graph.input(count, ()))
        values = [*self.arrays, np.zeros(2)]
        return self._run(node, values, [False] * count + [True], 2)[1]

    def ways(self) -> Iterator[tuple[str, FloatArray]]:
        yield "alone", self.alone().reshape(self.shape)
        if any(a.size >= CHUNKS[0] for a in self.arrays):
            yield "two threads", self.alone(threads=2).reshape(self.shape)
        yield "among lanes", self.among().reshape(self.shape)
        yield "uniform", self.the_same_in_every_lane().reshape(self.shape)


def check(function: Function, *arrays: Any, rtol: float = 0.0) -> None:
    with np.errstate(all="ignore"):
        wanted = np.asarray(function(*arrays), dtype=np.float64)
    for way, got in Traced(function, *arrays).ways():
        where = f"{way}, arrays of {[np.shape(a) for a in arrays]}"
        assert got.shape == wanted.shape, where
        np.testing.assert_allclose(got, wanted, rtol=rtol, atol=0, err_msg=where)


# ---- elementwise, in every form of a handler -----------------------------------------------------

# Of arrays x and y, a number s that is an input, p of which one element is a number; np.sum(p) is a
# number that an instruction made.
FORMS: dict[str, Function] = {
    "one operand": lambda x, y, s, p: -x,
    "two operands": lambda x, y, s, p: x - y,
    "an input behind": lambda x, y, s, p: x - s,
    "an input before": lambda x, y, s, p: s - x,
    "a constant behind": lambda x, y, s, p: x - 3.0,
    "a constant before": lambda x, y, s, p: 3.0 - x,
    "an element behind": lambda x, y, s, p: x - p[3],
    "an element before": lambda x, y, s, p: p[3] - x,
    "a result behind": lambda x, y, s, p: x - np.sum(p),
    "a result before": lambda x, y, s, p: np.sum(p) - x,
    "three operands": lambda x, y, s, p: np.where(x, y, x - 1.0),
    "a number chooses": lambda x, y, s, p: np.where(s, x, y),
    "a number is chosen": lambda x, y, s, p: np.where(x, s, y),
    "a number is left": lambda x, y, s, p: np.where(x, y, np.sum(p)),
    "two numbers": lambda x, y, s, p: np.where(x, s, p[2]),
    "heavy, one operand": lambda x, y, s, p: np.floor(0.5 * x),
    "heavy, two operands": lambda x, y, s, p: np.remainder(x, np.abs(y) + 1.0),
    "heavy, a number behind": lambda x, y, s, p: np.fmod(x, np.abs(s) + 1.0),
    "heavy, a number before": lambda x, y, s, p: np.copysign(np.sum(p), x),
    "fma": lambda x, y, s, p: x * y + y,
    "fma, numbers": lambda x, y, s, p: x * s + p[1],
    "fma, a result": lambda x, y, s, p: np.max(p) * x + y,
    "fms": lambda x, y, s, p: x * y - x,
    "fms, numbers": lambda x, y, s, p: s * x - p[1],
    "fnma": lambda x, y, s, p: x - y * y,
    "fnma, numbers": lambda x, y, s, p: p[0] - x * s,
    "square": lambda x, y, s, p: x * x,
    "power of a whole number": lambda x, y, s, p: x**5 - (x + 10.0) ** 3,
    "the input itself": lambda x, y, s, p: x,
    "spread along other axes": lambda x, y, s, p: x[..., :1] - y,
    "several results": lambda x, y, s, p: np.stack([x - y, 3.0 * x, y]),
}


@pytest.mark.parametrize("form", FORMS)
def test_elementwise_forms(form: str) -> None:
    p = shaped(OTHER, (6,))
    for n in SIZES:
        shapes = [(n,), (2, n), (n, 2)] if n in (*range(1, 20), *LONG) else [(n,)]
        for shape in shapes:
            check(FORMS[form], shaped(WHOLE, shape), shaped(OTHER, shape), 2.0, p)


@pytest.mark.parametrize("name", [o["name"] for o in _core.operations()])
def test_every_operation(name: str) -> None:
    """Values differ by the size of an array in no bit; of one lane they are measured elsewhere."""
    code, o = next((k, o) for k, o in enumerate(_core.operations()) if o["name"] == name)
    arity = len(o["domain"])
    columns = []
    for k, (lower, upper, _, _) in enumerate(o["domain"]):
        middle = np.clip(RNG.uniform(-3, 3, 257), lower, upper)
        whole = k == 0 and (name == "polygamma" or (name in CASES and CASES[name].whole))
        columns.append(np.rint(middle) if whole else np.where(middle == lower, 0.5, middle))

    def trace(*shapes: tuple[int, ...]) -> Any:
        graph = _core.Graph()
        inputs = [graph.input(k, shape) for k, shape in enumerate(shapes)]
        return _core.Function(graph, [graph.elementwise(code, *inputs)], arity)

    single = trace(*[()] * arity)
    one = np.array([single([c[i] for c in columns], [True] * arity, 1)[0][0, 0] for i in range(70)])
    for n in (*range(1, 34), 63, 64, 65, 70):
        (got,) = trace(*[(n,)] * arity)([c[:n] for c in columns], [True] * arity, 1)
        np.testing.assert_array_equal(got[0], one[:n], err_msg=str(n))
    for n in (1, 2, 7, 64, 65, 70):
        (got,) = single([c[:n, None] for c in columns], [True] * arity, n)
        np.testing.assert_array_equal(got[:, 0], one[:n], err_msg=f"{n} lanes")
    many = trace(*[(257,)] * arity)([np.resize(c[:70], 257) for c in columns], [True] * arity, 1)
    np.testing.assert_array_equal(many[0][0], np.resize(one, 257), err_msg="rows")


def test_sine_and_cosine_together() -> None:
    for n in SIZES:
        for shape in [(n,), (2, n)]:
            check(lambda x: np.stack([np.sin(x), np.cos(x)]), shaped(WHOLE, shape), rtol=1e-14)


# ---- results of one element, used over an array --------------------------------------------------

# Of an array x, a number s that is an input and p, both of numbers and of signs.
NUMBERS: dict[str, Function] = {
    "lookup of an input": lambda x, s, p: np.interp(s, [0.0, 4.0, 8.0], [0.0, 8.0, -4.0]),
    "lookup of an element": lambda x, s, p: np.interp(x[-1], [-4.0, 0.0, 4.0], [8.0, 4.0, -4.0]),
    "lookup of a result": lambda x, s, p: np.interp(np.max(x), [-4.0, 0.0, 4.0], [8.0, 4.0, -4.0]),
    "lookup of one": lambda x, s, p: np.interp(x[-1:], [-4.0, 0.0, 4.0], [8.0, 4.0, -4.0]),
    "sum": lambda x, s, p: np.sum(x),
    "sum of products": lambda x, s, p: np.sum(x * x),
    "max": lambda x, s, p: np.max(x),
    "min": lambda x, s, p: np.min(x),
    "prod": lambda x, s, p: np.prod(np.sign(x) + (x == 0)),
    "sum, kept": lambda x, s, p: np.sum(x, keepdims=True),
    "dot": lambda x, s, p: x @ x,
    "product of one by one": lambda x, s, p: (x[None, :] @ x[:, None])[0],
    "scan of one": lambda x, s, p: np.cumsum(np.sum(x, keepdims=True)),
    "scan of one product": lambda x, s, p: np.cumprod(np.max(x, keepdims=True)),
    "gathered": lambda x, s, p: x[[-1]],
    "sliced": lambda x, s, p: x[-1:],
    "chosen": lambda x, s, p: np.where(s, x[0], x[-1]),
    "chained": lambda x, s, p: (s - x[0]) * 2.0 + x[-1],
    "heavy": lambda x, s, p: np.floor(s + 0.5 * x[0]),
    "assembled": lambda x, s, p: np.concatenate([x, x])[-1],
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_result_of_one_element_is_the_same_for_all(kind: str) -> None:
    def function(x: Any, s: Any, p: Any) -> Any:
        return p * NUMBERS[kind](x, s, p)

    def summed(x: Any, s: Any, p: Any) -> Any:
        return np.sum(p * NUMBERS[kind](x, s, p))

    for n in SIZES:
        for m in {1, 5, n}:
            check(function, shaped(WHOLE, (m,)), 3.0, shaped(OTHER, (n,)))
            check(summed, shaped(WHOLE, (m,)), 3.0, shaped(OTHER, (n,)))


def test_sine_and_cosine_of_one_angle_are_the_same_for_all() -> None:
    for n in SIZES:
        p = np.abs(shaped(OTHER, (n,))) + 1.0
        check(lambda s, p: p * np.sin(s) + np.sum(p * np.cos(s)), 1.0, p, rtol=1e-14)
        check(lambda p: np.sin(p[-1] / 4) / p + np.sum(p * np.cos(p[-1] / 4)), p, rtol=1e-14)


# ---- reductions, scans, moves --------------------------------------------------------------------


def around(n: int) -> list[tuple[tuple[int, ...], int]]:
    """Shapes that are long along one axis, and that axis."""
    shapes: list[tuple[tuple[int, ...], int]] = [((n,), 0), ((2, n), 1), ((n, 2), 0)]
    if n in (*range(1, 20), *LONG):
        shapes += [((2, n, 3), 1), ((3, n), 0)]
    return shapes


REDUCTIONS: dict[str, tuple[Function, FloatArray]] = {
    "sum": (lambda x, axis: np.sum(x, axis), WHOLE),
    "dot": (lambda x, axis: np.sum(x * x[..., ::-1], axis), WHOLE),
    "dot of one array": (lambda x, axis: np.sum(x * x, axis), WHOLE),
    "max": (lambda x, axis: np.max(x, axis), WHOLE),
    "min": (lambda x, axis: np.min(x, axis), WHOLE),
    "prod": (lambda x, axis: np.prod(x, axis), SIGNS),
    "running sum": (lambda x, axis: np.cumsum(x, axis), WHOLE),
    "running sum, backwards": (lambda x, axis: np.cumsum(x[::-1], axis), WHOLE),
    "running product": (lambda x, axis: np.cumprod(x, axis), SIGNS),
    "differences": (lambda x, axis: np.diff(x, axis=axis), WHOLE),
}


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_reductions_and_scans(kind: str) -> None:
    function, data = REDUCTIONS[kind]
    for n in (*SIZES, *CHUNKS):
        for shape, axis in around(n):
            if n in CHUNKS and len(shape) > 1:
                continue
            check(lambda x, axis=axis: function(x, axis), shaped(data, shape))


def places(n: int) -> list[int]:
    """Positions in an array of n elements, out of order and some of them twice."""
    return np.random.default_rng(n).integers(0, n, n).tolist()


MOVES: dict[str, Function] = {
    "turned round": lambda x: x[::-1],
    "turned round inside": lambda x: x[..., ::-1],
    "transposed": lambda x: x.T,
    "every other": lambda x: x[..., ::2],
    "without ends": lambda x: x[1:-1],
    "gathered": lambda x: x.reshape(-1)[places(x.size)],
    "spread": lambda x: np.broadcast_to(x, (3, *x.shape)),
    "repeated": lambda x: np.repeat(x, 2, axis=-1),
    "joined": lambda x: np.concatenate([x, 2.0 * x, x[1:]]),
    "joined inside": lambda x: np.concatenate([x, 2.0 * x[..., 1:]], axis=-1),
    "rolled": lambda x: np.roll(x, 1, axis=-1),
    "looked up": lambda x: np.interp(x, [-3.0, -1.0, 0.0, 2.0, 3.0], [1.0, -3.0, 4.0, 0.0, 7.0]),
}


@pytest.mark.parametrize("kind", MOVES)
def test_moves_and_lookups(kind: str) -> None:
    for n in SIZES:
        for shape, _ in around(n):
            check(MOVES[kind], shaped(WHOLE, shape))


# Of x: several parts, whose adjoints overlap and add up in one array.
OVERLAPPING: dict[str, Callable[[Any], list[Any]]] = {
    "slices": lambda x: [x[1:], x[:-1], x],
    "slices inside": lambda x: [x[..., 1:], x[..., ::2], x[..., ::-1]],
    "gathers": lambda x: [x.reshape(-1)[places(x.size)], x.reshape(-1)[places(x.size)[::-1]]],
    "one element": lambda x: [x, x.reshape(-1)[-1], x.reshape(-1)[:1]],
    "a product": lambda x: [x[1:] * 3.0, x[:-1] * -2.0],
    "transposed": lambda x: [x.T, x],
}


@pytest.mark.parametrize("kind", OVERLAPPING)
def test_adjoints_that_add_up_in_one_array(kind: str) -> None:
    def seeds(shapes: list[tuple[int, ...]]) -> list[FloatArray]:
        return [np.asarray(shaped(OTHER[k:], shape)) for k, shape in enumerate(shapes)]

    def pulled(x: Any) -> Any:
        parts = OVERLAPPING[kind](x)
        trace, given = x.trace, seeds([part.shape for part in parts])
        nodes = [trace.lift(np.array(seed)) for seed in given]
        (node,) = trace.graph.vjp([part.node for part in parts], nodes, [x.node])
        return type(x)(trace, node)

    for n in SIZES:
        for shape, _ in around(n):
            if 0 in [np.size(part) for part in OVERLAPPING[kind](np.zeros(shape))]:
                continue
            x = shaped(WHOLE, shape)
            # Parts are linear in x: what they add up to, element by element of the parts.
            wanted = np.zeros(x.size)
            positions = np.arange(x.size, dtype=float).reshape(shape)
            factors = OVERLAPPING[kind](np.ones(shape))
            origins = OVERLAPPING[kind](positions)
            given = seeds([np.shape(f) for f in factors])
            for factor, origin, seed in zip(factors, origins, given, strict=True):
                at = np.rint(np.ravel(np.asarray(origin) / factor)).astype(int)
                np.add.at(wanted, at, np.ravel(seed * factor))
            for way, got in Traced(pulled, x).ways():
                np.testing.assert_array_equal(got, wanted.reshape(shape), err_msg=f"{way}, {shape}")


# ---- products of matrices ------------------------------------------------------------------------

FEW = (1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 16, 17)  # rows and columns of a tile
KS = (1, 3, 8, 31, 32, 33)
LARGE = (1, 2, 24, 25, 255, 256, 257, 511, 512, 513)
LARGE_KS = (32, 255, 256, 257, 4095, 4096, 4097, 8193)
TRANSPOSED = list(product([False, True], repeat=2))


def multiplied(m: int, k: int, n: int, ta: bool, tb: bool, batch: int = 1) -> None:
    a, b = shaped(WHOLE, (batch, m, k)), shaped(OTHER, (batch, k, n))
    left, right = (a.swapaxes(1, 2) if ta else a), (b.swapaxes(1, 2) if tb else b)

    def function(x: Any, y: Any) -> Any:
        return type(x)(x.trace, x.trace.graph.matmul(x.node, y.node, ta, tb))

    made = Traced(function, np.ascontiguousarray(left), np.ascontiguousarray(right))
    where = f"({batch}, {m}, {k}) @ ({k}, {n}), transposed {ta} {tb}"
    ways = [("alone", made.alone())]
    if batch * m * k * n <= 20_000:
        ways += [("among lanes", made.among()), ("uniform", made.the_same_in_every_lane())]
    for way, got in ways:
        np.testing.assert_array_equal(got.reshape(a.shape[0], m, n), a @ b, err_msg=where + way)


@pytest.mark.parametrize(("ta", "tb"), TRANSPOSED)
def test_products_of_small_matrices(ta: bool, tb: bool) -> None:
    for m, k, n in product(FEW, KS, FEW):
        multiplied(m, k, n, ta, tb)
    for m, k, n in product((1, 2, 5), (1, 4, 33), (1, 3, 4)):
        multiplied(m, k, n, ta, tb, batch=3)


@pytest.mark.parametrize(("ta", "tb"), TRANSPOSED)
def test_products_at_the_edges_of_blocks(ta: bool, tb: bool) -> None:
    for m, k, n in product(LARGE, LARGE_KS, LARGE):
        if m * n * k <= 600_000 or (m * n * k <= 5_000_000 and 1 in (m, n)):
            multiplied(m, k, n, ta, tb)
    multiplied(513, 4097, 3, ta, tb)
    multiplied(3, 4097, 257, ta, tb)
    multiplied(1, 6000, 2049, ta, tb)
    multiplied(2049, 4097, 1, ta, tb)


def test_products_over_rows() -> None:
    """Tall matrices are read row by row, and contracted in the same loop."""
    for rows in (255, 256, 257, 4095, 4096, 4097, 8193):
        for k, n in product((1, 2, 7, 8, 9, 17), (1, 2, 5, 8, 9)):
            if rows > 257 and k * n > 20:
                continue
            a, w = shaped(WHOLE, (rows, k)), shaped(OTHER, (k, n))
            check(lambda a, w: a @ w, a, w)
            check(lambda a, w: a.T @ (a @ w), a, w)
        v = shaped(OTHER, (rows,))
        check(lambda a, v: v @ a, shaped(WHOLE, (rows, 3)), v)
        check(lambda v: np.convolve(v, [1.0, -2.0, 3.0]), v)
        check(lambda v: np.correlate(v, v[:100], "full"), v)
