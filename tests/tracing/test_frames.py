# SPDX-License-Identifier: BSD-3-Clause
"""Functions of DataFrames and Series are those of their arrays."""

import operator

import numpy as np
import pytest

import thalweg as tw
from thalweg._tracing.frames import Frame, defer_to_traced_values
from thalweg._tracing.trace import Trace
from thalweg._tracing.tracer import Tracer

X = np.linspace(0.0, 1.0, 30)
LINE = 2 * X + 1


def line(x, a, b):
    return a * x + b


OPERATORS = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge",
                 "eq", "ne")
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("kind", ["Series", "DataFrame", "Index"])
def test_pandas_gives_way_to_traced_values_on_either_side(name, kind):
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    op, values = OPERATORS[name], np.array([0.5, 1.25, 1.5, 2.75])
    if kind == "DataFrame":
        values = values.reshape(2, 2)
    given = getattr(pandas, kind)(values)
    for a in (1.5, values[::-1].copy()):
        left, right = (
            tw.objective(lambda a: op(given, a), a),
            tw.objective(lambda a: op(a, given), a),
        )
        np.testing.assert_allclose(left(a), op(values, a), rtol=1e-15)
        np.testing.assert_allclose(right(a), op(a, values), rtol=1e-15)
        assert left.shape == right.shape == values.shape


W = np.array([1.0, 2.0])
FRAMES = {
    "product": lambda D, S, w: np.mean((D @ w - S) ** 2),
    "dot": lambda D, S, w: np.sum((S - D.dot(w)) ** 2),
    "series product": lambda D, S, w: S @ np.exp(w[0] * D["u"]) + S.dot(w[1] * S),
    "columns": lambda D, S, w: np.sum((D["u"] * w[0] + D.v * w[1] - S) ** 2),
    "broadcast": lambda D, S, w: np.sum(np.exp(-(D * w)) + w * D) + S.sum(),
    "transpose": lambda D, S, w: np.sum(w @ D.T) + np.sum(D.T @ (S * w[0])),
    "functions": lambda D, S, w: np.sum(np.maximum(D @ w, 0.5) + np.where(1.5 * w[0] < S, S, w[1])),
    "nullable": lambda D, S, w: np.sum((S.astype("Float64") * w[0] - D.u) ** 2),
    "joined": lambda D, S, w: np.sum(np.column_stack([D["u"] * w[0], S]) ** 2),
}


@pytest.mark.parametrize("case", FRAMES)
def test_functions_of_frames_are_those_of_their_arrays(case):
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    D, S = pandas.DataFrame({"u": X, "v": X**2}), pandas.Series(LINE)
    F = tw.objective(lambda w: FRAMES[case](D, S, w), W)
    assert F(W) == pytest.approx(float(FRAMES[case](D, S, W)), rel=1e-13)
    assert tw.check_grad(F, W).error < 1e-7


FRAME_ARGS = {
    "name": lambda X, w: X["u"] * w[0] - X.v * w[1],
    "names": lambda X, w: X[["v", "u"]] @ w,
    "product": lambda X, w: X @ w,
    "array": lambda X, w: X.values @ w + X.to_numpy() @ w,
    "means": lambda X, w: ((X - X.mean()) / X.std()) @ w + X.sum() @ w,
    "items": lambda X, w: sum(w[0] * c for _, c in X.items()),
    "sums": lambda X, w: (X * w).sum(axis=1),
}


@pytest.mark.parametrize("case", FRAME_ARGS)
def test_frames_in_args_have_their_columns_by_name(case):
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    f = FRAME_ARGS[case]
    first, second = (pandas.DataFrame({"u": X + k, "v": X**2 - k}) for k in range(2))
    F = tw.objective(lambda w, X: f(X, w), W, args=(first,))
    np.testing.assert_allclose(F(W), f(first, W), rtol=1e-12)
    np.testing.assert_allclose(F.with_args((second,))(W), f(second, W), rtol=1e-12)
    with pytest.raises(KeyError, match="nothing"):
        tw.objective(lambda w, X: X["nothing"] * w, W, args=(first,))


def test_gradients_take_frames_by_the_names_of_their_columns():
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    slope = tw.grad(lambda w, X: np.sum(X["u"] * w[0] + X["v"] * w[1]))
    first = pandas.DataFrame({"u": X, "v": X**2})
    for frame in (first, first[["v", "u"]], 2 * first):
        wanted = [frame["u"].sum(), frame["v"].sum()]
        np.testing.assert_allclose(slope(W, frame), wanted, rtol=1e-13)


def test_fits_of_series_and_frames():
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    D, S = pandas.DataFrame({"u": X, "one": X * 0 + 1}), pandas.Series(X)
    y = pandas.Series(LINE)
    both = lambda D, a, b: D["u"] * a + D["one"] * b  # noqa: E731
    np.testing.assert_allclose(tw.curve_fit(line, S, y)[0], [2, 1])
    np.testing.assert_allclose(tw.curve_fit(lambda x, a, b: x * a + b, S, y)[0], [2, 1])
    np.testing.assert_allclose(tw.curve_fit(both, D, y)[0], [2, 1])
    np.testing.assert_allclose(tw.curve_fit(lambda D, a, b: D @ [a, b], D, y)[0], [2, 1])
    np.testing.assert_allclose(tw.curve_fit(line, S.astype("Float64"), y.astype("Float64"))[0],
                               [2, 1])  # fmt: skip
    np.testing.assert_allclose(tw.curve_fit_many(line, S, pandas.DataFrame([LINE])).popt, [[2, 1]])
    gaps = y.where(y > 1.5)
    for f, x in ((line, S), (line, S.where(S < 0.9)), (both, D)):
        np.testing.assert_allclose(tw.curve_fit(f, x, gaps, nan_policy="omit")[0], [2, 1])
    with pytest.raises(ValueError, match="a Series or a DataFrame with a row for each, got dict"):
        tw.curve_fit(lambda x, a: a * x["t"], {"t": X}, gaps, nan_policy="omit")


def test_columns_are_found_by_name_and_by_attribute():
    x = Trace().input(0, (5, 3))
    frame = Frame.of(x, ["u", "v", "sum"])
    assert frame.shape == (5, 3)
    assert frame["v"].node == frame.v.node == x[:, 1].node
    assert frame[["v", "u"]].node == x[:, [1, 0]].node
    assert frame[1:].node == x[1:].node
    assert callable(frame.sum)  # a method hides the column of its name
    assert frame["sum"].node == x[:, 2].node
    assert [(name, c.node) for name, c in frame.items()] == [
        (name, x[:, k].node) for k, name in enumerate(["u", "v", "sum"])
    ]
    with pytest.raises(KeyError, match="w"):
        frame["w"]
    with pytest.raises(AttributeError, match="'Frame' has no attribute 'w'"):
        frame.w  # noqa: B018


def test_what_is_computed_from_a_frame_is_a_plain_array():
    frame = Frame.of(Trace().input(0, (5, 2)), ["u", "v"])
    for value in (frame["u"], frame[["u", "v"]], frame.T, frame + 1, frame.values, np.exp(frame)):
        assert type(value) is Tracer
    assert frame.to_numpy().node == frame.node


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "std", "var"])
def test_reductions_are_of_each_column_as_in_pandas(name):
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    table = np.random.default_rng(5).uniform(0.5, 1.5, (6, 3))
    given = pandas.DataFrame(table, columns=["a", "b", "c"])
    for axis in (0, 1):
        F = tw.objective(lambda _, D, a=axis: getattr(D, name)(axis=a), 0.0, args=(given,))
        np.testing.assert_allclose(F(0.0), getattr(given, name)(axis=axis), rtol=1e-14)
    F = tw.objective(lambda _, D: getattr(D, name)(), 0.0, args=(given,))
    np.testing.assert_allclose(F(0.0), getattr(given, name)(), rtol=1e-14)


def test_products_of_pandas_defer_once_and_multiply_as_before():
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    defer_to_traced_values()
    first = pandas.Series.dot
    defer_to_traced_values()
    assert pandas.Series.dot is first
    series, frame = pandas.Series([1.0, 2.0]), pandas.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    assert series @ series == series.dot(series) == 5.0
    np.testing.assert_array_equal(frame @ series, [5.0, 11.0])
    x = Trace().input(0, (2,))
    assert isinstance(series @ x, Tracer)
    assert (frame @ x).shape == (2,)


SELECTED = {
    "a number as a name": lambda D: D[10],
    "numbers as names": lambda D: D[[0, 10]],
    "an array of names": lambda D: D[np.array([10, 0])],
    "a NumPy number": lambda D: D[np.int64(10)],
    "some rows": lambda D: D[1:],
    "a mask": lambda D: D[np.array([True, False, True])],
    "a list of truth values": lambda D: D[[False, True, True]],
    "no names": lambda D: D[[]],
    "every name": lambda D: sum((k + 1) * D[name] for k, name in enumerate(D)),
    "another ddof": lambda D: D.std(ddof=0),
}


@pytest.mark.parametrize("name", SELECTED)
def test_numbers_name_columns_as_in_pandas(name):
    """Where they were positions of rows, the value was another and nobody said so."""
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    D = pandas.DataFrame(np.random.default_rng(1).normal(size=(3, 3)), columns=[10, 0, 20])
    F = tw.objective(lambda w, D: SELECTED[name](D) * w, 2.0, args=(D,))
    np.testing.assert_allclose(F(2.0), np.asarray(SELECTED[name](D)) * 2.0, rtol=1e-14)


def test_series_and_indices_select_as_in_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    D = pandas.DataFrame(np.random.default_rng(1).normal(size=(3, 2)), columns=["u", "v"])
    for index in (D.columns[::-1], D["u"] > 0, pandas.Series(["v", "u"])):
        F = tw.objective(lambda w, D, i=index: D[i] * w, 2.0, args=(D,))
        np.testing.assert_array_equal(F(2.0), D[index] * 2.0)


def test_names_that_are_no_columns_are_refused_as_in_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is optional: its arrays in functions")
    D = pandas.DataFrame(np.ones((3, 2)), columns=["u", "v"])
    for index in (0, -1, ["u", 0], np.array([0, 1]), 1.5, "w"):
        with pytest.raises(KeyError):
            D[index]
        with pytest.raises(KeyError):
            tw.objective(lambda w, D, i=index: D[i] * w, 2.0, args=(D,))
    with pytest.raises(tw.TraceError, match="traced index"):
        tw.objective(lambda w, D: D[D["u"] > w], 2.0, args=(D,))
