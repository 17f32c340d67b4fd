# SPDX-License-Identifier: BSD-3-Clause
"""Packed results of fits: every array comes back as it was, to the bit and in its type."""

import numpy as np

from thalweg import _core
from thalweg._distributed.packing import ISAS, Packing
from thalweg._fits.verdicts import SIDES, fields_of

RNG = np.random.default_rng(0)


def results(lead, p):
    arrays = {}
    for name, (own, kind) in fields_of(p).items():
        arrays[name] = (100 * RNG.normal(size=(*lead, *own))).astype(kind)
    return arrays | {name: RNG.normal(size=lead) for name in SIDES}


def test_every_array_comes_back_to_the_bit():
    for lead in ((), (5,), (2, 3), (0, 4)):
        packing, arrays = Packing(3), results(lead, 3)
        packed = packing.pack(arrays, lead)
        assert packed.shape == (*lead, packing.width)
        shown, own = packing.unpack(packed)
        assert set(shown) == {*fields_of(3), "isa"}
        assert set(own) == set(SIDES)
        for name, array in arrays.items():
            back = (shown | own)[name]
            assert back.dtype == array.dtype
            assert np.array_equal(back, array)


def test_nan_and_the_largest_counts_survive():
    arrays = results((2,), 1)
    arrays["popt"][0] = np.nan
    arrays["nfev"][:] = 2**53 - 1, 0  # the last integer of which no double is in doubt
    shown, _ = Packing(1).unpack(Packing(1).pack(arrays, (2,)))
    assert np.isnan(shown["popt"][0, 0])
    assert shown["nfev"].tolist() == [2**53 - 1, 0]


def test_the_instruction_set_is_that_of_this_process():
    packing = Packing(2)
    isa = packing.column(packing.pack(results((4,), 2), (4,)), "isa")
    assert [ISAS[i] for i in isa] == [_core.active_isa()] * 4
    assert set(_core.supported_isas()) <= set(ISAS)


def test_further_statistics_are_not_shown_as_arrays():
    packing = Packing(2, ("chi2",))
    arrays = results((4,), 2) | {"chi2": np.arange(4.0)}
    shown, own = packing.unpack(packing.pack(arrays, (4,)))
    assert "chi2" not in shown
    assert own["chi2"].tolist() == [0.0, 1.0, 2.0, 3.0]
