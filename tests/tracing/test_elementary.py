# SPDX-License-Identifier: BSD-3-Clause
"""Operations of the core on plain arrays: broadcast as ufuncs are, the bits of traced values."""

import numpy as np
import pytest
import scipy.special

import thalweg as tw
from thalweg._tracing.elementary import operand, operation, where
from thalweg._tracing.tracer import Tracer


@pytest.mark.parametrize("name", ["expit", "log_expit", "erf", "erfc", "gammaln", "digamma"])
def test_plain_arrays_have_the_bits_of_traced_ones(name):
    x = np.random.default_rng(0).uniform(0.1, 9, (7, 5))
    plain = operation(name)(x)
    np.testing.assert_array_equal(plain, tw.objective(operation(name), x)(x))
    np.testing.assert_array_equal(plain, tw.objective(operation(name), 0.0)(x))
    # SciPy is a few units in the last place away; absolute near the zeros of two of them.
    np.testing.assert_allclose(plain, getattr(scipy.special, name)(x), rtol=1e-13, atol=1e-14)


def test_two_operands_are_broadcast():
    a, b = np.arange(3.0)[:, None], np.array([1.0, 2.0])
    got = operation("xlogy")(a, b)
    np.testing.assert_allclose(got, a * np.log(b), rtol=1e-15)
    assert operation("xlogy")(a.T, np.zeros((0, 1))).shape == (0, 3)
    with pytest.raises(ValueError, match="broadcast"):
        operation("xlogy")(np.zeros(3), np.zeros(2))


def test_memory_order_does_not_matter():
    x = np.asfortranarray(np.linspace(-3, 3, 12).reshape(3, 4))
    np.testing.assert_array_equal(operation("expit")(x), operation("expit")(x.copy("C")))
    np.testing.assert_array_equal(
        operation("expit")(x[::2, ::-1]), operation("expit")(x)[::2, ::-1]
    )


def test_numbers_give_numbers():
    assert isinstance(operation("expit")(0), float)
    assert operation("expit")(0) == 0.5
    assert isinstance(where(True, 1.0, 2.0), float)


def test_what_holds_no_numbers_is_refused():
    for wrong in ("one", 1j, object(), [1.0, None]):
        with pytest.raises(TypeError, match="the argument of expit must be"):
            operation("expit")(wrong)


def test_operands_become_one_array_or_traced_value():
    assert operand([1, 2]).dtype == np.float64
    kinds = []

    def f(x):
        kinds.extend(map(type, (operand(x), operand([x, 1.0]), operand(np.array([[x], [2.0]])))))
        return operand([x, 1.0])[0]

    assert tw.objective(f, 3.0)(3.0) == 3.0
    assert kinds[:3] == [Tracer] * 3  # it is called with numbers too, for the sake of np.array
