# SPDX-License-Identifier: BSD-3-Clause
"""Describe many fits to Dask: one task for each chunk of the leading axes."""

from __future__ import annotations

import copy
import time
import uuid
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._distributed.cutting import Arguments
from thalweg._distributed.lazy_fits import Layout, LazyFits
from thalweg._distributed.packing import Packing
from thalweg._files.results import said_of
from thalweg._fits.running import FitRun, ManyProblem
from thalweg._fits.settings import ManyFitSettings
from thalweg._objectives.points import FloatArray
from thalweg._tracing.numbers import is_lazy

__all__ = ["FitTask", "fit_lazily"]

# Keywords that make no sense here, and what to do instead.
_REFUSED = {
    "out": "compute() returns new arrays; Dask's to_zarr and store write one array each",
    "resume": "persist() the result, or mask= the fits that were made",
    "shared": "such fits need all data at once: pass ydata.compute()",
    "progress": "use dask.diagnostics.ProgressBar, or distributed.progress",
}
# The tapes of the last few calls, by call: the tasks of one process trace and compile once.
_TAPES: OrderedDict[str, dict[Any, Any]] = OrderedDict()
_CALLS = 8


class FitTask:
    """What every task of a call needs beside its own chunk.

    Parameters
    ----------
    problem : ManyProblem
        The model, without the data.
    arguments : Arguments
        The other arguments, without the arrays.
    packing : Packing
        The layout of the result.
    """

    def __init__(self, problem: ManyProblem, arguments: Arguments, packing: Packing) -> None:
        self.problem, self.arguments, self.packing = problem, arguments, packing
        self.call = uuid.uuid4().hex

    def run(
        self, data: npt.NDArray[Any], blocks: tuple[Any, ...] | None, quiet: bool = True
    ) -> FitRun:
        """Return the call of a chunk, which has checked its arguments."""
        filled = self.arguments.filled
        start = filled(self.arguments.start, blocks)
        problem = replace(
            self.problem, data=data, varying=filled(self.arguments.varying, blocks), start=start,
            tapes=_kept(self.call),
        )  # fmt: skip
        return FitRun(problem, ManyFitSettings(**filled(self.arguments.settings, blocks)), quiet)

    def __call__(self, data: npt.NDArray[Any], *blocks: Any) -> FloatArray:
        """Fit a chunk (*lead, m), and return its packed results (*lead, width)."""
        run = self.run(data, blocks)
        fits = run.carried(time.perf_counter())
        own = {name: getattr(fits, name) for name in self.packing.own if name in ("chi2", "r2")}
        return self.packing.pack(fits._arrays | fits._own | own, data.shape[:-1])


def _kept(call: str) -> dict[Any, Any]:
    """Return the tapes of a call in this process."""
    tapes = _TAPES.setdefault(call, {})
    while len(_TAPES) > _CALLS:
        try:
            _TAPES.popitem(last=False)
        except KeyError:  # another thread was faster
            break
    return tapes


def fit_lazily(problem: ManyProblem, settings: ManyFitSettings) -> LazyFits:
    """Return the fits of a model to data of which some are Dask arrays, to be made by Dask.

    Names, shapes and the model are checked at once, and numbers by the tasks.

    Raises
    ------
    ValueError
        If a keyword cannot be used, or the data of a fit lie in several chunks.
    TraceError
        If the model cannot be traced.
    """
    import dask.array as da

    for name, instead in _REFUSED.items():
        if getattr(settings, name):
            raise ValueError(f"{name}= cannot be used with Dask arrays: {instead}")
    lead, m = problem.lead, problem.data.shape[-1]
    arguments = Arguments(problem, settings)
    chunks = _chunks([problem.data, *arguments.by_fit], len(lead))
    axes = tuple(range(len(lead)))
    parts: list[Any] = []
    for i, array in enumerate([problem.data, *arguments.by_fit]):
        own = array.shape[len(lead) :]
        if is_lazy(array):
            array = array.rechunk((*chunks, *((n,) for n in own)))
        else:
            array = da.from_array(array, chunks=(*chunks, *((n,) for n in own)))
        parts += [array, (*axes, *(len(axes) + 1 + i for _ in own))]
    kind = settings.kind
    more = ("chi2",) * kind.robust + ("r2",) * (kind.robust or bool(settings.priors))
    bare = replace(problem, data=np.empty(0), varying=[], start=None, tapes={}, elsewhere=None)
    arguments = copy.copy(arguments)
    arguments.by_fit = []
    packing = Packing(len(problem.names), more)
    task = FitTask(bare, arguments, packing)
    first = task.run(np.zeros((*(1 for _ in lead), m)), None, quiet=False)
    first.tapes(False)  # trace, and report errors, before there are any tasks
    packed = da.blockwise(
        task, (*axes, len(axes)), *parts, name=f"curve_fit_many-{task.call}",
        new_axes={len(axes): packing.width}, dtype=np.float64, concatenate=True,
        align_arrays=False, meta=np.empty((0,) * (len(lead) + 1)),
    )  # fmt: skip
    about = {
        "max_nfev": first.descents.stopping.max_nfev, "free": list(first.reader.layout.free),
        "rows": m, "priors": len(first.reader.layout.priors), "kind": kind,
    }  # fmt: skip
    about |= said_of(problem, settings)
    return LazyFits(packed, Layout(packing, list(problem.names), about, problem.elsewhere))


def _chunks(arrays: list[Any], axes: int) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of the leading axes: those of the first Dask array."""
    data = arrays[0]
    if is_lazy(data) and len(data.chunks[-1]) > 1:
        raise ValueError(
            "the data of a fit must lie in one chunk, got chunks of "
            f"{', '.join(map(str, data.chunks[-1]))} along the last axis of ydata: "
            "ydata.rechunk({-1: -1})"
        )
    lazy = next((array for array in arrays if is_lazy(array)), None)
    if lazy is None:  # what is lazy is the same for all fits
        return tuple((n,) for n in data.shape[:axes])
    return tuple(lazy.chunks[:axes])
