# SPDX-License-Identifier: BSD-3-Clause
"""Define what every result of a fit says about it: `Fit`, `Fits`, and one fit of `Fits`.

The mathematics is written for arrays with any leading axes, in the room `_inference`.
"""

from __future__ import annotations

from typing import Any

from thalweg._attached import attached
from thalweg._objectives.points import FloatArray

__all__ = ["Inferences"]


class Inferences:
    """Statistics, reports, predictions and intervals of one fit or of many.

    Numbers have the leading axes of the fits: one fit gives a float, many give an array.
    """

    __slots__ = ()

    def _evidence(self) -> Any:
        """Return the fits, without leading axes for a single one."""
        return self

    # ---- statistics

    @property
    def dof(self) -> Any:
        """The degrees of freedom: the data in use less the parameters that were fitted.

        A parameter that ended at a bound is not counted, as in the covariance.
        """
        return attached("Fits.dof")(self._evidence())

    @property
    def chi2(self) -> Any:
        """The sum of squared residuals, weighted by their errors; for counts, the deviance.

        With a loss it is the sum of squares too, not the cost.
        """
        return attached("Fits.chi2")(self._evidence())

    @property
    def reduced_chi2(self) -> Any:
        """`chi2` over `dof`; NaN without degrees of freedom."""
        return attached("Fits.reduced_chi2")(self._evidence())

    @property
    def aic(self) -> Any:
        """Akaike's information criterion, by which models of the same data are compared.

        It is n log(chi2 / n) + 2 k for n data and k fitted parameters, up to a constant; chi2 + 2 k
        if the errors are absolute, or for counts.
        """
        return attached("Fits.aic")(self._evidence())

    @property
    def bic(self) -> Any:
        """Schwarz's Bayesian criterion: as `aic`, with k log n instead of 2 k."""
        return attached("Fits.bic")(self._evidence())

    @property
    def r2(self) -> Any:
        """The share of the data's variation that the model explains, 1 - chi2 / chi2 of the mean.

        The mean is weighted as the data are. For counts, deviances take the place of chi2. NaN if
        the data do not vary.
        """
        return attached("Fits.r2")(self._evidence())

    @property
    def correlations(self) -> FloatArray:
        """The correlations (..., p, p) of the parameters; NaN where there is no variance."""
        found: FloatArray = attached("Fits.correlations")(self._evidence())
        return found

    @property
    def condition(self) -> Any:
        """The condition number of the Jacobian, with columns of length one.

        Columns of parameters at a bound are left out. Above some 1e8 the parameters are hardly
        determined by the data.
        """
        return attached("Fits.condition")(self._evidence())

    @property
    def fitted(self) -> FloatArray:
        """The model's values at the data (..., m)."""
        found: FloatArray = attached("Fits.fitted")(self._evidence())
        return found

    @property
    def residuals(self) -> FloatArray:
        """The data less the model's values (..., m), without weights; NaN for missing data."""
        found: FloatArray = attached("Fits.residuals")(self._evidence())
        return found

    def report(self, min_correl: float = 0.1) -> str:
        """Describe the fit in text: statistics, parameters with errors, and correlations.

        Of many fits it gives the number of each ending, and medians.

        Parameters
        ----------
        min_correl : float
            Correlations that are smaller are left out.

        Returns
        -------
        str
            The report.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> fit.report().splitlines()[4:6]
        ['    # data points      = 9', '    # variables        = 2']
        """
        said: str = attached("Fits.report")(self._evidence(), min_correl)
        return said
