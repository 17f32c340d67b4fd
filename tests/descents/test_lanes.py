# SPDX-License-Identifier: BSD-3-Clause
"""Lanes: the forms of many starts, what differs between them, and how outcomes are joined."""

import os

import numpy as np
import pytest
from lane_cases import same, settings, starts, wells

import thalweg as tw
from thalweg._descents.lanes import Lanes, cores, lane_method, lanes_of
from thalweg._methods.method import make

STOPS = {"gtol": 1e-8, "xtol": 0.0, "ftol": 0.0, "max_iter": 50, "max_nfev": 5000,
         "max_time": np.inf, "threads": 1}  # fmt: skip


def test_hyper_parameters_may_differ_from_start_to_start():
    rates = np.linspace(0.05, 0.4, 9)
    f = tw.objective(lambda x: np.exp(x) - np.log(x), 1.6)
    r = tw.minimize_many(f, np.full(9, 1.6), "gradient_descent", learning_rate=rates, max_iter=60)
    for i, rate in enumerate(rates):
        alone = tw.minimize(f, 1.6, "gradient_descent", learning_rate=rate, max_iter=60)
        assert (alone.x, alone.nit, alone.reason) == (r.x[i], r.nit[i], r.reason[i])


def test_so_may_those_of_solvers():
    f, points = tw.objective(wells, (0.0, 0.0)), np.clip(starts(12), -2, 2)
    memory = [3, 5, 10] * 4
    r = tw.minimize_many(f, points, "lbfgs", memory=memory)
    for i, m in enumerate(memory):
        alone = tw.minimize(f, tuple(points[i]), "lbfgs", memory=m)
        assert (alone.fun, alone.nit, alone.reason) == (r.fun[i], r.nit[i], r.reason[i])


def test_arguments_may_differ_from_start_to_start():
    centers = np.arange(12.0).reshape(6, 2)

    def f(x, scale, center):
        return scale * np.sum((x - center) ** 2)

    for method in ("lbfgs", "bfgs", "newton", "newton_cg"):
        r = tw.minimize_many(f, np.zeros((6, 2)), method, args=(2.0,), lane_args=(centers,))
        assert r.success.all()
        np.testing.assert_allclose(r.x, centers, atol=1e-7)
    r = tw.minimize_many(
        f, np.zeros((6, 2)), "adam", args=(2.0,), lane_args=(centers,), learning_rate=0.5,
        max_iter=3000,
    )  # fmt: skip
    np.testing.assert_allclose(r.x, centers, atol=1e-6)


@pytest.mark.parametrize("method", ["newton", "newton_cg"])
def test_an_argument_that_a_hessian_does_not_read_leaves_other_starts_alone(method):
    random = np.random.default_rng(5)
    points, a = random.normal(size=(131, 3)), random.normal(size=131)
    targets, rows = random.normal(size=(131, 5)), random.normal(size=(131, 5, 3))

    def f(x, a, target, rows):
        return 0.1 * np.sum((rows @ x - target) ** 2) + a * np.sum(np.sin(x) ** 2)

    own = (a, targets, rows)
    r = tw.minimize_many(f, points, method, lane_args=own, max_iter=40)
    back = tuple(values[::-1] for values in own)
    reversed_ = tw.minimize_many(f, points[::-1], method, lane_args=back, max_iter=40)
    for name in ("x", "fun", "nit", "nfev", "nhev"):
        np.testing.assert_array_equal(r[name], reversed_[name][::-1], err_msg=name)


def test_one_start_has_its_own_argument_where_the_hessian_is_computed_by_rows():
    points, targets = np.zeros((3, 40)), np.random.default_rng(6).normal(size=(3, 40))

    def f(x, target):
        return np.sum(np.sin(x - target) ** 2) + np.sum((x * target) ** 2)

    r = tw.minimize_many(f, points, "newton", lane_args=(targets,))
    for i in range(3):
        alone = tw.minimize_many(f, points[:1], "newton", lane_args=(targets[i : i + 1],))
        np.testing.assert_array_equal(alone.x[0], r.x[i])


def test_tuples_and_dicts_have_the_starts_in_front_of_each_array():
    def f(w, b):
        return np.sum((w - 1) ** 2) + (b - 2) ** 2

    by_name = tw.minimize_many(f, {"w": np.zeros((4, 3)), "b": np.arange(4.0)})
    assert by_name.x["w"].shape == (4, 3)
    assert by_name.x["b"].shape == (4,)
    by_place = tw.minimize_many(f, (np.zeros((4, 3)), np.arange(4.0)))
    np.testing.assert_array_equal(by_place.x[0], by_name.x["w"])
    np.testing.assert_allclose(by_place.x[1], 2.0, atol=1e-8)


def test_recorded_descents_are_the_same_ones():
    points = starts(9)
    for method in ("adam", "lbfgs"):
        how = {"max_iter": 30, **settings(method)}
        plain = tw.minimize_many(wells, points, method, **how)
        kept = tw.minimize_many(wells, points, method, record=True, **how)
        same(plain, kept)
        for one in kept:
            assert len(one.path.fun) == one.nit + 1


def test_no_start_is_no_descent():
    r = tw.minimize_many(wells, np.empty((0, 2)))
    assert len(r) == 0
    assert r.x.shape == (0, 2)


def test_every_start_has_its_own_argument():
    with pytest.raises(ValueError, match=r"lane_args\[0\] must have 2 entries, got 5"):
        tw.minimize_many(lambda x, a: (x - a) ** 2, np.zeros(2), lane_args=(np.zeros(5),))


def test_any_number_of_threads_is_taken():
    starts = np.linspace(-2.0, 2.0, 9)
    ends = [tw.minimize_many(lambda x: (x**2 - 1) ** 2, starts, threads=t) for t in (1, 10**12)]
    assert np.array_equal(ends[0].x, ends[1].x)


# ---- what is read --------------------------------------------------------------------------------


def test_the_environment_may_say_how_many_threads(monkeypatch):
    monkeypatch.setenv("THALWEG_NUM_THREADS", "5")
    assert (cores(None), cores(3)) == (5, 3)
    for bad in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("THALWEG_NUM_THREADS", bad)
        with pytest.raises(ValueError, match="THALWEG_NUM_THREADS must be a positive integer, got"):
            cores(None)


def test_threads_are_those_given_or_one_for_each_core(monkeypatch):
    monkeypatch.delenv("THALWEG_NUM_THREADS", raising=False)
    assert cores(3) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert cores(None) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cores(None) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores(None) == 1


def test_hyper_parameters_of_lanes_are_apart_from_those_of_all():
    method, by_lane = lane_method("adam", {"learning_rate": [0.1, 0.2], "b1": 0.5}, 2)
    assert method == tw.Adam(learning_rate=0.1, b1=0.5)
    assert list(by_lane) == ["learning_rate"]
    assert by_lane["learning_rate"].tolist() == [0.1, 0.2]
    assert lane_method(None, {}, 2) == (make("lbfgs", {}), {})
    assert lane_method("adam", {"learning_rate": np.array(0.1)}, 2)[1] == {}  # a number


def test_every_hyper_parameter_of_a_lane_is_checked():
    with pytest.raises(ValueError, match=r"one for each of 3 starts, got shape \(2,\)"):
        lane_method("adam", {"learning_rate": [0.1, 0.2]}, 3)
    with pytest.raises(ValueError, match="b1 must be >= 0 and < 1, got 2"):
        lane_method("adam", {"learning_rate": 0.1, "b1": [0.5, 2.0]}, 2)


def shifted(x, scale, center):
    return scale * np.sum((x - center) ** 2)


CENTERS = np.arange(6.0).reshape(3, 2)


def three():
    return Lanes.of(shifted, np.zeros((3, 2)), args=2.0, lane_args=CENTERS)


def test_arguments_of_all_stand_before_those_of_each_start():
    lanes = three()
    assert len(lanes) == 3
    assert lanes.varying == [False, True]
    assert lanes.args[0] == 2.0
    assert lanes.args[1].tolist() == CENTERS.tolist()
    values, slopes = lanes.values_and_grads(np.zeros((3, 2)))
    assert values.tolist() == [2.0 * 1, 2.0 * 13, 2.0 * 41]
    np.testing.assert_array_equal(slopes, -4.0 * CENTERS)


def test_some_lanes_take_their_own_arguments_along():
    some = three().taken(np.array([2, 0]))
    assert some.args[1].tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert some.args[0] == 2.0
    assert some.values_and_grads(np.zeros((2, 2)))[0].tolist() == [82.0, 2.0]
    which = np.array([1])
    assert three().values_and_grads(np.zeros((1, 2)), which)[0].tolist() == [26.0]


def test_a_lane_alone_is_an_objective_with_its_arguments():
    assert three().alone(1)(np.zeros(2)) == 26.0
    assert three().alone(2)(np.array([4.0, 5.0])) == 0.0


def test_a_traced_objective_is_given_the_first_starts_arguments():
    F = tw.objective(shifted, np.zeros(2), args=(2.0, np.zeros(2)))
    lanes = Lanes.of(F, np.zeros((3, 2)), args=2.0, lane_args=CENTERS)
    assert lanes.objective(np.zeros(2)) == 2.0
    with pytest.raises(TypeError, match="unpack= was fixed when the objective was traced"):
        Lanes.of(F, np.zeros((3, 2)), unpack=True)


def test_a_table_of_starts_is_taken_for_numbers_one_by_one():
    F = tw.objective(lambda a, b: a**2 + b, (1.0, 2.0))
    assert Lanes.of(F, np.ones((4, 2))).rows.shape == (4, 2)
    assert Lanes.of(F, (np.ones(4), np.zeros(4))).rows.tolist() == [[1.0, 0.0]] * 4


@pytest.mark.parametrize(
    ("fun", "x0s", "how", "said"),
    [
        (lambda x: x, np.zeros((3, 2)), {}, r"one value, got shape \(2,\); .*least_squares_many"),
        (np.sum, np.zeros((3, 2)), {"lane_args": (1.0,)}, r"lane_args\[0\] must have the starts'"),
        (np.sum, {"a": np.zeros(2), "b": 3.0}, {}, r"x0s\['b'\] must have the starts' axis"),
        (shifted, np.zeros((2, 2)), {"args": 2.0, "lane_args": CENTERS}, "must have 2 entries"),
        (np.sum, [[1.0, np.inf]], {}, "x0s must be finite, got inf"),
    ],
)  # fmt: skip
def test_what_are_no_lanes_is_refused(fun, x0s, how, said):
    with pytest.raises(ValueError, match=said):
        Lanes.of(fun, x0s, **how)


def test_starts_need_one_leading_axis():
    F = tw.objective(np.sum, np.zeros(2))
    with pytest.raises(ValueError, match=r"one leading axis, that of the starts, got .* \(3, 4\)"):
        Lanes.of(F, np.zeros((3, 4, 2)))
    with pytest.raises(ValueError, match="one leading axis"):
        Lanes.of(F, np.zeros(2))


def test_residuals_may_have_any_length():
    assert Lanes.of(lambda x: x, np.zeros((3, 2)), residuals=True).objective.shape == (2,)


# ---- what comes back -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_an_outcome_tells_of_each_start(method):
    chosen, by_lane = lane_method(method, {"learning_rate": 0.3} if method == "adam" else {}, 3)
    lanes, ended = three(), []
    parts = lanes.descend(chosen, by_lane, [], STOPS | {"max_iter": 2000}, ended.append)
    out = lanes.outcome(parts)
    assert out["begun"] == 3
    assert out["error"] is None
    np.testing.assert_allclose(out["x"], CENTERS, atol=1e-6)
    again = lanes.outcome(parts)  # an interrupted call may be repeated
    for name in ("x", "fun", "reason", "nit", "nfev"):
        assert np.array_equal(out[name], again[name]), name


def test_solvers_with_settings_of_their_own_run_in_groups_and_come_back_in_order():
    chosen, by_lane = lane_method("lbfgs", {"memory": [3, 7, 3]}, 3)
    lanes = three()
    parts = lanes.descend(chosen, by_lane, [], STOPS)
    assert [which.tolist() for which, _ in parts] == [[0, 2], [1]]
    np.testing.assert_allclose(lanes.outcome(parts)["x"], CENTERS, atol=1e-7)


def test_lanes_that_were_not_begun_stay_at_their_starts():
    lanes = three()
    chosen, by_lane = lane_method("lbfgs", {"memory": [3, 7, 3]}, 3)
    parts = lanes.descend(chosen, by_lane, [], STOPS)[:1]  # an interrupt before the second group
    out = lanes.outcome(parts)
    assert out["reason"][1] == tw.Reason.interrupted
    assert np.isnan(out["fun"][1])
    assert out["x"][1].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(out["x"][[0, 2]], CENTERS[[0, 2]], atol=1e-7)


def test_faults_are_named_by_what_happened():
    # log leaves its domain, exp overflows at the start, and a rate of 3 makes x**2 grow.
    def f(x, kind):
        return np.where(kind == 0, np.log(x), np.where(kind == 1, np.exp(x), -np.exp(x * x)))

    lanes = Lanes.of(f, np.array([0.5, 800.0, 2.0]), lane_args=np.arange(3.0))
    method = make("gradient_descent", {"learning_rate": 3.0})
    out = lanes.outcome(lanes.descend(method, {}, [], STOPS))
    assert [tw.Reason(r).name for r in out["reason"]] == ["left_domain", "non_finite", "diverged"]
    assert out["x"][0] == 0.5
    assert out["fun"][0] == np.log(0.5)


def test_a_last_point_with_the_lowest_value_is_the_best_though_its_gradient_is_infinite():
    # From 1, a step of 2 * 0.5 leads to 0, where sqrt is 0 and its slope infinite.
    lanes = Lanes.of(lambda x: np.sqrt(x), np.array([1.0]))
    method = make("gradient_descent", {"learning_rate": 2.0})
    out = lanes.outcome(lanes.descend(method, {}, [], STOPS))
    assert out["reason"].tolist() == [tw.Reason.diverged]
    assert (out["x"].tolist(), out["fun"].tolist()) == ([[0.0]], [0.0])
    assert out["last_fun"].tolist() == [0.0]


def test_lanes_of_one_objective_share_its_arguments():
    F = tw.objective(shifted, np.zeros(2), args=(2.0, np.ones(2)))
    lanes = lanes_of(F, np.zeros((4, 2)))
    assert lanes.varying == [False, False]
    assert lanes.values_and_grads(lanes.rows)[0].tolist() == [4.0] * 4


@pytest.mark.parametrize("method", ["newton_cg", "newton"])
@pytest.mark.parametrize("shape", [(65, 6), (13, 5, 3)])
def test_products_with_the_hessian_have_the_bits_of_one_where_they_are_longer(method, shape):
    """They may be long enough to be computed by rows where the values are not."""

    def f(x):
        return np.sum(np.sin(x)) + np.sqrt(1 + np.sum(x * x))

    x = np.random.default_rng(0).standard_normal(shape)
    one = tw.minimize(f, x, method, max_iter=2)
    two = tw.minimize_many(f, np.stack([x, x]), method, max_iter=2)
    np.testing.assert_array_equal(two.x, np.stack([one.x, one.x]))
