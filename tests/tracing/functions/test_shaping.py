# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's functions over shapes and axes, its errors included: what NumPy gives is what is traced.

Every function that takes an axis, a mode or several arrays meets every shape and axis of a list,
axes of length 0 and 1 and axes that do not exist among them.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
from traced_values import MASK, check_mistake, check_value, traced

SHAPES: tuple[tuple[int, ...], ...] = (
    (), (1,), (3,), (0,), (4, 3), (1, 3), (0, 3), (2, 4, 3),
)  # fmt: skip
RNG = np.random.default_rng(7)


def array(shape: tuple[int, ...]) -> Any:
    """Whole numbers, all of them different from their neighbours."""
    return RNG.permutation(np.arange(1.0, 1.0 + np.prod(shape, dtype=int))).reshape(shape)


AXES = (None, 0, 1, 2, -1, -2, (0, -1))

ALONG_AXES: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "ptp": np.ptp,
    "any": lambda x, axis: np.any(x > 2, axis),
    "all": lambda x, axis: np.all(x > 2, axis),
    "count_nonzero": lambda x, axis: np.count_nonzero(x > 2, axis),
    "nansum": np.nansum,
    "nanmean": np.nanmean,
    "sum, kept": lambda x, axis: np.sum(x, axis, keepdims=True),
    "norm": lambda x, axis: np.linalg.norm(x, axis=axis),
    "norm 1": lambda x, axis: np.linalg.norm(x, 1, axis=axis),
    "norm inf": lambda x, axis: np.linalg.norm(x, np.inf, axis=axis, keepdims=True),
    "vector_norm": lambda x, axis: np.linalg.vector_norm(x, axis=axis),
    "flip": np.flip,
    "squeeze": np.squeeze,
    "average": np.average,
    "add.reduce": lambda x, axis: np.add.reduce(x, axis),
    "maximum.reduce": lambda x, axis: np.maximum.reduce(x, axis=axis),
    "logaddexp.reduce": lambda x, axis: np.logaddexp.reduce(x, axis),
    "roll": lambda x, axis: np.roll(x, 2, axis),
    "expand_dims": np.expand_dims,
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "add.accumulate": lambda x, axis: np.add.accumulate(x, axis),
    "diff": lambda x, axis: np.diff(x, axis=axis),
    "diff 2": lambda x, axis: np.diff(x, 2, axis),
    "diff 3": lambda x, axis: np.diff(x, 3, axis),
    "diff, a number before": lambda x, axis: np.diff(x, axis=axis, prepend=2.0),
    "diff, itself behind": lambda x, axis: np.diff(x, axis=axis, append=x),
    "trapezoid": lambda x, axis: np.trapezoid(x, axis=axis),
    "trapezoid, dx": lambda x, axis: np.trapezoid(x, dx=0.5, axis=axis),
    "trapezoid, over itself": lambda x, axis: np.trapezoid(x, x, axis=axis),
    "repeat": lambda x, axis: np.repeat(x, 2, axis),
    "take": lambda x, axis: np.take(x, [0, -1, 0], axis),
    "delete": lambda x, axis: np.delete(x, 0, axis),
    "concatenate": lambda x, axis: np.concatenate([x, x], axis),
    "stack": lambda x, axis: np.stack([x, 2 * x], axis),
    "append": lambda x, axis: np.append(x, x, axis),
    "array_split": lambda x, axis: [np.sum(part) for part in np.array_split(x, 2, axis)],
    "split": lambda x, axis: [np.sum(part) for part in np.split(x, [1], axis)],
    "compress": lambda x, axis: np.compress([True], x, axis),
    "rollaxis": lambda x, axis: np.rollaxis(x, axis),
    "softmax": lambda x, axis: np.exp(x - np.max(x, axis, keepdims=True)),
}


def outcome(function: Callable[[], Any]) -> Any:
    """The value, or the error."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function(), dtype=np.float64)
    except (ValueError, TypeError, IndexError) as error:
        return error
    except ZeroDivisionError:  # np.average looks at the weights' values, which a trace has not
        return None


def agree(label: str, function: Callable[..., Any], *arguments: Any) -> None:
    """Which of its errors NumPy raises depends on its version; that it raises one does not."""
    wanted = outcome(lambda: function(*arguments))
    if wanted is None:
        return
    got = outcome(lambda: traced(function, *arguments))
    if isinstance(wanted, Exception) or isinstance(got, Exception):
        assert isinstance(wanted, Exception), f"{label}: {got!r}, NumPy gives {wanted!r}"
        assert isinstance(got, Exception), f"{label}: {got!r}, NumPy raises {wanted!r}"
        return
    assert got.shape == wanted.shape, f"{label}: {got.shape}, NumPy gives {wanted.shape}"
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13, err_msg=label)


@pytest.mark.parametrize("name", ALONG_AXES)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_functions_along_axes(name: str) -> None:
    function = ALONG_AXES[name]
    for shape, axis in product(SHAPES, AXES):
        agree(f"{shape} {axis}", lambda x, axis=axis: function(x, axis), array(shape))


PAIRS: dict[str, Callable[..., Any]] = {
    "dot": np.dot,
    "matmul": np.matmul,
    "inner": np.inner,
    "outer": np.outer,
    "vdot": np.vdot,
    "vecdot": np.vecdot,
    "kron": np.kron,
    "tensordot 0": lambda x, y: np.tensordot(x, y, 0),
    "tensordot 1": lambda x, y: np.tensordot(x, y, 1),
    "tensordot 2": lambda x, y: np.tensordot(x, y, 2),
    "tensordot, axes": lambda x, y: np.tensordot(x, y, ([0], [-1])),
    "cross": np.cross,
    "add": np.add,
    "where": lambda x, y: np.where(x > 2, x, y),
    "trapezoid, last": np.trapezoid,
    "trapezoid, first": lambda y, x: np.trapezoid(y, x, axis=0),
    "trapezoid, second": lambda y, x: np.trapezoid(y, x, axis=1),
    "trapezoid, last but one": lambda y, x: np.trapezoid(y, x, axis=-2),
    "trapezoid, dx": lambda y, x: np.trapezoid(y, dx=x),
    "trapezoid, dx, first": lambda y, x: np.trapezoid(y, dx=x, axis=0),
    "average, last": lambda x, w: np.average(x, -1, w),
    "average, first": lambda x, w: np.average(x, 0, w),
    "average, all": lambda x, w: np.average(x, weights=w),
    "polyval": np.polyval,
    "diff, before": lambda x, y: np.diff(x, prepend=y),
    "concatenate": lambda x, y: np.concatenate([x, y]),
    "concatenate, last": lambda x, y: np.concatenate([x, y], -1),
    "hstack": lambda x, y: np.hstack([x, y]),
    "vstack": lambda x, y: np.vstack([x, y]),
    "dstack": lambda x, y: np.dstack([x, y]),
    "column_stack": lambda x, y: np.column_stack([x, y]),
    "append": np.append,
    "block": lambda x, y: np.block([[x, y]]),
    "broadcast_arrays": lambda x, y: np.stack(np.broadcast_arrays(x, y)),
    "meshgrid": lambda x, y: np.stack(np.meshgrid(x, y)),
    "einsum": lambda x, y: np.einsum("...i,...i->...", x, y),
    "convolve, full": np.convolve,
    "convolve, same": lambda x, y: np.convolve(x, y, "same"),
    "convolve, valid": lambda x, y: np.convolve(x, y, "valid"),
    "correlate, full": lambda x, y: np.correlate(x, y, "full"),
    "correlate, same": lambda x, y: np.correlate(x, y, "same"),
    "correlate, valid": np.correlate,
    "add.outer": np.add.outer,
    "logaddexp": np.logaddexp,
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
def test_functions_of_two_arrays(name: str) -> None:
    for first, second in product(SHAPES, SHAPES):
        x, y = array(first), array(second)
        agree(f"{first} {second}", PAIRS[name], x, y)
        agree(f"{first} constant, {second}", partial(PAIRS[name], x), y)


ALONE: dict[str, Callable[..., Any]] = {
    "atleast_1d": np.atleast_1d,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "transpose": np.transpose,
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "rot90": np.rot90,
    "diagonal": np.diagonal,
    "diag": np.diag,
    "diag 1": lambda x: np.diag(x, 1),
    "diagflat": np.diagflat,
    "trace": np.trace,
    "tril": np.tril,
    "triu": lambda x: np.triu(x, 1),
    "tile": lambda x: np.tile(x, (2, 3)),
    "ravel": np.ravel,
    "ravel, F": lambda x: np.ravel(x, order="F"),
    "reshape": lambda x: np.reshape(x, (2, -1)),
    "resize": lambda x: np.resize(x, (3, 5)),
    "pad": lambda x: np.pad(x, 1),
    "pad, edge": lambda x: np.pad(x, 2, mode="edge"),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "interp": lambda x: np.interp(x, [1.0, 2.0, 4.5, 9.0], [0.0, 3.0, -1.0, 2.0]),
    "interp, ends": lambda x: np.interp(x, [2.0, 4.5], [3.0, -1.0], left=7.0, right=-7.0),
    "interp, period": lambda x: np.interp(x, [1.0, 2.0, 4.5], [0.0, 3.0, -1.0], period=3.0),
    "interp, one break": lambda x: np.interp(x, [2.0], [5.0]),
    "clip": lambda x: np.clip(x, 2, 4),
    "round": lambda x: np.round(x / 3, 1),
    "nan_to_num": np.nan_to_num,
    "first": lambda x: x[0],
    "last": lambda x: x[..., -1],
    "without the first": lambda x: x[..., 1:],
    "new axis": lambda x: x[None, ..., None],
    "iterated": lambda x: sum(row * row for row in x),
}


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_functions_of_one_array(name: str) -> None:
    for shape in SHAPES:
        agree(f"{shape}", ALONE[name], array(shape))


# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
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
    ("tile", lambda x: np.tile(x, 2)[1:4] + np.tile(x, (2, 1)), [(3,)]),
    ("repeat", lambda x: np.repeat(x, 2) + x.repeat(2) + np.repeat(x, [1, 3, 2]), [(3,)]),
    ("repeat axis", lambda x: np.repeat(x, 2, axis=0) + 1, [(2, 3)]),
    ("delete", lambda x: np.delete(x, 1) + np.delete(x, [0]), [(3,)]),
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
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name: str, function: Callable[..., Any], shapes: Any) -> None:
    check_value(name, function, shapes)


# name, function, shapes, error, what NumPy says
WRONG = [
    (
        "reshape",
        lambda x: x.reshape(2, 2),
        [(3,)],
        ValueError,
        "cannot reshape array of size 3 into shape",
    ),
    ("split", lambda x: np.split(x, 2), [(3,)], ValueError, "equal division"),
    ("squeeze", lambda x: np.squeeze(x, 0), [(3,)], ValueError, "size not equal to one"),
    ("broadcast_to", lambda x: np.broadcast_to(x, (4,)), [(3,)], ValueError, "broadcast"),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(
    name: str, function: Callable[..., Any], shapes: Any, error: type[Exception], text: str
) -> None:
    check_mistake(function, shapes, error, text)
