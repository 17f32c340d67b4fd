# SPDX-License-Identifier: BSD-3-Clause
"""Words of the command line: expressions, starts, bounds, shapes and ranges."""

import json
import math

import pytest
from command_cases import GD, fields, run

from thalweg.cli.words import (
    BadInputError,
    by_name,
    read_bounds,
    read_box,
    read_expression,
    read_number,
    read_numbers,
    read_shape,
    read_start,
)


def test_starts_may_be_expressions_and_expressions_may_begin_with_a_minus(capsys):
    status, out, _ = run(capsys, "minimize", "-cos(x)", "--start", "x=pi/8", *GD, "0.5")
    assert status == 0
    assert abs(float(fields(out)["x"])) < 1e-7
    assert run(capsys, "minimize", "-x * (1 - x)", "--start", "x=-1", *GD, "0.4")[0] == 0


def test_bounds_hold(capsys):
    words = ["minimize", "x + y**2", "--start", "x=2", "--start", "y=1", *GD, "0.1"]
    status, out, _ = run(capsys, *words, "--bounds", "x=0.5:", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["x"]["x"] == 0.5
    assert told["active_mask"] == {"x": -1, "y": 0}
    assert run(capsys, "minimize", "x", "--start", "x=0", *GD, 1, "--bounds", "x=-3:1")[0] == 0


# ---- one word at a time --------------------------------------------------------------------------


def said(call, *args):
    """The one line with which words are refused."""
    with pytest.raises(BadInputError) as caught:
        call(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_expressions_are_parsed_or_refused_by_what_they_are():
    assert read_expression("x**2 + y", "expression").variables == ("x", "y")
    assert said(read_expression, "x +", "--start x").startswith("--start x: cannot read 'x +'")


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3.0), (" -2.5e-3", -0.0025), ("pi/2", math.pi / 2), ("inf", math.inf)]
)
def test_numbers_may_be_expressions_of_numbers(text, value):
    assert read_number(text, "--gtol") == value


def test_a_variable_is_no_number():
    assert said(read_number, "2*a", "--start x") == "--start x must be a number, got '2*a'"


def test_words_are_split_by_name():
    assert by_name(["b = 2", "a=1=1"], "--start", ("a", "b")) == {"b": "2", "a": "1=1"}
    for word in ("a", "a=", "=1", " = "):
        assert said(by_name, [word], "--start", ("a",)).startswith("--start takes NAME=VALUE, got")
    assert said(by_name, ["c=1"], "--start", ("a", "b")) == (
        "--start c: the expression has no 'c'; it has a, b"
    )
    assert said(by_name, ["a=1", "a=2"], "--fixed", ("a",)) == "--fixed a is given twice"


def test_names_are_normalized_as_python_does():
    assert by_name(["ﬁt=1"], "--start", ("fit",)) == {"fit": "1"}


def test_a_start_has_a_finite_number_for_each_variable_in_their_order():
    assert read_start(["b=2", "a=pi"], ("a", "b")) == [math.pi, 2.0]
    assert said(read_start, ["b=2"], ("a", "b", "c")) == (
        "there is no start for a, c: add --start a=... --start c=..."
    )
    assert said(read_start, ["a=1/0"], ("a",)).startswith("--start a")


def test_bounds_may_lack_an_end_or_all():
    two = ("a", "b")
    assert read_bounds([], two, [0.0, 0.0]) is None
    assert read_bounds(["b=:3"], two, [0.0, 0.0]) == [(None, None), (None, 3.0)]
    assert read_bounds(["a=-1:", "b=0:0"], two, [0.0, 0.0]) == [(-1.0, None), (0.0, 0.0)]
    assert read_bounds(["a=:"], two, [0.0, 0.0]) == [(None, None), (None, None)]
    assert (
        said(read_bounds, ["a=1:2"], ("a",), [3.0]) == "--start a=3.0 lies outside --bounds a=1:2"
    )
    assert said(read_bounds, ["a=1"], ("a",), [1.0]) == "--bounds a takes LOW:HIGH, got '1'"
    assert said(read_bounds, ["a=3:1"], ("a",), [1.0]) == (
        "--bounds a: the lower bound 3.0 is above the upper 1.0"
    )


def test_a_box_has_two_finite_ends_for_each_variable():
    assert read_box(["b=0:1", "a=-pi:pi"], ("a", "b")) == [(-math.pi, math.pi), (0.0, 1.0)]
    assert said(read_box, ["b=0:1"], ("a", "b")) == (
        "there are no bounds for a: add --bounds a=LOW:HIGH"
    )
    assert "must be finite" in said(read_box, ["a=0:"], ("a",))


@pytest.mark.parametrize(
    ("text", "axes", "shape"),
    [("5x4", 2, (5, 4)), (" 7 ", 1, (7,)), ("2X3x4", 3, (2, 3, 4)), (None, 1, (512,)),
     (None, 2, (512, 512)), (None, 4, (512, 512, 2, 2)), (None, 0, ())],
)  # fmt: skip
def test_shapes_are_numbers_with_an_x_between_them(text, axes, shape):
    assert read_shape(text, axes) == shape


def test_shapes_of_other_kinds_are_refused():
    for text in ("4.5", "-3", "4x", "axb"):
        assert "whole numbers such as 512x512" in said(read_shape, text, 2)
    assert "for each of 2 variables that --bounds leave free, got '4'" in said(read_shape, "4", 2)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.5", 0.5),
        ("1,2,pi", [1.0, 2.0, math.pi]),
        ("0:1:3", [0.0, 0.5, 1.0]),
        ("1:0:2:lin", [1.0, 0.0]),
        ("0.01:1:3:log", [0.01, 0.1, 1.0]),
        (" 2 : 4 : 2 ", [2.0, 4.0]),
    ],
)
def test_values_of_hyper_parameters_are_one_a_list_or_a_range(text, values):
    assert read_numbers(text, "learning_rate") == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0:1", "--learning-rate takes LOW:HIGH:COUNT or LOW:HIGH:COUNT:log, got '0:1'"),
        ("0:1:3:cube", "takes LOW:HIGH:COUNT"),
        ("0:1:2.5", "takes LOW:HIGH:COUNT"),
        ("0:1:1", "two finite limits and a COUNT >= 2"),
        ("0:1:5:log", "the limits of a log range must be > 0"),
        ("1,,2", "--learning-rate"),
        ("a", "--learning-rate must be a number, got 'a'"),
    ],
)
def test_values_that_are_none_of_these_are_refused(text, words):
    assert words in said(read_numbers, text, "learning_rate")
