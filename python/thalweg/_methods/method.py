# SPDX-License-Identifier: BSD-3-Clause
"""Make a class for each method of the core, such as `tw.Adam(learning_rate=0.1)`.

Names and defaults come from the core. A hyper-parameter is a number or a schedule, which is a
function of the step t; both are inputs of the compiled step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg import _core
from thalweg._attached import attached
from thalweg._methods.hints import EQUIVALENTS, NOT_OFFERED, instead_of_keyword, nearest
from thalweg._tracing.errors import LAST_RESORT, TraceError
from thalweg._tracing.numbers import FloatArray
from thalweg._tracing.trace import Trace, Tracer, output_node, trace_call
from thalweg.schedules import Schedule

if TYPE_CHECKING:
    from thalweg._descents.ask_tell import Dialogue

_RULES: dict[str, dict[str, Any]] = {m["name"]: m for m in _core.rules()}
_SOLVERS: dict[str, dict[str, Any]] = {m["name"]: m for m in _core.solvers()}
_OPTIONS: list[tuple[Any, ...]] = _core.options()
_Hyper = tuple[str, float | None, str, tuple[float, float, bool, bool], bool]


class Method:
    """A method with its hyper-parameters, created by calling one of its subclasses.

    Attributes
    ----------
    hyper : dict
        The hyper-parameters by name, and the options that were given: numbers or functions of t.
    """

    name: ClassVar[str]
    solves: ClassVar[bool] = False  # whether it is a solver; only rules have a compiled step
    # What it needs at a point: "value", "gradient", "hessian", or "hessian_vector".
    needs: ClassVar[str] = "gradient"
    _hyper: ClassVar[list[_Hyper]]
    _options: ClassVar[list[_Hyper]]  # common options that are not among its hyper-parameters
    _first: ClassVar[set[str]]  # hyper-parameters that are initial values of its memory
    __slots__ = ("hyper", "kinds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        names = [h[0] for h in self._hyper]
        if len(args) > len(names):
            raise TypeError(f"{self.name} takes {', '.join(names)}; got {len(args)} values")
        given = dict(zip(names, args, strict=False))
        for key, value in kwargs.items():
            if key not in names and all(key != o[0] for o in self._options):
                every = [*names, *(o[0] for o in self._options)]
                raise TypeError(
                    f"{self.name} takes {', '.join(every)}; unexpected keyword {key!r}"
                    + instead_of_keyword(key, every)
                )
            if key in given:
                raise TypeError(f"{self.name} got {key} twice")
            given[key] = value
        self.hyper: dict[str, Any] = {}
        for name, default, _, accepted, _ in self._hyper:
            value = given.get(name, default)
            if value is None and name not in given:
                raise TypeError(f"{self.name} needs {name}=")
            self.hyper[name] = self._value(name, value, accepted)
        for name, _, _, accepted, _ in self._options:
            if given.get(name) is not None:
                self.hyper[name] = self._value(name, given[name], accepted)
        # Two objects with equal kinds use the same compiled step. The kinds are () if every
        # hyper-parameter is a number and no option is given.
        self.kinds: tuple[Any, ...] = ()
        if len(self.hyper) > len(names) or any(callable(v) for v in self.hyper.values()):
            self.kinds = tuple(
                (name, _kind_of(value) if callable(value) else None)
                for name, value in self.hyper.items()
            )

    def _value(self, name: str, value: Any, accepted: tuple[float, float, bool, bool]) -> Any:
        if not callable(value):
            return _checked(name, value, *accepted)
        if name in self._first:
            raise TypeError(
                f"{name} of {self.name} must be a number, got a schedule: it is used only at the "
                "start"
            )
        _check_schedule(name, value, *accepted[:2], accepted[2] and name in _LENGTHS)
        return value

    @property
    def counts(self) -> bool:
        """Whether its memory includes the number of steps, because there is a schedule."""
        return any(kind is not None for _, kind in self.kinds)

    @property
    def lasting(self) -> bool:
        """Whether its compiled step may be cached: no hyper-parameter is a plain function."""
        return all(kind is not _FUNCTION for _, kind in self.kinds)

    def inputs(self, by_lane: dict[str, FloatArray] | None = None) -> list[FloatArray]:
        """Return the inputs of a step in its order; `by_lane` holds values that differ by start."""
        values: list[Any] = []
        for name, value in self.hyper.items():
            if by_lane and name in by_lane:
                values.append(by_lane[name])
            elif isinstance(value, Schedule):
                values += value.parameters
            elif not callable(value):
                values.append(value)
        return [v if type(v) is np.ndarray else np.array([v], dtype=np.float64) for v in values]

    def fault(self, t: int) -> str:
        """Describe what may have made step t non-finite: a schedule, or the learning rate."""
        too_large = "the learning rate is too large" if "learning_rate" in self.hyper else ""
        return self.schedule_fault(t) or too_large

    def schedule_fault(self, t: int) -> str:
        """Describe the first schedule whose value at step t is invalid; "" if there is none."""
        accepted = {h[0]: h[3] for h in [*self._hyper, *self._options]}
        for name, value in self.hyper.items():
            if not callable(value):
                continue
            lower, upper, above, _ = accepted[name]
            above = above and name in _LENGTHS
            with np.errstate(all="ignore"):
                number = float(np.asarray(value(np.float64(t))).reshape(()))
            if not lower <= number <= upper or (above and number == lower) or np.isinf(number):
                wanted = f"{'>' if above else '>='} {lower:g}"
                return f"the schedule of {name} must be {wanted}, got {number:g} at t = {t}"
        return ""

    def check(self, name: str, values: FloatArray) -> None:
        """Check values (k,) of a hyper-parameter, each as if it were given alone."""
        (accepted,) = (h[3] for h in [*self._hyper, *self._options] if h[0] == name)
        for value in np.unique(values) if self.is_whole(name) else (values.min(), values.max()):
            self._value(name, float(value), accepted)

    def is_whole(self, name: str) -> bool:
        """Whether a hyper-parameter is a whole number."""
        return any(h[0] == name and h[4] for h in self._hyper)

    def settings(self, graph: _core.Graph) -> list[tuple[int, Any]]:
        """Say how each hyper-parameter and option enters a step, as `_core.Stepper` expects it."""
        if not self.kinds:
            return []
        own = [h[0] for h in self._hyper]
        settings = [self._setting(name, graph) for name in own]
        for option in _OPTIONS:
            on = option[0] in self.hyper and option[0] not in own
            settings.append(self._setting(option[0], graph) if on else (0, None))
        return settings

    def _setting(self, name: str, graph: _core.Graph) -> tuple[int, Any]:
        value = self.hyper[name]
        if not callable(value):
            return 1, None
        formula, inputs = value, 0
        if isinstance(value, Schedule):
            formula, inputs = value.formula, len(value.parameters)
        return inputs, lambda t, parameters: _traced(name, formula, graph, [t, *parameters])

    def __call__(self, fun: Callable[..., Any], x0: Any, args: Any = (), **how: Any) -> Any:
        """Act as a custom method of SciPy: ``scipy.optimize.minimize(f, x0, method=self)``."""
        return attached("Method.__call__")(self, fun, x0, args, **how)

    def start(self, x0: Any, bounds: Any = None, **stops: Any) -> Dialogue:
        """Begin descents of an objective that the caller evaluates: ask, evaluate, tell.

        Parameters
        ----------
        x0 : array_like, (n,) or (k, n)
            One start, or k starts.
        bounds : sequence of (lower, upper), or Bounds, optional
            Bounds of the n variables.
        **stops
            `gtol`, `xtol`, `ftol`, `max_iter`, `max_nfev`, `max_time` as in `thalweg.minimize`.

        Returns
        -------
        Dialogue
            An object whose `ask` returns points and whose `tell` takes their values.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> descent = tw.LBFGS().start(np.zeros((3, 2)))
        >>> while (request := descent.ask()) is not None:
        ...     descent.tell(np.sum((request.x - 1) ** 2, axis=1), 2 * (request.x - 1))
        >>> descent.x.round(6)
        array([[1., 1.],
               [1., 1.],
               [1., 1.]])
        """
        if self.name == _SQUARES:
            raise ValueError(_FOR_SQUARES)
        dialogue: Dialogue = attached("Method.start")(self, x0, bounds, **stops)
        return dialogue

    def __repr__(self) -> str:
        inside = ", ".join(f"{k}={v!r}" for k, v in self.hyper.items())
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.hyper == other.hyper

    def __hash__(self) -> int:
        return hash((self.name, tuple(self.hyper.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return make, (self.name, self.hyper)


class SolverMethod(Method):
    """A method that chooses where to evaluate, by a line search or in a trust region."""

    solves = True
    __slots__ = ()

    def _value(self, name: str, value: Any, accepted: tuple[float, float, bool, bool]) -> Any:
        number = _checked(name, value, *accepted)
        if not self.is_whole(name):
            return number
        if number != int(number):
            raise ValueError(f"{name} must be a whole number, got {number:g}")
        return int(number)

    def numbers(self) -> list[float]:
        """Return the hyper-parameters in the core's order."""
        return list(self.hyper.values())


def _checked(name: str, value: Any, lower: float, upper: float, above: bool, below: bool) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}") from None
    inside = (number > lower if above else number >= lower) and (
        number < upper if below else number <= upper
    )
    if not inside:
        low = f"{'>' if above else '>='} {lower:g}"
        high = f" and {'<' if below else '<='} {upper:g}" if np.isfinite(upper) else " and finite"
        raise ValueError(f"{name} must be {low}{high}, got {number:g}")
    return number


_FUNCTION = "a function"


def _kind_of(schedule: Any) -> Any:
    return schedule.kind if isinstance(schedule, Schedule) else _FUNCTION


# These options must be positive: clipping a gradient to length 0 would divide 0 by 0.
_LENGTHS = ("clip_norm", "clip_value")


def _check_schedule(name: str, schedule: Any, lower: float, upper: float, above: bool) -> None:
    """Raise an error if the value of a schedule at step 0 is not a number, or is out of range."""
    first = np.asarray(schedule(np.float64(0.0)))
    if first.dtype.kind not in "fiub" or first.size != 1:
        got = f"shape {first.shape}" if first.dtype.kind in "fiub" else repr(first[()])
        raise TypeError(f"the schedule of {name} must give one number, got {got} at t = 0")
    number = float(first.reshape(()))
    if not (np.isfinite(number) and lower <= number <= upper) or (above and number == lower):
        high = f" and <= {upper:g}" if np.isfinite(upper) else " and finite"
        low = f"{'>' if above else '>='} {lower:g}"
        raise ValueError(f"the schedule of {name} must be {low}{high}, got {number:g} at t = 0")


def _traced(
    name: str, formula: Callable[..., Any], graph: _core.Graph, arguments: list[int]
) -> int:
    """Trace a schedule and return the node of its value; `arguments` are t and its numbers."""
    trace = Trace(graph)
    try:
        result = trace_call(trace, formula, [Tracer(trace, node) for node in arguments])
    except TraceError as error:
        why = str(error).removesuffix(LAST_RESORT).rstrip()
        raise TraceError(f"the schedule of {name}: {why}") from error
    node = output_node(trace, result)
    if (shape := graph.shape(node)) and any(n != 1 for n in shape):
        raise TypeError(f"the schedule of {name} must give one number, got shape {shape}")
    return graph.reshape(node, ())


class _Signature:
    """The signature of a method's class, built on demand because `inspect` is slow to import."""

    def __init__(self, hyper: list[_Hyper], options: list[_Hyper]) -> None:
        self._hyper, self._options = hyper, options

    def __get__(self, instance: object, owner: type) -> Any:
        import inspect

        kind, none = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    kind,
                    default=none if default is None else int(default) if whole else default,
                )
                for name, default, _, _, whole in self._hyper
            ]
            + [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
                for name, *_ in self._options
            ]
        )


def _make_class(m: dict[str, Any], base: type[Method]) -> type[Method]:
    own = [h[0] for h in m["hyper"]]
    first = {own[index] for *_, index in m.get("memory", ()) if index >= 0}
    options = [o for o in _OPTIONS if o[0] not in own and not base.solves]
    lines = [m["summary"], ""]
    if own or options:
        lines += ["Parameters", "----------"]
    for name, default, meaning, _, whole in m["hyper"]:
        kind = "int" if whole else "float"
        if name not in first and not base.solves:
            kind = "float or schedule"
        lines += [f"{name} : {kind}" + ("" if default is None else f", default {default:g}")]
        lines += [f"    {meaning}"]
    for name, _, meaning, *_ in options:
        lines += [f"{name} : float or schedule, optional", f"    {meaning}"]
    lines += ["", "References", "----------", m["source"], ""]
    return type(
        m["class_name"],
        (base,),
        {
            "__doc__": "\n".join(lines),
            "__module__": "thalweg",
            "__slots__": (),
            "__signature__": _Signature(m["hyper"], options),
            "name": m["name"],
            "needs": m["needs"],
            "_hyper": m["hyper"],
            "_options": options,
            "_first": first,
        },
    )


classes: dict[str, type[Method]] = {
    **{name: _make_class(m, Method) for name, m in _RULES.items()},
    **{name: _make_class(m, SolverMethod) for name, m in _SOLVERS.items()},
}


def methods(kind: str | None = None) -> dict[str, dict[str, float | None]]:
    """List the methods of `minimize` with their hyper-parameters and defaults.

    Parameters
    ----------
    kind : {"rules", "solvers"}, optional
        List only the rules, or only the solvers.

    Returns
    -------
    dict
        For each method, a dict from hyper-parameter to default; None means that it is required.

    See Also
    --------
    minimize : Minimize a function with one of these methods.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.methods()["momentum"]
    {'learning_rate': None, 'momentum': 0.9}
    """
    if kind not in (None, "rules", "solvers"):
        raise ValueError(f"kind must be 'rules' or 'solvers', got {kind!r}")
    rules = _RULES if kind != "solvers" else {}
    solvers = _SOLVERS if kind != "rules" else {}
    every = {**rules, **solvers}
    return {name: {h[0]: h[1] for h in m["hyper"]} for name, m in every.items() if name != _SQUARES}


# The solver for least squares only.
(_SQUARES,) = (name for name, m in _SOLVERS.items() if m["squares"])
_FOR_SQUARES = "method 'lm' minimizes only sums of squares of residuals: use tw.least_squares"


def make(method: Any, hyper: dict[str, Any]) -> Method:
    """Return the method object for a name with keywords, a class, or an object."""
    if not hyper and isinstance(method, str) and method in _plain:
        return _plain[method]
    if isinstance(method, Method) and method.name != _SQUARES:
        if hyper:
            raise TypeError(
                f"the hyper-parameters must be set in {method!r}; "
                f"unexpected keyword {next(iter(hyper))!r}"
            )
        return method
    if isinstance(method, type) and issubclass(method, Method) and method.name != _SQUARES:
        return method(**hyper)
    method = getattr(method, "name", method)
    if not isinstance(method, str):
        raise TypeError(f"method must be a name or a method object, got {type(method).__name__}")
    name = method.lower().replace("-", "_").replace(" ", "_")
    name = EQUIVALENTS.get(name, name)
    if name == _SQUARES:
        raise ValueError(_FOR_SQUARES)
    if name not in classes:
        raise _no_such_method(method, name)
    if hyper or name not in _plain:
        default = classes[name](**hyper)
        if hyper:
            return default
        _plain[name] = default
    return _plain[name]


def _no_such_method(method: str, name: str) -> ValueError:
    offered = methods()
    if name in NOT_OFFERED:
        why = f"method {method!r} is not offered: {NOT_OFFERED[name]}. The methods are "
        return ValueError(why + ", ".join(offered))
    meant = nearest(name, offered)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return ValueError(f"method must be one of {', '.join(offered)}, got {method!r}{hint}")


# The methods with default hyper-parameters, created once.
_plain: dict[str, Method] = {}


def memory_of(name: str) -> list[tuple[str, float, bool, int]]:
    """List the memory of a method.

    Each entry is (name, initial value, whether there is one value for each variable, the index of
    the hyper-parameter that gives the initial value, or -1).
    """
    memory: list[tuple[str, float, bool, int]] = _RULES[name]["memory"]
    return memory


def matrices_of(name: str) -> int:
    """How many (n, n) matrices a method stores, its inputs included."""
    matrices: int = _SOLVERS[name]["matrices"] if name in _SOLVERS else 0
    return matrices


def kept_minimizer(
    kept: dict[Any, _core.Minimizer], name: str, objective: Callable[[], _core.Objective]
) -> _core.Minimizer:
    """Return the core's solver on one objective, built once."""
    minimizer = kept.get(name)
    if minimizer is None:
        minimizer = kept.setdefault(name, _core.Minimizer(name, objective()))
    return minimizer


def kept_stepper(
    kept: dict[Any, _core.Stepper],
    method: str | Method,
    objective: Callable[[], _core.Objective],
    parts: tuple[bool, bool, bool, bool],
) -> _core.Stepper:
    """Return the core's step of a rule, built once for each choice of parts.

    Parameters
    ----------
    kept : dict
        The cache of steps.
    method : str or Method
        The method; a name means that all hyper-parameters are numbers and no option is given.
    objective : callable
        Makes the objective if the step is not in the cache.
    parts : tuple of bool
        Whether the step includes bounds, the gradient norm, the change of x, and the value.
    """
    if isinstance(method, str):
        key, lasting = (method, (), parts), True
    else:
        key, lasting = (method.name, method.kinds, parts), method.lasting
    if lasting and (found := kept.get(key)):
        return found
    of = objective()
    hyper = [] if isinstance(method, str) else method.settings(of.graph)
    stepper = _core.Stepper(key[0], of, _core.StepParts(*parts), hyper)
    return kept.setdefault(key, stepper) if lasting else stepper
