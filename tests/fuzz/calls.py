# SPDX-License-Identifier: BSD-3-Clause
"""Calls of everything that can be traced, as templates of source.

Names come from the lists of thalweg itself: the registry of NumPy's functions, the core's
operations, the composed ufuncs, ufuncs' methods, methods of traced values, losses and activations.
What is new there is called in the general ways below, without a line here.
"""

from functools import partial
from typing import Any

import numpy as np
import random_expressions
import random_rows
from scipy import special

from thalweg import losses, nn
from thalweg._tracing import registry, tracer, ufuncs

from .special_calls import of_special_functions

Program = Any  # programs.Program, which imports this module


def _name(function: Any) -> str:
    return registry.name_of(function)


def _own(module: Any) -> list[str]:
    return [n for n in module.__all__ if callable(getattr(module, n))]


NOT_CALLED = {"np.empty_like", "np.result_type"}  # numbers that are anything; no numbers
FUNCTIONS = sorted({_name(f) for f in registry.FUNCTIONS} - NOT_CALLED)
UFUNCS = sorted(
    {
        f"{place}.{name}"
        for name in (*tracer.OPCODE, *ufuncs.COMPOSED, *ufuncs._OTHER_NAMES)
        for place, module in (("np", np), ("special", special))
        if isinstance(getattr(module, name, None), np.ufunc)
    }
)
UFUNC_METHODS = sorted(
    f"np.{name}.{how}"
    for only, how in ufuncs.METHODS
    for name in ([only] if only else ["add", "multiply", "power", "maximum", "arctan2"])
)
METHODS = sorted(
    m
    for m in dir(tracer.Tracer)
    if not m.startswith("_")
    and callable(getattr(np.ndarray, m, None))
    and m not in ("item", "tolist")
)
OWN = sorted([f"nn.{n}" for n in _own(nn)] + [f"losses.{n}" for n in _own(losses)])
SCOPE = {"np": np, "special": special, "nn": nn, "losses": losses}

# The general ways to call a function: {a}, {b} arrays (often of one shape), {k} an axis or a small
# number, {s} a shape, {c} a condition, {n} a number.
WAYS = [
    "{f}({a})",
    "{f}({a})",
    "{f}({a}, {b})",
    "{f}({a}, {b})",
    "{f}({a}, axis={k})",
    "{f}({a}, axis={k}, keepdims=True)",
    "{f}({a}, axis=({k}, {l}))",
    "{f}({a}, {l})",
    "{f}({a}, {n})",
    "{f}({a}, {l}, {l})",
    "{f}({a}, {l}, axis={k})",
    "{f}({a}, {b}, axis={k})",
    "{f}([{a}, {b}])",
    "{f}([{a}, {b}, 0.5 * {a}], axis={k})",
    "{f}({c}, {a}, {b})",
    "{f}({a}, {s})",
    "{f}({a}, {b}, {n})",
    "{f}({n}, {a})",
]

SPECIAL: dict[str, list[str]] = {
    "np.piecewise": [
        "np.piecewise({a}, [{c}], [lambda v: v * {n}, {n}])",
        "np.piecewise({a}, [{c}, {d}], [lambda v: v ** 2, np.sin, lambda v: {n} - v])",
    ],
    "np.select": ["np.select([{c}, {d}], [{a}, {b}], {n})", "np.select([{c}], [{a}])"],
    **of_special_functions(),
    "np.where": ["np.where({c}, {a}, {b})", "np.where({c} & ~{d}, {a}, {n})"],
    "np.nan_to_num": ["np.nan_to_num(np.where({c}, {a}, np.nan), nan={n})"],
    "np.interp": [
        "np.interp({a}, [-1.0, 0.05, 0.4, 2.0], [0.5, -1.0, 1.0, 0.3])",
        "np.interp({a}, [-1.0, 0.3], [0.5, 1.0], left={n}, right=-{n})",
        "{b} * np.interp({e}, [0.0, 1.0], [0.2, 1.0])",
    ],
    "np.bincount": [
        "np.bincount([0, 2, 1, 2], weights={v}[:4], minlength=5)",
        "np.bincount(np.arange({v}.size) % 3, weights={v})",
    ],
    "np.choose": [
        "np.choose([1, 0, 2], [{n}, np.sum({a}), np.mean({b})])",
        'np.choose({c} * 1, [{a}, {b}], mode="clip")',
    ],
    "np.searchsorted": ["{a} * np.searchsorted([-0.5, 0.05, 0.4, 0.4, 2.0], {a})"],
    "np.digitize": ["{a} * np.digitize({a}, [-0.5, 0.05, 0.4, 2.0])"],
    "np.quantile": ["np.quantile({a}, 0.3, axis={k})", "np.quantile({a}, [0.2, 0.9])"],
    "np.percentile": ["np.percentile({a}, 30, axis={k})"],
    "np.nanquantile": ["np.nanquantile(np.where({c}, {a}, np.nan), 0.4)"],
    "np.nanpercentile": ["np.nanpercentile(np.where({c}, {a}, np.nan), 70)"],
    "np.nanmedian": ["np.nanmedian(np.where({c}, {a}, np.nan))"],
    "np.partition": ["np.partition({v}, 0)[0]"],
    "np.linspace": ["np.linspace({a}, {b}, 4)", "np.linspace({n}, {a}, 3, endpoint=False)"],
    "np.logspace": ["np.logspace(0.1 * {a}, {n}, 3)"],
    "np.geomspace": ["np.geomspace(1 + {a} ** 2, 3.0, 4)"],
    "np.isclose": ["{a} * np.isclose({a}, {b}, atol=0.3)"],
    "np.allclose": ["{a} * np.allclose({a}, {b}, atol=2.0)"],
    "np.array_equal": ["{a} * np.array_equal({a}, {b})"],
    "np.polyval": ["np.polyval([0.3, -0.2, {n}], {a})", "np.polyval({v}[:4], {a})"],
    "np.convolve": [
        "np.convolve({v}, {w}[:5], {mode})",
        "np.convolve({v}, [0.5, {n}], {mode})",
        "np.convolve([0.5, {n}, 0.1], {v}, {mode})",
    ],
    "np.correlate": ["np.correlate({v}, {w}[:4], {mode})", "np.correlate({v}, [0.5, {n}])"],
    "np.trapezoid": [
        "np.trapezoid({a}, dx={n}, axis={k})",
        "np.trapezoid({a}, {b}, axis={k})",
        "np.trapezoid({v}, {a}, axis={k})",
        "np.trapezoid({a}, np.cumsum(1 + 0.1 * {a}, axis={k}), axis={k})",
    ],
    "np.cumsum": ["0.3 * np.cumsum({a}, axis={k})", "0.3 * np.cumsum({a})"],
    "np.cumprod": ["np.cumprod(1 + 0.05 * {a}, axis={k})", "np.cumprod(np.cos({a}))"],
    "np.prod": [
        "np.prod(1 + 0.05 * {a}, axis={k})",
        "np.prod(np.cos({a}), axis={k}, keepdims=True)",
    ],
    "np.multiply.reduce": ["np.multiply.reduce(1 + 0.05 * {a}, axis={k})"],
    "np.add.accumulate": ["0.3 * np.add.accumulate({a}, axis={k})", "np.add.accumulate({a})"],
    "np.multiply.accumulate": ["np.multiply.accumulate(np.cos({a}), axis={k})"],
    "np.diff": [
        "np.diff({a}, axis={k})",
        "np.diff({a}, 2, axis={k})",
        "np.diff({a}, prepend={n}, axis={k})",
        "np.diff({a}, append={a}, axis={k})",
    ],
    "np.average": [
        "np.average({a}, axis={k}, weights=1 + {b} ** 2)",
        "np.average({a}, weights=1 + np.cos({a}) ** 2)",
    ],
    "np.einsum": [
        "np.einsum('i,i->', {v}, {v})",
        "np.einsum('i,j->ij', {v}[:9], {w}[:5])",
        "np.einsum('ij,ij->i', {m}, {m})",
        "np.einsum('ij,kj->ik', {m}[:7], {m}[:3])",
        "np.einsum('ij->j', {m})",
        "np.einsum('ij,i->j', {m}, {m}[:, 0])",
        "np.einsum('...i,i', {a}, {a}.reshape(-1, {a}.shape[-1])[0])",
        "np.einsum('ij,jk,k->i', {m}, {m}.T[:, :4], {w}[:4])",
        "np.einsum('ii->i', np.outer({v}[:6], {w}[:6]))",
    ],
    "np.tensordot": ["np.tensordot({m}, {m}, axes=([0], [0]))", "np.tensordot({m}, {m}, 2)"],
    "np.matmul": ["np.matmul({m}.T, {m})", "np.matmul({m}, {m}[0])", "{v}[None] @ {v}"],
    "np.linalg.multi_dot": ["np.linalg.multi_dot([{m}.T, {m}, {m}[0]])"],
    "np.linalg.cholesky": [
        "np.linalg.cholesky(2.5 * np.eye({m}.shape[1]) + np.sin({m}).T @ np.sin({m}))",
        "np.linalg.cholesky(9 * np.eye(3) + np.sin(np.resize({v}, (2, 3, 3))))",
    ],
    "np.linalg.solve": [
        "np.linalg.solve(9 * np.eye(4) + np.cos(np.resize({v}, (4, 4))), np.resize({w}, (4, 2)))",
        "np.linalg.solve(4 * np.eye(3) + np.diag(np.resize(np.sin({v}), 3)), np.resize({w}, 3))",
    ],
    "np.linalg.inv": ["np.linalg.inv(7 * np.eye(3) + np.sin(np.resize({v}, (2, 3, 3))))"],
    "np.linalg.det": [
        "np.linalg.det(np.eye(2) + np.resize(np.sin({v}), (2, 2)))",
        "np.linalg.det(2 * np.eye(5) + 0.3 * np.sin(np.resize({v}, (5, 5))))",
    ],
    "np.linalg.slogdet": ["np.linalg.slogdet(7 * np.eye(4) + np.sin(np.resize({v}, (4, 4))))[1]"],
    "np.linalg.eigvalsh": [
        "np.linalg.eigvalsh(np.diag([1.0, 4.0, 8.0]) + 0.5 * np.sin(np.resize({v}, (3, 3))))"
    ],
    "np.linalg.qr": ["np.linalg.qr(np.vander([1.0, 2, 3, 4], 3) + 0.1 * np.sin({v}[0]))[1]"],
    "np.linalg.svdvals": [
        "np.linalg.svdvals(np.diag([9.0, 5, 2]) + np.resize(np.sin({v}), (3, 3)))"
    ],
    "np.linalg.pinv": ["np.linalg.pinv(np.eye(4, 3) * 3 + np.resize(np.sin({v}), (4, 3)))"],
    "np.linalg.lstsq": [
        "np.linalg.lstsq(np.eye(4, 3) * 4 + np.resize(np.sin({v}), (4, 3)), np.resize({w}, 4))[0]"
    ],
    "np.linalg.eigh": [
        "np.linalg.eigh(np.diag([1.0, 4, 8]) + 0.5 * np.resize(np.sin({v}), (3, 3)))[1] ** 2"
    ],
    "np.linalg.svd": ["np.linalg.svd(np.diag([9.0, 5]) + np.resize(np.sin({v}), (2, 2)))[0] ** 2"],
    "np.linalg.cond": ["np.linalg.cond(np.diag([9.0, 5, 2]) + np.resize(np.sin({v}), (3, 3)))"],
    "np.linalg.matrix_power": [
        "np.linalg.matrix_power(np.resize(np.sin({v}), (3, 3)), 3)",
        "np.linalg.matrix_power(9 * np.eye(3) + np.resize(np.sin({v}), (3, 3)), -2)",
    ],
    "np.linalg.tensorinv": [
        "np.linalg.tensorinv((5 * np.eye(4) + np.resize(np.sin({v}), (4, 4))).reshape(4, 2, 2), 1)"
    ],
    "np.linalg.tensorsolve": [
        "np.linalg.tensorsolve(5 * np.eye(4) + np.resize(np.sin({v}), (4, 4)), np.resize({w}, 4))"
    ],
    "np.kron": ["np.kron({v}[:5], {w}[:4])", "np.kron({m}[:3], {m}[-2:])"],
    "np.cross": ["np.cross({v}[:3], {w}[-3:])", "np.cross({m}[:, :3], {w}[:3])"],
    "np.linalg.cross": ["np.linalg.cross({v}[:3], {w}[-3:])"],
    "np.linalg.norm": [
        "np.linalg.norm(1.5 + np.sin({a}), axis={k})",
        "np.linalg.norm(1.5 + {a} ** 2, {p}, axis={k})",
        "np.linalg.norm(1.5 + np.cos({m}), 'fro')",
        "np.linalg.norm(np.ravel({a}) + 0.3, {p})",
    ],
    "np.linalg.vector_norm": ["np.linalg.vector_norm(2 + np.sin({a}), axis={k}, ord={p})"],
    "np.linalg.matrix_norm": ["np.linalg.matrix_norm(2 + np.sin({m}))"],
    "np.block": ["np.block([[{m}, {m}], [{m} ** 2, -{m}]])", "np.block([{v}, {w}])"],
    "np.pad": [
        "np.pad({a}, 1)",
        "np.pad({a}, (2, 1), constant_values={n})",
        "np.pad({a}, 1, mode={pad})",
        "np.pad({v}, (0, 3), {pad})",
    ],
    "np.take": ["np.take({a}, [0, -1, 0], axis={k})", "np.take({v}, {i})"],
    "np.take_along_axis": ["np.take_along_axis({v}, np.array([0, -1, 0]), 0)"],
    "np.dsplit": ["np.dsplit(np.atleast_3d({a}), 1)"],
    "np.roll": ["np.roll({a}, {l}, axis={k})", "np.roll({a}, (1, 2), axis=(0, -1))"],
    "np.repeat": ["np.repeat({a}, 2, axis={k})", "np.repeat({v}[:3], [1, 0, 3])"],
    "np.tile": ["np.tile({a}, 2)", "np.tile({v}[:5], (2, 3))"],
    "np.broadcast_to": ["np.broadcast_to({a}, (2, *{a}.shape))"],
    "np.reshape": ["np.reshape({a}, (-1, {a}.shape[0]))", "np.reshape({a}, (1, -1), order='F')"],
    "np.split": ["np.split({v}, [1, 3])[1]", "np.split({a}, [1], axis={k})[-1]"],
    "np.array_split": ["np.array_split({a}, 3)[1]", "np.array_split({a}, 2, axis={k})[-1]"],
    "np.clip": ["np.clip({a}, -0.5, {n})", "np.clip({a}, {b} - 1, {b} + 0.3)", "{a}.clip(max={n})"],
    "np.moveaxis": ["np.moveaxis({a}, 0, -1)", "np.moveaxis({a}, {k}, {l})"],
    "np.round": ["np.round({a}, 1) * {b}"],
    "np.any": [
        "np.any({c}, axis={k}) * {n}",
        "np.where(np.any({c}, axis={k}, keepdims=True), {a}, {b})",
    ],
    "np.all": ["np.where(np.all({c}, axis={k}, keepdims=True), {a}, {b})"],
    "np.nansum": ["np.nansum(np.where({c}, {a}, np.nan), axis={k})"],
    "np.nanmean": ["np.nanmean(np.where({c}, {a}, np.nan))"],
    **{
        f"np.{n}.outer": [f"np.{n}.outer({{v}}[:9], {{w}}[:5])"]
        for n in ("add", "multiply", "power", "maximum", "arctan2")
    },
    "np.logaddexp.reduce": ["np.logaddexp.reduce({a}, axis={k})"],
    "np.sinc": ["np.sinc({a})", "np.sinc({a} - {a}[..., :1])"],
}

# Ways in which several lines, or Python itself, make an array.
OTHERS = [
    "reduce(lambda s, _: np.tanh({n} * s + {b}), range({r}), {a})",
    "reduce(lambda s, i: s + 0.01 * s * {v}[i % 3], range({r}), {a})",
    "reduce(lambda s, i: np.where(s > {n}, s * 0.5, s + {v}[i % 2]), range({r}), {a})",
    "np.stack([{v}[i] * {n} + i for i in range(min({r}, len({v})))])",
    "np.array([{v}[0], {v}[-1] ** 2, {n}])",
    "np.array([{v}[i] for i in range(min(5, len({v})))])",
    "sum({v}[i] ** 2 * {v}[i - 1] for i in range(min({r}, len({v}))))",
    "sum(r ** 2 for r in {m}[:6])",
    "{a} ** {q}",
    "np.power(1.5 + np.cos({a}), {b})",
    "(2 + np.cos({a})) ** {n}",
    "{a} % 0.7 + {b} // 0.5",
    "divmod({a}, 0.6)[1]",
    "abs({a}) - np.sign({b}) * {a}",
    "np.where({c}, {a}, {b}) * (0.5 + {c})",
    "(0.3 + ({c} ^ {d})) * {a}",
    "np.where({a} > 0.2, np.log(np.where({a} > 0.2, {a}, 1.0)), {b})",
    "np.where({a} > 0.3, np.sqrt({a} - 0.3), np.exp({a}))",
    "{a}.T @ {a}",
    "{a} - {a}.mean(axis={k}, keepdims=True)",
    "{a} / (1 + np.linalg.norm({a}))",
    "np.exp({a} - {a}.max(axis={k}, keepdims=True))",
    "{v}[{i}] * {v}[{i}]",
    "{v}[{i}]",
    "{m}[{i2}]",
    "{m}[:, {i1}]",
    "{m}[{i2}, 0]",
    "{m}[np.ix_([0, -1], [0, 0])]",
    "{a}[..., None] * {w}[:4]",
    "{a}[..., -1]",
    "{a}[..., ::-1] + {a}",
    "{a}[1:] - {a}[:-1]",
    "{a}[:0]",
    "{a}[None, ..., None]",
    "{e}",
    "{e} * {a} + {e}",
]

# Forms that are computed by other operations, and what looks like them.
FORMS = [
    "np.log(1 + np.exp({n} * {a}))",
    "np.log1p(np.exp({a})) - np.log(np.exp({a}) + np.exp({b}))",
    "{b} / (1 + np.exp(-{n} * {a}))",
    "np.exp({a}) / (1 + np.exp({a})) ** 2",
    "np.exp({a}) / (np.exp({a}) + np.exp({b}))",
    "1 - 1 / (1 + np.exp({a}))",
    "np.log(1 - 1 / (1 + np.exp({a})))",
    "np.log(np.sum(np.exp({a}), axis={k}, keepdims=True))",
    "np.log(np.mean(np.exp({a} * {b})))",
    "np.exp({a}) / np.sum(np.exp({a}), axis={k}, keepdims=True)",
    "np.log(np.exp({v}) / np.exp({v}).sum())",
    "np.exp({v}[:1] - {n}) / np.sum(np.exp({v}))",
    "np.log(1 - np.exp(-1.3 - np.cos({a})))",
    "np.log(np.exp(1.3 + np.cos({a})) - 1) + np.log(np.cosh({b}))",
    "{b} / (np.exp(1.3 + np.cos({a})) - 1)",
    "(1.3 + np.cos({a})) / np.expm1(1.3 + np.cos({a}))",
    "(np.exp({a}) - 1) * {n}",
    "np.sqrt((0.3 + {a} ** 2) ** 2 + {b} ** 2)",
    "np.sin(1.3 + np.cos({a})) / (1.3 + np.cos({a}))",
    "np.where({c}, np.log(1 + np.exp({a})), 1 / (1 + np.exp({b})))",
    "np.log(np.sum(np.exp({a} - {a}.max(axis={k}, keepdims=True)), axis={k}))",
]

METHOD_WAYS = [
    "{f}()",
    "{f}()",
    "{f}(axis={k})",
    "{f}(axis={k}, keepdims=True)",
    "{f}({l})",
    "{f}({l}, axis={k})",
    "{f}({b})",
    "{f}({s})",
    "{f}(-0.5, {n})",
    "{f}([0, -1, 0])",
    "{f}(0, -1)",
    "{f}(float)",
]

# Functions whose other arguments mean something else to NumPy than an array.
ONLY_SPECIAL = {
    *("np.piecewise", "np.select", "np.linalg.norm", "np.linalg.vector_norm"),
    *("np.linalg.matrix_norm", "np.convolve", "np.correlate"),
    *(f"np.linalg.{n}" for n in ("cholesky", "solve", "inv", "det", "slogdet", "eigvalsh", "qr")),
    *(f"np.linalg.{n}" for n in ("svdvals", "pinv", "lstsq", "eigh", "svd", "cond")),
    *("np.linalg.matrix_power", "np.linalg.tensorinv", "np.linalg.tensorsolve"),
    # Of factors that are differences, slopes may be mostly rounding.
    *("np.prod", "np.cumprod", "np.multiply.reduce", "np.multiply.accumulate"),
    "np.add.accumulate",
}
# A transform of complex numbers, with a real result.
for _name in FUNCTIONS:
    if _name.startswith("np.fft."):
        _of = "0.3 * {v}.reshape(1, -1)" if _name[-1] in "2n" else "0.3 * {v}"
        SPECIAL[_name] = [
            f"np.abs({_name}({_of})) ** 2",
            f"np.real({_name}({_of})) - np.imag({_name}({_of}))",
        ]
        if not _name.startswith(("np.fft.rfft", "np.fft.ihfft")):
            SPECIAL[_name].append(f"np.real({_name}({_of} * (1 - 0.5j) + 1j * np.sin({{v}})))")
        ONLY_SPECIAL.add(_name)
ONLY_ALONE = {"np.real", "np.imag", "np.real_if_close", "np.fix"}


def general(p: Program, name: str) -> str:
    """A call of a function in one of the general ways, or in one of its own."""
    if name in ONLY_ALONE:
        return filled(p, f"{name}({{a}})")
    if name in SPECIAL and (name in ONLY_SPECIAL or p.rng.random() < 0.7):
        return filled(p, str(p.one(SPECIAL[name])))
    return filled(p, str(p.one(WAYS)).replace("{f}", name))


# By small numbers these jump so often that no difference tells their slope; or they have none for
# negative ones.
JUMPING = ("floor_divide", "remainder", "fmod", "divmod", "mod", "xlogy", "xlog1py")


def method(p: Program, name: str) -> str:
    """A method of an array."""
    way = "{f}()" if name.startswith("conj") else str(p.one(METHOD_WAYS))
    of = "(1 + 0.05 * {a})" if "prod" in name else "{a}"
    return filled(p, way.replace("{f}", f"{of}.{name}"))


def ufunc(p: Program, name: str) -> str:
    """A call of a ufunc."""
    if name in SPECIAL:
        return filled(p, str(p.one(SPECIAL[name])))
    place, _, own = name.partition(".")
    operands = ["{a}", "{b}", "{n}"][: getattr(SCOPE[place], own).nin]
    if own in JUMPING:
        operands[1] = "(1.3 + np.cos({b}))"
    elif own in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert"):
        operands = ["{c}", "{d}"][: len(operands)]
    elif len(operands) == 2 and p.rng.random() < 0.2:
        operands.reverse()
    return filled(p, f"{name}({', '.join(operands)})")


def filled(p: Program, template: str) -> str:
    """A template with arrays and numbers in its places.

    `np.einsum` of operands without elements reads and writes beside them (NumPy 2.4).
    """
    some = "einsum" in template

    def fits(v: Any, dims: int | None = None) -> bool:
        return dims in (None, np.ndim(v)) and not (some and np.size(v) == 0)

    a = p.array(fits)
    places: dict[str, str] = {"a": a}
    if "{b}" in template:
        places["b"] = p.like(a) if p.rng.random() < 0.6 else p.array()
    for place, dims in (("v", 1), ("w", 1), ("m", 2)):
        if "{" + place + "}" in template:
            places[place] = p.array(partial(fits, dims=dims))
    if "{e}" in template:
        places["e"] = p.number_name()
    for place in ("c", "d"):
        if "{" + place + "}" in template:
            left = p.like(a)
            places[place] = f"({left} {p.one(['>', '<', '>=', '<='])} {p.one(['0.15', '-0.2', a])})"
    n = (
        int(np.shape(p.values[places.get("v", a)])[0])
        if np.ndim(p.values[places.get("v", a)])
        else 1
    )
    places |= {
        "k": str(p.one([0, 0, -1, 1, "None", 2])),
        "l": str(p.one([0, 1, -1, 2, 3])),
        "n": str(p.number(0.1, 1.5)),
        "q": str(p.one([2, 3, 4, 0, 1, 5])),
        "r": str(p.one([1, 2, 3, 5, 9, 17])),
        "s": str(p.one(["(1, -1)", "(-1, 1)", "(-1,)", "-1", f"({n}, -1)"])),
        "p": str(p.one(["1", "2", "3", "np.inf", "-np.inf", "2.5", "None"])),
        "mode": str(p.one(["'full'", "'same'", "'valid'"])),
        "pad": str(p.one(["'edge'", "'reflect'", "'wrap'", "'symmetric'", "'constant'"])),
        "i": str(p.one(["[0, -1, 0]", "[True] * len({v})", f"np.arange({2 * n}) % {max(n, 1)}",
                        "np.arange(len({v}))[::2]", "[[0, 1], [1, 0]]"])),
        "i1": str(p.one(["[0, 0]", "[-1]", "-1", "None, 0"])),
        "i2": str(p.one(["[0, -1, 0]", "-1", "np.arange(len({m})) % 2 == 0", "::2"])),
    }  # fmt: skip
    for place in ("i", "i1", "i2", *(x for x in places if x not in ("i", "i1", "i2"))):
        template = template.replace("{" + place + "}", places[place])
    return template


# A kind of line, and how often it is written.
KINDS: list[tuple[float, Any]] = [
    (0.20, lambda p: general(p, str(p.one(FUNCTIONS)))),
    (0.12, lambda p: ufunc(p, str(p.one(UFUNCS)))),
    (0.03, lambda p: general(p, str(p.one(UFUNC_METHODS)))),
    (0.06, lambda p: method(p, str(p.one(METHODS)))),
    (0.05, lambda p: general(p, str(p.one(OWN)))),
    (0.18, lambda p: filled(p, str(p.one(OTHERS)))),
    (0.08, lambda p: filled(p, str(p.one(FORMS)))),
    (0.18, lambda p: p.one(random_rows.LINES)(p)),
    (0.12, lambda p: p.one(list(random_expressions.OPERATION_FEATURES.values()))(p)),
    (0.06, lambda p: p.one(list(random_expressions.FUNCTION_FEATURES.values()))(p)),
]
