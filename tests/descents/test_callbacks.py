# SPDX-License-Identifier: BSD-3-Clause
"""Callbacks: called alike by `minimize` and `least_squares`, and able to end both."""

import numpy as np
import pytest

import thalweg as tw


def banana(x, y):
    return 100.0 * (y - x**2) ** 2 + (1.0 - x) ** 2


def residuals(x, y):
    return [10.0 * (y - x**2), 1.0 - x]


CALLS = [
    lambda callback: tw.minimize(banana, (-1.2, 1.0), callback=callback),
    lambda callback: tw.least_squares(residuals, (-1.2, 1.0), callback=callback),
]


@pytest.mark.parametrize("call", CALLS, ids=["minimize", "least_squares"])
class TestCallbacks:
    def test_a_point_has_the_form_of_the_start(self, call):
        seen = []
        result = call(seen.append)
        assert len(seen) == result.nit
        assert all(isinstance(x, tuple) and len(x) == 2 for x in seen)

    def test_the_name_of_the_parameter_asks_for_an_intermediate_result(self, call):
        seen = []
        result = call(lambda intermediate_result: seen.append(intermediate_result))
        assert [r.nit for r in seen] == list(range(1, result.nit + 1))

    @pytest.mark.parametrize("true", [True, np.True_])
    def test_true_ends_it(self, call, true):
        result = call(lambda _: true)
        assert (result.nit, result.reason) == (1, tw.Reason.stopped_by_callback)

    def test_other_values_do_not_end_it(self, call):
        assert call(lambda _: 1).success

    def test_stop_iteration_ends_it(self, call):
        def stop(_):
            raise StopIteration

        assert call(stop).reason == tw.Reason.stopped_by_callback

    def test_what_is_no_function_is_refused(self, call):
        with pytest.raises(TypeError, match="callback must be a function, got int"):
            call(3)
