# SPDX-License-Identifier: BSD-3-Clause
"""Loops that keep too much become loops of loops."""

import re

import numpy as np
import pytest

import thalweg as tw
from thalweg._tracing import bodies


def last(p, n):
    """A loop that carries one number."""
    return tw.fori(n, lambda i, c: np.sin(c * p) + 0.001 * i, p)


@pytest.mark.parametrize("n", [4, 5, 6, 7, 12, 30, 31, 100])
def test_segments_and_what_is_left_over_make_all_steps(n, monkeypatch):
    F = tw.objective(lambda p: last(p, n), 0.7)
    monkeypatch.setattr(bodies, "KEPT", 3)
    G = tw.objective(lambda p: last(p, n), 0.7)
    assert G(0.7) == F(0.7) == pytest.approx(last(0.7, n), rel=1e-13)
    assert G.grad(0.7) == pytest.approx(F.grad(0.7), rel=1e-13)
    assert G.hessian(0.7) == pytest.approx(F.hessian(0.7), rel=1e-11)


def test_memory_grows_with_the_root_of_long_loops():
    F = tw.objective(lambda p: last(p, 2_000_000), 0.7)
    sizes = [int(part) for part in re.findall(r":(\d+)\] = scan", F.tape)]
    assert max(sizes) < 20_000
    assert np.isfinite(F.grad(0.7))
