# SPDX-License-Identifier: BSD-3-Clause
"""`curve_fit_many(shared=)`: its arguments, outputs and interrupts."""

import numpy as np
import pytest
from together_cases import SHARED, START, T, decay, decays

import thalweg as tw
from thalweg._together.data_sets import DataSets
from thalweg._together.joint_fit import checked_names


def test_names_of_shared_parameters_are_checked():
    known = ["a", "tau", "b"]
    assert checked_names("tau", known, None) == ["tau"]
    assert checked_names(("b", "a", "b"), known, {"tau": 1}) == ["a", "b"]
    with pytest.raises(ValueError, match="shared names 'x', but the parameters are a, tau, b"):
        checked_names(["x"], known, None)
    with pytest.raises(ValueError, match="'a' must be shared or fixed, not both"):
        checked_names("a", known, {"a": 1.0})
    with pytest.raises(ValueError, match="at least one"):
        checked_names((), known, None)


def test_a_set_needs_data_for_its_own_parameters_only():
    x = np.array([[0.5], [1.0], [2.0], [3.0]])
    y = 2.0 * np.exp(-x / 1.5)
    fits = tw.curve_fit_many(lambda x, a, tau: a * np.exp(-x / tau), x, y, shared=("a", "tau"))
    assert fits.popt == pytest.approx(np.tile([2.0, 1.5], (4, 1)), rel=1e-9)
    with pytest.raises(TypeError, match="parameters of each set, 2, must not exceed"):
        tw.curve_fit_many(lambda x, a, b, tau: a + b * x * tau, x, y, shared="tau")


def test_images_predictors_and_outputs():
    y = decays(12).reshape(3, 4, -1)
    plain = tw.curve_fit_many(decay, T, y.reshape(12, -1), START, shared=SHARED)
    out = {"popt": np.empty((3, 4, 4), np.float32), "pcov": None}
    fits = tw.curve_fit_many(decay, np.broadcast_to(T, y.shape), y, START, shared=SHARED, out=out)
    assert fits.popt is out["popt"]
    assert "pcov" not in fits
    # Predictors that are inputs are not folded into constants: one more rounding.
    assert fits.popt.reshape(12, 4) == pytest.approx(plain.popt, rel=1e-6)
    assert fits.perr.reshape(12, 4) == pytest.approx(plain.perr, rel=1e-9)


def test_fixed_parameters_of_each_set():
    y, b = decays(8), np.linspace(1.5, 2.5, 8)
    fits = tw.curve_fit_many(decay, T, y, START, shared="t1", fixed={"b": b, "t2": 4.0})
    assert np.array_equal(fits["b"], b)
    assert (fits["t2"] == 4.0).all()
    assert (fits.perr[:, [1, 3]] == 0).all()
    assert (fits.perr[:, [0, 2]] > 0).all()


def test_callable_start_is_asked_once_a_chunk():
    asked = []

    def start(y):
        asked.append(len(y))
        return np.column_stack([y[:, 0] / 2, y[:, 0] / 2, np.full(len(y), 0.5), y[:, 0] + 2])

    fits = tw.curve_fit_many(decay, T, decays(9), start, shared=SHARED)
    assert asked == [9]
    assert fits.joint.success


def test_interrupt_carries_the_parameters_so_far(monkeypatch):
    evaluated, calls = DataSets.evaluated, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return evaluated(self, *args)

    monkeypatch.setattr(DataSets, "evaluated", interrupted)
    with pytest.raises(KeyboardInterrupt, match="not converged") as caught:
        tw.curve_fit_many(decay, T, decays(9), START, shared=SHARED)
    monkeypatch.undo()
    fits = caught.value.result
    assert fits.joint.reason == tw.Reason.interrupted
    assert np.isfinite(fits.popt).all()
    assert not fits.success.any()


def test_progress_is_shown(capfd):
    tw.curve_fit_many(decay, T, decays(9), START, shared=SHARED, progress=True)
    assert "iteration" in capfd.readouterr().err


def test_data_of_no_set():
    fits = tw.curve_fit_many(decay, T, np.empty((0, T.size)), START, shared=SHARED)
    assert fits.size == 0
    assert fits.joint.reason == tw.Reason.non_finite


def test_tied_parameters_follow_shared_and_local_ones():
    y = decays(8)
    tied = tw.curve_fit_many(
        decay, T, y, {"a": 1.0, "b": 1.0, "t1": 0.5}, shared="t1", ties={"t2": lambda t1: 4.0 * t1}
    )
    whole = tw.curve_fit_many(
        lambda t, a, b, t1: decay(t, a, b, t1, 4.0 * t1), T, y, [1, 1, 0.5], shared="t1"
    )
    assert tied.popt[:, :3] == pytest.approx(whole.popt, rel=1e-9)
    assert tied["t2"] == pytest.approx(4.0 * tied["t1"])
    assert tied.pcov[:, :3, :3] == pytest.approx(whole.pcov, rel=1e-8)
    assert tied.perr[:, 3] == pytest.approx(4.0 * tied.perr[:, 2])
    each = tw.curve_fit_many(
        decay, T, y, START, shared="t2", ties={"b": lambda a, t2: a + 0.1 * t2}
    )
    assert each["b"] == pytest.approx(each["a"] + 0.1 * each["t2"])
    with pytest.raises(ValueError, match="'t2' must be shared or tied, not both"):
        tw.curve_fit_many(decay, T, y, START, shared="t2", ties={"t2": lambda t1: 4 * t1})


def test_parameters_that_keep_their_starts():
    def start(y):
        return np.column_stack([y[:, 0] / 2, y[:, 0] / 2, np.full((len(y), 2), [0.9, 4.0])])

    y = decays(8)
    fits = tw.curve_fit_many(decay, T, y, start, shared="t1", fixed=("b", "t2"))
    assert np.array_equal(fits["b"], y[:, 0] / 2)
    assert (fits["t2"] == 4.0).all()


def test_bounds_and_starts_by_name():
    y = decays(8)
    named = tw.curve_fit_many(
        decay, T, y, {"a": 1.0, "b": 1.0, "t1": 0.5, "t2": 3.0}, shared=SHARED,
        bounds={"t2": (None, 3.5)},
    )  # fmt: skip
    assert named.joint.shared["t2"] == 3.5


def test_kept_model_takes_the_same_argument():
    y = decays(5)
    model = tw.model(decay, T, START)
    assert model.fit_many(y, shared=SHARED).joint.shared == pytest.approx(
        tw.curve_fit_many(decay, T, y, START, shared=SHARED).joint.shared, rel=1e-12
    )


def test_mask_chooses_the_sets():
    y = decays(12).reshape(3, 4, -1)
    mask = np.arange(12).reshape(3, 4) % 3 > 0
    some = tw.curve_fit_many(decay, T, y, START, shared=SHARED, mask=mask)
    alone = tw.curve_fit_many(decay, T, y[mask], START, shared=SHARED)
    for name in ("popt", "pcov", "perr", "cost", "reason"):
        assert np.array_equal(some[name][mask], alone[name]), name
    assert some.joint.shared == alone.joint.shared
    assert (some.reason[~mask] == tw.Reason.not_run).all()
    assert np.isnan(some.popt[~mask]).all()
