# SPDX-License-Identifier: BSD-3-Clause
"""Ready models: formulas with named parameters, bounds and starts; sums and products of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg._attached import attached
from thalweg._descents.lanes import cores
from thalweg._fits.chunks import LeadingRows, as_numbers, filled
from thalweg._fits.curve_fit import curve_fit
from thalweg._fits.curve_fit_many import curve_fit_many
from thalweg._fits.settings import FREE
from thalweg._objectives.signatures import argument_names
from thalweg._tracing.numbers import as_array
from thalweg.models.predictors import Predictors, in_pieces
from thalweg.models.samples import FloatArray, Sample
from thalweg.models.starts import Shape, search_degree, starts

if TYPE_CHECKING:
    from thalweg._fits.fits import Fits

__all__ = ["Curve"]


class _Signature:
    """The signature ``(x, a, b, ...)`` of an instance; the class keeps that of its constructor."""

    def __get__(self, curve: Curve | None, owner: type) -> inspect.Signature:
        if curve is None:
            raise AttributeError("__signature__")
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(n, kind) for n in ("x", *curve.names)])


class Curve:
    """A model of data with named parameters: the base of all ready models.

    A curve is a function ``f(x, a, b, ...)`` for `thalweg.curve_fit`, `thalweg.curve_fit_many` and
    `thalweg.model`. Besides, it has bounds, and it computes starts from data. Sums, differences and
    products of curves and numbers are curves. Curves do not change, and can be pickled.

    To write one, derive a class with `formula`, a static method ``f(x, a, b, ...)`` in NumPy that
    is linear in its first parameter; with `limits`, the bounds of parameters by name; and with
    `shapes`, which returns candidates for the other parameters, from which `guess` chooses.

    Parameters
    ----------
    prefix : str
        What the names of the parameters begin with, to tell terms of a sum apart.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> peak = tw.models.Gaussian("a_") + tw.models.Line()
    >>> peak.names
    ('a_amplitude', 'a_center', 'a_sigma', 'slope', 'intercept')
    >>> x = np.linspace(0.0, 10.0, 50)
    >>> y = peak(x, 5.0, 4.0, 0.5, 0.2, 1.0)
    >>> popt, pcov = peak.fit(x, y)
    >>> popt.round(6)
    array([5. , 4. , 0.5, 0.2, 1. ])
    """

    limits: ClassVar[dict[str, tuple[float, float]]] = {}
    broad: ClassVar[bool] = True
    __signature__: ClassVar[Any] = _Signature()

    prefix: str
    _given: tuple[Any, ...]  # the arguments of the constructor

    def __init__(self, prefix: str = "") -> None:
        self._keep(prefix)

    def _keep(self, prefix: str, *given: Any) -> None:
        """Store the prefix, after a check, and the arguments of the constructor before it."""
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, got {type(prefix).__name__}")
        if prefix and not prefix.isidentifier():
            raise ValueError(f"prefix must be able to begin a name, such as 'a_', got {prefix!r}")
        object.__setattr__(self, "prefix", prefix)
        object.__setattr__(self, "_given", (*given, prefix))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self!r} does not change: make another")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._given

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._given == self._given

    def __hash__(self) -> int:
        return hash((type(self), self._given))

    # ---- what a model defines

    formula: ClassVar[Callable[..., Any]]

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of the parameters without the prefix."""
        return tuple(argument_names(self.formula)[1:])

    @property
    def degree(self) -> int | None:
        """The degree of a polynomial; None for other models."""
        return None

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients by `joined`."""
        return 1

    def shapes(self, _: Sample) -> Iterable[Shape]:
        """Return candidates for all parameters but the linear ones, each (k, 1) or (1, 1)."""
        return [()]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return the functions of x that linear parameters multiply."""
        return [self.formula(x, 1.0, *shape)]

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return the parameters that belong to coefficients of the columns."""
        return [coefficients[0], *shape]

    # ---- names, values, bounds

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self.prefix + name for name in self.own_names)

    @property
    def __name__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({repr(self.prefix) if self.prefix else ''})"

    def __call__(self, x: Any, *p: Any, **named: Any) -> Any:
        """Evaluate the model.

        Parameters
        ----------
        x : array_like or tuple of array_like
            The points.
        *p, **named : float, array_like or traced
            The parameters, by position or by name. Arrays are broadcast against `x`.

        Returns
        -------
        ndarray or traced
            The values.
        """
        if named:
            p = tuple(_in_order(self, p, named))
        if len(p) != len(self.names):
            raise TypeError(f"{self!r} takes {', '.join(self.names)}, got {len(p)} values")
        x = tuple(_points(part) for part in x) if isinstance(x, tuple) else _points(x)
        return self.value(x, *(_points(each) for each in p))

    def value(self, x: Any, *p: Any) -> Any:
        """Evaluate the formula."""
        return self.formula(x, *p)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper bounds of the parameters, each (p,)."""
        ends = [self.limits.get(name, (-inf, inf)) for name in self.own_names]
        return np.array([a for a, _ in ends], float), np.array([b for _, b in ends], float)

    def terms(self, factor: float = 1.0) -> list[tuple[float, Curve]]:
        """Return the terms of a sum with their factors, in the order of the parameters."""
        return [(factor, self)]

    @property
    def shift(self) -> float:
        """The constant numbers in a sum."""
        return 0.0

    # ---- arithmetic

    def __add__(self, other: Any) -> Any:
        return self._combined("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._combined("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._combined("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._combined("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._combined("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._combined("*", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self._combined("/", self, other)

    def __neg__(self) -> Any:
        return self._combined("*", -1.0, self)

    @staticmethod
    def _combined(sign: str, left: Any, right: Any) -> Any:
        return attached("Curve.__add__")(sign, left, right)

    __array_ufunc__: ClassVar[None] = None  # so that a number of NumPy's leaves sums to `__radd__`

    # ---- starts

    def guess(self, x: Any, y: Any, *, threads: int | None = None) -> FloatArray:
        """Compute starts of fits from data, for any number of data sets at once.

        The parameters in which the model is linear, such as an amplitude, follow from the others by
        linear least squares. For the others, candidates are measured in the data or lie on a grid,
        and the candidate with the smallest sum of squares is chosen. Terms of a sum are taken one
        after another, beside the polynomials in it, and then once more beside all others.

        Parameters
        ----------
        x : array_like or tuple of array_like
            The points, (m,) for all data sets or (..., m), in any order.
        y : array_like
            The data (..., m). Values that are NaN, infinite or masked are left out.
        threads : int, optional
            The number of threads, by default one for each core. The starts are the same for any
            number, bit for bit.

        Returns
        -------
        ndarray
            The starts (..., p), within the bounds. They are NaN for data sets with fewer values
            than parameters.

        Raises
        ------
        ValueError
            If `x` and `y` do not match, or if there are fewer points than parameters.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 10.0, 101)
        >>> y = tw.models.Gaussian()(x, [[2.0], [-3.0]], [[4.0], [7.0]], 0.5)
        >>> tw.models.Gaussian().guess(x, y).round(1)
        array([[ 2. ,  4. ,  0.5],
               [-3. ,  7. ,  0.5]])
        """
        data, lead = _data_of(y)
        m = data.shape[-1]
        predictors, rows = Predictors(x, lead, m), LeadingRows(data, lead)
        self._check_count(m)

        def start(a: int, b: int) -> FloatArray:
            return self._guess(predictors.read(a, b), rows.read(a, b))

        found = in_pieces(start, prod(lead), m, cores(threads))
        return found.reshape(*lead, len(self.names))

    def _check_count(self, m: int) -> None:
        if m < len(self.names):
            raise ValueError(
                f"{self!r} has {len(self.names)} parameters, so guess needs as many data at least, "
                f"got {m}: pass p0 and fix parameters"
            )

    def _guess(self, x: Any, y: FloatArray) -> FloatArray:
        """Return starts (k, p) for data (k, m) at points (1, m) or (k, m)."""
        terms = self.terms()
        sample = Sample.of(x, y - self.shift, search_degree(terms))
        with np.errstate(all="ignore"):
            found = np.concatenate(starts(terms, sample), axis=1)
        lower, upper = self.bounds
        found = np.clip(np.where(np.isfinite(found), found, 1.0), lower, upper)
        if sample.kept is not None:
            found[sample.kept.sum(axis=1) < found.shape[1]] = np.nan
        return found

    # ---- fits

    def fit(
        self,
        x: Any,
        y: Any,
        p0: Any = None,
        sigma: Any = None,
        *,
        bounds: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Fit the model to data, from a start of its own, within its bounds.

        Parameters
        ----------
        x : array_like or tuple of array_like
            The points (m,), or a tuple of several predictors.
        y : array_like
            The data (m,).
        p0 : dict or array_like, optional
            Starts of some parameters by name, the others being guessed; or of all parameters.
        sigma : array_like, optional
            The standard deviations of the data.
        bounds : dict or 2-tuple of array_like, optional
            Bounds ``(lower, upper)`` of some parameters by name, beside those of the model; or of
            all parameters.
        **kwargs
            As in `thalweg.curve_fit`.

        Returns
        -------
        popt, pcov : ndarray
            As in `thalweg.curve_fit`.

        Raises
        ------
        ValueError
            If there are not enough data for a start, or as in `thalweg.curve_fit`.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 5.0, 20)
        >>> decay = tw.models.Exponential() + tw.models.Constant()
        >>> popt, pcov = decay.fit(x, 3.0 * np.exp(-x / 1.5) + 1.0)
        >>> popt.round(6)
        array([3. , 1.5, 1. ])
        """
        box = self._box(bounds, kwargs.get("ties"))
        start = self._whole(p0)
        if start is None:
            start = self._completed(self.guess(x, y), p0)
            if np.isnan(start).any():
                raise ValueError(
                    f"y must have at least {len(self.names)} finite values for a guess of {self!r},"
                    f" got {np.count_nonzero(np.isfinite(filled(as_numbers(y, 'y'))))}"
                )
            start = _inside(start, box)
        return curve_fit(self, x, y, start, sigma, bounds=box, **kwargs)

    def fit_many(
        self, x: Any, y: Any, p0: Any = None, *, bounds: Any = None, **kwargs: Any
    ) -> Fits:
        """Fit the model to many data sets, each from a start of its own.

        Parameters
        ----------
        x : array_like or tuple of array_like
            The points, (m,) or (..., m), or a tuple of several predictors.
        y : array_like
            The data (..., m).
        p0 : dict, array_like or callable, optional
            Starts of some parameters by name, numbers or arrays like the leading axes, the others
            being guessed; or starts of all parameters as in `thalweg.curve_fit_many`.
        bounds : dict or 2-tuple of array_like, optional
            Bounds ``(lower, upper)`` of some parameters by name, numbers or arrays like the leading
            axes, beside those of the model; or of all parameters.
        **kwargs
            As in `thalweg.curve_fit_many`.

        Returns
        -------
        Fits
            As in `thalweg.curve_fit_many`.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> x = np.linspace(0.0, 10.0, 101)
        >>> center = np.array([3.0, 5.0, 6.5])
        >>> y = 2.0 * np.exp(-0.5 * (x - center[:, None]) ** 2) + 0.5
        >>> fits = (tw.models.Gaussian() + tw.models.Constant()).fit_many(x, y)
        >>> fits["center"].round(6)
        array([3. , 5. , 6.5])
        """
        box = self._box(bounds, kwargs.get("ties"))
        start = self._whole(p0)
        if start is None:
            data, lead = _data_of(y)
            self._check_count(data.shape[-1])
            predictors = Predictors(x, lead, data.shape[-1])
            if predictors.differ or any(np.size(value) > 1 for value in (p0 or {}).values()):
                found = self.guess(x, y, threads=kwargs.get("threads"))
                start = _inside(self._completed(found, p0), box)
            else:
                shared, threads = predictors.read(0, 1), cores(kwargs.get("threads"))

                def start(rows: FloatArray) -> FloatArray:
                    def part(a: int, b: int) -> FloatArray:
                        return self._guess(shared, rows[a:b])

                    return self._completed(in_pieces(part, len(rows), rows.shape[1], threads), p0)

        return curve_fit_many(self, x, y, start, bounds=box, **kwargs)

    def _whole(self, p0: Any) -> Any:
        """Return `p0` if it holds starts of all parameters, and None if a guess is needed."""
        if p0 is None:
            return None
        if not isinstance(p0, dict):
            return p0
        for name in p0:
            self._check_name(name, "p0")
        if len(p0) < len(self.names):
            return None
        parts = [as_array(p0[name], f"p0[{name!r}]") for name in self.names]
        return np.stack(np.broadcast_arrays(*parts), axis=-1)

    def _completed(self, found: FloatArray, p0: dict[str, Any] | None) -> FloatArray:
        """Replace guesses by starts that are given by name."""
        for name, value in (p0 or {}).items():
            found[..., self.names.index(name)] = as_array(value, f"p0[{name!r}]")
        return found

    def _check_name(self, name: Any, what: str) -> None:
        if name not in self.names:
            raise ValueError(
                f"{what} names {name!r}, but the parameters are {', '.join(self.names)}"
            )

    def _box(self, bounds: Any, ties: Any) -> Any:
        """Return the bounds of a fit: the model's own, or with those given by name.

        Parameters that are tied to others have none of the model's own.
        """
        if bounds is not None and not isinstance(bounds, dict):
            return bounds
        lower, upper = self.bounds
        tied = [i for i, name in enumerate(self.names) if ties and name in ties]
        lower[tied], upper[tied] = -inf, inf
        each: dict[str, Any] = {}  # the bounds that differ between fits
        for name, (low, high) in (bounds or {}).items():
            self._check_name(name, "bounds")
            at = self.names.index(name)
            low, high = (-inf if low is None else low), (inf if high is None else high)
            if np.ndim(low) or np.ndim(high):
                each[name] = (low, high)
            else:
                lower[at], upper[at] = low, high
        if each:
            shared = zip(self.names, zip(lower.tolist(), upper.tolist(), strict=True), strict=True)
            return dict(shared) | each
        return (lower, upper) if np.isfinite([lower, upper]).any() else FREE


def _data_of(y: Any) -> tuple[Any, tuple[int, ...]]:
    """Return the data (..., m), and their leading axes."""
    data = as_numbers(y, "y")
    if data.ndim == 0 or data.shape[-1] == 0:
        got = "a single number" if data.ndim == 0 else f"shape {data.shape}"
        raise ValueError(f"y must have shape (..., m) with data along its last axis, got {got}")
    return data, data.shape[:-1]


def _in_order(curve: Curve, p: tuple[Any, ...], named: dict[str, Any]) -> Iterable[Any]:
    """Return parameters given by position and by name, in their order."""
    for name in named:
        if name not in curve.names:
            raise TypeError(f"{curve!r} has no parameter {name!r}: {', '.join(curve.names)}")
    given = dict(zip(curve.names, p, strict=False))
    if twice := given.keys() & named.keys():
        raise TypeError(f"{curve!r} got {min(twice)!r} twice")
    given |= named
    return [given[name] for name in curve.names if name in given]


def _points(x: Any) -> Any:
    return np.asarray(x, dtype=float) if isinstance(x, list | tuple) else x


def _inside(start: FloatArray, box: Any) -> FloatArray:
    """Move starts into bounds; where a bound is not given by numbers, leave them."""
    if isinstance(box, dict):
        columns = [np.clip(start[..., i], *ends) for i, ends in enumerate(box.values())]
        return np.stack(columns, axis=-1)
    if isinstance(box, tuple) and len(box) == 2:
        return np.clip(start, *(np.asarray(end, float) for end in box))
    return start
