# SPDX-License-Identifier: BSD-3-Clause
"""Combine models: sums, differences, products, and functions of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from math import inf, isfinite
from numbers import Real
from typing import Any

import numpy as np

from thalweg._objectives.points import as_floats
from thalweg._objectives.signatures import argument_names
from thalweg.models.curve import Curve
from thalweg.models.samples import FloatArray, Sample
from thalweg.models.starts import Shape, search_degree, starts

__all__ = ["Composite", "Function", "combined"]

# More pairs of candidates than these are thinned out when two models are multiplied.
_PAIRS = 256


class Function(Curve):
    """Your own function ``f(x, a, b, ...)`` as a model, to combine with others.

    Parameters
    ----------
    f : callable
        The function, written in NumPy.
    start : callable or array_like, optional
        A function ``start(x, y)`` of points and data (k, m) that returns starts (k, p), or starts
        (p,) for all data; ones by default.
    bounds : dict, optional
        Bounds ``(lower, upper)`` of parameters by name.
    prefix : str
        What the names of the parameters begin with.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> bend = tw.models.Function(lambda x, a, b: a * np.tanh(b * x), [1.0, 1.0])
    >>> model = bend + tw.models.Constant()
    >>> x = np.linspace(-2.0, 3.0, 30)
    >>> popt, pcov = model.fit(x, 3.0 * np.tanh(2.0 * x) + 1.0)
    >>> popt.round(6)
    array([3., 2., 1.])
    """

    _start: Any

    def __init__(
        self, f: Callable[..., Any], start: Any = None, bounds: Any = None, prefix: str = ""
    ) -> None:
        if not callable(f):
            raise TypeError(f"f must be a function f(x, a, b, ...), got {type(f).__name__}")
        names = argument_names(f)[1:]
        if not names:
            raise ValueError("f must name its parameters: f(x, a, b, ...)")
        if not callable(start):
            start = tuple(np.ones(len(names)) if start is None else as_floats(start, "start"))
            if len(start) != len(names):
                raise ValueError(f"start must have {len(names)} entries, got {len(start)}")
        limits = {}
        for name, ends in (bounds or {}).items():
            if name not in names:
                raise ValueError(
                    f"bounds names {name!r}, but the parameters are {', '.join(names)}"
                )
            low, high = ends
            limits[name] = (-inf if low is None else low, inf if high is None else high)
        object.__setattr__(self, "formula", f)
        object.__setattr__(self, "limits", limits)
        object.__setattr__(self, "_start", start)
        self._keep(prefix, f, start, tuple(limits.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Function, (self.formula, self._start, self.limits, self.prefix)

    def __repr__(self) -> str:
        name = getattr(self.formula, "__name__", repr(self.formula))
        return f"Function({name}{', prefix=' + repr(self.prefix) if self.prefix else ''})"

    @property
    def linear(self) -> int:
        """No parameter: what the function is linear in is not known."""
        return 0

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return the start as the only candidate."""
        start = self._start
        if callable(start):
            start = as_floats(start(sample.x, sample.y), "start")
            if start.shape != (len(sample.y), len(self.names)):
                raise ValueError(
                    f"start must return shape {(len(sample.y), len(self.names))} for data of shape "
                    f"{sample.y.shape}, got {start.shape}"
                )
            return [tuple(start[:, i : i + 1] for i in range(start.shape[1]))]
        return [tuple(np.full((1, 1), value) for value in start)]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return the values of the function."""
        return [self.formula(x, *shape)]


class Composite(Curve):
    """The sum, difference or product of two curves, or of a curve and a number.

    It is made by ``+``, ``-``, ``*`` and ``/``. The names of the two parts must differ.
    """

    def __init__(self, sign: str, left: Any, right: Any) -> None:
        parts = [part for part in (left, right) if isinstance(part, Curve)]
        names = [name for part in parts for name in part.names]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"both terms have a parameter {twice[0]!r}: give one a prefix, such as "
                f"{type(parts[1]).__name__}(prefix='b_')"
            )
        for name, value in (("sign", sign), ("left", left), ("right", right)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "prefix", "")
        object.__setattr__(self, "_given", (sign, left, right))

    sign: str
    left: Any
    right: Any

    @property
    def parts(self) -> list[Curve]:
        """The curves among the two operands."""
        return [part for part in (self.left, self.right) if isinstance(part, Curve)]

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(name for part in self.parts for name in part.names)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """The lower and the upper bounds of the parameters, each (p,)."""
        boxes = [part.bounds for part in self.parts]
        return np.concatenate([b[0] for b in boxes]), np.concatenate([b[1] for b in boxes])

    def __repr__(self) -> str:
        tight = self.sign in "*/"

        def shown(part: Any, is_right: bool) -> str:
            loose = isinstance(part, Composite) and part.sign in "+-"
            wrapped = loose and (tight or (is_right and self.sign == "-"))
            return f"({part!r})" if wrapped else repr(part)

        return f"{shown(self.left, False)} {self.sign} {shown(self.right, True)}"

    def value(self, x: Any, *p: Any) -> Any:
        """Evaluate both parts, and combine them."""
        rest = iter(p)

        def of(part: Any) -> Any:
            if not isinstance(part, Curve):
                return part
            return part.value(x, *(next(rest) for _ in part.names))

        a, b = of(self.left), of(self.right)
        if self.sign == "+":
            return a + b
        if self.sign == "-":
            return a - b
        return a * b if self.sign == "*" else a / b

    def terms(self, factor: float = 1.0) -> list[tuple[float, Curve]]:
        """Return the terms of a sum with their factors."""
        if self.sign in "+-":
            factors = (factor, factor if self.sign == "+" else -factor)
            both = zip(factors, (self.left, self.right), strict=True)
            return [t for f, part in both if isinstance(part, Curve) for t in part.terms(f)]
        if len(self.parts) == 2:
            return [(factor, self)]
        return self.parts[0].terms(factor * self._number)

    @property
    def _number(self) -> float:
        """The factor of a multiple."""
        number = self.right if isinstance(self.left, Curve) else self.left
        return float(1.0 / number if self.sign == "/" else number)

    @property
    def shift(self) -> float:
        """The constant numbers in a sum."""
        if self.sign in "+-":
            a, b = (
                part.shift if isinstance(part, Curve) else part for part in (self.left, self.right)
            )
            return float(a + b if self.sign == "+" else a - b)
        return 0.0 if len(self.parts) == 2 else float(self.parts[0].shift * self._number)

    # ---- starts of products; those of sums are found term by term

    @property
    def linear(self) -> int:
        """How many parameters follow from the columns' coefficients by `joined`."""
        return sum(factor.linear for _, factor in self._factors)

    @property
    def _factors(self) -> list[tuple[float, Any]]:
        """The factors with their numbers: single terms, or sums as a whole."""
        found: list[tuple[float, Any]] = []
        for part in self.parts:
            terms = part.terms()
            alone = len(terms) == 1 and part.shift == 0
            found.append(terms[0] if alone else (1.0, _Whole(part)))
        return found

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        """Return pairs of the candidates of both factors."""
        bare = sample.with_y(sample.y, -1)
        first, second = (list(factor.shapes(bare)) for _, factor in self._factors)
        while len(first) * len(second) > _PAIRS:
            if len(first) > len(second):
                first = first[::2]
            else:
                second = second[::2]
        return [(*a, *b) for a, b in product(first, second)]

    def _divided(self, shape: Shape) -> tuple[Shape, Shape]:
        """Divide a shape into those of the two factors."""
        size = len(self.parts[0].names) - self._factors[0][1].linear
        return shape[:size], shape[size:]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        """Return the products of the columns of both factors."""
        (a, left), (b, right) = self._factors
        first, second = self._divided(shape)
        return [
            a * b * p * q for p, q in product(left.columns(x, *first), right.columns(x, *second))
        ]

    def joined(self, coefficients: Sequence[Any], *shape: Any) -> Sequence[Any]:
        """Return the parameters of both factors; the second has their common amplitude."""
        (_, left), (_, right) = self._factors
        first, second = self._divided(shape)
        if not left.linear:
            return [*first, *right.joined(coefficients, *second)]
        if not right.linear:
            return [*left.joined(coefficients, *first), *second]
        rows = len(left.columns(np.ones((1, 1)), *first))
        count = len(coefficients) // rows
        unit = np.where(coefficients[0] != 0, coefficients[0], 1.0)
        own = [np.ones_like(unit), *(c / unit for c in coefficients[count::count])]
        return [*left.joined(own, *first), *right.joined(coefficients[:count], *second)]


class _Whole:
    """A sum as a factor of a product: its own guess is the only candidate."""

    degree, linear, broad = None, 0, True

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def shapes(self, sample: Sample) -> Iterable[Shape]:
        terms = self.curve.terms()
        found = starts(terms, sample.with_y(sample.y - self.curve.shift, search_degree(terms)))
        whole = np.concatenate(found, axis=1)
        return [tuple(whole[:, i : i + 1] for i in range(whole.shape[1]))]

    def columns(self, x: Any, *shape: Any) -> list[Any]:
        return [self.curve.value(x, *shape)]


def combined(sign: str, left: Any, right: Any) -> Any:
    """Return the sum, difference, product or quotient of curves and numbers."""
    for part in (left, right):
        if isinstance(part, Curve):
            continue
        if not isinstance(part, Real):
            return NotImplemented
        if not isfinite(part) or (sign in "*/" and part == 0):
            raise ValueError(
                f"a model can be combined with finite numbers other than 0, got {part}"
            )
    left, right = (p if isinstance(p, Curve) else float(p) for p in (left, right))
    if sign == "/" and isinstance(right, Curve):
        return NotImplemented
    return Composite(sign, left, right)
