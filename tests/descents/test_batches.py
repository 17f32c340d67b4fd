# SPDX-License-Identifier: BSD-3-Clause
"""Minibatches: the order of rows, the data and their forms, rows held out, and what is refused."""

import numpy as np
import pytest
from descent_cases import bits
from training_cases import (
    HOW,
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
    random,
    slope,
    y,
)

import thalweg as tw
from thalweg import _core

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


# ---- forms of points and data --------------------------------------------------------------------


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


def test_defaults():
    res = tw.minimize(loss, W0, "adam", learning_rate=0.1, data=(X, y))
    asked = tw.minimize(
        loss, W0, "adam", learning_rate=0.1, data=(X, y), batch_size=ROWS, epochs=10, seed=0
    )
    assert res.nit == res.epochs == 10  # batches of 256 are all rows here
    assert bits(res.x) == bits(asked.x)


# ---- held-out rows -------------------------------------------------------------------------------


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


def test_other_seeds_hold_out_other_rows():
    told = [
        tw.minimize(loss, W0, "adam", **(HOW | {"epochs": 0}), holdout=0.1, seed=s, record=True)
        for s in range(3)
    ]
    assert len({r.path.holdout[0] for r in told}) == 3


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["batch_size", "epochs", "seed", "holdout", "patience", "drop_last", "average"]
)
def test_minibatches_without_data_are_refused(name):
    with pytest.raises(TypeError, match=f"{name}= is for minibatches: pass data="):
        tw.minimize(loss, W0, "adam", args=(X, y), learning_rate=0.1, **{name: 1})


def test_loss_for_each_row_is_refused():
    with pytest.raises(ValueError, match=r"a mean over rows, got shape \(32,\)"):
        tw.minimize(lambda w, X, y: (X @ w - y) ** 2, W0, "adam", **HOW)


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
