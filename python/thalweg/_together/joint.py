# SPDX-License-Identifier: BSD-3-Clause
"""Define what a fit with shared parameters returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg._fits.fits import Fits
from thalweg._objectives.points import FloatArray
from thalweg._results.reasons import Reason
from thalweg._results.record import Record, seconds, text

__all__ = ["Joint", "SharedFits", "Together"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Joint(Record):
    """What data sets that are fitted together have in common.

    Attributes
    ----------
    shared : dict
        The values of the shared parameters by name.
    errors : dict
        Their standard errors by name.
    names : list of str
        Their names, in the order of `covariance`.
    covariance : ndarray (q, q)
        Their covariance, which allows for the errors of all local parameters. Its entries are NaN
        for parameters at a bound, and infinite if the data do not determine the parameters.
    cost : float
        Half the sum of the losses of the squared residuals of all sets.
    dof : int
        The degrees of freedom: the data minus all fitted parameters that are not at a bound.
    reduced_chi2 : float
        Twice the cost, divided by `dof`.
    reason : Reason
        Why the descent of the shared parameters ended.
    success : bool
        Whether they converged.
    message : str
        The reason as a sentence, with both sides of the inequality that decided it.
    determined : bool
        Whether the data determine every shared parameter; `message` names those that they do not.
    nit, nfev : int
        The numbers of steps of the shared parameters, and of joint evaluations of all sets.
    elapsed : float
        The duration of the call in seconds.
    """

    shared: dict[str, float]
    errors: dict[str, float]
    names: list[str]
    covariance: FloatArray
    cost: float
    dof: int
    reduced_chi2: float
    reason: Reason
    success: bool
    message: str
    determined: bool
    nit: int
    nfev: int
    elapsed: float = 0.0

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("message", self.message),
            ("success", f"{self.success}    reason: {self.reason}"),
            ("shared", self._values()),
            ("cost", f"{text(self.cost)}    reduced chi2: {self.reduced_chi2:.6g}"),
            ("nit", f"{self.nit}    nfev: {self.nfev}"),
            ("elapsed", seconds(self.elapsed)),
        ]

    def _values(self) -> str:
        return "\n".join(
            f"{name} = {value:.6g} ± {self.errors[name]:.2g}" for name, value in self.shared.items()
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Together(Joint):
    """The result of `thalweg.fit_together`: the shared parameters, and the fits of each model.

    The attributes are those of `Joint`, and `fits`, a list with one `Fits` for each model.
    ``result[0]`` is the first of them.
    """

    fits: tuple[Fits, ...] = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer):
            return self.fits[key]
        return super(Together, self).__getitem__(key)

    def _rows(self) -> list[tuple[str, str]]:
        rows = super(Together, self)._rows()
        for i, fits in enumerate(self.fits):
            rows.insert(3 + i, (f"fits[{i}]", self._own(fits)))
        return rows

    def _own(self, fits: Fits) -> str:
        """Describe the parameters that the data sets of a model do not share."""
        own = [name for name in fits.names if name not in self.shared]
        if not own:
            return f"{fits.size:,} data sets without parameters of their own"
        if fits.size > 1:
            return f"{fits.size:,} data sets, each with its own {', '.join(own)}"
        places = [fits.names.index(name) for name in own]
        values, errors = fits.popt.reshape(-1), fits.perr.reshape(-1)
        return "\n".join(
            f"{name} = {values[i]:.6g} ± {errors[i]:.2g}"
            for name, i in zip(own, places, strict=True)
        )


class SharedFits(Fits):
    """The fits of many data sets with shared parameters, which `curve_fit_many` returns.

    It has the arrays of `Fits`. The columns of shared parameters have the same values in every row.
    The covariances allow for what the sets share. `reason` and `message` of a fit say how its local
    parameters ended; `joint` says the same of the shared ones.
    """

    __slots__ = ()

    @property
    def joint(self) -> Joint:
        """What the sets have in common, as `Joint`."""
        found: Joint = self._about["joint"]
        return found

    def _rows(self) -> list[tuple[str, str]]:
        rows = super()._rows()
        rows[1:1] = [("shared", self.joint._values()), ("together", self.joint.message)]
        return rows
