# SPDX-License-Identifier: BSD-3-Clause
"""Starts, bounds, fixed values and ties by name, in single fits and in many."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._parameters.named import bounds_by_name, names_for, plan_of, starts_by_name

T = np.linspace(0.0, 5.0, 40)


def two_decays(t, a, tau, b, c):
    return a * np.exp(-t / tau) + b * np.exp(-t / (3 * tau)) + c


def data(k=6):
    rng = np.random.default_rng(0)
    rows = [two_decays(T, 2 + 0.1 * i, 1, 4 + 0.2 * i, 0.3) for i in range(k)]
    return np.stack(rows) + 0.02 * rng.normal(size=(k, T.size))


NAMED = {
    "p0": {"tau": 0.7, "a": 1.0}, "bounds": {"tau": (0.1, None)}, "fixed": {"c": 0.3},
    "ties": {"b": lambda a: 2 * a},
}  # fmt: skip


def test_one_fit_and_many_fits_by_name_are_the_same():
    Y = data()
    many = tw.curve_fit_many(two_decays, T, Y, **NAMED)
    assert many.success.all()
    for i, y in enumerate(Y):
        popt, pcov = tw.curve_fit(two_decays, T, y, **NAMED)
        np.testing.assert_array_equal(popt, many.popt[i])  # the same bits
        # The one is computed by QR of J, the other by the inverse of J'J.
        np.testing.assert_allclose(pcov, many.pcov[i], rtol=1e-9, atol=1e-16)
        np.testing.assert_array_equal(many.perr[i], np.sqrt(np.diagonal(many.pcov[i])))


def test_ties_and_fixed_values_are_those_written_into_the_model():
    y = data()[0]
    popt, pcov = tw.curve_fit(two_decays, T, y, **NAMED)
    written = tw.curve_fit(lambda t, a, tau: two_decays(t, a, tau, 2 * a, 0.3), T, y, [1, 0.7])
    # Bounds that are not active change only the rounding of the last steps.
    np.testing.assert_allclose(popt, [*written[0], 2 * popt[0], 0.3], rtol=1e-9)
    change = np.array([[1, 0], [0, 1], [2, 0], [0, 0]])
    np.testing.assert_allclose(pcov, change @ written[1] @ change.T, rtol=1e-8, atol=1e-18)


def test_a_kept_model_takes_names_traced_or_called():
    y = data()[0]
    popt, pcov = tw.curve_fit(two_decays, T, y, **NAMED)
    kept = tw.model(two_decays, T, {"a": 1, "tau": 0.7, "b": 1, "c": 1})
    for fit in (kept.fit(y, **NAMED), kept.fit(y, **NAMED)):
        np.testing.assert_array_equal(fit[0], popt)
    np.testing.assert_array_equal(kept.fit_many(y, **NAMED).popt, popt)
    other = kept.fit(y, **(NAMED | {"fixed": {"c": 0.2}}))[0]  # the same graph with another value
    assert other[3] == 0.2
    assert other[0] != popt[0]
    called = tw.curve_fit(two_decays, T, y, trace=False, **NAMED)
    # Central differences are exact to some 1e-10 of the value.
    np.testing.assert_allclose(called[0], popt, rtol=1e-7)
    np.testing.assert_allclose(called[1], pcov, rtol=1e-5)

    def jac(t, a, tau, b, c):
        return tw.jacobian(lambda p: two_decays(t, *p))(np.array([a, tau, b, c]))

    given = tw.curve_fit(two_decays, T, y, trace=False, jac=jac, **NAMED)
    np.testing.assert_allclose(given[0], popt, rtol=1e-9)


def test_parameters_are_fixed_at_their_starts():
    Y = data()
    p0 = {"a": np.linspace(1, 2, 6), "tau": 0.7, "b": 1.0, "c": np.linspace(0.2, 0.4, 6)}
    fits = tw.curve_fit_many(two_decays, T, Y, p0, fixed=("c",))
    np.testing.assert_array_equal(fits["c"], p0["c"])
    assert not fits.perr[:, 3].any()
    for i, y in enumerate(Y):
        start = [p0["a"][i], 0.7, 1.0, p0["c"][i]]
        np.testing.assert_array_equal(
            tw.curve_fit(two_decays, T, y, start, fixed=("c",))[0], fits.popt[i]
        )

    def guess(y):
        return {"a": y.max(axis=-1), "tau": 0.7, "c": y.min(axis=-1)}

    fits = tw.curve_fit_many(two_decays, T, Y, guess, fixed=["c"], ties={"b": lambda a: 2 * a})
    np.testing.assert_array_equal(fits["c"], Y.min(axis=-1))
    np.testing.assert_array_equal(fits["b"], 2 * fits["a"])


def test_full_output_and_scales_are_those_of_all_parameters():
    y = data()[0]
    plain = tw.curve_fit(two_decays, T, y, **NAMED)
    _, _, info, _, _ = tw.curve_fit(
        two_decays, T, y, full_output=True, x_scale=[1, 1, 1, 9.0],
        **(NAMED | {"bounds": {"tau": (1.1, 2)}, "p0": {"a": 1, "tau": 1.5}}),
    )  # fmt: skip
    assert info["active_mask"].tolist() == [0, -1, 0, 0]
    scaled = tw.curve_fit(two_decays, T, y, x_scale=[1, 0.1, 1, 9.0], **NAMED)
    np.testing.assert_allclose(scaled[0], plain[0], rtol=1e-8)  # other steps to the same minimum


def test_names_come_from_the_signature_or_from_the_dicts():
    assert names_for(two_decays, {"c": 1}, ("a",)) == ["a", "tau", "b", "c"]
    assert names_for(lambda x, *p: p[0] * x, {"u": 1, "v": 2}, {"w": 1}) == ["u", "v", "w"]
    with_default = lambda x, a, b=2.0, c=3.0: a + b * x + c  # noqa: E731
    assert names_for(with_default, {"a": 1}) == ["a"]
    assert names_for(with_default, {"a": 1, "b": 1}) == ["a", "b"]
    popt, _ = tw.curve_fit(lambda x, *p: p[0] * x + p[1], T, 2 * T + 1, {"slope": 1, "height": 0})
    np.testing.assert_allclose(popt, [2, 1])


def test_starts_and_bounds_by_name_become_arrays():
    assert starts_by_name({"b": 2, "a": 1}, ["a", "b"], (), ()).tolist() == [1, 2]
    assert starts_by_name({"b": [2, 3]}, ["a", "b"], (2,), "a").tolist() == [[1, 2], [1, 3]]
    low, high = bounds_by_name({"a": (0, None), "b": (None, [1, 2])}, ["a", "b"], (2,))
    assert low.tolist() == [0, -np.inf]
    assert high.tolist() == [[np.inf, 1], [np.inf, 2]]


def test_a_plan_orders_ties_by_what_they_need():
    ties = {"a": lambda b, c=1: b * c, "b": lambda d: d}
    plan = plan_of(["a", "b", "c", "d"], ("c",), ties)
    assert (plan.free, plan.fixed, [t.position for t in plan.ties]) == ((3,), (2,), [1, 0])
    assert plan.ties[1].arguments == ("b", "c")
    assert plan.sources == {1: (0,), 0: (0,)}


@pytest.mark.parametrize("fit", [tw.curve_fit, tw.curve_fit_many])
@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"p0": {"a": 1}}, ValueError, "leaves out tau, b, c"),
        ({"p0": dict.fromkeys("q", 1)}, ValueError, "p0 names 'q', but the parameters are a, tau"),
        ({"ties": {"a": lambda b: b, "b": lambda a: a}}, ValueError, "depend on themselves"),
        ({"ties": {"a": lambda q: q}}, ValueError, "must be parameters by name"),
        ({"ties": {"a": lambda *q: q}}, ValueError, "any number of them"),
        ({"ties": {"a": 2.0}}, TypeError, "a number belongs in fixed"),
        ({"ties": {"a": lambda b: [b, b]}}, ValueError, "one number"),
        ({"ties": ["a"]}, TypeError, "ties must be a dict of functions"),
        ({"fixed": "c"}, TypeError, "fixed must be a dict of values"),
        ({"fixed": {"a": [1, 2, 3]}}, ValueError, r"fixed\['a'\] must be a number"),
        ({"fixed": {"a": np.nan}}, ValueError, r"fixed\['a'\] must be finite"),
        ({"fixed": ("a", "tau", "b", "c")}, ValueError, "must leave a parameter to fit"),
        ({"fixed": {"a": 1}, "ties": {"a": lambda b: b}}, ValueError, "either fixed or tied"),
        ({"bounds": {"a": 3}}, ValueError, r"bounds\['a'\] must be a pair"),
        ({"bounds": {"q": (0, 1)}}, ValueError, "bounds names 'q'"),
        ({"bounds": {"b": (0, 9)}, "ties": {"b": lambda a: a}}, ValueError, "bounds of 'b'"),
        ({"bounds": {"a": (2, None)}, "p0": [1, 1, 1, 1], "fixed": ("c",)}, ValueError,
         "1.0 is outside .2.0, inf. for a"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(fit, wrong, error, text):
    with pytest.raises(error, match=text):
        fit(two_decays, T, data()[0], **wrong)
