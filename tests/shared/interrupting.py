# SPDX-License-Identifier: BSD-3-Clause
"""Sends Ctrl-C at random moments, and tells how much processor time passed until it was there.

``python interrupting.py NAME SIGNALS SEED`` prints a JSON object: `late`, processor seconds between
the signal and the exception, and `lost`, how many exceptions held no result. Moments are of
processor time, and another process sends the signals: neither other programs nor a busy interpreter
count.

All of them, for an evening: ``python interrupting.py all 50 0``.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import thalweg as tw


def wells(x: Any, y: Any) -> Any:
    return (x * x - 1) ** 2 + (y * y - 1) ** 2 + 0.3 * np.sin(3 * x) * np.cos(2 * y)


def chain(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def starts(k: int) -> Any:
    return np.random.default_rng(0).uniform(-2, 2, (k, 2))


T = np.linspace(0.0, 4.0, 20)


def decay(t: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * t)


def decays(k: int) -> Any:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(1, 3, (2, k, 1))
    return decay(T, a, b) + 0.01 * rng.standard_normal((k, T.size))


LONG: dict[str, Any] = {"gtol": 0.0, "max_iter": 10**9}


def few(fun: Any, x0: Any, method: str, **how: Any) -> Callable[[], Any]:
    f = fun if "trace" in how else tw.objective(fun, x0)
    return lambda: tw.minimize(f, x0, method, **{**LONG, **how})


def many(k: int, method: str = "lbfgs", **how: Any) -> Callable[[], Any]:
    f, x0s = tw.objective(wells, (0.0, 0.0)), starts(k)
    return lambda: tw.minimize_many(f, x0s, method, **how)


def training() -> Callable[[], Any]:
    rng = np.random.default_rng(2)
    data = rng.standard_normal((200_000, 20))
    target = data @ np.arange(20.0)

    def loss(w: Any, rows: Any, y: Any) -> Any:
        return np.mean((rows @ w - y) ** 2)

    return lambda: tw.minimize(
        loss, np.zeros(20), "adam", learning_rate=1e-3, data=(data, target), epochs=30
    )


def squares_many(k: int) -> Callable[[], Any]:
    y = decays(k)
    return lambda: tw.least_squares_many(
        lambda p, y: decay(T, p[0], p[1]) - y, np.ones((k, 2)), lane_args=(y,)
    )


def fits_many(k: int) -> Callable[[], Any]:
    y = decays(k)
    return lambda: tw.curve_fit_many(decay, T, y, (1.0, 1.0))


def squares(m: int, n: int) -> Callable[[], Any]:
    rng = np.random.default_rng(3)
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    return lambda: tw.least_squares(lambda x: np.tanh(A @ x) - b, 0.1 * np.ones(n), xtol=1e-15)


# Seconds: a function is traced by then, and the signal's sender there.
EARLIEST = 0.02
BOX = [(-2, 2), (-2, 2)]
RATE = {"learning_rate": 1e-3}
# What is interrupted, and the processor seconds in which signals come; where None, all of its run.
CALLS: dict[str, tuple[Callable[[], Callable[[], Any]], float | None]] = {
    "rule": (lambda: few(chain, np.zeros(100), "gradient_descent", learning_rate=1e-4), 0.3),
    "recorded": (lambda: few(chain, np.zeros(9), "gradient_descent", record=True, **RATE), 0.3),
    "called": (lambda: few(chain, np.zeros(4), "lbfgs", trace=False, ftol=0.0, max_time=1), 0.2),
    "long vector": (lambda: few(chain, np.zeros(300_000), "lbfgs"), 0.5),
    "newton": (lambda: few(chain, np.zeros(700), "newton"), 1.5),
    "newton 1500": (lambda: few(chain, np.zeros(1500), "newton"), 4.0),
    "bfgs": (lambda: few(chain, np.zeros(1500), "bfgs"), 1.0),
    "bfgs 4000": (lambda: few(chain, np.zeros(4000), "bfgs"), 3.0),
    "bfgs in a box": (lambda: few(chain, np.zeros(1500), "bfgs", bounds=[(-1.5, 0.9)] * 1500), 1.0),
    "many": (lambda: many(50_000, "gradient_descent", **RATE), None),
    "many 3e6": (lambda: many(3_000_000, "gradient_descent", **RATE), 2.0),
    "many 3e6 by a solver": (lambda: many(3_000_000, threads=2), 2.0),
    "many recorded": (lambda: many(1500, "gradient_descent", record=True, **RATE), None),
    "multistart": (lambda: lambda: tw.multistart(wells, BOX, 200_000), None),
    "multistart 1e6": (lambda: lambda: tw.multistart(wells, BOX, 1_000_000), 4.0),
    "basins": (lambda: lambda: tw.basins(wells, BOX, (400, 400)), None),
    "basins 1e6": (lambda: lambda: tw.basins(wells, BOX, (1000, 1000)), 4.0),
    "sweep": (
        lambda: lambda: tw.sweep(wells, (0.4, 0.3), learning_rate=np.linspace(1e-4, 1e-2, 100_000)),
        None,
    ),
    "training": (training, 1.0),
    "least_squares": (lambda: squares(2000, 300), 2.0),
    "least_squares_many": (lambda: squares_many(100_000), None),
    "curve_fit_many": (lambda: fits_many(100_000), None),
}


def interrupted(run: Callable[[], Any], moment: float) -> tuple[float, Any] | None:
    """Processor time from the signal to its exception, and that; None where the run was over.

    Another process reads this one's processor clock, and sends the signal when it is time.
    """
    due, told, clock = time.process_time() + moment, os.pipe(), ~os.getpid() << 3 | 2
    sender = os.fork()
    if sender == 0:
        while (now := time.clock_gettime(clock)) < due:
            time.sleep(max(0.5 * (due - now), 2e-4))
        os.write(told[1], b"%.9f" % time.clock_gettime(clock))
        os.kill(os.getppid(), signal.SIGINT)
        os._exit(0)
    came = None
    try:
        run()
    except KeyboardInterrupt as error:
        came = time.process_time(), error
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if came is None:
            os.kill(sender, signal.SIGKILL)
        os.waitpid(sender, 0)
    sent = float(os.read(told[0], 64)) if came else 0.0
    for end in told:
        os.close(end)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return (came[0] - sent, came[1]) if came else None


def span(run: Callable[[], Any]) -> float:
    """Processor seconds of a whole run, the second, for which nothing has to be imported."""
    run()
    began = time.process_time()
    run()
    return time.process_time() - began


def report(name: str, signals: int, seed: int) -> dict[str, Any]:
    """Figures of some interrupts of one call."""
    make, seconds = CALLS[name]
    run = make()
    if seconds is None:
        seconds = span(run)
    moments = random.Random(seed)
    late, lost, reading = [], 0, 0.0
    for _ in range(signals):
        ended = interrupted(run, moments.uniform(EARLIEST, seconds))
        if ended is None:
            continue
        late.append(ended[0])
        began = time.process_time()
        result = ended[1].result
        reading = max(reading, time.process_time() - began)
        lost += result is None or (not hasattr(result, "x") and not hasattr(result, "popt"))
    return {"name": name, "late": late, "lost": lost, "reading": reading, "span": seconds}


if __name__ == "__main__":
    _, wanted, signals, seed = sys.argv
    for name in CALLS if wanted == "all" else [wanted]:
        told = report(name, int(signals), int(seed))
        if wanted == "all":
            late = sorted(told["late"])
            print(  # noqa: T201
                f"{name:24} {len(late):3} signals, late {late[len(late) // 2]:.3f} s in the middle,"
                f" {late[-1]:.3f} s at most; {told['lost']} results lost, read in "
                f"{told['reading']:.3f} s at most",
                flush=True,
            )
        else:
            print(json.dumps(told))  # noqa: T201
