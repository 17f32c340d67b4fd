# SPDX-License-Identifier: BSD-3-Clause
"""`basins`: which start ends where."""

import pickle
import sys
import types

import numpy as np
import pytest
from problems import three_wells

import thalweg as tw
from thalweg._results.results import One

BOX = [(0, 5), (0, 5)]


def wells(shape=(24, 16), **how):
    hyper = {"method": "gradient_descent", "learning_rate": 0.2, "max_iter": 100, "gtol": 0} | how
    return tw.basins(three_wells, BOX, shape, **hyper)


@pytest.mark.parametrize("method", ["gradient_descent", "lbfgs", "newton"])
def test_every_label_is_where_a_descent_alone_ends(method):
    hyper = {"learning_rate": 0.2} if method == "gradient_descent" else {}
    b = tw.basins(three_wells, BOX, (6, 5), method, **hyper)
    for i, x in enumerate(b.axes[0]):
        for j, y in enumerate(b.axes[1]):
            alone = tw.minimize(three_wells, [x, y], method, bounds=BOX, **hyper)
            assert alone.x.tobytes() == b.x[i, j].tobytes()
            assert alone.nit == b.nit[i, j]
            near = np.abs(b.minima.x - alone.x).max(axis=1) <= 1e-3 * 5
            assert b.labels[i, j] == (np.flatnonzero(near)[0] if near.any() else -1)


def test_arrays_have_the_shape_of_the_grid():
    b = wells()
    assert b.shape == (24, 16)
    assert [len(a) for a in b.axes] == [24, 16]
    assert (b.axes[0][0], b.axes[0][-1]) == (0.0, 5.0)
    for name in ("labels", "fun", "nit", "nfev", "reason", "success", "status"):
        assert b[name].shape == (24, 16)
    assert b.x.shape == b.minima.starts.shape == (24, 16, 2)
    assert b.minima.starts[3, 4].tolist() == [b.axes[0][3], b.axes[1][4]]
    assert b.minima.labels.shape == (24, 16)
    assert b.minima.counts.sum() == (b.labels >= 0).sum()
    one = b[3, 4]
    assert isinstance(one, One)
    assert one.labels == b.labels[3, 4]
    assert one.message == "100 iterations >= max_iter = 100; not converged"


def test_a_map_of_one_variable_is_a_line():
    def waves(x):
        return (np.exp(x) - np.log(x)) * np.sin(2 * np.pi * x)

    b = tw.basins(waves, (0.2, 2), 100)
    assert b.labels.shape == (100,)
    assert b.names == ["x"]
    assert b.axes[0].shape == (100,)
    # The course's minima of this function, and the lower end of the box is no minimum of it.
    inner = b.minima.x[b.minima.active_mask == 0]
    np.testing.assert_allclose(sorted(inner), [0.7585728671820583, 1.7751686214270586], atol=1e-7)
    assert tw.basins(waves, (0.2, 2), (100,)).labels.tolist() == b.labels.tolist()


def test_variables_with_equal_ends_are_held():
    def f(x, y, z):
        return three_wells(x, z) + (y - 2) ** 2

    b = tw.basins(f, [(0, 5), (1, 1), (0, 5)], (24, 16))
    assert b.labels.tolist() == tw.basins(three_wells, BOX, (24, 16)).labels.tolist()
    assert np.all(b.x[..., 1] == 1.0)
    assert np.all(b.minima.starts[..., 1] == 1.0)
    assert [len(a) for a in b.axes] == [24, 16]
    assert b.names == ["x", "z"]


def test_starts_by_name_come_back_by_name():
    b = tw.basins(lambda a, b: (a - 1) ** 2 + b**2, {"a": (0, 3), "b": (-1, 1)}, (4, 3))
    assert b.x["a"].shape == (4, 3)
    assert b.minima.x["b"].shape == (1,)
    assert "x.a" in b
    assert b.names == ["a", "b"]
    whole = tw.basins(lambda w: np.sum(w**2), [(-1, 1)] * 2, (3, 3))
    assert whole.names == ["w[0]", "w[1]"]


def test_a_step_of_the_grid_into_forbidden_ground_is_labelled_so():
    b = tw.basins(lambda x, y: x - np.log(x) + y**2, [(0, 3), (-1, 1)], (7, 5))
    assert np.all(b.labels[0] == -1)  # log(0)
    assert np.all(b.labels[1:] == 0)
    assert "elsewhere: 5 starts" in repr(b)


def test_bounds_are_held_unless_it_is_said_otherwise():
    def f(x, y):
        return (x - 7) ** 2 + y**2

    for hold, x in ((True, 5.0), (False, 7.0)):
        b = tw.basins(f, [(0, 5), (-1, 1)], (3, 3), bounded=hold)
        np.testing.assert_allclose(b.minima.x, [[x, 0.0]], atol=1e-8)


def test_results_do_not_depend_on_threads():
    one, two = (wells((64, 64), threads=t) for t in (1, 2))
    assert one.labels.tobytes() == two.labels.tobytes()
    assert one.x.tobytes() == two.x.tobytes()


def test_basins_pickle_and_print():
    b = wells()
    again = pickle.loads(pickle.dumps(b))
    assert np.array_equal(again.labels, b.labels)
    assert repr(again) == repr(b)
    assert "starts: 24 x 16, " in repr(b)
    assert "max_iterations 384" in repr(b)
    assert "<table>" in b._repr_html_()
    assert {"labels", "axes.0", "axes.1", "x", "nit"} <= set(b.keys())


def test_picked_endings_keep_their_labels():
    b = wells()
    there = b[b.labels == 1]
    assert np.all(there.labels == 1)
    assert len(there) == b.minima.counts[1]
    assert "ended at a minimum" in repr(there)


def test_a_part_that_is_a_grid_has_its_own_axes_and_others_have_none():
    b = wells()
    part = b[2:9, ::3]
    assert [len(axis) for axis in part.axes] == list(part.shape) == [7, 6]
    assert np.array_equal(part.axes[1], b.axes[1][::3])
    assert np.array_equal(part[1:, 2:].axes[0], b.axes[0][3:9])
    assert np.array_equal(b[np.ix_([1, 5], [0, 2])].axes[0], b.axes[0][[1, 5]])
    for picked in (b[0], b.sort(), b[::-1], b[[0, 1], [1, 1]], b[b.labels == 1], b[:0], b[None]):
        assert "axes" not in picked


def test_plot_hands_over_to_the_pictures(monkeypatch):
    drawn = types.ModuleType("thalweg.plot")
    drawn.basins = lambda b, **kw: (b, kw)
    monkeypatch.setitem(sys.modules, "thalweg.plot", drawn)
    monkeypatch.setattr(tw, "plot", drawn, raising=False)
    b = wells()
    assert b.plot(ax=3) == (b, {"ax": 3})


REFUSED = [
    ({"shape": (512,)}, ValueError, "one number for each of the 2 variables.* got \\(512,\\)"),
    ({"shape": 8}, ValueError, "one number for each of the 2 variables"),
    ({"shape": (4, 1)}, ValueError, r"shape must be >= 2 along each axis, got \(4, 1\)"),
    ({"shape": (4.5, 4)}, TypeError, "shape must be whole numbers"),
    ({"shape": "44"}, TypeError, "shape must be whole numbers, got '44'"),
    ({"shape": (np.inf, 4)}, TypeError, r"shape must be whole numbers, got \(inf, 4\)"),
    ({"shape": None}, TypeError, "shape must be whole numbers, got None"),
    ({"bounds": [(0, np.inf), (0, 1)]}, ValueError, r"bounds\[0\] must be finite"),
    ({"merge_tol": 2}, ValueError, "merge_tol must be a fraction"),
    ({"method": "adam"}, TypeError, "adam needs learning_rate="),
]


@pytest.mark.parametrize(("changed", "kind", "words"), REFUSED)
def test_what_does_not_fit_is_told(changed, kind, words):
    call = {"fun": three_wells, "bounds": BOX, "shape": (4, 4)} | changed
    with pytest.raises(kind, match=words):
        tw.basins(**call)
