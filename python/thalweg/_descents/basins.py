# SPDX-License-Identifier: BSD-3-Clause
"""Descend from every point of a grid and label the minimum that each start leads to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._descents.interrupts import carries_result
from thalweg._descents.lanes import cores
from thalweg._descents.minima import Minima
from thalweg._descents.multistart import BoxSearch, objective_in
from thalweg._descents.stationary import Box
from thalweg._methods.method import make
from thalweg._methods.stopping import FTOL, GTOL, XTOL, checked_given, defaults, limits_among
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._results.record import seconds
from thalweg._results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Basins", "basins"]


class Basins(Results):
    """The minimum that a descent from each point of a grid reaches.

    The shape of every array begins with the shape of the grid: ``labels[i, j]`` belongs to the
    start ``axes[0][i], axes[1][j]``. ``b[i, j]`` is the result of one descent.

    Attributes
    ----------
    labels : ndarray of int
        The index of the minimum, or -1 if the descent ended elsewhere.
    axes : tuple of ndarray
        The coordinates of the starts, one array for each variable that is not fixed. A slice that
        is a smaller grid (``b[:10, ::2]``) has its own axes; other selections have none.
    names : list of str
        The names of the variables along the axes.
    minima : Minima
        The distinct minima, best first.
    x, fun, success, status, reason, nit, nfev, nhev, elapsed
        Where each descent ended, why, and what it cost, as in `Results`.
    """

    labels: npt.NDArray[np.intp]
    axes: tuple[FloatArray, ...]

    __slots__ = ()

    @property
    def minima(self) -> Minima:
        """The distinct minima, best first."""
        minima: Minima = self._about["minima"]
        return minima

    @property
    def names(self) -> list[str]:
        """The names of the variables along the axes."""
        names: list[str] = self._about["names"]
        return names

    def plot(self, **kw: Any) -> Axes:
        """Draw the map with its minima.

        Parameters
        ----------
        **kw
            Keywords of `thalweg.plot.basins`.

        Returns
        -------
        matplotlib.axes.Axes
            The axes that hold the map.
        """
        axes: Axes = attached("Basins.plot")(self, **kw)
        return axes

    def _taken(self, lanes: npt.NDArray[np.intp]) -> Basins:
        taken = super()._taken(lanes)
        axes = _axes_of(lanes, self._shared.get("axes", ()))
        rest = {k: v for k, v in self._shared.items() if k != "axes"}
        taken._shared = {"axes": axes, **rest} if axes else rest
        return taken

    def _heading(self) -> tuple[str, str]:
        shape = " x ".join(map(str, self.shape))
        there = int(np.count_nonzero(self.labels >= 0))
        return "starts", f"{shape}, of which {there:,} ended at a minimum"

    def _rows(self) -> list[tuple[str, str]]:
        heading, *rest = super(Results, self)._rows()
        return [heading, *self.minima._rows()[:-1], *rest[:-1], ("elapsed", seconds(self.elapsed))]


@carries_result
def basins(
    fun: Callable[..., Any] | Objective,
    bounds: Any,
    shape: int | tuple[int, ...] = (512, 512),
    method: Any = "lbfgs",
    *,
    args: tuple[Any, ...] = (),
    merge_tol: float = 1e-3,
    bounded: bool = True,
    threads: int | None = None,
    progress: bool = False,
    unpack: bool | None = None,
    gtol: float | None = GTOL,
    xtol: float | None = XTOL,
    ftol: float | None = FTOL,
    max_iter: int | None = None,
    max_nfev: int | None = None,
    max_time: float | None = None,
    **hyper: Any,
) -> Basins:
    """Descend from every point of a grid and label the minimum that each descent reaches.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy. It has one variable for each axis of the grid, and possibly
        others that `bounds` fix.
    bounds : sequence or dict of (lower, upper), or Bounds
        The box that the grid covers, including its bounds, as in `thalweg.multistart`. A variable
        whose bounds are equal is fixed and has no axis, so a function of many variables can be
        mapped over two of them.
    shape : tuple of int, default (512, 512)
        The number of starts along each variable, at least 2. A number suffices for one variable.
    method : str or method object
        As in `thalweg.minimize`, with hyper-parameters as further keywords.
    args, merge_tol, bounded, threads, progress, unpack : optional
        As in `thalweg.multistart`.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        Stopping limits of each descent, as in `thalweg.minimize`.
    **hyper
        The method's hyper-parameters.

    Returns
    -------
    Basins
        `labels`, `minima`, `axes`; `plot()` draws the map.

    Raises
    ------
    TraceError
        If `fun` cannot be traced.
    ValueError, TypeError
        If an argument is invalid; the message names it and says what was expected.
    KeyboardInterrupt
        On Ctrl-C, with the results of the descents so far in ``.result``.

    See Also
    --------
    multistart : Find the distinct minima in a box; its notes say how endpoints are distinguished.
    minimize_many : Descend from given starts.
    thalweg.plot.basins : Draw the map.

    References
    ----------
    .. [1] H. E. Nusse and J. A. Yorke, "Basins of attraction", Science 271, 1996, 1376-1380,
       https://doi.org/10.1126/science.271.5254.1376

    Examples
    --------
    >>> import thalweg as tw
    >>> himmelblau = lambda x, y: (x**2 + y - 11)**2 + (x + y**2 - 7)**2
    >>> b = tw.basins(himmelblau, [(-5, 5), (-5, 5)], shape=(40, 30),
    ...               method="gradient_descent", learning_rate=0.005)
    >>> b.labels.shape, len(b.minima), b.axes[1].shape
    ((40, 30), 4, (30,))
    >>> b.minima.x[b.labels[-1, -1]].round(6)       # the start (5, 5) ends there
    array([3., 2.])
    """
    began = time.perf_counter()
    given = limits_among(locals())
    chosen = make("lbfgs" if method is None else method, hyper)
    stops = defaults(chosen) | checked_given(given) | {"threads": cores(threads)}
    objective = objective_in(bounds, fun, args, unpack)
    search = BoxSearch(objective, bounds, chosen, stops, bounded, merge_tol)
    axes, rows = _grid(search.box, shape)
    sizes = tuple(len(axis) for axis in axes)

    def tell(out: dict[str, Any], flat: Results) -> Basins:
        arrays, own = flat._in_shape(sizes)
        labels = search.objective.structure.labels(search.objective.names)
        names = [labels[i] for i in np.flatnonzero(search.box.upper > search.box.lower)]
        about = flat._about | {"box": search.box, "method": search.method, "names": names}
        ends = Results(arrays, sizes, flat._shared, own, about)
        minima = search.minima(out, ends, search.objective.structure.restore(rows, sizes), began)
        shared = {"axes": axes, "elapsed": minima.elapsed}
        arrays = {"labels": minima.labels, **arrays}
        return Basins(arrays, sizes, shared, own, about | {"minima": minima})

    return search.run(rows, False, progress, tell)


def _grid(box: Box, shape: Any) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """Return the axes of a grid over the box, bounds included, and its points as rows."""
    free = np.flatnonzero(box.upper > box.lower)
    numbers = (shape,) if isinstance(shape, int | np.integer) else shape
    try:
        sizes = tuple(int(n) for n in numbers)
        exact = all(n == given for n, given in zip(sizes, numbers, strict=True))
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact or isinstance(shape, str | bool):
        raise TypeError(f"shape must be whole numbers, got {shape!r}")
    if len(sizes) != free.size:
        raise ValueError(
            f"shape must have one number for each of the {free.size} variables that bounds leave "
            f"free, got {sizes}; a variable whose bounds are equal is fixed"
        )
    if min(sizes) < 2:
        raise ValueError(f"shape must be >= 2 along each axis, got {sizes}")
    axes = tuple(
        np.linspace(box.lower[i], box.upper[i], n) for i, n in zip(free, sizes, strict=True)
    )
    points = np.empty((*sizes, box.lower.size))
    points[...] = box.lower
    for i, along in zip(free, np.ix_(*axes), strict=True):
        points[..., i] = along
    return axes, points.reshape(-1, box.lower.size)


def _axes_of(lanes: npt.NDArray[np.intp], axes: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
    """Return the axes of selected grid points, or none if they do not form a grid in order."""
    if not lanes.size or lanes.ndim != len(axes):
        return ()
    along = []
    for i, at in enumerate(np.unravel_index(lanes, [len(axis) for axis in axes])):
        at = np.moveaxis(at, i, -1)
        line = at.reshape(-1, at.shape[-1])[0]
        if (at != line).any() or (np.diff(line) <= 0).any():
            return ()
        along.append(axes[i][line])
    return tuple(along)
