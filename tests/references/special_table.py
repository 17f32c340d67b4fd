# SPDX-License-Identifier: BSD-3-Clause
"""Reads tests/data/special_values.npz, which make_special_tables.py makes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from special_values import points_of_case

FILE = Path(__file__).parents[1] / "data" / "special_values.npz"
SEED = 7
POINTS, N = 10_000, 500  # of values, and of slopes
BITS = 8  # an allowed error is at least 2**BITS of the stored unit
# mpmath differentiates an inverse by many solutions, or a function by many integrals. Its quotients
# of 40 digits are wrong where erfcinv has an argument of 1e-41, or gammainc is 1 - 1e-45, so these
# slopes are tested at fewer points alone.
SLOPES = {
    "erfcinv": 0, "gammainc": 0, "gammaincc": 0,
    "gammaincinv": 0, "gammainccinv": 0, "betaincinv": 0, "kn": 100, "kve": 200, "yn": 100,
    "betainc": 60, "betaincc": 60, "stdtr": 100, "zeta": 200, "zetac": 200,
}  # fmt: skip


def drawn(name: str, n: int) -> list[tuple[float, ...]]:
    """The first n of a function's points."""
    return points_of_case(name, POINTS, SEED)[:n]


def errors(
    ours: NDArray[np.float64], e: NDArray[np.int16], q: NDArray[np.uint16], m: NDArray[np.uint16]
) -> NDArray[np.float64]:
    """Errors as multiples of the allowed ones; 0 where there is no number to compare with."""
    there = m > 0
    units = np.fmod(np.ldexp(ours[there], -e[there].astype(int)), 2.0**16) - q[there]
    off = np.abs(units - 2.0**16 * np.rint(units / 2.0**16)) / m[there]
    out = np.zeros(len(ours))
    out[there] = np.where(np.isfinite(ours[there]), off, np.inf)
    return out
