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

# Loops that are streams: slices that overlap by less and more than a batch, several sums, results
# that are arrays, arrays that lie where an output will.
STREAMS = {
    "next": lambda x: np.sum(x[1:] * x[:-1]),
    "skipped": lambda x: np.sum(x[3:-2] * np.sin(x[2:-3])),
    "four": lambda x: np.sum(np.exp(x[4:] * x[:-4])) + np.prod(1 + 1e-4 * x[1:]),
    "seven": lambda x: np.sum((x[7:] - x[:-7]) ** 2 * x[5:-2]),
    "eight": lambda x: np.sum(x[8:] * x[4:-4] * x[:-8]) * np.max(x[8:] - x[:-8]),
    "nine": lambda x: np.sum(x[9:] * np.cos(x[:-9])),
    "far": lambda x: np.sum(x[200:] * x[199:-1] * x[:-200]),
    "twice": lambda x: np.sum((x - np.mean(x)) ** 2 * x[0]) + np.sum(x[1:] * x[:-1]) ** 2,
    "rolled": lambda x: np.sum(np.roll(x, 1) * x + np.roll(x, -2) ** 3),
    "softmax": lambda x: np.sum((np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x)))) ** 2),
    "joined": lambda x: np.sum(np.diff(np.concatenate([x[:1], np.tanh(x), x])) ** 2),
}  # fmt: skip
# Around tiles of 4096 rows and chunks of 16 tiles.
LENGTHS = (258, 263, 297, 4095, 4096, 4097, 4101, 4127, 8200, 65_535, 65_536, 65_537, 65_541,
           65_569, 131_080)  # fmt: skip


def point(n: int, kind: str) -> np.ndarray:
    x = rng.uniform(-1, 1, n)
    if kind == "zeros":
        return np.where(rng.random(n) < 0.9, np.copysign(0.0, x), x)
    if kind == "hostile":
        some = rng.random(n) < 0.01
        x[some] = rng.choice([np.nan, np.inf, -np.inf, 1e300, 5e-324, -0.0], some.sum())
    return x


def digest(*arrays: np.ndarray) -> str:
    """Of numbers in which every NaN counts as the same."""
    found = hashlib.sha256()
    for a in arrays:
        found.update(np.where(np.isnan(a), np.nan, a).tobytes())
    return found.hexdigest()[:16]


def main() -> None:
    cases = [(f"{name}, {n}", f, rng.uniform(-1, 1, n)) for n in (600, 70_000)
             for name, f in FUNCTIONS.items()]  # fmt: skip
    cases += [(name, f, np.linspace(-0.5, 0.7, 5)) for name, f in LOSSES.items()]
    for name, f, x in cases:
        objective = tw.objective(f, x)
        for _ in range(3):
            value, slope = objective.value_and_grad(x)
        print(name, digest(slope, value, objective.hvp(x, np.ones(x.size))))  # noqa: T201
    for n in LENGTHS:
        for name, f in STREAMS.items():
            alone, shared = tw.objective(f, np.zeros(n)), tw.objective(f, np.zeros(n), threads=2)
            for kind in ("ordinary", "zeros", "hostile"):
                x = point(n, kind)
                for objective in (alone, shared):
                    found = digest(*objective.value_and_grad(x), objective.hvp(x, point(n, kind)))
                    print(name, n, kind, found)  # noqa: T201
    for n in LENGTHS:  # results that are arrays
        x, v = point(n, "hostile"), point(n, "zeros")
        F = tw.objective(lambda x: np.exp(x[1:] / 2) * x[:-1] - np.sin(x[0]), x)
        print("array", n, digest(F(x), F.jvp(x, v), F.vjp(x, v[1:])))  # noqa: T201


if __name__ == "__main__":
    main()
