# SPDX-License-Identifier: BSD-3-Clause
"""The data sets of a model: read, sorted by what is missing, evaluated and relaxed."""

import numpy as np
import pytest
from together_cases import SHARED, START, T, decay, decays

import thalweg as tw
from thalweg._fits import chunks
from thalweg._fits.running import ManyProblem
from thalweg._fits.settings import ManyFitSettings
from thalweg._together.data_sets import DataSets
from thalweg._together.joint_fit import SetsRun


def sets_of(y, start=START, **options):
    problem = ManyProblem(
        values=lambda *given: decay(T, *given[-1]), names=["a", "b", "t1", "t2"], data=y,
        start=np.asarray(start),
    )  # fmt: skip
    run = SetsRun(problem, ManyFitSettings(threads=1, **options), list(SHARED))
    return DataSets(run, list(SHARED))


def test_parameters_are_local_or_shared():
    g = sets_of(decays(3), fixed={"b": 2.0})
    assert (g.local, g.common, g.p, g.q) == ([0], [2, 3], 1, 2)
    assert g.start.tolist() == [0.5, 6.0]


def test_cost_is_that_of_each_set(monkeypatch):
    y = decays(30)
    y[4, 2] = np.nan
    monkeypatch.setattr(chunks, "CHUNK", 8e3)
    g = sets_of(y)
    assert len(g.blocks) > 3  # several chunks
    cost, _ = g.evaluated(g.x, g.start)
    want = 0.5 * np.nansum((decay(T, *START) - y) ** 2, axis=1)
    assert cost == pytest.approx(want, rel=1e-13)
    lanes = np.array([1, 4, 29])
    assert np.array_equal(g.evaluated(g.x, g.start, lanes)[0], cost[lanes])


def test_sets_with_too_few_data_do_not_take_part():
    y = decays(4)
    y[1] = np.nan
    y[2, 1:] = np.nan
    g = sets_of(y)
    assert g.active.tolist() == [True, False, False, True]
    assert g.evaluated(g.x, g.start)[0][1:3].tolist() == [0.0, 0.0]
    assert sets_of(y, nan_policy="propagate").active.tolist() == [True, False, False, True]


def test_relaxed_local_parameters_are_those_of_fits_with_the_shared_ones_fixed():
    y = decays(6)
    g = sets_of(y)
    x, endings, nfev = g.relaxed(g.x, g.start, g.run.descents.stopping)
    alone = tw.curve_fit_many(decay, T, y, START, fixed=dict(zip(SHARED, [0.5, 6.0], strict=True)))
    assert np.array_equal(x, alone.popt[:, :2])
    assert np.array_equal(endings.reason, alone.reason)
    assert (nfev > 0).all()


def test_starts_of_shared_parameters_that_differ_have_a_median():
    starts = np.tile(START, (5, 1))
    starts[:, 2] = [0.5, 0.6, 0.9, 0.7, np.e]
    assert sets_of(decays(5), starts).start.tolist() == [0.7, 6.0]
