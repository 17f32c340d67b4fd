# SPDX-License-Identifier: BSD-3-Clause
"""Nested values come together again as they were."""

from typing import NamedTuple

import pytest

from thalweg._tracing.nested import put_together, taken_apart


class Pair(NamedTuple):
    """Two values."""

    a: object
    b: object


@pytest.mark.parametrize(
    "value",
    [1.0, None, (), [], {}, (1.0, [2.0, {"a": 3.0, "b": None}]), Pair(1.0, Pair(2.0, [3.0]))],
)
def test_values_come_together_again(value):
    leaves, form = taken_apart(value)
    again = put_together(form, iter(leaves))
    assert again == value
    assert type(again) is type(value)


def test_leaves_are_in_order():
    assert taken_apart({"b": 1.0, "a": (2.0, [3.0])})[0] == [1.0, 2.0, 3.0]
    assert repr(taken_apart((1.0, [2.0]))[1]) == "(*, [*])"
