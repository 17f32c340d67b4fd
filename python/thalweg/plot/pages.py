# SPDX-License-Identifier: BSD-3-Clause
"""Write one self-contained web page on which a function can be explored without Python.

The traced function and its gradient are translated to JavaScript. The page's template is
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

LARGEST = 200_000  # a page has fewer bytes than this
_PARTS = 201  # grid points along each axis from which contour levels are chosen
_SPREAD = 100.0  # the slider ranges from a hundredth of the rate to a hundred times it


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

    The page is one file of less than 200 kB that needs neither Python nor a network. It contains
    the function, its gradient and all first-order rules, translated to JavaScript, so its descents
    agree with those of `thalweg.minimize` up to rounding. It shows the path (all at once or step by
    step), the values on a log axis and why the descent ended. For two variables it also shows a
    surface that can be rotated.

    Parameters
    ----------
    fun : Objective or callable
        A traceable function of one or two variables.
    bounds : sequence of pairs or dict
        The region to show, as a pair (low, high) for each variable.
    file : str or Path
        The file to write.
    start : array_like or dict, optional
        The point where the first descent starts, in the form of the function's points. By default,
        thalweg chooses a point inside `bounds`.
    learning_rate : float, optional
        The learning rate of the first descent. By default, a typical step is a twentieth of the
        width of `bounds`. The slider ranges from a hundredth of the rate to a hundred times it.
    iterations : int, default 50
        The number of steps of the first descent. The slider goes up to ten times as many, and to at
        least 500.
    within : optional
        Bounds that the descents respect by projection, as `bounds` in `thalweg.minimize`.
    names : sequence of str, optional
        Names of the variables. By default, they are the function's own.

    Returns
    -------
    Path
        The path of the file.

    Raises
    ------
    TraceError
        If the function cannot be traced.
    ValueError
        If the function has more than two variables, if `bounds`, `start` or `within` does not match
        it, or if the page would be too large because the function contains much data.
    NotImplementedError
        If an operation of the function cannot be translated to JavaScript. The message names it.

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
            "the function must return one value and have one or two variables, got shape "
            f"{objective.shape} and {n} variables; tw.objective(f, x0).slice(name=value) fixes "
            "variables"
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
    lower, upper = read_bounds(within, objective.structure, first) or (
        np.full(n, -np.inf), np.full(n, np.inf),
    )  # fmt: skip
    data = _scene_data(s) | {
        "start": first.tolist(),
        "rate": rate,
        "rates": _rates(s) | {"gradient_descent": rate},
        "spread": _SPREAD,
        "count": int(iterations),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }
    page = _filled(objective, s, data, max(500, 10 * int(iterations)))
    size = len(page.encode())
    if size >= LARGEST:
        raise ValueError(
            f"a page must have fewer than {LARGEST} bytes, but this one would have {size}: the "
            "function contains too much data or too many operations"
        )
    path = Path(file)
    path.write_text(page, "utf-8")
    return path


def _traced(fun: Any, box: Any) -> Objective:
    return Objective(fun, point_in(box))


def _filled(objective: Objective, s: Scene, data: dict[str, Any], most: int) -> str:
    """Fill in the page's template: the function, the rules and the data that the page needs."""
    graph, f, slope = objective._graph, objective._f, objective._gradient_node()
    functions = written(
        graph, objective.x_node, {"value": f, "slope": slope}, objective.args,
        {"valueNodes": f, "slopeNodes": slope},
    )  # fmt: skip
    if objective.n == 1:  # a gradient of one element is written as a number
        functions = functions.replace("const slope = ", "const slope1 = ")
        functions += "\nconst slope = x => [slope1(x)];"
    bounded = np.isfinite([data["lower"], data["upper"]]).any()
    # The picture has the proportions of the bounds, unless one side is too long, plus margins.
    spans = s.limits[:, 1] - s.limits[:, 0]
    like = spans[0] / spans[1] if objective.n == 2 and spans.max() <= 3 * spans.min() else 4 / 3
    name = objective._name
    formula = infix(graph, f, s.labels)
    parts = {
        "title": html.escape(s.height if name in ("<lambda>", "f") else name),
        "formula": html.escape(f"{s.height} = {formula}" if formula else s.height),
        "height": html.escape(s.height),
        "aspect": f"{(500 * like + 68) / (500 + 54):.4f}",
        "most": str(most),
        "functions": functions,
        "rules": rules(objective.n, bool(bounded)),
        "scene": _json(data),
    }
    here = Path(__file__).parent
    scripts = {name: (here / f"page_{name}.js").read_text("utf-8") for name in _SCRIPTS}
    page = _put(here.joinpath("page.html").read_text("utf-8"), scripts)
    return _put(page, parts)


def _put(template: str, parts: dict[str, str]) -> str:
    """Replace each ``@name@`` in a template by the part of that name; leave unknown names."""
    return re.sub(r"@(\w+)@", lambda m: parts.get(m[1], m[0]), template)


def _json(value: Any) -> str:
    """Write plain data, infinite numbers included, as JavaScript that cannot end the script tag."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(k)}:{_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, float):
        return literal(value)
    return json.dumps(value).replace("<", "\\u003c")


def _scene_data(s: Scene) -> dict[str, Any]:
    """Return the data that the page draws: limits, names, levels with their colours, heights."""
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
    """Return the user's start, or else a point where the function is finite."""
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
    """Return a rate of one digit (1, 2 or 5) with which a typical step is a 20th of the box."""
    axes = [np.linspace(low, high, 21) for low, high in s.limits]
    points = np.column_stack([g.ravel() for g in np.meshgrid(*axes)])
    # Steps are measured in units of the box, because its sides may differ much in length.
    sides = s.limits[:, 1] - s.limits[:, 0]
    slopes = np.linalg.norm(s.slopes(points) / sides, axis=1)
    slopes = slopes[np.isfinite(slopes) & (slopes > 0) & np.isfinite(s.values(points))]
    if not slopes.size:
        return 0.1
    return _one_digit(math.sqrt(len(sides)) / 20 / float(np.median(slopes)))


def _one_digit(value: float) -> float:
    """Round a number down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    digit = max(d for d in (1, 2, 5) if d * power <= value * (1 + 1e-12))
    return float(f"{digit * power:.1e}")


def _rates(s: Scene) -> dict[str, float]:
    """Return a learning rate for each rule of the core with which its steps are visible.

    The unit of a rule's rate determines its meaning. A rate in x**2 / f multiplies the gradient, a
    rate in x is the length of a step, and a rate without a unit scales the rule's own step.
    """
    usual, side = usual_rate(s), _one_digit(float(np.min(s.limits[:, 1] - s.limits[:, 0])) / 40)
    found = {}
    for rule in _core.rules():
        hyper = {name: (default, meaning) for name, default, meaning, *_ in rule["hyper"]}
        unit = hyper.get("learning_rate", (None, ""))[1]
        if "x**2 / f" in unit:  # momentum lengthens the steps, so the rate is smaller
            found[rule["name"]] = _one_digit(usual * (1 - hyper.get("momentum", (0.0,))[0]))
        else:
            found[rule["name"]] = side if "units of x" in unit else 1.0
    return found
