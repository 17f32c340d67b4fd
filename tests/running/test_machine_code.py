# SPDX-License-Identifier: BSD-3-Clause
"""Machine code: the results of the handlers to the bit, wherever the system allows code or not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg import _core

HERE = Path(__file__).parent
SHARED = HERE.parent / "shared"
SETS = [isa for isa in _core.supported_isas() if isa != "baseline"]
needs_code = pytest.mark.skipif(not SETS, reason="needs AVX2 or AVX-512")


def run(code: str | Path, isa: str, machine: str) -> str:
    """What a new process prints that makes machine code "always", never ("0") or when it pays."""
    command = [sys.executable, *([str(code)] if isinstance(code, Path) else ["-c", code])]
    environment = os.environ | {"THALWEG_ISA": isa, "THALWEG_MACHINE": machine}
    environment["PYTHONPATH"] = os.pathsep.join([str(SHARED), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_code
@pytest.mark.parametrize("isa", SETS)
def test_rows_have_the_same_bits_however_many_are_processed_at_a_time(isa):
    plain = run(HERE / "machine_rows.py", isa, "0")
    assert plain.count("\n") == 24 + 15 * (11 * 6 + 1)
    assert run(HERE / "machine_rows.py", isa, "always") == plain


@needs_code
@pytest.mark.parametrize("isa", SETS)
def test_every_rule_option_solver_and_fit_has_the_same_bits(isa):
    plain = run(HERE / "machine_cases.py", isa, "0")
    assert plain.count("\n") > 120
    assert run(HERE / "machine_cases.py", isa, "always") == plain
    assert run(HERE / "machine_cases.py", isa, "1") == plain


# Takes one address away after another: PR_SET_MDWE refuses to make pages executable by mprotect.
REFUSED = """
import ctypes
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
"""
DESCENTS = """
import numpy as np, thalweg as tw
points = np.linspace(0.2, 3, 500)
r = tw.minimize_many(lambda x: np.exp(x) - np.log(x), points, "adam", learning_rate=0.05)
print(repr(r.x.tobytes()), repr(r.fun.tobytes()))
"""


@needs_code
def test_where_the_system_refuses_executable_pages_results_are_the_same():
    if os.name != "posix" or run("import ctypes; print(ctypes.CDLL(None).prctl(66, 0, 0, 0, 0))",
                                 SETS[0], "0").strip() == "-1":  # fmt: skip
        pytest.skip("needs Linux 6.3, which has PR_SET_MDWE")
    assert run(REFUSED + DESCENTS, SETS[-1], "always") == run(DESCENTS, SETS[-1], "0")


HOSTILE = """
import numpy as np, thalweg as tw
def f(x):  # a chain so long that two batches are made at once
    return np.log1p(np.exp(np.logaddexp(np.exp(-np.abs(x)), 0.1 * x) - 0.3)) + 0.01 * x * x
objective = tw.objective(f, 0.3)
for where in range(17):
    for what in (1e300, -1e300, 5e-324, -800.0, -37.5):
        points = np.linspace(-2, 2, 17)
        points[where] = what
        r = tw.minimize_many(objective, points, "momentum", learning_rate=0.05, max_iter=12)
        print(repr(r.x.tobytes()), repr(r.fun.tobytes()), r.reason)
"""


@needs_code
@pytest.mark.parametrize("isa", SETS)
def test_two_batches_at_once_have_the_same_bits_with_hostile_lanes_in_either(isa):
    assert run(HOSTILE, isa, "always") == run(HOSTILE, isa, "0")


FORKED = """
import os
import numpy as np, thalweg as tw
def descend(power):
    f = tw.objective(lambda x: np.abs(x - 1) ** power + np.exp(-x), 0.3)
    return tw.minimize_many(f, np.linspace(-2, 2, 300), "momentum", learning_rate=0.01).x.tobytes()
before = descend(2.5)
read, write = os.pipe()
child = os.fork()
here = descend(3.5), descend(2.5)
if child == 0:
    os.write(write, b"same" if here == (descend(3.5), before) else b"differ")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(os.read(read, 9).decode(), here == (descend(3.5), before))
"""


@needs_code
def test_both_sides_of_a_fork_make_code():
    assert run(FORKED, SETS[-1], "always") == "same True\n"


AT_ONCE = """
import os, signal, threading, time
import numpy as np, thalweg as tw
def f(x):
    return sum(np.sin(x[i % 4] * (i + 1.5)) * np.tanh(x[i % 3] + i) for i in range(40))
points = np.random.default_rng(0).normal(size=(64, 4))
for trial in range(40):
    F = tw.objective(f, np.ones(4))
    F(points[0])  # so that the graph is complete
    at_work = threading.Thread(target=F, args=(points,))
    at_work.start()
    time.sleep(1e-4 * (trial % 10))
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        F(points)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    at_work.join()
print("done")
"""


@needs_code
def test_a_fork_while_another_thread_makes_code_does_not_wait_for_it():
    assert run(AT_ONCE, SETS[-1], "always") == "done\n"


DROPPED = """
import numpy as np, thalweg as tw
def mappings():
    with open("/proc/self/maps") as maps:
        return sum("x" in line.split()[1] for line in maps)
def descend(power):
    f = tw.objective(lambda x: (x - 1) ** 2 * power, 0.3)
    tw.minimize_many(f, np.linspace(-2, 2, 9), "gradient_descent", learning_rate=0.1, max_iter=9)
descend(1.5)
before = mappings()
for k in range(3000):
    descend(k + 0.25)
print(before, mappings())
"""


@needs_code
def test_the_code_of_dropped_objectives_is_given_back():
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc")
    before, after = map(int, run(DROPPED, SETS[-1], "always").split())
    assert after <= before + 3


def test_a_short_descent_makes_no_code():
    """Code has to pay for itself: a single cheap call does not wait for it."""
    count = """
import thalweg as tw, numpy as np
def executable():
    with open("/proc/self/maps") as maps:
        return [line for line in maps if "x" in line.split()[1] and len(line.split()) < 6]
before = executable()
tw.minimize(lambda x: np.exp(x) - np.log(x), 1.6, "lbfgs")
print(len(executable()) - len(before))
"""
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc")
    assert re.fullmatch(r"0\n", run(count, SETS[-1] if SETS else "baseline", "1"))
