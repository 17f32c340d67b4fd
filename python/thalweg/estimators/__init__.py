# SPDX-License-Identifier: BSD-3-Clause
"""Estimators for scikit-learn whose losses are functions written in NumPy.

They follow scikit-learn's conventions: pipelines, grids, clones and pickles work as with its own.
They need scikit-learn, ``pip install "thalweg[sklearn]"``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thalweg.estimators.classifier import LossClassifier
    from thalweg.estimators.cross_validated import LossRegressorCV
    from thalweg.estimators.curve import CurveRegressor
    from thalweg.estimators.regressor import LossRegressor

# Imported on first use, so that `from thalweg import *` works without scikit-learn.
_LATER = {
    "CurveRegressor": "curve",
    "LossClassifier": "classifier",
    "LossRegressor": "regressor",
    "LossRegressorCV": "cross_validated",
}


def __getattr__(name: str) -> Any:
    """Import an estimator on first use."""
    if name not in _LATER:
        raise AttributeError(f"module 'thalweg.estimators' has no attribute {name!r}")
    try:
        module = import_module(f"thalweg.estimators.{_LATER[name]}")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "sklearn":
            raise
        raise ImportError(
            f"{name} needs scikit-learn; install it with pip install 'thalweg[sklearn]'"
        ) from missing
    found = globals()[name] = getattr(module, name)
    return found


__all__ = ["CurveRegressor", "LossClassifier", "LossRegressor", "LossRegressorCV"]
