# SPDX-License-Identifier: BSD-3-Clause
"""Priors of parameters, in single fits and in many."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._parameters.named import plan_of
from thalweg._parameters.priors import of_data_alone, priors_of

T = np.linspace(0.0, 5.0, 40)
SIGMA = 0.05
NORMAL = {"tau": (1.5, 0.02), "a": (2.0, 0.1)}
WRITTEN = {
    "tau": lambda p: 0.5 * ((p - 1.5) / 0.02) ** 2, "a": lambda p: 0.5 * ((p - 2) / 0.1) ** 2,
}  # fmt: skip


def decay(t, a, tau, c):
    return a * np.exp(-t / tau) + c


def data(k=6):
    rng = np.random.default_rng(0)
    rows = [decay(T, 2 + 0.1 * i, 1, 0.3) for i in range(k)]
    return np.stack(rows) + SIGMA * rng.normal(size=(k, T.size))


def minimum(y, cost_of_data, cost_of_priors=None):
    """The minimum of the negative logarithm of the posterior, written out."""

    def cost(p):
        total = cost_of_data((decay(T, *p) - y) / SIGMA)
        if cost_of_priors is not None:
            return total + cost_of_priors(p)
        return total + sum(WRITTEN[name](p[i]) for name, i in (("tau", 1), ("a", 0)))

    return tw.minimize(cost, np.array([2.0, 1.0, 0.3]), "newton", gtol=1e-10).x


@pytest.mark.parametrize("loss", ["linear", "soft_l1"])
def test_priors_are_added_to_the_cost_of_the_data_alone(loss):
    Y = data()
    fits = tw.curve_fit_many(decay, T, Y, sigma=SIGMA, loss=loss, priors=NORMAL)
    assert fits.success.all()
    costs = {
        "linear": lambda r: 0.5 * np.sum(r * r), "soft_l1": lambda r: np.sum(np.sqrt(1 + r * r) - 1)
    }  # fmt: skip
    for i in (0, 5):
        # Two methods that stop when a step changes x by about 1e-9 of it.
        np.testing.assert_allclose(fits.popt[i], minimum(Y[i], costs[loss]), rtol=1e-7)


def test_a_normal_prior_is_the_function_that_it_stands_for():
    Y = data()
    for how in ({}, {"loss": "cauchy"}, {"bounds": {"tau": (0, 1.2)}, "p0": [1, 1, 0]}):
        normal = tw.curve_fit_many(decay, T, Y, sigma=SIGMA, priors=NORMAL, **how)
        written = tw.curve_fit_many(decay, T, Y, sigma=SIGMA, priors=WRITTEN, **how)
        # The cost is a sum in another order.
        np.testing.assert_allclose(written.popt, normal.popt, rtol=1e-9)
        np.testing.assert_allclose(written.perr, normal.perr, rtol=1e-8)
        np.testing.assert_allclose(written.cost, normal.cost, rtol=1e-12)


def test_the_covariance_is_that_of_data_and_priors_together():
    y = data()[0]
    popt, pcov = tw.curve_fit(decay, T, y, sigma=SIGMA, priors=NORMAL)
    J = tw.jacobian(lambda p: decay(T, *p))(popt) / SIGMA
    precision = J.T @ J + np.diag([100.0, 2500.0, 0.0])
    np.testing.assert_allclose(pcov, np.linalg.inv(precision), rtol=1e-9)  # condition of some 1e3


def test_one_fit_has_the_bits_of_many_and_a_kept_model_too():
    Y = data()
    how = {"sigma": SIGMA, "priors": {"tau": NORMAL["tau"], "b": WRITTEN["a"]},
           "p0": {"tau": 1.0, "b": 1.0, "c": 0.0}, "ties": {"a": lambda b: 2 * b}}  # fmt: skip

    def f(t, a, tau, b, c):
        return (a - b) * np.exp(-t / tau) + c

    many = tw.curve_fit_many(f, T, Y, **how)
    kept = tw.model(f, T)
    for i, y in enumerate(Y):
        popt, pcov = tw.curve_fit(f, T, y, **how)
        np.testing.assert_array_equal(popt, many.popt[i])
        np.testing.assert_array_equal(pcov, many.pcov[i])
        np.testing.assert_array_equal(kept.fit(y, **how)[0], popt)
        assert popt[0] == 2 * popt[2]


def test_priors_may_differ_between_fits():
    Y = data().reshape(2, 3, -1)
    means, sds = np.linspace(1, 2, 6).reshape(2, 3), np.full((3,), 0.02)
    fits = tw.curve_fit_many(decay, T, Y, sigma=SIGMA, priors={"tau": (means, sds), "c": (0, 1)})
    some = tw.curve_fit_many(
        decay, T, Y, sigma=SIGMA, priors={"tau": (means, sds), "c": (0, 1)}, mask=means > 1.3
    )
    for place in np.ndindex(2, 3):
        own = {"tau": (means[place], 0.02), "c": (0, 1)}
        popt, _ = tw.curve_fit(decay, T, Y[place], sigma=SIGMA, priors=own)
        np.testing.assert_array_equal(popt, fits.popt[place])
        if means[place] > 1.3:
            np.testing.assert_array_equal(popt, some.popt[place])


def test_counts_take_priors():
    rng = np.random.default_rng(1)
    counts = rng.poisson(50 * decay(T, 2, 1, 0.3), size=(4, T.size))

    def mean(t, a, tau, c):
        return 50 * decay(t, a, tau, c)

    how = {"likelihood": "poisson", "p0": [2, 1, 0.3]}
    normal = tw.curve_fit_many(mean, T, counts, priors=NORMAL, **how)
    written = tw.curve_fit_many(mean, T, counts, priors=WRITTEN, **how)
    np.testing.assert_allclose(normal.popt, written.popt, rtol=1e-9)

    def cost(p):
        m = mean(T, *p)
        return np.sum(m - counts[0] * np.log(m)) + WRITTEN["tau"](p[1]) + WRITTEN["a"](p[0])

    least = tw.minimize(cost, np.array([2.0, 1.0, 0.3]), "newton").x
    np.testing.assert_allclose(normal.popt[0], least, rtol=1e-6)  # a step of 1e-8 at each end


def test_a_density_with_a_kink_or_a_negative_value_is_minimized():
    y = data()[0]
    popt, _ = tw.curve_fit(decay, T, y, sigma=SIGMA, priors={"tau": lambda p: np.abs(p - 1.5) * 9})
    least = minimum(y, lambda r: 0.5 * np.sum(r * r), lambda p: np.abs(p[1] - 1.5) * 9)
    np.testing.assert_allclose(popt, least, rtol=1e-6)
    gamma = {"tau": lambda p: 40 * p - 60 * np.log(p)}
    popt, _ = tw.curve_fit(decay, T, y, sigma=SIGMA, priors=gamma)
    least = minimum(y, lambda r: 0.5 * np.sum(r * r), lambda p: gamma["tau"](p[1]))
    np.testing.assert_allclose(popt, least, rtol=1e-6)


def test_priors_count_as_data():
    y = data()[0]
    _, pcov = tw.curve_fit(decay, T[:2], y[:2], [2, 1, 0.3], sigma=SIGMA, priors=NORMAL)
    assert np.isfinite(pcov).all()
    with pytest.raises(TypeError, match="must not exceed the number of data"):
        tw.curve_fit_many(decay, T[:1], y[:1], sigma=SIGMA, priors={"a": (2, 1)})


def test_a_prior_that_the_data_contradict_is_not_worse_than_a_constant():
    Y = data()
    fits = tw.curve_fit_many(decay, T, Y, sigma=SIGMA, priors={"tau": (1000, 5)})
    constant = 0.5 * np.var(Y, axis=1) * T.size / SIGMA**2
    assert (fits.cost > constant).all()
    assert not fits.worse.any()


@pytest.mark.parametrize("fit", [tw.curve_fit, tw.curve_fit_many])
@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"priors": {"a": (1, 1)}, "sigma": None}, ValueError, "errors of the data, which must be"),
        ({"priors": {"q": (1, 1)}}, ValueError, "priors names 'q'"),
        ({"priors": {"a": 3}}, TypeError, r"priors\['a'\] must be \(mean, sd\)"),
        ({"priors": {"a": (1, 0)}}, ValueError, "a positive sd"),
        ({"priors": {"a": (np.nan, 1)}}, ValueError, "a finite mean"),
        ({"priors": [1]}, TypeError, "priors must be a dict"),
        ({"priors": {"a": lambda a: [a, a]}}, ValueError, "must return one number"),
        ({"priors": {"a": (1, 1)}, "fixed": {"a": 1}}, ValueError, "which is fixed"),
    ],
)
def test_priors_that_cannot_be_meant_are_refused(fit, wrong, error, text):
    with pytest.raises(error, match=text):
        fit(decay, T, data()[0], **({"sigma": SIGMA} | wrong))


def test_what_single_fits_with_priors_lack_is_said():
    y = data()[0]
    for wrong, error in (
        ({"sigma": np.eye(T.size)}, ValueError), ({"full_output": True}, ValueError),
        ({"trace": False}, TypeError),
    ):  # fmt: skip
        with pytest.raises(error, match="prior"):
            tw.curve_fit(decay, T, y, **({"sigma": SIGMA, "priors": NORMAL} | wrong))


def test_priors_become_rows_of_numbers():
    plan = plan_of(["a", "b", "c"])
    read, numbers = priors_of({"c": (1, [2, 3]), "a": (4, 5)}, ["a", "b", "c"], plan, (2,))
    assert read.normal == (2, 0)
    assert numbers.tolist() == [[[1, 4], [2, 5]], [[1, 4], [3, 5]]]
    assert len(read) == 2


def test_a_loss_of_the_data_leaves_the_other_rows_alone():
    loss = of_data_alone(lambda z: (2 * z, 0 * z + 2, 0 * z), 2, 3)
    assert [v.tolist() for v in loss(np.array([1.0, 2.0, 3.0]))] == [
        [2, 4, 3], [2, 2, 1], [0, 0, 0]
    ]  # fmt: skip
    same = of_data_alone(np.log1p, 2, 3)
    assert of_data_alone(np.log1p, 2, 3) is same
