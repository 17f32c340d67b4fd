# SPDX-License-Identifier: BSD-3-Clause
"""What a picture shows: limits, levels, ticks, points, and the legend's corner."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from picture_cases import BOX, bowl, sauna, steep
from scene_cases import descend

from thalweg import plot
from thalweg.plot import view

ROUND = {
    "steep": (steep, [(-1.6, 1.4), (-0.6, 1.8)]),
    "steep above 4.1667": (lambda x, y: steep(x, y) + 25 / 6, [(-1.6, 1.4), (-0.6, 1.8)]),
    "even": (sauna, BOX),
    "small": (lambda x, y: 1e-7 * bowl(x, y), BOX),
    "below 0": (lambda x, y: np.cos(x) + np.sin(y) - 1e3, BOX),
}


@pytest.mark.parametrize("name", ROUND)
def test_numbers_at_the_colour_bar_are_round(name):
    fun, box = ROUND[name]
    ax = plot.contours(fun, bounds=box)
    bar = ax.figure.axes[1]
    ax.figure.draw_without_rendering()
    low, high = bar.get_ylim()
    ticks = [t for t in bar.get_yticks() if low <= t <= high]
    assert 3 <= len(ticks) <= 10
    span = ticks[-1] - ticks[0]
    for tick in ticks:
        near = max(1e-2 * span, abs(tick - ticks[0]))  # digits count from the size of what differs
        digits = 1 - np.floor(np.log10(near))
        assert round(tick, int(digits)) == pytest.approx(tick, rel=1e-12)
    shown = [label.get_text() for label in bar.get_yticklabels()]
    assert [float(text.replace("−", "-")) for text in shown] == pytest.approx(bar.get_yticks())


# ---- limits and points ---------------------------------------------------------------------------


def test_a_pole_does_not_flatten_the_curve():
    res = descend(lambda x: 1 / x + x, 3.0, 0.1, 40)
    ax = res.plot(bounds=(1e-9, 4))
    assert ax.get_ylim()[1] < 10
    assert ax.get_ylim()[0] < 2


def test_points_that_fly_off_do_not_set_the_window():
    res = descend(lambda x: x**2, 1.0, 1.6, 60)
    assert np.abs(res.path.x).max() > 1e10
    low, high = res.plot().get_xlim()
    assert -100 < low < 1 < high < 100


def test_levels_crowd_towards_the_minimum_of_a_steep_function():
    steep = view.levels_of(np.geomspace(1e-3, 1e6, 500))
    assert len(steep) > 10
    assert np.all(np.diff(steep) > 0)
    assert steep[1] - steep[0] < 0.01 * (steep[-1] - steep[-2])
    even = view.levels_of(np.linspace(-1, 1, 500))
    np.testing.assert_allclose(np.diff(even), even[1] - even[0])


def test_a_box_that_does_not_fit_is_refused():
    res = descend(sauna, [0.5, 0.6], 0.25, 5)
    with pytest.raises(ValueError, match=r"bounds must have shape \(2, 2\)"):
        res.plot(bounds=(0, 1))
    with pytest.raises(ValueError, match="finite pairs"):
        res.plot(bounds=[(0, 1), (3, 2)])


def test_long_paths_keep_start_and_end():
    points = np.arange(100_000.0)[:, None]
    thin = view.thinned(points)
    assert len(thin) <= 2000
    assert thin[0] == 0
    assert thin[-1] == 99_999
