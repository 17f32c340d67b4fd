# SPDX-License-Identifier: BSD-3-Clause
"""Define the result of fits that Dask has still to make."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from thalweg._distributed.packing import Packing
from thalweg._files.results import model_for
from thalweg._fits.fits import Fits
from thalweg._objectives.points import FloatArray

__all__ = ["Layout", "LazyFits"]


class Layout(NamedTuple):
    """What makes `Fits` of packed results. It can be pickled, by cloudpickle at least.

    Attributes
    ----------
    packing : Packing
        The layout of a row.
    names : list of str
        The names of the parameters.
    about : dict
        What messages and statistics are made of.
    elsewhere : callable, optional
        The model at other points, as of `ManyProblem`.
    """

    packing: Packing
    names: list[str]
    about: dict[str, Any]
    elsewhere: Any = None

    def fits(self, packed: FloatArray) -> Fits:
        """Return the fits of packed results (*lead, width)."""
        arrays, own = self.packing.unpack(packed)
        shape, names, about = packed.shape[:-1], list(self.names), dict(self.about)
        if self.elsewhere is not None:
            about["elsewhere"] = model_for(names, shape, about, self.elsewhere, about["name"])
        return Fits(arrays, shape, {"names": names, "elapsed": np.nan}, own, about)


class LazyFits:
    """Many fits that Dask has still to make, one task for each chunk.

    `thalweg.curve_fit_many` returns it if data are Dask arrays. It is a Dask collection:
    `dask.compute`, `dask.persist`, `Client.compute` and progress bars take it. Its attributes are
    the arrays of `Fits`, as Dask arrays; so are its keys, and the names of parameters. Each of them
    needs the fits: ask for several in one call of `dask.compute`, or `persist` first.

    Attributes
    ----------
    names : list of str
        The names of the parameters.
    shape : tuple of int
        The leading axes.
    isa : dask.array.Array of int8
        Which instruction set made each fit (...,): 0 is baseline, 1 avx2, 2 avx512, 3 neon. Where
        all are the same, so are the bits of the results, for any chunks and workers.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> import dask.array as da
    >>> x = np.linspace(0.0, 4.0, 9)
    >>> y = da.from_array(np.array([[1.0], [2.0], [3.0]]) * np.exp(-1.3 * x), chunks=(2, 9))
    >>> lazy = tw.curve_fit_many(lambda x, a, b: a * np.exp(-b * x), x, y)
    >>> lazy
    <thalweg.LazyFits: 3 fits of a, b, 2 tasks>
    >>> lazy.popt.shape, lazy["a"].chunks
    ((3, 2), ((2, 1),))
    >>> lazy.compute().popt.round(6)
    array([[1. , 1.3],
           [2. , 1.3],
           [3. , 1.3]])
    """

    __slots__ = ("_layout", "_packed", "names", "shape")

    def __init__(self, packed: Any, layout: Layout) -> None:
        self._packed, self._layout = packed, layout
        self.names, self.shape = list(layout.names), tuple(packed.shape[:-1])

    def __repr__(self) -> str:
        return (
            f"<thalweg.LazyFits: {self.size:,} fits of {', '.join(self.names)}, "
            f"{self._packed.npartitions:,} tasks>"
        )

    @property
    def size(self) -> int:
        """The number of fits."""
        return prod(self.shape)

    def keys(self) -> list[str]:
        """Return the names of the arrays."""
        return self._layout.packing.arrays

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.keys()]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.keys():
            raise AttributeError(f"LazyFits has no {name!r}; it has {', '.join(self.keys())}, "
                                 "and compute() for everything else")  # fmt: skip
        return self._array(name)

    def __getitem__(self, name: Any) -> Any:
        if name in self.names and name not in self.keys():
            return self.popt[..., self.names.index(name)]
        if not isinstance(name, str) or name not in self.keys():
            raise KeyError(f"{name!r}: there are {', '.join([*self.keys(), *self.names])}")
        return self._array(name)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters by name, each a Dask array (...,)."""
        popt = self.popt
        return {name: popt[..., i] for i, name in enumerate(self.names)}

    def _array(self, name: str) -> Any:
        """Return one of the arrays, read from the packed results."""
        import dask.array as da

        _, own, kind = self._layout.packing.columns[name]
        n = len(self.shape)
        lead, axes = tuple(range(n)), tuple(n + 1 + k for k in range(len(own)))
        return da.blockwise(
            self._layout.packing.column, (*lead, *axes), self._packed, (*lead, n), array=name,
            new_axes=dict(zip(axes, own, strict=True)), dtype=kind, concatenate=True, token=name,
            meta=np.empty((0,) * (n + len(own)), dtype=kind),
        )  # fmt: skip

    def checked(self, check: Callable[[Fits], None]) -> LazyFits:
        """Return the same fits, whose tasks call a function that may refuse those of a chunk."""
        layout = self._layout._replace(elsewhere=None)
        packed = self._packed.map_blocks(
            _checked, check=check, layout=layout, dtype=np.float64, meta=self._packed._meta
        )
        return LazyFits(packed, self._layout)

    # ---- a Dask collection

    def compute(self, **kwargs: Any) -> Fits:
        """Make the fits.

        Parameters
        ----------
        **kwargs
            Keywords of `dask.compute`, such as ``scheduler="processes"``.

        Returns
        -------
        Fits
            The results, with `isa`, the instruction set of each fit. They know neither the data nor
            how long each took; with points they `predict`.
        """
        import dask

        began = time.perf_counter()
        (fits,) = dask.compute(self, **kwargs)
        fits._shared["elapsed"] = time.perf_counter() - began
        made: Fits = fits
        return made

    def persist(self, **kwargs: Any) -> LazyFits:
        """Make the fits, and keep the results where Dask keeps them: on a cluster, in its workers.

        Parameters
        ----------
        **kwargs
            Keywords of `dask.persist`.

        Returns
        -------
        LazyFits
            The fits, whose arrays cost nothing more.
        """
        import dask

        (kept,) = dask.persist(self, **kwargs)
        made: LazyFits = kept
        return made

    def __dask_graph__(self) -> Any:
        return self._packed.__dask_graph__()

    def __dask_keys__(self) -> Any:
        return self._packed.__dask_keys__()

    def __dask_layers__(self) -> Any:
        return self._packed.__dask_layers__()

    def __dask_tokenize__(self) -> Any:
        return "thalweg.LazyFits", self._packed.__dask_tokenize__()

    @property
    def __dask_optimize__(self) -> Any:
        return self._packed.__dask_optimize__

    @property
    def __dask_scheduler__(self) -> Any:
        return self._packed.__dask_scheduler__

    def __dask_postcompute__(self) -> Any:
        join, more = self._packed.__dask_postcompute__()
        return _computed, (join, more, self._layout)

    def __dask_postpersist__(self) -> Any:
        rebuild, more = self._packed.__dask_postpersist__()
        return _persisted, (rebuild, more, self._layout)


def _computed(results: Any, join: Any, more: Any, layout: Layout) -> Fits:
    return layout.fits(join(results, *more))


def _persisted(graph: Any, rebuild: Any, more: Any, layout: Layout, **kwargs: Any) -> LazyFits:
    return LazyFits(rebuild(graph, *more, **kwargs), layout)


def _checked(packed: FloatArray, check: Callable[[Fits], None], layout: Layout) -> FloatArray:
    check(layout.fits(packed))
    return packed
