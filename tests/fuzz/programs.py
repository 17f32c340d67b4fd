# SPDX-License-Identifier: BSD-3-Clause
"""Random NumPy programs against NumPy, complex steps and differences, in every layout.

`Program` writes one: from x (of any shape), data and a few numbers, line by line; a line is made by
one of `calls.KINDS`. While it is written it is evaluated, and what is large is brought back to the
order of one. `checks` compares what thalweg makes of it.
"""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import random_expressions
from complex_steps import as_probe
from precise import NAMES

from . import calls

MOST = 40_000  # elements of an array
LARGEST = 10.0

NOTES: Counter[str] = Counter()

SMALL = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12]
MIDDLE = [15, 16, 17, 31, 32, 33, 63, 64, 65, 70]
LONG = [255, 256, 257, 300, 319, 320, 321, 512, 700, 1025]
LONGEST = [4095, 4096, 4097, 8191, 8192, 8193, 9000]


class Program(random_expressions.Writer):
    """One function of x as source, with its data and a point."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([1212, seed])
        self.lines: list[str] = []
        self.unused: list[str] = []
        sizes = [SMALL, MIDDLE, LONG, LONGEST][self.rng.choice(4, p=[0.72, 0.16, 0.1, 0.02])]
        self.n = int(self.one(sizes))
        self.k = int(self.one([1, 2, 3, 4, 5, 8, 9, 13]))
        n, k = self.n, self.k
        shapes = [(n,), (n, k), (k,), (), (k, n), (1,), (min(n, 321), 2, 3), (n, 1), (1, n)]
        chances = [0.44, 0.15, 0.12, 0.06, 0.05, 0.03, 0.06, 0.06, 0.03]
        shape = shapes[self.rng.choice(len(shapes), p=chances)]
        self.empty = bool(self.rng.random() < 0.1)  # arrays without elements are welcome
        self.point = self.numbers(shape)
        self.data: dict[str, Any] = {
            "y": self.numbers((n,)),
            "X": self.numbers((n, k)),
            "w": self.numbers((k,)),
            "c": 0.7,
        }
        if self.rng.random() < 0.3:
            self.data["Z"] = np.asfortranarray(self.numbers((n, k)))
        if self.empty:
            self.data["E"] = np.zeros(self.one([(0,), (n, 0), (0, k)]))
        if self.rng.random() < 0.3:
            kind = self.one([np.float32, np.int8, np.int64, np.uint16, np.bool_])
            self.data["T"] = (2 * self.numbers((n,))).astype(kind)
        for array in (self.point, *self.data.values()):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)  # what writes into an argument is not written here
        self.values: dict[str, Any] = {"x": self.point, **self.data}
        self.scope = {**NAMES, **calls.SCOPE, "reduce": reduce}
        self.known = self.values  # as random_rows calls them
        for _ in range(int(self.rng.integers(2, 9))):
            self.grow()
        self.finish()

    def numbers(self, shape: tuple[int, ...]) -> Any:
        """Numbers of the order of one, now and then on the corners of many functions."""
        a = self.rng.standard_normal(shape)
        if self.rng.random() < 0.08:
            a = np.where(self.rng.random(shape) < 0.3, self.rng.choice([0.0, 1.0, -1.0], shape), a)
        return np.asarray(a)

    # ---- choosing

    def one(self, among: Any) -> Any:
        return among[int(self.rng.integers(len(among)))]

    def array(self, fits: Callable[[Any], bool] = lambda a: True) -> str:  # noqa: ARG005
        """A name; what was made last is used most, so that programs are deep."""
        names = [n for n, a in self.values.items() if np.ndim(a) > 0 and fits(a)]
        late = [n for n in names if n.startswith("v")][-3:] + [n for n in names if n == "x"] * 2
        if late and self.rng.random() < 0.8:
            return str(self.one(late))
        if not names and fits(self.point):
            return "x"
        return str(self.one(names)) if names else str(self.one(["x", "y"]))

    def like(self, name: str) -> str:
        """A name of the same shape, or of one that broadcasts with it."""
        shape = np.shape(self.values[name])
        return self.array(lambda v: np.shape(v) in (shape, shape[-1:], (*shape[:-1], 1)))

    def number_name(self) -> str:
        """Something of no axes."""
        names = [n for n, a in self.values.items() if np.ndim(a) == 0]
        return str(self.one(names)) if self.rng.random() < 0.7 else f"np.ravel({self.array()})[0]"

    # ---- writing

    def grow(self) -> None:
        chances = np.array([c for c, _ in calls.KINDS])
        for _ in range(40):
            write = calls.KINDS[self.rng.choice(len(chances), p=chances / chances.sum())][1]
            before = len(self.lines)
            try:
                text = write(self)
                if text is None:
                    continue
                self.take(text)
                return
            except Exception:  # what does not fit is not written
                for line in self.lines[before:]:
                    self.values.pop(line.partition(" ")[0], None)
                del self.lines[before:]

    def evaluated(self, text: str) -> Any:
        with np.errstate(all="ignore"):
            return eval(text, self.scope, self.values)

    def take(self, text: str) -> None:
        """Write a line, if what it makes is numbers of the order of one."""
        value = self.evaluated(text)
        if isinstance(value, tuple | list):
            text, value = f"({text})[0]", value[0]
        if not isinstance(value, np.ndarray | np.number | np.bool_ | float | int):
            raise ValueError(text)
        a = np.asarray(value)
        if a.dtype.kind not in "biuf" or a.size > MOST or (a.size == 0 and not self.allows_empty()):
            raise ValueError(text)
        if a.dtype != np.float64:
            text = f"1.0 * ({text})"
            value = self.evaluated(text)
            a = np.asarray(value)
            if a.dtype != np.float64:  # of data alone, in single precision
                raise ValueError(text)
        if not np.isfinite(a).all():
            raise ValueError(text)
        size = float(np.abs(a).max()) if a.size else 0.0
        if size > LARGEST:
            text = f"np.sin({text})" if size < 10 * LARGEST else f"{5 / size:.1e} * ({text})"
            value = self.evaluated(text)
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
        self.values[name] = value

    def line(self, source: str) -> str:  # for the features of random_expressions
        self.take(source)
        return f"v{len(self.lines) - 1}"

    def allows_empty(self) -> bool:
        return self.empty

    def pick(self, want: Callable[[Any], bool] = lambda _: True, avoid: Any = ()) -> str:
        names = [n for n, a in self.values.items() if n not in avoid and np.size(a) and want(a)]
        late = [n for n in names if n.startswith("v") or n == "x"][-4:]
        return str(self.one(late or names or ["x"]))

    def finish(self) -> None:
        terms = ["np.sum(np.sin(x))"]
        used = "\n".join(line.split("=", 1)[1] for line in self.lines)
        terms += [
            self.one(TERMS).format(f"v{i}")
            for i in range(len(self.lines))
            if not re.search(rf"\bv{i}\b", used) or self.rng.random() < 0.2
        ]
        self.terms = terms

    # ---- what was written

    @property
    def source(self) -> str:
        lines = [*self.lines, "return " + " + ".join(self.terms)]
        return "def f(x):\n" + "\n".join("    " + line for line in lines)

    @property
    def function(self) -> Callable[[Any], Any]:
        return self.compiled(self.source)

    @property
    def oracle(self) -> Callable[[Any], Any]:
        """The function for numbers that compare by their real parts: `complex_steps.Probe`.

        NumPy makes plain arrays of lists of them, which must be turned back.
        """
        tree = _Lists().visit(ast.parse(self.source))
        for line in tree.body[0].body[:-1]:
            line.value = _call("as_probe", line.value)
        return self.compiled(ast.unparse(ast.fix_missing_locations(tree)))

    @property
    def vector_function(self) -> Callable[[Any], Any]:
        """The last line's array as the function's value."""
        lines = [*self.lines, "return " + (f"v{len(self.lines) - 1}" if self.lines else "x * 1.0")]
        return self.compiled("def f(x):\n" + "\n".join("    " + line for line in lines))

    def jittered(self, seed: int, least: float = 0.0) -> Callable[[Any], Any]:
        """The function with the value of each line moved by its last digit, up or down at random.

        Values below `least` are moved by the last digit of `least`; a zero changes its sign alone.
        """
        rng = np.random.default_rng(seed)

        def jitter(a: Any) -> Any:
            a = np.asarray(a)
            way = rng.choice([-1.0, 1.0], a.shape)
            by = 2.0**-52 * np.maximum(np.abs(a), least)
            moved = np.where(np.isfinite(a), a + way * by, a)
            return np.where(a == 0, np.copysign(0.0, way), moved)[()]

        tree = ast.parse(self.source)
        for line in tree.body[0].body[:-1]:
            line.value = _call("jitter", line.value)
        return self.compiled(ast.unparse(ast.fix_missing_locations(tree)), jitter=jitter)

    def compiled(self, source: str, **more: Any) -> Callable[[Any], Any]:
        names: dict[str, Any] = {
            **self.scope, **self.data, "as_probe": as_probe, "listed": listed, **more
        }  # fmt: skip
        exec(source, names)
        return names["f"]  # type: ignore[no-any-return]

    def __str__(self) -> str:
        kinds = [f"{k}: {getattr(v, 'dtype', '')}{np.shape(v)}" for k, v in self.data.items()]
        return f"# x: {self.point.shape}; {', '.join(kinds)}\n{self.source}"


def _call(name: str, argument: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def listed(items: list[Any]) -> Any:
    """A list as an array, where its entries have one shape."""
    return as_probe(np.array(items)) if len({np.shape(i) for i in items}) == 1 else items


class _Lists(ast.NodeTransformer):
    """Turns lists that functions are called with into arrays, where that means the same."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = ast.unparse(node.func).rpartition(".")[2]
        if name not in ("block", "select", "piecewise", "multi_dot", "ix_"):
            node.args = [
                _call("listed", a) if isinstance(a, ast.List) and not _constant(a) else a
                for a in node.args
            ]
        return node


def _constant(node: ast.AST) -> bool:
    return not any(isinstance(n, ast.Name) for n in ast.walk(node))


TERMS = ["np.sum({0} ** 2)", "np.sum({0} * np.cos({0}))", "np.sum(np.sin({0}))", "np.sum({0})",
         "np.mean(np.append({0}, 0.5))"]  # fmt: skip


def trial(seed: int) -> list[str]:
    """What is wrong with one program."""
    from .checks import faults

    program = Program(seed)
    found = faults(program, seed)
    return [f"{fault}\n{program}" for fault in itertools.islice(found, 4)]


def reduced(seed: int, finding: str) -> str:
    """The program with as few lines as show the same fault."""
    from .reduction import reduce_program

    return reduce_program(Program(seed), seed, finding.partition("\n")[0])
