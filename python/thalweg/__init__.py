# SPDX-License-Identifier: BSD-3-Clause
"""thalweg minimizes NumPy functions: traced once, differentiated, and descended in C++."""

from typing import TYPE_CHECKING, Any

from thalweg import methods as _methods
from thalweg import schedules
from thalweg._version import __version__
from thalweg.bounds import Bounds
from thalweg.config import show_config
from thalweg.errors import TraceError
from thalweg.methods import methods
from thalweg.minimize import State, minimize
from thalweg.objective import Objective, objective
from thalweg.reasons import Reason
from thalweg.result import Result
from thalweg.transforms import (
    GradientCheck,
    check_grad,
    grad,
    hessian,
    hvp,
    jacobian,
    value_and_grad,
)

if TYPE_CHECKING:
    from thalweg import losses, nn, plot
    from thalweg.endings import LeastSquares
    from thalweg.fit import curve_fit
    from thalweg.fit_information import OptimizeWarning
    from thalweg.fit_many import curve_fit_many
    from thalweg.fits import Fits
    from thalweg.leastsq import least_squares
    from thalweg.leastsq_many import LeastSquaresMany, least_squares_many
    from thalweg.many import minimize_many
    from thalweg.maps import Basins, basins
    from thalweg.minima import Minima
    from thalweg.models import Model, model
    from thalweg.multistarts import multistart
    from thalweg.results import Results
    from thalweg.sweeps import Sweep, Verdict, sweep
    from thalweg.symbolic import formula, from_sympy
    from thalweg.tangents import Tangent, tangent

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

# A method that is added to the core's list is here without another line.
for _class in _methods.classes.values():
    globals().setdefault(_class.__name__, _class)

# What not every descent needs is imported when first asked for.
_LATER = {
    "Basins": "maps",
    "Fits": "fits",
    "LeastSquares": "endings",
    "LeastSquaresMany": "leastsq_many",
    "Minima": "minima",
    "Model": "models",
    "OptimizeWarning": "fit_information",
    "Results": "results",
    "Sweep": "sweeps",
    "Tangent": "tangents",
    "Verdict": "sweeps",
    "basins": "maps",
    "curve_fit": "fit",
    "curve_fit_many": "fit_many",
    "formula": "symbolic",
    "from_sympy": "symbolic",
    "least_squares": "leastsq",
    "least_squares_many": "leastsq_many",
    "minimize_many": "many",
    "model": "models",
    "multistart": "multistarts",
    "sweep": "sweeps",
    "tangent": "tangents",
}


def __getattr__(name: str) -> Any:
    """Import a submodule that not everyone needs when it is first asked for."""
    if name in ("losses", "nn", "plot"):
        from importlib import import_module

        return import_module(f"thalweg.{name}")
    if name in _LATER:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"thalweg.{_LATER[name]}"), name)
        return found
    raise AttributeError(f"module 'thalweg' has no attribute {name!r}")


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
    "Fits",
    "GradientCheck",
    "GradientDescent",
    "LeastSquares",
    "LeastSquaresMany",
    "Lion",
    "Minima",
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
    "State",
    "Steepest",
    "Sweep",
    "Tangent",
    "TraceError",
    "Verdict",
    "__version__",
    "basins",
    "check_grad",
    "curve_fit",
    "curve_fit_many",
    "formula",
    "from_sympy",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "least_squares",
    "least_squares_many",
    "losses",
    "methods",
    "minimize",
    "minimize_many",
    "model",
    "multistart",
    "nn",
    "objective",
    "plot",
    "schedules",
    "show_config",
    "sweep",
    "tangent",
    "value_and_grad",
]
