# SPDX-License-Identifier: BSD-3-Clause
"""gdb sees machine code by name, and the frames that called it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg import _core

SETS = [isa for isa in _core.supported_isas() if isa != "baseline"]

# A signal that comes while the code runs stops the program under gdb.
LONG = """
import signal, numpy as np, thalweg as tw
f = tw.objective(lambda x: np.sin(3 * x) * np.exp(-x / 4), 0.3)
{before}
signal.setitimer(signal.ITIMER_REAL, 0.3, 0.05)
tw.minimize(f, 0.3, "gradient_descent", learning_rate=0.01, max_iter=10**9, gtol=0, max_time=20)
"""
DROPPED = "for k in range(20): tw.minimize(lambda x: (x - k) ** 2, 1.0, 'adam', learning_rate=0.1)"


@pytest.mark.skipif(not SETS, reason="needs AVX2 or AVX-512")
@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
@pytest.mark.parametrize("before", ["", DROPPED])
def test_gdb_sees_the_code_and_who_called_it(before: str, tmp_path: Path):
    script = tmp_path / "long.py"
    script.write_text(LONG.format(before=before))
    # Some signals come while the loop looks at its clock.
    again = ["continue", "backtrace 60"] * 9
    commands = ["handle SIGALRM stop nopass", "run", "backtrace 60", *again, "kill"]
    gdb = ["gdb", "-q", "-nx", "-batch", *(f"-ex={c}" for c in commands), "--args"]
    environment = os.environ | {
        "THALWEG_ISA": SETS[-1], "THALWEG_MACHINE": "always", "THALWEG_GDB": "1",
    }  # fmt: skip
    done = subprocess.run(
        [*gdb, sys.executable, str(script)],
        capture_output=True, text=True, env=environment, timeout=100,
    )  # fmt: skip
    frames = [line for line in done.stdout.splitlines() if line.startswith("#")]
    if not frames and "ptrace" in done.stdout + done.stderr:  # a container may forbid it
        pytest.skip("gdb may not trace a process here")
    begins = [i for i, frame in enumerate(frames) if frame.startswith("#0 ")]
    stops = [frames[a:b] for a, b in zip(begins, [*begins[1:], len(frames)], strict=True)]
    inside = [stop for stop in stops if " thalweg_7" in stop[0]]
    assert inside, done.stdout + done.stderr
    for stop in inside:
        assert "_core." in stop[1], stop
        assert any("PyEval" in frame for frame in stop), stop
