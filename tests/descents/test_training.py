# SPDX-License-Identifier: BSD-3-Clause
"""Training on minibatches: against plain NumPy loops, resumed, stopped, and what is refused."""

import copy
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from descent_cases import bits
from problems import BY_NAME, hyper_of
from training_cases import (
    HOW,
    LONG,
    ROWS,
    W0,
    X,
    batches,
    iterates,
    loss,
    parted,
    plain_adam,
    plain_gradient_descent,
    plain_momentum,
    slope,
    y,
)

import thalweg as tw
from thalweg import losses, nn

# ---- against plain loops -------------------------------------------------------------------------


PLAIN = {
    "gradient_descent": plain_gradient_descent, "momentum": plain_momentum, "adam": plain_adam
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 3, 32, 64, 203])
@pytest.mark.parametrize("method", PLAIN)
def test_training_is_that_of_a_plain_loop(method, size):
    res = tw.minimize(loss, W0, method, **(HOW | {"batch_size": size}), seed=4)
    points = iterates(PLAIN[method], batches(5, size, seed=4))
    assert res.nit == res.nfev == res.njev == len(points) - 1
    np.testing.assert_allclose(res.x, points[-1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("method", tw.methods("rules"))
def test_batches_of_all_rows_are_a_descent_on_the_whole(method):
    hyper = hyper_of(method, BY_NAME["bowl"]) | {
        "clip_norm": 0.1, "learning_rate": tw.schedules.exponential(0.05, 3, 0.9)
    }  # fmt: skip
    if method == "rprop":
        hyper["learning_rate"] = 0.05  # it is used at the start alone
    bounds = [(None, 0.5), (None, None), (None, None), (-0.01, 0.01)]
    whole = tw.minimize(
        loss, W0, method, args=(X, y), bounds=bounds, max_iter=30, gtol=0, record=True, **hyper
    )
    res = tw.minimize(
        loss, W0, method, data=(X, y), batch_size=ROWS, shuffle=False, epochs=30, bounds=bounds,
        record=True, **hyper
    )  # fmt: skip
    np.testing.assert_allclose(res.path.x, whole.path.x, rtol=1e-10, atol=1e-13)
    # Losses of a path are those of the points before the steps.
    np.testing.assert_allclose(res.path.fun[1:], whole.path.fun[:-1], rtol=1e-12)
    np.testing.assert_allclose(res.path.fun[0], whole.path.fun[0], rtol=1e-12)
    norms = whole.path.grad_norm
    np.testing.assert_allclose(res.path.grad_norm[1:], norms[:-1], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(res.path.grad_norm[0], norms[0], rtol=1e-12)
    assert np.array_equal(res.active_mask, whole.active_mask)
    assert res.x[0] <= 0.5
    assert abs(res.x[3]) <= 0.01


def test_value_and_gradient_are_means_over_all_rows():
    res = tw.minimize(loss, W0, "adam", **HOW)
    assert res.fun == pytest.approx(loss(res.x, X, y), rel=1e-14)
    np.testing.assert_allclose(res.jac, slope(res.x, X, y), rtol=0, atol=1e-15)
    assert bits(res.last.x, res.last.fun, res.last.jac) == bits(res.x, res.fun, res.jac)


# ---- forms of points and data --------------------------------------------------------------------


def test_threads_do_not_change_the_bits():
    rows = np.repeat(X, 1000, axis=0), np.repeat(y, 1000)
    how = HOW | {"data": rows, "batch_size": 150_000, "epochs": 2}
    one, two = (tw.minimize(loss, W0, "adam", **how, threads=n) for n in (1, 2))
    assert bits(one.x, one.fun, one.jac) == bits(two.x, two.fun, two.jac)
    with pytest.raises(ValueError, match="threads must be >= 1, got 0"):
        tw.minimize(loss, W0, "adam", **HOW, threads=0)


# ---- continuing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", tw.methods("rules"))
@pytest.mark.parametrize("more", [{}, {"holdout": 0.2}, {"average": True}], ids=str)
def test_continued_training_gives_the_same_bits(method, more):
    hyper = hyper_of(method, BY_NAME["bowl"])
    if method != "rprop":
        hyper["learning_rate"] = tw.schedules.cosine(0.1, 40)
    how = {"data": (X, y), "batch_size": 32, "record": True} | more | hyper
    whole = tw.minimize(loss, W0, method, epochs=5, seed=9, **how)
    first = tw.minimize(loss, W0, method, epochs=2, seed=9, **how)
    state = pickle.loads(pickle.dumps(first.state))
    rest = tw.minimize(loss, W0, method, epochs=3, state=state, **how)
    assert bits(rest.last.x, rest.x, rest.fun) == bits(whole.last.x, whole.x, whole.fun)
    assert bits(*rest.state.memory) == bits(*whole.state.memory)
    assert rest.state.nit == whole.state.nit == 5 * whole.nit // 5
    assert (rest.epochs, rest.state.epoch, first.epochs) == (3, 5, 2)
    assert bits(rest.path.x[1:], rest.path.fun[1:]) == bits(whole.path.x[3:], whole.path.fun[3:])
    if "holdout" in more:
        assert bits(rest.path.holdout) == bits(whole.path.holdout[2:])


def test_state_is_small():
    state = tw.minimize(loss, W0, "adam", **HOW, average=True, holdout=0.1).state
    assert len(pickle.dumps(state)) < 2000
    assert (state.method, state.epoch, state.seed) == ("adam", 5, 0)


def test_patience_is_continued():
    how = {"data": (X, y), "batch_size": 32, "learning_rate": 0.5, "holdout": 0.3, "patience": 6}
    whole = tw.minimize(loss, W0, "adam", epochs=200, **how)
    assert whole.reason == tw.Reason.value_settled
    first = tw.minimize(loss, W0, "adam", epochs=whole.epochs - 3, **how)
    assert first.reason == tw.Reason.max_iterations
    rest = tw.minimize(loss, W0, "adam", epochs=200, state=first.state, **how)
    assert (rest.epochs, rest.reason) == (3, tw.Reason.value_settled)
    assert bits(rest.x, rest.last.x) == bits(whole.x, whole.last.x)


def test_no_epochs():
    res = tw.minimize(loss, W0, "adam", **(HOW | {"epochs": 0}), record=True)
    assert bits(res.x) == bits(W0)
    assert res.fun == pytest.approx(loss(W0, X, y), rel=1e-14)
    assert (res.nit, res.nfev, res.epochs, len(res.path.fun)) == (0, 0, 0, 1)
    assert res.message == "0 epochs >= epochs = 0"


# ---- averages ------------------------------------------------------------------------------------


def test_average_has_the_documented_weights():
    res = tw.minimize(loss, W0, "adam", **HOW, average=True)
    points = np.array(iterates(plain_adam, batches(5, 32))[1:])
    t = np.arange(1, len(points) + 1)
    weights = t * (t + 1) * (t + 2.0)
    np.testing.assert_allclose(res.x, weights @ points / weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(res.last.x, points[-1], rtol=1e-12)
    assert res.fun == pytest.approx(loss(res.x, X, y), rel=1e-14)
    assert res.last.fun == pytest.approx(loss(res.last.x, X, y), rel=1e-14)
    # The last half: 94 % of the weight, as the docs say.
    assert weights[len(t) // 2 :].sum() / weights.sum() == pytest.approx(0.94, abs=0.01)


def test_average_is_nearer_to_the_minimum_than_the_last_point():
    best = tw.minimize(loss, W0, "momentum", args=(X, y), learning_rate=0.5).x
    far = {True: [], False: []}
    for seed in range(10):
        for average in far:
            res = tw.minimize(
                loss, W0, "gradient_descent", learning_rate=1.0, data=(X, y), batch_size=4,
                epochs=20, average=average, seed=seed,
            )  # fmt: skip
            far[average].append(np.linalg.norm(res.x - best))
    assert np.mean(far[True]) < 0.5 * np.mean(far[False])


def test_average_stays_within_the_bounds():
    # No sums of powers of two: averages of them may round to either side.
    for upper in (0.1, 0.7, 1 / 3):
        res = tw.minimize(
            loss, np.zeros(4), "adam", **HOW, average=True, bounds=[(None, upper)] * 4
        )
        assert res.x.max() <= upper
        assert res.last.x[0] == upper


# ---- held-out rows -------------------------------------------------------------------------------


def test_early_stopping_gives_the_best_held_out_point():
    res = tw.minimize(
        loss, W0, "adam", **(HOW | {"epochs": 500, "learning_rate": 0.5}), holdout=0.3, patience=4,
        record=True,
    )  # fmt: skip
    assert res.reason == tw.Reason.value_settled
    assert res.success
    assert res.status == 0
    best = int(np.argmin(res.path.holdout))
    assert res.epochs == len(res.path.holdout) - 1 == best + 4
    assert bits(res.x) == bits(res.path.x[best])
    assert f"(epoch {best}) for 4 epochs >= patience = 4" in res.message
    assert bits(res.last.x) == bits(res.path.x[-1])


def test_start_counts_among_the_held_out_points():
    res = tw.minimize(
        loss, W0, "gradient_descent", **(HOW | {"learning_rate": 300.0, "epochs": 50}), holdout=0.3,
        record=True,
    )  # fmt: skip
    assert np.argmin(res.path.holdout) == 0
    assert bits(res.x) == bits(W0)
    assert res.epochs == 10  # the default patience


def test_patience_without_end():
    how = HOW | {"learning_rate": 300.0, "epochs": 20}
    res = tw.minimize(loss, W0, "gradient_descent", **how, holdout=0.3, patience=np.inf)
    assert res.epochs == 20


def test_averages_are_what_is_held_against_the_rows_held_out():
    _, out = parted(0.2)
    res = tw.minimize(loss, W0, "adam", **HOW, holdout=0.2, average=True, record=True)
    assert loss(res.x, X[out], y[out]) == pytest.approx(min(res.path.holdout), rel=1e-13)


# ---- callbacks, histories, progress --------------------------------------------------------------


def test_path_has_the_start_and_the_end_of_every_epoch():
    res = tw.minimize(loss, W0, "adam", **HOW, record=True)
    points = iterates(plain_adam, batches(5, 32))
    np.testing.assert_allclose(res.path.x, points[::7], rtol=1e-12)
    assert res.path.fun[0] == pytest.approx(loss(W0, X, y), rel=1e-14)
    terms = [
        loss(w, X[rows], y[rows]) * len(rows) / ROWS
        for w, rows in zip(points, batches(5, 32), strict=False)
    ]
    np.testing.assert_allclose(res.path.fun[1:], np.reshape(terms, (5, 7)).sum(axis=1), rtol=1e-12)
    last = list(batches(5, 32))[6::7]
    norms = [
        np.abs(slope(w, X[rows], y[rows])).max() for w, rows in zip(points[6::7], last, strict=True)
    ]
    np.testing.assert_allclose(res.path.grad_norm[1:], norms, rtol=1e-11)
    assert res.path.grad_norm[0] == pytest.approx(np.abs(slope(W0, X, y)).max(), rel=1e-13)
    assert res.path.holdout is None


def test_callback_is_called_after_every_epoch():
    seen = []
    res = tw.minimize(loss, {"w": W0}, "adam", **HOW, record=True, callback=seen.append)
    assert bits(*(p["w"] for p in seen)) == bits(res.path.x["w"][1:])
    told = []

    def listen(intermediate_result):
        told.append(intermediate_result)

    tw.minimize(loss, {"w": W0}, "adam", **HOW, callback=listen)
    assert [r.nit for r in told] == [1, 2, 3, 4, 5]
    assert bits(*(r.fun for r in told)) == bits(res.path.fun[1:])
    assert bits(*(r.grad_norm for r in told)) == bits(res.path.grad_norm[1:])


def test_callback_stops():
    seen = []

    def stop(w):
        seen.append(w)
        if len(seen) == 3:
            raise StopIteration

    res = tw.minimize(loss, W0, "adam", **HOW, callback=stop)
    assert (res.reason, res.epochs, res.nit) == (tw.Reason.stopped_by_callback, 3, 21)
    assert bits(res.x) == bits(seen[-1])
    assert res.message == "stopped by the callback after 3 epochs (21 steps)"


def test_errors_of_a_callback_come_through():
    def fail(w):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        tw.minimize(loss, W0, "adam", **HOW, callback=fail)


def test_progress_counts_epochs(capsys):
    tw.minimize(loss, W0, "adam", **HOW, progress=True)
    assert "epoch 5 of 5: f = " in capsys.readouterr().err


def test_watching_does_not_change_the_bits(capsys):
    alone = tw.minimize(loss, W0, "adam", **HOW)
    seen = tw.minimize(loss, W0, "adam", **HOW, record=True, progress=True, callback=bits)
    assert bits(alone.x, alone.fun) == bits(seen.x, seen.fun)


def test_result_shows_and_copies_itself():
    res = tw.minimize(loss, W0, "adam", **HOW, record=True, holdout=0.1)
    assert "epochs: 5" in repr(res)
    assert res["epochs"] == 5
    for other in (copy.deepcopy(res), pickle.loads(pickle.dumps(res))):
        assert bits(other.x, other.path.holdout) == bits(res.x, res.path.holdout)


def test_result_draws_itself():
    pytest.importorskip("matplotlib")
    for x0 in (W0, W0[:2]):
        res = tw.minimize(loss, x0, "adam", **(HOW | {"data": (X[:, : len(x0)], y)}), record=True)
        assert res.plot().figure is not None


# ---- how it ends ---------------------------------------------------------------------------------


def test_finished_epochs_are_told():
    res = tw.minimize(loss, W0, "adam", **HOW)
    assert (res.reason, res.status, res.success) == (tw.Reason.max_iterations, 1, False)
    assert res.message == "5 epochs >= epochs = 5"


def test_time_ends_a_training():
    began = time.perf_counter()
    res = tw.minimize(loss, W0, "adam", **LONG, max_time=0.1)
    assert 0.1 <= time.perf_counter() - began < 1.0
    assert res.reason == tw.Reason.max_time
    assert " s >= max_time = 0.1 s after " in res.message
    assert res.nit > res.epochs > 0
    # It ended within an epoch, and goes on from there.
    rest = tw.minimize(loss, W0, "adam", **(LONG | {"epochs": 1}), state=res.state)
    assert rest.nit == -(-ROWS // 8) - res.state.batch
    whole = tw.minimize(loss, W0, "adam", **(LONG | {"epochs": res.epochs + 1}))
    assert bits(rest.x) == bits(whole.x)
    assert rest.state.loss == whole.state.loss


def test_epochs_without_end():
    res = tw.minimize(loss, W0, "adam", **(LONG | {"epochs": np.inf}), max_time=0.05)
    assert res.reason == tw.Reason.max_time


def test_no_time_at_all():
    res = tw.minimize(loss, W0, "adam", **HOW, max_time=0, holdout=0.1, record=True)
    assert (res.reason, res.nit, res.epochs) == (tw.Reason.max_time, 0, 0)
    assert bits(res.x) == bits(W0)


def test_learning_rate_that_is_too_large_diverges():
    def cost(w, X, y):
        return np.mean((X @ w - y) ** 2)

    res = tw.minimize(cost, W0, "gradient_descent", **(HOW | {"learning_rate": 1e3, "epochs": 99}))
    assert (res.reason, res.status) == (tw.Reason.diverged, 2)
    assert res.message.startswith("diverged: square(")
    assert np.all(np.isfinite(res.x))
    assert np.abs(res.x).max() < np.abs(res.last.x).max()


def test_step_that_leaves_the_domain_is_named():
    def cost(w, X, y):
        return np.mean(w[0] * X[:, 0] ** 2 - np.log(w[0]))

    res = tw.minimize(cost, W0, "gradient_descent", **(HOW | {"learning_rate": 20.0}))
    assert res.reason == tw.Reason.left_domain
    assert res.message.startswith("left the domain: log(-")
    assert " in the value after 1 epoch (" in res.message
    assert res.x[0] > 0 > res.last.x[0]


def test_data_that_are_not_finite_are_named():
    bad = X.copy()
    bad[77, 2] = np.nan
    res = tw.minimize(loss, W0, "adam", **(HOW | {"data": (bad, y)}))
    assert (res.reason, res.status) == (tw.Reason.non_finite, 3)
    assert "data[0] holds nan in row 77" in res.message
    assert np.all(np.isfinite(res.x))
    # In the incomplete batch, after one step: the point before it is the answer.
    how = HOW | {"data": (bad[:78], y[:78]), "batch_size": 77, "shuffle": False}
    res = tw.minimize(loss, W0, "adam", **how)
    assert (res.nit, res.nfev) == (1, 2)
    assert bits(res.x) == bits(W0)
    np.testing.assert_allclose(res.last.x, iterates(plain_adam, [np.arange(77)])[-1], rtol=1e-12)


def test_last_step_that_leaves_the_domain_is_seen():
    def cost(w, X, y):
        return np.mean(X[:, 0] ** 2) * w[0] - np.log(w[0])

    res = tw.minimize(
        cost, [50.0], "gradient_descent", learning_rate=100.0, data=(X, y), epochs=1,
        batch_size=ROWS,
    )  # fmt: skip
    assert res.reason == tw.Reason.left_domain
    assert "log(-" in res.message


# ---- what is refused -----------------------------------------------------------------------------


REFUSED = {
    "unequal lengths": ({"data": (X, y[:-1])}, ValueError, r"equally many rows, got \[203, 202\]"),
    "no rows": ({"data": (X[:0], y[:0])}, ValueError, r"data must have rows, got shapes"),
    "no arrays": ({"data": ()}, ValueError, "at least one array"),
    "a number": ({"data": (X, 3.0)}, ValueError, r"data\[1\] must have rows"),
    "complex": ({"data": (X * 1j, y)}, TypeError, r"data\[0\] must be real, got dtype complex128"),
    "text": ({"data": (X, y.astype(str))}, TypeError, r"data\[1\] must be numbers, got dtype"),
    "ragged": ({"data": ([[1], [1, 2]], y)}, ValueError, r"data\[0\] .* ragged"),
    "masked": ({"data": (np.ma.masked_less(X, 0), y)}, TypeError, r"data\[0\] must not be masked"),
    "batch of none": ({"batch_size": 0}, ValueError, "batch_size must be >= 1, got 0"),
    "batch of a half": ({"batch_size": 0.5}, TypeError, "batch_size must be a whole number"),
    "epochs": ({"epochs": -1}, ValueError, "epochs must be >= 0, got -1"),
    "seed": ({"seed": -1}, ValueError, "seed must be >= 0, got -1"),
    "large seed": ({"seed": 2**64}, ValueError, r"seed must be < 2\*\*64"),
    "shuffle": ({"shuffle": "yes"}, TypeError, "shuffle must be True or False, got 'yes'"),
    "holdout 0": ({"holdout": 0.0}, ValueError, "holdout must lie between 0 and 1, got 0.0"),
    "holdout 1": ({"holdout": 1.0}, ValueError, "holdout must lie between 0 and 1, got 1.0"),
    "holdout of all": ({"holdout": 0.999}, ValueError, "holdout must leave rows to train on"),
    "holdout 5": ({"holdout": 5}, TypeError, "holdout must be a fraction or a tuple"),
    "other holdout": ({"holdout": (X[:, :2], y)}, ValueError, "holdout must have rows of shapes"),
    "empty holdout": ({"holdout": (X[:0], y[:0])}, ValueError, "holdout must have rows, got"),
    "patience": ({"holdout": 0.1, "patience": 0}, ValueError, "patience must be >= 1, got 0"),
    "patience alone": ({"patience": 3}, TypeError, "patience= is for held-out rows"),
    "gtol": ({"gtol": 1e-8}, TypeError, "gtol is not offered with data="),
    "ftol": ({"ftol": 1e-8}, TypeError, "ftol is not offered with data="),
    "tol": ({"tol": 1e-8}, TypeError, "gtol is not offered with data="),
    "max_iter": ({"max_iter": 10}, TypeError, "max_iter is not offered .* epochs="),
    "maxiter": ({"options": {"maxiter": 10}}, TypeError, "max_iter is not offered"),
    "trace": ({"trace": False}, TypeError, "trace=False and jac= are not offered"),
    "state": ({"state": 3}, TypeError, "state must come from a training on minibatches, got int"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_fit_is_refused(kind):
    more, error, text = REFUSED[kind]
    with pytest.raises(error, match=text):
        tw.minimize(loss, W0, "adam", **(HOW | more))


def test_tolerances_may_be_switched_off():
    assert tw.minimize(loss, W0, "adam", **HOW, gtol=0, xtol=0.0, ftol=0).epochs == 5


def test_objective_with_data_is_refused():
    F = tw.objective(lambda w: loss(w, X, y), W0)
    with pytest.raises(TypeError, match="pass the function itself"):
        tw.minimize(F, W0, "adam", **HOW)


def test_states_of_other_kinds_are_refused():
    plain = tw.minimize(loss, W0, "adam", args=(X, y), learning_rate=0.1, max_iter=3)
    with pytest.raises(TypeError, match="got a descent's"):
        tw.minimize(loss, W0, "adam", **HOW, state=plain.state)
    trained = tw.minimize(loss, W0, "adam", **HOW)
    with pytest.raises(TypeError, match="data="):
        tw.minimize(loss, W0, "adam", args=(X, y), learning_rate=0.1, state=trained.state)
    with pytest.raises(ValueError, match="seed must equal the state's seed, 0, got 5"):
        tw.minimize(loss, W0, "adam", **HOW, state=trained.state, seed=5)
    with pytest.raises(ValueError, match="average=True must be set"):
        tw.minimize(loss, W0, "adam", **HOW, state=trained.state, average=True)
    with pytest.raises(ValueError, match="state must come from momentum"):
        tw.minimize(loss, W0, "momentum", **HOW, state=trained.state)


def test_start_that_is_not_finite_or_outside_is_refused():
    with pytest.raises(ValueError, match="x0 must be finite"):
        tw.minimize(loss, [np.nan] * 4, "adam", **HOW)
    with pytest.raises(ValueError, match="x0 must lie within the bounds"):
        tw.minimize(loss, W0, "adam", **HOW, bounds=[(1, 2)] * 4)


# ---- a network -----------------------------------------------------------------------------------


TABLES = np.load(Path(__file__).parents[1] / "data" / "ml_data.npz")


def network(W1, b1, W2, b2, X, labels):
    return np.mean(losses.softmax_cross_entropy(nn.tanh(X @ W1 + b1) @ W2 + b2, labels))


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_network_learns(name):
    X, labels = TABLES[f"{name}_X"].astype(np.float64), TABLES[f"{name}_y"]
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
    test = np.arange(len(X)) % 4 == 0
    features, classes, draw = X.shape[1], int(labels.max()) + 1, np.random.default_rng(0)
    x0 = {
        "W1": draw.normal(0, features**-0.5, (features, 32)), "b1": np.zeros(32),
        "W2": draw.normal(0, 32**-0.5, (32, classes)), "b2": np.zeros(classes),
    }  # fmt: skip
    res = tw.minimize(
        network, x0, "adam", learning_rate=0.01, data=(X[~test], labels[~test]), batch_size=32,
        epochs=40,
    )  # fmt: skip
    p = res.x
    guess = np.argmax(np.tanh(X[test] @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"], axis=1)
    assert np.mean(guess == labels[test]) > 0.94
    assert res.fun < 0.1
