# SPDX-License-Identifier: BSD-3-Clause
"""Losses against mpmath: values, slopes, second slopes, plain and traced; and what is refused."""

import itertools
import pickle
import subprocess
import sys
import warnings
from functools import partial

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import thalweg as tw
from thalweg import losses

EPS = 2.0**-52
LOGITS = [sign * z for z in (1e3, 745.5, 40.0, 3.0, 0.7, 1e-3, 1e-9, 0.0) for sign in (-1.0, 1.0)]


def softplus(z):
    return mpmath.log1p(mpmath.exp(z))


def huber(delta):
    """Three smooth pieces; a residual of delta belongs to the middle one."""

    def piece(p, t):
        if abs(p - t) <= delta:
            return lambda z: (z - t) ** 2 / 2
        sign = 1 if p > t else -1
        return lambda z: delta * (sign * (z - t) - mpf(delta) / 2)

    return piece


# name: loss, targets, the smooth piece that holds at a prediction and a target
LOSSES = {
    "squared": (losses.squared, [0.0, -2.5, 1e3], lambda _p, t: lambda z: (z - t) ** 2),
    "huber": (losses.huber, [0.0, -2.5, 1e3], huber(1.0)),
    "huber 0.7": (partial(losses.huber, delta=0.7), [0.0, 0.5], huber(0.7)),
    "logistic": (losses.logistic, [0.0, 1.0], lambda _p, t: lambda z: softplus((1 - 2 * t) * z)),
    "logistic of probabilities": (
        losses.logistic,
        [0.1, 0.5, 0.75],
        lambda _p, t: lambda z: softplus(z) - mpf(t) * z,
    ),
    "hinge": (
        losses.hinge,
        [-1.0, 1.0],
        lambda p, t: (lambda z: 0 * z) if t * p >= 1 else (lambda z: 1 - t * z),
    ),
    "poisson": (losses.poisson, [0.0, 1.0, 3.5, 1e4], lambda _p, t: lambda z: mp.exp(z) - t * z),
    "poisson, full": (
        partial(losses.poisson, full=True),
        [0.0, 1.0, 3.0, 1e4],
        lambda _p, t: lambda z: mp.exp(z) - t * z + mp.loggamma(t + 1),
    ),
}
CORNERS = {"hinge": [-1.0, 1.0], "huber": [1.0, -1.0, -1.5, -3.5], "huber 0.7": [0.7, -0.7]}


def cases(name):
    _, targets, piece = LOSSES[name]
    predictions = LOGITS + CORNERS.get(name, [])
    if name.startswith("poisson"):
        predictions = [z for z in predictions if z < 709]
    pairs = np.array(list(itertools.product(predictions, targets)))
    return pairs[:, 0], pairs[:, 1], piece


def exact(name, order):
    p, t, piece = cases(name)
    with mp.workprec(400):
        return np.array(
            [
                float(mpmath.diff(piece(*at), mpf(at[0]), order))
                for at in zip(p.tolist(), t.tolist(), strict=True)
            ]
        )


def size_of_terms(name):
    """What cancels in a loss is rounded by this much, in epsilons; 0 where nothing cancels."""
    p, t, _ = cases(name)
    if name == "logistic of probabilities":
        return np.abs(p)
    if name.startswith("poisson"):
        return np.exp(p) + np.abs(t * p) + t * np.log1p(t)
    return np.zeros_like(p)


def assert_near(name, got, wanted, epsilons, cancelled):
    p, t, _ = cases(name)
    # exp at 745 multiplies the rounding of its argument; the smallest numbers have few digits.
    tolerance = epsilons * EPS * ((1 + np.abs(p)) * np.abs(wanted) + cancelled) + 1e-305
    wrong = ~(np.abs(got - wanted) <= tolerance)
    assert not wrong.any(), [*zip(p[wrong], t[wrong], got[wrong], wanted[wrong], strict=True)]


@pytest.mark.parametrize("name", LOSSES)
def test_values_are_exact_plain_and_traced(name):
    loss = LOSSES[name][0]
    p, t, _ = cases(name)
    wanted, cancelled = exact(name, 0), size_of_terms(name)
    known = tw.objective(lambda p: loss(p, t), p)
    both = tw.objective(loss, (0.0, 0.0))
    for got in (loss(p, t), known(p), both((p, t))):
        assert_near(name, got, wanted, 8, cancelled)


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_are_exact(name):
    loss = LOSSES[name][0]
    p, t, _ = cases(name)
    wanted, cancelled = exact(name, 1), size_of_terms(name) > 0
    if name.startswith("poisson"):
        cancelled = np.exp(p) + t
    known = tw.objective(lambda p: np.sum(loss(p, t)), p)
    both = tw.objective(loss, (0.0, 0.0))
    for got in (known.grad(p), both.grad((p, t))[0]):
        assert_near(name, got, wanted, 8, cancelled)


@pytest.mark.parametrize("name", LOSSES)
def test_second_slopes_are_exact(name):
    loss = LOSSES[name][0]
    p, t, _ = cases(name)
    F = tw.objective(lambda p: np.sum(loss(p, t)), p)
    got = F.hvp(p, np.ones_like(p))
    assert np.isfinite(got).all()
    smooth = np.abs(np.abs(p - t) - {"huber": 1.0, "huber 0.7": 0.7}.get(name, np.nan)) != 0
    wanted = np.where(smooth, exact(name, 2), got)  # 0, 1 or between at huber's corner
    assert_near(name, got, wanted, 30, 0.0)
    if name.startswith("huber"):
        assert ((got >= 0) & (got <= 1)).all()


def test_huber_does_not_square_a_large_residual():
    with np.errstate(over="raise"):
        assert losses.huber(1e200, 0.0) == 1e200
    F = tw.objective(lambda p: losses.huber(p, 0.0), 0.0)
    assert (F(-1e200), F.grad(-1e200), F.hessian(-1e200)) == (1e200, -1.0, 0.0)


def test_slope_by_the_targets():
    F = tw.objective(losses.logistic, (0.0, 0.0))
    assert F.grad((2.0, 0.3))[1] == -2.0
    assert tw.grad(losses.squared, argnums=1)(3.0, 1.0) == -4.0


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_overflows_and_nan_stays(name):
    loss = LOSSES[name][0]
    p, t, _ = cases(name)
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        assert np.isfinite(loss(p, t)).all()
    assert np.isnan(loss(np.nan, t[0]))
    assert np.isnan(tw.objective(lambda p: loss(p, t[0]), 0.0)(np.nan))


@pytest.mark.parametrize("name", LOSSES)
def test_numbers_lists_integers_and_shapes(name):
    loss, targets, _ = LOSSES[name]
    assert isinstance(loss(0.5, targets[0]), float)
    assert loss([0.5, 1.0], targets[0]).shape == (2,)
    assert loss(0.5, [targets[0], targets[1]]).shape == (2,)  # one prediction for all
    assert loss(np.zeros((3, 2)), targets[:2]).shape == (3, 2)
    assert loss(np.zeros((0,)), np.zeros((0,))).shape == (0,)
    small = np.array([0, 1], dtype=np.uint8)
    if name != "hinge":  # no label of 0
        np.testing.assert_array_equal(loss(small, 1 - small), loss([0.0, 1.0], [1.0, 0.0]))


@pytest.mark.parametrize("name", LOSSES)
def test_columns_against_rows_are_refused(name):
    loss, targets, _ = LOSSES[name]
    column, row = np.zeros((4, 1)), np.full(4, targets[0])
    said = r"must have the shape of the predictions, \(4, 1\), got \(4,\)"
    with pytest.raises(ValueError, match=said):
        loss(column, row)
    with pytest.raises(ValueError, match=said):
        tw.objective(lambda z: np.mean(loss(z, row)), column)
    with pytest.raises(ValueError, match="got"):
        loss(np.zeros(3), np.full(4, targets[0]))


@pytest.mark.parametrize(
    ("loss", "targets", "said"),
    [
        (losses.logistic, [0, 1, -1], r"by \(labels \+ 1\) / 2, got -1.0 at index 2"),
        (losses.logistic, [0, 1, np.nan], r"\[0, 1\].* got nan at index 2"),
        (losses.hinge, [1, 0, -1], r"by 2 \* labels - 1, got 0.0 at index 1"),
        (losses.poisson, [[1, 2, -3]], r"counts must be >= 0, got -3.0 at index \(0, 2\)"),
        (partial(losses.huber, delta=0.0), [1.0, 2.0, 3.0], "delta must be > 0, got 0.0"),
        (partial(losses.huber, delta=np.nan), [1.0, 2.0, 3.0], "delta must be > 0, got nan"),
    ],
)
def test_bad_targets_are_named(loss, targets, said):
    z = np.zeros(np.shape(targets))
    with pytest.raises(ValueError, match=said):
        loss(z, targets)
    with pytest.raises(ValueError, match=said):
        tw.objective(lambda z: np.mean(loss(z, targets)), z)


@pytest.mark.parametrize(
    ("loss", "wrong"),
    [(losses.logistic, -1.0), (losses.hinge, 0.0), (losses.poisson, -1.0)],
)
def test_one_bad_target_for_all_is_named(loss, wrong):
    with pytest.raises(ValueError, match=f"got {wrong}$"):
        loss([1.0, 2.0], wrong)
    with pytest.raises(ValueError, match=f"got {wrong}$"):
        loss(1.0, wrong)


def test_known_labels_cost_one_term():
    # Labels of 0 and 1 leave nothing linear to add; probabilities do.
    z = np.zeros(20)
    hard = tw.objective(lambda z: losses.logistic(z, np.ones(20)), z)
    soft = tw.objective(lambda z: losses.logistic(z, np.full(20, 0.9)), z)
    assert len(str(hard.tape).splitlines()) < len(str(soft.tape).splitlines())


# ---- softmax -------------------------------------------------------------------------------------

ROWS = np.array(
    [
        [0.0, 0.0, 0.0],
        [1.0, 2.0, 3.0],
        [1e3, 0.0, -1e3],
        [1e3, 1e3, 1e3 - 1],
        [-1e3, -1e3, -1e3 + 0.3],
        [1e-9, -1e-9, 0.0],
        [-745.5, 0.5, 40.0],
        [1e15, 1e15 - 3, 0.0],
    ]
)
SHARES = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.25, 0.25, 0.5]] * 2)


def log_softmax(row):
    top = max(row)
    total = mpmath.log(mpmath.fsum(mpmath.exp(z - top) for z in row)) + top
    return [z - total for z in row]


def softmax_loss(row, shares):
    """Value, slopes and the product of the Hessian with v_j = j + 1, exactly."""
    with mp.workprec(5000):  # exp(-2000) beside 1
        row, shares = [mpf(z) for z in row], [mpf(s) for s in shares]
        logs = log_softmax(row)
        p = [mpmath.exp(v) for v in logs]
        mean = sum((j + 1) * pj for j, pj in enumerate(p))
        total = sum(shares)
        return (
            float(-sum(s * v for s, v in zip(shares, logs, strict=True) if s)),
            [float(total * pj - s) for pj, s in zip(p, shares, strict=True)],
            [float(total * pj * (j + 1 - mean)) for j, pj in enumerate(p)],
        )


KINDS = ["numbers", "traced numbers", "probabilities", "traced probabilities"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_softmax_is_exact(kind, label):
    numbers = np.full(len(ROWS), label, dtype=np.int64)
    shares = np.roll(SHARES, label, axis=1) if "probabilities" in kind else np.eye(3)[numbers]
    labels = shares if "probabilities" in kind else numbers
    value, slope, product = (
        np.array(v) for v in zip(*map(softmax_loss, ROWS, shares), strict=True)
    )
    weights = np.linspace(1, 2, len(ROWS))

    def loss(z, y):
        return np.sum(weights * tw.losses.softmax_cross_entropy(z, y))

    if kind.startswith("traced"):
        F = tw.objective(loss, ROWS, args=(labels,))
        rows = tw.objective(losses.softmax_cross_entropy, ROWS, args=(labels,))
    else:
        F = tw.objective(lambda z: loss(z, labels), ROWS)
        rows = tw.objective(lambda z: losses.softmax_cross_entropy(z, labels), ROWS)
    # Differences of logits are rounded, and log(1 + small) is; both to the last place.
    for got in (losses.softmax_cross_entropy(ROWS, labels), rows(ROWS)):
        np.testing.assert_allclose(got, value, rtol=8 * EPS, atol=4 * EPS)
    weights_column = weights[:, None]
    np.testing.assert_allclose(F.grad(ROWS), weights_column * slope, rtol=0, atol=16 * EPS)
    v = np.broadcast_to(np.arange(1.0, 4.0), ROWS.shape)
    np.testing.assert_allclose(F.hvp(ROWS, v), weights_column * product, rtol=0, atol=64 * EPS)


def test_small_softmax_slopes_keep_their_digits():
    F = tw.objective(lambda z: losses.softmax_cross_entropy(z, 1), [0.0, 0.0, 0.0])
    slope = F.grad([-700.0, 0.0, -40.0])
    # Differences of logits are exact here: exp's 2 ulp, and two more operations.
    np.testing.assert_allclose(slope[[0, 2]], np.exp([-700.0, -40.0]), rtol=8 * EPS)


def test_softmax_of_one_row_and_of_many_axes():
    z = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    y = np.random.default_rng(1).integers(0, 5, (2, 3, 4))
    many = losses.softmax_cross_entropy(z, y)
    assert many.shape == (2, 3, 4)
    one = losses.softmax_cross_entropy(z[1, 2, 3], y[1, 2, 3])
    assert isinstance(one, float)
    assert one == pytest.approx(many[1, 2, 3], rel=1e-15)
    F = tw.objective(lambda z: losses.softmax_cross_entropy(z, y), z)
    np.testing.assert_allclose(F(z), many, rtol=1e-14)


def test_softmax_of_two_classes_is_logistic():
    z, y = np.linspace(-30, 30, 61), np.arange(61) % 2
    two = losses.softmax_cross_entropy(np.stack([np.zeros(61), z], axis=1), y)
    np.testing.assert_allclose(two, losses.logistic(z, y), rtol=8 * EPS, atol=EPS)


@pytest.mark.parametrize("kind", ["list", "float", "uint8"])
def test_class_numbers_of_any_type(kind):
    z, y = ROWS[:4], np.array([0, 2, 1, 0])
    other = y.tolist() if kind == "list" else y.astype(kind)
    got = losses.softmax_cross_entropy(z, other)
    np.testing.assert_array_equal(got, losses.softmax_cross_entropy(z, y))
    assert tw.objective(lambda z: np.sum(losses.softmax_cross_entropy(z, other)), z)(z) > 0


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 3], "whole numbers from 0 to 2, got 3.0 at index 2"),
        ([0, -1, 2], "whole numbers from 0 to 2, got -1.0 at index 1"),
        ([0.5, 1, 2], "whole numbers from 0 to 2, got 0.5 at index 0"),
        (np.eye(3) * 2, "must sum to 1, got 2.0 at index 0"),
        ([[1, 0, 0], [0, 1, 0], [1.5, -0.5, 0]], r">= 0, got -0.5 at index \(2, 1\)"),
        ([0, 1], r"got logits \(3, 3\) and labels \(2,\)"),
        (np.zeros((3, 1)), r"got logits \(3, 3\) and labels \(3, 1\)"),
    ],
)
def test_bad_classes_are_named(labels, said):
    z = np.zeros((3, 3))
    with pytest.raises(ValueError, match=said):
        losses.softmax_cross_entropy(z, labels)
    with pytest.raises(ValueError, match=said):
        tw.objective(lambda z: np.mean(losses.softmax_cross_entropy(z, labels)), z)


def test_softmax_of_a_number_is_refused():
    with pytest.raises(ValueError, match="classes"):
        losses.softmax_cross_entropy(1.0, 0)


def test_tape_of_softmax_reads_a_number_a_row():
    z, y = np.zeros((1000, 10)), np.arange(1000) % 10
    F = tw.objective(lambda z: np.mean(losses.softmax_cross_entropy(z, y)), z)
    # x0, the labels and little else: not their table of shape (1000, 10)
    assert len(pickle.dumps(F)) < z.nbytes + 2 * y.nbytes
    assert "max" in str(F.tape)
    assert str(F.tape).count("= equal(") <= 1  # the maximum's own slope would ask for another


def test_importing_thalweg_leaves_losses_alone():
    code = (
        "import sys, thalweg as tw\n"
        "assert not {'thalweg.losses', 'thalweg.nn'} & set(sys.modules)\n"
        "assert tw.losses.squared(3.0, 1.0) == 4.0 and tw.nn.relu(-1.0) == 0.0\n"
        "assert not hasattr(tw, 'loses')\n"
        "assert 'scipy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
