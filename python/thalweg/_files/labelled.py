# SPDX-License-Identifier: BSD-3-Clause
"""Convert fits to xarray's Datasets, and from these and from pandas' DataFrames."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from thalweg._files.results import about_of, fits_of, parts_of
from thalweg._fits.fits import Fits
from thalweg._results.reasons import Reason

__all__ = ["described", "from_dataframe", "from_xarray", "to_xarray"]

# The attribute that holds what statistics must know, as JSON.
_KNOWN = "thalweg"
# The last axes of arrays, with the names of the parameters as coordinates.
_AXES = {"popt": ("param",), "perr": ("param",), "pcov": ("cov_i", "cov_j")}
# What messages and statistics are made of.
_HIDDEN = ("left", "right", "open", "flat", "chi2", "r2")


def described(fits: Fits) -> str:
    """Return what statistics must know about fits, as JSON."""
    about = {k: v for k, v in about_of(fits).items() if k not in ("init", "joint", "flat")}
    known = {"about": about, "elapsed": fits._shared.get("elapsed", np.nan)}
    return json.dumps(known, default=lambda value: value.item())


def to_xarray(
    fits: Fits,
    dims: Any = None,
    coords: Mapping[Any, Any] | None = None,
) -> Any:
    """Return the fits as a Dataset."""
    try:
        import xarray as xr
    except ImportError:
        raise ImportError('to_xarray needs xarray: pip install "thalweg[xarray]"') from None
    axes = len(fits.shape)
    if dims is None:
        lead: list[Hashable] = [f"dim_{i}" for i in range(axes)]
    else:
        lead = list(dims) if isinstance(dims, tuple | list) else [dims]
    if len(lead) != axes or len(set(lead)) != axes or set(lead) & {"param", "cov_i", "cov_j"}:
        raise ValueError(
            f"dims must name the {axes} leading axes of fits of shape {fits.shape}, each once and "
            f"none 'param', 'cov_i' or 'cov_j', got {dims!r}"
        )
    parts, names = parts_of(fits), list(fits.names)
    arrays = parts["arrays"] | {k: v for k, v in parts["own"].items() if k in _HIDDEN}
    made = {name: ([*lead, *_AXES.get(name, ())], array) for name, array in arrays.items()}
    flags = {
        "flag_values": np.array([int(r) for r in Reason], dtype=np.int8),
        "flag_meanings": " ".join(str(r) for r in Reason),
    }
    whole: dict[str, Any] = made | {"reason": (lead, fits.reason, flags)}
    own = {axis: names for name in arrays for axis in _AXES.get(name, ())}
    return xr.Dataset(whole, coords={**(coords or {}), **own}, attrs={_KNOWN: described(fits)})


def from_xarray(dataset: Any) -> Fits:
    """Return the fits of a Dataset that `to_xarray` made."""
    for name in ("popt", "reason"):
        if name not in dataset:
            raise ValueError(f"the Dataset must have the variable {name!r}, as of Fits.to_xarray")
    lead = [dim for dim in dataset["popt"].dims if dim != "param"]
    names = [str(name) for name in dataset["param"].values]
    arrays: dict[str, Any] = {}
    for name, variable in dataset.data_vars.items():
        axes = [*lead, *_AXES.get(name, ())]
        if set(variable.dims) == set(axes):  # others were added later
            arrays[name] = variable.transpose(*axes).values
    return _fits(arrays, tuple(dataset.sizes[dim] for dim in lead), names, dataset.attrs)


def from_dataframe(frame: Any) -> Fits:
    """Return the fits of a DataFrame that `to_dataframe` made."""
    names = [name for name in frame.columns if f"perr[{name}]" in frame.columns]
    if not names or "reason" not in frame.columns:
        raise ValueError(
            "the DataFrame must have the columns of Fits.to_dataframe: parameters with their "
            "errors, such as 'a' and 'perr[a]', and 'reason'"
        )
    shape: tuple[int, ...] = (len(frame),)
    if frame.index.nlevels > 1:
        frame = frame.sort_index()
        shape = tuple(frame.index.get_level_values(i).nunique() for i in range(frame.index.nlevels))
        if int(np.prod(shape)) != len(frame) or not frame.index.is_unique:
            raise ValueError(
                f"the index must number every fit of an array once, got {len(frame)} rows for the "
                f"shape {shape}"
            )
    given = {name: frame[name].to_numpy() for name in frame.columns}
    pairs = [[f"pcov[{a}, {b}]" for b in names] for a in names]
    arrays = {
        "popt": np.stack([given.pop(name) for name in names], axis=-1),
        "perr": np.stack([given.pop(f"perr[{name}]") for name in names], axis=-1),
    }
    if all(name in given for row in pairs for name in row):
        arrays["pcov"] = np.stack(
            [np.stack([given.pop(name) for name in row], axis=-1) for row in pairs], axis=-2
        )
    try:
        reason = [Reason[str(name)] for name in given.pop("reason")]
    except KeyError as unknown:
        raise ValueError(f"the column 'reason' must hold names of reasons, got {unknown}") from None
    arrays |= {"reason": np.array(reason, dtype=np.int8)}
    arrays |= {k: v for k, v in given.items() if v.dtype.kind in "biuf"}
    arrays = {name: array.reshape(*shape, *array.shape[1:]) for name, array in arrays.items()}
    return _fits(arrays, shape, names, frame.attrs)


def _fits(
    arrays: dict[str, Any], shape: tuple[int, ...], names: list[str], attrs: Mapping[Any, Any]
) -> Fits:
    """Return fits from arrays with their leading axes, and what attributes say about them."""
    known = json.loads(attrs[_KNOWN]) if _KNOWN in attrs else {"about": {}, "elapsed": np.nan}
    own = {name: arrays.pop(name) for name in _HIDDEN if name in arrays}
    arrays["reason"] = arrays["reason"].astype(np.int8)
    shared = {"names": names, "elapsed": known["elapsed"]}
    return fits_of({"arrays": arrays, "shape": shape, "shared": shared, "own": own,
                    "about": known["about"]})  # fmt: skip
