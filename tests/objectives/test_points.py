# SPDX-License-Identifier: BSD-3-Clause
"""Points of any structure: how x0 reaches the function, and that all comes back in its form."""

# ruff: noqa: ARG005 - signatures are what is tested

import copy
import pickle

import numpy as np
import pytest
from objective_cases import assert_same, seen

import thalweg as tw
from thalweg._objectives.points import any_in_rows, parameter_count, structure_of

X = np.random.default_rng(0).normal(size=(20, 4))
Y = np.random.default_rng(1).normal(size=20)
SHAPES = {"W1": (4, 3), "b1": (3,), "T": (2, 1, 3), "w2": (3,), "none": (0,), "shift": ()}


def cost(W1, b1, T, w2, none, shift):
    """A small network, with a tensor, an empty array and a number beside it."""
    r = np.tanh(X @ W1 + b1) @ w2 + shift - Y
    return np.mean(r**2) + np.sum(T**2 * w2) ** 2 + 0.1 * np.sum(T**4) + np.sum(none)


def flat_cost(x):
    return cost(**shaped(x))


def shaped(x):
    """A flat point as the dict that it stands for; axes in front stay."""
    out, at = {}, 0
    for name, shape in SHAPES.items():
        size = int(np.prod(shape))
        out[name] = x[..., at : at + size].reshape(x.shape[:-1] + shape)
        at += size
    return out


def flat(point, lead=()):
    return np.concatenate([np.reshape(point[k], (*lead, -1)) for k in SHAPES], axis=-1)


N = 25
START = 0.5 * np.sin(np.arange(N) + 1.0)
NAMED, FLAT = tw.objective(cost, shaped(START)), tw.objective(flat_cost, START)
DIRECTION = np.cos(np.arange(N))


def assert_form(point, lead=()):
    assert list(point) == list(SHAPES)
    assert {k: np.shape(v) for k, v in point.items()} == {k: lead + s for k, s in SHAPES.items()}
    if not lead:
        assert isinstance(point["shift"], float)


# ---- evaluation and derivatives ------------------------------------------------------------------


def test_value_and_gradient_have_the_form_of_the_point():
    x0 = shaped(START)
    assert NAMED.n == N
    assert NAMED(x0) == NAMED(**x0) == FLAT(START) == pytest.approx(flat_cost(START), rel=1e-14)
    assert_form(NAMED.grad(x0))
    np.testing.assert_array_equal(flat(NAMED.grad(**x0)), FLAT.grad(START))


def test_order_of_the_names_does_not_matter():
    turned = dict(reversed(shaped(START).items()))
    assert NAMED(turned) == FLAT(START)
    assert_form(NAMED.grad(turned))


@pytest.mark.parametrize("lead", [(1,), (5,), (2, 3)])
def test_lanes_stand_in_front_of_every_entry(lead):
    points = np.random.default_rng(2).normal(size=(*lead, N))
    value, slope = NAMED.value_and_grad(shaped(points))
    np.testing.assert_array_equal(value, FLAT(points))
    assert_form(slope, lead)
    np.testing.assert_array_equal(flat(slope, lead), FLAT.grad(points))


def test_entries_without_lanes_are_shared():
    lanes = shaped(START) | {"b1": np.arange(15.0).reshape(5, 3), "shift": np.arange(5.0)}
    got = NAMED(lanes)
    one_by_one = [
        NAMED(shaped(START) | {"b1": lanes["b1"][i], "shift": lanes["shift"][i]}) for i in range(5)
    ]
    np.testing.assert_array_equal(got, one_by_one)


def test_second_derivatives():
    x0, v = shaped(START), shaped(DIRECTION)
    np.testing.assert_array_equal(NAMED.hessian(x0), FLAT.hessian(START))
    product = NAMED.hvp(x0, v)
    assert_form(product)
    np.testing.assert_array_equal(flat(product), FLAT.hvp(START, DIRECTION))
    lanes = shaped(np.stack([START, 2 * START]))
    assert_form(NAMED.hvp(lanes, v), (2,))


def test_vector_functions():
    def residuals(W, b):
        return np.tanh(X @ W + b)

    W, b = START[:12].reshape(4, 3), START[12:15]
    F = tw.objective(residuals, {"W": W, "b": b})
    J = F.jacobian(W=W, b=b)
    assert J.shape == (20, 3, 15)
    v = {"W": np.ones((4, 3)), "b": np.arange(3.0)}
    along = np.concatenate([v["W"].ravel(), v["b"]])
    np.testing.assert_allclose(F.jvp({"W": W, "b": b}, v), J @ along, rtol=1e-13, atol=1e-14)
    u = np.cos(np.arange(60)).reshape(20, 3)
    back = F.vjp({"W": W, "b": b}, u)
    assert back["W"].shape == (4, 3)
    np.testing.assert_allclose(
        np.concatenate([back["W"].ravel(), back["b"]]),
        np.tensordot(u, J, 2), rtol=1e-13, atol=1e-13,
    )  # fmt: skip


def test_check_grad_of_named_parameters():
    assert tw.check_grad(cost, shaped(START)).error < 1e-9


def test_named_objective_pickles():
    again = pickle.loads(pickle.dumps(NAMED))
    assert again(shaped(START)) == NAMED(shaped(START))
    assert_form(again.grad(shaped(START)))


# ---- descent -------------------------------------------------------------------------------------

METHODS = sorted(tw.methods("rules"))


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_descent_is_that_of_the_flat_vector(method, trace):
    how = {"learning_rate": 0.05, "max_iter": 8, "record": True, "trace": trace}
    seen = []
    named = tw.minimize(cost, shaped(START), method, callback=seen.append, **how)
    whole = tw.minimize(flat_cost, START, method, **how)
    for point in (named.x, named.jac, named.last.x, named.last.jac, *seen):
        assert_form(point)
    assert named.fun == whole.fun
    assert named.nit == whole.nit == len(seen) == 8
    np.testing.assert_array_equal(flat(named.x), whole.x)
    np.testing.assert_array_equal(flat(named.jac), whole.jac)
    np.testing.assert_array_equal(flat(named.last.x), whole.last.x)
    assert_form(named.path.x, (9,))
    np.testing.assert_array_equal(flat(named.path.x, (9,)), whole.path.x)
    np.testing.assert_array_equal(flat(seen[3]), whole.path.x[4])


@pytest.mark.parametrize("method", METHODS)
def test_state_continues_named_descents_bit_for_bit(method):
    long = tw.minimize(NAMED, shaped(START), method, learning_rate=0.05, max_iter=10)
    part = tw.minimize(NAMED, shaped(START), method, learning_rate=0.05, max_iter=4)
    state = pickle.loads(pickle.dumps(part.state))
    rest = tw.minimize(NAMED, shaped(START), method, learning_rate=0.05, max_iter=6, state=state)
    assert rest.state.nit == 10
    np.testing.assert_array_equal(flat(rest.last.x), flat(long.last.x))


def test_gradient_given_by_hand_is_a_dict():
    res = tw.minimize(
        lambda W, b: np.sum(W**2) + np.sum(b**2), {"W": np.ones((2, 3)), "b": 2.0}, "momentum",
        learning_rate=0.05, trace=False, jac=lambda W, b: {"b": 2 * b, "W": 2 * W},
    )  # fmt: skip
    assert res.success
    np.testing.assert_allclose(res.x["W"], 0.0, atol=1e-8)
    assert isinstance(res.x["b"], float)


def test_result_pickles_and_copies():
    res = tw.minimize(
        cost, shaped(START), "adam", learning_rate=0.1, max_iter=3, record=True,
        bounds={"b1": (-9, 9)},
    )  # fmt: skip
    for other in (pickle.loads(pickle.dumps(res)), copy.copy(res), copy.deepcopy(res)):
        assert_form(other.x)
        assert_form(other.path.x, (4,))
        assert_form(other.active_mask | {"shift": 0.0})
        np.testing.assert_array_equal(flat(other.jac), flat(res.jac))


def test_big_arrays_print_short_and_one_entry_a_line():
    x0 = {"W": np.ones((300, 200)), "b": np.ones(200), "c": 1.0}
    res = tw.minimize(
        lambda W, b, c: np.sum(W**2) + np.sum(b**2) + c**2, x0, "adam", learning_rate=0.1,
        max_iter=2, bounds={"W": (0, 1)},
    )  # fmt: skip
    lines = repr(res).splitlines()
    assert len(lines) < 50
    assert max(map(len, lines)) < 100
    (at,) = (i for i, line in enumerate(lines) if line.strip().startswith("x: {W: [["))
    (end,) = (i for i, line in enumerate(lines) if line.strip().startswith("jac:"))
    column = lines[at].index("W: ")
    labels = [line[column : column + 3] for line in lines[at:end] if line[column] != " "]
    assert labels == ["W: ", "b: ", "c: "]
    assert all(line[:column].isspace() for line in lines[at + 1 : end])
    assert "..." in res._repr_html_()


# ---- args beside names ---------------------------------------------------------------------------


@pytest.mark.parametrize("trace", [True, False])
@pytest.mark.parametrize("order", ["args last", "args first", "args between", "names alone"])
def test_args_go_to_the_parameters_that_the_dict_leaves(order, trace):
    functions = {
        "args last": lambda w, b, X, y: np.mean((X @ w + b - y) ** 2),
        "args first": lambda X, y, w, b: np.mean((X @ w + b - y) ** 2),
        "args between": lambda w, X, y, b=0.0: np.mean((X @ w + b - y) ** 2),
        "names alone": lambda X, y, *, w, b: np.mean((X @ w + b - y) ** 2),
    }
    x0 = {"w": np.zeros(4), "b": 0.0}
    f = functions[order]
    how = {"learning_rate": 0.1, "gtol": 1e-7, "args": (X, Y)}
    res = tw.minimize(f, x0, "gradient_descent", trace=trace, **how)
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(20)]), Y, rcond=None)[0]
    assert res.success
    np.testing.assert_allclose([*res.x["w"], res.x["b"]], exact, atol=1e-6)
    assert tw.check_grad(f, x0, args=(X, Y)).error < 1e-9
    F = tw.objective(f, x0, args=(X, Y))
    assert F.with_args((2 * X, Y))(x0) == F(x0)  # w = 0


def test_more_args_than_parameters_left_are_refused():
    with pytest.raises(TypeError, match=r"takes 1 arguments besides those in x0, got 2 in args"):
        tw.objective(lambda w, X: np.sum(X @ w), {"w": np.zeros(4)}, args=(X, Y))


# ---- bounds --------------------------------------------------------------------------------------

INF = np.inf
BOUNDED = {"W": np.full((2, 3), 0.5), "b": np.full(3, 0.5), "c": 0.5}


def pulled(W, b, c):
    """Falls towards large W and c and small b, without end."""
    return np.sum(b) - np.sum(W) - c


@pytest.mark.parametrize(
    ("bounds", "W", "b", "c"),
    [
        ({"W": (0, 1), "b": (0, 1), "c": (0, 1)}, 1.0, 0.0, 1.0),
        ({"W": (None, [1, 2, 3]), "b": ([-1, -2, -3], None), "c": (0, 2)},
         [[1, 2, 3]] * 2, [-1, -2, -3], 2.0),
        ({"W": (-INF, [[1], [2]]), "c": (0, 1)}, [[1] * 3, [2] * 3], None, 1.0),
        (tw.Bounds({"b": -1.0}, {"W": [1, 2, 3], "c": 4}), [[1, 2, 3]] * 2, -1.0, 4.0),
        (tw.Bounds(-1.0, 2.0), 2.0, -1.0, 2.0),
        ([(0, 1), (0, 1), (None, 3)], 1.0, 0.0, 3.0),
        ([(0, k + 1) for k in range(10)], [[1, 2, 3], [4, 5, 6]], 0.0, 10.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["dict", "tuple"])
def test_bounds_are_spread_over_each_entry(bounds, W, b, c, form):
    x0 = BOUNDED
    if form == "tuple":
        x0 = tuple(BOUNDED.values())
        if isinstance(bounds, dict):
            bounds = [bounds.get(k, (None, None)) for k in BOUNDED]
        elif isinstance(bounds, tw.Bounds) and isinstance(bounds.lb, dict):
            lower = tuple(bounds.lb.get(k, -INF) for k in BOUNDED)
            bounds = tw.Bounds(lower, tuple(bounds.ub.get(k, INF) for k in BOUNDED))
    res = tw.minimize(pulled, x0, "gradient_descent", learning_rate=1.0, max_iter=20, bounds=bounds)
    x = res.x if form == "dict" else dict(zip(BOUNDED, res.x, strict=True))
    mask = res.active_mask
    mask = mask if form == "dict" else dict(zip(BOUNDED, mask, strict=True))
    np.testing.assert_array_equal(x["W"], np.broadcast_to(W, (2, 3)))
    np.testing.assert_array_equal(mask["W"], np.ones((2, 3)))
    assert mask["W"].dtype == np.int8
    assert x["c"] == c
    if b is None:
        np.testing.assert_array_equal(x["b"], 0.5 - 20)  # free
        np.testing.assert_array_equal(mask["b"], 0)
    else:
        np.testing.assert_array_equal(x["b"], np.broadcast_to(b, 3))
        np.testing.assert_array_equal(mask["b"], -1)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"V": (0, 1)}, r"keys among \['W', 'b', 'c'\], got \['V'\]"),
        (tw.Bounds({"V": 0}), r"lb must have keys among \['W', 'b', 'c'\], got \['V'\]"),
        ({"W": ([0, 0], 1)}, r"bounds\['W'\] must broadcast to shape \(2, 3\), got \(2,\)"),
        (tw.Bounds(0, {"b": [1, 1]}), r"ub\['b'\] must broadcast to shape \(3,\), got \(2,\)"),
        ({"W": (0, 1, 2)}, r"pairs \(lower, upper\)"),
        ({"b": (0, [1, 0.25, 1])}, r"x0 must lie within .* got 0.5 outside .* for b\[1\]"),
        ({"W": (1, [[2, 2, 0]])}, r"lower <= upper, got \(1.0, 0.0\) for W\[0, 2\]"),
        ({"c": (1, 0)}, r"lower <= upper, got \(1.0, 0.0\) for c$"),
        ({"b": (0, [1, np.nan, 1])}, "must not be NaN"),
        ([(0, 1)] * 4, r"must be 3 or 10 pairs \(lower, upper\), got 4 entries"),
        ({"W": ("low", 1)}, r"bounds\['W'\] must be numbers"),
    ],
)
def test_bad_bounds_name_the_entry(bounds, said):
    with pytest.raises((ValueError, TypeError), match=said):
        tw.minimize(pulled, BOUNDED, "gradient_descent", learning_rate=1.0, bounds=bounds)


def test_bad_bounds_of_a_tuple_name_the_entry():
    x0 = tuple(BOUNDED.values())
    how = {"learning_rate": 1.0}
    bounds = [(0, 1), (0, [1, 1, 0.1]), (0, 1)]
    with pytest.raises(ValueError, match=r"for entry 1\[2\]$"):
        tw.minimize(pulled, x0, "gradient_descent", bounds=bounds, **how)
    with pytest.raises(ValueError, match="lb must be a tuple of 3 entries, got 2"):
        tw.minimize(pulled, x0, "gradient_descent", bounds=tw.Bounds((0, 0)), **how)


def test_start_that_is_not_finite_names_the_entry():
    x0 = BOUNDED | {"b": np.array([1.0, 2.0, np.nan])}
    with pytest.raises(ValueError, match=r"x0 must be finite, got nan for b\[2\]"):
        tw.minimize(pulled, x0, "gradient_descent", learning_rate=1.0)
    with pytest.raises(ValueError, match=r"x0 must be finite, got inf for c$"):
        tw.minimize(pulled, BOUNDED | {"c": INF}, "gradient_descent", learning_rate=1.0)


# ---- how x0 reaches the function -----------------------------------------------------------------


class Linear:
    def value(self, x, y):
        return x + y


def total(*p, **named):
    return sum(np.sum(v) for v in (*p, *named.values()))


@pytest.mark.parametrize(
    ("function", "x0", "shapes"),
    [
        (lambda x: np.sum(x), 1.6, [()]),
        (lambda x: np.sum(x), 2, [()]),
        (lambda x: np.sum(x), np.float32(2), [()]),
        (lambda x: np.sum(x), np.array(1.6), [()]),
        (lambda x: np.sum(x), [1.6], [(1,)]),
        (lambda x: np.sum(x), [1.0, 2.0], [(2,)]),
        (lambda x: np.sum(x), (1.0, 2.0), [(2,)]),
        (lambda x: np.sum(x), [[1.0, 2.0, 3.0]], [(1, 3)]),
        (lambda x: np.sum(x), np.ones((2, 3, 4)), [(2, 3, 4)]),
        (lambda x, y: x + y, [1.0, 2.0], [(), ()]),
        (lambda x, y: x + y, np.array([1, 2]), [(), ()]),
        (lambda x, y: x + y, (1.0, 2.0), [(), ()]),
        (lambda x, y: x + np.sum(y), (1.0, [1.0, 2.0]), [(), (2,)]),
        (lambda x, y: np.sum(x) + np.sum(y), (np.ones((2, 2)), [[1.0], [2.0]]), [(2, 2), (2, 1)]),
        (lambda x, y, z: x + y + z, [1.0, 2.0, 3.0], [(), (), ()]),
        (lambda x, y=2.0: np.sum(x) + y, [1.0, 2.0], [(2,)]),
        (lambda x, y, z=5.0: x + y + z, [1.0, 2.0], [(), ()]),
        (lambda x, *, y=2.0: np.sum(x) + y, [1.0, 2.0], [(2,)]),
        (lambda x, /, y: x + y, [1.0, 2.0], [(), ()]),
        (total, [1.0, 2.0], [(2,)]),
        (total, (1.0, [2.0, 3.0]), [(), (2,)]),
        (total, {"a": 1.0, "b": [1.0, 2.0]}, [("a", ()), ("b", (2,))]),
        (lambda m, b: m + b, {"b": 1.0, "m": 2.0}, [("b", ()), ("m", ())]),
        (lambda m, b=3.0: m + b, {"m": 2.0}, [("m", ())]),
    ],
)
def test_x0_reaches_the_function_as_its_signature_says(function, x0, shapes):
    got, _ = seen(function, x0)
    assert got == shapes


def test_count_of_parameters_says_whether_it_means_anything():
    assert parameter_count(lambda x, y, z=1: 0) == (2, True)
    assert parameter_count(lambda *p: 0) == (1, False)
    assert parameter_count(lambda x, *p: 0) == (1, False)
    assert parameter_count(Linear().value) == (2, True)


@pytest.mark.parametrize(
    ("x0", "error", "said"),
    [
        (1j, TypeError, "x0 must be real, got complex128"),
        ([1.0, 1j], TypeError, "x0 must be real, got complex128"),
        ("1.6", TypeError, "x0 must be numbers, got str"),
        (["a", "b"], TypeError, "x0 must be numbers, got list"),
        ([None], TypeError, "x0 must be numbers, got list"),
        (np.array(["1"]), TypeError, "x0 must be numbers, got dtype <U1"),
        (np.array([1, "a"], object), TypeError, "x0 must be numbers, got dtype object"),
        (np.array("2020-01-01", "M8[D]"), TypeError, "x0 must be numbers, got dtype datetime64"),
        (object(), TypeError, "x0 must be numbers, got object"),
        ([[1.0], [1.0, 2.0]], ValueError, "x0 must be an array of numbers, got a ragged sequence"),
        ([], ValueError, "x0 must not be empty, got shape (0,)"),
        (np.zeros((3, 0)), ValueError, "x0 must not be empty, got shape (3, 0)"),
        ({}, ValueError, "x0 must not be empty, got {}"),
        ({1: 2.0}, TypeError, "keys of x0 must be names"),
        ({"x": 1j}, TypeError, "x0['x'] must be real"),
        ((1.0, 1j), TypeError, "must be real, got complex128"),
        (None, TypeError, "needs x0"),
    ],
)
def test_bad_x0_is_refused(x0, error, said):
    with pytest.raises(error) as caught:
        tw.objective(lambda x: np.sum(x), x0)
    assert said in str(caught.value)


def test_complex_entry_of_a_tuple_is_named():
    with pytest.raises(TypeError, match=r"x0\[1\] must be real, got complex128"):
        tw.objective(lambda x, y: x, (1.0, 1j))


def test_unknown_name_in_a_dict_is_refused():
    with pytest.raises(TypeError, match="a key 'y' that is not a parameter of the function"):
        tw.objective(lambda x: x, {"x": 1.0, "y": 2.0})


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64, np.bool_, np.float16, np.float32])
def test_numbers_of_other_types_become_float64(dtype):
    x = np.array([0, 1, 1], dtype)
    F = tw.objective(lambda x: np.sum((x - 0.5) ** 2), x)
    value, gradient = F.value_and_grad(x)
    assert isinstance(value, float)
    assert value == 0.75
    assert gradient.dtype == np.float64
    np.testing.assert_array_equal(gradient, [-1, 1, 1])


def test_strided_and_foreign_arrays_are_read_in_their_order():
    base = np.arange(12.0).reshape(3, 4)
    F = tw.objective(lambda x: np.sum(x * np.arange(12.0).reshape(4, 3)), base.T)
    assert F(base.T) == np.sum(base.T * np.arange(12.0).reshape(4, 3))
    G = tw.objective(lambda x: np.sum(x * np.arange(4)), np.arange(8.0)[::2])
    assert G(np.arange(8.0)[::-2]) == np.sum(np.arange(8.0)[::-2] * np.arange(4))
    swapped = np.arange(4.0).astype(">f8")
    assert G(swapped) == 14.0


def test_structure_of_flattens_in_order():
    s, flat = structure_of({"b": [1.0, 2.0], "a": 3.0}, lambda a, b: a, 0, None)
    np.testing.assert_array_equal(flat, [1, 2, 3])
    assert s.size == 3
    assert_same(s.restore(flat[None, :]), {"b": np.array([1.0, 2.0]), "a": 3.0})


@pytest.mark.parametrize("n", [0, 1, 2, 8, 9, 40])
def test_any_in_rows_is_any(n):
    flags = np.random.default_rng(n).random((50, n)) < 0.1
    np.testing.assert_array_equal(any_in_rows(flags), flags.any(axis=1))
    assert any_in_rows(flags[:0]).shape == (0,)
