# SPDX-License-Identifier: BSD-3-Clause
"""Minimize functions written in NumPy: trace them once, differentiate them, descend in C++."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from thalweg import schedules
from thalweg._descents.minimize import State, minimize
from thalweg._methods import method as _methods
from thalweg._methods.method import methods
from thalweg._objectives.bounds import Bounds
from thalweg._objectives.making import objective
from thalweg._objectives.objective import Objective
from thalweg._results.reasons import Reason
from thalweg._results.result import Result
from thalweg._tracing.errors import TraceError
from thalweg._version import __version__

if TYPE_CHECKING:
    from thalweg import estimators, gallery, losses, models, nn, plot, stats, xarray
    from thalweg._config import show_config
    from thalweg._descents.basins import Basins, basins
    from thalweg._descents.minima import Minima
    from thalweg._descents.minimize_many import minimize_many
    from thalweg._descents.minimizer import Minimizer
    from thalweg._descents.multistart import multistart
    from thalweg._descents.sweep import Sweep, Verdict, sweep
    from thalweg._fits.curve_fit import curve_fit
    from thalweg._fits.curve_fit_many import curve_fit_many
    from thalweg._fits.endings import LeastSquares
    from thalweg._fits.fits import Fits
    from thalweg._fits.information import OptimizeWarning
    from thalweg._fits.least_squares import least_squares
    from thalweg._fits.least_squares_many import LeastSquaresMany, least_squares_many
    from thalweg._fits.model import Model, model
    from thalweg._formulas.symbolic import formula, from_sympy
    from thalweg._inference.fit import Fit
    from thalweg._objectives.transforms import (
        GradientCheck,
        check_grad,
        grad,
        hessian,
        hvp,
        jacobian,
        value_and_grad,
    )
    from thalweg._results.results import Results
    from thalweg._results.tangent import Tangent, tangent
    from thalweg._together.fit_together import fit_together
    from thalweg._together.joint import Joint, SharedFits, Together
    from thalweg._tracing.loops import fori, scan
    from thalweg._tracing.outside import call, custom

GradientDescent = _methods.classes["gradient_descent"]
Momentum = _methods.classes["momentum"]
Nesterov = _methods.classes["nesterov"]
AdaGrad = _methods.classes["adagrad"]
RMSProp = _methods.classes["rmsprop"]
AdaDelta = _methods.classes["adadelta"]
Adam = _methods.classes["adam"]
AdamW = _methods.classes["adamw"]
AMSGrad = _methods.classes["amsgrad"]
NAdam = _methods.classes["nadam"]
AdaMax = _methods.classes["adamax"]
Lion = _methods.classes["lion"]
Rprop = _methods.classes["rprop"]
Compass = _methods.classes["compass"]
Steepest = _methods.classes["steepest"]
CG = _methods.classes["cg"]
BFGS = _methods.classes["bfgs"]
LBFGS = _methods.classes["lbfgs"]
Newton = _methods.classes["newton"]
NewtonCG = _methods.classes["newton_cg"]
LM = _methods.classes["lm"]

# A method that is added to the core's list appears here without another line.
for _class in _methods.classes.values():
    globals().setdefault(_class.__name__, _class)

# These names are imported on first use, which keeps `import thalweg` fast.
_LATER = {
    "Basins": "_descents.basins",
    "Fit": "_inference.fit",
    "Fits": "_fits.fits",
    "GradientCheck": "_objectives.transforms",
    "Joint": "_together.joint",
    "LazyFits": "_distributed.lazy_fits",
    "LeastSquares": "_fits.endings",
    "LeastSquaresMany": "_fits.least_squares_many",
    "Minima": "_descents.minima",
    "Minimizer": "_descents.minimizer",
    "Model": "_fits.model",
    "OptimizeWarning": "_fits.information",
    "Results": "_results.results",
    "SharedFits": "_together.joint",
    "Sweep": "_descents.sweep",
    "Tangent": "_results.tangent",
    "Together": "_together.joint",
    "Verdict": "_descents.sweep",
    "basins": "_descents.basins",
    "call": "_tracing.outside",
    "check_grad": "_objectives.transforms",
    "curve_fit": "_fits.curve_fit",
    "custom": "_tracing.outside",
    "curve_fit_many": "_fits.curve_fit_many",
    "fit_together": "_together.fit_together",
    "fori": "_tracing.loops",
    "formula": "_formulas.symbolic",
    "from_sympy": "_formulas.symbolic",
    "grad": "_objectives.transforms",
    "hessian": "_objectives.transforms",
    "hvp": "_objectives.transforms",
    "jacobian": "_objectives.transforms",
    "least_squares": "_fits.least_squares",
    "least_squares_many": "_fits.least_squares_many",
    "load": "_files.results",
    "minimize_many": "_descents.minimize_many",
    "model": "_fits.model",
    "multistart": "_descents.multistart",
    "scan": "_tracing.loops",
    "show_config": "_config",
    "sweep": "_descents.sweep",
    "tangent": "_results.tangent",
    "value_and_grad": "_objectives.transforms",
}


def __getattr__(name: str) -> Any:
    """Import a public name or submodule on first use."""
    if name in ("estimators", "gallery", "losses", "models", "nn", "plot", "stats", "xarray"):
        return import_module(f"thalweg.{name}")
    if name in _LATER:
        found = globals()[name] = getattr(import_module(f"thalweg.{_LATER[name]}"), name)
        return found
    raise AttributeError(f"module 'thalweg' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


__all__ = [
    "BFGS",
    "CG",
    "LBFGS",
    "LM",
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamW",
    "Basins",
    "Bounds",
    "Compass",
    "Fit",
    "Fits",
    "GradientCheck",
    "GradientDescent",
    "Joint",
    "LazyFits",
    "LeastSquares",
    "LeastSquaresMany",
    "Lion",
    "Minima",
    "Minimizer",
    "Model",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Newton",
    "NewtonCG",
    "Objective",
    "OptimizeWarning",
    "RMSProp",
    "Reason",
    "Result",
    "Results",
    "Rprop",
    "SharedFits",
    "State",
    "Steepest",
    "Sweep",
    "Tangent",
    "Together",
    "TraceError",
    "Verdict",
    "__version__",
    "basins",
    "call",
    "check_grad",
    "curve_fit",
    "curve_fit_many",
    "custom",
    "estimators",
    "fit_together",
    "fori",
    "formula",
    "from_sympy",
    "gallery",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "least_squares",
    "least_squares_many",
    "load",
    "losses",
    "methods",
    "minimize",
    "minimize_many",
    "model",
    "models",
    "multistart",
    "nn",
    "objective",
    "plot",
    "scan",
    "schedules",
    "show_config",
    "stats",
    "sweep",
    "tangent",
    "value_and_grad",
    "xarray",
]
