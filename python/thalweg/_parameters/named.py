# SPDX-License-Identifier: BSD-3-Clause
"""Read starts, bounds, fixed values and ties that users give by the names of parameters.

Values are numbers or, for many fits, arrays in the shape of the leading axes of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._objectives.signatures import Parameters
from thalweg._parameters.plan import Plan, Tie
from thalweg._tracing.numbers import as_array, is_lazy

__all__ = [
    "bounds_by_name", "check_known", "check_untied", "given_names", "names_for", "plan_of",
    "spread_to", "starts_by_name", "values_by_name",
]  # fmt: skip

Shape = tuple[int, ...]
Numbers = npt.NDArray[Any]


def given_names(fixed: Any, ties: Any) -> list[str]:
    """Return the names of the fixed and tied parameters."""
    check_forms(fixed, ties)
    return [*(fixed or ()), *(ties or ())]


def check_forms(fixed: Any, ties: Any) -> None:
    """Raise TypeError if `fixed` or `ties` have another form than those that are documented."""
    names = isinstance(fixed, tuple | list) and all(isinstance(name, str) for name in fixed)
    if fixed is not None and not isinstance(fixed, dict) and not names:
        raise TypeError(
            "fixed must be a dict of values by name, or a tuple of names of parameters to fix at "
            f"their starts, got {fixed!r}"
        )
    if ties is not None and not isinstance(ties, dict):
        raise TypeError(
            "ties must be a dict of functions by name, as in {'b': lambda a: 2 * a}, got "
            f"{ties!r}"
        )


def names_for(f: Callable[..., Any], p0: Any, fixed: Any = None, ties: Any = None) -> list[str]:
    """Return the names of a model's parameters, of which some are given by name.

    They are those of the signature. The last ones may be left out if they have defaults. A function
    of any number of parameters (`*p`) has those of `p0`, then those of `fixed` and `ties`.
    """
    own = Parameters.of(f)
    names = own.names[1:]
    given = [*(p0 or ()), *given_names(fixed, ties)]
    if not names:
        return list(dict.fromkeys(given))
    if not isinstance(p0, dict):
        return names
    required = max(own.required - 1, 0) + len(own.named)
    last = max((names.index(name) + 1 for name in given if name in names), default=0)
    return names[: max(required, last)]


def check_known(given: Iterable[Any], names: Collection[str], what: str) -> None:
    """Raise ValueError if something is given for a name that is not a parameter's."""
    for name in given:
        if name not in names:
            raise ValueError(f"{what} names {name!r}, but the parameters are {', '.join(names)}")


def plan_of(names: Sequence[str], fixed: Any = None, ties: Any = None) -> Plan:
    """Return which parameters are fitted, fixed and tied."""
    if not fixed and not ties:
        return Plan(tuple(range(len(names))))
    check_forms(fixed, ties)
    fixed, ties = fixed or (), ties or {}
    check_known(fixed, names, "fixed")
    check_known(ties, names, "ties")
    if both := [name for name in ties if name in fixed]:
        raise ValueError(f"{both[0]!r} must be either fixed or tied, but is in fixed and in ties")
    held = tuple(i for i, name in enumerate(names) if name in fixed)
    free = tuple(i for i, name in enumerate(names) if name not in fixed and name not in ties)
    if not free:
        which = "`fixed`" if not ties else "`fixed` and `ties`"
        raise ValueError(f"{which} must leave a parameter to fit, got all of them")
    return Plan(free, held, _ordered([_tie(name, ties[name], names) for name in ties], names))


def _tie(name: str, function: Any, names: Sequence[str]) -> Tie:
    """Read the function of a tied parameter: its arguments are other parameters."""
    if not callable(function):
        raise TypeError(
            f"ties[{name!r}] must be a function of other parameters, got {function!r}; a number "
            "belongs in fixed"
        )
    own = Parameters.of(function)
    needed = (*own.positional[: own.required], *own.named)
    if not own.known or any(argument not in names for argument in needed):
        wrong = [argument for argument in needed if argument not in names]
        raise ValueError(
            f"the arguments of ties[{name!r}] must be parameters by name, {', '.join(names)}, got "
            + (repr(wrong[0]) if wrong else "any number of them")
        )
    taken = tuple(each for each in own.all_named if each in names)
    places = tuple(names.index(each) for each in taken)
    return Tie(names.index(name), function, taken, places)


def _ordered(ties: list[Tie], names: Sequence[str]) -> tuple[Tie, ...]:
    """Sort ties so that each depends on earlier ones alone."""
    done: list[Tie] = []
    left = list(ties)
    while left:
        waiting = {tie.position for tie in left}
        ready = [tie for tie in left if waiting.isdisjoint(tie.positions)]
        if not ready:
            which = ", ".join(names[tie.position] for tie in left)
            raise ValueError(f"ties must not depend on themselves, but those of {which} do")
        done += ready
        left = [tie for tie in left if tie not in ready]
    return tuple(done)


def spread_to(value: Any, lead: Shape, what: str) -> Numbers:
    """Return a number (), or one for each fit (*lead,)."""
    array = value if is_lazy(value) and value.size > 1 else as_array(value, what)
    if array.size == 1:
        return array.reshape(())
    try:
        return np.broadcast_to(array, lead)
    except ValueError:
        wanted = f"a number or have shape {lead}" if lead else "a number"
        raise ValueError(f"{what} must be {wanted}, got {array.shape}") from None


def joined(columns: list[Numbers]) -> Numbers:
    """Join the values of the parameters: (p,), or (*lead, p) if one differs between fits."""
    return np.stack(np.broadcast_arrays(*columns), axis=-1)


def starts_by_name(
    p0: dict[str, Any], names: Sequence[str], lead: Shape, optional: Collection[str]
) -> Numbers:
    """Return starts (p,) or (*lead, p); those that are `optional` may be left out.

    Raises
    ------
    ValueError
        If a name is not a parameter's, or if a parameter has no start.
    """
    check_known(p0, names, "p0")
    if lacking := [name for name in names if name not in p0 and name not in optional]:
        raise ValueError(
            f"p0 must name every parameter that is fitted, but it leaves out {', '.join(lacking)}"
        )
    return joined([
        spread_to(p0[name], lead, f"p0[{name!r}]") if name in p0 else np.ones(()) for name in names
    ])  # fmt: skip


def values_by_name(
    fixed: Any, names: Sequence[str], lead: Shape
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the values of fixed parameters, by name; none for those fixed at their starts."""
    if not isinstance(fixed, dict):
        return {}
    check_known(fixed, names, "fixed")
    found = {}
    for name, value in fixed.items():
        array = spread_to(value, lead, f"fixed[{name!r}]")
        if array.ndim == 0 and not np.isfinite(array):
            raise ValueError(f"fixed[{name!r}] must be finite, got {array}")
        found[name] = array
    return found


def bounds_by_name(bounds: dict[str, Any], names: Sequence[str], lead: Shape) -> list[Numbers]:
    """Return lower and upper bounds, each (p,) or (*lead, p), from pairs by name.

    None in a pair means that there is no such bound. So do parameters that are left out.
    """
    check_known(bounds, names, "bounds")
    ends: list[list[Numbers]] = [[], []]
    for name in names:
        pair = bounds.get(name, (None, None))
        if not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2:
            raise ValueError(
                f"bounds[{name!r}] must be a pair (low, high), with None for an open end, got "
                f"{pair!r}"
            )
        for side, (end, none) in enumerate(zip(pair, (-np.inf, np.inf), strict=True)):
            ends[side].append(spread_to(none if end is None else end, lead, f"bounds[{name!r}]"))
    return [joined(each).astype(np.float64) for each in ends]


def check_untied(box: Sequence[Numbers], names: Sequence[str], plan: Plan) -> None:
    """Raise ValueError if a tied parameter is bounded."""
    for tie in plan.ties:
        k = tie.position
        if any(np.isfinite(end[..., k]).any() for end in box):
            raise ValueError(
                f"bounds of {names[k]!r} have no effect, because ties compute it from other "
                "parameters: bound those"
            )
