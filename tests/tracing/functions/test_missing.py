"""Functions that leave out NaN, against NumPy's own."""

import numpy as np
import pytest
from traced_values import check_slope

import thalweg as tw

X = np.array([[0.3, 1.2, -0.7, 2.0], [0.1, -1.1, 0.4, 0.9], [1.5, 0.2, -0.3, 0.8]])
GAPS = np.array([[0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]]) * np.nan_to_num(np.inf)
CASES = {
    name: getattr(np, name)
    for name in ("nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin")
}
RUNNING = {name: getattr(np, name) for name in ("nancumsum", "nancumprod")}


def with_gaps(x):
    """X with NaN in three places, made inside the function."""
    return np.where(GAPS > 0, np.nan, x)


@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": 1, "keepdims": True}], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes_are_numpys(name, options):
    check_slope(lambda x: CASES[name](with_gaps(x), **options), X)
    check_slope(lambda x: CASES[name](x, **options), X)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("name", RUNNING)
def test_running_sums_and_products_are_numpys(name, axis):
    check_slope(lambda x: RUNNING[name](with_gaps(x), axis=axis), X)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nothing_left_is_what_numpy_says(name):
    f = CASES[name]
    empty = np.full(3, np.nan)
    np.testing.assert_array_equal(tw.objective(lambda x: f(x), empty)(empty), f(empty))


def test_degrees_of_freedom():
    check_slope(lambda x: np.nanvar(with_gaps(x), axis=0, ddof=1), X)
    check_slope(lambda x: np.nanstd(with_gaps(x), ddof=2), X)
