# SPDX-License-Identifier: BSD-3-Clause
"""How works are timed: a work, its rivals, the comparison of answers, and one interleaved clock.

A work makes a call of thalweg's and names its rivals; each returns its answer, answers are
compared, and only then are the calls timed in turn, A B A B, in one process. `bench_*.py` and
`table.py` both start here. The works themselves are in the modules beside this one.
"""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def one_core() -> None:
    """Stay on one core, this process and those it starts; thread pools made later have one thread.

    Called before NumPy or JAX are imported. `THALWEG_BENCH_CORE` names the core; else the last one
    that is allowed.
    """
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        core = os.environ.get("THALWEG_BENCH_CORE")
        os.sched_setaffinity(0, {int(core) if core else max(os.sched_getaffinity(0))})


one_core()

import numpy as np  # noqa: E402 - after one_core
from numpy.typing import NDArray  # noqa: E402

import thalweg as tw  # noqa: E402
from thalweg import _core  # noqa: E402

Floats = NDArray[np.float64]
Call = Callable[[], Any]
Agree = Callable[[Any, Any], None]

# The rivals that a plain `pip install thalweg[test]` may lack, and how to get them.
OPTIONAL = {
    "jax": "pip install jax", "numba": "pip install numba", "scipy": "pip install scipy",
    "optax": "pip install optax", "sklearn": "pip install scikit-learn",
}  # fmt: skip


class MissingError(Exception):
    """A rival that is not installed; the message says how to get it."""


def require(*parts: str) -> None:
    """Raise MissingError for the first part that cannot be imported."""
    for part in parts:
        if importlib.util.find_spec(part) is None:
            raise MissingError(f"the rival {part} is not installed: {OPTIONAL[part]}")


@dataclass(frozen=True)
class Rival:
    """Another way to do a work.

    Attributes
    ----------
    name : str
    make : callable
        Sets it up (compiles, where it compiles) and returns the call.
    wanted : float, optional
        How many times as fast thalweg is to be, at least.
    parts : tuple of str
        Packages that it needs.
    most_rounds : int
        Rounds at most, for the slow ones.
    scale : float, optional
        Seconds of one call times this is the figure; by default as the work's.
    """

    name: str
    make: Callable[[], Call]
    wanted: float | None = None
    parts: tuple[str, ...] = ("numpy",)
    most_rounds: int = 1000
    scale: float | None = None

    def ready(self) -> Call:
        """Set it up, or raise MissingError."""
        require(*(p for p in self.parts if p in OPTIONAL))
        return self.make()


@dataclass(frozen=True)
class Work:
    """One thing that is timed.

    Attributes
    ----------
    name : str
        Short, for `-k`.
    title : str
        For the table.
    unit : str
        Of the figure.
    scale : float
        Seconds of one call times this is the figure.
    make : callable
        Sets thalweg up and returns the call.
    rivals : tuple of Rival
    agree : callable
        Raises AssertionError where two answers differ.
    limit : float, optional
        The figure is to be below this.
    """

    name: str
    title: str
    unit: str
    scale: float
    make: Callable[[], Call]
    rivals: tuple[Rival, ...]
    agree: Agree
    limit: float | None = None


# ---- the clock -----------------------------------------------------------------------------------


def repeats(call: Call, least: float = 2e-3) -> int:
    """How often to call in one sample, so that it lasts so many seconds; called before already."""
    began = time.perf_counter()
    call()
    return max(1, math.ceil(least / max(time.perf_counter() - began, 1e-7)))


def sample(call: Call, times: int) -> float:
    """Seconds of one call, the mean of so many without a break."""
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def settle() -> None:
    """Collect, and let later collections look at new objects alone: JAX holds some 1e5."""
    gc.collect()
    gc.freeze()


def interleaved(
    calls: Sequence[Call], rounds: int, most: Sequence[int] | None = None
) -> list[list[float]]:
    """Samples of each call in seconds, taken in turn: A B C A B C."""
    times = [repeats(call) for call in calls]
    samples: list[list[float]] = [[] for _ in calls]
    settle()
    for done in range(rounds):
        for k, call in enumerate(calls):
            if most is None or done < most[k]:
                samples[k].append(sample(call, times[k]))
    return samples


def summary(ours: list[float], theirs: list[float], work: Work, rival: Rival) -> dict[str, Any]:
    """Figures of one pair, from samples taken in turn."""
    scale = work.scale if rival.scale is None else rival.scale
    a, b = min(ours) * work.scale, min(theirs) * scale
    middle, middle_b = statistics.median(ours) * work.scale, statistics.median(theirs) * scale
    ratio = b / a
    return {
        "unit": work.unit, "thalweg_min": a, "thalweg_median": middle, "rival": rival.name,
        "rival_min": b, "rival_median": middle_b, "ratio_min": ratio,
        "ratio_median": middle_b / middle,
        "wanted_ratio": rival.wanted, "wanted_below": work.limit,
        "met": (rival.wanted is None or ratio >= rival.wanted)
        and (work.limit is None or a < work.limit),
    }  # fmt: skip


def versions(parts: Iterable[str] = ("numpy",)) -> dict[str, str]:
    """Versions of what ran."""
    found = {"python": platform.python_version(), "thalweg": tw.__version__}
    for part in dict.fromkeys(("numpy", *parts)):
        found[part] = importlib.metadata.version({"sklearn": "scikit-learn"}.get(part, part))
    return found


def installed() -> dict[str, str]:
    """Versions of everything here that a rival may need."""
    return versions(p for p in OPTIONAL if importlib.util.find_spec(p) is not None)


@cache
def machine() -> dict[str, str]:
    """Where it ran: processor, cores allowed, instruction set, date."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = str(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "all"
    return {
        "processor": model, "system": platform.platform(terse=True), "core": cores,
        "isa": _core.active_isa(), "date": time.strftime("%Y-%m-%d"),
    }  # fmt: skip


# ---- comparing answers ---------------------------------------------------------------------------


def close(rtol: float, atol: float = 1e-12) -> Agree:
    """Every number agrees."""

    def agree(ours: Any, theirs: Any) -> None:
        np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=rtol, atol=atol)

    return agree


def same_ends(ours: Floats, theirs: Floats) -> None:
    """99.99 % of the starts end at the same point to 1e-6; on a ridge rounding decides."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    apart = np.abs(ours - theirs) > 1e-6
    share = float(np.mean(apart.any(axis=1)))
    assert np.isfinite(ours).all(), "thalweg's answers are not finite"
    assert np.isfinite(theirs).all(), "the rival's answers are not finite"
    assert share < 1e-4, f"{share:.2%} of the starts end elsewhere"


# ---- thalweg's calls -----------------------------------------------------------------------------

FIXED: dict[str, Any] = {"gtol": 0.0, "xtol": 0.0, "ftol": 0.0}


def descend_rows(
    objective: tw.Objective, rows: Floats, learning_rate: float, iterations: int
) -> dict[str, Any]:
    """Plain descent from every row (k, n), one thread, through the block kernels.

    The one door to them until the lane scheduler has a public one. All outputs come back: x,
    last_x, fun, last_fun, nit, reason and both sides of what decided it.
    """
    method = tw.GradientDescent(learning_rate)
    stepper = objective.stepper(method, False, False, False)
    rates = np.array([learning_rate])
    return stepper.run(
        _core.Starts(rows), [rates], [], _core.Stopping(max_iter=iterations)
    )  # fmt: skip


def lanes(
    function: Callable[..., Any], rows: Floats, learning_rate: float, iterations: int
) -> Callable[[], Call]:
    """Many starts by thalweg: traced once, before; the answer is where each start ends."""

    def make() -> Call:
        objective = tw.objective(function, rows[0] if rows.shape[1] > 1 else float(rows[0, 0]))

        def call() -> Floats:
            out = descend_rows(objective, rows, learning_rate, iterations)
            assert out["nit"].min() == iterations
            last: Floats = out["last_x"]
            return last

        return call

    return make
