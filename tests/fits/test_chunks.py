# SPDX-License-Identifier: BSD-3-Clause
"""Rows of arrays in any storage, read and written in chunks, with bounded memory."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from fit_cases import P0, T, decay, decays, same_bits

import thalweg as tw
from thalweg._fits import chunks, reading
from thalweg._fits.chunks import LeadingRows
from thalweg._fits.verdicts import fields_of


def test_any_storage_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.FitReader, "most", 64)
    _, y = decays(160)
    y = y.astype(np.float32).astype(np.float64).reshape(10, 16, 20)
    whole = tw.curve_fit_many(decay, T, y, P0)
    stack = np.ascontiguousarray(np.moveaxis(y, -1, 0))
    same_bits(whole, tw.curve_fit_many(decay, T, np.moveaxis(stack, 0, -1), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.astype(np.float32), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.astype(">f8"), P0))
    wide = np.zeros((20, 32, 40))
    wide[::2, ::2, ::2] = y
    same_bits(whole, tw.curve_fit_many(decay, T, wide[::2, ::2, ::2], P0))
    same_bits(whole, tw.curve_fit_many(decay, T, np.asfortranarray(y), P0))
    same_bits(whole, tw.curve_fit_many(decay, T, y.tolist(), P0))
    file = np.memmap(tmp_path / "y", np.float32, "w+", shape=stack.shape)
    file[:] = stack
    same_bits(whole, tw.curve_fit_many(decay, T, np.moveaxis(file, 0, -1), P0))
    whole = tw.curve_fit_many(decay, T, np.round(100 * y), P0)
    same_bits(whole, tw.curve_fit_many(decay, T, np.round(100 * y).astype(np.int16), P0))


def test_memory_stays_bounded_whatever_the_number_of_fits(tmp_path, monkeypatch):
    """120,000 fits read from a file and written to one; 2 MB of doubles at a time are enough."""
    monkeypatch.setattr(chunks, "CHUNK", 2e6)
    k = 120_000
    y = np.memmap(tmp_path / "y", np.float32, "w+", shape=(T.size, 400, 300))
    rng = np.random.default_rng(0)
    for i, t in enumerate(T):
        y[i] = 2.5 * np.exp(-t / 1.2) + 0.3 + 0.02 * rng.standard_normal((400, 300))
    out = {
        name: np.memmap(tmp_path / name, kind, "w+", shape=(400, 300, *own))
        for name, (own, kind) in fields_of(3).items()
    }
    tracemalloc.start()
    try:
        fits = tw.curve_fit_many(decay, T, np.moveaxis(y, 0, -1), P0, out=out, threads=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 19 MB in double, and 19 MB of answers. Both sides of what ended each fit stay: 1.9 MB.
    assert peak < 9e6
    assert fits.success.all()
    assert k == fits.size
    some = tw.curve_fit_many(decay, T, np.ascontiguousarray(y[:, 7, 11]), P0)
    np.testing.assert_array_equal(some.popt, fits.popt[7, 11])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and limits are POSIX's")
def test_fits_run_within_a_limit_of_memory(tmp_path):
    """A process that may take 100 MB more fits 1.2 million decays: 192 MB of data in double, and
    as much of answers.
    """
    code = f"""
import resource, numpy as np, thalweg as tw
from thalweg._fits.verdicts import fields_of
k, x = 1_200_000, np.linspace(0, 5, 20)
def f(x, a, b, c):
    return a * np.exp(-x / b) + c
def made(name, kind, shape):
    return np.lib.format.open_memmap(rf"{tmp_path}/{{name}}.npy", "w+", kind, shape)
y = made("y", np.float32, (k, 20))
for i in range(0, k, 100_000):
    y[i : i + 100_000] = f(x, 2.5, 1.2, 0.3)
out = {{name: made(name, kind, (k, *own)) for name, (own, kind) in fields_of(3).items()}}
tw.curve_fit_many(f, x, y[:100], [2.0, 1.0, 0.0])
(now,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, ((int(now) << 10) + 100_000_000,) * 2)
tw.curve_fit_many(f, x, y, [2.0, 1.0, 0.0], out=out, threads=1)
for i in range(0, k, 100_000):
    assert out["success"][i : i + 100_000].all()
    assert (abs(out["popt"][i : i + 100_000] - [2.5, 1.2, 0.3]) < 1e-5).all()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


# ---- rows of an array ----------------------------------------------------------------------------

CUBE = np.arange(24.0).reshape(2, 3, 4)


def test_a_chunk_holds_so_many_doubles(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 800.0)
    assert chunks.rows_in_chunk(10) == 10
    assert chunks.rows_in_chunk(33) == 3
    assert chunks.rows_in_chunk(10**9) == 1


def test_rows_are_those_of_the_leading_axes():
    rows = LeadingRows(CUBE, (2, 3))
    assert rows.own == (4,)
    assert rows.read(2, 5).tolist() == CUBE.reshape(6, 4)[2:5].tolist()
    assert LeadingRows(CUBE, (2,)).own == (3, 4)
    alone = LeadingRows(CUBE[0, 0], ())
    assert alone.own == (4,)
    assert alone.read(0, 1).tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert LeadingRows(CUBE[..., 0], (2, 3)).own == ()
    assert LeadingRows(CUBE[..., 0], (2, 3)).read(4, 6).tolist() == [16.0, 20.0]


def test_rows_in_order_are_not_copied():
    assert np.shares_memory(LeadingRows(CUBE, (2, 3)).read(1, 4), CUBE)
    assert not np.shares_memory(LeadingRows(CUBE.astype("f4"), (2, 3)).read(1, 4), CUBE)


STORED = {
    "turned": lambda a: np.ascontiguousarray(np.moveaxis(a, -1, 0)).transpose(1, 2, 0),
    "column-major": np.asfortranarray,
    "every second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=2)[::2, :, ::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "swapped leading axes": lambda a: np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
    "float32": lambda a: a.astype(np.float32),
    "other byte order": lambda a: a.astype(">f8"),
    "integers": lambda a: a.astype(np.int16),
}  # fmt: skip


@pytest.mark.parametrize("kind", STORED)
def test_rows_are_read_and_written_in_any_storage(kind):
    array = STORED[kind](CUBE)
    rows = LeadingRows(array, (2, 3))
    for a, b in ((0, 6), (1, 4), (5, 6), (3, 3)):
        got = rows.read(a, b)
        assert got.dtype == np.float64
        assert got.flags.c_contiguous
        assert got.tolist() == CUBE.reshape(6, 4)[a:b].tolist()
    rows.write(2, 5, -CUBE.reshape(6, 4)[2:5])
    expected = CUBE.reshape(6, 4).copy()
    expected[2:5] *= -1
    np.testing.assert_array_equal(np.asarray(array).reshape(6, 4), expected)


def test_masked_elements_are_read_as_nan():
    masked = np.ma.array(CUBE.astype(int), mask=CUBE == 7)
    got = LeadingRows(masked, (2, 3)).read(1, 2)
    np.testing.assert_array_equal(got, [[4.0, 5.0, 6.0, np.nan]])
    np.testing.assert_array_equal(chunks.filled(np.ma.array([1, 2], mask=[0, 1])), [1.0, np.nan])


def test_broadcast_rows_are_read():
    same = np.broadcast_to(CUBE[0, 0], (5, 7, 4))
    assert LeadingRows(same, (5, 7)).read(34, 35).tolist() == [[0.0, 1.0, 2.0, 3.0]]


def test_nothing_has_no_rows():
    assert LeadingRows(np.empty((0, 3, 4)), (0, 3)).read(0, 0).shape == (0, 4)


def test_numbers_are_not_copied_and_others_are_refused():
    assert chunks.as_numbers(CUBE, "ydata") is CUBE
    masked = np.ma.array(CUBE, mask=CUBE > 3)
    assert chunks.as_numbers(masked, "ydata") is masked
    with pytest.raises(TypeError, match="ydata must be real, got complex128"):
        chunks.as_numbers(CUBE + 1j, "ydata")
    with pytest.raises(TypeError, match="ydata must be numbers"):
        chunks.as_numbers(np.ma.array(["a"], mask=[False]), "ydata")


def test_dask_arrays_are_computed_unless_they_differ_between_fits():
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    own, shared = da.ones((2, 3)), da.zeros(3)
    kept, computed = chunks.at_hand((own, shared), (2, 3))
    assert kept is own
    assert isinstance(computed, np.ndarray)
    assert isinstance(chunks.at_hand(own), np.ndarray)
    assert chunks.numbers_or_lazy(own, "x") is own
    with pytest.raises(TypeError, match="x must be numbers"):
        chunks.numbers_or_lazy(da.from_array(np.array(["a"])), "x")
    with pytest.raises(ValueError, match="x must have a known shape"):
        chunks.numbers_or_lazy(shared[shared > 0], "x")
