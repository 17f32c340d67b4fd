# SPDX-License-Identifier: BSD-3-Clause
"""Arrays joined, padded and rolled, against NumPy's own values."""

import numpy as np
import pytest
from traced_values import A3, M34, check_mistake, check_value, failing, traced

from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace, Truth

# name, function, shapes of its arguments. Where NumPy's value is a tuple the function stacks it.
CASES = [
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
]


@pytest.mark.parametrize(("name", "function", "shapes"), CASES, ids=[c[0] for c in CASES])
def test_traced_value_is_numpys(name, function, shapes):
    check_value(name, function, shapes)


# name, function, shapes, error, what NumPy says
WRONG = [
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
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "error", "text"), WRONG, ids=[c[0] for c in WRONG]
)
def test_what_is_wrong_says_what_numpy_says(name, function, shapes, error, text):
    check_mistake(function, shapes, error, text)


MISTAKES = {
    "nothing": (
        lambda x: np.concatenate([]) if isinstance(x, np.ndarray) else np.concatenate(x[:0]),
        "need at least one array to concatenate",
    ),
    "axis": (
        lambda x: np.concatenate([x, x], axis=2),
        "axis 2 is out of bounds for array of dimension 2",
    ),
    "sizes": (
        lambda x: np.concatenate([x, x[:, :1]], axis=0),
        "along dimension 1, the array at index 0 has size 3 and the array at index 1 has size 1",
    ),
    "numbers of axes": (
        lambda x: np.concatenate([x, x[0]]),
        r"has 2 dimension\(s\) and the array at index 1 has 1 dimension",
    ),
    "stacked sizes": (lambda x: np.stack([x, x[:1]]), "all input arrays must have the same shape"),
    "axis of a stack": (
        lambda x: np.stack([x, x], axis=3),
        "axis 3 is out of bounds for array of dimension 3",
    ),
    "column": (
        lambda x: np.column_stack([x, x[0]]),
        "along dimension 0, the array at index 0 has size 2 and the array at index 1 has size 3",
    ),
    "shifts": (lambda x: np.roll(x, (1, 2, 3), axis=(0, 1)), "cannot be broadcast"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_numpy_refuses_to_join_is_refused(name):
    f, said = MISTAKES[name]
    with pytest.raises(ValueError, match=r"."):  # NumPy's text differs by its version
        f(np.ones((2, 3)))
    with pytest.raises(ValueError, match=said):
        failing(f, (2, 3))


def test_truth_values_stay_so_only_among_themselves():
    x = Trace().input(0, (3,))
    truth = x > 0
    for join in (np.concatenate, np.stack, np.hstack, np.vstack):
        assert isinstance(join([truth, ~truth]), Truth)
        assert not isinstance(join([truth, x]), Truth)


def test_joined_arrays_are_one_node_and_their_parts():
    trace = Trace()
    x, y = trace.input(0, (2, 3)), trace.input(1, (4, 3))
    before = len(trace.graph)
    joined = np.concatenate([x, y, x])
    assert (len(trace.graph) - before, joined.shape) == (1, (8, 3))
    assert trace.graph.describe(joined.node)[0] == "assemble"


@pytest.mark.parametrize("mode", ["maximum", "mean", "median", "minimum", "linear_ramp", "empty"])
def test_padding_by_values_that_are_computed_is_refused(mode):
    with pytest.raises(TraceError, match=rf"mode='{mode}'.*this mode has no traced form"):
        failing(lambda x: np.pad(x, 1, mode=mode), (3,))


PADS = {
    "one axis by name": lambda x: np.pad(x, {1: (1, 2)}),
    "last axis by name": lambda x: np.pad(x, {-1: 2}, constant_values=7.0),
    "symmetric": lambda x: np.pad(x, ((1, 2), (0, 3)), mode="symmetric"),
    "reflected oddly": lambda x: np.pad(x[:, :1], ((1, 0), (0, 0)), mode="reflect"),
    "nothing": lambda x: np.pad(x, 0),
    "no elements": lambda x: np.pad(x[:0], ((2, 1), (1, 0)), constant_values=3.0),
}


@pytest.mark.parametrize("name", PADS)
def test_widths_and_modes_of_pads(name):
    x = np.random.default_rng(4).normal(size=(2, 3))
    np.testing.assert_array_equal(traced(PADS[name], x), PADS[name](x))


BLOCKS = {
    "row": lambda x: np.block([x, 2 * x]),
    "numbers": lambda x: np.block([[1.0, 2.0], [3.0, x[0, 0]]]),
    "more axes than lists": lambda x: np.block([x[None], x[None]]),
    "lists and vectors": lambda x: np.block([[x], [x[0]]]),
    "three levels": lambda x: np.block([[[x, x]], [[x, x]]]),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_of_every_depth(name):
    x = np.random.default_rng(4).normal(size=(2, 3))
    np.testing.assert_array_equal(traced(BLOCKS[name], x), BLOCKS[name](x))


def test_rolls_by_whole_turns_make_no_node():
    trace = Trace()
    x = trace.input(0, (2, 3))
    assert np.roll(x, (2, -3), axis=(0, 1)) is x
    assert np.roll(x, 1, axis=()) is x
