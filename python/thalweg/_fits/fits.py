# SPDX-License-Identifier: BSD-3-Clause
"""The result of many fits: parameters and errors in the shape of the data's leading axes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._fits.endings import explained
from thalweg._objectives.points import FloatArray
from thalweg._results.collection import Many
from thalweg._results.reasons import Reason

__all__ = ["Fits"]


class Fits(Many):
    """Many fits of one model: parameters, their errors, and how each fit ended.

    Made by `thalweg.curve_fit_many`. The arrays are attributes and keys; an index of every leading
    axis (``fits[3]``, ``fits[10, 20]``) gives one fit, slices, masks and index arrays other `Fits`.
    ``np.savez(file, **fits)`` saves the arrays.

    Attributes
    ----------
    popt : ndarray
        Parameters (..., p); NaN where a fit could not be begun: its start is not finite, or it has
        fewer data than parameters.
    pcov : ndarray
        Their covariances (..., p, p). 0 in the rows of fixed parameters, NaN in those of
        parameters that ended at a bound; infinite where the data do not determine the parameters.
    perr : ndarray
        Standard errors (..., p), the square roots of the covariances' diagonals.
    cost : ndarray
        Half the sum of the losses of squared residuals (...,); for counts half the deviance.
    success : ndarray of bool
        Whether it converged.
    status : ndarray of int8
        The reason in the numbers of `scipy.optimize.elementwise`.
    reason : ndarray of int8
        Why it ended: values of `thalweg.Reason`.
    nit, nfev : ndarray of int64
        Steps; evaluations of the model with its Jacobian.
    n_missing : ndarray of int64
        Values left out as NaN.
    determined : ndarray of bool
        Whether the data determine every parameter: none is dependent on others, without effect, or
        has an error beyond 6.7e7 times its size. Where not, `message` names the parameters.
    worse : ndarray of bool
        Whether a constant, the mean of the data, would fit better.
    names : list of str
        The parameters, from the model's signature.
    elapsed : float
        Seconds, of all together.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> y = np.array([[1.0], [2.0], [3.0]]) * np.exp(-1.3 * x)
    >>> fits = tw.curve_fit_many(lambda x, a, b: a * np.exp(-b * x), x, y)
    >>> fits.popt.round(6)
    array([[1. , 1.3],
           [2. , 1.3],
           [3. , 1.3]])
    >>> fits["a"].round(6), fits[1].popt.round(6)
    (array([1., 2., 3.]), array([2. , 1.3]))
    """

    popt: FloatArray
    pcov: FloatArray
    perr: FloatArray
    cost: FloatArray
    success: npt.NDArray[np.bool_]
    status: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    nit: npt.NDArray[np.int64]
    nfev: npt.NDArray[np.int64]
    n_missing: npt.NDArray[np.int64]
    determined: npt.NDArray[np.bool_]
    worse: npt.NDArray[np.bool_]
    names: list[str]
    elapsed: float

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str) and key in self.names and key not in self:
            return self.popt[..., self.names.index(key)]
        return super().__getitem__(key)

    def sort(self, by: Any = "cost", descending: bool = False) -> Self:
        """These fits in another order; as `Results.sort`, by cost or by a parameter's name."""
        if isinstance(by, str) and by in self.names and by not in self:
            by = self[by]
        return super().sort(by, descending)

    def to_dataframe(self) -> Any:
        """The fits as a pandas DataFrame, a row each; columns have the parameters' names.

        Returns
        -------
        pandas.DataFrame
            ``a``, ``b``, ... for the parameters, ``perr[a]``, ``pcov[a, b]``, ``cost``, ...
        """
        named: dict[str, str] = {}
        for i, a in enumerate(self.names):
            named |= {f"popt[{i}]": a, f"perr[{i}]": f"perr[{a}]"}
            named |= {f"pcov[{i}, {j}]": f"pcov[{a}, {b}]" for j, b in enumerate(self.names)}
        return super().to_dataframe().rename(columns=named)

    def _message(self, lane: int) -> str:
        reason = Reason(int(self.reason.flat[lane]))
        left, right = (
            float(self._own[k].flat[lane]) if k in self._own else np.nan for k in ("left", "right")
        )
        nfev = int(self._arrays["nfev"].flat[lane]) if "nfev" in self._arrays else 0
        text = explained(reason, left, right, nfev, self._about.get("max_nfev"),
                         lambda: self._why(reason, left))  # fmt: skip
        if left_open := self._left_open(lane):
            text += f"; the data do not determine {left_open}"
        if "worse" in self._arrays and self.worse.flat[lane]:
            text += "; a constant would fit better"
        return text

    def _left_open(self, lane: int) -> str:
        """Names of the parameters that the data leave open."""
        if "open" not in self._own:
            return ""
        bits = int(np.nan_to_num(self._own["open"].flat[lane]))
        free = self._about.get("free", range(len(self.names)))
        return ", ".join(self.names[i] for k, i in enumerate(free) if bits >> k & 1)

    def _why(self, reason: Reason, value: float) -> str:
        if np.isfinite(value) and reason is Reason.non_finite:
            return "the model or its derivatives, on the way on from popt"
        if reason is Reason.left_domain:
            return "counts must not be negative, nor the model at the start 0 or less"
        return (
            "at the start the model is not finite, the data are infinite, or there are fewer data "
            "than parameters"
        )

    def _heading(self) -> tuple[str, str]:
        shape = " x ".join(f"{n:,}" for n in self.shape)
        return "fits", shape if len(self.shape) > 1 else f"{self.size:,}"

    def _rows(self) -> list[tuple[str, str]]:
        rows = super()._rows()
        own: list[tuple[str, str]] = []
        if self.size:
            own.append(("median", self._medians()))
            if "n_missing" in self._arrays and (lost := int(self.n_missing.sum())):
                lacking = int(np.count_nonzero(self.n_missing))
                own.append(("missing", f"{lost:,} values of {lacking:,} fits"))
            if "determined" in self._arrays and (left_open := int(np.sum(~self.determined))):
                own.append(("determined", f"not by the data in {left_open:,} fits"))
            if "worse" in self._arrays and (bad := int(np.sum(self.worse))):
                own.append(("worse", f"than a constant in {bad:,} fits"))
            if "perr" in self._arrays:
                loose = int(np.count_nonzero(np.isinf(self.perr).any(axis=-1)))
                if loose:
                    own.append(("perr", f"infinite in {loose:,} fits: not determined by the data"))
        return [rows[0], *own, *rows[1:]]

    def _medians(self) -> str:
        """The median of each parameter, with that of its standard errors."""
        flat = self.popt.reshape(-1, len(self.names))
        errors = self._arrays.get("perr")
        lines = []
        for i, name in enumerate(self.names):
            column = flat[:, i][np.isfinite(flat[:, i])]
            line = f"{name} = {np.median(column):.6g}" if column.size else f"{name} = nan"
            if errors is not None:
                each = errors[..., i].ravel()
                each = each[np.isfinite(each)]
                line += f" ± {np.median(each):.2g}" if each.size else ""
            lines.append(line)
        return "\n".join(lines)

    def plot(self, **kw: Any) -> Any:
        """Draw maps of the parameters and their errors; the leading axes must be two.

        Parameters
        ----------
        **kw
            As in `thalweg.plot.maps`.

        Returns
        -------
        ndarray of matplotlib.axes.Axes

        Raises
        ------
        ValueError
            If the leading axes are not two.
        """
        if len(self.shape) != 2:
            raise ValueError(
                f"maps need fits with two leading axes, got {len(self.shape)}: {self.shape}"
            )
        return attached("Fits.plot")(self, **kw)
