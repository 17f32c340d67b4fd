# SPDX-License-Identifier: BSD-3-Clause
"""Perceptrons and networks train as well as scikit-learn's (`data/mlp_reference.json`).

The same architecture, law of the first weights, cost, rule, batches, epochs and splits; other
random numbers.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import CASES, SEEDS, Case, columns, split

import thalweg as tw
from thalweg import losses, nn

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "data" / "mlp_reference.json").read_text("utf-8")
)["cases"]  # fmt: skip
ACTIVATIONS = {"logistic": nn.sigmoid, "tanh": nn.tanh, "relu": nn.relu}


def cross_entropy(z, y):
    return losses.softmax_cross_entropy(z, y) if z.shape[1] > 1 else losses.logistic(z, y)


def hinge(z, y):
    return losses.hinge(z, 2 * y - 1)


# Each with the prediction that stands for one half.
COSTS = {
    "cross-entropy": (cross_entropy, 0.0), "squared": (losses.squared, 0.5),
    "poisson": (losses.poisson, np.log(0.5)), "huber": (losses.huber, 0.5), "hinge": (hinge, 0.0),
}  # fmt: skip


def first_weights(case, features, outputs, draw):
    """Uniform weights and biases as in scikit-learn. X. Glorot and Y. Bengio 2010, AISTATS."""
    widths = [features, case.hidden, outputs] if case.hidden else [features, outputs]
    scale = 2.0 if case.activation == "logistic" else 6.0
    x0 = {}
    for layer, (m, n) in enumerate(pairwise(widths), start=1):
        bound = np.sqrt(scale / (m + n))
        x0[f"W{layer}"] = draw.uniform(-bound, bound, (m, n))
        x0[f"b{layer}"] = draw.uniform(-bound, bound, n)
    return x0


def accuracy(case, seed, repeat):
    X, y, X_out, y_out = split(case.data, seed)
    activation = ACTIVATIONS.get(case.activation, lambda z: z)
    cost, middle = COSTS[case.cost]

    def predict(X, W1, b1, W2=None, b2=None):
        return X @ W1 + b1 if W2 is None else activation(X @ W1 + b1) @ W2 + b2

    def mean_cost(X, y, **weights):
        each = cost(predict(X, **weights), y)  # of rows, or of each output
        return np.sum(each) / len(y)

    targets, random = columns(y), seed + 100 * repeat
    res = tw.minimize(
        mean_cost, first_weights(case, X.shape[1], targets.shape[1], np.random.default_rng(random)),
        "adam", learning_rate=case.learning_rate, data=(X, targets), batch_size=case.batch_size,
        epochs=case.epochs, seed=random,
    )  # fmt: skip
    z = predict(X_out, **res.x)
    guess = np.argmax(z, axis=1) if z.shape[1] > 1 else z[:, 0] > middle
    return np.mean(guess == y_out)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_networks_are_as_good_as_those_of_scikit_learn(case):
    (known,) = (r for r in REFERENCE if all(r[k] == v for k, v in case._asdict().items()))
    found = [accuracy(case, seed, repeat) for seed in SEEDS for repeat in case.repeats]
    assert abs(np.mean(found) - known["mean"]) <= known["standard_error"]


@pytest.mark.parametrize("cost", ["huber", "hinge"])
@pytest.mark.parametrize("hidden", [0, 32])
def test_costs_that_scikit_learn_lacks(cost, hidden):
    found = [accuracy(Case("breast_cancer", hidden, "tanh", cost), seed, 0) for seed in SEEDS]
    assert np.mean(found) > 0.93
