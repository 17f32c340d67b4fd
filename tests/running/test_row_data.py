# SPDX-License-Identifier: BSD-3-Clause
"""Data of long arrays, referenced as it lies: any kind of number, any order, files too.

Whatever it is, the bits are those of `data.astype(float)`, and there is never a copy in double.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import thalweg as tw

Floats = np.ndarray[Any, np.dtype[np.float64]]
Loss = Callable[[Any], Any]

TYPES = ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]
N = 2 * 4096 + 77  # two tiles, whole blocks and the rest of one


def numbers(rows: int, columns: int, kind: str) -> np.ndarray[Any, Any]:
    """Numbers of a kind, those of 8 bytes with digits that float64 drops."""
    rng = np.random.default_rng(rows + columns)
    if kind == "?":
        return rng.random((rows, columns)) < 0.5
    if kind[0] == "f":
        return rng.standard_normal((rows, columns)).astype(kind)
    most = {"8": 2**60, "4": 2**31 - 1, "2": 2**15 - 1, "1": 2**7 - 1}[kind[1]]
    least = -most if kind[0] == "i" else 0
    return rng.integers(least, most, (rows, columns), endpoint=True).astype(kind)


def in_record(a: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A field of packed records: rows 3 bytes further apart than they are wide, not aligned."""
    record = np.zeros(len(a), np.dtype([("label", "S3"), ("x", a.dtype, a.shape[1:])]))
    record["x"] = a
    return record["x"]


ORDERS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, 0)[::2],
    "every third column": lambda a: np.repeat(a, 3, 1)[:, ::3],
    "backwards": lambda a: a[::-1, ::-1],
    "columns of a table": lambda a: np.hstack([a, a])[:, 3 : 3 + a.shape[1]],
    "rows of a Fortran table": lambda a: np.asfortranarray(np.repeat(a, 2, 0))[::2],
    "records": in_record,
    "one row": lambda a: np.broadcast_to(a[0], a.shape),
}


def losses(X: Any, y: Any) -> dict[str, Loss]:
    """Rows in products, in operations, in sums and by single columns."""
    scale = 1 / np.max(np.abs(y.astype(float)))
    return {
        "least squares": lambda w: np.mean((X @ w * scale - y * scale) ** 2),
        "logistic": lambda w: np.mean(np.logaddexp(0.0, X @ w * scale * np.sign(w[0] * y))),
        "rows alone": lambda w: np.sum(np.tanh(X * w * scale) * y[:, None] * scale),
        "columns alone": lambda w: np.sum(np.cos(X[:, 0] * w[0] * scale) * X[:, -1] * scale),
        "left of a product": lambda w: np.sum((w @ X.T * scale) ** 2),
        "Gram's matrix": lambda w: np.sum((X.T @ (X * w) * scale**2) ** 2),
    }


def everything(f: Loss, w: Floats) -> list[bytes]:
    """The bits of value, gradient and a product with the Hessian."""
    F = tw.objective(f, w)
    value, gradient = F.value_and_grad(w)
    return [np.asarray(a).tobytes() for a in (value, gradient, F.hvp(w, np.cos(w)))]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", TYPES)
def test_bits_are_those_of_the_data_as_doubles(kind: str, order: str) -> None:
    X = ORDERS[order](numbers(N, 11, kind))
    y = ORDERS[order](numbers(N, 2, kind))[:, 0]
    w = np.linspace(-0.9, 1.1, 11)
    exact = losses(X.astype(float), y.astype(float))
    for name, f in losses(X, y).items():
        assert everything(f, w) == everything(exact[name], w), name


@pytest.mark.parametrize("width", [1, 3, 8, 9, 64, 257])
@pytest.mark.parametrize("rows", [256, 257, 4096, 4160])
def test_rows_of_every_width_and_number(rows: int, width: int) -> None:
    X, y = numbers(rows, width, "f4"), numbers(rows, 1, "i2")[:, 0]
    w = np.linspace(-0.5, 0.7, width)
    exact = losses(X.astype(float), y.astype(float))
    for name, f in losses(X, y).items():
        assert everything(f, w) == everything(exact[name], w), name


def test_every_half_is_the_number_that_numpy_reads() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    slope = tw.objective(lambda x: np.sum(x * halves), np.zeros(2**16)).grad(np.zeros(2**16))
    assert np.array_equal(slope, halves.astype(float), equal_nan=True)
    finite = np.isfinite(halves)
    assert np.array_equal(np.signbit(slope[finite]), np.signbit(halves[finite]))


def test_long_integers_round_as_in_numpy() -> None:
    # Ties and their neighbours, where float64 has only even integers, and the very largest.
    near = 2**53 + np.arange(-150, 150)
    for integers in (near, -near, (2**64 - 1 - np.arange(300, dtype=np.uint64) * 1000)):
        x = np.zeros(300)
        slope = tw.objective(lambda x, c=integers: np.sum(x * c), x).grad(x)
        assert np.array_equal(slope, integers.astype(float))


# ---- what is not taken row by row ----------------------------------------------------------------

COUNT = np.arange(2640.0)[:, None] / 2640

# X itself meets traced values only: NumPy would reckon in its own type.
WHOLE: dict[str, Callable[[Any], Loss]] = {
    "running sums": lambda X: lambda w: np.sum(np.cumsum(X * w, axis=0) ** 2),
    "as wide as long": lambda X: lambda w: np.sum(np.tanh((X * w) @ X.T)),
    "the same in every row": lambda X: lambda w: np.sum(np.tanh(COUNT * w[0] * X[:, 0])),
    "three axes": lambda X: lambda w: np.sum(np.einsum("abc,c->ab", X.reshape(-1, 5, 11), w) ** 2),
    "three axes in no order": lambda X: (
        lambda w: np.sum(np.tanh(X.reshape(-1, 330, 11).swapaxes(0, 1) @ w))
    ),
    "laid beside others": lambda X: lambda w: np.sum(np.concatenate([X[:, 0], X @ w, w]) ** 3),
    "picked": lambda X: lambda w: np.sum((X @ w)[::3] * X[::3, 1]) + np.sum((X @ w)[[3, 9]]),
    "repeated": lambda X: lambda w: np.sum((np.outer(X[:, 0], w) - X) ** 2),
    "chosen by a branch": lambda X: lambda w: np.sum(w) + np.sum(np.where(w[0] > 0, 0.0, X)),
}


@pytest.mark.parametrize("order", ["C", "F", "every third column", "backwards"])
@pytest.mark.parametrize("kind", ["f4", "i2", "?", "f8"])
@pytest.mark.parametrize("name", WHOLE)
def test_what_is_made_whole_reads_converted_data(name: str, kind: str, order: str) -> None:
    X = ORDERS[order](numbers(660, 11, kind))
    w = np.linspace(-0.9, 1.1, 11)

    assert everything(WHOLE[name](X), w) == everything(WHOLE[name](X.astype(float)), w)


def test_jacobians_read_typed_data() -> None:
    X = numbers(700, 5, "f4")
    w = np.linspace(-1, 1, 5)
    J = tw.jacobian(lambda w: np.sin(X @ w))(w)
    assert np.array_equal(J, tw.jacobian(lambda w: np.sin(X.astype(float) @ w))(w))
    H = tw.hessian(lambda w: np.sum(np.sin(X @ w)))(w)
    assert np.array_equal(H, tw.hessian(lambda w: np.sum(np.sin(X.astype(float) @ w)))(w))


def test_many_starts_read_typed_data() -> None:
    X, y = numbers(5000, 4, "f4"), numbers(5000, 1, "i1")[:, 0]
    how: Any = {"method": "adam", "learning_rate": 0.1, "max_iter": 20}
    starts = np.random.default_rng(0).standard_normal((5, 4))
    for x0 in starts:
        a = tw.minimize(lambda w: np.mean((X @ w - y) ** 2), x0, **how)
        b = tw.minimize(lambda w: np.mean((X.astype(float) @ w - y.astype(float)) ** 2), x0, **how)
        assert np.array_equal(a.x, b.x)


def test_a_row_outside_the_domain_is_told() -> None:
    X = np.ones((5000, 4), np.float32)
    X[4321, 2] = -7
    res = tw.minimize(lambda w: np.mean(np.sqrt(X @ w)), np.ones(4), "adam", learning_rate=0.1)
    assert res.reason == tw.Reason.left_domain
    assert "sqrt(-4) = nan" in res.message


# ---- threads, pickles, lifetimes -----------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F", "records"])
def test_threads_give_the_same_bits_over_typed_data(order: str) -> None:
    X, y = ORDERS[order](numbers(200_000, 3, "f4")), numbers(200_000, 1, "u1")[:, 0]
    w = np.linspace(-1, 1, 3)

    def bits(threads: int) -> list[bytes]:
        F = tw.objective(lambda w: np.mean((X @ w - y) ** 2), w, threads=threads)
        return [np.asarray(a).tobytes() for a in F.value_and_grad(w)]

    assert bits(2) == bits(1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["f4", "f2", "i8", "?"])
def test_pickles_keep_the_numbers_as_they_are(kind: str, order: str) -> None:
    X = ORDERS[order](numbers(1000, 11, kind))
    y = numbers(1000, 1, "f4")[:, 0]
    w = np.linspace(-0.9, 1.1, 11)
    F = tw.objective(losses(X, y)["least squares"], w)
    text = pickle.dumps(F)
    most = 1000 * 11 * X.dtype.itemsize + 1000 * 4 + 8000
    assert len(text) < most  # nothing was widened to double
    G = pickle.loads(text)
    a, b = F.value_and_grad(w), G.value_and_grad(w)
    assert a[0] == b[0]
    assert np.array_equal(a[1], b[1])


def test_data_is_seen_as_it_is_when_it_is_read() -> None:
    X = numbers(1000, 3, "f4")
    F = tw.objective(lambda w: np.sum(X @ w), np.ones(3))
    before = F(np.ones(3))
    X *= 2  # exact: every sum doubles
    assert F(np.ones(3)) == 2 * before


def test_typed_data_lives_as_long_as_its_objective() -> None:
    def build() -> Any:
        X = numbers(3000, 9, "f4")
        return tw.objective(lambda w: np.sum((X @ w) ** 2), np.ones(9))

    F = build()
    value = F(np.ones(9))
    rubbish = [np.full((3000, 9), np.nan, np.float32) for _ in range(20)]
    assert F(np.ones(9)) == value
    assert np.isnan(rubbish[0]).all()


# ---- memory --------------------------------------------------------------------------------------

GROWTH = """
import sys, tempfile
import numpy as np, thalweg as tw

def peak():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024

n, k, order, kind = 1_600_000, 32, *sys.argv[1:]
if order == "memmap":
    file = tempfile.TemporaryFile()
    file.truncate(n * k * np.dtype(kind).itemsize)
    X = np.memmap(file, kind, "r+", shape=(n, k))
    X[:] = 1
elif order == "strided":
    X = np.ones((n, 2 * k), kind)[:, ::2]
else:
    X = np.ones((n, k), kind, order)
y = np.ones(n, kind)[::-1]
def loss(w): return np.mean((X @ w - y) ** 2)
w = np.ones(k)
small = X[:300]
tw.objective(lambda w: np.sum((small @ w - y[:300]) ** 2), w).value_and_grad(w)
before = peak()
F = tw.objective(loss, w)
value, gradient = F.value_and_grad(w)
np.testing.assert_allclose([value, *gradient], [31**2] + k * [62], rtol=1e-12)
tw.minimize(F, w, "momentum", learning_rate=1e-9, max_iter=1)
print(peak() - before)
"""


@pytest.mark.skipif(not os.access("/proc/self/status", os.R_OK), reason="needs /proc")
@pytest.mark.parametrize(
    ("order", "kind"),
    [("C", "float32"), ("F", "float32"), ("strided", "float32"), ("memmap", "float32"),
     ("C", "int8"), ("strided", "float64")],
)  # fmt: skip
def test_two_hundred_megabytes_are_not_copied(order: str, kind: str) -> None:
    command = [sys.executable, "-c", GROWTH, order, kind]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(run.stdout) < 32  # MB: doubles would be 410


LARGER = """
import resource, sys
import numpy as np, thalweg as tw

limit = 400 << 20  # of memory that is no file's
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
n, k = 2_500_000, 64
X = np.memmap(sys.argv[1], "float32", "r", shape=(n, k))  # 640 MB
try:
    X.astype(float)
except MemoryError:
    pass
else:
    raise AssertionError("the limit is none")
w = np.ones(k)
value, gradient = tw.objective(lambda w: np.sum((X @ w + 1) ** 2), w).value_and_grad(w)
assert value == n and (gradient == 0).all(), (value, gradient)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory that is no file's")
def test_a_file_larger_than_memory_is_summed_over(tmp_path: Any) -> None:
    path = tmp_path / "rows"
    with path.open("wb") as f:
        f.truncate(2_500_000 * 64 * 4)  # zeros that take no room on the disk
    run = subprocess.run([sys.executable, "-c", LARGER, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
