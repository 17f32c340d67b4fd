# SPDX-License-Identifier: BSD-3-Clause
"""Sums over rows and long vectors whose results are compared with machine code and without.

`python machine_rows.py` prints a line for each, which ends in a digest of all that it returned.
"""

import hashlib

import numpy as np

import thalweg as tw

rng = np.random.default_rng(1)
X, labels = rng.normal(size=(9000, 5)), rng.random(9000) < 0.5
table = rng.normal(size=(9000, 3)).astype(np.float32)
FUNCTIONS = {
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "three points": lambda x: np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2),
    "five points": lambda x: np.sum(
        np.exp(x[4:] - x[3:-1] * x[2:-2] + 0.3 * x[1:-3] * x[:-4])
    ),
    "reversed": lambda x: np.sum((x[::-1] * x + x[::-1] ** 3)[: x.size // 2] * x[::2]),
    "two sums": lambda x: (
        np.sum((x[1:] - x[:-1] ** 2) ** 2) + np.sum(np.cos(x[3:] * x[:-3]) * x[1:-2])
    ),
    "log-sum-exp": lambda x: np.max(x) + np.log(np.sum(np.exp(x - np.max(x)))),
    "extremes": lambda x: np.max(np.abs(x)) + np.min(x) + np.sum(np.maximum(x[1:], x[:-1])),
    "running sums": lambda x: np.sum(np.cumsum(x) ** 2) / x.size,
    "pairs": lambda x: np.sum((x.reshape(-1, 2) @ np.array([[1, 0.3], [0.2, 2]])) ** 4),
    "overlapping": lambda x: np.sum((x.reshape(-1, 4)[1:] - x.reshape(-1, 4)[:-1] ** 2) ** 2),
}  # fmt: skip
LOSSES = {
    "least squares": lambda w: np.mean((X @ w - labels) ** 2),
    "logistic": lambda w: np.mean(np.logaddexp(0, X @ w) - labels * (X @ w)),
    "single precision": lambda w: np.mean(np.tanh(table @ w[:3] - w[3]) ** 2 * w[4]),
    "columns": lambda w: np.sum(np.exp(-(((X[:, 0] - w[0]) / w[1]) ** 2) * (X[:, 1] + w[2]) ** 2)),
}  # fmt: skip


def main() -> None:
    cases = [(f"{name}, {n}", f, rng.uniform(-1, 1, n)) for n in (600, 70_000)
             for name, f in FUNCTIONS.items()]  # fmt: skip
    cases += [(name, f, np.linspace(-0.5, 0.7, 5)) for name, f in LOSSES.items()]
    for name, f, x in cases:
        objective = tw.objective(f, x)
        for _ in range(3):
            value, slope = objective.value_and_grad(x)
        found = hashlib.sha256(np.append(slope, value).tobytes())
        found.update(objective.hvp(x, np.ones(x.size)).tobytes())
        print(f"{name}: {found.hexdigest()[:16]}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
