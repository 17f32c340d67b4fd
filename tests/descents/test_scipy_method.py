# SPDX-License-Identifier: BSD-3-Clause
"""Method objects as custom methods of `scipy.optimize.minimize`."""

import math

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, minimize, rosen, rosen_der

import thalweg as tw


def untraceable(x):
    return math.fsum((float(v) - 2.0) ** 2 for v in x)


def slope(x):
    return 2 * (x - 2.0)


def test_scipy_gets_a_result_of_its_own_class():
    res = minimize(rosen, [-1.2, 1.0], method=tw.LBFGS())
    assert isinstance(res, OptimizeResult)
    assert res.success
    assert res.status == 0
    np.testing.assert_allclose(res.x, 1.0, atol=1e-6)
    ours = tw.minimize(rosen, [-1.2, 1.0], tw.LBFGS())
    assert (res.nit, res.nfev, res.fun) == (ours.nit, ours.nfev, ours.fun)
    assert "path" not in res  # what was not asked for is no entry
    assert "active_mask" not in res


def test_a_traced_function_is_differentiated_and_its_jac_is_ignored():
    def wrong(x):
        raise AssertionError("not called")

    res = minimize(rosen, [-1.2, 1.0], jac=wrong, method=tw.BFGS())
    np.testing.assert_allclose(res.x, 1.0, atol=1e-6)


def test_a_function_that_returns_value_and_gradient_is_traced_for_its_value():
    res = minimize(lambda x: (rosen(x), rosen_der(x)), [-1.2, 1.0], jac=True, method=tw.BFGS())
    np.testing.assert_allclose(res.x, 1.0, atol=1e-6)


@pytest.mark.parametrize("jac", [None, slope, True])
def test_what_cannot_be_traced_is_called(jac):
    fun = (lambda x: (untraceable(x), slope(x))) if jac is True else untraceable
    res = minimize(fun, [0.0, 5.0], jac=jac, method=tw.LBFGS())
    assert res.success
    np.testing.assert_allclose(res.x, 2.0, atol=1e-6)


def test_args_bounds_and_callbacks_are_passed_on():
    seen = []
    res = minimize(
        lambda x, a, b: np.sum((x - a) ** 2) + b, [0.0, 0.0], args=(3.0, 7.0), callback=seen.append,
        bounds=Bounds([-1, -1], [2, 9]), method=tw.LBFGS(),
    )  # fmt: skip
    np.testing.assert_allclose(res.x, [2.0, 3.0], atol=1e-8)
    assert res.fun == pytest.approx(8.0)
    assert res.active_mask.tolist() == [1, 0]
    assert len(seen) == res.nit
    alone = minimize(lambda x, a: np.sum((x - a) ** 2), [0.0], args=4.0, method=tw.LBFGS())
    np.testing.assert_allclose(alone.x, 4.0)


def test_options_have_scipys_names_or_ours():
    gd = tw.GradientDescent(learning_rate=1e-4)
    assert minimize(rosen, [-1.2, 1.0], method=gd, options={"maxiter": 7}).nit == 7
    res = minimize(rosen, [-1.2, 1.0], method=gd, options={"max_iter": 5, "record": True})
    assert res.nit == 5
    assert res.path.x.shape == (6, 2)
    loose = minimize(rosen, [-1.2, 1.0], method=tw.LBFGS(), tol=1e3)
    assert loose.nit < minimize(rosen, [-1.2, 1.0], method=tw.LBFGS()).nit
    assert "<= 1e+03" in loose.message


def test_a_scalar_start_is_a_vector_as_in_scipy():
    res = minimize(lambda x: (x[0] - 3.0) ** 2, 1.0, method=tw.LBFGS())
    assert res.x.shape == (1,)
    np.testing.assert_allclose(res.x, 3.0)


def test_constraints_are_refused():
    with pytest.raises(TypeError, match="constraints= is not offered: every method accepts bounds"):
        minimize(rosen, [0.0, 0.0], method=tw.LBFGS(), constraints=LinearConstraint([1, 1], 0, 1))


def test_hessians_are_ignored_if_traced_and_refused_otherwise():
    def hess(x):
        raise AssertionError("not called")

    assert minimize(rosen, [-1.2, 1.0], method=tw.Newton(), hess=hess).success
    with pytest.raises(TypeError, match="hess= and hessp= are not offered"):
        minimize(untraceable, [0.0], method=tw.LBFGS(), hess=hess)


def test_options_that_nobody_knows_are_refused():
    with pytest.raises(TypeError, match="got 'maxitre'"):
        minimize(rosen, [0.0, 0.0], method=tw.LBFGS(), options={"maxitre": 3})
