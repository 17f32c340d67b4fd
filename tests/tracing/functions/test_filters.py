# SPDX-License-Identifier: BSD-3-Clause
"""Digital filters: values and slopes, in all layouts, with states."""

import pickle

import numpy as np
import pytest
import scipy.signal
from traced_values import check_slope

import thalweg as tw

NUMERATOR, LAGS = slice(0, 2), slice(2, 5)


def filtered(x, shape, axis, with_state):
    """A filter whose coefficients, input and state are all variables."""
    m = int(np.prod(shape))
    b, a, u = x[NUMERATOR], np.concatenate([[2.0], x[LAGS]]), x[5 : 5 + m].reshape(shape)
    if not with_state:
        return np.sin(scipy.signal.lfilter(b, a, u, axis=axis))
    state = list(shape)
    state[axis] = 3
    zi = x[5 + m : 5 + m + int(np.prod(state))].reshape(state)
    y, zf = scipy.signal.lfilter(b, a, u, axis=axis, zi=zi)
    return np.concatenate([np.sin(y).ravel(), np.cos(zf).ravel()])


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((9,), -1), ((2, 7), 1), ((7, 2), 0), ((2,), 0)])
def test_values_slopes_and_lanes(shape, axis, with_state):
    rng = np.random.default_rng(0)
    n = 5 + int(np.prod(shape)) + (6 if with_state else 0)
    points = 0.4 * rng.normal(size=(37, n))

    def f(x):
        y = filtered(x, shape, axis, with_state)
        return np.sum(y * np.arange(1, y.size + 1).reshape(np.shape(y)))

    F = tw.objective(f, points[0])
    for x in points[:3]:
        assert F(x) == pytest.approx(f(x), rel=1e-13, abs=1e-13)
        check_slope(f, x)
    values, slopes = F(points), F.grad(points)
    alone = [F.value_and_grad(x) for x in points]
    np.testing.assert_array_equal(values, [v for v, _ in alone])
    np.testing.assert_array_equal(slopes, [g for _, g in alone])
    h = 1e-6
    differences = [
        (F.grad(points[0] + h * e) - F.grad(points[0] - h * e)) / (2 * h) for e in np.eye(n)
    ]
    np.testing.assert_allclose(F.hessian(points[0]), differences, atol=1e-7)
    assert pickle.loads(pickle.dumps(F))(points[0]) == F(points[0])


def test_long_arrays_are_one_recurrence():
    def f(x):
        return np.sum(scipy.signal.lfilter([1.0], np.stack([1.0, -x[0]]), np.full(5000, x[1])) ** 2)

    F = tw.objective(f, [0.9, 1.0])
    assert F.tape.count("recurrence") <= 3
    assert F([0.9, 1.0]) == pytest.approx(f(np.array([0.9, 1.0])), rel=1e-12)
    assert F(np.array([[0.9, 1.0], [0.5, 2.0]]))[1] == F([0.5, 2.0])


def test_a_wrong_state_is_refused():
    with pytest.raises(ValueError, match=r"zi must have shape \(2,\), got \(3,\)"):
        tw.objective(
            lambda x: np.sum(
                scipy.signal.lfilter(x, [1.0, 0.5, 0.1], np.ones(5), zi=[1.0, 2.0, 3.0])
            ),
            [1.0],
        )


def test_formulas_say_what_has_no_form():
    F = tw.objective(
        lambda x: np.sum(scipy.signal.lfilter([1.0], np.stack([1.0, x[0]]), np.ones(9))), [0.1]
    )
    with pytest.raises(NotImplementedError, match="recurrence of an array has no SymPy form"):
        tw.formula(F)
