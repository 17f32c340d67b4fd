# SPDX-License-Identifier: BSD-3-Clause
"""Fit a model along dimensions of xarray's labelled arrays, with xarray's own signature and layout.

`curvefit` checks and lays out; `curve_fit_many` makes the fits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._distributed.lazy_fits import LazyFits
from thalweg._distributed.packing import ISAS
from thalweg._fits.arguments import between
from thalweg._fits.curve_fit_many import curve_fit_many
from thalweg._objectives.signatures import argument_names
from thalweg._results.reasons import Reason
from thalweg._tracing.numbers import is_lazy

if TYPE_CHECKING:
    from thalweg._fits.fits import Fits

__all__ = ["curvefit"]


def curvefit(
    obj: Any,
    coords: Any,
    func: Callable[..., Any],
    reduce_dims: Hashable | Iterable[Hashable] | None = None,
    skipna: bool = True,
    p0: dict[str, Any] | None = None,
    bounds: dict[str, tuple[Any, Any]] | None = None,
    param_names: Sequence[str] | None = None,
    errors: str = "raise",
    kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Fit a function of coordinates to a DataArray or Dataset, as `DataArray.curvefit` does.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.Dataset
        The data. Of a Dataset every variable that has the fitted dimensions is fitted. Data that
        Dask holds are fitted when the results are computed, one task for each chunk; a chunk must
        span the fitted dimensions.
    coords : hashable, DataArray, or sequence of these
        The coordinates that `func` takes as its first argument. Several are rows of one array
        (k, m). A coordinate may depend on other dimensions too; every fit then has its own.
    func : callable
        The model ``f(x, a, b, ...)``, written in NumPy. It is called once, with traced parameters.
    reduce_dims : hashable or iterable of hashable, optional
        Further dimensions along which data are fitted, beside those of one-dimensional `coords`.
    skipna : bool
        Whether to leave out NaN. Otherwise a fit with NaN is NaN.
    p0 : dict, optional
        Starts by name: numbers, or DataArrays of the other dimensions. A parameter without one
        starts at 1, or between its bounds.
    bounds : dict, optional
        Pairs (low, high) by name; None or an infinity is no bound.
    param_names : sequence of str, optional
        The names of the parameters, if the signature of `func` does not tell them.
    errors : {'raise', 'ignore'}
        Whether a fit that did not converge raises RuntimeError, or is NaN. Fits without enough data
        are NaN in any case.
    kwargs, **options
        Further arguments of `thalweg.curve_fit_many`, such as `fixed`, `ties`, `loss`, `threads`
        or `sigma`, which may be a DataArray.

    Returns
    -------
    xarray.Dataset
        `curvefit_coefficients` (..., param) and `curvefit_covariance` (..., cov_i, cov_j) as in
        xarray; and `curvefit_errors` (..., param), `curvefit_chi2` (...), twice the cost,
        `curvefit_success` (...) and `curvefit_reason` (...), whose flags are attributes. Names of a
        Dataset's variables come first, ``name_curvefit_coefficients``. Coordinates of the other
        dimensions and attributes are kept. Of data that Dask holds, all are Dask arrays, and
        `curvefit_isa` (...) says which instruction set made each fit.

    Raises
    ------
    ValueError
        If a dimension or name is unknown, or data along a fitted dimension lie in several chunks.
    RuntimeError
        If a fit did not converge and `errors` is 'raise'; with Dask, once it is computed.

    See Also
    --------
    thalweg.curve_fit_many : The fits.

    References
    ----------
    .. [1] S. Hoyer and J. Hamman, "xarray: N-D labeled arrays and datasets in Python", Journal of
       Open Research Software 5(1), 2017, 10, https://doi.org/10.5334/jors.148

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import thalweg as tw
    >>> t = xr.DataArray(np.linspace(0.0, 4.0, 20), dims="time")
    >>> a = xr.DataArray([1.0, 2.0, 3.0], dims="x", coords={"x": [10, 20, 30]})
    >>> da = (a * np.exp(-1.3 * t)).assign_coords(time=t)
    >>> fit = tw.xarray.curvefit(da, "time", lambda t, a, b: a * np.exp(-b * t))
    >>> fit.curvefit_coefficients.sel(param="a").values.round(6)
    array([1., 2., 3.])
    """
    import xarray as xr

    if errors not in ("raise", "ignore"):
        raise ValueError(f"errors must be 'raise' or 'ignore', got {errors!r}")
    one = isinstance(obj, xr.DataArray)
    if not one and not isinstance(obj, xr.Dataset):
        raise TypeError(f"curvefit needs a DataArray or a Dataset, got {type(obj).__name__}")
    axes = _axes(obj, coords)
    over = _dims(obj, reduce_dims, axes)
    found = _Parameters(func, param_names, p0 or {}, bounds or {})
    settings = {**(kwargs or {}), **options}
    settings.setdefault("nan_policy", "omit" if skipna else "propagate")
    made: dict[str, Any] = {}
    for name, da in {"": obj}.items() if one else obj.data_vars.items():
        if all(dim in da.dims for dim in over):
            fitted = _Fitted(da, axes, over, found)
            fits: Any = fitted.fits(func, settings)
            if errors == "raise":
                fits = _checked(fits, name)
            made |= fitted.variables(fits, f"{name}_" if name != "" else "")
    if not made:
        raise ValueError(f"no variable has the dimensions {', '.join(map(str, over))}")
    kept = {name: c for name, c in obj.coords.items() if not any(dim in over for dim in c.dims)} | {
        "param": found.names,
        "cov_i": found.names,
        "cov_j": found.names,
    }
    return xr.Dataset(made, coords=kept, attrs=obj.attrs)


class _Parameters:
    """The names of the parameters, and their starts and bounds by name."""

    def __init__(
        self,
        func: Callable[..., Any],
        names: Sequence[str] | None,
        p0: dict[str, Any],
        bounds: dict[str, tuple[Any, Any]],
    ) -> None:
        self.names = list(names) if names is not None else argument_names(func)[1:]
        if not self.names:
            raise ValueError("param_names are needed: the signature of func does not name any")
        for what, given in (("p0", p0), ("bounds", bounds)):
            if unknown := [name for name in given if name not in self.names]:
                raise ValueError(
                    f"{what} names {unknown[0]!r}, but the parameters are {', '.join(self.names)}"
                )
        self.bounds, self.p0 = bounds, p0

    def start(self, name: str) -> Any:
        """Return the start of a parameter: a number or a DataArray."""
        if name in self.p0:
            return self.p0[name]
        low, high = self.bounds.get(name, (None, None))
        ends = [-np.inf if low is None else low, np.inf if high is None else high]
        return between(*(np.atleast_1d(np.asarray(end, dtype=float)) for end in ends))[0]


class _Fitted:
    """One variable, its predictors and starts, laid out for `curve_fit_many`."""

    def __init__(self, da: Any, axes: list[Any], over: list[Any], found: _Parameters) -> None:
        self.da, self.over, self.found = da, over, found
        self.lead = [dim for dim in da.dims if dim not in over]
        self.shape = tuple(da.sizes[dim] for dim in self.lead)
        self.m = prod(da.sizes[dim] for dim in over)
        self.axes = [self._flat(axis) for axis in axes]

    def _flat(self, value: Any, whole: bool = False) -> Any:
        """Return values over the fitted dimensions as the last axis, (m,) or (..., m)."""
        other = [dim for dim in self.lead if whole or dim in value.dims]
        sizes = {dim: self.da.sizes[dim] for dim in (*self.lead, *self.over)}
        for dim in other + self.over:
            if dim not in value.dims:
                value = value.expand_dims({dim: sizes[dim]})
        if other and not whole:  # one predictor for each fit
            return self._flat(value, whole=True)
        ordered = value.transpose(*other, *self.over)
        return _held(ordered).reshape(*(sizes[dim] for dim in other), self.m)

    def _by_fit(self, value: Any) -> Any:
        """Return a number, or values over the other dimensions in their order."""
        if not hasattr(value, "dims"):
            return value
        if strange := [dim for dim in value.dims if dim not in self.lead]:
            raise ValueError(
                f"a value by fit may have the dimensions {self.lead}, got {strange[0]!r} too"
            )
        sizes = {dim: self.da.sizes[dim] for dim in self.lead if dim not in value.dims}
        return _held(value.expand_dims(sizes).transpose(*self.lead))

    def fits(self, func: Callable[..., Any], settings: dict[str, Any]) -> Fits:
        """Make the fits."""
        found, given = self.found, dict(settings)
        if found.bounds:
            given["bounds"] = {
                name: tuple(self._by_fit(end) for end in pair)
                for name, pair in found.bounds.items()
            }
        if hasattr(given.get("sigma"), "dims"):
            given["sigma"] = self._flat(given["sigma"])
        if isinstance(given.get("fixed"), dict):
            given["fixed"] = {name: self._by_fit(v) for name, v in given["fixed"].items()}
        if hasattr(given.get("mask"), "dims"):
            given["mask"] = self._by_fit(given["mask"])
        starts = [self._by_fit(found.start(name)) for name in found.names]
        starts = [s.astype(float) if is_lazy(s) else np.asarray(s, dtype=float) for s in starts]
        p0 = np.stack(np.broadcast_arrays(*starts), axis=-1)
        if p0.ndim > 1:
            p0 = np.broadcast_to(p0, (*self.shape, len(found.names)))
        self._check_chunks()
        return curve_fit_many(func, self._x(), self._flat(self.da), p0, **given)

    def _check_chunks(self) -> None:
        """Raise ValueError if the data of a fit lie in several chunks."""
        sizes = self.da.chunksizes
        if split := [dim for dim in self.over if len(sizes.get(dim, ())) > 1]:
            whole = ", ".join(f"{dim!r}: -1" for dim in split)
            raise ValueError(
                f"the data of a fit must lie in one chunk, got {len(sizes[split[0]])} chunks along "
                f"{split[0]!r}: rechunk them with da.chunk({{{whole}}})"
            )

    def _x(self) -> Any:
        """Return the first argument of the model."""
        return self.axes[0] if len(self.axes) == 1 else tuple(self.axes)

    def variables(self, fits: Fits | LazyFits, prefix: str) -> dict[str, Any]:
        """Return the variables of the Dataset, in which a fit that failed is NaN."""
        bad = ~fits.success
        popt, pcov, perr = (
            np.where(bad[(..., *(None,) * extra)], np.nan, array)
            for array, extra in ((fits.popt, 1), (fits.pcov, 2), (fits.perr, 1))
        )
        flags = {
            "flag_values": np.array([int(r) for r in Reason], dtype=np.int8),
            "flag_meanings": " ".join(str(r) for r in Reason),
        }
        lead = self.lead
        made = {
            "coefficients": ([*lead, "param"], popt, self.da.attrs),
            "covariance": ([*lead, "cov_i", "cov_j"], pcov, self.da.attrs),
            "errors": ([*lead, "param"], perr),
            "chi2": (lead, np.where(bad, np.nan, 2.0 * fits.cost)),
            "success": (lead, fits.success),
            "reason": (lead, fits.reason, flags),
        }
        if isinstance(fits, LazyFits):
            sets = {"flag_values": np.arange(len(ISAS), dtype=np.int8),
                    "flag_meanings": " ".join(ISAS)}  # fmt: skip
            made["isa"] = (lead, fits.isa, sets)
        return {f"{prefix}curvefit_{name}": value for name, value in made.items()}


def _axes(obj: Any, coords: Any) -> list[Any]:
    """Return the coordinates as DataArrays."""
    if isinstance(coords, str) or hasattr(coords, "dims") or not isinstance(coords, Iterable):
        coords = [coords]
    axes = [c if hasattr(c, "dims") else obj[c] for c in coords]
    if not axes:
        raise ValueError("coords must name a coordinate, got none")
    return axes


def _dims(obj: Any, reduce_dims: Any, axes: list[Any]) -> list[Any]:
    """Return the dimensions to fit along: those given, and those of 1-d coordinates."""
    if reduce_dims is None:
        dims = []
    elif isinstance(reduce_dims, str) or not isinstance(reduce_dims, Iterable):
        dims = [reduce_dims]
    else:
        dims = list(reduce_dims)
    for dim in dims:
        if dim not in obj.dims:
            raise ValueError(
                f"reduce_dims names {dim!r}, but the dimensions are {', '.join(map(str, obj.dims))}"
            )
    dims += [axis.dims[0] for axis in axes if axis.ndim == 1]
    if not dims:
        raise ValueError("no coordinate has one dimension: reduce_dims says along which to fit")
    return list(dict.fromkeys(dims))


def _held(value: Any) -> Any:
    """Return the values of a DataArray; a Dask array is not computed."""
    return value.data if is_lazy(value.data) else value.values


def _checked(fits: Any, name: Any) -> Any:
    """Return fits that raise RuntimeError if one failed: at once, or when they are made."""
    if isinstance(fits, LazyFits):
        return fits.checked(functools.partial(_check, name=name))
    _check(fits, name)
    return fits


def _check(fits: Fits, name: Any) -> None:
    """Raise RuntimeError if a fit with enough data failed."""
    idle = (fits.reason == Reason.not_run) | (
        (fits.reason == Reason.non_finite) & (fits.n_missing > 0)
    )
    failed = np.flatnonzero(~fits.success & ~idle)
    if failed.size:
        of = f" of {name}" if name != "" else ""
        raise RuntimeError(
            f"{failed.size:,} of {fits.size:,} fits{of} did not converge; the first, fit "
            f"{failed[0]}: {fits._message(int(failed[0]))}; errors='ignore' makes them NaN"
        )
