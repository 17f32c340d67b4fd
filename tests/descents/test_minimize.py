# SPDX-License-Identifier: BSD-3-Clause
"""The front of one descent: how functions are called, what options mean, and what is refused."""

# ruff: noqa: ARG005 - signatures are part of what is tested
import math
import pickle
import threading

import numpy as np
import pytest
from descent_cases import FOREVER, GD, NO_TESTS, MyError, bits, bowl, called, slope
from problems import omega, rosenbrock

import thalweg as tw

# ---- functions that are called (trace=False) -----------------------------------------------------


@pytest.mark.parametrize("method", ["gradient_descent", "momentum", "adam"])
def test_called_function_descends_as_the_traced_one(method):
    how = {"method": method, "learning_rate": 0.05, "max_iter": 50, "gtol": 0}
    traced = tw.minimize(bowl, np.zeros(3), **how)
    given = tw.minimize(called, np.zeros(3), trace=False, jac=slope, **how)
    both = tw.minimize(lambda x: (called(x), slope(x)), np.zeros(3), trace=False, jac=True, **how)
    for res in (given, both):
        np.testing.assert_allclose(res.last.x, traced.last.x, rtol=1e-14)
        assert res.nit == traced.nit
        assert res.reason == traced.reason
    differences = tw.minimize(called, np.zeros(3), trace=False, **how)
    # Central differences of a parabola: rounding of f by 1e-16 * 27 over the step 6e-6.
    np.testing.assert_allclose(differences.last.x, traced.last.x, atol=1e-8)


@pytest.mark.parametrize(
    ("x0", "function"),
    [
        (1.0, lambda x: (x - 3.0) ** 2),
        ([1.0], lambda x: float((x[0] - 3.0) ** 2)),
        ([1.0, 1.0], lambda x, y: (x - 3) ** 2 + y**2),
        ((1.0, np.ones(2)), lambda a, b: (a - 3) ** 2 + float(b @ b)),
        ({"a": 1.0, "b": np.ones(2)}, lambda a, b: (a - 3) ** 2 + float(b @ b)),
    ],
)
def test_called_function_gets_its_arguments_as_the_traced_one(x0, function):
    res = tw.minimize(function, x0, **GD, learning_rate=0.2, trace=False, gtol=1e-6)
    assert res.success
    traced = tw.minimize(function if not isinstance(x0, list) or len(x0) > 1 else
                         (lambda x: (x[0] - 3.0) ** 2), x0, **GD, learning_rate=0.2,
                         gtol=1e-6) if not isinstance(x0, tuple | dict) else None  # fmt: skip
    first = res.x if not isinstance(res.x, dict | tuple) else dict(enumerate(res.x)).get(0)
    if isinstance(res.x, dict):
        first = res.x["a"]
    assert np.ravel(first)[0] == pytest.approx(3.0, abs=1e-5)
    if traced is not None:
        assert np.shape(res.x) == np.shape(traced.x)


def test_called_function_gets_args():
    res = tw.minimize(lambda x, a, b: (x - a) ** 2 + b, 0.0, **GD, learning_rate=0.3, trace=False,
                      args=(2.0, 5.0), jac=lambda x, a, b: 2 * (x - a))  # fmt: skip
    assert res.x == pytest.approx(2.0, abs=1e-8)
    assert res.fun == pytest.approx(5.0)


def test_calls_are_counted():
    counts = [0, 0]

    def f(x):
        counts[0] += 1
        return called(x)

    def g(x):
        counts[1] += 1
        return slope(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=g, max_iter=10)
    assert res.nit == 10
    assert (res.nfev, res.njev) == tuple(counts)
    assert res.nfev <= 13  # one an iteration, one at the start; the answer may be asked for again


def test_calls_of_differences_are_counted():
    counts = [0]

    def f(x):
        counts[0] += 1
        return called(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, max_iter=10)
    assert res.nfev == counts[0]


@pytest.mark.parametrize("jac", [None, slope, True], ids=["differences", "function", "joint"])
def test_limit_of_evaluations_holds_for_called_functions(jac):
    counts = [0]

    def f(x):
        counts[0] += 1
        return (called(x), slope(x)) if jac is True else called(x)

    res = tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac, max_nfev=23)
    assert res.reason == tw.Reason.max_evaluations
    assert counts[0] <= 23
    assert res.nfev <= 23


@pytest.mark.parametrize("jac", [None, slope, True], ids=["differences", "function", "joint"])
def test_exceptions_of_a_called_function_come_through_unchanged(jac):
    raised = []

    def f(x):
        if len(calls) > 6:
            raised.append(MyError(len(raised)))
            raise raised[-1]
        calls.append(1)
        return (called(x), slope(x)) if jac is True else called(x)

    calls = []
    with pytest.raises(MyError) as caught:
        tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac)
    assert caught.value is raised[0]  # the first, not one of asking again
    assert len(raised) == 1  # and it is not called again once it has failed
    assert caught.traceback[-1].name == "f"


def test_exceptions_of_a_gradient_come_through_unchanged():
    mine = MyError("mine")

    def g(x):
        raise mine

    with pytest.raises(MyError) as caught:
        tw.minimize(called, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=g)
    assert caught.value is mine


@pytest.mark.parametrize(
    ("f", "jac", "error", "said"),
    [
        (lambda x: None, None, TypeError, "the function's value must be numbers, got NoneType"),
        (lambda x: "a", None, TypeError, "the function's value must be numbers, got str"),
        (lambda x: 1j, None, TypeError, "the function's value must be real"),
        (lambda x: x, None, ValueError, "one value, got shape (2,)"),
        (called, lambda x: [1.0], ValueError, "jac must have shape (..., 2), got (1,)"),
        (called, lambda x: [1.0, 2.0, 3.0], ValueError, "got (3,)"),
        (called, lambda x: ["a", "b"], TypeError, "jac must be numbers"),
        (called, lambda x: None, TypeError, "jac must be numbers, got NoneType"),
        (called, 3, TypeError, "jac must be a function, True or None, got 3"),
        (called, "2-point", TypeError, "jac must be a function, True or None, got '2-point'"),
        (3, None, TypeError, "must be callable, got int"),
        (called, True, TypeError, "(value, gradient), got float"),
        (lambda x: (1.0, [1.0, 2.0], 3.0), True, TypeError, "(value, gradient), got tuple"),
    ],
)
def test_bad_answers_of_called_functions_are_refused(f, jac, error, said):
    with pytest.raises(error) as caught:
        tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=jac)
    assert said in str(caught.value)


def test_nan_of_a_called_function_ends_the_descent():
    res = tw.minimize(lambda x: float(x) if x > -1 else math.nan, 0.0, **GD, learning_rate=0.3,
                      trace=False, jac=lambda x: 1.0)  # fmt: skip
    assert res.reason == tw.Reason.non_finite
    assert not res.success
    assert res.x == pytest.approx(-0.9)
    assert "the function returned nan" in res.message


def test_jac_is_refused_for_traced_functions():
    with pytest.raises(TypeError, match=r"jac= is for trace=False"):
        tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, jac=slope)


def test_functions_that_cannot_be_traced_say_so():
    with pytest.raises(tw.TraceError, match="trace=False"):
        tw.minimize(lambda x: math.exp(x), 1.0, **GD, learning_rate=0.1)


# ---- SciPy's spellings, names that are refused ---------------------------------------------------


def test_scipys_options_are_understood():
    how = dict(learning_rate=0.001, **GD)
    x0 = np.zeros(2)
    assert tw.minimize(bowl, x0, options={"maxiter": 5}, **how).nit == 5
    assert tw.minimize(bowl, x0, options={"maxfev": 5}, **how).nfev == 5
    assert tw.minimize(bowl, x0, options={"maxfun": 5}, **how).nfev == 5
    assert tw.minimize(bowl, x0, maxiter=5, **how).nit == 5
    assert tw.minimize(bowl, x0, maxfev=5, **how).nfev == 5
    assert "<= 7 " in tw.minimize(bowl, x0, options={"gtol": 7}, **how).message
    assert "<= 7 " in tw.minimize(bowl, x0, tol=7, **how).message
    xatol = tw.minimize(bowl, x0, options={"xatol": 1}, **how)
    assert xatol.reason == tw.Reason.step_small
    fatol = tw.minimize(bowl, x0, options={"fatol": 1}, **how)
    assert fatol.reason == tw.Reason.value_settled


def test_our_names_win_over_scipys():
    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.001, max_iter=3,
                      options={"maxiter": 5}, tol=1.0, gtol=0)  # fmt: skip
    assert res.nit == 3


def test_disp_shows_progress(capsys):
    tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, options={"disp": True})
    assert "iteration" in capsys.readouterr().err


@pytest.mark.parametrize("method", ["Adam", "ADAM", "adam"])
def test_methods_are_known_in_any_case(method):
    assert tw.minimize(bowl, np.zeros(2), method, learning_rate=0.1).success


def test_methods_may_be_objects_and_classes():
    a = tw.minimize(bowl, np.zeros(2), tw.Adam(learning_rate=0.1), max_iter=9)
    b = tw.minimize(bowl, np.zeros(2), tw.Adam, learning_rate=0.1, max_iter=9)
    c = tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, max_iter=9)
    d = tw.minimize(bowl, np.zeros(2), tw.Adam(0.1), max_iter=9)
    e = tw.minimize(bowl, np.zeros(2), pickle.loads(pickle.dumps(tw.Adam(0.1))), max_iter=9)
    assert len({bits(r.last.x) for r in (a, b, c, d, e)}) == 1


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        (
            {"constraints": ()},
            TypeError,
            "constraints= is not offered: every method accepts bounds=",
        ),
        ({"hess": None}, TypeError, "hess= is not offered"),
        ({"hessp": None}, TypeError, "hessp= is not offered"),
        (
            {"method": None},
            TypeError,
            "lbfgs takes memory, x_scale; unexpected keyword 'learning_rate'",
        ),
        ({"method": "simplex"}, ValueError, "method must be one of gradient_descent, "),
        ({"method": 3}, TypeError, "method must be a name or a method object, got int"),
        ({"learning_rate": None}, TypeError, "learning_rate must be a number, got NoneType"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got str"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be > 0 and finite, got 0"),
        ({"learning_rate": -1}, ValueError, "learning_rate must be > 0 and finite, got -1"),
        ({"learning_rate": math.nan}, ValueError, "learning_rate must be > 0 and finite, got nan"),
        ({"learning_rate": math.inf}, ValueError, "learning_rate must be > 0 and finite, got inf"),
        ({"momentum": 0.9}, TypeError, "gradient_descent takes learning_rate, clip_value, "),
        ({"lr": 0.9}, TypeError, "unexpected keyword 'lr'"),
        ({"gtol": -1}, ValueError, "gtol must be >= 0, got -1"),
        ({"xtol": math.nan}, ValueError, "xtol must be >= 0, got nan"),
        ({"ftol": "small"}, TypeError, "ftol must be a number, got str"),
        ({"max_iter": -1}, ValueError, "max_iter must be >= 0, got -1"),
        ({"max_iter": 2.5}, TypeError, "max_iter must be a whole number, got 2.5"),
        ({"max_iter": "ten"}, TypeError, "max_iter must be a whole number, got 'ten'"),
        ({"max_iter": True}, TypeError, "max_iter must be a whole number, got True"),
        ({"max_nfev": 0}, ValueError, "max_nfev must be >= 1, got 0"),
        ({"max_time": -1}, ValueError, "max_time must be >= 0, got -1"),
        ({"max_time": "1 s"}, TypeError, "max_time must be a number, got str"),
        ({"options": {"maxitre": 3}}, TypeError, "options must be among maxiter, "),
        ({"options": 3}, TypeError, "options"),
        ({"callback": 3}, TypeError, "callback"),
    ],
)
def test_bad_options_are_refused(how, error, said):
    with pytest.raises(error) as caught:
        tw.minimize(bowl, np.zeros(2), **({"learning_rate": 0.1} | GD | how))
    assert said in str(caught.value)


def test_missing_learning_rate_is_named():
    with pytest.raises(TypeError, match="gradient_descent needs learning_rate="):
        tw.minimize(bowl, np.zeros(2), "gradient_descent")


def test_hyper_parameters_beside_a_method_object_are_refused():
    with pytest.raises(TypeError, match=r"Adam\(learning_rate=0.1.*unexpected keyword 'b1'"):
        tw.minimize(bowl, np.zeros(2), tw.Adam(0.1), b1=0.5)


@pytest.mark.parametrize("name", ["b1", "b2"])
def test_adams_decays_leave_room_for_something_new(name):
    # With 1 the correction would divide by 1 - 1**t = 0.
    with pytest.raises(ValueError, match=f"{name} must be >= 0 and < 1, got 1"):
        tw.minimize(bowl, np.zeros(2), "adam", learning_rate=0.1, **{name: 1.0})


@pytest.mark.parametrize(
    ("x0", "error", "said"),
    [
        ([math.nan, 0.0], ValueError, "x0 must be finite, got nan at index 0"),
        ([0.0, math.inf], ValueError, "x0 must be finite, got inf at index 1"),
        ([], ValueError, "x0 must not be empty, got shape (0,)"),
        (None, TypeError, "x0 is required"),
        ([1j, 0.0], TypeError, "x0 must be real, got complex128"),
        ("ab", TypeError, "x0 must be numbers, got str"),
        ([[1.0], [1.0, 2.0]], ValueError, "ragged"),
        ([object()], TypeError, "x0 must be numbers"),
    ],
)
@pytest.mark.parametrize("trace", [True, False])
def test_bad_starts_are_refused(x0, error, said, trace):
    with pytest.raises(error) as caught:
        tw.minimize(bowl, x0, **GD, learning_rate=0.1, trace=trace)
    assert said in str(caught.value)


def test_nan_scalar_start_is_refused():
    with pytest.raises(ValueError, match="x0 must be finite, got nan"):
        tw.minimize(omega, math.nan, **GD, learning_rate=0.1)


def test_start_of_another_shape_than_the_objectives_is_refused():
    F = tw.objective(bowl, np.zeros(2))
    with pytest.raises(ValueError, match=r"x0 must have shape \(..., 2\), got \(3,\)"):
        tw.minimize(F, np.zeros(3), **GD, learning_rate=0.1)
    with pytest.raises(ValueError, match="x0 must be one start, got 5"):
        tw.minimize(F, np.zeros((5, 2)), **GD, learning_rate=0.1)
    with pytest.raises(TypeError, match="x0 is required"):
        tw.minimize(F, None, **GD, learning_rate=0.1)


def test_vector_functions_are_refused():
    with pytest.raises(ValueError, match=r"one value, got shape \(2,\).*least_squares"):
        tw.minimize(lambda x: x, np.zeros(2), **GD, learning_rate=0.1)


@pytest.mark.parametrize("dtype", [int, np.float32, bool, np.uint8])
def test_starts_of_other_types_become_floats(dtype):
    res = tw.minimize(bowl, np.zeros(2, dtype), **GD, learning_rate=0.1)
    np.testing.assert_allclose(res.x, 3.0, atol=1e-8)
    assert res.x.dtype == np.float64


def test_start_is_not_changed():
    x0 = np.zeros(2)
    for trace in (True, False):
        res = tw.minimize(bowl, x0, **GD, learning_rate=0.1, trace=trace, max_iter=0)
        res.x[:] = 7.0
        np.testing.assert_array_equal(x0, 0.0)


def test_args_replace_those_of_an_objective():
    calls = []

    def f(x, a):
        calls.append(1)
        return (x - a) ** 2

    F = tw.objective(f, 1.0, args=(2.0,))
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=(5.0,)).x == pytest.approx(5.0)
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=6.0).x == pytest.approx(6.0)
    assert tw.minimize(F, 1.0, **GD, learning_rate=0.4).x == pytest.approx(2.0)
    assert F(2.0) == 0.0  # the objective is what it was
    assert len(calls) == 1
    with pytest.raises(ValueError, match="args must hold 1 arrays, got 2"):
        tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=(5.0, 6.0))
    with pytest.raises(ValueError, match=r"args\[0\] must have shape \(\), got \(2,\)"):
        tw.minimize(F, 1.0, **GD, learning_rate=0.4, args=([5.0, 6.0],))


def test_jac_of_an_objective_is_not_ignored():
    F = tw.objective(bowl, np.zeros(2))
    with pytest.raises(TypeError, match="jac"):
        tw.minimize(F, np.zeros(2), **GD, learning_rate=0.4, jac=slope)


# ---- large problems ------------------------------------------------------------------------------


def test_a_million_variables():
    res = tw.minimize(bowl, np.zeros(1_000_000), "momentum", learning_rate=0.1, momentum=0.5,
                      max_iter=30, gtol=0)  # fmt: skip
    assert res.x.shape == (1_000_000,)
    assert np.all(res.x == res.x[0])  # every variable the same bits
    small = tw.minimize(bowl, np.zeros(1), "momentum", learning_rate=0.1, momentum=0.5,
                        max_iter=30, gtol=0)  # fmt: skip
    assert res.x[0] == small.x[0]


# ---- against plain NumPy -------------------------------------------------------------------------


def numpy_momentum(gradient, x, rate, momentum=0.9):
    v = np.zeros_like(x)
    for _ in range(100):
        v = momentum * v + gradient(x)
        x = x - rate * v
    return x


def numpy_adam(gradient, x, rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0):
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t in range(1, 101):
        g = gradient(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        x = x - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t) + eps_root) + eps)
    return x


def rosenbrock_gradient(x):
    a, b = x
    return np.array([-400 * a * (b - a**2) - 2 * (1 - a), 200 * (b - a**2)])


LOOPS = {"momentum": numpy_momentum, "adam": numpy_adam}


@pytest.mark.parametrize(
    ("method", "hyper"),
    [
        ("momentum", {}),
        ("momentum", {"momentum": 0.5}),
        ("momentum", {"momentum": 0.0}),
        ("adam", {}),
        ("adam", {"b1": 0.5, "b2": 0.9}),
        ("adam", {"b1": 0.0, "b2": 0.0, "eps": 1e-3}),
        ("adam", {"eps": 1e-4, "eps_root": 1e-6}),
    ],
)
def test_rules_are_their_formulas(method, hyper):
    rate = {"momentum": 2e-4, "adam": 0.01}[method]
    x0 = np.array([-1.2, 1.0])
    res = tw.minimize(rosenbrock, x0, method, learning_rate=rate, max_iter=100, **NO_TESTS, **hyper)
    # 100 steps, each with a few roundings of 1e-16; the valley does not spread them.
    np.testing.assert_allclose(
        res.last.x, LOOPS[method](rosenbrock_gradient, x0, rate, **hyper), rtol=1e-12
    )


def test_momentum_of_nothing_is_gradient_descent():
    how = {"learning_rate": 1e-3, "max_iter": 50, **NO_TESTS}
    a = tw.minimize(rosenbrock, [-1.2, 1.0], "momentum", momentum=0.0, **how)
    b = tw.minimize(rosenbrock, [-1.2, 1.0], "gradient_descent", **how)
    np.testing.assert_allclose(a.last.x, b.last.x, rtol=1e-15)


# ---- interrupts, threads, the GIL ----------------------------------------------------------------


def test_other_threads_run_meanwhile():
    count, done = [0], threading.Event()

    def work():
        while not done.is_set():
            count[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    before = count[0]
    # Were the GIL held, the other thread would run in the few polls alone, if at all.
    tw.minimize(rosenbrock, [-1.2, 1.0], **FOREVER, max_time=0.3)
    counted = count[0] - before
    done.set()
    thread.join()
    assert counted > 10_000


def test_descents_in_threads_at_once_give_the_bits_they_give_alone():
    starts = np.random.default_rng(10).uniform(-2, 2, (24, 2))
    shared = tw.objective(rosenbrock, starts[0])
    jobs = [(shared if i % 2 else rosenbrock, s, m) for i, s in enumerate(starts)
            for m in ("gradient_descent", "momentum", "adam")]  # fmt: skip
    how = {"learning_rate": 1e-3, "max_iter": 2000, "gtol": 1e-3}
    alone = [tw.minimize(f, s, m, **how) for f, s, m in jobs]
    together, errors = [None] * len(jobs), []
    gate = threading.Barrier(4)

    def work(first):
        try:
            gate.wait(30)
            for i in range(first, len(jobs), 4):
                f, s, m = jobs[i]
                together[i] = tw.minimize(f, s, m, **how)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    for a, b in zip(alone, together, strict=True):
        assert bits(a.x, a.fun, a.jac, a.last.x) == bits(b.x, b.fun, b.jac, b.last.x)
        assert (a.nit, a.reason, a.message) == (b.nit, b.reason, b.message)


def test_minimize_within_a_callback_and_within_a_function():
    inner = []

    def callback(x):
        inner.append(tw.minimize(bowl, x, **GD, learning_rate=0.1).fun)

    def f(x):
        return called(x) + tw.minimize(bowl, x, **GD, learning_rate=0.1).fun

    res = tw.minimize(bowl, np.zeros(2), **GD, learning_rate=0.1, max_iter=3, callback=callback)
    assert len(inner) == res.nit == 3
    assert tw.minimize(f, np.zeros(2), **GD, learning_rate=0.1, trace=False, jac=slope).success
