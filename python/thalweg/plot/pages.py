# SPDX-License-Identifier: BSD-3-Clause
"""A function to explore in a browser, without Python: one page that needs nothing else.

The traced function and its gradient are written out as JavaScript; the page itself stands in
`page.html`.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thalweg import _core
from thalweg._formulas.infix import infix
from thalweg._formulas.javascript import literal, written
from thalweg._formulas.javascript_rules import rules
from thalweg._objectives.bounds import read_bounds
from thalweg._objectives.objective import Objective
from thalweg.plot import canvas
from thalweg.plot.scene import Scene, labels, over_points, point_in, slopes_over
from thalweg.plot.view import FloatArray, heights, levels_of, limits_of

__all__ = ["explore_html"]

_SCRIPTS = ("logic", "drawing", "space")  # page_*.js

LARGEST = 200_000  # bytes of a page
_PARTS = 201  # of the box, each way, that levels and the usual rate are found from
_SPREAD = 100.0  # the slider goes from a hundredth of the rate to a hundred times it


def explore_html(
    fun: Any,
    bounds: Any,
    file: str | Path,
    *,
    start: Any = None,
    learning_rate: float | None = None,
    iterations: int = 50,
    within: Any = None,
    names: Sequence[str] | None = None,
) -> Path:
    """Write a page on which a click starts a descent and sliders change its settings.

    One file of less than 200 kB that needs neither Python nor a network. Function, gradient and all
    first-order rules are thalweg's own, written out as JavaScript, so that descents agree with
    those of `thalweg.minimize` to rounding. The page shows the path, step by step if asked, the
    values on a log axis, why the descent ended, and of two variables a surface that turns.

    Parameters
    ----------
    fun : Objective or callable
        A function of one or two variables that can be traced.
    bounds : sequence of pairs or dict
        What to show, (low, high) for each variable.
    file : str or Path
        Where to write.
    start : array_like or dict, optional
        Where the first descent starts, in the form of the function's points; inside the bounds by
        default.
    learning_rate : float, optional
        Its rate; by default one whose usual step is a twentieth of the bounds' width. The slider
        goes from a hundredth of it to a hundred times it.
    iterations : int, default 50
        Its steps; the slider goes to ten times as many, 500 at least.
    within : optional
        As in `thalweg.minimize`: descents stay inside, by projection.
    names : sequence of str, optional
        The variables' names; the function's own by default.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TraceError
        If the function cannot be traced.
    ValueError
        If it has more than two variables, `bounds`, `start` or `within` does not fit, or the page
        would be too large, since the function holds much data.
    NotImplementedError
        If an operation cannot be written as JavaScript; it is named.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import thalweg as tw
    >>> page = tw.plot.explore_html(lambda x, y: x**2 + 3 * y**2, [(-2, 2), (-2, 2)],
    ...                             Path(tempfile.mkdtemp(), "bowl.html"))
    >>> page.stat().st_size < 200_000
    True
    """
    objective = fun if isinstance(fun, Objective) else _traced(fun, bounds)
    n = objective.n
    if n not in (1, 2) or math.prod(objective.shape) != 1:
        raise ValueError(
            f"the page is for one value of one or two variables, got shape {objective.shape} of "
            f"{n}; tw.objective(f, x0).slice(name=value) holds the others"
        )
    if isinstance(bounds, dict) and objective.structure.form == "dict":
        bounds = {key: bounds[key] for key in objective.structure.keys if key in bounds}
    limits = limits_of(bounds, n, ())
    own = labels(objective, names)
    s = Scene(over_points(objective), slopes_over(objective), own, limits, {})
    first = _start(objective, start, s)
    rate = usual_rate(s) if learning_rate is None else float(learning_rate)
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"learning_rate must be a number > 0, got {learning_rate!r}")
    if isinstance(iterations, bool) or int(iterations) != iterations or iterations < 0:
        raise ValueError(f"iterations must be a whole number >= 0, got {iterations!r}")
    walls = read_bounds(within, objective.structure, first)
    lower, upper = walls or (np.full(n, -np.inf), np.full(n, np.inf))
    told = _told(s) | {
        "start": first.tolist(),
        "rate": rate,
        "rates": _rates(s) | {"gradient_descent": rate},
        "spread": _SPREAD,
        "count": int(iterations),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }
    page = _filled(objective, s, told, max(500, 10 * int(iterations)))
    size = len(page.encode())
    if size >= LARGEST:
        raise ValueError(
            f"a page must have less than {LARGEST} bytes, this one would have {size}: the "
            "function holds too much data, or too many operations"
        )
    path = Path(file)
    path.write_text(page, "utf-8")
    return path


def _traced(fun: Any, box: Any) -> Objective:
    return Objective(fun, point_in(box))


def _filled(objective: Objective, s: Scene, told: dict[str, Any], most: int) -> str:
    """The page, with the function and what is known of it put in."""
    graph, f, slope = objective._graph, objective._f, objective._gradient_node()
    functions = written(
        graph, objective.x_node, {"value": f, "slope": slope}, objective.args,
        {"valueNodes": f, "slopeNodes": slope},
    )  # fmt: skip
    if objective.n == 1:  # a gradient of one element is written as a number
        functions = functions.replace("const slope = ", "const slope1 = ")
        functions += "\nconst slope = x => [slope1(x)];"
    bounded = np.isfinite([told["lower"], told["upper"]]).any()
    # The map's own shape, where the box allows, and margins.
    spans = s.limits[:, 1] - s.limits[:, 0]
    like = spans[0] / spans[1] if objective.n == 2 and spans.max() <= 3 * spans.min() else 4 / 3
    name = objective._name
    formula = infix(graph, f, s.labels)
    parts = {
        "title": html.escape(s.height if name == "<lambda>" else name),
        "formula": html.escape(f"{s.height} = {formula}" if formula else s.height),
        "height": html.escape(s.height),
        "aspect": f"{(500 * like + 68) / (500 + 54):.4f}",
        "most": str(most),
        "functions": functions,
        "rules": rules(objective.n, bool(bounded)),
        "scene": _json(told),
    }
    here = Path(__file__).parent
    scripts = {name: (here / f"page_{name}.js").read_text("utf-8") for name in _SCRIPTS}
    page = _put(here.joinpath("page.html").read_text("utf-8"), scripts)
    return _put(page, parts)


def _put(template: str, parts: dict[str, str]) -> str:
    """A text with ``@name@`` replaced by the parts so called; others stay."""
    return re.sub(r"@(\w+)@", lambda m: parts.get(m[1], m[0]), template)


def _json(value: Any) -> str:
    """Plain data as JavaScript; infinite numbers too, and nothing that could end the script."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(k)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float):
        return literal(value)
    return json.dumps(value).replace("<", "\\u003c")


def _told(s: Scene) -> dict[str, Any]:
    """What the page is told of the function: box, names, levels with a colour each, heights."""
    out: dict[str, Any] = {
        "box": [[float(low), float(high)] for low, high in s.limits],
        "names": s.labels,
        "height": s.height,
    }
    if len(s.labels) == 1:
        low, high = s.limits[0]
        x = np.linspace(low, high, 801)
        y = s.values(x[:, None])
        return out | {"heights": list(heights(y, np.empty(0)))}
    Z = s.grid(_PARTS)[2]
    out["heights"] = list(heights(Z.ravel(), np.empty(0)))
    there = Z[np.isfinite(Z)]
    levels = levels_of(there) if there.size else np.empty(0)
    colors = 255 * np.asarray(canvas.hills()(np.linspace(0, 1, len(levels) + 1)))[:, :3]
    shades = [[round(c) for c in color] for color in colors.tolist()]
    return out | {"levels": levels.tolist(), "shades": shades}


def _start(objective: Objective, start: Any, s: Scene) -> FloatArray:
    """Where the first descent starts: as asked, or where the function has a value."""
    if start is not None:
        row: FloatArray = objective.structure.flatten(start, "start")[1][0]
        if not np.isfinite(row).all():
            raise ValueError(f"start must be finite, got {start!r}")
        return row
    parts = np.asarray([0.85, 0.7, 0.5, 0.3, 0.15])
    points = s.limits[:, 0] + parts[:, None] * (s.limits[:, 1] - s.limits[:, 0])
    there = np.isfinite(s.values(points))
    return np.asarray(points[int(np.argmax(there))])


def usual_rate(s: Scene) -> float:
    """A rate of one digit (1, 2 or 5) whose usual step is a twentieth of the box."""
    axes = [np.linspace(low, high, 21) for low, high in s.limits]
    points = np.column_stack([g.ravel() for g in np.meshgrid(*axes)])
    # Steps are measured in units of the box, whose sides may be of very different lengths.
    sides = s.limits[:, 1] - s.limits[:, 0]
    slopes = np.linalg.norm(s.slopes(points) / sides, axis=1)
    slopes = slopes[np.isfinite(slopes) & (slopes > 0) & np.isfinite(s.values(points))]
    if not slopes.size:
        return 0.1
    return _one_digit(math.sqrt(len(sides)) / 20 / float(np.median(slopes)))


def _one_digit(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above a number."""
    power = 10.0 ** math.floor(math.log10(value))
    digit = max(d for d in (1, 2, 5) if d * power <= value * (1 + 1e-12))
    return float(f"{digit * power:.1e}")


def _rates(s: Scene) -> dict[str, float]:
    """A learning rate for each of the core's rules whose steps are seen in the box.

    The unit that a rule states for its rate says what a step is: of x**2 / f it multiplies the
    gradient, of x it is the step, and without a unit it is a factor of the rule's own step.
    """
    usual, side = usual_rate(s), _one_digit(float(np.min(s.limits[:, 1] - s.limits[:, 0])) / 40)
    found = {}
    for rule in _core.rules():
        hyper = {name: (default, meaning) for name, default, meaning, *_ in rule["hyper"]}
        unit = hyper["learning_rate"][1]
        if "x**2 / f" in unit:  # what is kept of earlier steps adds to each
            found[rule["name"]] = _one_digit(usual * (1 - hyper.get("momentum", (0.0,))[0]))
        else:
            found[rule["name"]] = side if "units of x" in unit else 1.0
    return found
