# SPDX-License-Identifier: BSD-3-Clause
"""Random objectives over long arrays, as NumPy source.

A program starts from x, data of several lengths and orders, and a few numbers. Each line makes one
more array from those before by an operation whose shapes fit; values are brought back to the order
of one, so that programs of any length stay finite. The result depends on every line.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

MOST = 40_000  # elements of an array
LARGEST = 10.0  # beyond this a line is brought back: sines of large numbers are mostly rounding


class Program:
    """One function of x as source, with its data and a point."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([77, seed])
        self.lines: list[str] = []
        self.n = int(self.rng.choice([255, 256, 257, 300, 319, 320, 321, 512, 700, 4097]))
        self.k = int(self.rng.choice([1, 2, 3, 4, 5, 8, 9, 13]))
        kind = self.rng.choice(
            ["vector", "matrix", "few", "cube", "wide"], p=[0.3, 0.25, 0.3, 0.1, 0.05]
        )
        shape = {
            "vector": (self.n,),
            "matrix": (self.n, self.k),
            "few": (self.k,),
            "cube": (min(self.n, 321), 2, 3),
            "wide": (3, self.n),
        }[kind]
        self.x = self.rng.standard_normal(shape)
        self.data = {
            "y": self.rng.standard_normal(self.n),
            "X": self.rng.standard_normal((self.n, self.k)),
            "Z": np.asfortranarray(self.rng.standard_normal((self.n, self.k))),
            "w": self.rng.standard_normal(self.k),
            "c": 0.7,
        }
        self.known: dict[str, Any] = {"x": self.x, **self.data}
        self.live = ["x"]
        for _ in range(int(self.rng.integers(3, 14))):
            self.grow()
        self.finish()

    # ---- writing

    def one(self, among: Any) -> Any:
        return among[int(self.rng.integers(len(among)))]

    def array(self, fits: Callable[[Any], bool] = lambda a: True) -> str:  # noqa: ARG005
        names = [n for n, a in self.known.items() if fits(a) and np.ndim(a) > 0]
        # What was made last is used most, so that programs are deep.
        late = [n for n in names if n.startswith("v")][-3:] + [n for n in names if n == "x"]
        if late and self.rng.random() < 0.75:
            return str(self.one(late))
        return str(self.one(names)) if names else "x"

    def grow(self) -> None:
        for _ in range(30):
            write = self.one(LINES)
            text = write(self)
            if text is None:
                continue
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, {"np": np}, self.known)
            except (ValueError, IndexError, TypeError):  # shapes that do not fit
                continue
            if np.size(value) > MOST or np.size(value) == 0 or not np.isfinite(value).all():
                continue
            size = float(np.abs(value).max())
            if size > LARGEST:
                text = f"np.sin({text})" if size < 10 * LARGEST else f"{5 / size:.1e} * ({text})"
                with np.errstate(all="ignore"):
                    value = eval(text, {"np": np}, self.known)
            name = f"v{len(self.lines)}"
            self.lines.append(f"{name} = {text}")
            self.known[name] = value
            return

    def finish(self) -> None:
        terms = ["np.sum(np.sin(x))"]
        used = "\n".join(line.split("=", 1)[1] for line in self.lines)
        for i in range(len(self.lines)):
            if f"v{i} " not in used + " " or self.rng.random() < 0.2:
                how = self.one(
                    [
                        "np.sum({0} ** 2)",
                        "np.sum({0} * np.cos({0}))",
                        "np.mean({0})",
                        "np.sum(np.sin({0}))",
                    ]
                )
                terms.append(how.format(f"v{i}"))
        self.lines.append("return " + " + ".join(terms))

    @property
    def source(self) -> str:
        return "def f(x):\n" + "\n".join("    " + line for line in self.lines)

    @property
    def function(self) -> Callable[[Any], Any]:
        names: dict[str, Any] = {"np": np, **self.data}
        exec(self.source, names)
        return names["f"]  # type: ignore[no-any-return]


def of(*texts: str, dims: int | None = None) -> Callable[[Program], str | None]:
    def write(p: Program) -> str | None:
        a = p.array(lambda a: dims is None or np.ndim(a) == dims)
        b = p.array()
        return str(p.one(texts)).format(a, b)

    return write


def pair(*texts: str) -> Callable[[Program], str | None]:
    """Of two arrays whose shapes broadcast."""

    def write(p: Program) -> str | None:
        a = p.array()
        shape = np.shape(p.known[a])

        def fits(b: Any) -> bool:
            try:
                return np.size(np.broadcast_shapes(shape, np.shape(b))) >= 0
            except ValueError:
                return False

        b = p.array(fits)
        return str(p.one(texts)).format(a, b)

    return write


def slices(p: Program) -> str:
    a = p.array()
    parts = []
    for n in np.shape(p.known[a]):
        if n < 3:
            parts.append(p.one([":", ":", "::-1"]))
        else:
            parts.append(
                p.one(
                    [
                        ":",
                        ":",
                        ":",
                        "1:",
                        ":-1",
                        "1:-1",
                        "::2",
                        "1::2",
                        "::-1",
                        "::-3",
                        f"{n // 2}:",
                        f":{n // 2}",
                        "2:",
                        ":-2",
                        "-2::-1",
                    ]
                )
            )
    return f"{a}[{', '.join(parts)}]"


def element(p: Program) -> str:
    a = p.array()
    shape = np.shape(p.known[a])
    parts: list[str] = [str(p.one([0, -1, n // 2])) for n in shape]
    keep = int(p.rng.integers(len(shape) + 1))
    if keep < len(shape):
        parts[keep] = p.one([":", "None, :"]) if len(shape) > 1 else parts[keep]
    return f"{a}[{', '.join(parts)}] * {p.array()}"


def gather(p: Program) -> str:
    a = p.array()
    n = np.shape(p.known[a])[0]
    m = int(p.one([3, 7, 256, 300, n]))
    step = int(p.one([1, 3, 7, 0]))
    return p.one([f"{a}[np.arange({m}) * {step} % {n}]", f"{a}[np.arange({n}) % 3 != 1]"])


def reduction(p: Program) -> str:
    a = p.array()
    d = np.ndim(p.known[a])
    axis = p.one([*range(-d, d), "None"])
    keep = bool(p.rng.random() < 0.5)
    f = p.one(["sum", "mean", "max", "min", "var", "std", "prod", "linalg.norm"])
    inner = {"prod": f"(1 + 0.01 * {a})", "linalg.norm": f"(1.5 + np.sin({a}))"}.get(f, a)
    if f == "linalg.norm" and axis == "None":
        return f"np.linalg.norm(np.ravel({inner})) * np.ones(3)"
    text = f"np.{f}({inner}, axis={axis}, keepdims={keep})"
    return p.one([text, f"{text} * {a}" if keep else text])


def running(p: Program) -> str:
    a = p.array()
    axis = int(p.rng.integers(np.ndim(p.known[a])))
    return p.one(
        [
            f"0.1 * np.cumsum({a}, axis={axis})",
            f"np.cumprod(1 + 0.01 * {a}, axis={axis})",
            f"np.diff({a}, axis={axis})",
            f"np.roll({a}, {p.one([1, -2, 5])}, axis={axis})",
            f"np.flip({a}, axis={axis})",
        ]
    )


def product(p: Program) -> str | None:
    a = p.array(lambda a: np.ndim(a) in (1, 2))
    s = np.shape(p.known[a])
    ways = []
    for b, v in p.known.items():
        t = np.shape(v)
        for (x, sx), (y, sy) in itertools.product(
            ((a, s), (f"{a}.T", s[::-1])), ((b, t), (f"{b}.T", t[::-1]))
        ):
            if sx and sy and len(sy) < 3 and sx[-1] == sy[-2 if len(sy) > 1 else 0]:
                out = (*sx[:-1], *sy[:-2], *sy[-1:]) if len(sy) > 1 else sx[:-1]
                if int(np.prod(out)) <= 2000 or (len(out) == 2 and min(out) <= 13):
                    ways.append((x, y))
    if not ways:
        return None
    x, y = p.one(ways)
    return f"({x} @ {y}) / {float(np.sqrt(s[-1] + s[0])):.3f}"


def weights(p: Program) -> str:
    # A matrix of weights from what there is.
    a = p.array()
    k = p.k
    m = int(p.one([1, 2, 3, 5]))
    more = p.one(["", ".T", f" + np.ravel({a})[:{m}]"])
    return f"np.tanh(X @ np.reshape(np.ravel({a})[:{k * m}], ({k}, {m}))){more}"


def joined(p: Program) -> str:
    a = p.array()
    s = np.shape(p.known[a])
    b = p.array(lambda b: np.ndim(b) == len(s))
    axis = int(p.rng.integers(len(s)))
    return p.one(
        [
            f"np.concatenate([{a}, {b}], axis={axis})",
            f"np.concatenate([{a}, np.sin({a})], axis={axis})",
            f"np.stack([{a}, {a} ** 2], axis={p.one([0, 1, -1])})",
            f"np.concatenate([np.zeros({(*s[:axis], 2, *s[axis + 1 :])}), {a}], axis={axis})",
            f"np.stack([{a}, {b}], axis={p.one([0, 1, -1])})",
        ]
    )


def shaped(p: Program) -> str:
    a = p.array()
    s = np.shape(p.known[a])
    n = int(np.prod(s))
    by = [m for m in (2, 3, 4, 8, p.k, p.n) if n % m == 0]
    m = int(p.one(by)) if by else 1
    return p.one(
        [
            f"{a}.T",
            f"np.ravel({a})",
            f"np.reshape({a}, ({m}, -1))",
            f"np.reshape({a}, (-1, {m}))",
            f"{a}[..., None]",
            f"{a}[None]",
            f"np.swapaxes({a}, 0, -1)",
            f"np.broadcast_to({a}, (3, *{s}))[1:]",
            f"np.repeat({a}, 2)",
            f"np.tile({a}, 2)",
        ]
    )


def outer(p: Program) -> str:
    a, b = p.array(lambda a: np.ndim(a) == 1), p.array(lambda a: np.ndim(a) == 1)
    return p.one(
        [
            f"{a}[:, None] - {b}[None, :]",
            f"np.outer({a}, {b}[:3])",
            f"np.outer({b}[:2], {a})",
            f"{a}[:, None] * {b}[:4]",
        ]
    )


LINES: list[Callable[[Program], str | None]] = [
    of(
        "np.sin({0})",
        "np.tanh({0})",
        "np.exp(-({0}) ** 2)",
        "0.5 * {0} + 1",
        "{0} ** 2",
        "-{0}",
        "np.sqrt(1 + {0} ** 2)",
        "np.log(1.5 + np.cos({0}))",
        "1 / (2 + np.cos({0}))",
        "np.arctan({0})",
    ),
    of(
        "np.abs({0} + 0.3)",
        "np.where({0} > 0.1, {0}, np.exp({0}))",
        "np.maximum({0}, 0.2)",
        "np.clip({0}, -0.5, 0.8)",
        "np.where({0} > 0.3, np.log({0} - 0.2), {0})",
        "np.logaddexp({0}, 0.1)",
    ),
    pair(
        "{0} * {1}",
        "{0} + {1}",
        "{0} - {1}",
        "{0} / (2 + np.cos({1}))",
        "np.hypot({0}, 1 + {1} ** 2)",
        "np.where({0} > {1} + 0.01, {0}, np.sin({1}))",
        "np.maximum({0}, {1} + 0.01)",
    ),
    pair("{0} * {1}", "{0} + {1}", "{0} * np.mean({1})", "({0} - np.max({1})) / 3"),
    slices,
    slices,
    element,
    gather,
    reduction,
    reduction,
    running,
    product,
    product,
    weights,
    joined,
    shaped,
    shaped,
    outer,
    of(
        "np.convolve({0}, [0.5, -0.2, 0.3], 'same')",
        "np.convolve({0}, {0}[:3])",
        "np.interp({0}, [-1.0, 0.05, 2.0], [0.5, -1.0, 1.0])",
        "{0}[1:] * {0}[:-1]",
        "{0}[2:] - 2 * {0}[1:-1] + {0}[:-2]",
        dims=1,
    ),
    of(
        "np.trapezoid({0}) * 0.01 * {0}[:5]",
        "np.dot({0}, {0}) / 100 * {0}",
        "np.exp({0} - np.max({0})) / np.sum(np.exp({0} - np.max({0})))",
        dims=1,
    ),
]
