# SPDX-License-Identifier: BSD-3-Clause
"""Arguments that differ between fits are cut like the data, each to the bits of the whole call."""

import numpy as np
import pytest
from distributed_cases import P0, TRUE, T, Y, assert_same, decay

import thalweg as tw

da = pytest.importorskip("dask.array", reason="Dask is not installed")

y = Y[:60]
LAZY = da.from_array(y, chunks=(13, T.size))
RNG = np.random.default_rng(3)
SIGMA = RNG.uniform(0.01, 0.03, y.shape)
LOW = RNG.uniform(0.0, 0.2, 60)
CASES = {
    "sigma": {"sigma": SIGMA, "absolute_sigma": True},
    "sigma of the data": {"sigma": SIGMA[0]},
    "one sigma": {"sigma": 0.02},
    "starts": {"p0": TRUE[:60]},
    "starts by name": {"p0": {"a": TRUE[:60, 0], "b": 1.0, "c": 0.0}},
    "a function of data": {"p0": lambda y: np.stack([y[:, 0], 1 + 0 * y[:, 0], 0 * y[:, 0]], 1)},
    "bounds": {"bounds": {"a": (LOW, None), "b": (0.0, 3.0 + LOW)}, "p0": None},
    "fixed": {"fixed": {"c": TRUE[:60, 2]}},
    "fixed at starts": {"p0": TRUE[:60], "fixed": ("c",)},
    "ties": {"ties": {"c": lambda a: 0.1 * a}},
    "priors": {"sigma": 0.02, "priors": {"a": (TRUE[:60, 0], 0.1), "b": lambda b: b**2}},
    "mask": {"mask": LOW > 0.1},
    "loss": {"loss": "huber", "f_scale": 0.05},
    "no start": {"p0": None},
    "threads": {"threads": 2},
    "one for all": {"fixed": {"c": 0.1}, "bounds": ([0, 0, 0], [9, 9, 9])},
}


def as_dask(value):
    """The same keywords with Dask arrays in other chunks than those of the data."""
    if isinstance(value, dict):
        return {k: as_dask(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(map(as_dask, value))
    by_fit = isinstance(value, np.ndarray) and value.shape[:1] == (60,)
    return da.from_array(value, chunks=(25, *value.shape[1:])) if by_fit else value


@pytest.mark.parametrize("name", CASES)
def test_each_argument_gives_the_bits_of_the_whole_call(name):
    given = {"p0": P0} | CASES[name]
    wanted = tw.curve_fit_many(decay, T, y, **given)
    assert wanted.success.any()
    for same in (given, as_dask(given)):
        assert_same(tw.curve_fit_many(decay, T, LAZY, **same).compute(scheduler="sync"), wanted)


def test_predictors_that_differ_between_fits_are_cut():
    x = T + RNG.uniform(0, 0.1, (60, 1))
    wanted = tw.curve_fit_many(decay, x, y, P0)
    for own in (x, da.from_array(x, chunks=(50, 6))):
        assert_same(tw.curve_fit_many(decay, own, LAZY, P0).compute(scheduler="sync"), wanted)

    def two(x, a, b, c):
        return a * np.exp(-b * x[0]) + c * x[1]

    wanted = tw.curve_fit_many(two, (x, T), y, P0)
    pair = (da.from_array(x, chunks=(50, 6)), da.from_array(T, chunks=5))
    assert_same(tw.curve_fit_many(two, pair, LAZY, P0).compute(scheduler="sync"), wanted)


def test_one_lazy_argument_makes_the_result_lazy():
    c = da.from_array(TRUE[:60, 2], chunks=20)
    lazy = tw.curve_fit_many(decay, T, y, P0, fixed={"c": c})
    assert isinstance(lazy, tw.LazyFits)
    assert lazy.popt.numblocks == (3, 1)
    wanted = tw.curve_fit_many(decay, T, y, P0, fixed={"c": TRUE[:60, 2]})
    assert_same(lazy.compute(scheduler="sync"), wanted)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sigma": np.ones((4, 24))}, "sigma"),
        ({"mask": np.ones(4, bool)}, r"mask must have shape \(60,\), got \(4,\)"),
        ({"fixed": {"c": np.ones(4)}}, r"fixed\['c'\] must be a number or have shape \(60,\)"),
        ({"bounds": {"a": (np.ones(4), None)}}, r"bounds\['a'\]"),
        ({"bounds": {"a": 3}}, r"bounds\['a'\] must be a pair"),
        ({"fixed": {"z": 1.0}}, "fixed names 'z'"),
        ({"p0": np.ones((4, 3))}, "p0 must have shape"),
    ],
)
def test_a_wrong_shape_is_named_before_there_are_tasks(given, message):
    with pytest.raises(ValueError, match=message):
        tw.curve_fit_many(decay, T, LAZY, **({"p0": P0} | given))


def test_a_mask_of_numbers_is_refused():
    with pytest.raises(TypeError, match="mask must be an array of bool, got int64"):
        tw.curve_fit_many(decay, T, LAZY, P0, mask=np.ones(60, dtype=np.int64))


def test_numbers_are_checked_by_the_tasks():
    bad = TRUE[:60].copy()
    bad[40, 1] = np.inf
    lazy = tw.curve_fit_many(decay, T, LAZY, bad)
    with pytest.raises(ValueError, match="p0 must be finite, got inf for b"):
        lazy.compute(scheduler="sync")
