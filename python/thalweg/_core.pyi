"""The core of thalweg: expressions, tapes and descents in C++."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Floats = NDArray[np.float64]
_Domain = tuple[float, float, bool, bool]

class _Operation(TypedDict):
    name: str
    arity: int
    boolean: bool
    domain: list[_Domain]

class _Method(TypedDict):
    name: str
    class_name: str
    summary: str
    source: str
    hyper: list[tuple[str, float | None, str, _Domain]]
    memory: list[tuple[str, float, bool]]

class _Endings(TypedDict):
    x: _Floats
    last_x: _Floats
    fun: _Floats
    last_fun: _Floats
    nit: NDArray[np.int64]
    reason: NDArray[np.int8]
    left: _Floats
    right: _Floats
    memory: list[_Floats]
    path: Any
    error: Any

def supported_isas() -> list[str]: ...
def active_isa() -> str: ...
def operations() -> list[_Operation]: ...
def methods() -> list[_Method]: ...

class Reduction(Enum):
    sum = ...
    max = ...
    min = ...
    prod = ...

class Graph:
    def __init__(self) -> None: ...
    def __len__(self) -> int: ...
    def input(self, number: int, shape: Sequence[int]) -> int: ...
    def constant(self, value: float) -> int: ...
    def data(self, array: ArrayLike) -> int: ...
    def shape(self, node: int) -> tuple[int, ...]: ...
    def is_boolean(self, node: int) -> bool: ...
    def constant_value(self, node: int) -> float | None: ...
    def elementwise(self, code: int, a: int, b: int = -1, c: int = -1) -> int: ...
    def reduce(
        self, kind: Reduction, x: int, axes: Sequence[int], keepdims: bool = False
    ) -> int: ...
    def matmul(
        self, a: int, b: int, transpose_a: bool = False, transpose_b: bool = False
    ) -> int: ...
    def view(self, x: int, shape: Sequence[int], offset: int, strides: Sequence[int]) -> int: ...
    def gather(self, x: int, shape: Sequence[int], table: Sequence[int]) -> int: ...
    def describe(self, node: int) -> tuple[str, Any, list[int], tuple[int, ...], Any]: ...
    def assemble(
        self, shape: Sequence[int], parts: Sequence[int], at: Sequence[tuple[int, Sequence[int]]]
    ) -> int: ...
    def scan(self, a: int, b: int, axis: int, reverse: bool = False) -> int: ...
    def lookup(
        self,
        x: int,
        breaks: Sequence[float],
        c0: Sequence[float],
        c1: Sequence[float],
        below: float,
    ) -> int: ...
    def reshape(self, x: int, shape: Sequence[int]) -> int: ...
    def transpose(self, x: int, axes: Sequence[int]) -> int: ...
    def broadcast_to(self, x: int, shape: Sequence[int]) -> int: ...
    def vjp(
        self, outputs: Sequence[int], seeds: Sequence[int], wrt: Sequence[int]
    ) -> list[int]: ...
    def jvp(
        self, outputs: Sequence[int], wrt: Sequence[int], tangents: Sequence[int]
    ) -> list[int]: ...
    def diagnose(
        self, output: int, inputs: Sequence[ArrayLike]
    ) -> tuple[str, list[float], float, bool] | None: ...
    def gradient(self, output: int, wrt: int) -> int: ...

class Function:
    def __init__(self, graph: Graph, outputs: Sequence[int], inputs: int) -> None: ...
    def __call__(
        self, values: Sequence[ArrayLike], varying: Sequence[bool], k: int
    ) -> list[_Floats]: ...
    def print(self, varying: Sequence[bool]) -> str: ...

class Stepper:
    def __init__(
        self,
        method: str,
        graph: Graph,
        f: int,
        n: int,
        inputs: int,
        bounds: bool,
        gradient_norm: bool,
        change: bool,
        value: bool,
    ) -> None: ...
    def run(
        self,
        x0: ArrayLike,
        args: Sequence[ArrayLike | None],
        varying: Sequence[bool],
        hyper: Sequence[ArrayLike],
        bounds: Sequence[ArrayLike],
        memory: Sequence[ArrayLike | None],
        gtol: float,
        xtol: float,
        ftol: float,
        max_iter: int,
        max_nfev: int,
        max_time: float,
        record: bool,
        callback: Callable[..., Any] | None,
        function: Callable[..., Any] | None,
    ) -> _Endings: ...
