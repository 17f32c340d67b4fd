# SPDX-License-Identifier: BSD-3-Clause
"""Optima and gradients of `data/ml_reference.json` come out, by losses and starts of named arrays.

Columns have mean 0 and deviation 1. The reference's optima have gradients below 1e-17, so a
gradient there shows our rounding alone, and a descent is held to what its last gradient allows.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg import losses, nn

DATA = Path(__file__).parents[1] / "data"
REFERENCE = json.loads((DATA / "ml_reference.json").read_text("utf-8"))
TABLES = np.load(DATA / "ml_data.npz")

# Means over rows of terms up to 10, each rounded to 2.2e-16 of itself.
ROUNDING = 1e-15


def table(name):
    """Standardised columns, constant ones 0, and labels."""
    X = TABLES[f"{name}_X"].astype(np.float64)
    deviation = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0), TABLES[f"{name}_y"]


def entry(name):
    (key,) = (k for k in REFERENCE if k.startswith(name))
    return REFERENCE[key]


def flat(point):
    return np.concatenate([np.ravel(p) for p in point.values()])


def heavy_ball(F, x0, least):
    """Half of the best learning rate, and the best momentum, for curvatures from `least` up.

    The largest curvature of these losses is that at 0. B. T. Polyak, 1964.
    """
    low, high = np.sqrt(least), np.sqrt(np.linalg.eigvalsh(F.hessian(x0))[-1])
    return {"learning_rate": 2 / (high + low) ** 2, "momentum": ((high - low) / (high + low)) ** 2}


@pytest.mark.parametrize("name", ["breast_cancer", "iris", "wine", "digits"])
def test_tables_are_those_of_the_reference(name):
    X = TABLES[f"{name}_X"].astype(np.float64)
    (stated,) = {
        e["X_sha256"] for k, e in REFERENCE.items() if k.startswith(name) and "X_sha256" in e
    }
    assert hashlib.sha256(np.ascontiguousarray(X).tobytes()).hexdigest() == stated


# ---- logistic regression -------------------------------------------------------------------------


def logistic_regression(penalty):
    X, y = table("breast_cancer")

    def cost(w, b):
        return np.mean(losses.logistic(X @ w + b, y)) + penalty / 2 * np.sum(w**2)

    x0 = {"w": np.zeros(30), "b": 0.0}
    return tw.objective(cost, x0), x0


@pytest.mark.parametrize("penalty", ["0.01", "0.0001"])
def test_logistic_optimum(penalty):
    known = entry(f"breast_cancer_logistic_lambda_{penalty}")
    F, x0 = logistic_regression(float(penalty))
    assert F(x0) == pytest.approx(known["f0"], abs=ROUNDING)
    value, slope = F.value_and_grad(w=known["params"][:30], b=known["params"][30])
    assert value == pytest.approx(known["f_min"], abs=ROUNDING)
    np.testing.assert_allclose(flat(slope), 0.0, atol=ROUNDING)


@pytest.mark.parametrize(("penalty", "iterations"), [("0.01", 1500), ("0.0001", 10_000)])
def test_descent_reaches_the_logistic_optimum(penalty, iterations):
    known = entry(f"breast_cancer_logistic_lambda_{penalty}")
    F, x0 = logistic_regression(float(penalty))
    how = heavy_ball(F, x0, float(penalty))
    res = tw.minimize(F, x0, "momentum", gtol=1e-12, max_iter=iterations, **how)
    assert res.reason == tw.Reason.gradient_small, res.message
    assert res.fun == pytest.approx(known["f_min"], abs=ROUNDING)
    # A gradient of 1e-12 in each of 31 directions, over a curvature of about the penalty.
    atol = 31**0.5 * 1e-12 / float(penalty) * 1.1
    np.testing.assert_allclose(flat(res.x), known["params"], rtol=0, atol=atol)


# ---- softmax regression --------------------------------------------------------------------------


def softmax_regression(name):
    X, y = table(name)
    classes, features = int(y.max()) + 1, X.shape[1]

    def cost(W, b):
        penalty = 0.005 * (np.sum(W**2) + np.sum(b**2))
        return np.mean(losses.softmax_cross_entropy(X @ W + b, y)) + penalty

    x0 = {"W": np.zeros((features, classes)), "b": np.zeros(classes)}
    return tw.objective(cost, x0), x0


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_softmax_optimum(name):
    known = entry(f"{name}_softmax")
    F, x0 = softmax_regression(name)
    W, b = np.split(np.array(known["params"]), [x0["W"].size])
    value, slope = F.value_and_grad(W=W.reshape(x0["W"].shape), b=b)
    assert value == pytest.approx(known["f_min"], abs=ROUNDING)
    np.testing.assert_allclose(flat(slope), 0.0, atol=ROUNDING)


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_descent_reaches_the_softmax_optimum(name):
    known = entry(f"{name}_softmax")
    F, x0 = softmax_regression(name)
    assert F(x0) == pytest.approx(known["f0"], abs=4 * ROUNDING)  # 1,797 equal terms in digits
    how = heavy_ball(F, x0, 0.01)
    res = tw.minimize(F, x0, "momentum", gtol=1e-10, max_iter=1000, **how)
    assert res.reason == tw.Reason.gradient_small, res.message
    # Above the minimum by at most |gradient|**2 / (2 curvature) = 650 * 1e-20 / 0.02, 3e-16.
    assert res.fun == pytest.approx(known["f_min"], abs=ROUNDING)
    if known["params"] is not None:
        atol = res.x["W"].size ** 0.5 * 1e-10 / 0.01 * 1.1  # as above
        np.testing.assert_allclose(flat(res.x), known["params"], rtol=0, atol=atol)


@pytest.mark.parametrize("kind", ["numbers as args", "one-hot", "one-hot as args"])
def test_labels_of_every_kind_give_one_gradient(kind):
    X, y = table("iris")
    labels = y if kind == "numbers as args" else np.eye(3)[y]

    def cost(p, X, y):
        return np.mean(losses.softmax_cross_entropy(X @ p[:-1] + p[-1], y))

    x0 = np.random.default_rng(0).normal(size=(5, 3))
    wanted = tw.objective(lambda p: cost(p, X, y), x0).grad(x0)
    if kind.endswith("args"):
        F = tw.objective(cost, x0, args=(X, labels))
        np.testing.assert_allclose(F.grad(x0), wanted, atol=ROUNDING)
        # Other rows, as minibatches are: the labels are inputs of what was traced.
        half = tw.objective(cost, x0, args=(X[:75], labels[:75]))
        other = half.with_args((X[75:], labels[75:]))
        np.testing.assert_allclose((half.grad(x0) + other.grad(x0)) / 2, wanted, atol=ROUNDING)
    else:
        F = tw.objective(lambda p: cost(p, X, labels), x0)
        np.testing.assert_allclose(F.grad(x0), wanted, atol=ROUNDING)


# ---- a network -----------------------------------------------------------------------------------

SHAPES = {"W1": (4, 6), "b1": (6,), "W2": (6, 3), "b2": (3,)}


def shaped(vector):
    parts = np.split(np.asarray(vector), np.cumsum([np.prod(s) for s in SHAPES.values()])[:-1])
    return {k: p.reshape(s) for (k, s), p in zip(SHAPES.items(), parts, strict=True)}


def network():
    X, y = table("iris")

    def cost(W1, b1, W2, b2):
        z = nn.tanh(X @ W1 + b1) @ W2 + b2
        penalty = sum(np.sum(p**2) for p in (W1, b1, W2, b2))
        return np.mean(losses.softmax_cross_entropy(z, y)) + 0.0005 * penalty

    return tw.objective(cost, shaped(np.zeros(51)))


def test_gradient_of_a_network():
    known = REFERENCE["iris_mlp_4_6_3_tanh"]
    value, slope = network().value_and_grad(shaped(0.5 * np.sin(np.arange(51) + 1)))
    assert value == pytest.approx(known["value"], abs=ROUNDING)
    np.testing.assert_allclose(flat(slope), known["grad"], rtol=0, atol=ROUNDING)
    assert {k: v.shape for k, v in slope.items()} == SHAPES


@pytest.mark.parametrize("run", REFERENCE["iris_mlp_4_6_3_tanh"][
    "scipy_lbfgsb_from_default_rng_normal_0_05"
][:2], ids=lambda run: f"seed {run['seed']}")  # fmt: skip
def test_network_trains_to_the_best_known_minimum(run):
    # It is not convex: from the other seeds momentum ends in other minima than L-BFGS-B.
    x0 = shaped(np.random.default_rng(run["seed"]).normal(0, 0.5, 51))
    res = tw.minimize(
        network(), x0, "momentum", learning_rate=0.1, momentum=0.99, gtol=1e-7, max_iter=8000
    )
    assert res.success, res.message
    # 51 gradients of 1e-7 over a curvature of the penalty's 0.001, both here and there.
    assert res.fun == pytest.approx(run["f"], abs=51 * 1e-14 / 0.002)


# ---- least squares -------------------------------------------------------------------------------

LINES = json.loads((DATA / "advertising_ols.json").read_text("utf-8"))


@pytest.mark.parametrize("line", LINES)
def test_descent_of_the_courses_cost_reaches_the_exact_answer(line):
    data = np.genfromtxt(DATA / "advertising.csv", delimiter=",", names=True)
    columns = [name.strip() for name in line.split("~")[1].split("+")][1:]
    X = np.stack([data[name] for name in columns], axis=1)
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    Z = (X - mean) / deviation

    def cost(slopes, intercept):
        return np.mean(losses.squared(Z @ slopes + intercept, data["sales"])) / 2

    x0 = {"slopes": np.zeros(len(columns)), "intercept": 0.0}
    res = tw.minimize(cost, x0, "gradient_descent", learning_rate=0.7, gtol=1e-12)
    assert res.success
    slopes = res.x["slopes"] / deviation
    got = [res.x["intercept"] - slopes @ mean, *slopes]
    np.testing.assert_allclose(got, [float(c) for c in LINES[line]["coef"]], rtol=0, atol=1e-10)
    assert 2 * 200 * res.fun == pytest.approx(float(LINES[line]["rss"]), rel=1e-13)
