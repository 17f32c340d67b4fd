# SPDX-License-Identifier: BSD-3-Clause
"""Describe minimized residuals as fits, so that the statistics of fits apply to them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._fits.covariances import held_of, traced_spread, variance
from thalweg._fits.endings import LeastSquares
from thalweg._fits.fits import Fits
from thalweg._fits.information import condition_of
from thalweg._fits.least_squares_many import Evaluated, LeastSquaresMany, ManySquares
from thalweg._fits.settings import FitKind
from thalweg._fits.squares import TracedSquares, weights_and_cost
from thalweg._fits.tapes import ON_TAPE
from thalweg._fits.verdicts import bits_of, verdicts
from thalweg._inference.conditions import traced_condition
from thalweg._tracing.trace import Trace, Tracer

__all__ = ["evidence"]


def evidence(result: LeastSquares | LeastSquaresMany) -> Fits:
    """Return what a result says as `Fits`, of one descent without leading axes."""
    return _of_one(result) if isinstance(result, LeastSquares) else _of_many(result)


def _fits(
    arrays: dict[str, Any], own: dict[str, Any], names: list[str], rows: int, **about: Any
) -> Fits:
    """Build fits from arrays with leading axes; the covariances give the standard errors."""
    with np.errstate(invalid="ignore"):
        arrays["perr"] = np.sqrt(np.diagonal(arrays["pcov"], axis1=-2, axis2=-1))
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    own = {name: np.asarray(value) for name, value in own.items()}
    about |= {
        "free": list(range(len(names))), "rows": rows, "kind": FitKind(),
        "model": f"residuals({', '.join(names)})",
    }  # fmt: skip
    return Fits(arrays, arrays["cost"].shape, {"names": names}, own, about)


# ---- one descent


def _of_one(result: LeastSquares) -> Fits:
    x, names = _flat(result.x, 0)
    held = _flat(result.active_mask, 0)[0] != 0
    r, jacobian = result.fun, result.jac
    pcov, condition, loose = np.full((x.size, x.size), np.nan), np.nan, np.zeros(x.size, bool)
    if np.isfinite(jacobian).all() and np.isfinite(result.cost):
        pcov, _, _, loose = _core.covariance(jacobian.T, held, result.cost, r.size)
        condition = condition_of(jacobian[:, ~held])
    arrays = {
        "popt": x, "pcov": pcov, "cost": result.cost, "nit": result.nit, "nfev": result.nfev,
        "determined": result.determined, **verdicts(np.array(result.reason, dtype=np.int8)),
    }  # fmt: skip
    own = {"open": bits_of((loose & (not result.determined))[None])[0]}
    own |= {"chi2": r @ r, "condition": condition}
    return _fits(arrays, own, names, r.size, said=result.message)


def _flat(value: Any, axes: int) -> tuple[npt.NDArray[Any], list[str]]:
    """Return a point as one vector after its leading axes, and the names of its entries."""
    if isinstance(value, dict):
        parts = [(name, np.asarray(each)) for name, each in value.items()]
    elif isinstance(value, tuple):
        parts = [(f"x[{i}]", np.asarray(each)) for i, each in enumerate(value)]
    else:
        parts = [("x", np.asarray(value))]
    names = [
        f"{name}[{', '.join(map(str, at))}]" if part.ndim > axes else name
        for name, part in parts
        for at in np.ndindex(*part.shape[axes:])
    ]
    rows = [part.reshape(*part.shape[:axes], prod(part.shape[axes:])) for _, part in parts]
    return np.concatenate(rows, axis=-1), names


# ---- many descents


def _of_many(result: LeastSquaresMany) -> Fits:
    axes, rows = len(result.shape), result._about.get("rows")
    if rows is not None:  # from a file
        own = {name: result._own[name] for name in ("pcov", "chi2", "condition")}
    else:
        source: Evaluated | None = result._about.get("source")
        if source is None:
            raise ValueError(
                "this needs the function of the residuals, which is not in pickles: use save, or "
                "minimize again"
            )
        if not source.kept:
            source.kept |= _spread(source)
        own = {name: whole[result._own["lane"]] for name, whole in source.kept.items()}
        rows = prod(source.run.lanes.objective.shape)
    x, names = _flat(result.x, axes)
    same = ("cost", "nit", "nfev", "determined", "success", "status", "reason")
    arrays = {"popt": x, "pcov": own.pop("pcov")} | {name: result[name] for name in same}
    own |= {name: result._own[name] for name in ("left", "right")}
    own["open"] = bits_of(result._own["open"].reshape(-1, len(names))).reshape(result.shape)
    return _fits(arrays, own, names, rows, max_nfev=result._about["max_nfev"])


def _spread(source: Evaluated) -> dict[str, Any]:
    """Compute covariances (k, n, n), sums of squares and condition numbers (k,)."""
    run, x, cost, held, _ = vars(source).values()
    (k, n), m = x.shape, prod(run.lanes.objective.shape)
    begun = np.isfinite(cost) & np.isfinite(x).all(axis=1)
    pcov, (chi2, condition) = np.full((k, n, n), np.nan), np.full((2, k), np.nan)
    doubtful = begun
    if n <= ON_TAPE:
        inputs, varying = run.inputs(run.lanes, x)
        last = len(varying) - 1  # the loss's scale
        function = run.lanes.objective.kept_function(
            ("spread", run.rho, *(end.tobytes() for end in run.box)),
            lambda trace, r, point: _nodes(run, trace, r, point, last),
            len(varying),
        )
        whole, unsure, *rest = function(inputs, varying, k, run.stopping.threads)
        pcov, (chi2, condition) = whole.reshape(k, n, n), (each[:, 0] for each in rest)
        doubtful = begun & (unsure[:, 0] > 0)
        pcov[~begun] = chi2[~begun] = condition[~begun] = np.nan
    for lane in np.flatnonzero(doubtful):
        squares = TracedSquares(run.lanes.alone(int(lane)), run.settings)
        r, jacobian = squares.at(x[lane])
        jacobian = squares.curved(r, jacobian)
        pcov[lane], *_ = _core.covariance(jacobian.T, held[lane], cost[lane], m)
        chi2[lane], condition[lane] = r @ r, condition_of(jacobian[:, ~held[lane]])
    return {"pcov": pcov, "chi2": chi2, "condition": condition}


def _nodes(run: ManySquares, trace: Trace, r: Tracer, x: Tracer, scale: int) -> list[int]:
    """Return the nodes of covariance, doubt, sum of squares and condition number."""
    f_scale = None if run.rho is None else trace.input(scale, ())
    weights, cost = weights_and_cost(r, run.rho, f_scale)
    rows, n = trace.wrap(float(r.size)), x.size
    whole, _, doubtful = traced_spread(
        r, x, weights, run.box, lambda free: variance(cost, rows, free)
    )
    graph = trace.graph
    columns: Any = Tracer(trace, graph.reshape(graph.jacobian(r.node, x.node), (n, r.size)))
    if weights is not None:
        columns = columns * np.sqrt(np.maximum(weights, 0.0))
    held, _ = held_of(Tracer(trace, graph.reshape(x.node, (n,))), n, run.box)
    return [
        trace.stack([each.node for row in whole for each in row]), doubtful.node,
        trace.lift(np.sum(r * r)), traced_condition(columns, held).node,
    ]  # fmt: skip
