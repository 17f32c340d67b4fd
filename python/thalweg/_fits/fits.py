# SPDX-License-Identifier: BSD-3-Clause
"""Define the result of many fits, in arrays with the leading axes of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._fits.endings import explained
from thalweg._objectives.points import FloatArray
from thalweg._results.collection import Many, One
from thalweg._results.inferences import Inferences
from thalweg._results.reasons import Reason

__all__ = ["Fits", "OneFit"]


class OneFit(One, Inferences):
    """One fit among many, with entries as attributes and keys, and the statistics of `Fits`."""

    __slots__ = ("_alone",)

    def __init__(
        self,
        entries: dict[str, Any],
        message: str | Callable[[], str],
        alone: Fits | Callable[[], Fits],
    ) -> None:
        super().__init__(entries, message)
        self._alone = alone

    def _evidence(self) -> Fits:
        if not isinstance(self._alone, Fits):
            self._alone = self._alone()
        return self._alone

    @property
    def params(self) -> dict[str, float]:
        """The parameters by name."""
        return dict(zip(self._evidence().names, self["popt"].tolist(), strict=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return OneFit, (self._entries, self.message, self._evidence())


class Fits(Many, Inferences):
    """The results of many fits of one model: parameters, their errors, and how each fit ended.

    `thalweg.curve_fit_many` returns them. The arrays are attributes and keys. An integer for every
    leading axis (``fits[3]``, ``fits[10, 20]``) selects one fit; slices, masks and index arrays
    select several, as `Fits`. ``np.savez(file, **fits)`` saves the arrays.

    Attributes
    ----------
    popt : ndarray
        The parameters (..., p). They are NaN if a fit could not begin, because its start is not
        finite or it has fewer data than parameters.
    pcov : ndarray
        Their covariances (..., p, p): 0 in the rows of fixed parameters, NaN in the rows of
        parameters that ended at a bound, infinite if the data do not determine the parameters.
    perr : ndarray
        The standard errors (..., p), square roots of the diagonals of the covariances.
    cost : ndarray
        Half the sum of the losses of squared residuals (...,); half the deviance for counts.
    success : ndarray of bool
        Whether each fit converged.
    status : ndarray of int8
        The reasons as status codes of `scipy.optimize.elementwise`.
    reason : ndarray of int8
        Why each fit ended, as values of `thalweg.Reason`.
    nit, nfev : ndarray of int64
        The numbers of steps, and of evaluations of the model with its Jacobian.
    n_missing : ndarray of int64
        The number of values left out because they are NaN.
    determined : ndarray of bool
        Whether the data determine every parameter. They do not if a parameter depends on others,
        has no effect, or has an error of more than 6.7e7 times its size; `message` then names it.
    worse : ndarray of bool
        Whether a constant, the mean of the data, would fit better.
    names : list of str
        The names of the parameters, from the model's signature.
    elapsed : float
        The duration of the call in seconds.

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

    @property
    def params(self) -> dict[str, FloatArray]:
        """The parameters by name, each (...,)."""
        return {name: self.popt[..., i] for i, name in enumerate(self.names)}

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Self:
        taken = super()._taken(lanes)
        # Statistics read the data of a fit, at its place in the call.
        if "lane" not in self._own:
            taken._own["lane"] = lanes
        return taken

    def _one(self, lane: int) -> OneFit:
        one = super()._one(lane)
        return OneFit(one._entries, one._message, lambda: self._taken(np.array(lane)))

    def __reduce__(self) -> tuple[Any, ...]:
        # The model and the data are left out: they may be large.
        kind, (arrays, shape, shared, own, about) = super().__reduce__()
        about = {k: v for k, v in about.items() if k not in ("source", "elsewhere")}
        return kind, (arrays, shape, shared, own, about)

    def sort(self, by: Any = "cost", descending: bool = False) -> Self:
        """Sort the fits like `Results.sort`, by default by cost; a parameter's name works too."""
        if isinstance(by, str) and by in self.names and by not in self:
            by = self[by]
        return super().sort(by, descending)

    def to_dataframe(self) -> Any:
        """Convert the fits to a pandas DataFrame with one row for each fit.

        Returns
        -------
        pandas.DataFrame
            Columns named after the parameters, ``a``, ``b``, ..., and ``perr[a]``,
            ``pcov[a, b]``, ``cost``, ... Its attributes hold what statistics must know.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        named: dict[str, str] = {}
        for i, a in enumerate(self.names):
            named |= {f"popt[{i}]": a, f"perr[{i}]": f"perr[{a}]"}
            named |= {f"pcov[{i}, {j}]": f"pcov[{a}, {b}]" for j, b in enumerate(self.names)}
        frame = super().to_dataframe().rename(columns=named)
        frame.attrs["thalweg"] = attached("Fits.to_dataframe")(self)
        return frame

    @staticmethod
    def from_dataframe(frame: Any) -> Fits:
        """Convert a DataFrame, as `to_dataframe` makes it, to fits.

        Parameters
        ----------
        frame : pandas.DataFrame
            Its rows may be selected. A MultiIndex gives the leading axes. If its attributes are
            lost, as in a CSV file, statistics that need more than the columns are not known.

        Returns
        -------
        Fits
            The fits, without the model and the data.

        Raises
        ------
        ValueError
            If columns are missing.
        """
        fits: Fits = attached("Fits.from_dataframe")(frame)
        return fits

    def to_xarray(self, dims: Any = None, coords: Any = None) -> Any:
        """Convert the fits to an xarray Dataset, which can be written as NetCDF or Zarr.

        Parameters
        ----------
        dims : hashable or sequence of hashable, optional
            The names of the leading axes, by default ``dim_0``, ``dim_1``, ...
        coords : mapping, optional
            Coordinates, as of `xarray.Dataset`.

        Returns
        -------
        xarray.Dataset
            A variable for each array: `popt` and `perr` (..., param), `pcov` (..., cov_i, cov_j),
            `cost` (...) and so on, with the names of the parameters as coordinates. `left`,
            `right`, `open` and `flat` are what messages and `r2` are made of.

        Raises
        ------
        ImportError
            If xarray is not installed.
        ValueError
            If `dims` does not name every leading axis once.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 4.0, 9)
        >>> y = np.array([[1.0], [2.0]]) * np.exp(-1.3 * x)
        >>> fits = tw.curve_fit_many(lambda x, a, b: a * np.exp(-b * x), x, y)
        >>> ds = fits.to_xarray("site", {"site": ["north", "south"]})
        >>> float(ds.popt.sel(site="south", param="a").round(6))
        2.0
        >>> tw.Fits.from_xarray(ds).popt.round(6)
        array([[1. , 1.3],
               [2. , 1.3]])
        """
        return attached("Fits.to_xarray")(self, dims, coords)

    @staticmethod
    def from_xarray(dataset: Any) -> Fits:
        """Convert a Dataset, as `to_xarray` makes it, to fits.

        Parameters
        ----------
        dataset : xarray.Dataset
            It may be selected from, transposed, and read from a file.

        Returns
        -------
        Fits
            The fits, without the model and the data.

        Raises
        ------
        ValueError
            If variables are missing.
        """
        fits: Fits = attached("Fits.from_xarray")(dataset)
        return fits

    def _message(self, lane: int) -> str:
        if "said" in self._about:
            return str(self._about["said"])
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
        """Return the names of the parameters that the data do not determine."""
        if "open" not in self._own:
            return ""
        bits = int(np.nan_to_num(self._own["open"].flat[lane]))
        free = self._about.get("free", range(len(self.names)))
        return ", ".join(self.names[i] for k, i in enumerate(free) if bits >> k & 1)

    def _why(self, reason: Reason, value: float) -> str:
        if np.isfinite(value) and reason is Reason.non_finite:
            return "the model or its derivatives, at a point beyond popt"
        if reason is Reason.left_domain:
            return "counts must be >= 0, and the model must be > 0 at the start"
        return (
            "the model is not finite at the start, the data are infinite, or there are fewer data "
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
                own.append(("missing", f"{lost:,} values in {lacking:,} fits"))
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
        """Return the median of each parameter and of its standard error, as text."""
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
        """Draw maps of the parameters and their errors, for data with two leading axes.

        Parameters
        ----------
        **kw
            Keywords of `thalweg.plot.maps`.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            The axes that hold the maps.

        Raises
        ------
        ValueError
            If there are not two leading axes.
        """
        if len(self.shape) != 2:
            raise ValueError(
                f"maps need fits with two leading axes, got {len(self.shape)}: {self.shape}"
            )
        return attached("Fits.plot")(self, **kw)
