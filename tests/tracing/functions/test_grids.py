"""Samples on grids and comparisons of arrays, against NumPy's own."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw
from thalweg._tracing.errors import TraceError

X = np.random.default_rng(7).normal(size=(4, 5))
T = np.cumsum(np.random.default_rng(8).uniform(0.2, 1.0, 5))
CASES = {
    "linspace": lambda x: np.linspace(x[0, 0], x[1, 1], 7),
    "linspace of arrays": lambda x: np.linspace(x[0], 2.0, 4, axis=-1),
    "linspace without its end": lambda x: np.linspace(0.0, x[0], 4, endpoint=False),
    "linspace and its step": lambda x: np.linspace(x[0, 0], 3.0, 4, retstep=True)[1],
    "one sample": lambda x: np.linspace(x[0], 3.0, 1),
    "logspace": lambda x: np.logspace(x[0, 0], 1.0, 5),
    "logspace of a base": lambda x: np.logspace(0, 1, 5, base=np.exp(x[0, 0])),
    "geomspace": lambda x: np.geomspace(np.exp(x[0]), 9.0, 5),
    "gradient": lambda x: np.stack(np.gradient(x)),
    "gradient of second order at the ends": lambda x: np.gradient(x, axis=1, edge_order=2),
    "gradient with a step": lambda x: np.gradient(x, 0.3, axis=0),
    "gradient with steps": lambda x: np.stack(np.gradient(x, 0.3, 2.0)),
    "gradient at points": lambda x: np.gradient(x, T, axis=1),
    "gradient at points, second order": lambda x: np.gradient(x, T, axis=1, edge_order=2),
    "gradient at traced points": lambda x: np.gradient(x[0] ** 2, np.cumsum(np.exp(x[1]))),
    "gradient of two": lambda x: np.gradient(x[0, :2], 0.5),
    "unwrap": lambda x: np.unwrap(4.0 * x, axis=1),
    "unwrap of a period": lambda x: np.unwrap(3.0 * x, period=1.7, axis=0),
    "unwrap of large jumps": lambda x: np.unwrap(5.0 * x.ravel(), discont=4.0),
    "isclose": lambda x: np.where(np.isclose(x, x[0], rtol=0.5), x, 2 * x),
    "isclose of NaN": lambda x: np.where(np.isclose(x + np.nan, np.nan, equal_nan=True), x, 0.0),
    "allclose": lambda x: np.where(np.allclose(x, 0.0, atol=3.0), x, 0.0),
    "array_equal": lambda x: x * np.where(np.array_equal(x, x), 1.0, 2.0),
    "array_equal of other shapes": lambda x: x * float(np.array_equal(x, x[0])),
    "choose": lambda x: np.choose([0, 1, 2, 1, 0], [x[0], x[1], 3.0]),
    "choose by values": lambda x: np.choose((x > 0) * 1, [x, 2 * x], mode="clip"),
    "choose in a circle": lambda x: np.choose([4, 5, -1, 3, 0], [x[0], x[1], x[2]], mode="wrap"),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_numpys(name):
    check_slope(CASES[name], X)


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda x: np.linspace(x[0, 0], 1, -1), ValueError, "must be non-negative"),
        (lambda x: np.gradient(x, 1.0, 2.0, 3.0), TypeError, "invalid number of arguments"),
        (lambda x: np.gradient(x, edge_order=3), ValueError, "greater than 2 not supported"),
        (lambda x: np.gradient(x[:1, 0]), ValueError, "too small to calculate"),
        (lambda x: np.gradient(x[0], T[:3]), ValueError, "must match the length"),
        (lambda x: np.choose([7], [x, x]), ValueError, "invalid entry in choice array"),
    ],
)
def test_mistakes_say_what_numpy_says(function, error, text):
    with pytest.raises(error, match=text):
        function(X)
    with pytest.raises(error, match=text):
        tw.objective(function, X)


def test_a_traced_index_of_choose_needs_a_mode():
    with pytest.raises(TraceError, match='mode="clip"'):
        tw.objective(lambda x: np.sum(np.choose(x > 0, [x, 2 * x])), X)
