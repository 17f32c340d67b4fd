# SPDX-License-Identifier: BSD-3-Clause
"""Published test problems as NumPy functions: More, Garbow and Hillstrom's, and NIST's fits.

Formulas are strings in tests/data, which is trusted: they are evaluated as Python.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FITS", "MGH", "MGH_BY_NAME", "NIST", "NIST_ALL", "Fit", "Problem"]

FloatArray = npt.NDArray[np.float64]
Function = Callable[[Any], Any]
DATA = Path(__file__).parents[1] / "data"

SOLVED = 1e-8  # f - f* <= this max(1, |f*|)

_NUMPY = {
    name: getattr(np, name)
    for name in (
        "arange", "arctan", "array", "cos", "exp", "eye", "log", "pi", "sin", "sqrt", "where",
    )
}  # fmt: skip
_VECTORS = _NUMPY | {"sum": np.sum, "prod": np.prod}
_SCALARS = _NUMPY | {
    "sum": sum,
    "prod": lambda factors: functools.reduce(operator.mul, factors),
}


@dataclass(frozen=True)
class Problem:
    """One of More, Garbow and Hillstrom's problems.

    Attributes
    ----------
    number : int
        In the paper.
    function, residuals : callable
        Of x (n,): the value, and the list of m residuals whose squares it sums.
    x0 : ndarray (n,)
        The standard start.
    f_x0 : float
        The value there.
    minima : tuple of float
        Values of the published minima, the lowest first.
    x_min : ndarray (n,) or None
        Where the lowest is, if known.
    scipy : dict
        What SciPy reaches from the standard start, and in how many evaluations.
    """

    number: int
    name: str
    function: Function
    residuals: Function
    x0: FloatArray
    f_x0: float
    minima: tuple[float, ...]
    x_min: FloatArray | None
    scipy: dict[str, Any]

    def __str__(self) -> str:
        return self.name

    def solved(self, f: float) -> bool:
        """Whether f is that of a published minimum."""
        lowest = self.minima[0]
        if not f - lowest > SOLVED * max(1.0, abs(lowest)):
            return bool(np.isfinite(f))
        return any(abs(f - m) <= SOLVED * max(1.0, abs(m)) for m in self.minima[1:])


@dataclass(frozen=True)
class Fit:
    """One of NIST's nonlinear regressions, as a sum of squares.

    Attributes
    ----------
    model : callable
        Of b (p,): the values at x, (m,).
    y : ndarray (m,)
    starts : tuple of ndarray (p,)
        The first is far away, the second near.
    b : ndarray (p,)
        Certified parameters.
    rss : float
        Certified residual sum of squares.
    """

    name: str
    model: Function
    y: FloatArray
    starts: tuple[FloatArray, ...]
    b: FloatArray
    rss: float

    def __str__(self) -> str:
        return self.name

    def residuals(self, b: Any) -> Any:
        return self.model(b) - self.y

    def function(self, b: Any) -> Any:
        """The sum of squares."""
        return np.sum(self.residuals(b) ** 2)

    def digits(self, b: FloatArray) -> float:
        """Digits to which every parameter agrees with the certified ones, at most 11."""
        error = float(np.max(np.abs(np.asarray(b) - self.b) / np.abs(self.b)))
        if np.isnan(error):
            return 0.0
        return 11.0 if error == 0 else float(np.clip(-np.log10(error), 0.0, 11.0))


def _function(source: str, names: dict[str, Any], arguments: Iterable[str], label: str) -> Function:
    """A function of the arguments from an expression."""
    code = compile(f"lambda {', '.join(arguments)}: {source}", label, "eval")
    function: Function = eval(code, {"__builtins__": {"range": range}, **names})
    return function


def _problem(d: dict[str, Any]) -> Problem:
    constants: dict[str, Any] = {"n": d["n"], "m": d["m"]}
    for name, source in d["const"].items():
        constants[name] = _function(source, _VECTORS | constants, (), d["name"])()
    refined = (d["f_min_refined"] or {}).get("f", d["f_min"])
    local = [m.get("refined", m)["f"] for m in d["local_minima"]]
    x_min = d["x_min"] or (d["f_min_refined"] or {}).get("x")
    return Problem(
        d["number"], d["name"],
        _function(d["formula"], _VECTORS | constants, "x", d["name"]),
        _function(d["residuals"], _SCALARS | constants, "x", d["name"]),
        np.array(d["x0"]), d["f_x0"], tuple(map(float, (refined, *local))),
        None if x_min is None else np.array(x_min, dtype=np.float64), d["scipy"],
    )  # fmt: skip


def _fit(d: dict[str, Any]) -> Fit:
    parameters = [f"b{k + 1}" for k in range(len(d["certified"]["b"]))]
    predictors = dict(zip(d.get("x_names", ["x"]), np.atleast_2d(d["x"]), strict=True))
    model = _function(d["model"], _VECTORS | predictors, parameters, d["name"])
    return Fit(
        d["name"], lambda b: model(*(b[k] for k in range(len(parameters)))), np.array(d["y"]),
        tuple(map(np.array, d["starts"])), np.array(d["certified"]["b"]), d["certified"]["rss"],
    )  # fmt: skip


MGH = [_problem(d) for d in json.loads((DATA / "mgh.json").read_text("utf-8"))]
MGH_BY_NAME = {p.name: p for p in MGH}
FITS = [_fit(json.loads(p.read_text("utf-8"))) for p in sorted((DATA / "nist").glob("*.json"))]
# Every fit from both starts.
NIST = [(fit, k) for fit in FITS for k in range(len(fit.starts))]
# The collection's others too: 27 fits, 54 runs.
_MORE = json.loads((DATA / "nist_more.json").read_text("utf-8"))
NIST_ALL = NIST + [(fit, k) for fit in map(_fit, _MORE) for k in range(len(fit.starts))]
