# SPDX-License-Identifier: BSD-3-Clause
"""A run of many fits: policies for NaN, limits, interrupts and progress."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits

import thalweg as tw
from thalweg._fits import reading
from thalweg._fits.running import ManyProblem, _check_number, fit_many
from thalweg._fits.settings import ManyFitSettings
from thalweg._fits.verdicts import fields_of
from thalweg._results.reasons import Reason

# ---- what is not finite --------------------------------------------------------------------------


def test_data_are_searched_for_infinities_without_a_warning():
    huge = np.full((3, 20), 1e308)
    tw.curve_fit_many(decay, T, huge, P0, nan_policy="raise")
    huge[1, :2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="ydata of fit 1 holds inf at index 0"):
        tw.curve_fit_many(decay, T, huge, P0, nan_policy="raise")


def test_nan_policies():
    _, y = decays(4)
    y[2, 5] = np.nan
    with pytest.raises(ValueError, match="must not contain infs or NaNs: ydata of fit 2 holds"):
        tw.curve_fit_many(decay, T, y, P0, nan_policy="raise")
    fits = tw.curve_fit_many(decay, T, y, P0, nan_policy="propagate")
    assert np.isnan(fits.popt[2]).all()
    assert fits.success.tolist() == [True, True, False, True]
    same_bits(fits[[0, 1, 3]], tw.curve_fit_many(decay, T, y[[0, 1, 3]], P0))
    shared = np.where(np.arange(20) == 3, np.nan, T)
    with pytest.raises(ValueError, match="must not contain infs or NaNs: xdata does"):
        tw.curve_fit_many(decay, shared, y[:2], P0, nan_policy="raise")
    x = np.tile(shared, (4, 1))
    with pytest.raises(ValueError, match="must not contain infs or NaNs: xdata of fit 0 holds"):
        tw.curve_fit_many(decay, x, np.ones((4, 20)), P0, nan_policy="raise")
    with pytest.raises(ValueError, match="nan_policy must be one of"):
        tw.curve_fit_many(decay, T, y, P0, nan_policy="ignore")


# ---- limits, interrupts, progress ----------------------------------------------------------------


def test_limits_end_fits_alone():
    _, y = decays(30)
    fits = tw.curve_fit_many(decay, T, y, P0, max_nfev=5)
    assert (fits.nfev <= 5).all()
    assert 0 < np.count_nonzero(~fits.success) <= 30
    ended = fits[~fits.success]
    assert (ended.reason == Reason.max_evaluations).all()
    assert (ended.status == -2).all()
    assert np.isfinite(ended.perr).all()
    assert "max_nfev = 5" in ended[0].message
    none = tw.curve_fit_many(decay, T, np.tile(y, (50, 1)), P0, max_time=0.0)
    assert not none.success.any()
    assert (none.reason == Reason.max_time).all()


def test_interrupt_keeps_what_is_done(monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(300)
    y[70, 3] = np.nan
    whole = tw.curve_fit_many(decay, T, y, P0)
    seen = []

    def guess(data):
        seen.append(len(data))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return P0

    with pytest.raises(KeyboardInterrupt) as stop:
        tw.curve_fit_many(decay, T, y, guess)
    fits = stop.value.result
    done = sum(seen[:2])
    same_bits(fits[:done], whole[:done])
    assert (fits.reason[done:] == Reason.interrupted).all()
    assert np.isnan(fits.popt[done:]).all()
    assert (fits.status[done:] == -4).all()


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_a_signal_keeps_what_is_done():
    _, y = decays(2000)
    many = np.broadcast_to(y, (1000, 2000, T.size))  # two million fits
    alarm = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    alarm.start()
    try:
        with pytest.raises(KeyboardInterrupt) as stop:
            tw.curve_fit_many(decay, T, many, P0, threads=1)
    finally:
        alarm.cancel()
    fits = stop.value.result
    unfinished = fits.reason == Reason.interrupted
    assert unfinished.any()
    assert not fits.success[unfinished].any()
    assert np.isnan(fits.perr[fits.nfev == 0]).all()
    at, lanes = (i[:1000] for i in np.nonzero(~unfinished))
    if lanes.size:
        same_bits(fits[at, lanes], tw.curve_fit_many(decay, T, y[lanes], P0))


def test_progress_counts_fits(capsys, monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(200)
    y[3, 3] = np.nan
    fits = tw.curve_fit_many(decay, T, y, P0, progress=True)
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "fits 200 of 200"
    same_bits(fits, tw.curve_fit_many(decay, T, y, P0))
    assert capsys.readouterr().err == ""


# ---- warnings ------------------------------------------------------------------------------------


def test_absolute_sigma_without_sigma_warns_once():
    _, y = decays(3)
    with pytest.warns(tw.OptimizeWarning, match="absolute_sigma=True without sigma") as told:
        fits = tw.curve_fit_many(decay, T, y, P0, absolute_sigma=True)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ones = tw.curve_fit_many(decay, T, y, P0, sigma=1.0, absolute_sigma=True)
    np.testing.assert_allclose(fits.pcov, ones.pcov, rtol=1e-12)


# ---- one run -------------------------------------------------------------------------------------


def straight(trace, predictors, parameters):
    return parameters[0] * trace.wrap(T) + parameters[1]


def problem(y, start=None, **how):
    return ManyProblem(values=straight, names=["a", "b"], data=np.asarray(y), start=start, **how)


LINES = np.outer(np.arange(1.0, 7.0), T) + 0.1 * np.cos(7 * T)


def test_a_run_fills_the_leading_axes_of_the_data():
    fits = fit_many(problem(LINES.reshape(2, 3, -1)), ManyFitSettings())
    assert fits.shape == (2, 3)
    assert fits.names == ["a", "b"]
    right = np.polyfit(T, LINES.T, 1).T
    np.testing.assert_allclose(fits.popt.reshape(6, 2), right, rtol=1e-9, atol=1e-12)


def test_tapes_are_built_once_for_a_layout():
    kept = {}
    how = {"tapes": kept}
    fit_many(problem(LINES, **how), ManyFitSettings())
    fit_many(problem(2 * LINES, np.array([5.0, 5.0]), **how), ManyFitSettings())
    assert len(kept) == 1
    gaps = np.where(np.arange(20) == 3, np.nan, LINES)
    fit_many(problem(gaps, **how), ManyFitSettings())
    assert len(kept) == 2  # those for missing values
    fit_many(problem(LINES, **how), ManyFitSettings(absolute_sigma=True, sigma=0.1))
    fit_many(problem(LINES, **how), ManyFitSettings(bounds=(0, 99)))
    assert len(kept) == 4


def test_errors_of_tracing_come_before_the_data_are_read():
    def wrong(trace, predictors, parameters):
        raise LookupError("mine")

    class Data(np.ndarray):
        def __array_finalize__(self, _):
            pass

        def __getitem__(self, key):
            raise AssertionError("read")

    data = LINES.view(Data)
    with pytest.raises(LookupError, match="mine"):
        fit_many(ManyProblem(values=wrong, names=["a"], data=data, start=None), ManyFitSettings())


def test_the_number_of_parameters_is_checked():
    _check_number(3, np.ones((2, 3)))
    with pytest.raises(ValueError, match="`fixed` must leave a parameter to fit"):
        _check_number(0, np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"parameters=4 must not exceed .* points=3, of .*3\)$"):
        _check_number(4, np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"ravel\(\) makes one fit of a column"):
        _check_number(2, np.ones((9, 1)))


def test_errors_in_a_later_chunk_are_raised_with_what_they_say(monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 2)
    sigma = np.full(LINES.shape, 0.1)
    sigma[5, 7] = 0.0
    with pytest.raises(ValueError, match=r"got 0.0 for value 7 of fit 5"):
        fit_many(problem(LINES), ManyFitSettings(sigma=sigma))


def test_too_few_data_beside_others_are_told_apart_from_gaps():
    y = LINES.copy()
    y[1, 2:] = np.nan  # two data for two parameters
    y[2, 1:] = np.nan
    fits = fit_many(problem(y), ManyFitSettings())
    assert fits.n_missing.tolist() == [0, 18, 19, 0, 0, 0]
    assert fits.success.tolist() == [True, True, False, True, True, True]
    assert np.isinf(fits.perr[1]).all()
    assert fits.reason[2] == Reason.non_finite


# ---- some of the fits ----------------------------------------------------------------------------


def many(k=60):
    rng = np.random.default_rng(8)
    t = np.linspace(0, 4, 25)
    rates = rng.uniform(0.5, 2, (k // 10, 10, 1))
    return t, 2 * np.exp(-rates * t) + 0.01 * rng.normal(size=(k // 10, 10, 25))


def one_decay(t, a, b, c):
    return a * np.exp(-b * t) + c


def test_a_mask_selects_fits_that_have_the_same_bits():
    t, y = many()
    whole = tw.curve_fit_many(one_decay, t, y)
    mask = np.random.default_rng(0).random((6, 10)) < 0.4
    how = {"p0": whole.popt * 1.1, "fixed": {"c": whole["c"]}, "sigma": np.full(y.shape, 0.01)}
    for more in ({}, how, {"nan_policy": "raise"}):
        every = tw.curve_fit_many(one_decay, t, y, **more)
        broken = y.copy()
        broken[~mask] = np.inf  # never looked at
        some = tw.curve_fit_many(one_decay, t, broken, mask=mask, **more)
        for name in fields_of(3):
            np.testing.assert_array_equal(some[name][mask], every[name][mask], name)
        assert (some.reason[~mask] == tw.Reason.not_run).all()
        assert not some.success[~mask].any()
        assert np.isnan(some.popt[~mask]).all()
        assert some[tuple(np.argwhere(~mask)[0])].message.startswith("not run")
    none = tw.curve_fit_many(one_decay, t, y, mask=np.zeros((6, 10), bool))
    assert (none.reason == tw.Reason.not_run).all()
    assert "not_run" in repr(none)


def test_messages_of_masked_fits_name_the_fit_among_all():
    t, y = many()
    sigma = np.full(y.shape, 0.01)
    sigma[4, 3, 7] = -1.0
    mask = np.zeros((6, 10), bool)
    mask[4] = True
    with pytest.raises(ValueError, match="for value 7 of fit 43"):
        tw.curve_fit_many(one_decay, t, y, sigma=sigma, mask=mask)
    y[4, 5, 0] = np.nan
    with pytest.raises(ValueError, match="ydata of fit 45"):
        tw.curve_fit_many(one_decay, t, y, nan_policy="raise", mask=mask)
    for wrong, error in ((np.ones((6, 9), bool), ValueError), (np.ones((6, 10)), TypeError)):
        with pytest.raises(error, match="mask must"):
            tw.curve_fit_many(one_decay, t, y, mask=wrong)


def test_fits_are_resumed_where_they_are_not_run(tmp_path):
    t, y = many()
    whole = tw.curve_fit_many(one_decay, t, y)
    reason = np.lib.format.open_memmap(tmp_path / "reason.npy", "w+", np.int8, (6, 10))
    reason[...] = tw.Reason.not_run
    reason[1, 2] = tw.Reason.interrupted
    reason[3] = tw.Reason.stuck
    out = {"reason": reason, "popt": np.full((6, 10, 3), -7.0)}
    mask = np.zeros((6, 10), bool)
    mask[:2] = True
    tw.curve_fit_many(one_decay, t, y, out=out, resume=True, mask=mask)
    assert (reason[2] == tw.Reason.not_run).all()
    fits = tw.curve_fit_many(one_decay, t, y, out=out, resume=True)
    made = [0, 1, 2, 4, 5]
    np.testing.assert_array_equal(out["popt"][made], whole.popt[made])
    np.testing.assert_array_equal(reason[made], whole.reason[made])
    assert (out["popt"][3] == -7.0).all()  # left as it was
    assert not fits.success[3].any()
    assert fits.success[made].all()
    again = tw.curve_fit_many(one_decay, t, y, out=out, resume=True)
    np.testing.assert_array_equal(again.popt, out["popt"])
    with pytest.raises(ValueError, match="resume=True needs out= with the array 'reason'"):
        tw.curve_fit_many(one_decay, t, y, resume=True, out={"popt": out["popt"]})


def test_fits_that_share_parameters_are_made_together():
    t, y = many()
    out = {"reason": np.full((6, 10), tw.Reason.not_run, np.int8)}
    with pytest.raises(ValueError, match="shared does not take resume=True"):
        tw.curve_fit_many(one_decay, t, y, shared="b", resume=True, out=out)


def test_an_interrupted_result_is_resumed():
    t, y = many()
    whole = tw.curve_fit_many(one_decay, t, y)
    part = tw.curve_fit_many(one_decay, t, y, mask=np.arange(60).reshape(6, 10) < 33)
    part.reason[3:] = tw.Reason.interrupted
    part = tw.curve_fit_many(one_decay, t, y, out=part, resume=True)
    for name in fields_of(3):
        np.testing.assert_array_equal(part[name], whole[name], name)
    assert part[0, 0].message == whole[0, 0].message


def test_a_call_marks_its_fits_before_it_begins():
    t, y = many()
    reason = np.zeros((6, 10), np.int8)

    def killed(data):
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        tw.curve_fit_many(one_decay, t, y, killed, out={"reason": reason})
    assert (reason == tw.Reason.not_run).all()
