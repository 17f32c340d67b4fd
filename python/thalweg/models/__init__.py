# SPDX-License-Identifier: BSD-3-Clause
"""Ready models of data: named parameters, bounds, and starts that are computed from the data.

``(tw.models.Gaussian() + tw.models.Line()).fit(x, y)`` fits a peak on a sloping baseline. A model
is a function ``f(x, a, b, ...)`` for `thalweg.curve_fit` and its kin, too. Where lmfit has a model
of the same name, formula and parameters are the same.
"""

from __future__ import annotations

from typing import Any

from thalweg.models.combined import Composite, Function
from thalweg.models.curve import Curve
from thalweg.models.peaks import (
    BreitWigner,
    ExponentialGaussian,
    Gaussian,
    Lognormal,
    Lorentzian,
    Moffat,
    PseudoVoigt,
    SkewedGaussian,
    SplitLorentzian,
    Voigt,
)
from thalweg.models.planes import Gaussian2D
from thalweg.models.responses import BET, Hill, Langmuir, Logistic, MichaelisMenten, Step
from thalweg.models.trends import (
    Arrhenius,
    BiExponential,
    Constant,
    Exponential,
    Line,
    Polynomial,
    PowerLaw,
    StretchedExponential,
)
from thalweg.models.waves import DampedSine, Sine

__all__ = [
    "BET", "Arrhenius", "BiExponential", "BreitWigner", "Composite", "Constant", "Curve",
    "DampedSine", "Exponential", "ExponentialGaussian", "Function", "Gaussian", "Gaussian2D",
    "Hill", "Langmuir", "Line", "Logistic", "Lognormal", "Lorentzian", "MichaelisMenten", "Moffat",
    "Polynomial", "PowerLaw", "PseudoVoigt", "Sine", "SkewedGaussian", "SplitLorentzian", "Step",
    "StretchedExponential", "Voigt",
]  # fmt: skip

# What lmfit calls by another name, without its ending "Model".
_OTHERS = {"Linear": "Line", "Quadratic": "Polynomial", "Gaussian2d": "Gaussian2D"}


def __getattr__(name: str) -> Any:
    """Name the model that is meant by one of lmfit's names."""
    short = name.removesuffix("Model")
    short = _OTHERS.get(short, short)
    hint = f": lmfit's {name} is {short} here" if name != short and short in __all__ else ""
    raise AttributeError(f"module 'thalweg.models' has no attribute {name!r}{hint}")
