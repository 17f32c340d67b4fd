# SPDX-License-Identifier: BSD-3-Clause
"""What a round costs under each instruction set, beside the baseline's and without machine code.

A process chooses its set once, so each set has a process of its own that descends when it is told
to and answers with the sum of the values that it reached. A set slower than the baseline is at
fault; what is wanted leaves a tenth to noise, since one start fills one lane of any batch. The same
holds for machine code and the handlers that it replaces.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from workloads import Call, Rival, Work, close  # isort: skip - before NumPy

from thalweg import _core

BASELINE = "baseline"
# Rounds of one start; starts, and their rounds.
ONE, MANY, ROUNDS = 20_000, 20_000, 100

# Told a line, it descends and answers with what it reached.
_CHILD = """
import sys
import numpy as np
import thalweg as tw
many, rounds = {many}, {rounds}
how = dict(learning_rate={rate}, max_iter=rounds, gtol=0, xtol=0, ftol=0)
if many:
    F = tw.objective(lambda x, y: -(
        np.exp(-(x - 1)**2 - (y - 1)**2) + np.exp(-(x - 4)**2 - (y - 3)**2)), (0.0, 0.0))
    starts = np.random.default_rng(0).uniform(0, 5, (many, 2))
    run = lambda: tw.minimize_many(F, starts, "gradient_descent", threads=1, **how).fun
else:
    F = tw.objective(lambda x: np.exp(x) - np.log(x), 1.6)
    run = lambda: tw.minimize(F, 1.6, "gradient_descent", **how).fun
for _ in sys.stdin:
    print(float(np.sum(run())), flush=True)
"""


def sets() -> list[str]:
    """The sets of this machine beyond the baseline."""
    return [name for name in _core.supported_isas() if name != BASELINE]


def child(isa: str, machine: str, code: str) -> Call:
    """A process under that set, with machine code or not ("0"); a call is one answer of its."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"THALWEG_ISA": isa, "THALWEG_MACHINE": machine},
    )  # fmt: skip

    def call() -> float:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    return call


def _work(isa: str, name: str, title: str, many: int, rounds: int, rate: float) -> Work:
    code = _CHILD.format(many=many, rounds=rounds, rate=rate)

    def under(chosen: str, machine: str = "1") -> Callable[[], Call]:
        return lambda: child(chosen, machine, code)

    rivals = (
        Rival(BASELINE, under(BASELINE), wanted=0.9),
        Rival("without machine code", under(isa, "0"), wanted=0.9),
    )
    return Work(
        f"{name}_{isa}", f"{title}, {isa}", "ns/round", 1e9 / rounds / max(many, 1),
        under(isa), rivals, close(1e-9),
    )  # fmt: skip


def works() -> list[Work]:
    """A round of one start, and of many starts by start, under each set."""
    return [
        work
        for isa in sets()
        for work in (
            _work(isa, "set_one", "exp(x) - log(x), one start, a round", 0, ONE, 0.1),
            _work(isa, "set_many", "two wells, 20,000 starts, a round", MANY, ROUNDS, 0.2),
        )
    ]
