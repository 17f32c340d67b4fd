# SPDX-License-Identifier: BSD-3-Clause
"""Ask and tell: what a descent asks for, what it makes of the answers, and what it refuses."""

import numpy as np
import pytest
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import thalweg as tw
from thalweg._methods.method import make


def start(method, x0, *, hyper=None, **how):
    return make(method, hyper or {}).start(x0, **how)


def square(x):
    return np.sum(x**2, axis=-1), 2 * x


@pytest.mark.parametrize(
    ("method", "needs"),
    [("compass", "value"), ("lbfgs", "gradient"), ("newton", "hessian"),
     ("newton_cg", "hessian_vector")],
)  # fmt: skip
def test_a_method_says_what_it_needs_and_finds_the_minimum_with_it(method, needs):
    talk = start(method, [-1.2, 1.0], max_nfev=100_000)
    assert talk.needs == needs
    while (asked := talk.ask()) is not None:
        x = asked.x[0]
        h = None
        if asked.curvature[0]:
            h = rosen_hess(x) if needs == "hessian" else rosen_hess_prod(x, asked.v[0])
        talk.tell(rosen(x), None if needs == "value" else rosen_der(x), h)
    assert talk.success
    np.testing.assert_allclose(talk.x, 1.0, atol=1e-5)


def test_points_of_gradient_descent_are_those_computed_by_hand():
    # f = x^2: a rate of 0.25 halves x at every step.
    talk = start("gradient_descent", [1.0, -2.0], hyper={"learning_rate": 0.25}, max_iter=3, gtol=0)
    seen = []
    while (asked := talk.ask()) is not None:
        seen.append(asked.x[0].tolist())
        talk.tell(*square(asked.x))
    assert seen == [[1.0, -2.0], [0.5, -1.0], [0.25, -0.5], [0.125, -0.25]]
    assert (talk.nit, talk.nfev, talk.reason) == (3, 4, tw.Reason.max_iterations)
    assert talk.x.tolist() == [0.125, -0.25]
    assert talk.fun == 0.125**2 + 0.25**2
    assert not talk.success
    assert talk.status == -2  # the code of scipy.optimize.elementwise for too many iterations


def test_endings_have_the_leading_axis_of_the_starts():
    talk = start("lbfgs", [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
    while (asked := talk.ask()) is not None:
        talk.tell(*square(asked.x))
    assert talk.x.shape == (3, 2)
    assert talk.fun.shape == talk.reason.shape == talk.nit.shape == talk.status.shape == (3,)
    assert talk.success.all()
    assert talk.nit[2] == 0
    assert (talk.status == 0).all()


def test_nothing_has_ended_before_the_end():
    talk = start("lbfgs", [[1.0, 2.0], [0.0, 0.0]])
    talk.tell(*square(talk.ask().x))
    asked = talk.ask()
    assert asked.live.tolist() == [True, False]  # the second began at the minimum
    assert talk.reason.tolist() == [-1, tw.Reason.gradient_small]
    assert talk.status.tolist() == [1, 0]
    assert talk.success.tolist() == [False, True]
    assert np.isnan(talk.x[0]).all()
    assert asked.x[1].tolist() == [0.0, 0.0]


def test_asking_twice_asks_for_the_same():
    talk = start("lbfgs", [1.0, 2.0])
    assert talk.ask().x.tolist() == talk.ask().x.tolist() == [[1.0, 2.0]]


def test_points_keep_within_bounds():
    talk = start("lbfgs", [0.5, 0.5], bounds=[(0.25, 1.0), (None, None)])
    while (asked := talk.ask()) is not None:
        assert asked.x[0, 0] >= 0.25
        talk.tell(*square(asked.x))
    np.testing.assert_allclose(talk.x, [0.25, 0.0], atol=1e-8)


def test_a_value_that_is_not_finite_shortens_the_step():
    talk = start("lbfgs", [0.5])  # log(x) is undefined where a full step leads
    while (asked := talk.ask()) is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            talk.tell(asked.x[:, 0] - np.log(asked.x[:, 0]), 1 - 1 / asked.x)
    assert talk.success
    np.testing.assert_allclose(talk.x, 1.0, atol=1e-8)


@pytest.mark.parametrize(
    ("x0", "said"),
    [
        (3.0, r"x0 must have shape \(n,\) or \(k, n\), got \(\)"),
        (np.ones((2, 2, 2)), r"got \(2, 2, 2\)"),
        ([], r"got \(0,\)"),
        ([1.0, np.inf], "x0 must be finite"),
    ],
)
def test_starts_that_are_no_points_are_refused(x0, said):
    with pytest.raises(ValueError, match=said):
        start("lbfgs", x0)


def test_a_start_outside_the_bounds_is_refused():
    with pytest.raises(ValueError, match="must lie within the bounds, got 2"):
        start("lbfgs", [[0.5], [2.0]], bounds=[(0, 1)])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ((1.0, np.ones((2, 3))), r"f must have shape \(2,\), got \(\)"),
        (([1.0, 2.0],), "g is required: lbfgs needs gradient"),
        (([1.0, 2.0], np.ones((3, 2))), r"g must have shape \(2, 3\), got \(3, 2\)"),
        (([1.0, 2.0], np.ones(3)), r"g must have shape \(2, 3\), got \(3,\)"),
    ],
)
def test_answers_of_other_shapes_are_refused_and_the_descent_goes_on(told, said):
    talk = start("lbfgs", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    asked = talk.ask()
    with pytest.raises(ValueError, match=said):
        talk.tell(*told)
    talk.tell(*square(asked.x))
    assert talk.ask() is not None


def test_a_missing_hessian_is_named():
    talk = start("newton", [-1.2, 1.0])
    x = talk.ask().x[0]
    talk.tell(rosen(x), rosen_der(x))
    while not (asked := talk.ask()).curvature[0]:
        talk.tell(rosen(asked.x[0]), rosen_der(asked.x[0]))
    with pytest.raises(ValueError, match="h is required: newton requested curvature"):
        talk.tell(0.0, [0.0, 0.0])
    with pytest.raises(ValueError, match=r"h must have shape \(1, 2, 2\), got \(2,\)"):
        talk.tell(0.0, [0.0, 0.0], [1.0, 2.0])


def test_nobody_asked():
    talk = start("lbfgs", [1.0])
    with pytest.raises(RuntimeError, match="before ask"):
        talk.tell(1.0, [2.0])


def test_unknown_limits_are_refused():
    with pytest.raises(ValueError, match="max_iter must be >= 0, got -1"):
        start("lbfgs", [1.0], max_iter=-1)
