# SPDX-License-Identifier: BSD-3-Clause
"""Axes of length 0, in all layouts: sums over nothing are 0, products 1, and slopes are NumPy's."""

import numpy as np
import pytest

import thalweg as tw

NOTHING = np.ones((300, 0))

# By name: a function of an array (n, m), of which some part has no elements.
CASES = {
    "slice": lambda x: np.sum(x[:, 5:] ** 2),
    "difference": lambda x: np.sum(np.diff(x[:, :1], axis=1)),
    "trapezoid": lambda x: np.sum(np.trapezoid(x[:, :1], axis=1)),
    "product of one": lambda x: np.sum(np.prod(x[:, :1], axis=1)),
    "product of none": lambda x: np.sum(np.prod(x[:, :0], axis=1)),
    "sum of none": lambda x: np.sum(np.exp(np.sum(x[:, :0], axis=1))),
    "mean of no rows": lambda x: np.sum(np.mean(x[:0], axis=1)),
    "largest of no rows": lambda x: np.sum(np.max(x[:0], axis=1)),
    "running sum": lambda x: np.sum(np.cumsum(x[:, :0], axis=1)),
    "running product": lambda x: np.sum(np.cumprod(x[:0], axis=0)),
    "joined": lambda x: np.sum(np.concatenate([x[:, :0], x, x[:, 5:]], axis=1) ** 3),
    "stacked": lambda x: np.sum(np.stack([x[:, :0], 2 * x[:, :0]])),
    "product of matrices": lambda x: np.sum((x[:, :0] @ x[:0, :]) ** 2 + 1.0),
    "no rows of a product": lambda x: np.sum(x[:0] @ x[0]),
    "matrix times nothing": lambda x: np.sum((x[:, :0] @ x[0, :0]) ** 2),
    "nothing times matrix": lambda x: np.sum(x[:0, 0] @ x[:0]),
    "einsum": lambda x: np.sum(np.einsum("ij,jk->ik", x[:, :0], x[:0])),
    "outer": lambda x: np.sum(np.outer(x[:0, 0], x[0])),
    "table": lambda x: np.sum(np.interp(x[:, :0], [0.0, 1.0], [0.0, 1.0])),
    "choice": lambda x: np.sum(np.where(~(x[:, 5:] > 0), x[:, 5:], 0.0)),
    "norm": lambda x: np.sum(np.linalg.norm(x[:, 5:], axis=1)),
    "gather": lambda x: np.sum(x[np.zeros(0, int)] * 2.0),
    "by nothing": lambda x: np.sum(np.ones((len(x), 0)) * x[:, :1]),
    "repeated": lambda x: np.sum(np.tile(x[:, :0], (2, 3))),
    "reshaped": lambda x: np.sum(np.reshape(x[:, :0], (0, 7)).T @ np.ones((0, 2)) + 1.0),
}


# Of few elements, lanes; of more, elements; of long axes, rows.
@pytest.mark.parametrize("shape", [(2, 2), (40, 3), (300, 1), (1, 300), (700, 2)])
@pytest.mark.parametrize("name", CASES)
def test_an_axis_of_length_zero_is_as_in_numpy(name, shape):
    case = CASES[name]
    x = np.random.default_rng(1).uniform(0.5, 1.5, shape)
    f = tw.objective(lambda x: case(x) + np.sum(x**2), x)
    np.testing.assert_allclose(f(x), case(x) + np.sum(x**2), rtol=1e-12)
    direction = np.random.default_rng(2).normal(size=shape)
    h = 1e-5  # of central differences: h^2 and eps / h, 1e-10
    slope = (f(x + h * direction) - f(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(np.sum(f.grad(x) * direction), slope, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        np.sum(direction * f.hvp(x, direction)),
        (f(x + 1e-3 * direction) - 2 * f(x) + f(x - 1e-3 * direction)) / 1e-6,
        rtol=1e-4,
        atol=1e-4,
    )
    points = np.stack([x, 2 * x, x])
    np.testing.assert_array_equal(f(points)[[0, 2]], f(x))


def test_nothing_behind_long_rows_is_zero():
    x = np.ones((300, 1))
    assert tw.objective(lambda c: np.sum(x[:, 1:] * c) + c, 1.0)(1.0) == 1.0
    f = tw.objective(lambda x: np.sum(np.prod(x, axis=1)), x)
    np.testing.assert_array_equal(f.grad(x), np.ones((300, 1)))


def test_the_largest_of_nothing_is_refused():
    with pytest.raises(ValueError, match="zero-size array to a maximum or minimum"):
        tw.objective(lambda x: np.sum(np.max(x[:, 1:], axis=1)), np.ones((300, 1)))


def test_residuals_of_no_data_are_descended():
    f = tw.objective(lambda p: np.sum((p[0] - NOTHING) ** 2) + p[0] ** 2, np.array([3.0]))
    assert abs(tw.minimize(f, np.array([3.0])).x[0]) < 1e-6
