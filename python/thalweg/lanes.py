# SPDX-License-Identifier: BSD-3-Clause
"""Many descents of one objective handed to the core; what it tells of their endings."""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg.methods import Method, SolverMethod, memory_of
from thalweg.objective import Objective
from thalweg.reasons import Reason
from thalweg.sentences import blame
from thalweg.structure import FloatArray

__all__ = ["descend"]


def descend(
    objective: Objective,
    method: Method,
    rows: FloatArray,
    limits: list[FloatArray],
    stops: dict[str, Any],
    *,
    threads: int | None = None,  # noqa: ARG001 - one, for now
    hyper: dict[str, FloatArray] | None = None,
    slopes: bool = True,
    rises: bool = False,
) -> dict[str, Any]:
    """Descend from rows (k, n); hyper-parameters in `hyper` have one value a lane.

    With `rises`, `not_falls` (k,) counts iterations in which f did not fall, `late_rises` (k,)
    those beyond max_iter / 2 in which it rose.
    """
    hyper = hyper or {}
    if method.solves:
        out = _solved(objective, method, rows, limits, stops, hyper)
    else:
        out = _stepped(objective, method, rows, limits, stops, hyper)
    if out["error"] is not None:
        raise out["error"]
    if rises:
        _count_rises(objective, method, rows, limits, stops, hyper, out)
    _name_reasons(objective, out)
    missing = np.flatnonzero(np.isnan(out["jac"]).any(axis=1))
    if slopes and missing.size:
        out["jac"][missing] = objective.rows_value_and_grad(out["x"][missing])[1]
    return out


def _stepped(
    objective: Objective,
    method: Method,
    rows: FloatArray,
    limits: list[FloatArray],
    stops: dict[str, Any],
    hyper: dict[str, FloatArray],
) -> dict[str, Any]:
    stepper = objective.stepper(
        method, bool(limits), stops["gtol"] > 0, stops["xtol"] > 0, bool(hyper)
    )
    memory: list[FloatArray | None] = [None] * (len(memory_of(method.name)) + method.counts)
    given = inputs_by_lane(method, hyper)
    return stepper.run(
        rows, [None, *objective.args], [True] + [False] * len(objective.args), given, limits,
        memory, record=False, callback=None, function=None, threads=1, **stops,
    )  # fmt: skip


def inputs_by_lane(method: Method, hyper: dict[str, FloatArray]) -> list[FloatArray]:
    """The numbers that a step takes, in its order, those in `hyper` one a lane."""
    from thalweg.schedules import Schedule

    given: list[FloatArray] = []
    for name, value in method.hyper.items():
        if name in hyper:
            given.append(hyper[name])
        elif isinstance(value, Schedule):
            given += [np.array([v]) for v in value.parameters]
        elif not callable(value):
            given.append(np.array([float(value)]))
    return given


def _solved(
    objective: Objective,
    method: Method,
    rows: FloatArray,
    limits: list[FloatArray],
    stops: dict[str, Any],
    hyper: dict[str, FloatArray],
) -> dict[str, Any]:
    assert isinstance(method, SolverMethod)

    def run(some: FloatArray, numbers: list[float]) -> dict[str, Any]:
        return objective.minimizer(method.name).run(
            some, [None, *objective.args], [True] + [False] * len(objective.args), numbers,
            limits, None, record=False, callback=None, function=None, threads=1, **stops,
        )  # fmt: skip

    if not hyper:
        return run(rows, method.numbers())
    names = list(method.hyper)
    table = np.column_stack(
        [hyper.get(n, np.full(len(rows), float(method.hyper[n]))) for n in names]
    )
    settings, which = np.unique(table, axis=0, return_inverse=True)
    out: dict[str, Any] = {}
    for i, numbers in enumerate(settings.tolist()):
        own = np.flatnonzero(which.ravel() == i)
        part = run(rows[own], numbers)
        for key, value in part.items():
            if isinstance(value, np.ndarray) and value.shape[:1] == own.shape:
                if key not in out:
                    out[key] = np.empty((len(rows), *value.shape[1:]), value.dtype)
                out[key][own] = value
        out["error"] = out.get("error") or part["error"]
    return out


def _name_reasons(objective: Objective, out: dict[str, Any]) -> None:
    """Tell apart what left the domain, diverged, or was not finite for another cause."""
    reason = out["reason"]
    lanes = np.flatnonzero(reason == Reason.non_finite)
    if not lanes.size:
        return
    values, slopes = objective.rows_value_and_grad(out["last_x"][lanes])
    # The core's value is NaN where the next point would not be finite; f itself may be the best.
    better = np.isfinite(values) & ~(out["fun"][lanes] < values)
    at = lanes[better]
    out["x"][at], out["fun"][at] = out["last_x"][at], values[better]
    out["jac"][at] = slopes[better]
    out["last_fun"][lanes] = values
    for lane, value in zip(lanes.tolist(), values.tolist(), strict=True):
        at = out["last_x"][lane][None, :]
        reason[lane] = blame(objective, at, value, int(out["nit"][lane]))[0]


def _count_rises(
    objective: Objective,
    method: Method,
    rows: FloatArray,
    limits: list[FloatArray],
    stops: dict[str, Any],
    hyper: dict[str, FloatArray],
    out: dict[str, Any],
) -> None:
    """Each run once more, by itself and recorded."""
    not_falls, late_rises = (np.zeros(len(rows), np.int64) for _ in range(2))
    stepper = objective.stepper(method, bool(limits), True, stops["xtol"] > 0, True)
    memory: list[FloatArray | None] = [None] * (len(memory_of(method.name)) + method.counts)
    for lane in range(len(rows)):
        own = {name: values[lane : lane + 1] for name, values in hyper.items()}
        told = stepper.run(
            rows[lane : lane + 1], [None, *objective.args], [True] + [False] * len(objective.args),
            inputs_by_lane(method, own), limits, memory, record=True, callback=None, function=None,
            threads=1, **stops,
        )  # fmt: skip
        values = told["path"][1]
        not_falls[lane] = np.count_nonzero(~(values[1:] < values[:-1]))
        late = values[stops["max_iter"] // 2 :]
        late_rises[lane] = np.count_nonzero(late[1:] > late[:-1])
    out["not_falls"], out["late_rises"] = not_falls, late_rises
