# SPDX-License-Identifier: BSD-3-Clause
"""Mutated pickles: each load must raise a clear error, or give what behaves as before.

Three kinds of mutation, by the seed: bytes of a pickle (flipped, cut, doubled), which the checksum
must catch; the saved expression itself (indices, shapes, sizes, names, arrays) under a right
checksum, as a foreign program would write it, which must be refused or be an objective like any
other; and the state of a descent.
"""

import copy
import dataclasses
import functools
import io
import pickle
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

import thalweg as tw
from thalweg._objectives import saving as saved
from thalweg._objectives.objective import restore_objective

from .checks import same_bits
from .programs import Program

SECONDS = 20.0
MEMORY = 3 << 30
ISAS = False
NOTES: Counter[str] = Counter()

MUTANTS = 50  # of one objective
MOST = 1 << 20  # elements of a node that are still evaluated
# What loading may raise: its own words for a damaged objective.
CLEAR = ("saved objective", "saved thalweg objective")


def trial(seed: int) -> list[str]:
    rng = np.random.default_rng([31, seed])
    kind = rng.choice(3, p=[0.35, 0.5, 0.15])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return list((bytes_mutated, nodes_mutated, state_mutated)[kind](seed, rng))


@functools.lru_cache(2)
def base(number: int) -> tuple[Any, bytes, Any]:
    """An objective or a model, its pickle, and what it answers."""
    for k in range(1000):
        program = Program(10**9 + 1000 * number + k)
        if program.point.size > 600:
            continue
        try:
            F: Any = tw.objective(program.function, program.point)
        except Exception:  # refused: another one
            continue
        if number % 5 == 0:
            F = tw.model(lambda t, a, b: a * np.exp(-t / b), np.arange(1.0, 9.0), [1.0, 2.0])
        return F, pickle.dumps(F, protocol=4), answer(F)
    raise AssertionError("no program can be traced")


def answer(F: Any) -> Any:
    """What an objective or a model tells, as bits."""
    if isinstance(F, tw.Objective):
        value, slope = F.rows_value_and_grad(F.start[None])
        return value.tobytes() + slope.tobytes()
    return np.asarray(F(1.5, 0.7)).tobytes()


class Careful(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """Refuses states of dtypes that crash NumPy 2 itself (in arraydescr_setstate)."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def load_build(self) -> None:
        state, made = self.stack[-1], self.stack[-2]
        if isinstance(made, np.dtype) and not (
            isinstance(state, tuple)
            and len(state) == 8
            and state[0] == 3
            and state[1] in ("<", ">", "|", "=")
            and state[2:5] == (None, None, None)
            and all(type(number) is int for number in state[5:])
        ):
            raise pickle.UnpicklingError("the state of a dtype")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


# ---- bytes ---------------------------------------------------------------------------------------


def bytes_mutated(seed: int, rng: np.random.Generator) -> Iterator[str]:
    F, whole, before = base(seed // MUTANTS)
    data = bytearray(whole)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(data)))
        how = int(rng.integers(6))
        if how == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif how == 1:
            data[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, ord("."), ord("0")]))
        elif how == 2:
            del data[at:]
        elif how == 3:
            del data[at : at + int(rng.integers(1, 9))]
        elif how == 4:
            data[at:at] = data[at : at + int(rng.integers(1, 30))]
        else:
            other = int(rng.integers(len(data)))
            data[at : at + 8] = data[other : other + 8]
        if not data:
            break
    try:
        again = Careful(io.BytesIO(bytes(data))).load()
    except Exception:  # the unpickler's own, or ours
        NOTES["bytes refused"] += 1
        return
    if not isinstance(again, type(F)):
        NOTES["bytes that are something else"] += 1
        return
    NOTES["bytes loaded"] += 1
    try:
        after = answer(again)
    except Exception as e:
        # A model's own fields stand outside the objective's checksum.
        if isinstance(F, tw.Objective):
            yield f"a damaged pickle loads and then raises {type(e).__name__}\n{e}\n{bytes(data)!r}"
        return
    if after != before and isinstance(F, tw.Objective):
        yield f"a damaged pickle loads and behaves differently\n{bytes(data)!r}"


# ---- the saved expression ------------------------------------------------------------------------

NUMBERS = (0, 1, 2, 3, -1, -2, 7, 255, 256, 4096, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31,
           -(2**31), 2**32, 2**53, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64, 1 << 70)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, np.nan, np.inf, -np.inf, 1e300, 5e-324, 1e9, 2.5, -1.0)


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in nested lists, tuples and dicts."""
    if path:
        yield path
    if isinstance(tree, dict):
        for key in tree:
            yield from leaves(tree[key], (*path, key))
    elif isinstance(tree, list | tuple):
        for i, item in enumerate(tree):
            yield from leaves(item, (*path, i))


def replaced(tree: Any, path: tuple[Any, ...], change: Any) -> Any:
    """The tree with one entry changed."""
    if not path:
        return change(tree)
    if isinstance(tree, dict):
        return tree | {path[0]: replaced(tree[path[0]], path[1:], change)}
    items = list(tree)
    items[path[0]] = replaced(items[path[0]], path[1:], change)
    return tuple(items) if isinstance(tree, tuple) else items


def mutated(value: Any, rng: np.random.Generator, others: list[Any]) -> Any:
    """Something like a value, or not at all like it."""

    def one(among: Any) -> Any:
        return among[int(rng.integers(len(among)))]

    if rng.random() < 0.03:
        return one([None, True, "x", 1.5, [], (), {}, b"", np.zeros(3), object, 1 << 70])
    if rng.random() < 0.1:
        return copy.copy(one([o for o in others if type(o) is type(value)] or [value]))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return one([value + 1, value - 1, -value, value * 2, one(NUMBERS)])
    if isinstance(value, float):
        return one([-value, value * 2, one(FLOATS)])
    if isinstance(value, str):
        names = [*saved._OPCODES, *saved._BUILDERS, *saved._REDUCTIONS, "whole", "elements"]
        return one([one(names), one(names), one(names), "", value + "x", "tuple", "dict"])
    if isinstance(value, np.ndarray):
        return one([
            value[..., :-1] if value.ndim else value[None],
            value.reshape(-1),
            value[None],
            value.T,
            value[..., ::-1],
            value.astype(np.float32),
            value.astype(np.int8) if value.size < 1000 and value.dtype.kind != "O" else value,
            value.astype(object),
            value.astype(complex),
            np.full_like(value, one(NUMBERS[:7])),
            np.full(value.shape, np.nan),
            value.astype(value.dtype.newbyteorder()),
            np.empty((0, *value.shape)),
        ])  # fmt: skip
    if isinstance(value, list | tuple) and len(value):
        items = list(value)
        i, j = int(rng.integers(len(items))), int(rng.integers(len(items)))
        how = int(rng.integers(5))
        if how == 0:
            del items[i]
        elif how == 1:
            items.insert(i, items[j])
        elif how == 2:
            items[i], items[j] = items[j], items[i]
        elif how == 3:
            items.reverse()
        else:
            items.append(items[i])
        return type(value)(items) if type(value) in (list, tuple) else items
    return value


def nodes_mutated(seed: int, rng: np.random.Generator) -> Iterator[str]:
    F, _, _ = base(seed // MUTANTS)
    whole = saved.saved_objective(F if isinstance(F, tw.Objective) else F._objective)
    body = whole["body"]
    said = []
    for _ in range(int(rng.integers(1, 4))):
        # Entries of the nodes' own payloads and shapes are many; each depth is as likely.
        paths = list(leaves(body))
        depth = int(rng.integers(1, max(map(len, paths)) + 1))
        path = (deep := [p for p in paths if len(p) == depth])[int(rng.integers(len(deep)))]
        others = [functools.reduce(lambda t, k: t[k], p, body) for p in deep[:50]]
        body = replaced(body, path, lambda v, o=others: mutated(v, rng, o))
        said.append(f"{path} = {functools.reduce(lambda t, k: t[k], path, body)!r}"[:200])
    told = f"{'; '.join(said)}\nof {F!r}, seed {seed}"
    try:
        again = restore_objective(whole | {"sha256": saved._digest(body), "body": body})
    except ValueError as e:
        NOTES["expressions refused"] += 1
        if not any(words in str(e) for words in CLEAR):
            yield f"a foreign expression is refused in other words: {e}\n{told}"
        return
    except Exception as e:
        yield f"a foreign expression is refused with {type(e).__name__}: {str(e)[:80]}\n{told}"
        return
    NOTES["expressions loaded"] += 1
    yield from (f"{fault}\n{told}" for fault in used(again, rng))


def used(F: Any, rng: np.random.Generator) -> Iterator[str]:
    """Faults of an objective of which nothing is known but that it was loaded."""
    sizes = [np.prod(F._graph.shape(i), dtype=float) for i in range(F._f + 1)]
    if max(sizes) > MOST or sum(sizes) > 4 * MOST:
        NOTES["expressions too large to evaluate"] += 1
        return
    try:
        str(F.tape)
        F(F.structure.restore(F.start[None], ()))
        if np.prod(F.shape) != 1:
            return
        many = F.start + 0.01 * rng.standard_normal((3, F.start.size))
        values, slopes = F.rows_value_and_grad(many)
        one, slope = F.rows_value_and_grad(many[1:2])
        if not (same_bits(one[0], values[1]) and same_bits(slope[0], slopes[1])):
            yield "a loaded expression: a lane among others has other bits than alone"
        F.rows_hvp(many, many)
        tw.minimize(F, F.structure.restore(F.start[None], ()), max_iter=2)
        again = pickle.loads(pickle.dumps(F))
        if answer(again) != answer(F):
            yield "a loaded expression: saved again it has other bits"
    except (ValueError, TypeError, tw.TraceError) as e:
        NOTES[f"used: {type(e).__name__}: {str(e)[:60]}"] += 1
    except MemoryError:
        NOTES["used: MemoryError"] += 1
    except Exception as e:
        yield f"a loaded expression raises {type(e).__name__}: {str(e)[:80]}"


# ---- states --------------------------------------------------------------------------------------

METHODS = ("lbfgs", "newton", "bfgs", "cg", "newton_cg", "steepest", "compass", "adam", "momentum",
           "rprop", "adagrad", "lion", "adadelta")  # fmt: skip


def state_mutated(seed: int, rng: np.random.Generator) -> Iterator[str]:
    method = str(rng.choice(METHODS))
    n = int(rng.integers(1, 6))
    F = tw.objective(
        lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2) + np.sum((1 - x) ** 2), [0.0] * n
    )
    how = {} if method in METHODS[:7] else {"learning_rate": 1e-3}
    x = rng.standard_normal(n)
    state = tw.minimize(F, x, method, max_iter=int(rng.integers(1, 6)), **how).state
    fields = dataclasses.asdict(state)
    paths = list(leaves(fields))
    path = paths[int(rng.integers(len(paths)))]
    fields = replaced(fields, path, lambda v: mutated(v, rng, list(state.memory)))
    told = f"{method}, n = {n}, {path} = {fields!r}"
    try:
        r = tw.minimize(F, x, method, max_iter=5, state=type(state)(**fields), **how)
    except (ValueError, TypeError) as e:
        NOTES["states refused"] += 1
        if not str(e).startswith(("state", "the state", "a state")):
            yield f"a state is refused in other words: {type(e).__name__}: {str(e)[:80]}\n{told}"
        return
    except Exception as e:
        yield f"a state is refused with {type(e).__name__}: {str(e)[:80]}\n{told}"
        return
    NOTES["states continued"] += 1
    if r.success and not np.isfinite(r.fun):
        yield f"success that is not finite\n{told}"
