# SPDX-License-Identifier: BSD-3-Clause
"""Every method of the list on every problem of the list: it descends, and gives the same bits.

Nothing here names a method: a new one is tested as soon as it is in the core's list.
"""

import inspect

import numpy as np
import pytest
from problems import BY_NAME, PROBLEMS, hyper_of, resting_hyper_of

import thalweg as tw
from thalweg import _core
from thalweg._methods.method import classes, make

METHODS = list(tw.methods("rules"))
methods = pytest.mark.parametrize("method", METHODS)
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=str)


def bits(*values):
    return b"".join(np.ascontiguousarray(v).tobytes() for v in values)


# ---- the list ------------------------------------------------------------------------------------


@methods
def test_method_is_a_class_with_real_names_and_defaults(method):
    cls = classes[method]
    signature = inspect.signature(cls)
    own = {n: p for n, p in signature.parameters.items() if p.kind is not p.KEYWORD_ONLY}
    assert {n: None if p.default is p.empty else p.default for n, p in
            own.items()} == tw.methods("rules")[method]  # fmt: skip
    for name in signature.parameters:
        assert f"\n{name} : float" in cls.__doc__
    assert "References" in cls.__doc__
    assert getattr(tw, cls.__name__, cls) is cls


@methods
def test_method_object_shows_itself(method):
    made = make(method, hyper_of(method, PROBLEMS[0]))
    assert eval(repr(made), {type(made).__name__: type(made)}) == made
    assert hash(made) == hash(make(method, hyper_of(method, PROBLEMS[0])))


@methods
def test_hyper_parameters_are_checked(method):
    for name in tw.methods("rules")[method]:
        for bad in (np.nan, np.inf, -1.0, "fast", None):
            with pytest.raises((TypeError, ValueError), match=name):
                make(method, hyper_of(method, PROBLEMS[0]) | {name: bad})


# ---- descents ------------------------------------------------------------------------------------


@methods
@problems
def test_method_converges(method, problem):
    hyper = resting_hyper_of(method, problem)
    F = tw.objective(problem.function, problem.x0)
    res = tw.minimize(F, problem.x0, method, max_iter=problem.max_iter, **hyper)
    assert res.fun <= F(problem.x0)
    assert res.reason in (tw.Reason.gradient_small, tw.Reason.max_iterations)
    # gtol 1e-8 at curvatures from 0.4 (Rosenbrock's valley) on; some rules circle a little wider,
    # or take ever smaller steps, and run to the limit.
    np.testing.assert_allclose(res.x, problem.x, rtol=0, atol=1e-6)
    assert abs(res.fun - problem.fun) <= 1e-10 * max(1.0, abs(problem.fun))


@methods
@problems
def test_value_is_never_worse_than_the_start(method, problem):
    F = tw.objective(problem.function, problem.x0)
    usual = hyper_of(method, problem)
    for start in problem.starts(8, seed=1):
        x0 = start if np.ndim(problem.x0) else float(start[0])
        for factor in (0.1, 1.0, 5.0, 100.0):  # up to rates that throw it out
            hyper = {k: v * factor for k, v in usual.items()}
            res = tw.minimize(F, x0, method, max_iter=50, record=True, **hyper)
            assert res.fun <= F(x0)
            finite = res.path.fun[np.isfinite(res.path.fun)]
            eps = 4 * np.finfo(float).eps * max(1.0, abs(res.fun))
            assert res.fun <= np.min(finite) + eps
            assert F(res.x) == res.fun


@methods
@problems
def test_bounds_hold(method, problem):
    F = tw.objective(problem.function, problem.x0)
    lower, upper = np.sort(problem.starts(2, seed=2), axis=0)
    start = (lower + upper) / 2
    x0 = start if np.ndim(problem.x0) else float(start[0])
    shape = np.shape(problem.x0)
    res = tw.minimize(F, x0, method, max_iter=200, record=True, **hyper_of(method, problem),
                      bounds=tw.Bounds(lower.reshape(shape), upper.reshape(shape)))  # fmt: skip
    path = res.path.x.reshape(-1, F.n)
    assert np.all(path >= lower)
    assert np.all(path <= upper)
    assert res.fun <= F(x0)


# ---- the same bits -------------------------------------------------------------------------------


class Lanes:
    """Descents of one method on one problem from many starts, through the core's step."""

    def __init__(self, method, problem, *, bounds=None, **stops):
        self.objective = tw.objective(problem.function, problem.x0)
        made = make(method, hyper_of(method, problem))
        self.hyper = [np.array([v]) for v in made.hyper.values()]
        self.bounds = [] if bounds is None else bounds
        self.stopping = _core.Stopping(**{"max_iter": 40} | stops)
        self.stepper = self.objective.stepper(
            method, bool(self.bounds), self.stopping.gtol > 0, self.stopping.xtol > 0
        )

    def run(self, starts):
        """The bits of each start's ending, as one string a start."""
        starts = np.ascontiguousarray(starts)
        k = len(starts)
        out = self.stepper.run(
            _core.Starts(starts), self.hyper, self.bounds, self.stopping, remember=True
        )  # fmt: skip
        assert out["error"] is None
        columns = [out[name] for name in ("x", "last_x", "fun", "last_fun", "left", "right")]
        columns += out["memory"]
        rows = [canonical(c.reshape(k, -1)) for c in columns]
        whole = [out["nit"].reshape(k, 1), out["reason"].reshape(k, 1)]
        return [bits(*(r[i] for r in rows), *(w[i] for w in whole)) for i in range(k)]


def canonical(values):
    """The same with one NaN for all: which bits a NaN has says nothing."""
    return np.where(np.isnan(values), np.nan, values)


# What shares a block with the starts that are looked at.
HOSTILE = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e22, 1e15 + 0.5, -3.7e8, 5e-324, 0.0, -0.0]

STOPS = {
    "fixed": {},
    "by tests": {"gtol": 1e-2, "xtol": 1e-5, "ftol": 1e-9},  # lanes end one by one
}


def starts_of(problem, k, seed=3):
    return problem.starts(k, seed)


@methods
@problems
@pytest.mark.parametrize("stops", STOPS)
def test_blocks_of_every_size_give_the_bits_of_each_start_alone(method, problem, stops):
    lanes = Lanes(method, problem, **STOPS[stops])
    # Long vectors take long: fewer sizes there, those about the widths of registers among them.
    sizes = range(1, 201) if problem.n <= 2 else [*range(1, 35), 63, 64, 65, 127, 128, 129, 200]
    starts = starts_of(problem, 200)
    alone = [lanes.run(s[None, :])[0] for s in starts]
    for size in sizes:
        assert lanes.run(starts[:size]) == alone[:size], f"block of {size}"


@methods
@problems
def test_order_does_not_matter(method, problem):
    lanes = Lanes(method, problem, **STOPS["by tests"])
    starts = starts_of(problem, 150)
    alone = [lanes.run(s[None, :])[0] for s in starts]
    random = np.random.default_rng(4)
    for order in (np.arange(150)[::-1], *(random.permutation(150) for _ in range(3))):
        assert lanes.run(starts[order]) == [alone[i] for i in order]


@methods
@problems
@pytest.mark.parametrize("stops", STOPS)
def test_hostile_neighbours_do_not_matter(method, problem, stops):
    lanes = Lanes(method, problem, **STOPS[stops])
    starts = starts_of(problem, 60)
    alone = [lanes.run(s[None, :])[0] for s in starts]
    bad = np.array(HOSTILE * 6)[:, None] * np.ones(problem.n)
    bad[1::2, 1:] = 1.0  # in one variable alone
    bad_alone = [lanes.run(b[None, :])[0] for b in bad]
    random = np.random.default_rng(5)
    for _ in range(4):
        mixed = np.concatenate([starts, bad])
        order = random.permutation(len(mixed))
        got = lanes.run(mixed[order])
        wanted = alone + bad_alone
        assert got == [wanted[i] for i in order]
    for b in bad[: len(HOSTILE)]:  # a block where all but one are bad, at every place
        for place in range(16):
            block = np.tile(b, (16, 1))
            block[place] = starts[0]
            assert lanes.run(block)[place] == alone[0]


@methods
@problems
def test_repeated_descents_give_the_same_bits(method, problem):
    lanes, again = Lanes(method, problem), Lanes(method, problem)
    starts = starts_of(problem, 70)
    first = lanes.run(starts)
    assert lanes.run(starts) == first
    assert again.run(starts) == first  # traced and lowered anew


@methods
@problems
def test_minimize_gives_the_bits_of_a_lane(method, problem):
    lanes = Lanes(method, problem, max_iter=30)
    starts = starts_of(problem, 20)
    n = problem.n
    k = len(starts)
    out = lanes.stepper.run(
        _core.Starts(starts), lanes.hyper, [], lanes.stopping
    )  # fmt: skip
    for i in range(k):
        x0 = starts[i] if np.ndim(problem.x0) else float(starts[i, 0])
        res = tw.minimize(lanes.objective, x0, method, gtol=0, max_iter=30,
                          **hyper_of(method, problem))  # fmt: skip
        assert bits(np.reshape(res.last.x, n)) == bits(out["last_x"][i])
        assert bits(np.reshape(res.x, n)) == bits(out["x"][i])
        assert res.nit == out["nit"][i]


@methods
def test_bounded_lanes_give_the_bits_of_each_start_alone(method):
    for problem in (BY_NAME["sauna"], BY_NAME["quadratic_50"]):
        lower, upper = np.sort(problem.starts(2, seed=6), axis=0)
        lanes = Lanes(method, problem, bounds=[lower, upper], gtol=1e-3)
        starts = np.clip(starts_of(problem, 90), lower, upper)
        alone = [lanes.run(s[None, :])[0] for s in starts]
        for size in (2, 3, 8, 31, 64, 90):
            assert lanes.run(starts[:size]) == alone[:size]


@methods
def test_each_lane_has_its_own_hyper_parameters(method):
    problem = BY_NAME["sauna"]
    lanes = Lanes(method, problem)
    starts = starts_of(problem, 40)
    scale = np.linspace(0.1, 1.0, 40)
    usual = lanes.hyper
    required = [n for n, d in tw.methods("rules")[method].items() if d is None]
    names = list(tw.methods("rules")[method])
    lanes.hyper = [h * scale if names[j] in required else h for j, h in enumerate(usual)]
    together = lanes.run(starts)
    for i in range(40):
        lanes.hyper = [h * scale[i] if names[j] in required else h for j, h in enumerate(usual)]
        assert lanes.run(starts[i : i + 1])[0] == together[i]


@methods
def test_instruction_set_is_the_one_that_was_asked_for(method):
    """The bits above are those of one set; CI runs this file under each."""
    assert _core.active_isa() in _core.supported_isas()
