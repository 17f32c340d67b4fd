# SPDX-License-Identifier: BSD-3-Clause
"""Estimators for scikit-learn whose losses are functions written in NumPy.

They follow scikit-learn's conventions: pipelines, grids, clones and pickles work as with its own.
They need scikit-learn, ``pip install "thalweg[sklearn]"``.
"""

try:
    import sklearn as _sklearn
except ImportError as missing:
    raise ImportError(
        'tw.estimators needs scikit-learn; install it with pip install "thalweg[sklearn]"'
    ) from missing

from thalweg.estimators.classifier import LossClassifier
from thalweg.estimators.cross_validated import LossRegressorCV
from thalweg.estimators.curve import CurveRegressor
from thalweg.estimators.regressor import LossRegressor

del _sklearn

__all__ = ["CurveRegressor", "LossClassifier", "LossRegressor", "LossRegressorCV"]
