# SPDX-License-Identifier: BSD-3-Clause
"""Fits of Dask arrays: the bits of the call without Dask, one task a chunk, also on a cluster."""

import os
import signal

import numpy as np
import pytest
from distributed_cases import P0, K, T, Y, assert_same, decay

import thalweg as tw

da = pytest.importorskip("dask.array", reason="Dask is not installed")

WANTED = tw.curve_fit_many(decay, T, Y, P0)
SOME = 300


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
@pytest.mark.parametrize("chunk", [1000, K])
def test_results_have_the_bits_of_the_call_without_dask(chunk, scheduler):
    lazy = tw.curve_fit_many(decay, T, da.from_array(Y, chunks=(chunk, T.size)), P0)
    assert_same(lazy.compute(scheduler=scheduler), WANTED)


def test_chunks_of_seven_have_the_same_bits():
    lazy = tw.curve_fit_many(decay, T, da.from_array(Y[:SOME], chunks=(7, T.size)), P0)
    assert_same(lazy.compute(scheduler="threads"), WANTED[:SOME])


def test_there_is_one_fit_task_a_chunk_and_nothing_runs_before():
    ran = []

    def block(y):
        ran.append(len(y))
        return y

    data = da.from_array(Y, chunks=(1000, T.size)).map_blocks(block, meta=np.empty((0, 0)))
    lazy = tw.curve_fit_many(decay, T, data, P0)
    assert ran == []
    tasks = [key for key in dict(lazy.__dask_graph__()) if "curve_fit_many" in str(key)]
    assert len(tasks) == 3
    lazy.compute(scheduler="sync")
    assert sorted(ran) == [100, 1000, 1000]


def test_several_leading_axes_and_single_fits():
    cube = Y[:60].reshape(5, 12, -1)
    lazy = tw.curve_fit_many(decay, T, da.from_array(cube, chunks=(2, 5, -1)), P0)
    wanted = tw.curve_fit_many(decay, T, cube, P0)
    assert lazy.pcov.chunks == ((2, 2, 1), (5, 5, 2), (3,), (3,))
    assert_same(lazy.compute(scheduler="sync"), wanted)
    one = tw.curve_fit_many(decay, T, da.from_array(Y[0]), P0).compute(scheduler="sync")
    assert_same(one, tw.curve_fit_many(decay, T, Y[0], P0))


def test_no_fits_at_all():
    lazy = tw.curve_fit_many(decay, T, da.zeros((0, T.size)), P0)
    assert lazy.compute(scheduler="sync").popt.shape == (0, 3)


def test_masked_and_integer_data():
    whole = np.round(100 * np.nan_to_num(Y[:40])).astype(np.int32)
    lazy = tw.curve_fit_many(decay, T, da.from_array(whole, chunks=(9, -1)), P0)
    assert_same(lazy.compute(scheduler="sync"), tw.curve_fit_many(decay, T, whole, P0))
    masked = np.ma.masked_less(Y[:40], 0.3)
    lazy = tw.curve_fit_many(decay, T, da.from_array(masked, chunks=(9, -1)), P0)
    assert_same(lazy.compute(scheduler="sync"), tw.curve_fit_many(decay, T, masked, P0))


def test_a_kept_model_takes_them_too():
    model = tw.model(decay, T, P0)
    lazy = model.fit_many(da.from_array(Y, chunks=(1000, -1)))
    assert_same(lazy.compute(scheduler="threads"), model.fit_many(Y))


@pytest.mark.parametrize("word", ["out", "resume", "shared", "progress"])
def test_what_cannot_be_used_is_named(word):
    value = {"out": {"popt": np.empty((K, 3))}, "shared": "c"}.get(word, True)
    with pytest.raises(ValueError, match=f"{word}= cannot be used with Dask arrays"):
        tw.curve_fit_many(decay, T, da.from_array(Y, chunks=(1000, -1)), P0, **{word: value})


def test_split_data_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"chunks of 10, 10, 4 .*ydata.rechunk"):
        tw.curve_fit_many(decay, T, da.from_array(Y, chunks=(1000, 10)), P0)


def test_unknown_chunks_are_refused_with_the_way_out():
    data = da.from_array(Y, chunks=(1000, -1))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        tw.curve_fit_many(decay, T, data[data[:, 0] > 1], P0)


def test_data_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match="ydata must be real, got complex128"):
        tw.curve_fit_many(decay, T, da.from_array(Y + 1j, chunks=(1000, -1)), P0)


def test_models_are_traced_at_once():
    with pytest.raises(tw.TraceError):
        tw.curve_fit_many(lambda t, a: a if a > 0 else t, T, da.from_array(Y), [1.0])


def test_a_function_for_starts_needs_names():
    with pytest.raises(ValueError, match="signature of f must name its parameters"):
        tw.curve_fit_many(lambda t, *p: p[0] * t, T, da.from_array(Y), lambda y: y[:, :1])


# ---- a cluster of two processes


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", processes=True
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("chunk", [7, 1000, K])
def test_a_cluster_returns_the_same_bits(client, chunk):
    rows = SOME if chunk == 7 else K
    data = da.from_array(Y[:rows], chunks=(chunk, -1))
    fits = tw.curve_fit_many(lambda t, a, b, c: a * np.exp(-b * t) + c, T, data, P0).compute()
    assert_same(fits, WANTED[:rows])
    assert np.unique(fits.isa).size == 1


def test_a_client_takes_the_fits_as_one_future(client):
    lazy = tw.curve_fit_many(decay, T, da.from_array(Y, chunks=(1000, -1)), P0)
    assert_same(client.compute(lazy).result(), WANTED)
    assert_same(client.persist(lazy).compute(), WANTED)


def test_a_worker_that_is_killed_changes_nothing(client, tmp_path):
    """The first task kills its process; Dask starts another, which finds the file."""
    killed = tmp_path / "killed"

    def block(y):
        if not killed.exists():
            killed.write_text("once")
            os.kill(os.getpid(), signal.SIGKILL)
        return y

    data = da.from_array(Y, chunks=(500, -1)).map_blocks(block, meta=np.empty((0, 0)))
    fits = tw.curve_fit_many(decay, T, data, P0).compute()
    assert killed.exists()
    assert_same(fits, WANTED)
