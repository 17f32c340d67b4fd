# SPDX-License-Identifier: BSD-3-Clause
"""`basins`: a descent from every point of a grid, and which minimum each ends at."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from thalweg._attached import attached
from thalweg._descents.interrupts import carries_result
from thalweg._descents.minima import Minima
from thalweg._descents.multistart import Asked
from thalweg._descents.stationary import Box
from thalweg._methods.stopping import FTOL, GTOL, XTOL
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray
from thalweg._results.record import seconds
from thalweg._results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Basins", "basins"]


class Basins(Results):
    """Which minimum a descent from each point of a grid ends at.

    Every array has the grid's shape in front: ``labels[i, j]`` belongs to the start
    ``axes[0][i], axes[1][j]``. ``b[i, j]`` is one ending.

    Attributes
    ----------
    labels : ndarray of int
        The number of the minimum, or -1: the descent ended elsewhere.
    axes : tuple of ndarray
        The starts' coordinates, one array for each variable that is not held. A part that is a
        smaller grid (``b[:10, ::2]``) has its own; endings picked otherwise have none.
    names : list of str
        What the variables along them are called.
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
        """What the variables along the axes are called."""
        names: list[str] = self._about["names"]
        return names

    def plot(self, **kw: Any) -> Axes:
        """Draw the map with its minima.

        Parameters
        ----------
        **kw
            As in `thalweg.plot.basins`.

        Returns
        -------
        matplotlib.axes.Axes
            What was drawn on.
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
        return "starts", f"{shape}, {there:,} of them ended at a minimum"

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
    """Descend from every point of a grid, and tell which minimum each descent ends at.

    Parameters
    ----------
    fun : callable or Objective
        A function written in NumPy, of as many variables as the grid has axes and others that
        `bounds` hold.
    bounds : sequence or dict of (lower, upper), or Bounds
        The box that the grid covers, its ends included; as in `thalweg.multistart`. A variable
        with equal ends is held, and has no axis: so maps of a function of more variables are made.
    shape : tuple of int, default (512, 512)
        Starts along each variable, at least 2; for a function of one variable a number.
    method : str or method object
        As in `thalweg.minimize`, with hyper-parameters as further keywords.
    args, merge_tol, bounded, threads, progress, unpack : optional
        As in `thalweg.multistart`.
    gtol, xtol, ftol, max_iter, max_nfev, max_time : optional
        When a descent stops, as in `thalweg.minimize`.
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
        If an argument does not fit; the message says what was wanted, what came, and which.
    KeyboardInterrupt
        On Ctrl-C, with the ends of the descents so far as ``.result``.

    See Also
    --------
    thalweg.multistart : how ends are told apart.

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
    stops = {
        "gtol": gtol, "xtol": xtol, "ftol": ftol, "max_iter": max_iter, "max_nfev": max_nfev,
        "max_time": max_time,
    }  # fmt: skip
    asked = Asked(
        fun, bounds, method, args=args, bounded=bounded, merge_tol=merge_tol,
        threads=threads, unpack=unpack, stops=stops, hyper=hyper,
    )  # fmt: skip
    axes, rows = _grid(asked.box, shape)
    sizes = tuple(len(axis) for axis in axes)

    def tell(out: dict[str, Any], flat: Results) -> Basins:
        arrays, own = flat._in_shape(sizes)
        labels = asked.objective.structure.labels(asked.objective.names)
        names = [labels[i] for i in np.flatnonzero(asked.box.upper > asked.box.lower)]
        about = flat._about | {"box": asked.box, "method": asked.method, "names": names}
        ends = Results(arrays, sizes, flat._shared, own, about)
        minima = asked.minima(out, ends, asked.objective.structure.restore(rows, sizes), began)
        shared = {"axes": axes, "elapsed": minima.elapsed}
        arrays = {"labels": minima.labels, **arrays}
        return Basins(arrays, sizes, shared, own, about | {"minima": minima})

    return asked.run(rows, False, progress, tell)


def _grid(box: Box, shape: Any) -> tuple[tuple[FloatArray, ...], FloatArray]:
    """The axes of a grid over the box, its ends included, and its points as rows."""
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
            f"room, got {sizes}; a variable whose ends are equal is held"
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
    """The axes of some points of a grid; none where they are no grid in the same order."""
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
