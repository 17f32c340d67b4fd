# SPDX-License-Identifier: BSD-3-Clause
"""Change hyper-parameters from step to step: `learning_rate=tw.schedules.cosine(0.1, 100)`.

A schedule is a formula of the step t, which begins at 0, together with its numbers. The formula is
written in NumPy and traced into the compiled step of a descent. The numbers are inputs of that
step, so that different numbers do not need another one. Any function of t that can be traced is a
schedule too, but its numbers are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["Schedule", "cosine", "exponential", "one_cycle", "piecewise", "warmup_cosine"]


class Schedule:
    """A formula of the step and its numbers, created by the functions of this module.

    Parameters
    ----------
    name : str
        The name of the function that created it.
    formula : callable
        ``formula(t, *parameters)``, written in NumPy.
    parameters : sequence of float
        The numbers in the formula.
    arguments : dict
        The arguments of the function that created it, for printing.

    Examples
    --------
    >>> import thalweg as tw
    >>> rate = tw.schedules.exponential(1.0, transition_steps=10, decay_rate=0.5)
    >>> rate(10)
    0.5
    >>> rate([0, 10, 20])
    array([1.  , 0.5 , 0.25])
    """

    __slots__ = ("arguments", "formula", "name", "parameters")

    def __init__(
        self,
        name: str,
        formula: Callable[..., Any],
        parameters: tuple[float, ...],
        arguments: Mapping[str, Any],
    ) -> None:
        self.name, self.formula, self.parameters = name, formula, parameters
        self.arguments = dict(arguments)

    @property
    def kind(self) -> tuple[Any, ...]:
        """The formula and its number of parameters; schedules of one kind share a step."""
        return self.formula, len(self.parameters)

    def __call__(self, t: Any) -> Any:
        """Return the value at step `t`: a float, an array, or a traced value if `t` is traced."""
        plain = not hasattr(t, "__array_ufunc__")
        value = self.formula(np.asarray(t, dtype=float) if plain else t, *self.parameters)
        return (
            float(value) if isinstance(value, np.generic | np.ndarray) and not value.ndim else value
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items())
        return f"schedules.{self.name}({inside})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (self.kind, self.parameters) == (
            other.kind,
            other.parameters,
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.parameters))


def _numbers(**values: Any) -> list[float]:
    for name, value in values.items():
        if not isinstance(value, Real) or not np.isfinite(float(value)):
            raise ValueError(f"{name} must be a finite number, got {value!r}")
    return [float(v) for v in values.values()]


def _whole(name: str, value: Any, least: int) -> float:
    (number,) = _numbers(**{name: value})
    if number != int(number) or number < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    return number


def _between(start: Any, end: Any, part: Any) -> Any:
    """Return half a period of a cosine, from `start` at part = 0 to `end` at part = 1."""
    return end + (start - end) / 2 * (1 + np.cos(np.pi * part))


def cosine(
    init_value: float, decay_steps: int, alpha: float = 0.0, exponent: float = 1.0
) -> Schedule:
    """Decay along half a period of a cosine, like ``optax.cosine_decay_schedule``.

    Parameters
    ----------
    init_value : float
        The value at t = 0.
    decay_steps : int
        The number of steps until the end value, which is kept afterwards.
    alpha : float, default 0
        The end value as a fraction of `init_value`.
    exponent : float, default 1
        The power to which the cosine factor is raised.

    Returns
    -------
    Schedule
        The schedule.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR, ICLR 2017, eq. 5.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.schedules.cosine(0.1, decay_steps=100)(50)
    0.05
    """
    arguments = dict(locals())
    init, share, power = _numbers(init_value=init_value, alpha=alpha, exponent=exponent)
    steps = _whole("decay_steps", decay_steps, 1)
    return Schedule("cosine", _cosine, (init, steps, share, power), arguments)


def _cosine(t: Any, init: Any, steps: Any, share: Any, power: Any) -> Any:
    part = _between(1.0, 0.0, np.minimum(t, steps) / steps) ** power
    return init * ((1 - share) * part + share)


def exponential(
    init_value: float,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    """Decay exponentially, like ``optax.exponential_decay``.

    The value is ``init_value * decay_rate ** (t / transition_steps)``.

    Parameters
    ----------
    init_value : float
        The value until `transition_begin`.
    transition_steps : int
        The number of steps in which the value is multiplied by `decay_rate` once.
    decay_rate : float
        The factor, > 0.
    transition_begin : int, default 0
        The step at which the decay begins.
    staircase : bool, default False
        Whether to change the value only once every `transition_steps`.
    end_value : float, optional
        A lower limit of the value if `decay_rate` < 1, and an upper limit otherwise.

    Returns
    -------
    Schedule
        The schedule.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.schedules.exponential(0.1, 10, 0.5, staircase=True)(19)
    0.05
    """
    arguments = dict(locals())
    init, rate = _numbers(init_value=init_value, decay_rate=decay_rate)
    if rate <= 0:
        raise ValueError(f"decay_rate must be > 0, got {decay_rate!r}")
    steps = _whole("transition_steps", transition_steps, 1)
    begin = _whole("transition_begin", transition_begin, 0)
    lower, upper = -np.inf, np.inf
    if end_value is not None:
        (end,) = _numbers(end_value=end_value)
        lower, upper = (end, upper) if rate < 1 else (lower, end)
    parameters = (init, steps, rate, begin, float(bool(staircase)), lower, upper)
    return Schedule("exponential", _exponential, parameters, arguments)


def _exponential(
    t: Any, init: Any, steps: Any, rate: Any, begin: Any, staircase: Any, lower: Any, upper: Any
) -> Any:
    part = np.maximum(t - begin, 0.0) / steps
    part = np.where(staircase > 0, np.floor(part), part)
    return np.clip(init * rate**part, lower, upper)


def piecewise(
    init_value: float, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    """Multiply the value at given steps, like ``optax.piecewise_constant_schedule``.

    Parameters
    ----------
    init_value : float
        The value before the first boundary.
    boundaries_and_scales : mapping of int to float, optional
        For each boundary, the factor, >= 0, that multiplies the value from that step on.

    Returns
    -------
    Schedule
        The schedule.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.schedules.piecewise(1.0, {10: 0.5, 20: 0.5})([9, 10, 25])
    array([1.  , 0.5 , 0.25])
    """
    arguments = dict(locals())
    (init,) = _numbers(init_value=init_value)
    steps: list[float] = []
    for boundary, scale in sorted((boundaries_and_scales or {}).items()):
        steps += [_whole("a boundary", boundary, 0), *_numbers(scale=scale)]
        if scale < 0:
            raise ValueError(f"scales must be >= 0, got {scale!r}")
    return Schedule("piecewise", _piecewise, (init, *steps), arguments)


def _piecewise(t: Any, init: Any, *steps: Any) -> Any:
    value = init if steps else init + 0 * t
    for boundary, scale in zip(steps[::2], steps[1::2], strict=True):
        value = np.where(t < boundary, value, value * scale)
    return value


def warmup_cosine(
    init_value: float,
    peak_value: float,
    warmup_steps: int,
    decay_steps: int,
    end_value: float = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """Rise linearly, then decay like a cosine, like ``optax.warmup_cosine_decay_schedule``.

    Parameters
    ----------
    init_value, peak_value : float
        The values at t = 0 and at `warmup_steps`.
    warmup_steps : int
        The number of steps of the rise.
    decay_steps : int
        The number of steps of rise and decay together.
    end_value : float, default 0
        The value at `decay_steps` and after.
    exponent : float, default 1
        The power to which the cosine factor is raised.

    Returns
    -------
    Schedule
        The schedule.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.schedules.warmup_cosine(0.0, 1.0, warmup_steps=10, decay_steps=110)([5, 10, 60, 110])
    array([0.5, 1. , 0.5, 0. ])
    """
    arguments = dict(locals())
    init, peak, end, power = _numbers(
        init_value=init_value, peak_value=peak_value, end_value=end_value, exponent=exponent
    )
    rise = _whole("warmup_steps", warmup_steps, 0)
    both = _whole("decay_steps", decay_steps, int(rise) + 1)
    share = end / peak if peak != 0 else 0.0
    parameters = (init, peak, rise, both - rise, share, power)
    return Schedule("warmup_cosine", _warmup_cosine, parameters, arguments)


def _warmup_cosine(
    t: Any, init: Any, peak: Any, rise: Any, fall: Any, share: Any, power: Any
) -> Any:
    up = init + (peak - init) * (t / np.maximum(rise, 1.0))
    return np.where(t < rise, up, _cosine(np.maximum(t - rise, 0.0), peak, fall, share, power))


def one_cycle(
    transition_steps: int,
    peak_value: float,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Rise along half a cosine, then decay along another, like ``optax.cosine_onecycle_schedule``.

    Parameters
    ----------
    transition_steps : int
        The number of steps of rise and decay together.
    peak_value : float
        The highest value.
    pct_start : float, default 0.3
        The fraction of the steps that rise, in [0, 1), rounded down to whole steps.
    div_factor : float, default 25
        The peak divided by the start value, > 0.
    final_div_factor : float, default 1e4
        The start value divided by the end value, > 0.

    Returns
    -------
    Schedule
        The schedule.

    References
    ----------
    L. N. Smith and N. Topin, arXiv:1708.07120.

    Examples
    --------
    >>> import thalweg as tw
    >>> rate = tw.schedules.one_cycle(100, peak_value=1.0)
    >>> rate([0, 30])
    array([0.04, 1.  ])
    """
    arguments = dict(locals())
    peak, part, divide, divide_again = _numbers(
        peak_value=peak_value, pct_start=pct_start, div_factor=div_factor,
        final_div_factor=final_div_factor,
    )  # fmt: skip
    steps = _whole("transition_steps", transition_steps, 1)
    if not 0 <= part < 1:
        raise ValueError(f"pct_start must be in [0, 1), got {pct_start!r}")
    if divide <= 0 or divide_again <= 0:
        raise ValueError(
            f"div_factor and final_div_factor must be > 0, got {div_factor!r}, {final_div_factor!r}"
        )
    start, turn = peak / divide, float(int(part * steps))
    parameters = (start, peak, start / divide_again, turn, steps)
    return Schedule("one_cycle", _one_cycle, parameters, arguments)


def _one_cycle(t: Any, start: Any, peak: Any, end: Any, turn: Any, steps: Any) -> Any:
    up = _between(start, peak, t / np.maximum(turn, 1.0))
    down = _between(peak, end, np.minimum((t - turn) / (steps - turn), 1.0))
    return np.where(t < turn, up, down)
