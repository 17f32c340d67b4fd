# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: B023  functions are called where they are written
"""Discrete cosine and sine transforms against SciPy: values and slopes."""

from functools import partial

import numpy as np
import pytest
import scipy.fft
from traced_values import check_slope, failing

from thalweg import TraceError

NAMES = ["dct", "idct", "dst", "idst"]


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_slopes_are_scipys(name, kind):
    for n in (2, 3, 8, 11):
        x = np.random.default_rng(n).normal(size=n)
        for norm in (None, "ortho", "forward"):
            for orthogonalize in (None, True, False):
                f = partial(
                    getattr(scipy.fft, name), type=kind, norm=norm, orthogonalize=orthogonalize
                )
                check_slope(f, x)
    x = np.random.default_rng(0).normal(size=60)
    for how in ({"axis": 1, "n": 3}, {"axis": 0, "n": 5}):
        f = partial(getattr(scipy.fft, name), type=kind, **how)
        check_slope(lambda x: f(x.reshape(3, 4, 5)), x)
    for how in ({}, {"axes": (0, 2), "s": (4, 3)}, {"norm": "ortho"}):
        f = partial(getattr(scipy.fft, f"{name}n"), type=kind, **how)
        check_slope(lambda x: f(x.reshape(3, 4, 5)), x)


def test_complex_values_and_mistakes():
    with pytest.raises(TraceError, match=r"Transform z\.real and z\.imag"):
        failing(lambda x: scipy.fft.dct(1j * x), (4,))
    with pytest.raises(ValueError, match="type must be an integer between 1 and 4"):
        failing(lambda x: scipy.fft.dct(x, 5), (4,))
    with pytest.raises(ValueError, match="Invalid number of data points"):
        failing(lambda x: scipy.fft.dct(x, 1), (1,))
