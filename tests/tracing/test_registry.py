# SPDX-License-Identifier: BSD-3-Clause
"""Functions and arguments that have no traced form are refused by name."""

import numpy as np
import pytest
from traced_values import MASK, check_message

from thalweg._tracing import registry
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace

# name, function, shapes, what the message says
REFUSED = [
    (
        "out",
        lambda x: np.add(x, 1, out=np.zeros(3)),
        [(3,)],
        "np.add(..., out=)",
        "the return value",
    ),
    ("out by position", lambda x: np.sum(x, 0, None, np.zeros(())), [(3,)], "out", ""),
    ("where", lambda x: np.exp(x, where=MASK), [(3,)], "np.exp(..., where=)", "np.where"),
    ("where of sum", lambda x: np.sum(x, where=MASK), [(3,)], "np.sum(..., where=)", "np.where"),
    ("dtype", lambda x: np.sum(x, dtype=np.float32), [(3,)], "dtype", "float64"),
    ("initial", lambda x: np.max(x, initial=0.0), [(3,)], "np.max(..., initial=)", ""),
    ("eig", lambda x: np.linalg.eig(x), [(2, 2)], "np.linalg.eig", "np.linalg.eigh"),
    ("eigvals", lambda x: np.linalg.eigvals(x), [(2, 2)], "np.linalg.eigvals", "eigvalsh"),
    ("histogram", lambda x: np.histogram(x), [(3,)], "np.histogram", "no traced form"),
    ("argument too many", lambda x: np.fix(x, x), [(3,)], "np.fix(..., out=)", "the return value"),
    ("tolerance", lambda x: np.real_if_close(x, 100), [()], "np.real_if_close(..., tol=)", ""),
]


@pytest.mark.parametrize(
    ("name", "function", "shapes", "what", "instead"), REFUSED, ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_traced_says_where_and_what_instead(name, function, shapes, what, instead):
    check_message(function, shapes, what, instead, __file__)


def test_a_handler_gets_the_trace_and_the_arguments(monkeypatch):
    monkeypatch.setattr(registry, "FUNCTIONS", {})
    monkeypatch.setattr(registry, "ARGUMENTS", {})

    def cut(x, depth=1):
        raise NotImplementedError

    @registry.implements(cut, arguments="colour shade")
    def handler(trace, x, depth=1, *rest, wide=False, **more):
        return trace, x, depth, rest, wide, more

    assert list(registry.FUNCTIONS.items()) == [(cut, handler)]
    assert registry.ARGUMENTS[cut] == {"x", "depth", "wide", "colour", "shade"}
    assert registry.call_function("t", cut, (3,), {}) == ("t", 3, 1, (), False, {})
    assert registry.call_function("t", cut, (3, 4, 5), {"wide": True, "shade": 6}) == (
        "t", 3, 4, (5,), True, {"shade": 6},
    )  # fmt: skip
    with pytest.raises(TraceError, match="the argument `height` has no traced form"):
        registry.call_function("t", cut, (3,), {"height": 2})


def test_arguments_by_position_are_named_as_numpy_names_them():
    trace = Trace()
    x = trace.input(0, (3,))
    with pytest.raises(TraceError, match=r"np\.fix\(\.\.\., out=\)"):
        registry.call_function(trace, np.fix, (x, None), {})
    assert registry._argument(np.sum, 2) == "dtype"
    assert registry._argument(np.sum, 99) == "number 100"


HARMLESS = [
    {"dtype": None}, {"dtype": float}, {"dtype": "f8"}, {"out": None}, {"out": (None, None)},
    {"where": True}, {"casting": "same_kind", "order": "K", "subok": True},
]  # fmt: skip


@pytest.mark.parametrize("kwargs", HARMLESS, ids=str)
def test_arguments_without_an_effect_are_left_out(kwargs):
    known = frozenset({"axis"})
    assert registry.accepted("np.f", {**kwargs, "axis": 1}, known) == {"axis": 1}


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"dtype": np.float32}, "Traced values are float64"),
        ({"out": np.zeros(2)}, "use the return value"),
        ({"out": (None, np.zeros(2))}, "use the return value"),
        ({"where": False}, r"np\.where\(mask, x, 0\)"),
        ({"where": 1}, r"np\.where\(mask, x, 0\)"),  # may be an array as well as True
        ({"initial": None}, "the argument `initial`"),
    ],
    ids=str,
)
def test_arguments_with_an_effect_are_refused(kwargs, said):
    with pytest.raises(TraceError, match=said):
        registry.accepted("np.f", kwargs, frozenset())


def test_plain_refuses_out_and_other_dtypes():
    registry.plain("np.f", None, None)
    registry.plain("np.f", np.float64)
    with pytest.raises(TraceError, match=r"np\.f\(\.\.\., dtype=\)"):
        registry.plain("np.f", int)
    with pytest.raises(TraceError, match=r"np\.f\(\.\.\., out=\)"):
        registry.plain("np.f", out=np.zeros(2))


def test_names_of_functions_are_the_users():
    assert registry.name_of(np.sum) == "np.sum"
    assert registry.name_of(np.linalg.norm) == "np.linalg.norm"


def test_masks_are_refused_where_something_is_masked():
    trace = Trace()
    x = trace.input(0, (3,))
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0])
    for args, kwargs in (((x, masked), {}), ((x,), {"b": masked})):
        with pytest.raises(TypeError, match=r"a masked array cannot be traced.*y\[~y\.mask\]"):
            registry.call_function(trace, np.dot, args, kwargs)
    whole = np.ma.masked_array([1.0, 2.0, 3.0], [0, 0, 0])
    assert registry.call_function(trace, np.dot, (x, whole), {}).shape == ()
