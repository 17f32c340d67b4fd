# SPDX-License-Identifier: BSD-3-Clause
"""`multistart`: the minima of published functions, and what is said of everything else."""

import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from problems import camel, himmelblau, three_wells

import thalweg as tw
from thalweg._descents import multistart as multistarts
from thalweg._descents.lanes import Lanes
from thalweg._results.reasons import Reason

FACTS = json.loads((Path(__file__).parents[1] / "data" / "course_facts.json").read_text("utf-8"))

# Where a published coordinate has so many decimals, the last may be rounded either way.
SIX_DECIMALS = 1e-6


def branin(x, y):
    b, c, t = 5.1 / (4 * np.pi**2), 5 / np.pi, 1 / (8 * np.pi)
    return (y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - t) * np.cos(x) + 10


def rastrigin(x):
    return 10 * x.size + np.sum(x**2 - 10 * np.cos(2 * np.pi * x))


def sauna(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


def shekel(x):
    # Shekel's function of four variables with five foxholes: L. C. W. Dixon and G. P. Szegö,
    # Towards Global Optimisation 2 (1978).
    a = np.array([[4, 4, 4, 4], [1, 1, 1, 1], [8, 8, 8, 8], [6, 6, 6, 6], [3, 7, 3, 7]], float)
    c = np.array([0.1, 0.2, 0.2, 0.4, 0.4])
    return -np.sum(1 / (np.sum((x - a) ** 2, axis=1) + c))


# Function, box, published minima (x, f) that must be there, how many there are, where known.
PUBLISHED = {
    # D. M. Himmelblau, Applied Nonlinear Programming (1972).
    "himmelblau": (himmelblau, [(-5, 5)] * 2, [
        ((3.0, 2.0), 0.0), ((-2.805118, 3.131312), 0.0), ((-3.779310, -3.283186), 0.0),
        ((3.584428, -1.848126), 0.0)], 4),
    # Dixon and Szegö (1978): six minima, two of them global.
    "six-hump camel": (camel, [(-3, 3), (-2, 2)], [
        ((0.0898, -0.7126), -1.0316), ((-0.0898, 0.7126), -1.0316)], 6),
    # Three equal minima; the box's border has none.
    "branin": (branin, [(-5, 10), (0, 15)], [
        ((-np.pi, 12.275), 0.397887), ((np.pi, 2.275), 0.397887), ((9.42478, 2.475), 0.397887)], 3),
    "shekel": (shekel, [(0, 10)] * 4, [((4.00004, 4.00013, 4.00004, 4.00013), -10.1532)], 5),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_minima_are_found_and_no_others(name):
    fun, box, known, number = PUBLISHED[name]
    found = tw.multistart(fun, box, n=1024)
    assert len(found) == number
    assert np.all(np.diff(found.fun) >= 0)
    for x, value in known:
        # To the digits that are published: four decimals at least.
        at = np.abs(found.x - x).max(axis=1).argmin()
        np.testing.assert_allclose(found.x[at], x, atol=6e-5)
        assert found.fun[at] == pytest.approx(value, abs=6e-5)
    assert np.array_equal(np.bincount(found.labels[found.labels >= 0]), found.counts)


@pytest.mark.parametrize("method", ["lbfgs", "bfgs", "newton", "gradient_descent", "compass"])
def test_the_three_wells_of_the_course(method):
    hyper = {"learning_rate": 0.2, "max_iter": 300} if method == "gradient_descent" else {}
    found = tw.multistart(three_wells, [(0, 5), (0, 5)], 200, method, **hyper)
    known = sorted(FACTS["functions"]["three_wells"]["minima"], key=lambda m: three_wells(*m["x"]))
    np.testing.assert_allclose(found.x, [m["x"] for m in known], atol=SIX_DECIMALS)
    assert found.best.fun == pytest.approx(known[0]["fun"], rel=1e-15)


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_rastrigins_minima_are_counted(variables):
    # Of 8,192 starts, one alone finds some of the 1,331 minima of three variables: chance.
    found = tw.multistart(rastrigin, [(-5.12, 5.12)] * variables, n=2**14)
    assert len(found) == 11**variables  # one about each lattice point inside
    assert found.best.fun == pytest.approx(0.0, abs=1e-12)
    lattice = np.unique(np.rint(found.x), axis=0)
    assert len(lattice) == 11**variables


def test_the_sauna_has_one_minimum_and_its_hot_walls_none():
    b = tw.basins(sauna, [(0, 5), (0, 5)], (21, 21))
    np.testing.assert_allclose(b.minima.x, [[4, 4]], atol=1e-9)
    walls = (b.axes[0][:, None] == 0) | (b.axes[1] == 0)
    assert np.all(b.labels[walls] == -1)  # the gradient is zero there, and the value highest
    assert np.all(b.labels[~walls] == 0)


def test_hold_false_lets_descents_leave_the_box():
    found = tw.multistart(lambda x: (x - 7.0) ** 2, (0, 1), n=20, bounded=False)
    assert found.x.tolist() == [7.0]
    held = tw.multistart(lambda x: (x - 7.0) ** 2, (0, 1), n=20)
    assert held.x.tolist() == [1.0]


def test_units_of_the_variables_do_not_matter():
    found = tw.multistart(lambda x, y: himmelblau(x * 1e-2, y * 1e2),
                          [(-500, 500), (-0.05, 0.05)], n=256)  # fmt: skip
    assert len(found) == 4
    assert not found.flat.any()


def test_starts_are_those_of_the_seed():
    def starts(**how):
        return tw.multistart(himmelblau, [(-5, 5), (0, 1)], n=100, **how).starts

    for sampling in ("sobol", "uniform"):
        first = starts(sampling=sampling)
        assert np.array_equal(first, starts(sampling=sampling, seed=0))
        assert not np.array_equal(first, starts(sampling=sampling, seed=1))
        assert first.shape == (100, 2)
        assert np.all((first >= [-5, 0]) & (first <= [5, 1]))
        assert len(np.unique(first, axis=0)) == 100


def test_sobols_starts_in_pieces_are_those_of_the_whole_sequence(monkeypatch):
    def shares():
        return multistarts._sobol(3, 100, np.random.default_rng(5))

    whole = shares()
    monkeypatch.setattr(multistarts, "_PIECE", 4)
    assert np.array_equal(shares(), whole)


def test_sobols_starts_fill_the_box_evenly():
    starts = tw.multistart(himmelblau, [(0, 1), (0, 1)], n=256).starts
    # A scrambled (0, 8, 2)-net in base 2: one point in each of 256 boxes of equal area.
    for rows in (1, 4, 16, 64, 256):
        boxes = np.floor(starts * [rows, 256 // rows])
        assert len(np.unique(boxes, axis=0)) == 256


def test_scipy_is_asked_for_by_name_and_uniform_does_without(monkeypatch):
    for name in [m for m in sys.modules if m == "scipy" or m.startswith("scipy.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r'needs SciPy: pip install "thalweg\[scipy\]"'):
        tw.multistart(himmelblau, [(-5, 5)] * 2)
    found = tw.multistart(himmelblau, [(-5, 5)] * 2, sampling="uniform")
    assert len(found) == 4


def test_points_have_the_form_of_the_bounds():
    one = tw.multistart(lambda x: (x - 1) ** 2, (0, 5), n=8)
    assert one.x.shape == (1,)
    assert one.starts.shape == (8,)
    array = tw.multistart(lambda w: np.sum((w - 1) ** 2), [(0, 5)] * 3, n=8)
    assert array.x.shape == (1, 3)
    lower, upper = np.zeros((2, 2)), np.ones((2, 2))
    named = tw.multistart(
        lambda w, b: np.sum((w - b) ** 2) + b**2, {"w": (lower, upper), "b": (-1, 2)}, n=8
    )
    assert named.x["w"].shape == (1, 2, 2)
    assert named.x["b"].shape == (1,)
    assert named.active_mask["b"].dtype == np.int8
    box = tw.multistart(lambda w: np.sum((w - 0.5) ** 2), tw.Bounds(np.zeros(3), np.ones(3)), n=8)
    np.testing.assert_allclose(box.x, [[0.5] * 3])
    traced = tw.objective(himmelblau, [0.0, 0.0])
    assert len(tw.multistart(traced, [(-5, 5)] * 2)) == 4
    shifted = tw.multistart(lambda x, a: (x - a) ** 2, (0, 5), n=8, args=(2.5,))
    assert shifted.best.x == pytest.approx(2.5)


def test_results_do_not_depend_on_threads():
    one, two = (tw.multistart(three_wells, [(0, 5)] * 2, 500, threads=t) for t in (1, 2))
    assert one.x.tobytes() == two.x.tobytes()
    assert np.array_equal(one.labels, two.labels)


def test_python_threads_may_share_one_objective():
    shared = tw.objective(three_wells, [0.0, 0.0])
    alone = [tw.multistart(shared, [(0, 5)] * 2, 200, seed=s) for s in range(4)]
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(tw.multistart, shared, [(0, 5)] * 2, 200, seed=s) for s in range(4)]
        for one, run in zip(alone, runs, strict=True):
            assert run.result(60).x.tobytes() == one.x.tobytes()


def test_a_functions_own_errors_come_through():
    def f(x):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        tw.multistart(f, (0, 1))


REFUSED = [
    ({"bounds": [(0, np.inf), (0, 1)]}, ValueError, r"bounds\[0\] must be finite.* got \(0, inf\)"),
    ({"bounds": [(0, None), (0, 1)]}, ValueError, r"bounds\[0\] must be finite"),
    ({"bounds": [(0, np.nan), (0, 1)]}, ValueError, r"bounds\[0\] must be finite"),
    ({"bounds": [(-1e308, 1e308), (0, 1)]}, ValueError, "bounds must be finite.* variable 0"),
    ({"bounds": [(1, 0), (0, 1)]}, ValueError, r"lower <= upper, got \(1.0, 0.0\) for variable 0"),
    (
        {"bounds": tw.Bounds([0, 0], [1, 1, 1])},
        ValueError,
        r"bounds must be two bounds of one shape, got shapes \(2,\) and \(3,\)",
    ),
    ({"bounds": [(1, 1), (2, 2)]}, ValueError, "leave a variable free, got lower = upper"),
    ({"bounds": []}, ValueError, "a pair for each variable, got"),
    ({"bounds": None}, TypeError, "bounds must be pairs"),
    ({"bounds": 5}, TypeError, "bounds must be pairs"),
    ({"bounds": [(0, 1, 2), (0, 1)]}, ValueError, r"bounds\[0\] must be a pair"),
    (
        {"bounds": [(0, 1)] * 3},
        TypeError,
        "2 positional arguments from bounds, got bounds with shape",
    ),
    ({"bounds": [("a", 1), (0, 1)]}, TypeError, r"bounds\[0\] must be numbers"),
    ({"n": 0}, ValueError, "n must be >= 1, got 0"),
    ({"n": 2.5}, TypeError, "n must be a whole number, got 2.5"),
    ({"n": True}, TypeError, "n must be a whole number"),
    ({"seed": -1}, ValueError, "seed must be >= 0, got -1"),
    ({"sampling": "halton"}, ValueError, "'sobol' or 'uniform', got 'halton'"),
    ({"merge_tol": 0}, ValueError, "merge_tol must be a fraction of the width of the bounds"),
    ({"merge_tol": np.nan}, ValueError, "merge_tol must be a fraction"),
    ({"merge_tol": "small"}, TypeError, "merge_tol must be a number, got str"),
    ({"method": "simplex"}, ValueError, "method must be one of"),
    ({"method": "adam"}, TypeError, "adam needs learning_rate="),
    ({"memory": 3, "rate": 1}, TypeError, "unexpected keyword 'rate'"),
    ({"threads": 0}, ValueError, "threads must be >= 1"),
    ({"gtol": -1}, ValueError, "gtol must be >= 0"),
    ({"fun": lambda x, y: np.stack([x, y])}, ValueError, r"one value, got shape \(2,\)"),
    ({"fun": 3}, TypeError, "must be callable"),
]


@pytest.mark.parametrize(("changed", "kind", "words"), REFUSED)
def test_what_does_not_fit_is_told(changed, kind, words):
    call = {"fun": himmelblau, "bounds": [(-5, 5)] * 2} | changed
    with pytest.raises(kind, match=words):
        tw.multistart(**call)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_no_scale_makes_a_warning(scale):
    found = tw.multistart(lambda x: np.cos(x / scale), (-scale, 9 * scale), 64, sampling="uniform")
    assert found.labels.shape == (64,)  # warnings are errors here
    loose = tw.multistart(lambda x: -x * (1 / scale), (-scale, scale), 8, bounded=False,
                          sampling="uniform")  # fmt: skip
    if scale > 1:  # the gradient is below gtol all over, but this is no flat ground
        assert len(loose) == 0


def test_rows_of_data_are_fitted_from_everywhere():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = X @ [1.0, -2.0, 0.5]
    found = tw.multistart(lambda w: np.mean((X @ w - y) ** 2), [(-5, 5)] * 3, 16, threads=2)
    np.testing.assert_allclose(found.x, [[1.0, -2.0, 0.5]], atol=1e-9)


@pytest.mark.parametrize("call", ["multistart", "basins", "sweep"])
def test_an_interrupt_gives_the_ends_so_far(call, monkeypatch):
    stop = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    descend = Lanes.descend

    def begun(*args, **how):  # the clock runs from here, however long the rest takes
        stop.start()
        return descend(*args, **how)

    monkeypatch.setattr(Lanes, "descend", begun)
    how = {"gtol": 0, "max_iter": 100_000}  # seconds of work
    rate = {"method": "gradient_descent", "learning_rate": 0.01}
    box, many = [(0, 5), (0, 5)], np.full(200_000, 0.01)
    run = {
        "multistart": lambda: tw.multistart(
            three_wells, box, 200_000, sampling="uniform", **rate, **how
        ),
        "basins": lambda: tw.basins(three_wells, box, (500, 400), **rate, **how),
        "sweep": lambda: tw.sweep(three_wells, [1.0, 2.0], learning_rate=many, **how),
    }[call]
    with pytest.raises(KeyboardInterrupt) as stopped:
        run()
    stop.join()
    result = stopped.value.result
    assert len(result) == 200_000
    assert Reason.interrupted in result.tally
