# SPDX-License-Identifier: BSD-3-Clause
"""Works of first calls: tracing, start-up, the wheel's size."""

from __future__ import annotations

import atexit
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from workloads import (  # isort: skip - before NumPy
    Call,
    MissingError,
    Rival,
    Work,
    close,
    descend_rows,
)

import numpy as np

import thalweg as tw

# ---- tracing -------------------------------------------------------------------------------------


def ten_operations(x: Any, np: Any = np) -> Any:
    """Ten: exp, log, sqrt, sin, one difference, two sums, two products, one quotient."""
    return (np.exp(x) - np.log(x)) * np.sin(2.0 * x) + np.sqrt(x) / (1.0 + x)


def first_descent() -> Call:
    """Trace, differentiate, make the rule's step, lower it; one iteration."""

    def call() -> Any:
        objective = tw.objective(lambda x: ten_operations(x), 0.7)
        return descend_rows(objective, np.array([[0.7]]), 0.1, 1)["last_x"][0]

    return call


def first_gradient() -> Call:
    """Trace, differentiate, lower; value and gradient once."""
    return lambda: tw.objective(lambda x: ten_operations(x), 0.7).value_and_grad(0.7)


def first_gradient_jax() -> Call:
    """The same by `jax.jit(jax.value_and_grad(f))` of a function that it has not seen."""
    import jax
    import jax.numpy as jnp

    return lambda: jax.jit(jax.value_and_grad(lambda x: ten_operations(x, jnp)))(0.7)


def slope_by_hand() -> Call:
    """The value and gradient that tracing must come to, at once."""

    def call() -> tuple[float, float]:
        x = 0.7
        e, s, r = math.exp(x) - math.log(x), math.sin(2 * x), math.sqrt(x)
        value = e * s + r / (1 + x)
        slope = (math.exp(x) - 1 / x) * s + 2 * e * math.cos(2 * x)
        return value, slope + 0.5 / r / (1 + x) - r / (1 + x) ** 2

    return call


def step_by_hand() -> Call:
    """The point that one iteration must come to."""
    slope = slope_by_hand()
    return lambda: 0.7 - 0.1 * slope()[1]


def tracing() -> list[Work]:
    """Trace, differentiate and lower an objective of ten operations."""
    return [
        Work(
            "tracing", "trace, differentiate, lower, value and gradient: ten operations", "µs", 1e6,
            first_gradient, (Rival("by hand with math, no tracing", slope_by_hand, parts=()),),
            close(1e-13), limit=100,
        ),
        Work(
            "tracing_step", "trace, differentiate, fuse the rule, lower: ten operations", "µs", 1e6,
            first_descent, (Rival("by hand with math, no tracing", step_by_hand, parts=()),),
            close(1e-13), limit=100,
        ),
        # Apart from the first, as a compilation in between leaves the caches cold.
        Work(
            "tracing_compiled", "first value and gradient of a new function: ten operations", "µs",
            1e6, first_gradient,
            (Rival("jax.jit(value_and_grad)", first_gradient_jax, parts=("jax",)),), close(1e-13),
        ),
    ]  # fmt: skip


# ---- start-up ------------------------------------------------------------------------------------

FIRST_RESULT = {
    "thalweg": (
        "import numpy as np, thalweg as tw\n"
        "f = lambda x: np.exp(x) - np.log(x)\n"
        "print(tw.minimize(f, 1.6, 'gradient_descent', learning_rate=.1, gtol=0).x)"
    ),
    "NumPy scalars": (
        "import numpy as np\nx = np.float64(1.6)\n"
        "for _ in range(1000): x = x - .1 * (np.exp(x) - 1 / x)\nprint(x)"
    ),
    "SciPy BFGS": (
        "import numpy as np\nfrom scipy.optimize import minimize\n"
        "print(minimize(lambda x: (np.exp(x) - np.log(x))[0], [1.6], tol=1e-10).x[0])"
    ),
    "JAX fori_loop": (
        "import jax, jax.numpy as np\ng = jax.grad(lambda x: np.exp(x) - np.log(x))\n"
        "f = jax.jit(lambda x: jax.lax.fori_loop(0, 1000, lambda i, x: x - .1 * g(x), x))\n"
        "print(float(f(1.6)))"
    ),
}
IMPORTS = {"thalweg": "import numpy, thalweg\nprint(0)", "NumPy": "import numpy\nprint(0)"}


@cache
def bytecode() -> str:
    """A folder for compiled modules: an installed package has them, a source tree may have none."""
    folder = tempfile.mkdtemp(prefix="thalweg-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def process(code: str) -> Callable[[], Call]:
    """A Python process from start to end; its answer is the number that it prints.

    The first call, whose answer is compared, compiles the modules; later ones find them compiled.
    """

    def call() -> float:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode()}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        return float(done.stdout)

    return lambda: call


def startup() -> list[Work]:
    """Importing, and from process start to a first result; EXTRA limits both beyond NumPy's own."""
    return [
        Work(
            "import", "import thalweg", "ms", 1e3, process(IMPORTS["thalweg"]),
            (Rival("import numpy", process(IMPORTS["NumPy"])),), close(0, 1e-9),
        ),
        Work(
            "first_result", "process start to first result", "ms", 1e3,
            process(FIRST_RESULT["thalweg"]),
            (
                Rival("import numpy", process("import numpy\nprint(0.567143290409784)")),
                Rival("NumPy scalars", process(FIRST_RESULT["NumPy scalars"])),
                Rival("SciPy BFGS", process(FIRST_RESULT["SciPy BFGS"]), parts=("scipy",)),
                Rival("JAX fori_loop", process(FIRST_RESULT["JAX fori_loop"]), parts=("jax",)),
            ),
            close(0, 2e-5),
        ),
    ]  # fmt: skip


# ms that a process may take beyond one that imports NumPy alone.
EXTRA = {"import": 20.0, "first_result": 25.0}

WHEEL_LIMIT = 5.0  # MB


def wheel() -> Path:
    """The wheel that THALWEG_WHEEL names, else the newest in dist/; MissingError without one."""
    named = os.environ.get("THALWEG_WHEEL")
    found = [Path(named)] if named else list(Path(__file__).parents[1].glob("dist/*.whl"))
    found = [path for path in found if path.is_file()]
    if not found:
        raise MissingError("there is no dist/*.whl: make one with `pip wheel --no-deps -w dist .`")
    return max(found, key=lambda path: path.stat().st_mtime)
