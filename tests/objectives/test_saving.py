# SPDX-License-Identifier: BSD-3-Clause
"""Objectives pickled and read again: the same bits, and what is damaged or foreign is refused."""

# ruff: noqa: ARG005 - what is replaced may be ignored

import copy
import os
import pickle
import pickletools
import subprocess
import sys

import numpy as np
import pytest
from objective_cases import STRUCTURES, assert_same, bits
from problems import PROBLEMS

import thalweg as tw
from thalweg import _core
from thalweg._objectives import saving as saved
from thalweg._objectives.objective import restore_objective

_random = np.random.default_rng(6)


_table = _random.normal(size=40)


_matrix = _random.normal(size=(4, 4))


# Each is a function of one array of 4 and needs another kind of node.
KINDS = {
    "constant": lambda x: 3.0,
    "operations": lambda x: np.sum(np.exp(-(x**2)) + np.where(x > 0, x, np.sin(x))),
    "small data": lambda x: np.sum(x * np.arange(4.0)),
    "large data": lambda x: np.sum(np.sin(x[0] * _table + x[1])),
    "max": lambda x: np.max(x) + np.min(x**2),
    "prod": lambda x: np.prod(x) + np.prod(np.outer(x, x), axis=1).sum(),
    "reductions": lambda x: np.sum(np.mean(np.outer(x, x), axis=0) * np.std(x)),
    "matmul": lambda x: x @ _matrix @ x + np.sum(np.outer(x, x) @ _matrix),
    "batch": lambda x: np.sum(np.einsum("bij,bjk->bik", np.stack([np.outer(x, x)] * 3),
                                        np.ones((3, 4, 2)))),
    "views": lambda x: np.sum(x[1:] * x[:-1][::-1]) + np.sum(np.outer(x, x).T[1:, ::2] * 2.0),
    "gather": lambda x: np.sum(x[[3, 0, 0, 1]] * np.arange(4)) + np.sum(np.roll(x, 1) * x),
    "assemble": lambda x: np.sum(np.concatenate([x, 2 * x, [1.0]]) ** 2 * np.arange(9)),
    "bincount": lambda x: np.sum(np.bincount([0, 2, 2, 1], weights=x) ** 2),
    "scan": lambda x: np.sum(np.cumsum(x) * np.arange(4)) + np.sum(np.cumprod(x)[::2]),
    "lookup": lambda x: np.sum(np.interp(x, np.linspace(-2, 2, 40), np.sort(_table))),
    "vector": lambda x: [x[0], x[1] * x[2], np.sum(x)],
}  # fmt: skip


def evaluations(F):
    points = np.random.default_rng(7).normal(size=(9, 4))
    out = [F(points), F(points[0])]
    if F.shape == ():
        out += [F.grad(points), F.grad(points[0]), F.hvp(points, points[::-1])]
    else:
        out += [F.jacobian(points), F.vjp(points, np.ones(F.shape))]
    return bits(*out)


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_objective_gives_the_same_bits(kind):
    F = tw.objective(KINDS[kind], np.ones(4))
    before = evaluations(F)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(F, protocol=protocol))
        assert evaluations(again) == before
    twice = pickle.loads(pickle.dumps(again))
    for made in (twice, copy.copy(F), copy.deepcopy(F)):
        assert isinstance(made, tw.Objective)
        assert evaluations(made) == before
    assert repr(again) == repr(F)
    assert again.shape == F.shape
    assert again.names == F.names


def valley(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


UNUSED = {
    "choices": lambda x: np.where(x > 0, x, 0.0),
    "products and slices": lambda x: (x[1:] * x[:-1], 200 * (np.sin(x) * x)),
    "sines": lambda x: (np.cos(x), np.cos(np.sin(x) * x)),
    "long arrays": lambda x: np.sum(np.outer(np.ones(300), x), axis=0),
}


@pytest.mark.parametrize("kind", UNUSED)
def test_what_nothing_uses_changes_no_bit(kind):
    def made(unused):
        def f(x):
            unused(x)
            return valley(np.sin(x) * x) + valley(x)

        return tw.objective(f, np.ones(6))

    F, plain = made(UNUSED[kind]), made(lambda _: None)
    G = pickle.loads(pickle.dumps(F))
    points = np.random.default_rng(3).normal(size=(50, 6))
    plain.hessian(points[0])  # what a transform made before must not be seen either
    for x in points:
        assert bits(F(x), F.grad(x), F.hessian(x), F.hvp(x, x)) == bits(
            G(x), G.grad(x), G.hessian(x), G.hvp(x, x)
        )
        assert bits(F(x), F.grad(x)) == bits(plain(x), plain.grad(x))
    assert bits(F.grad(points)) == bits(G.grad(points)) == bits(plain.grad(points))


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_pickled_objective_descends_to_the_same_bits(problem):
    F = tw.objective(problem.function, problem.x0)
    G = pickle.loads(pickle.dumps(F))
    how = {"method": "momentum", "learning_rate": 1e-4, "max_iter": 30}
    a, b = tw.minimize(F, problem.x0, **how), tw.minimize(G, problem.x0, **how)
    assert bits(a.x, a.fun, a.jac, a.last.x) == bits(b.x, b.fun, b.jac, b.last.x)


structures = pytest.mark.parametrize("form", STRUCTURES)


@structures
def test_pickled_objective_keeps_its_structure(form):
    x0, f, x, value, gradient, _ = STRUCTURES[form]
    G = pickle.loads(pickle.dumps(tw.objective(f, x0)))
    assert_same(G(x), value)
    assert_same(G.grad(x), gradient)


def test_pickled_objective_keeps_its_args():
    F = tw.objective(lambda x, a, b: np.sum(a * x) * b, np.ones(3), args=(np.arange(3), 2))
    G = pickle.loads(pickle.dumps(F))
    assert G(np.ones(3)) == F(np.ones(3)) == 6.0


def test_out_of_band_buffers_are_read():
    F = tw.objective(KINDS["large data"], np.ones(4))
    buffers = []
    text = pickle.dumps(F, protocol=5, buffer_callback=buffers.append)
    copied = [bytes(b) for b in buffers]  # read-only, as from a shared file
    assert evaluations(pickle.loads(text, buffers=copied)) == evaluations(F)


def test_another_process_reads_what_this_one_saved(tmp_path):
    F = tw.objective(KINDS["large data"], np.ones(4))
    path = tmp_path / "f.pickle"
    path.write_bytes(pickle.dumps(F))
    code = (
        "import pickle, sys, numpy as np\n"
        f"F = pickle.load(open({str(path)!r}, 'rb'))\n"
        "print(F(np.arange(4.0)).hex(), *(g.hex() for g in F.grad(np.arange(4.0))))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        cwd=tmp_path, timeout=60,
    )  # fmt: skip
    # The file is left open until the process ends: that warning is not ours.
    x = np.arange(4.0)
    assert done.stdout.split() == [F(x).hex(), *(g.hex() for g in F.grad(x))], done.stderr


def test_pickle_holds_operation_names_and_no_code():
    text = pickle.dumps(tw.objective(KINDS["operations"], np.ones(4)))
    strings = {arg for op, arg, _ in pickletools.genops(text) if isinstance(arg, str)}
    assert {"exp", "sin", "where"} <= strings
    assert "thalweg._objectives.objective" in strings  # the format's name
    assert b"lambda x: np" not in text


def forged(change, kind="large data", digest=True):
    """A saved objective with one thing changed, and a checksum that agrees."""
    F = tw.objective(KINDS[kind], np.ones(4))
    whole = copy.deepcopy(saved.saved_objective(F))
    change(whole)
    if digest and isinstance(whole.get("body"), dict):
        whole["sha256"] = saved._digest(whole["body"])
    return whole


@pytest.mark.parametrize("what", [None, 3, [], {}, {"format": "other"}, "text", (1, 2)])
def test_foreign_pickles_are_refused(what):
    with pytest.raises(ValueError, match="not a saved thalweg objective"):
        restore_objective(what)


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_other_versions_are_refused_with_both_numbers(version):
    whole = forged(lambda w: w.update(version=version))
    with pytest.raises(ValueError, match=r"must have format version 1, got") as caught:
        restore_objective(whole)
    assert repr(version) in str(caught.value)


def test_changed_numbers_are_refused():
    def change(w):
        w["body"]["start"][0] = 7.0

    with pytest.raises(ValueError, match="damaged: its checksum"):
        restore_objective(forged(change, digest=False))


def test_flipped_bytes_are_refused_or_do_no_harm():
    F = tw.objective(KINDS["large data"], np.ones(4))
    text = bytearray(pickle.dumps(F))
    before = evaluations(F)
    random = np.random.default_rng(8)
    at = text.index(_table[3].tobytes())  # a number of the data
    for place in [at, at + 7, *random.integers(0, len(text), 200)]:
        damaged = bytearray(text)
        damaged[place] ^= 1 << random.integers(8)
        try:
            again = pickle.loads(bytes(damaged))
        except Exception:
            continue  # pickle's own errors are of every type
        # A flip in the pickle's framing may leave all that is saved as it was.
        if isinstance(again, tw.Objective):
            assert evaluations(again) == before


def test_truncated_pickles_are_refused():
    text = pickle.dumps(tw.objective(KINDS["large data"], np.ones(4)))
    for end in (10, len(text) // 2, len(text) - 1):
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
            pickle.loads(text[:end])


def node_of_kind(whole, kind):
    return next(i for i, n in enumerate(whole["body"]["nodes"]) if n[0] == kind)


def replace(kind, position, value):
    def change(whole):
        nodes = whole["body"]["nodes"]
        i = node_of_kind(whole, kind)
        node = list(nodes[i])
        node[position] = value(node[position]) if callable(value) else value
        nodes[i] = tuple(node)

    return change


FORGERIES = {
    "unknown kind": ("operations", replace("elementwise", 0, "rootkit")),
    "unknown operation": ("operations", replace("elementwise", 1, "rm")),
    "operation by number": ("operations", replace("elementwise", 1, 0)),
    "too many operands": ("operations", replace("elementwise", 2, lambda i: [0, 0, 0, 0])),
    "no operands": ("operations", replace("elementwise", 2, [])),
    "operand behind it": ("operations", replace("elementwise", 2, lambda i: [10**6] * len(i))),
    "negative operand": ("operations", replace("elementwise", 2, lambda i: [-1] * len(i))),
    "operand no number": ("operations", replace("elementwise", 2, lambda i: ["x"] * len(i))),
    "another shape": ("operations", replace("elementwise", 3, (1000,))),
    "negative shape": ("views", replace("view", 3, (-1,))),
    "huge shape": ("views", replace("view", 3, (2**62, 2**62))),
    "view beyond the end": ("views", replace("view", 4, lambda p: [2**40, *p[1:]])),
    "view before the start": ("views", replace("view", 4, lambda p: [-1, *p[1:]])),
    "view with long strides": (
        "views", replace("view", 4, lambda p: [p[0]] + [2**40] * len(p[1:]))),
    "view whose end overflows": ("views", replace("view", 4, lambda p: [2] + [2**62] * len(p[1:]))),
    "view that goes back far": (
        "views", replace("view", 4, lambda p: [0] + [-(2**62)] * len(p[1:]))),
    "view with no strides": ("views", replace("view", 4, lambda p: p[:1])),
    "view without offset": ("views", replace("view", 4, [])),
    "gather beyond the end": ("gather", replace("gather", 4, lambda t: [10**9] * len(t))),
    "gather before the start": ("gather", replace("gather", 4, lambda t: [-2] * len(t))),
    "gather of another length": ("gather", replace("gather", 4, lambda t: t[:-1])),
    "assemble elsewhere": (
        "assemble", replace("assemble", 4, lambda p: [(10**9, s, t) for _, s, t in p])),
    "assemble all in one place": (
        "assemble", replace("assemble", 4, lambda p: [(0, s, t) for _, s, t in p])),
    "assemble before the start": (
        "assemble", replace("assemble", 4, lambda p: [(-5, s, t) for _, s, t in p])),
    "assemble with too few parts": ("assemble", replace("assemble", 4, lambda p: p[:-1])),
    "assemble with a table": (
        "assemble", replace("assemble", 4, lambda p: [(o, s, [0]) for o, s, _ in p])),
    "sum of parts out of place": (
        "bincount", replace("assemble", 4, lambda p: [(o, s, [99] * len(t)) for o, s, t in p])),
    "data of another size": ("large data", replace("data", 4, np.ones(7))),
    "data that is no array": ("large data", replace("data", 4, "abc")),
    "complex data": ("large data", replace("data", 4, np.ones(40) * 1j)),
    "unknown reduction": ("max", replace("reduce", 1, "median")),
    "reduction of another shape": ("max", replace("reduce", 4, [5, 5, 5])),
    "reduction of short shape": ("max", replace("reduce", 4, [])),
    "matmul without flags": ("matmul", replace("matmul", 4, [])),
    "matmul of other shapes": ("matmul", replace("matmul", 2, [0, 0])),
    "scan of another shape": ("scan", replace("scan", 4, [7, 7, 7, 0])),
    "scan without a shape": ("scan", replace("scan", 4, [])),
    "lookup with short tables": (
        "lookup", replace("lookup", 4, lambda p: (p[0], p[1][:2], p[2], p[3]))),
    "lookup with short slopes": (
        "lookup", replace("lookup", 4, lambda p: (p[0], p[1], p[2][:2], p[3]))),
    "lookup without breaks": ("lookup", replace("lookup", 4, lambda p: ([], [], [], 0.0))),
    "input that is not there": ("operations", replace("input", 1, 9)),
    "input of another shape": ("operations", replace("input", 3, (5,))),
    "no nodes": ("operations", lambda w: w["body"].update(nodes=[])),
    "nodes missing": ("operations", lambda w: w["body"].pop("nodes")),
    "unknown form": ("operations", lambda w: w["body"].update(structure=("heap", ((4,),), ()))),
    "structure of another size": (
        "operations", lambda w: w["body"].update(structure=("whole", ((5,),), ()))),
    "dict without keys": (
        "operations", lambda w: w["body"].update(structure=("dict", ((4,),), ()))),
    "structure of no shape": (
        "operations", lambda w: w["body"].update(structure=("whole", (), ()))),
    "negative structure": (
        "operations", lambda w: w["body"].update(structure=("tuple", ((-4,), (8,)), ()))),
    "start of another size": ("operations", lambda w: w["body"].update(start=np.ones(3))),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_pickles_are_refused(name):
    kind, change = FORGERIES[name]
    whole = forged(change, kind)
    with pytest.raises(ValueError, match="damaged"):
        restore_objective(whole)


def test_forger_changes_what_it_says():
    """The forgeries above fail for what they change: unchanged, the same objective is taken."""
    for kind in {k for k, _ in FORGERIES.values()}:
        restore_objective(forged(lambda w: None, kind))


INTEGERS = [-7, -1, 0, 1, 2, 3, 5, 16, 1000, 2**31, 2**32 + 1, 2**40, 2**62, -(2**62)]


NAMES = ["exp", "sum", "where", "power", "view", "gather", "matmul", "scan", "lookup", "assemble"]


def mutated(item, random):
    """A part of a saved node with one thing in it changed, dropped or doubled."""
    if isinstance(item, list | tuple):
        parts = list(item)
        if not parts:
            return type(item)([1])
        i, choice = random.integers(len(parts)), random.random()
        if choice < 0.1:
            del parts[i]
        elif choice < 0.2:
            parts.insert(i, parts[i])
        else:
            parts[i] = mutated(parts[i], random)
        return type(item)(parts)
    if isinstance(item, int):
        small = item + int(random.integers(-3, 4))
        return INTEGERS[random.integers(len(INTEGERS))] if random.random() < 0.6 else small
    if isinstance(item, float):
        return [0.0, np.nan, np.inf, -1.0, 1e300][random.integers(5)]
    if isinstance(item, str):
        return NAMES[random.integers(len(NAMES))]
    return item[:-1] if isinstance(item, np.ndarray) else item


def try_forgeries(seed):
    """Evaluate what is not refused; how many were refused, and how many were not."""
    random, refused, taken = np.random.default_rng(seed), 0, 0
    for function in KINDS.values():
        base = saved.saved_objective(tw.objective(function, np.ones(4)))
        for _ in range(60):
            whole = copy.deepcopy(base)
            nodes = whole["body"]["nodes"]
            i = random.integers(len(nodes))
            node = list(nodes[i])
            part = random.choice([0, 1, 2, 3, 4, 4])
            node[part] = mutated(node[part], random)
            nodes[i] = tuple(node)
            whole["sha256"] = saved._digest(whole["body"])
            try:
                F = restore_objective(whole)
            except (ValueError, MemoryError):
                refused += 1
                continue
            taken += 1
            evaluations(F) if F.n == 4 else None
    return refused, taken


@pytest.mark.parametrize("seed", range(4))
def test_random_forgeries_never_crash(seed, tmp_path):
    # In a process of its own: a crash must not take the other tests along.
    code = f"import test_saving as t; print(*t.try_forgeries({seed}))"
    here = os.path.dirname(__file__)  # noqa: PTH120 - joined with other strings
    tests = os.path.dirname(here)  # noqa: PTH120
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([here, tests, *filter(None, sys.path)])},
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-800:]}"
    refused, taken = map(int, done.stdout.split())
    assert refused > 100
    assert taken > 100  # many changes do no harm: a constant, an operation of the same arity


# ---- nodes described and built again -------------------------------------------------------------


def test_nodes_are_listed_from_operands_to_users_and_without_others():
    graph = _core.Graph()
    x, unused = graph.input(0, (3,)), graph.constant(5.0)
    two = graph.constant(2.0)
    multiply = next(k for k, o in enumerate(_core.operations()) if o["name"] == "multiply")
    twice = graph.elementwise(multiply, two, x)
    root = graph.elementwise(multiply, twice, x)
    assert saved.nodes_under(graph, root) == sorted({x, two, twice, root})
    assert saved.nodes_under(graph, x) == [x]
    assert saved.nodes_under(graph, x, unused) == sorted({x, unused})
    nodes = saved.reachable(graph, root)
    assert [n[0] for n in nodes].count("elementwise") == 2
    for k, (_, _, operands, _, _) in enumerate(nodes):
        assert all(i < k for i in operands)
    assert nodes[-1][1] == "multiply"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_node_is_built_as_it_was_described(kind):
    F = tw.objective(KINDS[kind], np.ones(4))
    nodes = saved.reachable(F._graph, F._f)
    graph, ids = _core.Graph(), []
    for what in nodes:
        ids.append(saved.build_node(graph, what[0], what[1], [ids[i] for i in what[2]], *what[3:]))
    again = saved.reachable(graph, ids[-1])
    for old, new in zip(nodes, again, strict=True):
        assert old[:4] == new[:4]
        np.testing.assert_equal(old[4], new[4])


def test_what_is_saved_are_plain_objects_and_copies():
    a = np.arange(3.0)
    F = tw.objective(lambda x, a: np.sum(a * x), {"x": np.ones(3)}, args=(a,))
    whole = saved.saved_objective(F)
    assert (whole["format"], whole["version"]) == ("thalweg._objectives.objective", 1)
    body = whole["body"]
    assert set(body) == {"nodes", "structure", "args", "name", "names", "start"}
    assert body["structure"] == ("dict", ((3,),), ("x",))
    body["args"][0][0] = 7.0
    body["start"][0] = 7.0
    assert F({"x": np.ones(3)}) == 3.0
    assert F.start[0] == 1.0
