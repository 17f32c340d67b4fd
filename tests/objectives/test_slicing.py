# SPDX-License-Identifier: BSD-3-Clause
"""Objectives with some variables held: the same numbers as the whole, of fewer variables."""

import pickle

import numpy as np
import pytest

import thalweg as tw


def mixed(x, y, z):
    return (x**3 * y - np.exp(x * y / 4) + x**2.5) / 3 * z


@pytest.fixture
def F():
    return tw.objective(mixed, [1.0, 1.0, 1.0])


def test_the_courses_slices_come_out():
    bowl = tw.objective(lambda x, y: x**2 + y**2, [1.0, 1.0])
    for x in (-1.5, 0.0, 2.0):
        assert bowl.slice(y=4).grad(x) == 2 * x
        assert bowl.slice(x=2).value_and_grad(x) == (4 + x**2, 2 * x)


def test_values_and_slopes_are_those_of_the_whole(F):
    part = F.slice(y=1.3)
    rng = np.random.default_rng(1)
    points = rng.uniform(0.5, 2, (20, 2))
    full = np.insert(points, 1, 1.3, axis=1)
    # One tape fuses other products than the other: a few roundings of the largest term.
    np.testing.assert_allclose(part(points), F(full), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(part.grad(points), F.grad(full)[:, [0, 2]], rtol=1e-13, atol=1e-14)


def test_one_variable_left_is_a_point_by_itself(F):
    alone = F.slice(x=1.5, z=2.0)
    assert alone.n == 1
    assert isinstance(alone(0.5), float)
    assert isinstance(alone.grad(0.5), float)
    assert alone(0.5) == pytest.approx(F(1.5, 0.5, 2.0), rel=1e-15)
    assert alone(np.linspace(0, 1, 7)).shape == (7,)


def test_slices_of_slices_are_slices(F):
    assert F.slice(y=2.0).slice(z=3.0)(1.1) == F.slice(z=3.0, y=2.0)(1.1)


def test_names_stay_with_their_variables(F):
    assert F.slice(x=1.0).names == ["y", "z"]
    assert tw.tangent(F.slice(y=1.0), [1.0, 2.0]).gradient.shape == (2,)
    with pytest.raises(TypeError, match="the variables are y, z"):
        F.slice(x=1.0).slice(x=2.0)


def test_entries_of_tuples_and_dicts_are_held_whole():
    def f(w, b, k):
        return np.sum(w**2) * b + k

    w = np.arange(4.0).reshape(2, 2)
    F = tw.objective(f, {"w": w, "b": 1.0}, args=(3.0,))
    assert F.slice(w=w).grad(b=5.0) == {"b": 14.0}
    assert F.slice(b=2.0)(w=w) == 31
    assert F.slice(b=2.0).with_args([5.0])(w=w) == 33
    G = tw.objective(lambda w, b: np.sum(w**2) * b, (w, 1.0))
    np.testing.assert_array_equal(G.slice(b=2.0).grad(w), 4 * w)


def test_a_slice_is_minimized_and_pickled():
    part = tw.objective(lambda x, y: (x - 3) ** 2 * y + np.cosh(x), [1.0, 1.0]).slice(y=2.0)
    again = pickle.loads(pickle.dumps(part))
    assert again(0.7) == part(0.7)
    best = tw.minimize(part, 1.0)
    assert best.success
    assert abs(part.grad(best.x)) <= 1e-8
    assert best.plot(bounds=(0, 4)).get_xlabel() == "x"


def test_a_function_of_rows_is_sliced_too():
    x = np.linspace(0, 1, 1000)
    F = tw.objective(lambda m, b: np.mean((m * x + b - 2 * x) ** 2), [1.0, 1.0])
    # Means of 1,000 squares, added in another order.
    assert F.slice(b=0.5)(1.5) == pytest.approx(F(1.5, 0.5), rel=1e-13)


def test_what_cannot_be_held_is_named(F):
    with pytest.raises(TypeError, match="slice got 'q'; the variables are x, y, z"):
        F.slice(q=1.0)
    with pytest.raises(TypeError, match="some of x, y, z, got none"):
        F.slice()
    with pytest.raises(TypeError, match="some of x, y, z, got all of them"):
        F.slice(x=1, y=1, z=1)
    with pytest.raises(ValueError, match=r"x must have shape \(\), got \(2,\)"):
        F.slice(x=[1, 2])
    with pytest.raises(ValueError, match="x must be finite"):
        F.slice(x=np.inf)
    whole = tw.objective(lambda v: v @ v, np.ones(2))
    with pytest.raises(TypeError, match="but it takes one array"):
        whole.slice(v=1.0)


def test_a_variable_may_be_called_self():
    F = tw.objective(lambda self, y: self * y, [1.0, 1.0])
    assert F.slice(self=4)(2.0) == 8
