# SPDX-License-Identifier: BSD-3-Clause
"""Graphs written out as JavaScript give the core's numbers: every operation, every kind of node."""

from math import inf

import numpy as np
import pytest
from javascript_engine import evaluated, floats
from random_expressions import make

import thalweg as tw
from thalweg._formulas import javascript
from thalweg._formulas.javascript import literal, numbers, written
from thalweg._formulas.javascript_operations import LIBRARY, OPERATIONS


def has_javascript(graph):
    """Whether every operation of a graph can be written."""
    nodes = map(graph.describe, range(len(graph)))
    return all(what in OPERATIONS for kind, what, *_ in nodes if kind == "elementwise")


def test_random_functions_of_arrays_agree_with_their_gradients(tmp_path):
    # Every operation and every traceable NumPy function stands in some of these.
    code, wanted = ["const out = [];"], []
    for e in make()[::4]:
        F = tw.objective(e.function, e.point)
        outputs = {"value": F._f, "slope": F._gradient_node()}
        at = numbers(e.point)
        if not has_javascript(F._graph):
            continue
        code.append(f"{{ {written(F._graph, F.x_node, outputs, F.args)}\n")
        code.append(f"out.push([value({at}), ...slope({at})].map(String)); }}")
        value, gradient = F.value_and_grad(e.point)
        wanted.append((np.r_[value, gradient], e.source))
    got = evaluated("\n".join([*code, "report(out);"]), tmp_path)
    for texts, (values, source) in zip(got, wanted, strict=True):
        scale = np.max(np.abs(values[1:][np.isfinite(values[1:])]), initial=0)
        # Hundreds of terms, added in another order: 4e-14 was the worst of 200 functions.
        np.testing.assert_allclose(
            floats(texts), values, rtol=1e-12, atol=1e-12 * scale, err_msg=source
        )


def test_args_and_data_are_written_once(tmp_path):
    data = np.linspace(0, 1, 40)
    F = tw.objective(lambda m, a: np.mean((m * data - a) ** 2), 1.0, args=(data**2,))
    code = written(F._graph, F.x_node, {"value": F._f, "slope": F._gradient_node()}, F.args)
    assert code.count(numbers(data)) == 1
    got = evaluated(code + "report([value([0.7]), slope([0.7])].map(String));", tmp_path)
    np.testing.assert_allclose(floats(got), F.value_and_grad(0.7), rtol=1e-14)


def test_only_what_is_used_of_the_library_is_written():
    F = tw.objective(lambda x, y: np.exp(x) * y, [1.0, 1.0])
    code = written(F._graph, F.x_node, {"value": F._f}, F.args)
    assert not [name for name in LIBRARY if f"const {name} =" in code]


def test_numbers_come_back_to_the_bit(tmp_path):
    values = [0.1, -0.0, 1e-300, 5e-324, 1.7976931348623157e308, inf, -inf, np.nan, 3.0, -2.5]
    listed = ",".join(map(literal, values))
    bits = f"report([{listed}].map(v => String(new BigInt64Array(Float64Array.of(v).buffer)[0])));"
    got = np.array([int(t) for t in evaluated(bits, tmp_path)])
    kept = ~np.isnan(values)  # any NaN is one
    np.testing.assert_array_equal(got[kept], np.array(values).view(np.int64)[kept])


def test_an_operation_that_cannot_be_written_is_named(monkeypatch):
    monkeypatch.delitem(javascript.OPERATIONS, "tanh")
    F = tw.objective(lambda x: np.tanh(x), 1.0)
    with pytest.raises(NotImplementedError, match="'tanh'"):
        written(F._graph, F.x_node, {"value": F._f}, F.args)
