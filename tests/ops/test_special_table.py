# SPDX-License-Identifier: BSD-3-Clause
"""Special functions at 10,000 points, their slopes at hundreds, against a table of mpmath's."""

import numpy as np
import pytest
from operation_values import evaluate
from special_table import FILE, POINTS, SEED, drawn, errors
from special_values import CASES, DERIVATIVES

NAMES = sorted(set(CASES) - DERIVATIVES)


@pytest.fixture(scope="module")
def table():
    with np.load(FILE) as file:
        return {key: file[key] for key in file.files}


@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_values_and_the_slopes_are_mpmaths(name, table):
    points = drawn(name, POINTS)
    value, *slopes = evaluate(name, points)
    kinds = {"value": value} | {f"slope{k}": slope for k, slope in enumerate(slopes)}
    for kind, ours in kinds.items():
        e, q, m = (table.get(f"{name} {kind} {part}") for part in "eqm")
        if e is None:  # an order, or no table: SLOPES in special_table.py
            assert kind != "value"
            continue
        off = errors(ours[: len(e)], e, q, m)
        if kind == "value":  # the table was made for as many units as were allowed then
            off *= table[f"{name} ulps"] / CASES[name].ulps
        worst = np.argsort(-off)[:3]
        assert off.max() <= 1, (
            f"{(off > 1).sum()} of {(m > 0).sum()}: {kind} is off by {off[worst]} times what is "
            f"allowed at {[points[i] for i in worst]}; seed {SEED}"
        )


def test_an_error_of_one_unit_more_than_allowed_is_seen(table):
    ours = evaluate("gamma", drawn("gamma", POINTS))[0]
    e, q, m = (table[f"gamma value {part}"] for part in "eqm")
    wrong = ours + 1.5 * np.ldexp(m.astype(float), e.astype(int))
    # Ours may be off by as much as is allowed to the other side.
    off = errors(wrong, e, q, m)[m > 0]
    assert (off > 0.4).all()
    assert np.mean(off > 1) > 0.9
