# SPDX-License-Identifier: BSD-3-Clause
"""Define what every result of a fit says about it: `Fit`, `Fits`, one of `Fits`, `LeastSquares`.

The mathematics is written for arrays with any leading axes, in the room `_inference`.
"""

from __future__ import annotations

from typing import Any

from thalweg._attached import attached
from thalweg._objectives.points import FloatArray

__all__ = ["Inferences", "ResidualInferences", "Statistics"]


class Statistics:
    """Statistics and reports of one fit or of many.

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

        With a loss it is the sum of squares of the data too, not the cost. Without one, priors are
        data: their terms are part of it. They count in `dof`.
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
    def correlations(self) -> FloatArray:
        """The correlations (..., p, p) of the parameters; NaN where there is no variance."""
        found: FloatArray = attached("Fits.correlations")(self._evidence())
        return found

    @property
    def condition(self) -> Any:
        """The condition number of the Jacobian, with columns of length one.

        Columns of parameters at a bound are left out. Above some 1e8 the parameters are hardly
        determined by the data. Priors have no part in it: it is what the data alone determine.
        """
        return attached("Fits.condition")(self._evidence())

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

    def save(self, file: Any) -> None:
        """Save the result in an npz file, which `thalweg.load` reads.

        Parameters
        ----------
        file : path or binary file
            The file. A path is replaced only once all is written; it keeps the name that is given.

        Notes
        -----
        All arrays are saved, with names and settings, but neither the model nor the data.

        Examples
        --------
        >>> import io
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> file = io.BytesIO()
        >>> fit.save(file)
        >>> _ = file.seek(0)
        >>> tw.load(file).report() == fit.report()
        True
        """
        attached("Statistics.save")(self, file)


class Inferences(Statistics):
    """Statistics, reports, predictions and intervals of one fit or of many."""

    __slots__ = ()

    @property
    def r2(self) -> Any:
        """The share of the data's variation that the model explains, 1 - chi2 / chi2 of the mean.

        The mean is weighted as the data are. For counts, deviances take the place of chi2. Priors
        have no part in either. NaN if the data do not vary.
        """
        return attached("Fits.r2")(self._evidence())

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

    def predict(self, x: Any = None, level: float | None = None, kind: str = "confidence") -> Any:
        """Evaluate the fitted model, with a band around it if `level` asks for one.

        Parameters
        ----------
        x : array_like or object, optional
            The points, in a form that `xdata` may have, by default those of the data. For fits
            selected from others it has their leading axes, or none.
        level : float, optional
            The probability of the band, such as 0.95.
        kind : {'confidence', 'prediction'}
            Whether the band is that of the model's value, or that of a new datum. The errors of new
            data are `sigma`, if this is one number, and are estimated from the residuals otherwise.

        Returns
        -------
        ndarray or Prediction
            The values (..., m); with a level a tuple of `values`, `lower` and `upper`, each
            (..., m). The band is linear in the errors of the parameters, with exact derivatives,
            and Student's t unless errors are absolute. Parameters at a bound count as known.

        Raises
        ------
        ValueError
            If the model is not known any more, because the fits come from a pickle.

        References
        ----------
        .. [1] G. A. F. Seber and C. J. Wild, *Nonlinear Regression*, Wiley, 1989, section 5.1,
           https://doi.org/10.1002/0471725315

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> fit.predict([0.0, 1.0]).round(3)
        array([2.575, 0.662])
        >>> band = fit.predict([0.0, 1.0], level=0.95)
        >>> (band.upper - band.lower).round(2)
        array([0.34, 0.21])
        """
        return attached("Fits.predict")(self._evidence(), x, level, kind)

    def interval(self, level: float = 0.95, method: str = "profile") -> Any:
        """Compute confidence intervals of the parameters.

        Parameters
        ----------
        level : float
            The probability with which an interval holds the true value.
        method : {'profile', 'wald'}
            Whether an interval holds all values for which the best fit with the parameter held is
            good enough, so that it need not be symmetric; or the estimate plus and minus a multiple
            of its standard error.

        Returns
        -------
        Interval
            A tuple of `lower` and `upper` (..., p), and `ends` (..., p, 2): why each end is there.
            0 means that it was found; 1 that it is open and infinite, because the data do not
            exclude any value on this side; 2 that it is the bound of the parameter; 3 that there is
            none, because the parameter was not fitted: a fixed one has its value at both ends, a
            tied one has NaN; 4 that fits with the parameter held failed.

        Raises
        ------
        ValueError
            If the model and the data are not known any more, because the fits come from a pickle.

        Notes
        -----
        The cost may rise by half the quantile of chi squared with one degree of freedom if errors
        are absolute, and by that of F(1, dof) times half `reduced_chi2` otherwise.

        References
        ----------
        .. [1] D. M. Bates and D. G. Watts, *Nonlinear Regression Analysis and Its Applications*,
           Wiley, 1988, section 6.1, https://doi.org/10.1002/9780470316757

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> lower, upper, _ = fit.interval()
        >>> lower.round(2), upper.round(2)
        (array([2.4 , 1.19]), array([2.75, 1.55]))
        """
        return attached("Fits.interval")(self._evidence(), level, method)

    def profile(self, name: str, values: Any = None, n: int = 41, reach: float = 4.0) -> Any:
        """Compute how well the data fit along a parameter, with the others fitted again.

        Parameters
        ----------
        name : str
            The parameter.
        values : array_like, optional
            Its values, (n,) or (..., n); by default up to `reach` standard errors from the
            estimate, within bounds.
        n : int
            The number of values.
        reach : float
            How far they reach, in standard errors.

        Returns
        -------
        Profile
            `values` (..., n); `rise` (..., n), by how much chi squared is larger than at the fit,
            in units of the variance; `popt` (..., n, p); ``limit(level)``, the rise at the ends of
            a confidence interval; ``plot()``.

        Raises
        ------
        ValueError
            If the parameter does not exist or was not fitted, if values lie outside its bounds, or
            if the model and the data are not known any more.

        References
        ----------
        .. [1] D. M. Bates and D. G. Watts, *Nonlinear Regression Analysis and Its Applications*,
           Wiley, 1988, section 6.1, https://doi.org/10.1002/9780470316757

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> profile = fit.profile("b", [1.2, 1.3, 1.4])
        >>> profile.rise.round(2), float(profile.limit(0.95).round(2))
        (array([5.13, 0.63, 0.3 ]), 5.59)
        """
        return attached("Fits.profile")(self._evidence(), name, values, n, reach)

    def contour(
        self, first: str, second: str, values: Any = None, n: int = 31, reach: float = 3.5
    ) -> Any:
        """Compute how well the data fit over the plane of two parameters.

        Parameters
        ----------
        first, second : str
            The parameters.
        values : tuple of array_like, optional
            The values of both, each (n,) or (..., n); by default up to `reach` standard errors from
            the estimate, within bounds.
        n : int
            The number of values of each.
        reach : float
            How far they reach, in standard errors.

        Returns
        -------
        Contour
            `x` and `y`, the values; `rise` (..., m, n), by how much chi squared is larger than at
            the fit, in units of the variance; `popt` (..., m, n, p); ``limit(level)``, the rise at
            the border of the region of joint confidence; ``plot()``.

        Raises
        ------
        ValueError
            As for `profile`.

        Notes
        -----
        The limit is the quantile of chi squared with two degrees of freedom if errors are absolute,
        and that of 2 F(2, dof) otherwise. iminuit's ``mncontour`` has the same borders.

        References
        ----------
        .. [1] D. M. Bates and D. G. Watts, *Nonlinear Regression Analysis and Its Applications*,
           Wiley, 1988, section 6.1, https://doi.org/10.1002/9780470316757

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> region = fit.contour("a", "b")
        >>> region.rise.shape
        (31, 31)
        >>> inside = region.rise <= region.limit(0.95)
        >>> bool(inside[15, 15]), bool(inside[0, 0])
        (True, False)
        """
        return attached("Fits.contour")(self._evidence(), first, second, values, n, reach)

    def bootstrap(self, n: int = 1000, kind: str = "residual", seed: int = 0) -> Any:
        """Fit to data drawn anew, n times, all fits in lanes.

        Parameters
        ----------
        n : int
            How often, for each fit.
        kind : {'residual', 'parametric', 'pairs'}
            Whether the residuals of the fit are drawn, with the errors as units; or normal errors,
            of counts Poisson's; or data with their points.
        seed : int
            The seed. Each fit has random numbers of its own, the same among others as alone.

        Returns
        -------
        Bootstrap
            `popt` (..., n, p), `failed` (...,), `perr`, `pcov`, `bias`, and
            ``interval(level, method)``.

        Raises
        ------
        ValueError
            If the kind does not suit the data, or the model and the data are not known any more.

        Notes
        -----
        Each fit starts at the parameters that were found. Residuals are centered, and grow by
        sqrt(m / dof). Data that were not drawn are missing in a fit of pairs, and those drawn c
        times have 1 / sqrt(c) of their errors. Data and results of a fit take 8 n (m + p) bytes.

        References
        ----------
        .. [1] B. Efron and R. J. Tibshirani, *An Introduction to the Bootstrap*, Chapman and Hall,
           1993, chapters 9, 13 and 14, https://doi.org/10.1201/9780429246593

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * x) + 0.1 * np.cos(7.0 * x)
        >>> fit = tw.curve_fit(lambda x, a, b: a * np.exp(-b * x), x, y, [1.0, 1.0])
        >>> drawn = fit.bootstrap(2000)
        >>> drawn.popt.shape, int(drawn.failed)
        ((2000, 2), 0)
        >>> fit.perr.round(2), drawn.perr.round(2)
        (array([0.07, 0.07]), array([0.07, 0.07]))
        """
        return attached("Fits.bootstrap")(self._evidence(), n, kind, seed)


class ResidualInferences(Statistics):
    """Statistics and reports of minimized residuals, of one descent or of many.

    The residuals are data less a model, or the reverse, in units of their errors or in none: errors
    of variables are scaled by `reduced_chi2`, as `thalweg.curve_fit` does it without
    ``absolute_sigma``. Where the residuals are in units of known errors, divide `pcov` by it. With
    a loss, the cost takes the place of half of `chi2` there.
    """

    __slots__ = ()

    def _evidence(self) -> Any:
        return attached("ResidualInferences._evidence")(self)

    @property
    def names(self) -> list[str]:
        """The names of the variables: those of a dict, such as ``"W[0, 1]"``, or ``"x[0]"``."""
        return list(self._evidence().names)

    @property
    def pcov(self) -> FloatArray:
        """The covariances (..., n, n) of the variables, in the order of `names`.

        NaN in the rows of variables that ended at a bound, infinite if the residuals do not
        determine the variables.
        """
        found: FloatArray = self._evidence().pcov
        return found

    @property
    def perr(self) -> FloatArray:
        """The standard errors (..., n), square roots of the diagonals of `pcov`."""
        found: FloatArray = self._evidence().perr
        return found

    def interval(self, level: float = 0.95, method: str = "wald") -> Any:
        """Compute confidence intervals of the variables from their standard errors.

        Parameters
        ----------
        level : float
            The probability with which an interval holds the true value.
        method : {'wald'}
            The estimate plus and minus a multiple of its standard error, with Student's t.
            Intervals by the profile of the likelihood are those of `thalweg.curve_fit`.

        Returns
        -------
        Interval
            A tuple of `lower`, `upper` (..., n) and `ends` (..., n, 2), in the order of `names`.

        Raises
        ------
        ValueError
            If there is another method.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> t = np.linspace(0.0, 4.0, 9)
        >>> y = 2.5 * np.exp(-1.3 * t) + 0.1 * np.cos(7.0 * t)
        >>> res = tw.least_squares(lambda a, b: a * np.exp(-b * t) - y, {"a": 1.0, "b": 1.0})
        >>> res.names, res.perr.round(3)
        (['a', 'b'], array([0.073, 0.074]))
        >>> lower, upper, _ = res.interval()
        >>> lower.round(2), upper.round(2)
        (array([2.4 , 1.18]), array([2.75, 1.53]))
        """
        if method != "wald":
            raise ValueError(
                f"method must be 'wald' for residuals, got {method!r}; tw.curve_fit has 'profile'"
            )
        return attached("Fits.interval")(self._evidence(), level, method)
