# SPDX-License-Identifier: BSD-3-Clause
"""What users give in place of arrays of numbers: masks, columns, strings, objects."""

import datetime
import re
from decimal import Decimal

import numpy as np
import pytest
import scipy.sparse

import thalweg as tw
from thalweg._tracing import numbers

X = np.linspace(0.0, 1.0, 30)
LINE = 2 * X + 1


def line(x, a, b):
    return a * x + b


def quadratic(p):
    return np.sum((p - 1) ** 2)


# ---- a column of data ----------------------------------------------------------------------------


COLUMNS = {
    "ydata": (line, X, LINE[:, None], r"values, \(30,\), got \(30, 1\): ravel"),
    "xdata": (line, X[:, None], LINE, r"values, \(30, 1\), got \(30,\): ravel"),
    "two rows": (
        lambda x, a, b: np.stack([a * x, b * x]),
        X,
        LINE,
        r"values, \(2, 30\), got \(30,\)$",
    ),
    "fewer": (line, X[:20], LINE, r"values, \(20,\), got \(30,\)$"),
}


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("case", COLUMNS)
def test_data_are_never_broadcast_against_the_model(case, trace):
    f, x, y, said = COLUMNS[case]
    with pytest.raises(ValueError, match="ydata must have the shape of the model's .*" + said):
        tw.curve_fit(f, x, y, trace=trace)
    with pytest.raises(ValueError, match=said):
        tw.model(f, x, trace=trace).fit(y)


def test_columns_on_both_sides_are_fitted_with_errors_of_each():
    sigma = np.linspace(1, 2, 30)
    noisy = LINE + 0.1 * np.sin(9 * X)
    flat = tw.curve_fit(line, X, noisy, sigma=sigma)
    column = tw.curve_fit(line, X[:, None], noisy[:, None], sigma=sigma)
    np.testing.assert_array_equal(column[0], flat[0])
    np.testing.assert_array_equal(column[1], flat[1])


@pytest.mark.parametrize("value", [0.5, np.full(1, 0.5), np.full((1, 30), 0.5)])
def test_values_that_fit_the_data_are_spread_over_them(value):
    popt, _ = tw.curve_fit(lambda _, a: a + value, X, X)
    np.testing.assert_allclose(popt, 0)


def test_losses_never_make_a_square_of_a_column():
    with pytest.raises(ValueError, match=r"shape of the predictions, \(30,\), got \(30, 1\)"):
        tw.minimize(lambda a: np.mean(tw.losses.squared(a * X, LINE[:, None])), 1.0)


# ---- masks ---------------------------------------------------------------------------------------


def masked(values, *where):
    made = np.ma.masked_array(np.array(values, float))
    for i in where:
        made.data[i] = 99.0
        made[i] = np.ma.masked
    return made


MASKED = masked([1.0, 2.0, 3.0], 1)
Y, XS, SIGMA = masked(LINE, 3), masked(X, 5), masked(np.ones(30), 7)
PAIRS = np.ma.masked_array([[0.0, 2.0]] * 3, [[1, 0]] * 3)


def of_two(w, y):
    return np.sum((w - y) ** 2)


REFUSED = {
    "x0": lambda: tw.minimize(quadratic, MASKED),
    "x0 of a dict": lambda: tw.minimize(quadratic, {"p": MASKED}),
    "x0 of least squares": lambda: tw.least_squares(lambda p: p - 1, MASKED),
    "starts": lambda: tw.minimize_many(lambda p: (p - 1) ** 2, MASKED),
    "lane args": lambda: tw.minimize_many(of_two, np.ones(3), lane_args=(MASKED,)),
    "settings": lambda: tw.minimize_many(
        quadratic, np.ones(3), "gradient_descent", learning_rate=MASKED / 100
    ),
    "point": lambda: tw.objective(quadratic, np.ones(3))(MASKED),
    "point of a gradient": lambda: tw.objective(quadratic, np.ones(3)).grad(MASKED),
    "direction": lambda: tw.objective(quadratic, np.ones(3)).hvp(np.ones(3), MASKED),
    "weights": lambda: tw.objective(lambda x: x, np.ones(3)).vjp(np.ones(3), MASKED),
    "grad": lambda: tw.grad(quadratic)(MASKED),
    "another argument of grad": lambda: tw.grad(of_two)(np.ones(3), MASKED),
    "args": lambda: tw.minimize(of_two, 1.0, args=(MASKED,)),
    "a list in args": lambda: tw.minimize(of_two, 1.0, args=([MASKED, MASKED],)),
    "other args": lambda: tw.objective(of_two, 1.0, args=(np.ones(3),)).with_args((MASKED,)),
    "closure on the right": lambda: tw.minimize(lambda w: np.sum((w - MASKED) ** 2), 1.0),
    "closure on the left": lambda: tw.minimize(lambda w: np.sum((MASKED - w) ** 2), 1.0),
    "closure in a product": lambda: tw.minimize(lambda w: MASKED @ w, np.ones(3)),
    "closure in a list": lambda: tw.minimize(lambda w: np.sum(w * [MASKED, MASKED]), np.ones(3)),
    "closure returned": lambda: tw.objective(lambda w: MASKED * w, 1.0),
    "an index": lambda: tw.objective(lambda w: w[np.ma.masked_array([0, 1], [0, 1])], np.ones(3)),
    "a table": lambda: tw.objective(lambda w: np.interp(w, MASKED, MASKED), 1.0),
    "a polynomial": lambda: tw.objective(lambda w: np.polyval(MASKED, w), 1.0),
    "a loss": lambda: tw.losses.squared(np.ones(3), MASKED),
    "a traced loss": lambda: tw.objective(lambda w: tw.losses.huber(w, MASKED), np.ones(3)),
    "an activation": lambda: tw.nn.relu(MASKED),
    "bounds": lambda: tw.minimize(quadratic, np.ones(3), bounds=tw.Bounds(MASKED, 9)),
    "pairs": lambda: tw.minimize(quadratic, np.ones(3), bounds=PAIRS),
    "bounds of least squares": lambda: tw.least_squares(
        lambda p: p - 1, np.ones(3), bounds=(MASKED, 9)
    ),
    "box": lambda: tw.multistart(quadratic, PAIRS),
    "p0": lambda: tw.curve_fit(line, X, LINE, p0=masked([1, 1], 0)),
    "p0 of many": lambda: tw.curve_fit_many(line, X, LINE[None], p0=masked([[1, 1]], 0)),
    "fixed": lambda: tw.curve_fit_many(line, X, LINE[None], fixed={"a": masked([1], 0)}),
    "sigma of many": lambda: tw.curve_fit_many(line, X, LINE[None], sigma=SIGMA),
    "xdata of a model": lambda: tw.model(line, XS),
    "minibatches": lambda: tw.minimize(
        lambda w, y: np.mean((w - y) ** 2), 1.0, "adam", learning_rate=0.1, data=(Y,)
    ),
    "tangent": lambda: tw.tangent(quadratic, MASKED),
    "ask and tell": lambda: tw.LBFGS().start(MASKED),
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", REFUSED)
def test_masks_are_refused_where_they_cannot_be_honoured(case):
    with pytest.raises((ValueError, TypeError), match="mask"):
        REFUSED[case]()


HONOURED = {
    "ydata": lambda: tw.curve_fit(line, X, Y),
    "xdata": lambda: tw.curve_fit(line, XS, LINE),
    "sigma": lambda: tw.curve_fit(line, X, LINE, sigma=SIGMA),
    "all": lambda: tw.curve_fit(line, XS, Y, sigma=SIGMA),
    "called": lambda: tw.curve_fit(line, XS, Y, trace=False),
    "covariance": lambda: tw.curve_fit(line, X, Y, sigma=np.eye(30)),
    "several predictors": lambda: tw.curve_fit(
        lambda x, a, b: a * x[0] + b * x[1], [XS, masked(X * 0 + 1, 8)], Y
    ),
    "a model's data": lambda: tw.model(line, X).fit(Y),
    "a model's errors": lambda: tw.model(line, X).fit(LINE, sigma=SIGMA),
    "a model's data and NaN": lambda: tw.model(line, X).fit(
        np.ma.where(X > 0.9, np.nan, Y), nan_policy="omit"
    ),
    "many": lambda: tw.curve_fit_many(line, XS, np.ma.stack([Y, Y]))[1].popt[None],
}


@pytest.mark.parametrize("case", HONOURED)
def test_masked_data_are_left_out_of_fits(case):
    np.testing.assert_allclose(HONOURED[case]()[0], [2, 1], rtol=1e-7)


def test_masked_data_change_nothing_but_by_being_left_out():
    noisy = LINE + 0.1 * np.sin(9 * X)
    kept = np.delete(np.arange(30), [3, 5])
    ours = tw.curve_fit(line, XS, np.ma.masked_array(noisy, np.arange(30) == 3))
    same = tw.curve_fit(line, X[kept], noisy[kept])
    for a, b in zip(ours, same, strict=True):
        np.testing.assert_array_equal(a, b)
    fitted = tw.model(line, X).fit(np.ma.masked_array(noisy, ~np.isin(np.arange(30), kept)))
    np.testing.assert_allclose(fitted[0], same[0], rtol=1e-9)
    np.testing.assert_allclose(fitted[1], same[1], rtol=1e-9)


def test_arrays_of_which_nothing_is_masked_are_arrays():
    plain = masked([1.0, 2.0, 3.0])
    np.testing.assert_allclose(tw.minimize(quadratic, plain).x, 1)
    assert tw.minimize(of_two, 1.0, args=(plain,)).x == pytest.approx(2)
    assert tw.minimize(lambda w: np.sum((w - plain) ** 2), 1.0).x == pytest.approx(2)


# ---- what is no real number ----------------------------------------------------------------------


HERE = re.escape(f'"{__file__}", line ')
NOT_REAL = {
    "complex": (lambda p: 1 + 1j * p, "got an array of complex128.*z.real, z.imag or abs"),
    "complex array": (
        lambda p: np.max(p * np.array([1j, 2])),
        "np.max of complex values",
    ),
    "string": (lambda p: p * "a", "got an array of <U1"),
    "strings that are numbers": (lambda p: p * np.array(["1", "2"], object), "got str '1'"),
    "none": (lambda p: p * np.array([None, 1.0]), "got NoneType None"),
    "dict": (lambda p: p * {}, "got dict {}"),
    "function": (lambda p: p + np.sin, "got ufunc"),
    "dates": (lambda p: p * np.array(["2020-01-01"], "M8[D]"), "timedelta64"),
    "duration": (lambda p: p * datetime.timedelta(1), "got timedelta"),
    "sparse": (lambda p: p @ scipy.sparse.csr_array(np.eye(2)), "toarray"),
}


@pytest.mark.parametrize("case", NOT_REAL)
def test_what_is_no_real_number_is_refused_with_the_line(case):
    f, said = NOT_REAL[case]
    with pytest.raises(TypeError, match=f"(?s){said}") as raised:
        tw.minimize(f, np.ones(2))
    assert re.search(HERE, str(raised.value))


GIVEN = {
    "x0": (lambda: tw.minimize(quadratic, [1.0, None]), r"x0 .* NoneType None at index 1"),
    "x0 of objects": (lambda: tw.minimize(quadratic, [Decimal(1), 2]), "x0 .* Decimal Decimal"),
    "x0 that is ragged": (lambda: tw.minimize(quadratic, [[1.0], 2.0]), "x0 .* ragged"),
    "ydata": (lambda: tw.curve_fit(line, X, ["1"] * 30), "ydata must be numbers, .* of strings"),
    "complex ydata": (lambda: tw.curve_fit(line, X, LINE + 1j), "ydata must be real"),
    "complex xdata": (lambda: tw.curve_fit(line, X + 1j, LINE), "xdata must be real"),
    "dates": (lambda: tw.curve_fit(line, np.zeros(30, "M8[D]"), LINE), "timedelta"),
    "sigma": (lambda: tw.curve_fit(line, X, LINE, sigma=["1"] * 30), "sigma must be numbers"),
    "bounds": (lambda: tw.minimize(quadratic, [1.0], bounds=[("a", 1)]), "bounds must be numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", GIVEN)
def test_arguments_that_are_no_numbers_are_named(case):
    call, said = GIVEN[case]
    with pytest.raises((TypeError, ValueError), match=said):
        call()


# ---- numbers without axes ------------------------------------------------------------------------


NUMBERS = {
    "flip": lambda p: np.flip(p),
    "sum": lambda p: np.sum(p, axis=0) + p.sum(axis=-1) + np.add.reduce(p),
    "prod": lambda p: np.prod(p, axis=0) * np.multiply.reduce(p, axis=0),
    "max": lambda p: np.max(p, axis=0) + np.maximum.reduce(p) + np.minimum.reduce(p, axis=0),
    "logaddexp": lambda p: np.logaddexp.reduce(p, axis=0),
    "cumsum": lambda p: np.cumsum(p) + np.cumsum(p, axis=0) + np.cumprod(p, axis=-1),
    "all": lambda p: np.all(p > 0, axis=0) * p + np.logical_and.reduce(p) * p,
    "count": lambda p: np.count_nonzero(p, axis=0) * p,
    "nansum": lambda p: np.nansum(p, axis=0),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_have_the_axes_that_numpy_lets_pass(case):
    f = NUMBERS[case]
    F, wanted = tw.objective(f, 1.5), f(np.array(1.5))
    assert F.shape == np.shape(wanted)
    np.testing.assert_allclose(F(1.5), wanted, rtol=1e-15)


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda p: np.add.accumulate(p), TypeError),
        (lambda p: np.mean(p, axis=0), np.exceptions.AxisError),
        (lambda p: np.sum(p, axis=1), np.exceptions.AxisError),
        (lambda p: np.flip(p, axis=0), np.exceptions.AxisError),
        (lambda p: np.vecdot(p, p), ValueError),
    ],
)
def test_numbers_have_no_other_axes(f, error):
    with pytest.raises(error):
        f(np.array(1.5))
    with pytest.raises(error):
        tw.objective(f, 1.5)


# ---- what people write ---------------------------------------------------------------------------


def test_flags_in_args_choose_and_are_no_numbers():
    def f(p, squared):
        return np.sum((p - 1) ** 2) if squared else np.sum((p - 2) ** 4)

    np.testing.assert_allclose(tw.minimize(f, [0.0, 0.0], args=(True,)).x, 1)
    np.testing.assert_allclose(tw.minimize(f, [0.0], args=(np.False_,)).x, 2, atol=0.01)
    assert tw.objective(f, [0.0], args=(True,)).args == []


MISTAKES = {
    "value and gradient": (
        lambda: tw.minimize(lambda p: (p @ p, 2 * p), np.ones(2)), "return the value alone",
    ),
    "jac=True": (
        lambda: tw.minimize(lambda p: (p @ p, 2 * p), np.ones(2), jac=True),
        "Leave it out, and return the value alone",
    ),
    "names of an array": (lambda: tw.minimize(lambda p: p["a"] ** 2, [1.0]), "start from a dict"),
    "a column of residuals": (
        lambda: tw.least_squares(lambda p: p[0] * X - LINE[:, None], [1.0]),
        r"\(30, 30\); a column of data \(n, 1\) and a vector",
    ),
    "many fits of a column": (
        lambda: tw.curve_fit_many(line, X, LINE[:, None]), r"shape \(30, 1\): ravel\(\) makes one",
    ),
    "axes the other way round": (
        lambda: tw.curve_fit_many(line, X, np.stack([LINE, LINE], axis=1)), "np.moveaxis",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_common_mistakes_are_told_what_to_write(case):
    call, said = MISTAKES[case]
    with pytest.raises((TypeError, ValueError), match=said):
        call()


def test_huge_starts_and_data_are_read_without_a_warning():
    assert "sum(...) = inf" in tw.minimize(lambda v: np.sum(v), np.full(20, 1e307)).message
    with pytest.raises(RuntimeError, match="their squares overflow"):
        tw.curve_fit(lambda x, a, b: 1e200 * (a * x + b), X, 1e200 * LINE)


def test_dask_arrays_are_found_in_dicts_and_tuples():
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    assert numbers.is_lazy(da.ones(3))
    assert not numbers.is_lazy(np.ones(3))
    assert numbers.holds_lazy({"a": (None, da.ones(3))})
    assert not numbers.holds_lazy({"a": (None, np.ones(3)), "b": "ones"})
