# SPDX-License-Identifier: BSD-3-Clause
"""Forks while other threads are at work: the child, which has none of them, waits for nothing."""

import os
import subprocess
import sys

import pytest

from thalweg import _core

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

FORKS = """
import os, signal, sys, threading, time
import numpy as np, thalweg as tw
terms, steps, what = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
def f(x):
    return sum(np.sin(x[i % 4] * (i + 1.5)) * np.tanh(x[i % 3] + i) for i in range(terms))
points = np.random.default_rng(0).normal(size=(64, 4))
work = {
    "values": lambda F: F(points),
    "slopes": lambda F: F.grad(points[0]),
    "curvature": lambda F: F.hvp(points[0], points[1]),
    "descent": lambda F: tw.minimize(F, points[0], "newton", max_iter=2).x,
}[what]
for trial in range(20):
    F = tw.objective(f, np.ones(4))
    at_work = threading.Thread(target=work, args=(F,))
    at_work.start()
    time.sleep(steps * trial)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        work(F)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, trial
    at_work.join()
print("done")
"""


@pytest.mark.parametrize("what", ["values", "slopes", "curvature", "descent"])
@pytest.mark.parametrize(("terms", "step"), [(40, 1e-4), (1500, 1e-3)])
def test_a_fork_waits_until_what_is_shared_is_made(what: str, terms: int, step: float):
    command = [sys.executable, "-c", FORKS, str(terms), str(step), what]
    environment = os.environ | {
        "THALWEG_ISA": _core.supported_isas()[-1],
        "THALWEG_MACHINE": "always",
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
