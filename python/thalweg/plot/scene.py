# SPDX-License-Identifier: BSD-3-Clause
"""Collect what a picture shows: a function, the region, and descents.

This module converts the user's input (a function or an objective, and one or several results, with
or without names) to numbers. It draws nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from thalweg._objectives.points import argument_names
from thalweg.plot.view import FloatArray, Trail, limits_of

if TYPE_CHECKING:
    from thalweg._objectives.objective import Objective
    from thalweg._objectives.untraced import Called
    from thalweg._results.result import Result

Evaluator = Callable[[FloatArray], FloatArray]  # (k, n) -> (k,) values, or (k, n) slopes


class Scene(NamedTuple):
    """A function, the limits (n, 2) of the region to show, and the descents by name."""

    values: Evaluator
    slopes: Evaluator
    labels: list[str]
    limits: FloatArray
    trails: dict[str, Trail]

    @property
    def height(self) -> str:
        """Return the label of the function's own axis, such as `f(x, y)`."""
        return f"f({', '.join(self.labels)})"

    def grid(self, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Evaluate a function of two variables on a grid of (count, count) points.

        Values that are not finite become NaN.
        """
        X, Y = np.meshgrid(*(np.linspace(low, high, count) for low, high in self.limits))
        Z = self.values(np.column_stack([X.ravel(), Y.ravel()])).reshape(X.shape)
        return X, Y, np.where(np.isfinite(Z), Z, np.nan)


def scene(
    fun: Any, results: Any, box: Any, names: Sequence[str] | None, counts: Sequence[int] = (1, 2)
) -> Scene:
    """Collect what a picture shows; `counts` are the numbers of variables that it can show."""
    named = by_name(results)
    first = next(iter(named.values()), None)
    if fun is None:
        fun = first._objective if first is not None else None
        if fun is None:
            raise ValueError(
                "the result no longer has its function, because pickling does not save it: call "
                "thalweg.plot.descent(fun, results)"
            )
    if first is not None and not hasattr(first, "x"):
        raise TypeError(
            "results must be one result of tw.minimize, or a sequence or dict of them, got a "
            f"{type(first).__name__}; pass limits as bounds="
        )
    known = known_function(fun, first.x if first is not None else point_in(box))
    structure = known.structure
    if prod(getattr(known, "shape", ())) != 1:  # a mean loss has one value, and no shape
        raise ValueError(f"the function must return one value, got shape {known.shape}")
    if structure.size not in counts:
        wanted = " or ".join(("one", "two")[c - 1] for c in counts)
        raise ValueError(
            f"this picture shows functions of {wanted} variable{'s' * (counts[-1] > 1)}, got "
            f"{structure.size}; tw.objective(f, x0).slice(name=value) fixes the others"
        )
    trails = {name: trail_of(result, known) for name, result in named.items()}
    if isinstance(box, dict) and structure.form == "dict" and set(box) == set(structure.keys):
        box = [box[key] for key in structure.keys]
    limits = limits_of(box, structure.size, list(trails.values()))
    return Scene(over_points(known), slopes_over(known), labels(known, names), limits, trails)


def recorded(results: Any, picture: str) -> dict[str, Result]:
    """Return the results by name, and check that each has a path; `picture` names the caller."""
    named = by_name(results)
    if not named:
        raise ValueError(f"{picture} needs at least one result, got none")
    for name, result in named.items():
        if result.path is None:
            raise ValueError(f"{picture} needs the path of {name}: minimize with record=True")
    return named


def by_name(results: Any) -> dict[str, Result]:
    """Return the results by name; those without a name get the name of their method."""
    if results is None:
        return {}
    if isinstance(results, Mapping) and "fun" not in results:
        return {str(name): result for name, result in results.items()}
    if isinstance(results, Mapping):
        return {"descent": cast("Result", results)}
    listed = list(results)
    states = [getattr(r, "state", None) for r in listed]
    own = [str(getattr(state, "method", "descent")).replace("_", " ") for state in states]
    if len(set(own)) < len(own):
        own = [f"{name} {i + 1}" for i, name in enumerate(own)]
    return dict(zip(own, listed, strict=True))


def point_in(box: Any) -> Any:
    """Return the middle of a box, in the form of the function's points."""
    if box is None:
        raise ValueError("a picture needs bounds, (low, high) for each variable, or a result")
    if isinstance(box, dict):
        return {name: point_in(pair) for name, pair in box.items()}
    limits = np.asarray(box, dtype=np.float64)
    if limits.shape == (2,):
        return float(limits.mean())
    if limits.ndim != 2 or limits.shape[1] != 2:
        raise ValueError(
            f"bounds must be a pair (low, high) for each variable, got shape {limits.shape}"
        )
    return limits.mean(axis=1)


def known_function(fun: Any, x: Any) -> Objective | Called:
    """Return the function together with the form of its points, traced if possible."""
    if hasattr(fun, "structure"):
        return cast("Objective | Called", fun)
    from thalweg._objectives.objective import Objective
    from thalweg._objectives.untraced import Called
    from thalweg._tracing.errors import TraceError

    try:
        return Objective(fun, x)
    except TraceError:
        return Called(fun, x, (), None, None)


def trail_of(result: Result, known: Objective | Called) -> Trail:
    """Return the numbers of a result that a picture shows."""
    flat = known.structure.flatten
    best = flat(result.x)[1][0]
    points, fun = best[None], np.asarray([result.fun])
    if result.path is not None:
        points, fun = flat(result.path.x)[1], np.asarray(result.path.fun)
    last, success = result.last, bool(result.success)
    at_last = flat(last.x)[1][0]
    return Trail(points, fun, best, float(result.fun), at_last, float(last.fun), success)


def over_points(fun: Objective | Called) -> Evaluator:
    """Return a function that evaluates `fun` at points (k, n)."""
    if callable(fun):

        def values(points: FloatArray) -> FloatArray:
            found = fun(fun.structure.restore(points, (len(points),)))
            return np.asarray(found, dtype=np.float64).reshape(len(points))

        return values
    return lambda points: _one_by_one(fun, points)[0]


def slopes_over(fun: Objective | Called) -> Evaluator:
    """Return a function that evaluates the gradient of `fun` at points (k, n)."""
    if callable(fun):
        return lambda points: fun.rows_value_and_grad(np.ascontiguousarray(points))[1]
    return lambda points: _one_by_one(fun, points)[1]


def _one_by_one(fun: Called, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    values, slopes = np.full(len(points), np.nan), np.full(points.shape, np.nan)
    with np.errstate(all="ignore"):
        for i, point in enumerate(points):
            # math.log and the like raise outside their domain; the function has no value there.
            with contextlib.suppress(ArithmeticError, ValueError):
                values[i], slopes[i] = fun.rows_value_and_grad_one(point)
    return values, slopes


def labels(fun: Objective | Called, names: Sequence[str] | None) -> list[str]:
    """Return a label for each variable: the given names, or else the function's own."""
    own = fun.structure.labels(
        getattr(fun, "names", None) or argument_names(getattr(fun, "_function", None))
    )
    if names is None:
        return own
    if len(names) != len(own):
        raise ValueError(f"names must have {len(own)} entries, one per variable, got {len(names)}")
    return [str(name) for name in names]
