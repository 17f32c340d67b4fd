# SPDX-License-Identifier: BSD-3-Clause
"""What distributions share: arguments as SciPy reads them, location and scale, the support."""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg._tracing.tracer import Tracer


def chosen(condition: Any, value: Any, otherwise: float) -> Any:
    """Choose by a condition; one that holds for constants costs nothing."""
    if not isinstance(condition, Tracer) and np.all(condition):
        return value
    return np.where(condition, value, otherwise)


def number(x: Any) -> Any:
    """Return a traced value as it is, and anything else as numbers."""
    return x if isinstance(x, Tracer) else np.asarray(x, dtype=float)[()]


class Distribution:
    """What distributions share: parameters by name, location and scale, the support.

    A distribution defines its logarithmic density, its distribution function and so on for
    location 0 and scale 1, at points inside of its support.
    """

    shapes: tuple[str, ...] = ()
    family: tuple[str, ...] = ("loc", "scale")
    lower: float = -np.inf
    upper: float = np.inf
    inside: float = 0.5  # a point of the support, computed with in place of those outside of it

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"tw.stats.{self.name}"

    def _parameters(self, args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
        """Return the shapes, the location and the scale, as SciPy reads its arguments."""
        names = (*self.shapes, *self.family)
        title = self.name
        if len(args) > len(names):
            raise TypeError(f"{title} takes {', '.join(names)}, got {len(args)} of them")
        given = dict(zip(names, args, strict=False))
        for name, value in named.items():
            if name not in names or name in given:
                why = "twice" if name in given else "as a parameter"
                raise TypeError(f"{title} takes {', '.join(names)}, got {name!r} {why}")
            given[name] = value
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise TypeError(f"{title} needs {', '.join(missing)}")
        defaults = {"loc": 0.0, "scale": 1.0}
        values = [number(given.get(name, defaults.get(name))) for name in names]
        return values if "scale" in names else [*values, 1.0]

    def _valid(self, *shapes: Any) -> Any:
        """Whether shapes are parameters: positive, for most distributions."""
        valid: Any = True
        for shape in shapes:
            valid = valid & (shape > 0)
        return valid

    def _standard(self, x: Any, loc: Any, scale: Any) -> Any:
        z = number(x)
        z = z if not isinstance(loc, Tracer) and np.all(loc == 0) else z - loc
        return z if not isinstance(scale, Tracer) and np.all(scale == 1) else z / scale

    def _evaluated(
        self, of: str, x: Any, args: tuple[Any, ...], named: dict[str, Any], ends: tuple[Any, Any]
    ) -> Any:
        """Return a function of the standard form, and its limits beyond the support."""
        *shapes, loc, scale = self._parameters(args, named)
        z = self._standard(x, loc, scale)
        inner, ends_here = z, []
        for end, limit, beyond in (
            (self.lower, ends[0], np.less),
            (self.upper, ends[1], np.greater),
        ):
            if np.isfinite(end):
                outside = beyond(z, end)
                inner = np.where(outside, self.inside, inner)
                ends_here.append((outside, limit))
        with np.errstate(all="ignore"):  # what is no parameter gives NaN, as in SciPy
            value = getattr(self, of)(inner, *shapes)
            if of == "_logpdf":
                value = value - np.log(scale)
        for outside, limit in ends_here:
            value = np.where(outside, limit, value)
        return self._checked(value, shapes, scale)

    def _checked(self, value: Any, shapes: list[Any], scale: Any) -> Any:
        return chosen(self._valid(*shapes) & (scale > 0), value, np.nan)

    # ---- what a distribution may define, at location 0 and scale 1

    def _logpdf(self, x: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _cdf(self, x: Any, *shapes: Any) -> Any:
        raise NotImplementedError(f"tw.stats has no distribution function of {self.name}")

    def _sf(self, x: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(x, *shapes)

    def _logcdf(self, x: Any, *shapes: Any) -> Any:
        below, above = self._cdf(x, *shapes), self._sf(x, *shapes)
        return np.where(below > 0.5, np.log1p(-above), np.log(below))

    def _logsf(self, x: Any, *shapes: Any) -> Any:
        below, above = self._cdf(x, *shapes), self._sf(x, *shapes)
        return np.where(above > 0.5, np.log1p(-below), np.log(above))

    def _ppf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError(f"tw.stats has no quantiles of {self.name}")

    # ---- the functions, with SciPy's arguments

    def cdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of values up to `x`; arguments as those of `scipy.stats`."""
        return self._evaluated("_cdf", x, args, named, (0.0, 1.0))

    def sf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of values above `x`, with its digits where it is small."""
        return self._evaluated("_sf", x, args, named, (1.0, 0.0))

    def logcdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of `cdf`."""
        return self._evaluated("_logcdf", x, args, named, (-np.inf, 0.0))

    def logsf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of `sf`."""
        return self._evaluated("_logsf", x, args, named, (0.0, -np.inf))


class Continuous(Distribution):
    """A distribution with a density."""

    def logpdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the density; minus infinity outside of the support."""
        return self._evaluated("_logpdf", x, args, named, (-np.inf, -np.inf))

    def pdf(self, x: Any, *args: Any, **named: Any) -> Any:
        """Return the density."""
        return np.exp(self.logpdf(x, *args, **named))

    def ppf(self, q: Any, *args: Any, **named: Any) -> Any:
        """Return the quantile: the value up to which the probability is `q`."""
        *shapes, loc, scale = self._parameters(args, named)
        with np.errstate(all="ignore"):
            value = self._ppf(number(q), *shapes) * scale + loc
        return self._checked(value, shapes, scale)


class Discrete(Distribution):
    """A distribution of whole numbers."""

    family = ("loc",)
    lower = 0.0
    inside = 0.0

    def logpmf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the logarithm of the probability; minus infinity where it is 0."""
        return self._evaluated("_log_probability", k, args, named, (-np.inf, -np.inf))

    def pmf(self, k: Any, *args: Any, **named: Any) -> Any:
        """Return the probability of `k`."""
        return np.exp(self.logpmf(k, *args, **named))

    def _log_probability(self, k: Any, *shapes: Any) -> Any:
        return chosen(k == np.floor(k), self._logpmf(np.floor(k), *shapes), -np.inf)

    def _logpmf(self, k: Any, *shapes: Any) -> Any:
        raise NotImplementedError
