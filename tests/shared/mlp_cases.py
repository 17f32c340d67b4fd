# SPDX-License-Identifier: BSD-3-Clause
"""Networks that both scikit-learn (data/make_mlp.py) and thalweg (test_mlp.py) train."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

# Seeds of the splits. For each there are several trainings, here and there, so that what random
# first weights and orders add to the difference of two means is small (a third, on digits) beside
# the standard error of five seeds.
SEEDS, REFERENCE_REPEATS = range(5), range(20)
TABLES = np.load(Path(__file__).parents[1] / "data" / "ml_data.npz")


class Case(NamedTuple):
    """A training: data set, width of the hidden layer (0: a perceptron), its activation, cost."""

    data: str
    hidden: int
    activation: str
    cost: str = "cross-entropy"
    batch_size: int = 32
    epochs: int = 30
    learning_rate: float = 0.005

    @property
    def repeats(self):
        return range(4) if self.hidden else range(12)  # perceptrons take less time

    def __str__(self):
        return f"{self.data} {self.hidden} {self.activation} {self.cost}"


_COSTS = ("cross-entropy", "squared", "poisson")  # the last trains no perceptron so soon
CASES = [
    case._replace(data=data, epochs=epochs)
    for data, epochs in {"breast_cancer": 30, "digits": 10}.items()
    for case in [
        *(Case("", 0, "identity", cost) for cost in _COSTS[:2]),
        *(Case("", 32, activation) for activation in ("identity", "logistic", "relu")),
        *(Case("", 32, "tanh", cost) for cost in _COSTS),
    ]
]


def split(data, seed):
    """Standardised columns and labels: three quarters to train on, one quarter held out."""
    X, y = TABLES[f"{data}_X"].astype(np.float64), TABLES[f"{data}_y"].astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(X))
    out, kept = np.split(order, [len(X) // 4])
    mean, deviation = X[kept].mean(axis=0), X[kept].std(axis=0)
    X = (X - mean) / np.where(deviation > 0, deviation, 1.0)
    return X[kept], y[kept], X[out], y[out]


def columns(labels):
    """A column of 0 and 1 for each class, or one for two classes."""
    classes = int(labels.max()) + 1
    return np.eye(classes)[labels] if classes > 2 else labels[:, None].astype(np.float64)
