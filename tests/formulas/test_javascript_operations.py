# SPDX-License-Identifier: BSD-3-Clause
"""Operations in JavaScript, and functions that Math lacks, against the core, NumPy and mpmath."""

import json
import re
from math import inf, nan

import mpmath
import numpy as np
import pytest
from javascript_engine import evaluated, floats
from scipy import special

from thalweg import _core
from thalweg._formulas.javascript import literal, numbers, written
from thalweg._formulas.javascript_operations import LIBRARY, OPERATIONS

# Where a value is small only because large ones cancel, or lacks JavaScript's own functions: the
# error in units of the last place, seen to hold with two to spare.
LOOSE = {"logaddexp": 1e-13, "logaddexp2": 1e-13, "erfc": 5e-13,
         "faddeeva_real": 1e-12, "faddeeva_imag": 1e-12,
         "faddeeva_slope_real": 1e-11, "faddeeva_slope_imag": 1e-11}  # fmt: skip


def samples(rng, domain, count=200):
    """Numbers inside an operation's domain, small and large."""
    low, high = domain[:2]
    a = rng.normal(size=count) * rng.choice([0.01, 1, 5], count)
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * rng.random(count)
    return low + np.exp(a) if np.isfinite(low) else a


def test_an_operation_without_javascript_is_refused_by_name():
    """An operation may be added to the core's list alone; what is in the table is in the list."""
    known = {operation["name"] for operation in _core.operations()}
    assert set(OPERATIONS) <= known
    assert len(OPERATIONS) >= 70
    graph = _core.Graph()
    x = graph.input(0, ())
    for number, operation in enumerate(_core.operations()):
        if operation["name"] not in OPERATIONS:
            f = graph.elementwise(number, *[x] * operation["arity"])
            with pytest.raises(NotImplementedError, match=operation["name"]):
                written(graph, x, {"f": f}, [])


def test_every_operation_is_written_and_agrees(tmp_path):
    rng, code, wanted = np.random.default_rng(0), ["const out = {};"], {}
    for number, operation in enumerate(_core.operations()):
        name, arity = operation["name"], operation["arity"]
        if name not in OPERATIONS:
            continue
        graph = _core.Graph()
        x = graph.input(0, (arity,))
        f = graph.elementwise(number, *(graph.view(x, (), i, ()) for i in range(arity)))
        domain = operation["domain"] or [(-inf, inf)] * arity
        points = np.column_stack([samples(rng, domain[min(i, len(domain) - 1)])
                                  for i in range(arity)])  # fmt: skip
        if name == "polygamma":
            points[:, 0] = np.round(points[:, 0])
        if name in ("rint", "floor", "ceil", "trunc", "sign", "heaviside", "where", "xlogy"):
            points[:20, 0] = np.arange(20) / 2 - 5  # halves, and zero
        wanted[name] = _core.Function(graph, [f], 1)([points], [True], len(points))[0][:, 0]
        at = ",".join(map(numbers, points))
        code.append(f"{{ {written(graph, x, {'f': f}, [])}\n")
        code.append(f"out[{json.dumps(name)}] = [{at}].map(x => String(f(x))); }}")
    got = evaluated("\n".join([*code, "report(out);"]), tmp_path)
    assert set(wanted) == set(OPERATIONS)
    for name, values in wanted.items():
        # Near the zeros of these two the error is absolute, as the core's own promise is.
        atol = 1e-14 if name in ("gammaln", "digamma") else 0
        rtol = LOOSE.get(name, 2e-15)
        np.testing.assert_allclose(floats(got[name]), values, rtol, atol, err_msg=name)


def run(code, tmp_path):
    """What the expressions in a dict give, with the library before them."""
    library = "\n".join(f"const {name} = {text};" for name, text in LIBRARY.items())
    told = "const told = v => [v].flat().map(v => Object.is(v, -0) ? '-0' : String(v));"
    entries = ", ".join(f"{json.dumps(name)}: told({text})" for name, text in code.items())
    got = evaluated(f"{library}\n{told}\nreport({{ {entries} }});", tmp_path)
    return {k: np.array([float(t.replace("Infinity", "inf")) for t in v]) for k, v in got.items()}


def listed(*arrays):
    return ", ".join("[" + ", ".join(literal(float(v)) for v in a) + "]" for a in arrays)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, inf, -inf, nan]
PAIRS = np.array([(a, b) for a in SPECIAL for b in SPECIAL])
# JavaScript's text, and NumPy's or SciPy's function.
OF_TWO = {
    "fmax": ("fmax(a, b)", np.fmax),
    "copysign": ("copysign(a, b)", np.copysign),
    "xlogy": ("xlog(a, b, Math.log)", special.xlogy),
    "xlog1py": ("xlog(a, b, Math.log1p)", special.xlog1py),
    "logaddexp": ("logaddexp(a, b)", np.logaddexp),
}
FINITE = np.array([(a, b) for a, b in PAIRS if np.isfinite([a, b]).all()])
OF_FINITE = {
    "remainder": ("remainder(a, b)", np.remainder),
    "floor_divide": ("floor_divide(a, b)", np.floor_divide),
}


def test_functions_of_two_numbers_at_the_edges_are_numpys(tmp_path):
    code = {n: f"[{listed(*PAIRS)}].map(([a, b]) => {t})" for n, (t, _) in OF_TWO.items()}
    code |= {n: f"[{listed(*FINITE)}].map(([a, b]) => {t})" for n, (t, _) in OF_FINITE.items()}
    got = run(code, tmp_path)
    with np.errstate(all="ignore"):
        for name, (_, f) in OF_TWO.items():
            np.testing.assert_allclose(got[name], f(*PAIRS.T), rtol=2e-15, err_msg=name)
        for name, (_, f) in OF_FINITE.items():
            np.testing.assert_array_equal(got[name], f(*FINITE.T), err_msg=name)
    signs = np.signbit(np.copysign(*PAIRS.T)) == np.signbit(got["copysign"])
    assert signs[~np.isnan(PAIRS).any(axis=1)].all()


def test_functions_of_one_number_at_the_edges_are_numpys(tmp_path):
    x = np.array([*SPECIAL[:-1], 1.5, 2.5, 1e300, -1e300, 5e-324, 0.49999999999999994])
    finite = x[np.isfinite(x)]
    code = {
        "rint": f"{listed(finite)}.map(rint)",
        "sinc": f"{listed(x[np.abs(x) < 1e15])}.map(sinc)",
        "expit": f"{listed(x)}.map(expit)",
    }
    got = run(code, tmp_path)
    np.testing.assert_array_equal(got["rint"], np.rint(finite))
    np.testing.assert_allclose(got["sinc"], np.sinc(x[np.abs(x) < 1e15]), rtol=1e-15, atol=1e-16)
    np.testing.assert_allclose(got["expit"], special.expit(x), rtol=1e-15)
    assert got["sinc"][list(x[np.abs(x) < 1e15]).index(3.0)] == 0.0  # NumPy's is 3.9e-17


def test_logit_does_not_cancel_about_one_half(tmp_path):
    x = np.array([0.5, 0.5 + 2.0**-50, 0.5 - 1e-9, 0.25, 0.75, 1e-300, 1.0, 0.0])
    (got,) = run({"logit": f"{listed(x)}.map(logit)"}, tmp_path).values()
    with mpmath.workdps(40):
        exact = [float(mpmath.log(v / (1 - v))) for v in map(mpmath.mpf, x[:-2])]
    np.testing.assert_allclose(got, [*exact, inf, -inf], rtol=4e-16)


GAMMA = {
    "erf": ("erf", mpmath.erf, [0.0, 1e-300, 0.5, -1.9, 2.0, 3.0, -7.0], 1e-15),
    "erfc": ("erfc", mpmath.erfc, [-7.0, -0.5, 0.0, 0.5, 1.999, 2.0, 5.0, 26.0],
             5e-13),  # 1 - erf cancels below 2
    "gammaln": ("gammaln", lambda a: mpmath.log(abs(mpmath.gamma(a))),
                [1e-10, 0.5, 3.5, 9.99, 10.0, 170.0, 1e10, -0.5, -3.7], 1e-14),
    "digamma": ("digamma", mpmath.digamma, [1e-10, 0.5, 1.0, 3.5, 9.99, 10.0, 1e10], 1e-14),
    "trigamma": ("a => polygamma(1, a)", lambda a: mpmath.psi(1, a),
                 [1e-5, 0.5, 3.5, 17.0, 1e5], 1e-14),
    "polygamma 4": ("a => polygamma(4, a)", lambda a: mpmath.psi(4, a),
                    [0.1, 1.0, 3.5, 30.0], 1e-14),
}  # fmt: skip


def test_error_and_gamma_functions_are_mpmaths(tmp_path):
    got = run({n: f"{listed(x)}.map({text})" for n, (text, _, x, _) in GAMMA.items()}, tmp_path)
    with mpmath.workdps(40):
        for name, (_, f, points, rtol) in GAMMA.items():
            exact = [float(f(mpmath.mpf(a))) for a in points]
            np.testing.assert_allclose(got[name], exact, rtol=rtol, err_msg=name)


def test_whole_powers_are_products(tmp_path):
    code = {
        "ipow": "[[3, 0], [3, 1], [3, 5], [2, -3], [-2, 3], [0, -1]].map(([a, n]) => ipow(a, n))"
    }
    np.testing.assert_array_equal(run(code, tmp_path)["ipow"], [1, 3, 243, 0.125, -8, inf])


def test_arrays_are_reduced_multiplied_and_scanned_as_numpy_does(tmp_path):
    rng = np.random.default_rng(3)
    a, b, c = rng.integers(-4, 5, (2, 3, 4)), rng.integers(-4, 5, (2, 4, 5)), rng.integers(1, 4, 12)
    x = np.array([-2.0, 0.0, 0.5, 1.0, 7.0])
    A, B, C = (listed(v.ravel()) for v in (a, b, c))
    turned_a, turned_b = (listed(v.transpose(0, 2, 1).ravel()) for v in (a, b))
    table = "{ breaks: [0, 1], c0: [10, 20], c1: [2, 0], below: -1 }"
    got = run(
        {
            "sum": f"[...reduce({A}, [2, 3, 4], (a, b) => a + b)]",
            "max": f"[...reduce({A}, [6, 4, 1], Math.max)]",
            "matmul": f"[...matmul({A}, {B}, 2, 3, 4, 5, false, false)]",
            "both transposed": f"[...matmul({turned_a}, {turned_b}, 2, 3, 4, 5, true, true)]",
            "cumsum": f"[...scan({listed(np.ones(12))}, {C}, [2, 3, 2], false)]",
            "backwards": f"[...scan({listed(np.ones(12))}, {C}, [2, 3, 2], true)]",
            "lookup": f"{listed(x)}.map(x => lookup(x, {table}))",
            "put": f"(s => {{ put(s, {listed(x)}, i => i % 2); return [...s]; }})(fill(4, i => 1))",
        },
        tmp_path,
    )
    np.testing.assert_array_equal(got["sum"], a.sum(axis=1).ravel())
    np.testing.assert_array_equal(got["max"], a.max(axis=2).ravel())
    for name in ("matmul", "both transposed"):
        np.testing.assert_array_equal(got[name], (a @ b).ravel())
    rows = c.reshape(2, 3, 2)
    np.testing.assert_array_equal(got["cumsum"], rows.cumsum(axis=1).ravel())
    np.testing.assert_array_equal(got["backwards"], rows[:, ::-1].cumsum(axis=1)[:, ::-1].ravel())
    np.testing.assert_array_equal(got["lookup"], [-1, 10, 11, 20, 20])
    np.testing.assert_array_equal(got["put"], [1 - 2 + 0.5 + 7, 1 + 0 + 1, 1, 1])


def test_operands_are_written_as_often_as_there_are():
    arity = {o["name"]: o["arity"] for o in _core.operations()}
    for name, pattern in OPERATIONS.items():
        used = {int(k) for k in re.findall(r"{(\d)}", pattern)}
        assert used == set(range(arity[name])), name
