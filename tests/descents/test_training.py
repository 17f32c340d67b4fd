# SPDX-License-Identifier: BSD-3-Clause
"""Training on minibatches: against plain NumPy loops, resumed, stopped, and what is refused."""

import copy
import pickle
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from problems import BY_NAME, hyper_of

import thalweg as tw
from thalweg import _core, losses, nn

random = np.random.default_rng(7)
ROWS = 203
X = random.normal(size=(ROWS, 4))
y = (random.random(ROWS) < 1 / (1 + np.exp(-X @ [2.0, -1.0, 0.5, 0.0]))).astype(np.float64)
W0 = np.array([0.1, -0.2, 0.3, 0.0])


def loss(w, X, y):
    return np.mean(np.logaddexp(0, X @ w) - y * (X @ w))


def slope(w, X, y):
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y)


def batches(epochs, size, rows=ROWS, seed=0, drop_last=False):
    """Row numbers of every batch, epoch by epoch."""
    for epoch in range(1, epochs + 1):
        order = _core.permutation(seed, epoch, rows)
        for first in range(0, rows, size):
            if not drop_last or first + size <= rows:
                yield order[first : first + size]


def bits(*values):
    return b"".join(np.ascontiguousarray(v).tobytes() for v in values)


HOW = {"data": (X, y), "batch_size": 32, "epochs": 5, "learning_rate": 0.1}


# ---- the order of the rows -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
def test_permutation_holds_every_row_once(n):
    assert np.array_equal(np.sort(_core.permutation(3, 5, n)), np.arange(n))


def test_permutation_depends_on_seed_and_epoch():
    seen = {_core.permutation(s, e, 50).tobytes() for s in (0, 1, 2**63) for e in range(5)}
    assert len(seen) == 15


def test_permutations_are_uniform():
    # Each of the 24 orders of 4 rows is as likely: chi-square with 23 degrees of freedom is below
    # 49.7 in all but one case of a thousand.
    counts = {}
    for epoch in range(1, 4801):
        order = tuple(_core.permutation(11, epoch, 4))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert sum((c - 200) ** 2 / 200 for c in counts.values()) < 49.7


def test_every_row_stands_everywhere_as_often():
    # Place of row 0 among 100, in 10,000 epochs; 99 degrees of freedom, one of a thousand.
    places = [np.flatnonzero(_core.permutation(2, e, 100) == 0)[0] for e in range(1, 10_001)]
    counts = np.bincount(places, minlength=100)
    assert ((counts - 100.0) ** 2 / 100).sum() < 148.2


# ---- against plain loops -------------------------------------------------------------------------


def plain_gradient_descent(w, rate=0.1):
    while True:
        rows = yield w
        w = w - rate * slope(w, X[rows], y[rows])


def plain_momentum(w, rate=0.1):
    v = 0
    while True:
        rows = yield w
        v = 0.9 * v + slope(w, X[rows], y[rows])
        w = w - rate * v


def plain_adam(w, rate=0.1):
    m = v = t = 0
    while True:
        rows = yield w
        g = slope(w, X[rows], y[rows])
        t += 1
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def iterates(rule, sequence, w=W0):
    """The point before each batch and after the last."""
    steps = rule(w)
    return [next(steps), *(steps.send(rows) for rows in sequence)]


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


def test_incomplete_batch_can_be_left_out():
    res = tw.minimize(loss, W0, "adam", **HOW, drop_last=True)
    points = iterates(plain_adam, batches(5, 32, drop_last=True))
    assert res.nit == 5 * 6
    np.testing.assert_allclose(res.x, points[-1], rtol=1e-12)
    # The loss over all rows is that of all, those left out of the last epoch included.
    assert res.fun == pytest.approx(loss(res.x, X, y), rel=1e-14)


def test_rows_in_their_order_without_shuffling():
    res = tw.minimize(loss, W0, "momentum", **HOW, shuffle=False)
    sequence = [np.arange(k, min(k + 32, ROWS)) for k in range(0, ROWS, 32)] * 5
    np.testing.assert_allclose(res.x, iterates(plain_momentum, sequence)[-1], rtol=1e-12)


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


def test_points_in_every_form():
    whole = tw.minimize(loss, W0, "adam", **HOW)

    def parted(a, b, X, y):
        return loss(np.concatenate([a, b]), X, y)

    by_tuple = tw.minimize(parted, (W0[:1], W0[1:]), "adam", **HOW)
    assert bits(*by_tuple.x) == bits(whole.x)
    by_name = tw.minimize(parted, {"b": W0[1:], "a": W0[:1]}, "adam", **HOW)
    assert bits(by_name.x["a"], by_name.x["b"]) == bits(whole.x)
    assert list(by_name.jac) == ["b", "a"]

    def data_first(X, y, *, a, b):
        return parted(a, b, X, y)

    by_name = tw.minimize(data_first, {"b": W0[1:], "a": W0[:1]}, "adam", **HOW)
    assert bits(by_name.x["a"], by_name.x["b"]) == bits(whole.x)

    def one_by_one(a, b, c, d, X, y):
        return loss(np.stack([a, b, c, d]), X, y)

    assert bits(tw.minimize(one_by_one, W0, "adam", **HOW).x) == bits(whole.x)
    assert bits(tw.minimize(lambda *p: loss(*p), W0, "adam", **HOW).x) == bits(whole.x)


def test_scalar_point_and_one_array():
    res = tw.minimize(
        lambda m, z: np.mean((m - z) ** 2), 0.0, "gradient_descent", learning_rate=0.5,
        data=X[:, 0], batch_size=ROWS, epochs=1,
    )  # fmt: skip
    assert type(res.x) is float
    assert res.x == pytest.approx(X[:, 0].mean(), abs=1e-15)


def test_args_follow_the_data():
    def penalized(w, X, y, penalty, kind):
        assert kind == "ridge"
        return loss(w, X, y) + penalty * np.sum(w**2)

    res = tw.minimize(penalized, W0, "gradient_descent", **HOW, args=(0.3, "ridge"))
    points = iterates(plain_gradient_descent, [])
    for rows in batches(5, 32):
        points.append(points[-1] - 0.1 * (slope(points[-1], X[rows], y[rows]) + 0.6 * points[-1]))
    np.testing.assert_allclose(res.x, points[-1], rtol=1e-12)
    assert res.fun == pytest.approx(penalized(res.x, X, y, 0.3, "ridge"), rel=1e-14)


KINDS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", ">f8", ">i4"]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_every_kind_give_the_bits_of_their_doubles(kind):
    data = (X * 3).astype(kind) if "f" in kind else np.abs(X * 3).astype(kind)
    got = tw.minimize(loss, W0, "adam", **(HOW | {"data": (data, y.astype(bool))}))
    wanted = tw.minimize(loss, W0, "adam", **(HOW | {"data": (data.astype(float), y)}))
    assert bits(got.x, got.fun, got.jac) == bits(wanted.x, wanted.fun, wanted.jac)


LAID = {
    "column-major": lambda a: np.asfortranarray(a),
    "every second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "the same row": lambda a: np.broadcast_to(a[:1], a.shape),
    "unaligned": lambda a: np.frombuffer(b"1" + a.tobytes(), np.uint8)[1:].view("f8").reshape(
        a.shape
    ),
    "lists": lambda a: a.tolist(),
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAID)
def test_arrays_laid_out_in_every_way_give_the_same_bits(kind):
    laid = LAID[kind](X)
    got = tw.minimize(loss, W0, "adam", **(HOW | {"data": (laid, y)}))
    wanted = tw.minimize(loss, W0, "adam", **(HOW | {"data": (np.array(laid, order="C"), y)}))
    assert bits(got.x, got.fun) == bits(wanted.x, wanted.fun)


def test_rows_of_several_axes():
    images = random.normal(size=(60, 5, 3))
    target = images[:, 1, 2] - images[:, 4, 0]

    def cost(W, images, target):
        return np.mean((np.sum(W * images, axis=(1, 2)) - target) ** 2)

    how = {"learning_rate": 0.05, "batch_size": 16, "epochs": 100}
    res = tw.minimize(cost, np.zeros((5, 3)), "adam", data=(images, target), **how)
    wanted = np.zeros((5, 3))
    wanted[1, 2], wanted[4, 0] = 1, -1
    np.testing.assert_allclose(res.x, wanted, atol=1e-3)
    strided = np.asfortranarray(images.astype(np.float32).astype(np.float64))
    twice = tw.minimize(cost, np.zeros((5, 3)), "adam", data=(strided, target), **how)
    single = tw.minimize(
        cost, np.zeros((5, 3)), "adam", data=(images.astype(np.float32), target), **how
    )
    assert bits(twice.x) == bits(single.x)


def test_data_of_a_file_are_read_where_they_lie(tmp_path):
    stored = np.memmap(tmp_path / "rows", np.float32, "w+", shape=X.shape)
    stored[:] = X
    got = tw.minimize(loss, W0, "adam", **(HOW | {"data": (stored, y)}))
    wanted = tw.minimize(loss, W0, "adam", **(HOW | {"data": (np.array(stored), y)}))
    assert bits(got.x) == bits(wanted.x)


def test_data_are_not_copied():
    import tracemalloc

    rows = np.ones((400_000, 4), np.float32)  # 6.4 MB
    tracemalloc.start()
    tw.minimize(
        lambda w, X: np.mean((X @ w - 1) ** 2), W0, "adam", learning_rate=0.1, data=(rows,),
        epochs=1,
    )  # fmt: skip
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_data_that_the_loss_does_not_read():
    def squares(w, X, y):
        return np.sum(w**2)

    res = tw.minimize(squares, W0, "gradient_descent", **HOW)
    np.testing.assert_allclose(res.x, W0 * 0.8**35, rtol=1e-13)


def test_threads_do_not_change_the_bits():
    rows = np.repeat(X, 1000, axis=0), np.repeat(y, 1000)
    how = HOW | {"data": rows, "batch_size": 150_000, "epochs": 2}
    one, two = (tw.minimize(loss, W0, "adam", **how, threads=n) for n in (1, 2))
    assert bits(one.x, one.fun, one.jac) == bits(two.x, two.fun, two.jac)
    with pytest.raises(ValueError, match="threads must be >= 1, got 0"):
        tw.minimize(loss, W0, "adam", **HOW, threads=0)


def test_defaults():
    res = tw.minimize(loss, W0, "adam", learning_rate=0.1, data=(X, y))
    asked = tw.minimize(
        loss, W0, "adam", learning_rate=0.1, data=(X, y), batch_size=ROWS, epochs=10, seed=0
    )
    assert res.nit == res.epochs == 10  # batches of 256 are all rows here
    assert bits(res.x) == bits(asked.x)


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


def parted(share, seed=0):
    count = round(share * ROWS)
    order = _core.permutation(seed, 0, ROWS)
    return np.sort(order[count:]), np.sort(order[:count])


def test_held_out_rows_are_not_trained_on():
    kept, out = parted(0.2)
    res = tw.minimize(loss, W0, "adam", **HOW, holdout=0.2, record=True)
    apart = tw.minimize(
        loss, W0, "adam", **(HOW | {"data": (X[kept], y[kept])}),
        holdout=(X[out], y[out]), record=True,
    )  # fmt: skip
    assert bits(res.path.x, res.path.holdout) == bits(apart.path.x, apart.path.holdout)
    wanted = [loss(w, X[out], y[out]) for w in res.path.x]
    np.testing.assert_allclose(res.path.holdout, wanted, rtol=1e-13)
    assert bits(res.x) == bits(res.path.x[np.argmin(wanted)])
    assert res.fun == pytest.approx(loss(res.x, X[kept], y[kept]), rel=1e-13)


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


def test_other_seeds_hold_out_other_rows():
    told = [
        tw.minimize(loss, W0, "adam", **(HOW | {"epochs": 0}), holdout=0.1, seed=s, record=True)
        for s in range(3)
    ]
    assert len({r.path.holdout[0] for r in told}) == 3


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


LONG = HOW | {"epochs": 2**40, "learning_rate": 1e-4, "batch_size": 8}


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


@pytest.fixture
def alarm():
    """alarm(s): KeyboardInterrupt in s seconds, as Ctrl-C would; returns when it was due."""

    def ring(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)

    def set_alarm(seconds):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return time.perf_counter() + seconds

    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


MANY = np.random.default_rng(1).normal(size=(500_000, 2))
INTERRUPTED = {
    "small steps": (loss, W0, {"data": (X, y)}),
    "recorded": (loss, W0, {"data": (X, y), "record": True, "holdout": 0.1, "patience": np.inf}),
    "many rows": (lambda w, A: np.mean((A @ w - 1) ** 2), W0[:2], {"data": (MANY,)}),
}


@pytest.mark.parametrize("kind", INTERRUPTED)
def test_interrupt_ends_a_training_within_100_ms(kind, alarm):
    function, x0, how = INTERRUPTED[kind]
    late = []
    for attempt in range(4):  # the best of four: other programs run on this machine
        due = alarm(0.1 * (1 + attempt))
        with pytest.raises(KeyboardInterrupt) as caught:
            tw.minimize(function, x0, "adam", **(LONG | how))
        late.append(time.perf_counter() - due)
        res = caught.value.result
        assert (res.reason, res.status, res.success) == (tw.Reason.interrupted, 99, False)
        assert res.message.startswith("interrupted after ")
        assert np.all(np.isfinite(res.x))
        if late[-1] < 0.1 and res.nit > 0:
            break
    assert min(late) < 0.1, f"{late} s late"
    assert res.nit > 0
    assert np.isfinite(res.fun)


def test_interrupt_comes_through_while_held_out_rows_are_measured(alarm):
    # 1e8 rows, all in the same place: a pass over them takes seconds.
    apart = (np.broadcast_to(X[:1], (10**8, 4)), np.broadcast_to(y[:1], (10**8,)))
    due = alarm(0.2)
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(loss, W0, "adam", **LONG, holdout=apart, record=True)
    assert time.perf_counter() - due < 1.0
    res = caught.value.result
    assert res.reason == tw.Reason.interrupted
    assert bits(res.x, res.path.x) == bits(W0, W0)


def test_interrupt_comes_through_in_the_last_pass(alarm):
    rows = np.broadcast_to(X[:1], (10**8, 4))
    due = alarm(0.2)
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(
            lambda w, X: np.mean((X @ w) ** 2), W0, "adam", learning_rate=0.1, data=rows,
            epochs=0,
        )  # fmt: skip
    assert time.perf_counter() - due < 1.0
    res = caught.value.result
    assert res.reason == tw.Reason.interrupted
    assert bits(res.x) == bits(W0)
    assert np.isnan(res.fun)


def test_interrupted_training_can_be_continued(alarm):
    alarm(0.05)
    with pytest.raises(KeyboardInterrupt) as caught:
        tw.minimize(loss, W0, "adam", **LONG)
    first = caught.value.result
    rest = tw.minimize(loss, W0, "adam", **(LONG | {"epochs": 1}), state=first.state)
    whole = tw.minimize(loss, W0, "adam", **(LONG | {"epochs": first.epochs + 1}))
    assert bits(rest.x, rest.state.memory[0]) == bits(whole.x, whole.state.memory[0])


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


@pytest.mark.parametrize(
    "name", ["batch_size", "epochs", "seed", "holdout", "patience", "drop_last", "average"]
)
def test_minibatches_without_data_are_refused(name):
    with pytest.raises(TypeError, match=f"{name}= is for minibatches: pass data="):
        tw.minimize(loss, W0, "adam", args=(X, y), learning_rate=0.1, **{name: 1})


def test_objective_with_data_is_refused():
    F = tw.objective(lambda w: loss(w, X, y), W0)
    with pytest.raises(TypeError, match="pass the function itself"):
        tw.minimize(F, W0, "adam", **HOW)


def test_loss_for_each_row_is_refused():
    with pytest.raises(ValueError, match=r"a mean over rows, got shape \(32,\)"):
        tw.minimize(lambda w, X, y: (X @ w - y) ** 2, W0, "adam", **HOW)


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
