# SPDX-License-Identifier: BSD-3-Clause
"""Records: fields as attributes and keys, shown as rows of name and text."""

import dataclasses
import pickle

import numpy as np
import pytest

from thalweg._results.record import Record, Shown, any_active, restored, same, seconds, text


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0, "0 ns"), (5e-7, "500 ns"), (1.23456e-5, "12.3 µs"), (0.0123, "12.3 ms"),
     (1.5, "1.5 s"), (12345.6, "12346 s")],
)  # fmt: skip
def test_durations_are_told_in_a_fitting_unit(duration, text):
    assert seconds(duration) == text


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (-2e-9, "-2 ns"),
        (9.99e-7, "999 ns"),
        (1e-6, "1 µs"),
        (9.994e-4, "999 µs"),
        (0.25, "250 ms"),
        (1.0, "1 s"),
        (999.4, "999 s"),
        (1000.4, "1000 s"),
        (1e6, "1000000 s"),  # no exponent
    ],
)
def test_durations_about_the_borders_of_their_units(duration, said):
    assert seconds(duration) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (np.float32(0.5), "0.5"),
        (np.True_, "True"),
        (7, "7"),
        (np.array(2.5), "2.5"),
        (np.array([1, 2]), "[1, 2]"),
        (np.arange(100.0), "[ 0.,  1.,  2., ..., 97., 98., 99.]"),
        ((1.0,), "(1.0,)"),
        ((), "()"),
        ({}, "{}"),
        ({"a": (1.0, 2.0)}, "{a: (1.0, 2.0)}"),
        ({"W": np.eye(2), "b": 0.0}, "{W: [[1., 0.],\n     [0., 1.]],\n b: 0.0}"),
        (None, "None"),
    ],
    ids=str,
)
def test_texts_of_values(value, said):
    assert text(value) == said


def test_points_are_the_same_if_all_their_parts_are():
    a = {"W": np.eye(2), "b": (1.0, np.nan)}
    assert same(a, {"b": (1.0, np.nan), "W": np.eye(2)})
    assert not same(a, {"W": np.eye(2), "b": (1.0, 2.0)})
    assert not same(a, {"W": np.eye(2)})
    assert not same((1.0, 2.0), (1.0,))
    assert not same((1.0,), [1.0, 2.0])
    assert not same({"a": 1.0}, (1.0,))
    assert same(np.array([1.0]), [1.0])
    assert not same(np.ones(2), np.ones(3))


def test_a_mask_is_active_if_one_entry_is():
    assert not any_active(np.zeros(3))
    assert not any_active({"W": np.zeros((2, 2)), "b": (0, np.zeros(0))})
    assert any_active({"W": np.zeros((2, 2)), "b": (0, -1)})
    assert any_active(np.array([0, 1]))


class Pair(Shown):
    """Two rows, of which one has several lines."""

    def _rows(self):
        return [("a", "1"), ("longer", "[<1>\n 2]")]


def test_rows_are_aligned_and_lines_stand_below_one_another():
    assert repr(Pair()) == "     a: 1\nlonger: [<1>\n         2]"
    page = Pair()._repr_html_()
    assert page.count("<tr>") == 2
    assert "[&lt;1&gt;\n 2]" in page
    with pytest.raises(NotImplementedError):
        repr(Shown())


@dataclasses.dataclass(eq=False, repr=False)
class Point(Record):
    """A record with a field that users do not see."""

    x: np.ndarray
    fun: float = 0.0
    _hidden: int = 3


def test_fields_are_keys_but_for_hidden_ones():
    point = Point(np.ones(2), 1.5)
    assert list(point) == ["x", "fun"]
    assert len(point) == 2
    assert point["fun"] == point.fun == 1.5
    assert "_hidden" not in point
    for key in ("_hidden", "keys", "y"):
        with pytest.raises(KeyError, match=key):
            point[key]
    assert repr(point) == "  x: [1., 1.]\nfun: 1.5"


def test_records_are_equal_only_to_themselves():
    a, b = Point(np.ones(2)), Point(np.ones(2))
    assert a == a
    assert a != b
    assert len({a, b}) == 2


def test_records_are_restored_by_the_names_of_their_fields():
    """A field that was added after they were pickled has its default."""
    again = restored(Point, {"x": np.ones(2)})
    assert (again.fun, again._hidden) == (0.0, 3)
    point = pickle.loads(pickle.dumps(Point(np.ones(2), 2.5, _hidden=9)))
    assert (point.fun, point._hidden) == (2.5, 3)
    np.testing.assert_array_equal(point.x, np.ones(2))
