# SPDX-License-Identifier: BSD-3-Clause
"""List the methods and functions that import their code when they are called.

The code of the first group lives in a later room: these are the only exceptions to the order of
imports. The second group is rarely needed, and `import thalweg` does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ATTACHED", "attached"]

# The method, the module of its function, and the function's name there.
ATTACHED = {
    "Method.__call__": ("thalweg._descents.scipy_method", "minimize_as_scipy"),
    "Method.start": ("thalweg._descents.ask_tell", "Dialogue"),
    "Objective.minimizer": ("thalweg._descents.minimizer", "minimizer_of"),
    "Result.plot": ("thalweg.plot", "descent"),
    "Basins.plot": ("thalweg.plot", "basins"),
    "Sweep.plot": ("thalweg.plot", "sweep"),
    "Fits.plot": ("thalweg.plot", "maps"),
    # What fits say.
    "Fits.dof": ("thalweg._inference.statistics", "dof"),
    "Fits.chi2": ("thalweg._inference.statistics", "chi2"),
    "Fits.reduced_chi2": ("thalweg._inference.statistics", "reduced_chi2"),
    "Fits.aic": ("thalweg._inference.statistics", "aic"),
    "Fits.bic": ("thalweg._inference.statistics", "bic"),
    "Fits.r2": ("thalweg._inference.statistics", "r2"),
    "Fits.correlations": ("thalweg._inference.statistics", "correlations"),
    "Fits.condition": ("thalweg._inference.statistics", "condition"),
    "Fits.fitted": ("thalweg._inference.statistics", "fitted"),
    "Fits.residuals": ("thalweg._inference.statistics", "residuals"),
    "Fit": ("thalweg._inference.fit", "Fit"),
    "Fits.predict": ("thalweg._inference.prediction", "predict"),
    "Fits.interval": ("thalweg._inference.intervals", "interval"),
    "Fits.profile": ("thalweg._inference.profiles", "profile"),
    "Fits.contour": ("thalweg._inference.profiles", "contour"),
    "Fits.bootstrap": ("thalweg._inference.bootstrap", "bootstrap"),
    "Profile.plot": ("thalweg.plot.confidence", "profile"),
    "Contour.plot": ("thalweg.plot.confidence", "region"),
    "ResidualInferences._evidence": ("thalweg._inference.residuals", "evidence"),
    "Fits.report": ("thalweg._inference.report", "report"),
    "Statistics.save": ("thalweg._files.results", "save"),
    "Fits.to_dataframe": ("thalweg._files.labelled", "described"),
    "Fits.from_dataframe": ("thalweg._files.labelled", "from_dataframe"),
    "Fits.to_xarray": ("thalweg._files.labelled", "to_xarray"),
    "Fits.from_xarray": ("thalweg._files.labelled", "from_xarray"),
    "fit_many(shared=)": ("thalweg._together.joint_fit", "fit_shared"),
    "fit_many(dask)": ("thalweg._distributed.fit_lazily", "fit_lazily"),
    # Rarely needed.
    "Objective.slice": ("thalweg._objectives.slicing", "sliced"),
    "Objective.__reduce__": ("thalweg._objectives.saving", "saved_objective"),
    "restore_objective": ("thalweg._objectives.saving", "restore"),
    "Curve.__add__": ("thalweg.models.combined", "combined"),
    "minimize(data=)": ("thalweg._descents.training", "train"),
}


def attached(method: str) -> Any:
    """Import the function that does the work of a method."""
    module, name = ATTACHED[method]
    return getattr(import_module(module), name)
