# SPDX-License-Identifier: BSD-3-Clause
"""Results of fits come back from files and say what they said; what they cannot say is told."""

import io

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, with_gaps

import thalweg as tw
from thalweg._files.container import BadFileError, read, write

Y = with_gaps(decays(6)[1]).reshape(2, 3, 20)
SAID = ("dof", "chi2", "reduced_chi2", "aic", "bic", "r2", "correlations")
THERE = np.array([0.3, 1.7])
CASES = {
    "plain": {},
    "fixed": {"fixed": ("c",)},
    "ties": {"ties": {"c": lambda a: a / 10}},
    "sigma": {"sigma": 0.05, "absolute_sigma": True},
    "loss": {"loss": "huber", "f_scale": 0.05},
    "priors": {"sigma": 0.05, "priors": {"b": (1.0, 0.5)}},
    "bounds": {"bounds": {"b": (0.8, 1.5)}},
    "mask": {"mask": np.array([[True, False, True], [True, True, False]])},
}


def again(result, **said):
    file = io.BytesIO()
    result.save(file)
    file.seek(0)
    return tw.load(file, **said)


def same_arrays(a, b):
    keys = list(a.keys())
    assert list(b.keys()) == keys
    for key in keys:
        np.testing.assert_array_equal(a[key], b[key], err_msg=key)


@pytest.mark.parametrize("said", CASES.values(), ids=CASES)
def test_fits_say_what_they_said(said):
    fits = tw.curve_fit_many(decay, T, Y, P0, **said)
    found = again(fits)
    assert type(found) is tw.Fits
    assert found.shape == (2, 3)
    same_arrays(fits, found)
    for name in SAID:
        np.testing.assert_array_equal(getattr(found, name), getattr(fits, name), err_msg=name)
    assert found.report() == fits.report()
    assert repr(found) == repr(fits)
    for at in np.ndindex(2, 3):
        assert found[at].message == fits[at].message
    for own, other in zip(found.interval(0.9, "wald"), fits.interval(0.9, "wald"), strict=True):
        np.testing.assert_array_equal(own, other)
    # Some of them are results too, and are saved once more.
    np.testing.assert_array_equal(again(again(fits[1])).r2, fits.r2[1])
    np.testing.assert_array_equal(again(fits)[1, 1].chi2, fits.chi2[1, 1])


@pytest.mark.parametrize("said", CASES.values(), ids=CASES)
def test_fits_predict_with_their_model(said):
    fits = tw.curve_fit_many(decay, T, Y, P0, **said)
    found = again(fits, model=decay)
    np.testing.assert_array_equal(found.predict(THERE), fits.predict(THERE))
    np.testing.assert_array_equal(found[1, 1:].predict(THERE), fits[1, 1:].predict(THERE))
    if "ties" in said:
        with pytest.raises(ValueError, match="bands need the functions of the ties"):
            found.predict(THERE, level=0.9)
        return
    for kind in ("confidence", "prediction"):
        band, own = (f.predict(THERE, level=0.9, kind=kind) for f in (fits, found))
        for a, b in zip(band, own, strict=True):
            np.testing.assert_array_equal(a, b)


def test_counts_and_errors_by_datum_are_known_again():
    counts = np.random.default_rng(0).poisson(decay(T, 50.0, 1.0, 5.0), (3, 20))
    fits = tw.curve_fit_many(decay, T, counts, [40, 1, 4], likelihood="poisson")
    found = again(fits, model=tw.model(decay, T, [1, 1, 1]))
    np.testing.assert_array_equal(found.r2, fits.r2)
    for a, b in zip(fits.predict(THERE, 0.9, "prediction"), found.predict(THERE, 0.9, "prediction"),
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)
    fits = tw.curve_fit_many(decay, T, Y, P0, sigma=np.linspace(0.04, 0.06, 20))
    with pytest.raises(ValueError, match="the errors of new data are not known"):
        again(fits, model=decay).predict(THERE, 0.9, "prediction")


@pytest.mark.parametrize("said", [{}, {"fixed": {"c": 0.1}}, {"bounds": (0, 6)}], ids=str)
def test_a_single_fit_comes_back_as_one(said):
    fit = tw.curve_fit(decay, T, decays(1)[1][0], [2.0, 1.0, 0.2], **said)
    found = again(fit, model=decay)
    popt, pcov = found
    np.testing.assert_array_equal(popt, fit.popt)
    np.testing.assert_array_equal(pcov, fit.pcov)
    assert type(found) is tw.Fit
    assert found.report() == fit.report()
    assert found.message == fit.message
    np.testing.assert_array_equal(found.predict(THERE), fit.predict(THERE))
    fits = tw.curve_fit_many(decay, T, Y, P0)
    one = again(fits[1, 2])
    assert type(one) is type(fits[1, 2])
    assert one.report() == fits[1, 2].report().replace(" (init = 2)", "").replace(
        " (init = 1)", "").replace(" (init = 0)", "")  # fmt: skip


def test_what_files_do_not_hold_is_told():
    found = again(tw.curve_fit_many(decay, T, Y, P0), model=decay)
    for what in ("residuals", "fitted", "condition"):
        with pytest.raises(ValueError, match="needs the traced model and the data of the fits"):
            getattr(found, what)
    with pytest.raises(ValueError, match=r"pass the model to .* and x to predict"):
        found.predict()
    with pytest.raises(ValueError, match=r"pass the model to .* and x to predict"):
        again(tw.curve_fit_many(decay, T, Y, P0)).predict(THERE)


def test_shared_parameters_come_back():
    fits = tw.curve_fit_many(decay, T, np.nan_to_num(Y[0]), P0, shared=("b",))
    found = again(fits)
    assert type(found) is tw.SharedFits
    same_arrays(fits, found)
    assert found.joint.shared == fits.joint.shared
    np.testing.assert_array_equal(found.joint.covariance, fits.joint.covariance)
    assert repr(found) == repr(fits)


def away(p, y):
    return decay(T, p[0], p[1], p[2]) - y


def test_minimized_residuals_come_back():
    y = decays(6)[1]
    res = tw.least_squares(away, P0, args=(y[0],), loss="soft_l1")
    found = again(res)
    assert type(found) is tw.LeastSquares
    same_arrays(res, found)
    assert found.reason is res.reason
    assert found.report() == res.report()
    many = tw.least_squares_many(away, np.tile(P0, (6, 1)), lane_args=(y,))
    for result in (many, many[[4, 2]]):
        found = again(result)
        assert type(found) is tw.LeastSquaresMany
        same_arrays(result, found)
        assert found.report() == result.report()
        np.testing.assert_array_equal(found[1:].perr, result[1:].perr)
        np.testing.assert_array_equal(again(found).condition, result.condition)
        assert found[1].message == result[1].message
    one = again(many[3])
    assert (one.report(), one.cost) == (many[3].report(), many[3].cost)


def test_names_of_variables_come_back():
    def packed(y, w, c):
        return decay(T, w[0], w[1], c) - y

    starts = {"w": np.ones((6, 2)), "c": np.zeros(6)}
    many = tw.least_squares_many(packed, starts, lane_args=(decays(6)[1],))
    found = again(many)
    assert found.names == ["w[0]", "w[1]", "c"]
    np.testing.assert_array_equal(found.x["w"], many.x["w"])
    res = tw.least_squares(packed, {"y": np.zeros(20), "w": np.ones(2), "c": 1.0})
    assert again(res).x.keys() == res.x.keys()


def changed(result, change):
    """The file of a result with a change to what it holds."""
    file = io.BytesIO()
    result.save(file)
    file.seek(0)
    saved = read(file)
    change(saved.value)
    file = io.BytesIO()
    write(file, saved)
    file.seek(0)
    return file


CHANGES = {
    "popt must be floats": lambda v: v["arrays"].update(popt=v["arrays"]["popt"][..., :2]),
    "pcov must be floats": lambda v: v["arrays"].update(pcov=v["arrays"]["pcov"].astype(int)),
    "reason must be int8": lambda v: v["arrays"].update(reason=v["arrays"]["reason"].astype(int)),
    "reason must be that of": lambda v: v["arrays"]["reason"].fill(77),
    "KeyError: 'reason'": lambda v: v["arrays"].pop("reason"),
    "success must be bool": lambda v: v["arrays"].update(success=np.zeros((2, 3))),
    "names must be text": lambda v: v["shared"].update(names=["a", "b", 3]),
    "free must be places": lambda v: v["about"].update(free=[0, 1, 3]),
    "must have the leading axes": lambda v: v["own"].update(left=np.zeros(6)),
    "KeyError: 'about'": lambda v: v.pop("about"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_what_fits_hold_is_checked(said):
    file = changed(tw.curve_fit_many(decay, T, Y, P0), CHANGES[said])
    with pytest.raises(BadFileError, match=f"the file is damaged: it is no Fits .*{said}"):
        tw.load(file)


def test_what_residuals_hold_is_checked():
    res = tw.least_squares(away, P0, args=(decays(1)[1][0],))
    for name, bad in (("fun", np.zeros(3)), ("x", np.zeros(2)), ("reason", "luck"), ("zzz", 1)):
        file = changed(res, lambda value, name=name, bad=bad: value.update({name: bad}))
        with pytest.raises(BadFileError, match="the file is damaged: it is no LeastSquares"):
            tw.load(file)


def test_models_must_fit_their_file():
    fits = tw.curve_fit_many(decay, T, Y, P0)
    with pytest.raises(ValueError, match=r"must have the parameters \['a', 'b', 'c'\]"):
        again(fits, model=tw.model(lambda x, p, q: p * x + q, T, [1, 1]))
    with pytest.raises(TypeError, match="model must be a function"):
        again(fits, model=3)
    res = tw.least_squares(away, P0, args=(decays(1)[1][0],))
    with pytest.raises(ValueError, match="model is for fits, but the file holds LeastSquares"):
        again(res, model=decay)


def test_other_kinds_are_not_guessed():
    file = io.BytesIO()
    from thalweg._files.container import Saved

    write(file, Saved("Basins", {}))
    file.seek(0)
    with pytest.raises(BadFileError, match="holds 'Basins', which this version does not know"):
        tw.load(file)
