# SPDX-License-Identifier: BSD-3-Clause
"""What NumPy does to traced values: its functions against NumPy's own value, and every refusal."""

import copy
import linecache
import math
import warnings
import zlib

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, Tracer, Truth, output_node, trace_call

rng = np.random.default_rng(2024)


def traced(function, *points):
    """The value of the traced function at points: arrays or numbers."""
    trace = Trace()
    inputs = [trace.input(k, np.shape(p)) for k, p in enumerate(points)]
    node = output_node(trace, trace_call(trace, function, inputs))
    program = _core.Function(trace.graph, [node], len(inputs))
    arrays = [np.asarray(p, dtype=np.float64)[None] for p in points]
    (out,) = program(arrays, [True] * len(points), 1)
    return out.reshape(trace.graph.shape(node))


def failing(function, *shapes):
    """Trace for its error."""
    trace = Trace()
    return trace_call(trace, function, [trace.input(k, s) for k, s in enumerate(shapes)])


A3 = np.array([0.3, -1.2, 2.5])
M34 = rng.normal(size=(3, 4))
BIG = rng.normal(size=40)
MASK = np.array([True, False, True])
XP, FP = np.array([-1.0, -0.2, 0.5, 1.5]), np.array([2.0, -1.0, 0.5, 3.0])


def accumulate_in_loop(x):
    total = 0.0
    for value in x:
        total += value
    return total


def in_place(x):
    y = x
    y += 1
    y *= 2
    y -= 0.5
    y /= 3
    y **= 2
    return y


# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
    # operators
    ("add", lambda x, y: x + y + 1 + 2.5, [(3,), (3,)]),
    ("radd", lambda x: 1 + x + np.float64(2), [(3,)]),
    ("array on the left", lambda x: A3 * x - A3 / x, [(3,)]),
    ("list on the left", lambda x: [1, 2, 3] * x, [(3,)]),
    ("numpy scalars", lambda x: np.float64(2) * x + np.int64(3) - np.float32(0.5), [(3,)]),
    ("bool and int arrays", lambda x: MASK * x + np.arange(3) * x, [(3,)]),
    ("large constant", lambda x: BIG * x, [(40,)]),
    ("large int constant", lambda x: np.arange(40) * x, [(40,)]),
    ("fortran constant", lambda x: np.asfortranarray(M34) * x, [(3, 4)]),
    ("strided constant", lambda x: BIG[::2] + x, [(20,)]),
    ("subtract", lambda x, y: x - y - 1, [(2, 3), (3,)]),
    ("rsub", lambda x: 1 - x, [(3,)]),
    ("divide", lambda x, y: x / y / 3, [(3,), ()]),
    ("rdiv", lambda x: 1 / x, [(3,)]),
    ("negative", lambda x: -x + +x, [(3,)]),
    ("abs", lambda x: abs(x) + np.abs(x) + np.fabs(x), [(3,)]),
    ("remainder", lambda x, y: x % y + 5 % y, [(3,), (3,)]),
    ("floor_divide", lambda x, y: x // y + 5 // y, [(3,), (3,)]),
    ("divmod", lambda x, y: np.stack(divmod(x, y)) + np.stack(np.divmod(x, 0.7)), [(3,), (3,)]),
    ("rdivmod", lambda x: np.stack(divmod(3.0, x)), [(3,)]),
    ("square", lambda x: x**2 + np.power(x, 2) + np.square(x), [(3,)]),
    ("cube", lambda x: x**3 + x**1 + x**0 + x**-1 + x**-2, [(3,)]),
    ("powers of numpy numbers", lambda x: x ** np.int64(2) + np.power(x, np.float64(3)), [(3,)]),
    ("roots", lambda x: abs(x) ** 0.5 + abs(x) ** 1.5 + np.power(abs(x), 0.5), [(3,)]),
    ("power", lambda x, y: abs(x) ** y + np.float_power(abs(x), y), [(3,), (3,)]),
    (
        "power of arrays",
        lambda x: abs(x) ** np.array([1, 2, 3]) + np.array([1.5, 2, 3]) ** x,
        [(3,)],
    ),
    ("rpow", lambda x: 2**x + 1.5**x, [(3,)]),
    ("in place", in_place, [(3,)]),
    ("builtin sum", lambda x: sum(x), [(3,)]),
    ("loop", accumulate_in_loop, [(5,)]),
    ("floor of math", lambda x: math.floor(x) + math.ceil(x) + math.trunc(x), [()]),
    ("round of python", lambda x: round(x, 2), [()]),
    ("matmul vectors", lambda x, y: x @ y, [(3,), (3,)]),
    ("matmul constant", lambda x: M34 @ x, [(4,)]),
    ("matmul constant right", lambda x: x @ M34, [(3,)]),
    ("matmul matrices", lambda x, y: x @ y, [(2, 3), (3, 4)]),
    ("matmul matrix vector", lambda x, y: x @ y, [(2, 3), (3,)]),
    ("matmul batch", lambda x, y: x @ y, [(5, 2, 3), (5, 3, 4)]),
    ("matmul batch broadcast", lambda x, y: np.matmul(x, y), [(5, 1, 2, 3), (4, 3, 2)]),
    ("matmul batch one", lambda x, y: np.matmul(x, y), [(5, 2, 3), (3, 4)]),
    ("matmul one batch", lambda x, y: np.matmul(x, y), [(2, 3), (5, 3, 4)]),
    ("matmul vector batch", lambda x, y: np.matmul(x, y), [(3,), (5, 3, 4)]),
    ("matmul batch vector", lambda x, y: np.matmul(x, y), [(5, 2, 3), (3,)]),
    # truth values
    (
        "comparisons",
        lambda x, y: (x < y) * 1.0 + (x <= y) * 2 + (x > y) * 4 + (x >= y) * 8.0,
        [(5,), (5,)],
    ),
    ("equality", lambda x, y: (x == x) * 1.0 + (x != y) * 2.0, [(5,), (5,)]),
    (
        "logic",
        lambda x, y: (
            ((x > 0) & (y > 0)) * 1.0 + ((x > 0) | (y > 0)) * 2.0 + ((x > 0) ^ (y > 0)) * 4.0
        ),
        [(5,), (5,)],
    ),
    ("not", lambda x: ~(x > 0) * 1.0 + np.invert(x > 0) * 1.0 + np.logical_not(x) * 1.0, [(5,)]),
    (
        "np logic",
        lambda x, y: (
            np.logical_and(x > 0, y) * 1.0
            + np.logical_or(x > 0, y > 0) * 2.0
            + np.logical_xor(x > 0, y > 0) * 4.0
        ),
        [(5,), (5,)],
    ),
    (
        "bitwise",
        lambda x, y: np.bitwise_and(x > 0, y > 0) * 1.0 + np.bitwise_or(x > 0, y > 0) * 2.0,
        [(5,), (5,)],
    ),
    ("bool sums", lambda x, y: ((x > 0) + (y > 0)) * 1.0 + ((x > 0) * (y > 0)) * 2.0, [(5,), (5,)]),
    (
        "bool sums of numpy",
        lambda x, y: np.add(x > 0, y > 0) * 1.0 + np.multiply(x > 0, y > 0) * 2.0,
        [(5,), (5,)],
    ),
    (
        "bool with array",
        lambda x: (MASK & (x > 0)) * 1.0 + ((x > 0) | MASK) * 2.0 + (MASK + (x > 0)) * 4.0,
        [(3,)],
    ),
    ("mask times value", lambda x: x * (x > 0) + (x > 0) * x, [(5,)]),
    ("count", lambda x: np.sum(x > 0) + np.count_nonzero(x > 0.5) + (x > 0).mean(), [(5,)]),
    (
        "any all",
        lambda x: np.any(x > 1) * 1.0 + np.all(x > -9, axis=0) * 2.0 + (x > 0).any() * 4.0,
        [(5,)],
    ),
    ("isfinite", lambda x: np.isfinite(x) * 1.0 + np.isnan(x) * 2.0 + np.isinf(x) * 4.0, [(5,)]),
    ("signbit", lambda x: np.signbit(x) * 1.0, [(5,)]),
    ("astype", lambda x: (x > 0).astype(float) + x.astype(float) + (x.astype(bool)) * 2.0, [(5,)]),
    ("array priority", lambda x: (A3 > x) * 1.0 + (1.0 < x) * 2.0, [(3,)]),  # noqa: SIM300
    # ufuncs
    ("exponentials", lambda x: np.exp(x) + np.exp2(x) + np.expm1(x), [(3,)]),
    (
        "logarithms",
        lambda x: np.log(abs(x)) + np.log2(abs(x)) + np.log10(abs(x)) + np.log1p(abs(x)),
        [(3,)],
    ),
    ("roots of numpy", lambda x: np.sqrt(abs(x)) + np.cbrt(x) + np.reciprocal(x), [(3,)]),
    ("trigonometric", lambda x: np.sin(x) + np.cos(x) + np.tan(x), [(3,)]),
    (
        "inverse trigonometric",
        lambda x: np.arcsin(np.sin(x)) + np.arccos(np.cos(x)) + np.arctan(x),
        [(3,)],
    ),
    ("hyperbolic", lambda x: np.sinh(x) + np.cosh(x) + np.tanh(x), [(3,)]),
    (
        "inverse hyperbolic",
        lambda x: np.arcsinh(x) + np.arccosh(1 + x**2) + np.arctanh(np.tanh(x)),
        [(3,)],
    ),
    (
        "two arguments",
        lambda x, y: np.hypot(x, y) + np.arctan2(x, y) + np.logaddexp(x, y) + np.logaddexp2(x, y),
        [(3,), (2, 3)],
    ),
    (
        "copysign",
        lambda x, y: np.copysign(x, y) + np.fmod(x, y) + np.heaviside(x, 0.5),
        [(3,), (3,)],
    ),
    (
        "maximum",
        lambda x, y: np.maximum(x, y) + 2 * np.minimum(x, 0) + np.fmax(x, y) + np.fmin(y, 0.1),
        [(3,), (3,)],
    ),
    ("rounding", lambda x: np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x) + np.fix(x), [(5,)]),
    (
        "round",
        lambda x: np.round(x, 2) + np.round(x) + x.round(1) + np.round(100 * x, -1) + np.around(x),
        [(5,)],
    ),
    (
        "sign",
        lambda x: np.sign(x) + np.positive(x) + np.conjugate(x) + np.real(x) + x.real + x.conj(),
        [(5,)],
    ),
    ("imag", lambda x: x + np.imag(x) + x.imag, [(5,)]),
    ("angles", lambda x: np.deg2rad(x) + np.radians(x) + np.rad2deg(x) + np.degrees(x), [(5,)]),
    (
        "true_divide",
        lambda x, y: np.true_divide(x, y) + np.add(x, y) + np.subtract(x, 1) * np.multiply(2, y),
        [(3,), (3,)],
    ),
    ("modf", lambda x: np.stack(np.modf(10 * x)), [(5,)]),
    ("sinc", lambda x: np.sinc(x) + np.sinc(0.0 * x), [(5,)]),
    ("vecdot along an axis", lambda x, y: np.linalg.vecdot(x, y, axis=0), [(3,), (3, 2)]),
    ("matvec", lambda x, y: np.matmul(x, y).sum() + np.vecdot(x, y), [(2, 3), (3,)]),
    ("add.reduce", lambda x: np.add.reduce(x) + np.add.reduce(x, axis=0), [(3,)]),
    (
        "reduce",
        lambda x: (
            np.multiply.reduce(x, axis=1)
            + np.maximum.reduce(x, axis=1)
            - np.minimum.reduce(x, axis=(1,))
        ),
        [(2, 3)],
    ),
    ("reduce all", lambda x: np.add.reduce(x, axis=None, keepdims=True), [(2, 3)]),
    (
        "logaddexp.reduce",
        lambda x: np.logaddexp.reduce(x) + np.logaddexp.reduce(x, axis=1, keepdims=True),
        [(3, 3)],
    ),
    ("accumulate", lambda x: np.add.accumulate(x) + np.multiply.accumulate(x, axis=1), [(2, 3)]),
    ("ufunc.outer", lambda x, y: np.add.outer(x, y) + np.multiply.outer(x, y), [(2,), (3,)]),
    ("nan_to_num", lambda x: np.nan_to_num(x / (x > 0), nan=2.0, posinf=5.0), [(5,)]),
    # choices
    (
        "where",
        lambda x, y: np.where(x > 0, x, y) + np.where(x > 0, 1, 2.0) + np.where(MASK, x, 0),
        [(3,), (2, 3)],
    ),
    ("where of bools", lambda x: np.where(x > 0, True, x < -1) * 1.0, [(5,)]),
    (
        "clip",
        lambda x: (
            np.clip(x, -0.5, 0.5) + np.clip(x, None, 0.5) + np.clip(x, 0, None) + x.clip(0, 1)
        ),
        [(5,)],
    ),
    (
        "clip min max",
        lambda x: np.clip(x, min=-0.5, max=0.5) + np.clip(x, a_min=0, a_max=1) + x.clip(min=0),
        [(5,)],
    ),
    ("clip bounds", lambda x, y: np.clip(x, y, y + 1) + np.clip(0.3, x, None), [(5,), ()]),
    ("select", lambda x: np.select([x < 0, x < 0.5], [x**2, x**3], default=-1), [(5,)]),
    (
        "piecewise",
        lambda x: np.piecewise(x, [x < 0, x >= 0.5], [lambda v: -v, lambda v: v**2, 7.0]),
        [(5,)],
    ),
    (
        "piecewise of rows",  # y[cond] takes rows where cond has fewer axes
        lambda x: np.piecewise(x, [np.array([True, False, False])], [lambda v: v**2, np.sin]),
        [(3, 3)],
    ),
    (
        "piecewise of traced rows",
        lambda x: np.piecewise(x, [x[0] > 0, x[1] > 0], [lambda v: v**2, np.sin, 0.5]),
        [(3, 3)],
    ),
    ("piecewise without else", lambda x: np.piecewise(x, [x < 0], [lambda v: -v]), [(5,)]),
    # reductions
    ("sum", lambda x: np.sum(x) + x.sum(0) + x.sum(axis=-1, keepdims=True), [(2, 3)]),
    ("sum axes", lambda x: np.sum(x, axis=(0, 2)) + x.sum((0, -1)), [(2, 3, 4)]),
    ("sum of a list", lambda x: np.sum([x, 2 * x, x**2]), [()]),
    ("sum of no axes", lambda x: np.sum(x, axis=()), [(2, 3)]),
    ("sum of nothing", lambda x: np.sum(x[3:]) + np.prod(x[3:]), [(3,)]),
    ("prod", lambda x: np.prod(x, axis=1) + x.prod() + np.prod(x, axis=1, keepdims=True), [(2, 3)]),
    ("max", lambda x: np.max(x) + x.max(0) + np.amax(x, 0, keepdims=True), [(2, 3)]),
    ("min", lambda x: np.min(x) + x.min(0) + np.amin(x, 0), [(2, 3)]),
    ("mean", lambda x: np.mean(x) + x.mean(0) + np.mean(x, axis=1, keepdims=True), [(2, 3)]),
    (
        "var",
        lambda x: (
            np.var(x)
            + x.var(0)
            + np.var(x, axis=1, ddof=1, keepdims=True)
            + np.var(x, correction=1)
        ),
        [(2, 3)],
    ),
    ("std", lambda x: np.std(x) + x.std(axis=0, ddof=1) + np.std(x, 1, keepdims=True), [(2, 3)]),
    ("ptp", lambda x: np.ptp(x, axis=0) + np.ptp(x), [(2, 3)]),
    (
        "average",
        lambda x: np.average(x) + np.average(x, axis=0) + np.average(x, axis=0, weights=[1, 3]),
        [(2, 3)],
    ),
    (
        "average weights",
        lambda x, w: np.average(x, weights=w**2) + np.average(x, axis=1, weights=w**2),
        [(2, 3), (2, 3)],
    ),
    (
        "average returned",
        lambda x: np.stack(np.average(x, weights=[1, 2, 3], returned=True)),
        [(3,)],
    ),
    ("nansum", lambda x: np.nansum(x) + np.nanmean(x), [(2, 3)]),
    ("cumsum", lambda x: np.cumsum(x) + x.cumsum(), [(2, 3)]),
    ("cumsum axis", lambda x: np.cumsum(x, axis=0) + x.cumsum(axis=1), [(2, 3)]),
    ("cumprod", lambda x: np.cumprod(x, axis=0) + x.cumprod(1), [(2, 3)]),
    ("cumprod flat", lambda x: np.cumprod(x), [(2, 3)]),
    ("diff", lambda x: np.diff(x, axis=0) + 1, [(3, 4)]),
    ("diff n", lambda x: np.diff(x, n=2), [(3, 4)]),
    ("diff ends", lambda x: np.diff(x, prepend=0) + np.diff(x, append=x[-1:]), [(5,)]),
    ("diff of bools", lambda x: np.diff(x > 0) * 1.0, [(5,)]),
    (
        "trapezoid",
        lambda x: (
            np.trapezoid(x) + np.trapezoid(x, dx=0.5) + np.trapezoid(x, np.array([0, 1, 3, 4.0]))
        ),
        [(4,)],
    ),
    (
        "trapezoid axis",
        lambda x, t: np.trapezoid(x, t, axis=0) + np.trapezoid(x, x, axis=0),
        [(3, 4), (3,)],
    ),
    # products
    ("dot", lambda x, y: np.dot(x, y) + x.dot(y) + np.vdot(x, y) + np.inner(x, y), [(3,), (3,)]),
    ("dot scalars", lambda x, y: np.dot(x, y) + np.inner(2.0, x), [(3,), ()]),
    ("dot matrices", lambda x, y: np.dot(x, y) + np.dot(M34.T, y)[:2], [(2, 3), (3, 4)]),
    ("dot many axes", lambda x, y: np.dot(x, y), [(2, 3), (4, 3, 5)]),
    ("vdot", lambda x, y: np.vdot(x, y), [(2, 3), (6,)]),
    ("inner", lambda x, y: np.inner(x, y), [(2, 3), (4, 3)]),
    ("outer", lambda x, y: np.outer(x, y), [(2, 2), (3,)]),
    ("kron", lambda x, y: np.kron(x, y), [(2, 3), (2,)]),
    ("multi_dot", lambda x, y: np.linalg.multi_dot([x, y, M34]), [(2, 3), (3, 3)]),
    ("tensordot", lambda x, y: np.tensordot(x, y), [(2, 3, 4), (3, 4, 2)]),
    (
        "tensordot axes",
        lambda x, y: np.tensordot(x, y, axes=([1, 0], [0, 2])),
        [(2, 3, 4), (3, 4, 2)],
    ),
    (
        "tensordot one",
        lambda x, y: np.tensordot(x, y, axes=1) + np.tensordot(x, y, axes=(-1, 0)),
        [(2, 3), (3, 2)],
    ),
    ("tensordot none", lambda x, y: np.tensordot(x, y, axes=0), [(2,), (3,)]),
    ("cross 3", lambda x, y: np.cross(x, y), [(3,), (4, 3)]),
    ("cross axes", lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), [(3, 4), (4, 3)]),
    ("cross axis", lambda x, y: np.cross(x, y, axis=0), [(3, 4), (3, 4)]),
    ("linalg.cross", lambda x, y: np.linalg.cross(x, y), [(3,), (3,)]),
    ("einsum dot", lambda x, y: np.einsum("i,i", x, y) + np.einsum("i,i->", x, y), [(3,), (3,)]),
    (
        "einsum matmul",
        lambda x, y: np.einsum("ij,jk", x, y) + np.einsum("ij, jk -> ik", x, y),
        [(2, 3), (3, 4)],
    ),
    ("einsum transposed", lambda x, y: np.einsum("ij,jk->ki", x, y), [(2, 3), (3, 4)]),
    ("einsum outer", lambda x, y: np.einsum("i,j", x, y), [(2,), (3,)]),
    ("einsum diagonal", lambda x: np.einsum("ii->i", x) + np.einsum("ii", x), [(3, 3)]),
    (
        "einsum one",
        lambda x: np.einsum("ijk->ki", x) + np.einsum("ba", x[0, :2])[0, 0],
        [(2, 3, 4)],
    ),
    ("einsum implicit order", lambda x: np.einsum("ba", x), [(2, 3)]),
    ("einsum three", lambda x, y, z: np.einsum("ij,jk,kl->il", x, y, z), [(2, 3), (3, 4), (4, 2)]),
    ("einsum quadratic form", lambda x, A: np.einsum("i,ij,j->", x, A, x), [(3,), (3, 3)]),
    (
        "einsum batch",
        lambda x, y: np.einsum("bij,bjk->bik", x, y) + np.einsum("...ij,...jk", x, y),
        [(5, 2, 3), (5, 3, 4)],
    ),
    ("einsum batch dot", lambda x, y: np.einsum("bi,bi->b", x, y), [(5, 3), (5, 3)]),
    ("einsum batch vector", lambda x, y: np.einsum("bij,bj->bi", x, y), [(5, 2, 3), (5, 3)]),
    ("einsum ellipsis", lambda x, y: np.einsum("i...,i...->...", x, y), [(3, 2, 4), (3, 4)]),
    ("einsum ellipsis out", lambda x: np.einsum("...i->i...", x), [(2, 3, 4)]),
    ("einsum lonely index", lambda x, y: np.einsum("ij,kl->jl", x, y), [(2, 3), (4, 5)]),
    ("einsum repeated", lambda x, y: np.einsum("iij,jk->ik", x, y), [(3, 3, 2), (2, 4)]),
    (
        "einsum sublists",
        lambda x, y: np.einsum(x, [0, 1], y, [1, 2], [0, 2]) + np.einsum(x, [0, 1], y, [1, 2]),
        [(2, 3), (3, 4)],
    ),
    ("einsum constant", lambda x: np.einsum("ij,j->i", M34, x), [(4,)]),
    (
        "einsum elementwise",
        lambda x, y: np.einsum("ij,ij->ij", x, y) + np.einsum("ij,j->ij", x, y[0]),
        [(2, 3), (2, 3)],
    ),
    (
        "norm",
        lambda x: (
            np.linalg.norm(x)
            + np.linalg.norm(x, 2)
            + np.linalg.norm(x, 1)
            + np.linalg.norm(x, np.inf)
        ),
        [(5,)],
    ),
    (
        "norm other",
        lambda x: (
            np.linalg.norm(x, -np.inf)
            + np.linalg.norm(x, 3)
            + np.linalg.norm(x, 0)
            + np.linalg.norm(x, -1)
        ),
        [(5,)],
    ),
    (
        "norm axis",
        lambda x: np.linalg.norm(x, axis=1) + np.linalg.norm(x, ord=1, axis=1, keepdims=True),
        [(3, 4)],
    ),
    (
        "norm matrix",
        lambda x: (
            np.linalg.norm(x)
            + np.linalg.norm(x, "fro")
            + np.linalg.norm(x, 1)
            + np.linalg.norm(x, -np.inf)
        ),
        [(3, 4)],
    ),
    (
        "norm matrix axes",
        lambda x: np.linalg.norm(x, axis=(0, 2)) + np.linalg.norm(x, np.inf, (2, 0), True).ravel(),
        [(3, 4, 2)],
    ),
    (
        "norm keepdims",
        lambda x: (
            np.linalg.norm(x, keepdims=True) + np.linalg.norm(x, "fro", (0, 1), keepdims=True)
        ),
        [(3, 4)],
    ),
    ("norm many axes", lambda x: np.linalg.norm(x), [(3, 4, 2)]),
    (
        "vector_norm",
        lambda x: (
            np.linalg.vector_norm(x)
            + np.linalg.vector_norm(x, ord=None)
            + np.linalg.vector_norm(x, axis=0, ord=1)
            + np.linalg.matrix_norm(x)
        ),
        [(3, 4)],
    ),
    ("polyval", lambda x: np.polyval([1, -2, 3.0], x), [(3,)]),
    ("polyval traced", lambda p, x: np.polyval(p, x) + np.polyval(p, 0.5), [(4,), (2, 3)]),
    ("polynomial.polyval", lambda x: np.polynomial.polynomial.polyval(x, [1, -2, 3.0]), [(3,)]),
    ("polyval one", lambda x: np.polyval([2.0], x) + np.polyval([], x), [(3,)]),
    ("convolve", lambda x, y: np.convolve(x, y), [(5,), (3,)]),
    (
        "convolve same",
        lambda x, y: np.convolve(x, y, "same") + np.convolve(y, x, mode="same"),
        [(5,), (3,)],
    ),
    (
        "convolve same even",
        lambda x, y: np.convolve(x, y, "same") + np.convolve(y, x, mode="same"),
        [(6,), (4,)],
    ),
    (
        "convolve valid",
        lambda x, y: np.convolve(x, y, "valid") + np.convolve(y, x, "valid"),
        [(5,), (2,)],
    ),
    (
        "convolve constant",
        lambda x: np.convolve(x, [0.25, 0.5, 0.25]) + np.convolve([0.25, 0.5, 0.25], x),
        [(6,)],
    ),
    ("convolve numbers", lambda x: np.convolve(x, [2.0]), [(1,)]),
    ("correlate", lambda x, y: np.correlate(x, y) + np.correlate(x, y, "valid"), [(5,), (3,)]),
    (
        "correlate full",
        lambda x, y: np.correlate(x, y, "full") + np.correlate(y, x, "full"),
        [(5,), (3,)],
    ),
    (
        "correlate same",
        lambda x, y: np.correlate(x, y, "same") + np.correlate(y, x, "same"),
        [(5,), (4,)],
    ),
    ("interp", lambda x: np.interp(x, XP, FP) + np.interp(3 * x, XP, FP), [(6,)]),
    ("interp ends", lambda x: np.interp(3 * x, XP, FP, left=-7, right=9), [(9,)]),
    ("interp period", lambda x: np.interp(5 * x, XP, FP, period=3.1), [(9,)]),
    (
        "interp knots",
        lambda x: np.interp(0 * x + XP, XP, FP, left=-7, right=9) + np.interp(0 * x + XP, XP, FP),
        [(4,)],
    ),
    # indices
    ("integers", lambda x: x[0] + x[-1] * x[np.int64(1)], [(3,)]),
    ("integers of a matrix", lambda x: x[0, 1] + x[-1, -1] + x[1][2] + x[1, :] + x[0], [(2, 3)]),
    ("slices", lambda x: x[1:] * x[:-1] + x[1:][::-1] + x[-1:0:-1], [(5,)]),
    ("steps", lambda x: x[::2] + x[-1::-2] + x[4:0:-2][0], [(5,)]),
    ("out of range slices", lambda x: x[-100:100] + x[2:1].sum() + x[7:].sum(), [(5,)]),
    ("slices of a matrix", lambda x: x[:, 1:] + x[::-1, :-1] + x[0, 1:] + x[:, :1], [(2, 3)]),
    ("newaxis", lambda x: x[:, None] - x[None, :] + x[np.newaxis, ..., None][0], [(3,)]),
    ("ellipsis", lambda x: x[..., 0] + x[0, ...][:, 1] + x[...][0, :, 2], [(2, 3, 4)]),
    ("integer array", lambda x: x[[2, 0, 1, 1]] + x[np.array([0, 1, 2, -1])], [(3,)]),
    ("integer matrix", lambda x: x[np.array([[0, 1], [2, -1]])], [(3,)]),
    ("integer arrays", lambda x: x[[0, 1, 1], [2, 0, -1]] + x[1, [0, 1, 2]], [(2, 3)]),
    (
        "broadcast arrays index",
        lambda x: x[np.array([[0], [1]]), [2, 0, 1]] + x[np.ix_([0, 1], [2, 0, 1])],
        [(2, 3)],
    ),
    ("mixed index", lambda x: x[:, [2, 0]] + x[[0, 1]][:, :2], [(2, 3)]),
    ("arrays apart", lambda x: x[[0, 1], :, [2, 0]], [(2, 3, 4)]),
    ("array and number", lambda x: x[0, :, [2, 0]], [(2, 3, 4)]),
    ("mask", lambda x: x[MASK] + x[[True, False, True]], [(3,)]),
    ("mask of a matrix", lambda x: x[M34 > 0], [(3, 4)]),
    ("mask and slice", lambda x: x[:, MASK] + x[..., MASK], [(2, 3)]),
    ("empty index", lambda x: x[[]].sum() + x[()], [(3,)]),
    (
        "take",
        lambda x: np.take(x, [2, 0, 1], axis=1) + x.take([0, 1, 2], axis=1) + np.take(x, [0, 5, 1]),
        [(2, 3)],
    ),
    (
        "take_along_axis",
        lambda x: np.take_along_axis(x, np.array([[2, 0, 1], [0, 0, 0]]), axis=1),
        [(2, 3)],
    ),
    ("compress", lambda x: np.compress(MASK, x) + np.extract(MASK, x), [(3,)]),
    ("unpack", lambda x: (lambda a, b, c: a * b - c)(*x), [(3,)]),
    ("enumerate", lambda x: sum(k * v for k, v in enumerate(x)), [(3,)]),
    ("rows", lambda x: np.stack([row.sum() for row in x]), [(3, 4)]),
    ("flat", lambda x: x.flat[4] + x.flatten()[3] + x.ravel()[1], [(2, 3)]),
    # movement
    ("reshape", lambda x: x.reshape(3, 2) + x.reshape((3, -1)) + np.reshape(x, (3, 2)), [(2, 3)]),
    (
        "reshape order",
        lambda x: x.reshape(3, 2, order="F") + np.reshape(x, (3, -1), order="F"),
        [(2, 3)],
    ),
    (
        "reshape of a view",
        lambda x: x.T.reshape(2, 3) + x[:, ::-1].reshape(-1).reshape(2, 3),
        [(2, 3)],
    ),
    (
        "ravel",
        lambda x: np.ravel(x) + x.ravel() + x.flatten() + x.reshape(-1) + x.ravel(order="F"),
        [(2, 3)],
    ),
    ("transpose", lambda x: x.T + np.transpose(x) + x.transpose() + x.transpose(1, 0), [(2, 3)]),
    (
        "transpose axes",
        lambda x: np.transpose(x, (2, 0, 1)) + x.transpose((2, 0, 1)) + x.transpose(-1, 0, 1),
        [(2, 3, 4)],
    ),
    ("swapaxes", lambda x: np.swapaxes(x, 0, 2) + x.swapaxes(0, -1), [(2, 3, 4)]),
    ("moveaxis", lambda x: np.moveaxis(x, 0, -1) + np.rollaxis(x, 0, 3), [(2, 3, 4)]),
    ("squeeze", lambda x: np.squeeze(x) + x.squeeze(axis=0)[0] + x.squeeze()[1], [(1, 3, 1)]),
    ("expand_dims", lambda x: np.expand_dims(x, 0) + np.expand_dims(x, (0, 2))[0].T, [(3,)]),
    ("broadcast_to", lambda x: np.broadcast_to(x, (2, 3)) + np.broadcast_to(x[0], (2, 3)), [(3,)]),
    ("broadcast_arrays", lambda x, y: np.stack(np.broadcast_arrays(x, y)), [(3,), (2, 1)]),
    ("atleast", lambda x: np.atleast_2d(x) + np.atleast_1d(x) + np.atleast_3d(x)[:, :, 0], [(3,)]),
    ("atleast of number", lambda x: np.atleast_1d(x) + np.atleast_2d(x)[0], [()]),
    (
        "flip",
        lambda x: np.flip(x) + np.flip(x, 1) + np.flip(x, axis=(0,)) + np.fliplr(x) + np.flipud(x),
        [(2, 3)],
    ),
    ("rot90", lambda x: np.rot90(x) + np.rot90(x, k=3) + np.rot90(x, -1), [(2, 3)]),
    (
        "roll",
        lambda x: (
            np.roll(x, 1) + np.roll(x, -2, axis=1) + np.roll(x, (1, 2), axis=(0, 1)) + np.roll(x, 0)
        ),
        [(2, 3)],
    ),
    (
        "roll by no integers",
        lambda x: np.roll(x, (1.9, -0.6), axis=1) * np.roll(x, (0.7, 2.5)),
        [(2, 3)],
    ),
    ("roll one", lambda x: np.roll(x, 1) - np.roll(x, -7) + np.roll(x, 2, 0), [(5,)]),
    ("tile", lambda x: np.tile(x, 2)[1:4] + np.tile(x, (2, 1)), [(3,)]),
    ("repeat", lambda x: np.repeat(x, 2) + x.repeat(2) + np.repeat(x, [1, 3, 2]), [(3,)]),
    ("repeat axis", lambda x: np.repeat(x, 2, axis=0) + 1, [(2, 3)]),
    (
        "concatenate",
        lambda x, y: np.concatenate([x, y]) + np.concatenate((x, [1, 2], [5.0])),
        [(2,), (3,)],
    ),
    ("concatenate axis", lambda x, y: np.concatenate([x, y, M34[:2]], axis=1), [(2, 3), (2, 1)]),
    ("concatenate flat", lambda x, y: np.concatenate([x, y], axis=None), [(2, 3), (2,)]),
    ("concatenate of empty", lambda x: np.concatenate([x[:0], x, x[3:]]), [(3,)]),
    ("stack", lambda x, y: np.stack([x, y]) + np.stack([x, A3]), [(3,), (3,)]),
    ("stack axis", lambda x, y: np.stack([x, y], axis=1) + np.stack((y, x), axis=-1), [(3,), (3,)]),
    ("stack middle", lambda x, y: np.stack([x, y], axis=1), [(2, 3), (2, 3)]),
    ("stack numbers", lambda x, y: np.stack([x, y, 2.0]), [(), ()]),
    ("hstack", lambda x, y: np.hstack([x, y]) + np.hstack([x, 1.0, [2.0]]), [(3,), (2,)]),
    ("hstack matrices", lambda x, y: np.hstack([x, y]), [(2, 3), (2, 1)]),
    ("vstack", lambda x, y: np.vstack([x, y, A3]), [(3,), (2, 3)]),
    ("dstack", lambda x, y: np.dstack([x, y]) + np.column_stack([x, y]), [(3,), (3,)]),
    ("column_stack", lambda x, y: np.column_stack([x, y]), [(3,), (3, 2)]),
    ("append", lambda x: np.append(x, 1.0) + np.append(x, x[:1], axis=0), [(3,)]),
    ("delete", lambda x: np.delete(x, 1) + np.delete(x, [0]), [(3,)]),
    ("block", lambda x, y: np.block([[x, y], [y, x]]), [(2, 2), (2, 2)]),
    (
        "pad",
        lambda x: np.pad(x, 1) + np.pad(x, (2, 0)) + np.pad(x, (0, 2), constant_values=5),
        [(3,)],
    ),
    (
        "pad matrix",
        lambda x: np.pad(x, ((1, 0), (2, 3)), constant_values=((1, 2), (3, 4))),
        [(2, 3)],
    ),
    (
        "pad modes",
        lambda x: np.pad(x, 2, mode="edge") + np.pad(x, 2, mode="wrap") + np.pad(x, 2, "reflect"),
        [(4,)],
    ),
    ("split", lambda x: np.stack(np.split(x, 2)) + np.stack(np.array_split(x, 2)), [(6,)]),
    (
        "array_split",
        lambda x: np.concatenate(np.array_split(x, 3)[::-1]) + np.concatenate(np.split(x, [2, 5])),
        [(7,)],
    ),
    ("hsplit", lambda x: np.hsplit(x, 2)[1] + np.vsplit(x, 2)[0][0, 0], [(2, 4)]),
    ("triu", lambda x: np.triu(x) + np.tril(x, -1) + np.triu(x, 1), [(3, 4)]),
    ("diag", lambda x: np.diag(x) + np.diag(x, 0) + np.diagflat(x), [(3,)]),
    ("diag k", lambda x: np.diag(x, 1) + np.diag(x, -1), [(3,)]),
    (
        "diagonal",
        lambda x: np.diag(x) + np.diagonal(x) + x.diagonal() + np.diag(x, 1).sum(),
        [(3, 3)],
    ),
    ("trace", lambda x: np.trace(x) + np.trace(x, 1) + np.linalg.trace(x), [(3, 3)]),
    (
        "meshgrid",
        lambda x, y: np.stack(np.meshgrid(x, y)) + np.stack(np.meshgrid(y, x, indexing="ij")),
        [(3,), (2,)],
    ),
    ("likes", lambda x: np.zeros_like(x) + np.ones_like(x) * x + np.full_like(x, 2.5), [(2, 3)]),
    ("full_like traced", lambda x: np.full_like(x, x[0]), [(3,)]),
    ("full_like of more axes", lambda x: np.full_like(x[0], np.exp(x[None])), [(1, 3)]),
    ("copies", lambda x: np.copy(x) + x.copy(), [(3,)]),
    (
        "shapes",
        lambda x: x * np.size(x) + np.ndim(x) + np.shape(x)[0] + len(x) + x.size + x.ndim,
        [(2, 3)],
    ),
    ("numbers of points", lambda x: np.linspace(0, 1, len(x)) * x + np.arange(x.size), [(4,)]),
    # object arrays and lists
    ("np.array", lambda x: np.array([x[0] ** 2, x[1] * x[2]]), [(3,)]),
    (
        "np.array functions",
        lambda x: np.exp(np.array([x[0], x[1]])) + np.sin(np.array([x[1], x[2]])),
        [(3,)],
    ),
    (
        "np.array of two",
        lambda x: np.hypot(np.array([x[0], x[1]]), 1.5) + np.array([x[0], 2.0]) ** 2 - A3[:2],
        [(3,)],
    ),
    (
        "np.array sums",
        lambda x: np.sum(np.array([x[0], x[1]]) ** 2) + np.array([x[0], x[2]]) @ A3[:2],
        [(3,)],
    ),
    (
        "np.array with traced",
        lambda x: np.array([x[0], x[1], 1.0]) * x + x / np.array([x[0], 2, 3]),
        [(3,)],
    ),
    (
        "np.array more functions",
        lambda x: (
            np.sqrt(np.array([x[0] ** 2, x[1] ** 2]))
            + np.tanh(np.array([x[0], x[1]]))
            + abs(np.array([x[0], x[1]]))
            + np.floor(np.array([x[0], 1.5]))
        ),
        [(3,)],
    ),
    ("np.array matrix", lambda x: np.array([[x[0], x[1]], [0.0, 1.0]]) @ x[:2], [(3,)]),
    (
        "np.array rotation",
        lambda a, x: np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).dot(x),
        [(), (2,)],
    ),
    ("np.array of arrays", lambda x: np.array([x, 2 * x]) * 1.5, [(3,)]),
    ("np.asarray", lambda x: np.exp(np.asarray(x)) + np.array(x) ** 2 + np.asanyarray(x), [(3,)]),
    ("np.asarray of number", lambda x: np.asarray(x) ** 2 + np.array(x), [()]),
    ("np.array norm", lambda x: np.linalg.norm(np.array([x[0], x[1]])), [(3,)]),
    (
        "np.array max",
        lambda x: np.sum(np.array([x[0], x[1]])) + np.prod(np.array([x[0], x[1]])),
        [(3,)],
    ),
    ("list", lambda x: [x[0], 2 * x[1], 3.0], [(3,)]),
    ("tuple", lambda x: (x, x**2), [(3,)]),
    ("nested lists", lambda x: [[x[0], 1], [2, x[1]]], [(3,)]),
    ("list of arrays", lambda x: [x, np.ones(3), [1, 2, 3]], [(3,)]),
    ("list operand", lambda x: np.add(x, [x[0], 1, 2]) * [x[1], x[2], 0], [(3,)]),
    ("sum of generator", lambda x: sum(v**2 for v in x), [(3,)]),
    ("constant result", lambda _: np.ones(3), [(3,)]),
    ("number result", lambda _: 2, [(3,)]),
    ("vectorize", lambda x: np.vectorize(lambda v: v**2 + 1)(x), [(3,)]),
    ("tolist", lambda x: x.tolist(), [(2, 3)]),
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    rng = np.random.default_rng(zlib.crc32(name.encode()))  # the same whatever runs before
    for _ in range(3):
        points = [rng.normal(size=shape) if shape else rng.normal() for shape in shapes]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of log(0) and 1 / 0 in cases that mean it
            wanted = np.asarray(function(*map(copy.copy, points)), dtype=np.float64)
        got = traced(function, *points)
        assert got.shape == wanted.shape
        # 4 ulp an operation, some ten operations, cancelling sums of numbers below about 100
        np.testing.assert_allclose(got, wanted, rtol=2e-13, atol=2e-13)


def test_every_name_is_tested_once():
    names = [c[0] for c in CASES]
    assert sorted(names) == sorted(set(names))


special = pytest.importorskip("scipy.special")
SPECIAL = [
    ("expit", lambda x: special.expit(x) + special.log_expit(x)),
    ("logit", lambda x: special.logit(special.expit(x))),
    ("erf", lambda x: special.erf(x) + special.erfc(x) + special.ndtr(x)),
    (
        "gammaln",
        lambda x: special.gammaln(abs(x)) + special.digamma(abs(x)) + special.psi(2 + x**2),
    ),
    (
        "xlogy",
        lambda x: special.xlogy(x, abs(x)) + special.xlog1py(x, x**2) + special.xlogy(0, 0 * x),
    ),
    ("entropies", lambda x: special.entr(abs(x)) + special.rel_entr(x**2, 2 + x)),
    ("kl_div", lambda x: special.kl_div(x**2, abs(x))),
    ("huber", lambda x: special.huber(0.7, x) + special.pseudo_huber(0.7, x)),
    ("exprel", lambda x: special.exprel(x) + special.exprel(0 * x) + special.exp10(x)),
    ("own copies", lambda x: special.cbrt(x) + special.expm1(x) + special.exp2(x)),
]


@pytest.mark.parametrize(("name", "function"), SPECIAL, ids=[c[0] for c in SPECIAL])
def test_scipy_ufuncs_are_known_by_name(name, function):
    x = np.random.default_rng(zlib.crc32(name.encode())).normal(size=7)
    np.testing.assert_allclose(traced(function, x), function(x), rtol=2e-12, atol=2e-13)


# ---- refusals ------------------------------------------------------------------------------------


def with_if(x):
    if x > 0:
        return x
    return -x


def with_while(x):
    while x > 0:
        x = x - 1
    return x


def fill(x):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x[i] ** 2
    return out.sum()


def fill_like(x):
    out = np.empty_like(x)
    out[:] = x
    return out


def store(x):
    x[0] = 1.0
    return x


def add_to_array(x):
    total = np.zeros(3)
    total += x
    return total


# name, function, shapes, what the message says
REFUSED = [
    ("if", with_if, [()], "`if x > 0`", "np.where"),
    ("while", with_while, [()], "`while x > 0`", "for"),
    ("conditional", lambda x: x if x > 0 else -x, [()], "if x > 0 else", "np.where"),
    ("and", lambda x: x > 0 and x, [()], "truth value", "a & b"),
    ("not", lambda x: not x, [()], "`not x`", "~a"),
    ("chain", lambda x: x * (0 < x < 1), [()], "`0 < x < 1`", "(a < x) & (x < b)"),
    ("comprehension", lambda x: sum(v for v in x if v > 0), [(3,)], "`v > 0`", "np.where"),
    ("in", lambda x: 3.0 in x, [(3,)], "`3.0 in x`", "np.any"),
    ("builtin max", lambda x: max(x[0], 0), [(3,)], "`max(x[0], 0)`", "np.maximum"),
    ("builtin any", lambda x: any(x > 0), [(3,)], "`any(x > 0)`", "np.any"),
    ("sorted", lambda x: sorted(x), [(3,)], "`sorted(x)`", ""),
    ("math.exp", lambda x: math.exp(x), [()], "`math.exp(x)`", "np.exp"),
    ("math.atan2", lambda x: math.atan2(x, 1), [()], "`math.atan2(x, 1)`", "np.arctan2"),
    ("math.lgamma", lambda x: math.lgamma(x), [()], "math.lgamma", "scipy.special.gammaln"),
    ("float", lambda x: float(x), [()], "`float(x)`", "Leave out float(...)"),
    ("int", lambda x: int(x), [()], "`int(x)`", "np.trunc"),
    ("complex", lambda x: complex(x), [()], "`complex(x)`", "Leave"),
    ("item", lambda x: x.item(), [()], "x.item()", ""),
    ("format", lambda x: f"{x:.3f}", [()], "needs a number", ""),
    ("range", lambda x: list(range(x)), [()], "`range(x)`", "np.where"),
    ("list index", lambda x: [1, 2][x], [()], "[1, 2][x]", "np.where"),
    ("array index", lambda x: BIG[x], [()], "BIG[x]", "np.where"),
    ("fill", fill, [(3,)], "`out[i] = ...`", "np.stack"),
    ("fill all", fill_like, [(3,)], "`out[:] = ...`", "np.stack"),
    ("store", store, [(3,)], "x[i] = ...", "np.where"),
    ("add to an array", add_to_array, [(3,)], "out", "a = a + x"),
    (
        "out",
        lambda x: np.add(x, 1, out=np.zeros(3)),
        [(3,)],
        "np.add(..., out=)",
        "the return value",
    ),
    ("out by position", lambda x: np.sum(x, 0, None, np.zeros(())), [(3,)], "out", ""),
    ("where", lambda x: np.exp(x, where=MASK), [(3,)], "np.exp(..., where=)", "np.where"),
    ("where of sum", lambda x: np.sum(x, where=MASK), [(3,)], "np.sum(..., where=)", "np.where"),
    ("dtype", lambda x: np.sum(x, dtype=np.float32), [(3,)], "dtype", "float64"),
    ("initial", lambda x: np.max(x, initial=0.0), [(3,)], "np.max(..., initial=)", ""),
    ("astype", lambda x: x.astype(int), [(3,)], "astype(int64)", "np.trunc"),
    ("mask", lambda x: x[x > 0], [(3,)], "traced index", "np.where(mask, x, 0)"),
    ("index", lambda x: x[[x[0], 1]], [(3,)], "traced index", "np.where"),
    (
        "np.where of one",
        lambda x: np.where(x > 0),
        [(3,)],
        "np.where(condition)",
        "np.where(condition, a, b)",
    ),
    ("det", lambda x: np.linalg.det(x), [(2, 2)], "np.linalg.det", "no traced form"),
    ("solve", lambda x: np.linalg.solve(np.eye(2), x), [(2,)], "np.linalg.solve", "invert"),
    ("inv", lambda x: np.linalg.inv(x), [(2, 2)], "np.linalg.inv", "no traced form"),
    ("norm 2", lambda x: np.linalg.norm(x, 2), [(2, 2)], "np.linalg.norm", "singular values"),
    ("median", lambda x: np.median(x), [(3,)], "np.median", "no traced form"),
    ("sort", lambda x: np.sort(x), [(3,)], "np.sort", "no traced form"),
    ("isclose", lambda x: np.isclose(x, 1), [(3,)], "np.isclose", "tolerance"),
    ("interp table", lambda x: np.interp(0.5, XP, x), [(4,)], "np.interp", "constants"),
    ("ufunc unknown", lambda x: np.nextafter(x, 1), [(3,)], "np.nextafter", "no traced form"),
    ("ufunc.at", lambda x: np.add.at(x, [0], 1), [(3,)], "np.add.at", "no traced form"),
    ("minimum.accumulate", lambda x: np.minimum.accumulate(x), [(3,)], "np.minimum.accumulate", ""),
    ("frompyfunc", lambda x: np.frompyfunc(abs, 1, 1)(x), [(3,)], "ufunc abs", "no traced form"),
    ("method", lambda x: x.argsort(), [(3,)], "no method `argsort`", ""),
    ("attribute", lambda x: x.wings, [(3,)], "no attribute `wings`", ""),
    ("array dtype", lambda x: np.array([x[0], 1], dtype=float), [(3,)], "np.array", "np.stack"),
    ("asarray dtype", lambda x: np.asarray(x, dtype=float), [(3,)], "np.asarray", "np.stack"),
    ("object function", lambda x: np.sin(np.array([1.0, x[0]])), [(3,)], "np.sin", "np.stack"),
    (
        "object compare",
        lambda x: np.maximum(np.array([x[0], x[1]]), 0),
        [(3,)],
        "np.maximum",
        "np.stack",
    ),
    (
        "object method",
        lambda x: np.arctan2(np.array([x[0], 1.0]), 2),
        [(3,)],
        "arctan2",
        "np.stack",
    ),
    ("object signs", lambda x: np.signbit(np.array([x[0], x[1]])), [(3,)], "signbit", "np.stack"),
    ("trace", lambda x: x.trace(), [(3, 3)], "x.trace()", "np.trace(x)"),
    ("object mean", lambda x: np.mean(np.array([x[0], x[1]])), [(3,)], "np.mean", "np.stack"),
    ("object max", lambda x: np.max(np.asarray(x)), [(3,)], "np.max", "leave out np.asarray(x)"),
    (
        "object table",
        lambda x: np.interp(np.asarray(x), XP, FP),
        [(3,)],
        "np.interp",
        "leave out np.asarray(x)",
    ),
    ("hash", lambda x: {x: 1}, [(3,)], "unhashable", ""),
    ("complex", lambda x: x * 1j, [(3,)], "expected real numbers, got", "real and imaginary parts"),
    ("pandas method", lambda x: x.abs(), [(3,)], "no attribute `abs`", "np.abs(x)"),
    ("argument too many", lambda x: np.fix(x, x), [(3,)], "np.fix(..., out=)", "the return value"),
    ("tolerance", lambda x: np.real_if_close(x, 100), [()], "np.real_if_close(..., tol=)", ""),
    (
        "piecewise of integers",
        lambda x: np.piecewise(np.arange(3), [x > 0], [lambda v: 0.5 * v]),
        [(3,)],
        "truncates its values to integers",
        "np.where",
    ),
    ("modular power", lambda x: pow(x, 2, 5), [()], "pow", "integers"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    with pytest.raises(TraceError) as raised:
        failing(function, *shapes)
    message = str(raised.value)
    assert message.startswith("cannot trace ")
    assert what in message
    assert instead in message
    assert f'"{__file__}", line ' in message
    assert "trace=False" in message


@pytest.mark.parametrize(
    "name",
    ["logaddexp", "modf", "copysign", "heaviside", "signbit", "divmod", "ndtr", "expit", "xlogy"],
)
def test_ufuncs_that_take_no_objects_say_so(name):
    """NumPy's and SciPy's error after np.asarray(x) is a TypeError that names no line."""
    ufunc = getattr(np, name, None) or getattr(special, name)
    others = [2.0] * (ufunc.nin - 1)
    with pytest.raises(TraceError, match=r"object array.*leave out np\.asarray\(x\)") as raised:
        failing(lambda x: ufunc(np.asarray(x), *others), (3,))
    assert f'"{__file__}", line ' in str(raised.value)


BY_PYTHONS_RULES = {
    "logical_or.reduce": lambda x: np.sum(np.logical_or.reduce([THREE, x]) * x),
    "logical_and.reduce": lambda x: np.sum(np.logical_and.reduce([THREE, x]) * x),

    "logical_or": lambda x: np.sum(np.logical_or([3.0, 2.0], np.array([x[0], 1.0])) * x[1]),
}  # fmt: skip
THREE = np.array([5.0, 2.0, 0.0])


@pytest.mark.parametrize("case", BY_PYTHONS_RULES)
def test_what_numpy_decides_of_objects_is_refused(case):
    """`2.0 or x` is 2.0 and no truth value; no traced value hears of it."""
    for point in (np.full(3, 0.5), np.ones(3)):
        with pytest.raises(TraceError, match=r"for numbers, but its trace gives .* objects"):
            tw.objective(BY_PYTHONS_RULES[case], point)


def test_what_numpy_decides_of_objects_is_refused_where_few_numbers_have_a_value():
    """Arcsin is NaN at most points; NumPy's reduction of one element is the element itself."""

    def decided(x):
        return np.sum(1.0 * np.logical_and.reduce([x, 0.1 * x], axis=-1))

    def narrow(x):
        return decided(x) + np.sum(np.arcsin(1.5 + x / 1000))

    with pytest.raises(TraceError, match=r"for numbers, but its trace gives .* objects"):
        tw.objective(narrow, np.array([-900.0]))
    t = np.linspace(1, 2, 9)
    with pytest.raises(TraceError, match=r"returns .* for numbers"):
        tw.curve_fit(lambda t, a: decided(np.stack([a])) * t * np.sqrt(-1.0 - a), t, t, [-1.5])


def test_a_sum_that_cancels_is_not_refused_for_its_rounding():
    """It is 1e-14 for numbers, and another 1e-14 in its trace, which sums in another order."""

    def f(x):
        rest = x - x.mean(keepdims=True)
        return np.sum([rest, rest])

    x = np.linspace(0.1, 2.0, 63)
    assert abs(tw.objective(f, x)(x)) < 1e-12


def test_what_is_refused_of_objects_is_refused_in_models():
    t = np.linspace(1, 2, 9)

    def model(t, a, b):
        return np.logical_or.reduce([t, a + 0 * t]) * a + b * t

    for fit in (tw.curve_fit, tw.curve_fit_many):
        with pytest.raises(TraceError, match=r"returns .* for numbers"):
            fit(model, t, t)


def test_functions_of_objects_are_called_once_more_and_others_are_not():
    calls = []

    def f(x):
        calls.append(type(x))
        return np.sum(np.array([x[0], 2.0, x[1]]) ** 2)

    assert tw.objective(f, [1.0, 2.0])([3.0, 4.0]) == 29
    assert calls[0] is Tracer
    assert set(calls[1:]) == {np.ndarray}
    del calls[:]
    tw.objective(lambda x: (calls.append(1), np.sum(x**2))[1], [1.0, 2.0])
    assert calls == [1]


def test_what_is_not_for_numbers_is_not_checked_by_them():
    def f(x):
        y = np.array([x[0], 2.0])
        return x.trace.graph and np.sum(y) if isinstance(x, Tracer) else 1 / 0

    assert tw.objective(f, [1.0, 2.0])([3.0, 4.0]) == 5


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.tile(x, x), lambda x: np.repeat(x, x), lambda x: np.take(x, x),
        lambda x: np.split(x, x[:1])[0], lambda x: np.array_split(x, x[0])[0],
        lambda x: np.moveaxis(x, x[0], 0), lambda x: np.delete(x, x),
    ],
)  # fmt: skip
def test_counts_and_positions_must_be_known(function):
    with pytest.raises(TraceError, match="Indices, lengths and counts must be numbers"):
        failing(function, (3,))


def test_zeros_like_a_list_of_traced_values_are_numbers():
    x = np.array([0.3, -0.2])
    F = tw.objective(lambda x: np.sum(tw.losses.logistic(x, np.zeros_like([x[0], x[1]]))), x)
    assert F(x) == pytest.approx(np.sum(np.log1p(np.exp(x))), rel=1e-15)
    with pytest.raises(TypeError, match="labels must be numbers"):
        tw.losses.logistic(x, np.array(["a", None]))


def test_diff_of_order_0_takes_any_axis():
    np.testing.assert_array_equal(traced(lambda x: np.diff(x, 0, axis=7), A3), A3)


def test_what_asarray_took_apart_is_put_together_again():
    def nodes(function, shape):
        trace = Trace()
        x = trace.input(0, shape)
        before = [len(trace.graph) for _ in np.asarray(x).flat][-1]
        made = trace.wrap(function(x))
        return len(trace.graph) - before, made.shape

    n = 500
    assert nodes(lambda x: x * np.asarray(x), (n,)) == (1, (n,))
    assert nodes(lambda x: x + np.asarray(x).T, (20, 20)) == (2, (20, 20))
    assert nodes(lambda x: x[1:] * np.asarray(x)[:-1], (n,)) == (3, (n - 1,))
    assert nodes(lambda x: np.asarray(x).reshape(5, -1), (n,)) == (1, (5, n // 5))
    points = rng.normal(size=(3, 4))
    for function in (
        lambda x: x * np.asarray(x)[::-1],
        lambda x: np.asarray(x)[:, [0, 2, 2]] + x[:, :3],
        lambda x: np.stack([np.asarray(x)[0], x[1] * 2.0]),
        lambda x: np.asarray([x[0, 0], 2.0, x[1, 1]]) * x[:, :3],
    ):
        np.testing.assert_array_equal(traced(function, points), function(points))


def test_asarray_costs_as_much_as_its_elements():
    """A gradient of 20,000 elements taken one by one took 3 s."""
    F = tw.objective(lambda x: np.sum(np.asarray(x) * x + x), np.ones(20_000))
    assert F.grad(np.full(20_000, 2.0)) == pytest.approx(np.full(20_000, 5.0), abs=0)
    assert len(F._graph) < 20_030


def test_error_names_function_and_line():
    first = with_if.__code__.co_firstlineno
    with pytest.raises(TraceError, match=f'in with_if .*test_trace.py", line {first + 1}\\)'):
        failing(with_if, ())


def test_place_is_the_users_also_inside_numpy():
    def inner(v):
        return v if v > 0 else -v

    with pytest.raises(TraceError, match="in inner "):
        failing(lambda x: np.vectorize(inner)(x), (3,))


def test_refusal_without_source_is_generic():
    scope = {}
    exec(compile("def f(x):\n    return x if x > 0 else 0", "<nowhere>", "exec"), scope)
    with pytest.raises(TraceError, match=r"a truth value in f .*<nowhere>.*line 2.*np\.where"):
        failing(scope["f"], ())


def test_assert_is_named():
    # pytest rewrites the asserts of a test file, so this one is compiled by itself
    lines = ["def f(x):\n", "    assert x > 0\n", "    return x\n"]
    linecache.cache["asserting.py"] = (len(lines), None, lines, "asserting.py")
    scope = {}
    exec(compile("".join(lines), "asserting.py", "exec"), scope)
    with pytest.raises(TraceError, match=r"`assert x > 0` in f \("):
        failing(scope["f"], ())


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "index",
        lambda x: x[3],
        [(3,)],
        IndexError,
        "index 3 is out of bounds for axis 0 with size 3",
    ),
    ("negative index", lambda x: x[-4], [(3,)], IndexError, "index -4 is out of bounds"),
    (
        "matrix index",
        lambda x: x[0, 7],
        [(2, 3)],
        IndexError,
        "index 7 is out of bounds for axis 1 with size 3",
    ),
    ("array of indices", lambda x: x[[0, 9]], [(3,)], IndexError, "index 9 is out of bounds"),
    ("too many indices", lambda x: x[0, 0], [(3,)], IndexError, "too many indices for array"),
    ("float index", lambda x: x[1.0], [(3,)], IndexError, "only integers, slices"),
    (
        "wrong mask",
        lambda x: x[np.array([True, False])],
        [(3,)],
        IndexError,
        "boolean index did not match",
    ),
    (
        "broadcast",
        lambda x: x + np.ones(4),
        [(3,)],
        ValueError,
        r"operands could not be broadcast together with shapes \(3,\) \(4,\)",
    ),
    (
        "reshape",
        lambda x: x.reshape(2, 2),
        [(3,)],
        ValueError,
        "cannot reshape array of size 3 into shape",
    ),
    (
        "axis",
        lambda x: np.sum(x, axis=1),
        [(3,)],
        ValueError,
        "axis 1 is out of bounds for array of dimension 1",
    ),
    ("axis twice", lambda x: np.sum(x, axis=(0, 0)), [(3,)], ValueError, "repeated axis"),
    ("empty max", lambda x: np.max(x[:0]), [(3,)], ValueError, "zero-size array"),
    ("matmul", lambda x: x @ np.ones(4), [(3,)], ValueError, "mismatch in its core dimension"),
    ("matmul of a number", lambda x: x @ x, [()], ValueError, "does not have enough dimensions"),
    ("dot", lambda x: np.dot(x, np.ones(4)), [(3,)], ValueError, "not aligned"),
    (
        "concatenate",
        lambda x: np.concatenate([x, np.ones((2, 2))]),
        [(3,)],
        ValueError,
        "all the input array dimensions",
    ),
    (
        "concatenate numbers",
        lambda x: np.concatenate([x, x]),
        [()],
        ValueError,
        "zero-dimensional arrays",
    ),
    (
        "stack",
        lambda x: np.stack([x, x[:2]]),
        [(3,)],
        ValueError,
        "all input arrays must have the same shape",
    ),
    ("einsum", lambda x: np.einsum("ij->i", x), [(3,)], ValueError, "dimensions"),
    ("einsum output", lambda x: np.einsum("i->j", x), [(3,)], ValueError, "output subscript 'j'"),
    ("einsum sizes", lambda x: np.einsum("i,i", x, np.ones(4)), [(3,)], ValueError, "axis 'i'"),
    (
        "tensordot",
        lambda x: np.tensordot(x, np.ones(4), 1),
        [(3,)],
        ValueError,
        "shape-mismatch for sum",
    ),
    ("cross", lambda x: np.cross(x, x), [(4,)], ValueError, "dimensional"),
    ("split", lambda x: np.split(x, 2), [(3,)], ValueError, "equal division"),
    ("squeeze", lambda x: np.squeeze(x, 0), [(3,)], ValueError, "size not equal to one"),
    ("broadcast_to", lambda x: np.broadcast_to(x, (4,)), [(3,)], ValueError, "broadcast"),
    ("ragged", lambda x: np.add(x, [x[0], x]), [(3,)], ValueError, "inhomogeneous"),
    ("string", lambda x: x * "a", [(3,)], TypeError, "expected real numbers"),
    ("none", lambda x: x + None, [(3,)], TypeError, "expected real numbers, got NoneType"),
    ("date", lambda x: x + np.array(["2020-01-01"], "M8[D]"), [(1,)], TypeError, "datetime64"),
    (
        "long double",
        lambda x: x + np.ones(3, np.longdouble) / 3,
        [(3,)],
        TypeError,
        "float64 cannot represent",
    ),
    ("huge int", lambda x: x + 10**400, [(3,)], OverflowError, "too large"),
    (
        "masked array",
        lambda x: x + np.ma.masked_array([1.0, 2, 3], [0, 1, 0]),
        [(3,)],
        TypeError,
        "masked array",
    ),
    ("boolean minus", lambda x: (x > 0) - (x < 0), [(3,)], TypeError, "boolean subtract"),
    ("boolean negative", lambda x: -(x > 0), [(3,)], TypeError, "boolean negative"),
    ("float and", lambda x: x & (x > 0), [(3,)], TypeError, "truth values"),
    ("float not", lambda x: ~x, [(3,)], TypeError, "truth value"),
    (
        "piecewise of columns",
        lambda x: np.piecewise(x, [np.ones(4, bool)], [1.0]),
        [(3, 4)],
        IndexError,
        "condition",
    ),
    ("vecdot", lambda x, y: np.vecdot(x, y), [(3, 1), (3,)], ValueError, "vecdot"),
    ("length", lambda x: len(x), [()], TypeError, r"len\(\) of unsized object"),
    ("iteration", lambda x: list(x), [()], TypeError, "iteration over a 0-d array"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    with pytest.raises(error, match=text) as raised:
        failing(function, *shapes)
    assert not isinstance(raised.value, TraceError)


@pytest.mark.parametrize(
    ("result", "error", "text"),
    [
        (None, TypeError, "got None: is a `return` missing"),
        ("abc", TypeError, "got str"),
        ({"a": 1}, TypeError, "got dict"),
        ([1.0, [2.0, 3.0]], ValueError, "inhomogeneous"),
        (1j, TypeError, "complex128"),
    ],
)
def test_results_that_are_no_numbers_are_refused(result, error, text):
    with pytest.raises(error, match=text):
        output_node(Trace(), result)


def test_value_of_another_trace_is_refused():
    kept = []
    failing(kept.append, (3,))
    for function in (lambda x: x + kept[0], lambda x: np.add(kept[0], x), lambda x: [x, kept[0]]):
        with pytest.raises(TraceError, match="another trace"):
            traced(function, np.ones(3))


def test_errors_of_the_users_own_come_through():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        failing(broken, (3,))
    with pytest.raises(TypeError, match="unsupported operand") as raised:
        failing(lambda _: "a" - 1, (3,))
    assert not isinstance(raised.value, TraceError)


# ---- what a traced value is ----------------------------------------------------------------------


def test_attributes_are_numpys():
    x = Trace().input(0, (2, 3))
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x.dtype == np.float64
    assert (x > 0).dtype == np.bool_
    assert x.T.shape == (3, 2)
    assert repr(x) == "<traced float64 array of shape (2, 3)>"
    assert f"{x}" == repr(x)


def test_truth_values_stay_truth_values():
    x = Trace().input(0, (3,))
    truth = x > 0
    for kept in (truth[0], truth[::2], truth[[0, 1]], ~truth, truth & MASK, MASK | truth, truth.T):
        assert isinstance(kept, Truth)
    for kept in (np.where(truth, truth, False), np.stack([truth, truth]), truth.reshape(3, 1)):
        assert isinstance(kept, Truth)
    for number in (truth + 1, truth * x, np.sum(truth), truth.astype(float), np.exp(truth)):
        assert not isinstance(number, Truth)


def test_square_and_roots_have_their_own_operations():
    def kind(y):
        return y.trace.graph.describe(y.node)[1]

    x = Trace().input(0, (3,))
    assert [kind(y) for y in (x**2, x**2.0, np.power(x, 2), np.square(x))] == ["square"] * 4
    assert [kind(y) for y in (x**0.5, np.sqrt(x))] == ["sqrt"] * 2
    assert kind(x**-1) == "reciprocal"
    assert kind(x**3) == "power"
    assert (x**1).node == x.node


def test_equal_expressions_are_one_node():
    x = Trace().input(0, (3,))
    assert (x + 1).node == (x + 1.0).node == np.add(x, 1).node
    assert (x * A3).node == (x * A3.copy()).node
    assert (x * [1, 2, 3]).node == (x * np.array([1.0, 2, 3])).node


def test_small_constants_are_copied_and_large_ones_referenced():
    small, large = np.ones(16), np.ones(17)
    trace = Trace()
    x, y = trace.input(0, (16,)), trace.input(1, (17,))
    nodes = [(x * small).node, (y * large).node]
    small[:], large[:] = 5.0, 5.0
    program = _core.Function(trace.graph, nodes, 2)
    first, second = program([np.ones((1, 16)), np.ones((1, 17))], [True, True], 1)
    assert first[0, 0] == 1.0
    assert second[0, 0] == 5.0


def test_loop_over_elements_is_linear():
    def nodes(n):
        trace = Trace()
        accumulate_in_loop(trace.input(0, (n,)))
        return len(trace.graph)

    assert nodes(4000) == 2 * nodes(2000) - 2


def gradient(function, x):
    trace = Trace()
    node = output_node(trace, trace_call(trace, function, [trace.input(0, x.shape)]))
    g = trace.graph.gradient(node, 0)
    (out,) = _core.Function(trace.graph, [g], 1)([x[None]], [True], 1)
    return out[0]


@pytest.mark.parametrize("function", [np.linalg.norm, np.std, lambda x: np.linalg.norm(x, 3)])
def test_slope_of_norm_and_std_is_zero_at_zero(function):
    assert np.array_equal(gradient(function, np.zeros(3)), np.zeros(3))
    assert np.all(np.isnan(traced(function, np.array([1.0, np.nan, 2.0]))))


def test_values_at_the_edges_are_numpys():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324])
    for function in (
        lambda x: np.interp(x, XP, FP, left=7.0),
        lambda x: np.nan_to_num(x),
        lambda x: np.clip(x, -1, 1),
        lambda x: np.cumsum(x[:2]),
        lambda x: np.round(x),
        lambda x: np.logaddexp.reduce(x[[3, 3]]),
        lambda x: np.stack(np.modf(x)),
        lambda x: np.pad(x, 2),
    ):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(traced(function, x), function(x))


def test_tracer_is_no_sequence_without_axes():
    x = Trace().input(0, ())
    assert np.array([x, x]).shape == (2,)
    assert np.array([x, x]).dtype == object
    assert isinstance(np.array([x, 1.0])[0], Tracer)
