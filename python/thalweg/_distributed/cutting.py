# SPDX-License-Identifier: BSD-3-Clause
"""Separate the arguments that differ between fits, which are cut into chunks, from all others."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import prod
from typing import Any

import numpy as np

from thalweg._fits.arguments_many import starts_of
from thalweg._fits.running import ManyProblem
from thalweg._fits.settings import ManyFitSettings
from thalweg._parameters.named import spread_to
from thalweg._tracing.numbers import is_lazy

__all__ = ["Arguments"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Slot:
    """The place of an argument that differs between fits.

    Attributes
    ----------
    number : int
        Its number among these.
    neutral : object
        A value with which fits can be checked and traced before there are any.
    """

    number: int
    neutral: Any


class Arguments:
    """The arguments of many fits.

    Attributes
    ----------
    by_fit : list of array
        Those that differ between fits, (*lead, ...), of NumPy or Dask.
    varying : list
        The slots of the predictors.
    start : object
        The start of all fits, or a slot.
    settings : dict
        The keywords, with slots.
    """

    def __init__(self, problem: ManyProblem, settings: ManyFitSettings) -> None:
        self.by_fit: list[Any] = []
        lead, m = problem.lead, problem.data.shape[-1]
        self._axes = len(lead)
        one = (1,) * self._axes
        self.varying = [self._slot(x, np.ones((*one, m))) for x in problem.varying]
        self.start = problem.start
        if not callable(self.start) and self.start is not None and np.ndim(self.start) > 1:
            self.start = self._slot(starts_of(self.start, lead), None)
        given = {f.name: getattr(settings, f.name) for f in fields(settings) if f.init}
        given["threads"] = 1 if settings.threads is None else settings.threads
        given["sigma"] = self._errors(settings.sigma, lead, m)
        if settings.mask is not None:
            given["mask"] = self._mask(settings.mask, lead)
        if isinstance(settings.fixed, dict):
            given["fixed"] = {
                name: self._number(value, lead, f"fixed[{name!r}]", 1.0)
                for name, value in settings.fixed.items()
            }
        if isinstance(settings.bounds, dict):
            given["bounds"] = {
                name: self._pair(pair, lead, f"bounds[{name!r}]", (None, None))
                for name, pair in settings.bounds.items()
            }
        if isinstance(settings.priors, dict):
            given["priors"] = {
                name: prior if callable(prior)
                else self._pair(prior, lead, f"priors[{name!r}]", (0.0, 1.0))
                for name, prior in settings.priors.items()
            }  # fmt: skip
        self.settings = given

    def filled(self, value: Any, blocks: tuple[Any, ...] | None) -> Any:
        """Return a value with these blocks in its slots, or with what is neutral."""
        if isinstance(value, dict):
            return {name: self.filled(each, blocks) for name, each in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(self.filled(each, blocks) for each in value)
        if not isinstance(value, _Slot):
            return value
        return value.neutral if blocks is None else blocks[value.number]

    def _slot(self, array: Any, neutral: Any) -> _Slot:
        self.by_fit.append(array)
        return _Slot(len(self.by_fit) - 1, neutral)

    def _number(self, value: Any, lead: Shape, what: str, neutral: Any) -> Any:
        """Return the number that all fits share, or the slot of one for each."""
        if value is None:
            return None
        array = spread_to(value, lead, what)
        return self._slot(array, neutral) if array.ndim else float(array)

    def _pair(self, pair: Any, lead: Shape, what: str, neutral: tuple[Any, Any]) -> Any:
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            return pair  # refused, with its name, when the fits are checked
        return tuple(
            self._number(v, lead, what, none) for v, none in zip(pair, neutral, strict=True)
        )

    def _errors(self, sigma: Any, lead: Shape, m: int) -> Any:
        if sigma is None or isinstance(sigma, _Slot):
            return sigma
        shape = np.shape(sigma)
        if prod(shape) == 1 or shape == (m,):
            return np.asanyarray(sigma)
        errors = sigma if is_lazy(sigma) else np.ma.asanyarray(sigma)
        if shape != (*lead, m):
            try:
                errors = np.broadcast_to(errors, (*lead, m))
            except ValueError:
                return np.ones(shape)  # refused, with its shape, when the fits are checked
        return self._slot(errors, 1.0)

    def _mask(self, mask: Any, lead: Shape) -> Any:
        mask = mask if is_lazy(mask) else np.asarray(mask)
        if mask.shape != lead:
            try:
                mask = np.broadcast_to(mask, lead)
            except ValueError:
                raise ValueError(f"mask must have shape {lead}, got {mask.shape}") from None
        return self._slot(mask, np.ones((1,) * self._axes, dtype=mask.dtype))
