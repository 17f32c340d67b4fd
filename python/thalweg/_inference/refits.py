# SPDX-License-Identifier: BSD-3-Clause
"""Fit again with some parameters held, at many values of them and many fits at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.arguments_many import box_around
from thalweg._fits.fits import Fits
from thalweg._fits.running import FitRun, fit_many
from thalweg._inference.sources import fits_at_once, flat_lanes, selected, source_of
from thalweg._objectives.points import FloatArray
from thalweg._parameters.named import plan_of

__all__ = ["Refits"]

Lanes = npt.NDArray[np.intp]


class Refits:
    """The fits of a call, which can be made again with parameters held.

    Attributes
    ----------
    names : list of str
        The names of the parameters.
    free : list of int
        The positions of those that were fitted.
    popt, pcov : ndarray
        The results, (k, p) and (k, p, p).
    cost : ndarray
        Their costs (k,).
    """

    def __init__(self, fits: Fits) -> None:
        self._problem, self._settings = source_of(fits)
        if fits._about.get("whitened") and self._problem.elsewhere is None:
            raise ValueError("the model's function is not known: trace it again")
        if fits._about.get("whitened"):  # data in units of their errors; only costs are asked for
            self._settings = replace(self._settings, absolute_sigma=False)
        lanes = flat_lanes(fits)
        self._lanes = np.arange(fits.size) if lanes is None else lanes
        self.names, self.free = list(fits.names), list(fits._about["free"])
        p = len(self.names)
        self.popt, self.pcov = fits.popt.reshape(-1, p), fits.pcov.reshape(-1, p, p)
        self.cost = fits.cost.reshape(-1)
        plan = plan_of(self.names, self._settings.fixed, self._settings.ties)
        box = box_around(self._settings.bounds, self.names, plan, self._problem.lead)
        self._own_box = bool(box) and box[0].ndim > 1
        ends = [end.reshape(-1, p)[self._lanes] if self._own_box else end for end in box]
        ends = ends or [np.array(-np.inf), np.array(np.inf)]
        # The bounds (k, p), infinite where there is none.
        self.lower, self.upper = (np.broadcast_to(end, self.popt.shape) for end in ends)

    def held(
        self, js: Sequence[int], which: Lanes, values: FloatArray, starts: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Fit again with the parameters `js` at `values` (a, len(js)).

        Parameters
        ----------
        js : sequence of int
            The positions of the parameters that are held.
        which : ndarray of int
            The number of each fit (a,); a fit may occur several times.
        values : ndarray
            The values, which need not differ by fit.
        starts : ndarray
            The starts (a, p) of the others.

        Returns
        -------
        cost, popt : ndarray
            The costs (a,), NaN for fits that fail, and the parameters (a, p).
        """
        cost, popt = np.empty(len(which)), np.empty((len(which), len(self.names)))
        most = fits_at_once(self._problem)
        for a in range(0, len(which), most):
            part = slice(a, a + most)
            cost[part], popt[part] = self._held(js, which[part], values[part], starts[part])
        return cost, popt

    def _held(
        self, js: Sequence[int], which: Lanes, values: FloatArray, starts: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Fit a few again, as `held` does."""
        starts = np.clip(starts, self.lower[which], self.upper[which])
        starts[:, list(js)] = values
        starts = np.where(np.isfinite(starts), starts, self.popt[which])
        problem, settings = selected(self._problem, self._settings, self._lanes[which])
        problem = replace(problem, start=starts, size=None)
        said = self._said(which)
        own = np.zeros(len(which))
        for j, value in zip(js, values.T, strict=True):
            own += self._prior_cost((said["priors"] or {}).pop(self.names[j], None), value)
        if set(self.free) <= set(js):
            run = FitRun(problem, replace(settings, **said), quiet=True)
            inputs = run.reader.read(0, len(which))
            tapes = run.tapes(run.reader.missing(inputs) is not None)
            points = np.ascontiguousarray(starts[:, self.free])
            _, cost = tapes.jacobians(inputs.with_arrays(x=points), settings.threads or 1)
            return cost[:, 0] + own, starts
        fixed = self._fixed(which)
        for j, value in zip(js, values.T, strict=True):
            fixed[self.names[j]] = value if len(value) > 1 else value[0]
        again = fit_many(problem, replace(settings, fixed=fixed, **said))
        done = again.success | np.isfinite(again.cost)
        return np.where(done, again.cost + own, np.nan), again.popt

    def to_data(self, which: Lanes, data: FloatArray, sigma: FloatArray | None) -> FloatArray:
        """Fit to other data (a, m), with other errors (a, m) or the same.

        Returns
        -------
        ndarray
            The parameters (a, p), NaN where a fit does not converge.
        """
        problem, settings = selected(self._problem, self._settings, self._lanes[which], data)
        problem = replace(problem, start=self.popt[which], size=None)
        if sigma is not None:
            settings = replace(settings, sigma=sigma)
        settings = replace(
            settings, fixed=self._fixed(which) or None, nan_policy="omit", **self._said(which)
        )
        again = fit_many(problem, settings)
        found: FloatArray = np.where(again.success[:, None], again.popt, np.nan)
        return found

    def along(
        self, js: Sequence[int], which: Lanes, points: FloatArray, values: FloatArray
    ) -> FloatArray:
        """Return starts (a, p) for parameters `js` at `values` (a, len(js)).

        The valley of the cost is followed from `points` (a, p) by the covariance.
        """
        js = list(js)
        spread = self.pcov[which][:, js]  # (a, len(js), p)
        own = spread[:, :, js]
        known = np.asarray(np.isfinite(spread).all(axis=(1, 2)))
        own[~known] = np.eye(len(js))
        with np.errstate(invalid="ignore"):
            step = (values - points[:, js])[:, None] @ np.linalg.pinv(own, hermitian=True)
            starts = points + np.where(known[:, None], (step @ spread)[:, 0], 0.0)
        starts[:, js] = values
        found: FloatArray = starts
        return found

    def errors(self, j: int) -> FloatArray:
        """Return the standard error (k,) of the j-th parameter; a guess where it is not known."""
        with np.errstate(invalid="ignore"):
            error = np.sqrt(self.pcov[:, j, j])
        guess = 0.1 * np.maximum(np.abs(self.popt[:, j]), 1.0)
        return np.where(np.isfinite(error) & (error > 0), error, guess)

    @staticmethod
    def _prior_cost(prior: Any, values: FloatArray) -> FloatArray:
        """Return the cost of a held parameter's own prior, which the other fits do not know."""
        if prior is None:
            return np.zeros(values.shape)
        if callable(prior):
            return np.array([float(prior(value)) for value in values])
        mean, error = prior
        found: FloatArray = 0.5 * ((values - mean) / error) ** 2
        return found

    def _fixed(self, which: Lanes) -> dict[str, Any]:
        """Return the values of the parameters that were fixed."""
        fixed = self._settings.fixed
        if not fixed:
            return {}
        held = [fixed] if isinstance(fixed, str) else list(fixed)
        found = {name: self.popt[which, self.names.index(name)] for name in held}
        return {name: v if len(v) > 1 else v[0] for name, v in found.items()}

    def _said(self, which: Lanes) -> dict[str, Any]:
        """Return bounds and priors of some of the fits."""
        bounds, priors = self._settings.bounds, self._settings.priors
        if self._own_box:
            bounds = {
                self.names[i]: (self.lower[which, i], self.upper[which, i]) for i in self.free
            }
        lead, lanes = self._problem.lead, self._lanes[which]

        def rows(value: Any) -> Any:
            value = np.asarray(value)
            return value if value.size == 1 else np.broadcast_to(value, lead).reshape(-1)[lanes]

        if priors:
            priors = {
                name: each if callable(each) else tuple(rows(end) for end in each)
                for name, each in priors.items()
            }
        return {"bounds": bounds, "priors": priors}
