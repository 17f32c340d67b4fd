# SPDX-License-Identifier: BSD-3-Clause
"""Save results of fits, and load them: which parts of each kind, and what they must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from math import prod
from typing import Any

import numpy as np

from thalweg._files.container import BadFileError, Saved, read, write
from thalweg._fits.arguments_many import model_elsewhere, name_of
from thalweg._fits.endings import LeastSquares
from thalweg._fits.fits import Fits, OneFit
from thalweg._fits.least_squares_many import LeastSquaresMany, OneSquares
from thalweg._fits.model import Model
from thalweg._fits.running import ManyProblem
from thalweg._fits.settings import FitKind, ManyFitSettings
from thalweg._inference.fit import Fit
from thalweg._inference.residuals import evidence
from thalweg._parameters.named import plan_of
from thalweg._results.collection import mapped
from thalweg._results.inferences import Statistics
from thalweg._results.reasons import Reason
from thalweg._together.joint import Joint, SharedFits

__all__ = ["about_of", "fits_of", "load", "model_for", "parts_of", "said_of", "save"]

# What is known about fits, besides the model and the data.
_ABOUT = ("max_nfev", "free", "rows", "priors", "flat", "init", "name", "whitened", "fixed", "tied",
          "sigma")  # fmt: skip
# The errors of the data differ, and are not saved.
_EACH = "each"
_RECORDS: dict[str, Any] = {"LeastSquares": LeastSquares, "Joint": Joint}


def save(result: Statistics, file: Any) -> None:
    """Save a result in a file."""
    write(file, _saved(result))


def load(file: Any, model: Any = None) -> Any:
    """Load what was saved with the method `save` of a result.

    Parameters
    ----------
    file : path or binary file
        The npz file.
    model : callable or Model, optional
        The function ``f(x, a, b, ...)`` of fits, which files do not hold. With it, fits predict.

    Returns
    -------
    Fit, Fits, SharedFits, LeastSquares or LeastSquaresMany
        What was saved, or one of many.

    Raises
    ------
    ValueError
        If the file is damaged, was not saved by thalweg, or was saved by a newer version; or if the
        model has other parameters, or is given for residuals.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    A file is an npz of plain arrays, under the names that they have in the result, with a header in
    JSON. `numpy.load` reads it too. Nothing in it is run, so that files of others can be opened.

    It holds no model and no data. `residuals`, `fitted`, `condition` of fits, intervals by the
    profile and ``predict()`` at the data need the fit again. The rest of what is said remains.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import thalweg as tw
    >>> def decay(x, a, b):
    ...     return a * np.exp(-b * x)
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> y = np.array([[1.0], [2.0]]) * np.exp(-1.3 * x) + 0.01 * np.cos(7.0 * x)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tw.curve_fit_many(decay, x, y).save(Path(folder, "map.npz"))
    ...     fits = tw.load(Path(folder, "map.npz"), model=decay)
    >>> fits["a"].round(2), fits.predict([0.0, 1.0]).round(2)
    (array([1.01, 2.01]), array([[1.01, 0.27],
           [2.01, 0.54]]))
    """
    saved = read(file)
    make = _MAKERS.get(saved.kind)
    if make is None:
        raise BadFileError(f"the file holds {saved.kind!r}, which this version does not know")
    try:
        result = make(saved.value)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise BadFileError(f"the file is damaged: it is no {saved.kind} ({said})") from None
    return result if model is None else _with_model(result, model)


# ---- saving


def _saved(result: Any) -> Saved:
    """Return what is saved of a result."""
    if isinstance(result, LeastSquares):
        return Saved("LeastSquares", _record(result))
    if isinstance(result, OneSquares):
        return Saved("OneSquares", _of_squares(result._alone))
    if isinstance(result, LeastSquaresMany):
        return Saved("LeastSquaresMany", _of_squares(result))
    kind = "Fit" if isinstance(result, Fit) else type(result).__name__
    return Saved(kind, parts_of(result._evidence()))


def _record(record: Any) -> dict[str, Any]:
    """Return the fields of a record; a reason is its name."""
    entries = {f.name: getattr(record, f.name) for f in fields(record)}
    return {k: v.name if isinstance(v, Reason) else v for k, v in entries.items()}


def about_of(fits: Fits) -> dict[str, Any]:
    """Return what statistics must know about fits, besides their arrays."""
    about = {name: fits._about[name] for name in _ABOUT if name in fits._about}
    if "kind" in fits._about:
        about["kind"] = list(fits._about["kind"])
    if "joint" in fits._about:
        about["joint"] = _record(fits._about["joint"])
    return about | (said_of(*fits._about["source"]) if "source" in fits._about else {})


def said_of(problem: ManyProblem, settings: ManyFitSettings) -> dict[str, Any]:
    """Return what is known of fits by their arguments."""
    plan = plan_of(problem.names, settings.fixed, settings.ties)
    about: dict[str, Any] = {
        "fixed": list(plan.fixed), "tied": [tie.position for tie in plan.ties],
        "name": problem.name,
    }  # fmt: skip
    if (sigma := settings.sigma) is not None:
        about["sigma"] = float(np.reshape(sigma, ())) if prod(np.shape(sigma)) == 1 else _EACH
    return about


def model_for(
    names: list[str], shape: tuple[int, ...], about: dict[str, Any], elsewhere: Any, name: str
) -> tuple[ManyProblem, ManyFitSettings]:
    """Return the model of fits without their data, and settings with which it predicts."""
    held = [names[k] for k in (*about.get("fixed", ()), *about.get("tied", ()))]
    poisson = bool("kind" in about and about["kind"].poisson)
    problem = ManyProblem(
        values=lambda *_: None, names=names, data=np.broadcast_to(np.nan, (*shape, 1)),
        start=None, elsewhere=elsewhere, name=name,
    )  # fmt: skip
    sigma = about.get("sigma")
    settings = ManyFitSettings(
        fixed=tuple(held) or None, sigma=np.full(2, np.nan) if sigma == _EACH else sigma,
        likelihood="poisson" if poisson else "gaussian",
    )  # fmt: skip
    return problem, settings


def parts_of(fits: Fits) -> dict[str, Any]:
    """Return what is saved of fits: arrays, shape, and what messages and statistics are made of."""
    about = about_of(fits)
    own = {name: np.asarray(values) for name, values in fits._own.items() if name != "lane"}
    if "source" in fits._about:  # with a loss or priors, these need the data
        if about["kind"][2]:
            own["chi2"] = np.asarray(fits.chi2)
        if about["kind"][2] or about.get("priors"):
            own["r2"] = np.asarray(fits.r2)
    shared = {name: fits._shared[name] for name in ("names", "elapsed") if name in fits._shared}
    arrays = {name: np.asarray(values) for name, values in fits._arrays.items()}
    return {"arrays": arrays, "shape": fits.shape, "shared": shared, "own": own,
            "about": about}  # fmt: skip


def _of_squares(result: LeastSquaresMany) -> dict[str, Any]:
    about = {k: result._about[k] for k in ("max_nfev", "names", "rows") if k in result._about}
    own = {name: np.asarray(values) for name, values in result._own.items() if name != "lane"}
    if "source" in result._about:
        said = evidence(result)
        about["rows"] = said._about["rows"]
        own |= {"pcov": said.pcov, "chi2": said._own["chi2"], "condition": said._own["condition"]}
    arrays = {name: mapped(value, np.asarray) for name, value in result._arrays.items()}
    return {"arrays": arrays, "shape": result.shape, "shared": result._shared, "own": own,
            "about": about}  # fmt: skip


# ---- loading


def _checked(value: Any) -> tuple[dict[str, Any], tuple[int, ...], dict[str, Any]]:
    """Return the arrays, the shape and the rest of many results."""
    shape = tuple(value["shape"])
    arrays, reason = value["arrays"], value["arrays"]["reason"]
    if reason.shape != shape or reason.dtype != np.int8:
        raise ValueError(f"reason must be int8 of shape {shape}")
    if reason.size and not (reason.min() >= 0 and reason.max() < len(Reason)):
        raise ValueError("reason must be that of a descent")
    for name in {"success", "determined"} & set(arrays):
        if arrays[name].shape != shape or arrays[name].dtype != np.bool_:
            raise ValueError(f"{name} must be bool of shape {shape}")
    return arrays, shape, value


def fits_of(value: Any, kind: type[Fits] = Fits) -> Fits:
    """Return fits from their parts, which are checked."""
    arrays, shape, rest = _checked(value)
    names, about = rest["shared"]["names"], dict(rest["about"])
    p = len(names)
    if not all(type(name) is str for name in names):
        raise ValueError("names must be text")
    for name, own in (("popt", (p,)), ("pcov", (p, p)), ("perr", (p,)), ("cost", ())):
        if name in arrays and (arrays[name].dtype.kind, arrays[name].shape) != ("f", shape + own):
            raise ValueError(f"{name} must be floats of shape {shape + own}")
    for name in ("free", "fixed", "tied"):
        if not all(type(i) is int and 0 <= i < p for i in about.get(name, [])):
            raise ValueError(f"{name} must be places of parameters")
    if "kind" in about:
        about["kind"] = FitKind(*map(bool, about["kind"]))
    if "joint" in about:
        about["joint"] = _of_record("Joint", about["joint"])
    if kind is SharedFits and "joint" not in about:
        raise ValueError("joint is missing")
    return kind(arrays, shape, rest["shared"], rest["own"], about)


def _squares(value: Any) -> LeastSquaresMany:
    arrays, shape, rest = _checked(value)
    n = len(rest["about"]["names"])
    wanted = {"open": (n,), "left": (), "right": ()}
    wanted |= {"pcov": (n, n), "chi2": (), "condition": ()} if "rows" in rest["about"] else {}
    for name, own in wanted.items():
        if rest["own"][name].shape != shape + own:
            raise ValueError(f"{name} must have shape {shape + own}")
    return LeastSquaresMany(arrays, shape, rest["shared"], rest["own"], rest["about"])


def _least_squares(value: Any) -> LeastSquares:
    found: LeastSquares = _of_record("LeastSquares", value)
    m, n = found.jac.shape
    if found.fun.shape != (m,) or not np.size(evidence(found).popt) == n:
        raise ValueError("the shapes of x, fun and jac do not fit each other")
    return found


def _of_record(kind: str, value: Any) -> Any:
    return _RECORDS[kind](**value | {"reason": Reason[value["reason"]]})


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "Fit": lambda value: Fit.alone(fits_of(value)),
    "Fits": fits_of,
    "OneFit": lambda value: fits_of(value)[()],
    "SharedFits": lambda value: fits_of(value, SharedFits),
    "LeastSquares": _least_squares,
    "LeastSquaresMany": _squares,
    "OneSquares": lambda value: _squares(value)[()],
}


def _with_model(result: Any, model: Any) -> Any:
    """Return fits that predict by a function."""
    fits = result._evidence() if isinstance(result, Fit | Fits | OneFit) else None
    if fits is None:
        raise ValueError(f"model is for fits, but the file holds {type(result).__name__}")
    f = model._f if isinstance(model, Model) else model
    if not callable(f):
        raise TypeError(f"model must be a function f(x, a, b, ...), got {type(model).__name__}")
    names, about = list(fits.names), fits._about
    if isinstance(model, Model) and list(model.names) != names:
        raise ValueError(f"model must have the parameters {names}, got {list(model.names)}")
    about["elsewhere"] = model_for(names, fits.shape, about, model_elsewhere(f), name_of(f))
    return result
