# SPDX-License-Identifier: BSD-3-Clause
"""`fit_together`: sets of different models and lengths, against SciPy on the whole problem."""

import re

import numpy as np
import pytest
from scipy import optimize

import thalweg as tw

T, W, X = np.linspace(0.0, 4.0, 30), np.linspace(0.0, 3.0, 21), np.linspace(-1.0, 1.0, 12)


def decay(t, a, tau):
    return a * np.exp(-t / tau)


def spectrum(w, b, tau, c):
    return b / (1.0 + (w * tau) ** 2) + c


def line(x, c, d):
    return c + d * x


MODELS = [
    tw.model(decay, T, [1.0, 1.0]), tw.model(spectrum, W, [1.0, 1.0, 0.0]),
    tw.model(line, X, [0.0, 0.0]),
]  # fmt: skip
SIGMA = [0.05, 0.1, np.full(12, 0.02)]
NOISE = np.random.default_rng(5)
DATA = [
    np.stack([decay(T, 2.0, 0.7), decay(T, 3.0, 0.7)]) + 0.05 * NOISE.normal(size=(2, 30)),
    spectrum(W, 5.0, 0.7, 0.3) + 0.1 * NOISE.normal(size=21),
    line(X, 0.3, 2.0) + 0.02 * NOISE.normal(size=12),
]


def whole(p):
    tau, c, a1, a2, b, d = p
    return np.concatenate([
        (decay(T, a1, tau) - DATA[0][0]) / 0.05, (decay(T, a2, tau) - DATA[0][1]) / 0.05,
        (spectrum(W, b, tau, c) - DATA[1]) / 0.1, (line(X, c, d) - DATA[2]) / 0.02,
    ])  # fmt: skip


def test_models_of_different_lengths_are_the_whole_problem():
    found = tw.fit_together(MODELS, DATA, shared=("tau", "c"), sigma=SIGMA, absolute_sigma=True)
    dense = optimize.least_squares(
        whole, np.ones(6), jac="3-point", method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    first, second, third = found.fits
    point = [*found.shared.values(), *first["a"], second["b"][()], third["d"][()]]
    # SciPy's slopes are differences, accurate to 1e-10.
    assert point == pytest.approx(dense.x, rel=1e-8)
    covariance = np.linalg.inv(dense.jac.T @ dense.jac)
    assert found.covariance == pytest.approx(covariance[:2, :2], rel=1e-6)
    assert second.pcov == pytest.approx(covariance[np.ix_([4, 0, 1], [4, 0, 1])], rel=1e-6)
    assert third.pcov == pytest.approx(covariance[np.ix_([1, 5], [1, 5])], rel=1e-6)
    assert found.dof == 60 + 21 + 12 - 6
    assert found.cost == pytest.approx(dense.cost, rel=1e-12)


def test_order_of_the_models_does_not_matter_but_for_rounding():
    one = tw.fit_together(MODELS, DATA, shared=("tau", "c"), sigma=SIGMA)
    other = tw.fit_together(MODELS[::-1], DATA[::-1], shared=("tau", "c"), sigma=SIGMA[::-1])
    for name in ("tau", "c"):
        assert one.shared[name] == pytest.approx(other.shared[name], rel=1e-9)
        assert one.errors[name] == pytest.approx(other.errors[name], rel=1e-9)


def test_results_have_the_same_bits_for_any_number_of_threads():
    one, two = (
        tw.fit_together(MODELS, DATA, shared=("tau", "c"), threads=threads) for threads in (1, 2)
    )
    assert one.shared == two.shared
    assert all(np.array_equal(a.pcov, b.pcov) for a, b in zip(one.fits, two.fits, strict=True))


def test_starts_bounds_and_fixed_values_go_by_name():
    found = tw.fit_together(
        MODELS, DATA, {"tau": 0.8, "a": [1.0, 2.0]}, shared="tau",
        bounds={"tau": (0.75, None), "b": (None, 9.0)}, fixed={"d": 2.0},
    )  # fmt: skip
    assert found.shared["tau"] == 0.75
    assert np.isnan(found.errors["tau"])
    assert found.fits[2]["d"] == 2.0
    # Here the offsets belong to each model.
    assert found.fits[1]["c"] != found.fits[2]["c"]


def test_starts_bounds_and_fixed_values_of_each_model():
    by_name = tw.fit_together(
        MODELS, DATA, {"tau": 0.8, "b": 2.0}, shared="tau", bounds={"b": (0, 9)}, fixed={"d": 2.0}
    )
    each = tw.fit_together(
        MODELS, DATA, [[1.0, 0.8], {"tau": 0.8, "b": 2.0}, None], shared="tau",
        bounds=[None, ([0, -np.inf, -np.inf], [9, np.inf, np.inf]), None],
        fixed=[None, None, {"d": 2.0}],
    )  # fmt: skip
    assert each.shared == by_name.shared


def test_results_are_shown_and_selected():
    found = tw.fit_together(MODELS, DATA, shared=("tau", "c"))
    assert found[0] is found.fits[0]
    assert found["shared"] == found.shared
    assert re.search(r"^fits\[2\]: d = \S+ ± \S+$", repr(found), re.MULTILINE)
    assert f"tau = {found.shared['tau']:.6g}" in repr(found)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"models": [decay]}, TypeError, r"models\[0\] must be a tw.model, got function"),
        ({"models": []}, ValueError, "at least one model"),
        ({"ydata": DATA[:2]}, ValueError, "ydata must have one entry for each of 3 models, got 2"),
        ({"sigma": [1.0]}, ValueError, "sigma must have one entry for each of 3 models, got 1"),
        ({"shared": "x"}, ValueError, "shared names 'x'"),
        ({"p0": {"x": 1.0}}, ValueError, "p0 names 'x', but the parameters are a, b, c, d, tau"),
        ({"p0": [{"b": 1.0}, None, None]}, ValueError, "p0 names 'b', but the parameters are a, "),
        ({"bounds": {"tau": 3.0}}, ValueError, r"bounds\['tau'\] must be a pair"),
        ({"fixed": {"tau": 3.0}}, ValueError, "'tau' must be shared or fixed, not both"),
        ({"fixed": [{"tau": 3.0}, None, None]}, ValueError, "shared or fixed, not both"),
        (
            {"models": [tw.model(decay, T, [1, 1], trace=False)], "ydata": DATA[:1]},
            TypeError, "fit_together needs a traced model",
        ),
    ],
)  # fmt: skip
def test_wrong_arguments_are_said(change, error, message):
    given = {"models": MODELS, "ydata": DATA, "shared": "tau"} | change
    with pytest.raises(error, match=message):
        tw.fit_together(**given)


def test_ties_and_parameters_that_keep_their_starts():
    found = tw.fit_together(
        MODELS, DATA, {"d": 2.0, "tau": 0.5}, shared="tau", fixed=("d",),
        ties=[None, {"b": lambda tau: 5.0 * tau / 0.7}, None],
    )  # fmt: skip
    assert found.fits[2]["d"] == 2.0
    assert found.fits[1]["b"] == pytest.approx(5.0 * found.shared["tau"] / 0.7)
    assert found.fits[1].perr[0] == pytest.approx(5.0 / 0.7 * found.errors["tau"])
