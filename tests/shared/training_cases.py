# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of trainings share: a logistic loss, its data, and plain NumPy loops."""

import numpy as np

from thalweg import _core

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


HOW = {"data": (X, y), "batch_size": 32, "epochs": 5, "learning_rate": 0.1}


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


def parted(share, seed=0):
    count = round(share * ROWS)
    order = _core.permutation(seed, 0, ROWS)
    return np.sort(order[count:]), np.sort(order[:count])


LONG = HOW | {"epochs": 2**40, "learning_rate": 1e-4, "batch_size": 8}
