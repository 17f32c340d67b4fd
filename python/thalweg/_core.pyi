"""The core of thalweg: expressions, tapes and descents in C++."""

from collections.abc import Callable, Sequence
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

def supported_isas() -> list[str]: ...
def active_isa() -> str: ...
def machine_code() -> bool: ...
def options() -> list[tuple[str, float | None, str, tuple[float, float, bool, bool]]]: ...
def operations() -> list[_Operation]: ...
def rules() -> list[dict[str, Any]]: ...
def solvers() -> list[dict[str, Any]]: ...

class Reduction:
    sum: Reduction
    max: Reduction
    min: Reduction
    prod: Reduction
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class Fault:
    none: Fault
    not_finite: Fault
    infinite: Fault
    outside_domain: Fault
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

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
    def reduce_folded(
        self, kind: Reduction, x: int, folded: Sequence[int], shape: Sequence[int]
    ) -> int: ...
    def scan_folded(self, a: int, b: int, folded: Sequence[int], reverse: bool) -> int: ...
    def lookup(
        self,
        x: int,
        breaks: Sequence[float],
        c0: Sequence[float],
        c1: Sequence[float],
        below: float,
    ) -> int: ...
    def loop(
        self,
        body: Graph,
        inputs: Sequence[tuple[int, tuple[int, ...], int]],
        carried: Sequence[int],
        given: Sequence[int],
        length: int,
        backward: bool,
        carries_at: int,
        operands: Sequence[int],
    ) -> int: ...
    def call(self, function: Any, jacobian: Any, x: int, shape: Sequence[int]) -> int: ...
    def cut(
        self, outputs: Sequence[int], inputs: Sequence[int]
    ) -> tuple[Graph, list[int], list[int]]: ...
    def input_numbers(self, node: int) -> list[int]: ...
    def routine(
        self, name: str, inputs: Sequence[int], sizes: Sequence[int], shape: Sequence[int]
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
    def faults(
        self, output: int, inputs: Sequence[ArrayLike], varying: Sequence[bool], k: int
    ) -> NDArray[np.int8]: ...
    def jacobian(self, residuals: int, x: int) -> int: ...
    def normal_equations(
        self, residuals: int, slopes: int, weights: int, x: int
    ) -> tuple[int, int]: ...
    def gradient(self, output: int, wrt: int) -> int: ...
    def stable(self, nodes: Sequence[int]) -> list[int]: ...

class Function:
    def __init__(self, graph: Graph, outputs: Sequence[int], inputs: int) -> None: ...
    def __call__(
        self, values: Sequence[ArrayLike], varying: Sequence[bool], k: int, threads: int = 1
    ) -> list[_Floats]: ...
    def print(self, varying: Sequence[bool]) -> str: ...

def reasons() -> list[str]: ...

class Stopping:
    limits: tuple[str, ...]
    def __init__(
        self,
        *,
        gtol: float = 0.0,
        xtol: float = 0.0,
        ftol: float = 0.0,
        max_iter: int = 1000,
        max_nfev: int = ...,
        max_time: float = 1e300,
        threads: int = 1,
        count_rises: bool = False,
    ) -> None: ...
    def replace(self, **changes: Any) -> Stopping: ...
    @property
    def gtol(self) -> float: ...
    @property
    def xtol(self) -> float: ...
    @property
    def ftol(self) -> float: ...
    @property
    def max_iter(self) -> int: ...
    @property
    def max_nfev(self) -> int: ...
    @property
    def max_time(self) -> float: ...
    @property
    def threads(self) -> int: ...
    @property
    def count_rises(self) -> bool: ...

class Starts:
    def __init__(
        self,
        x: ArrayLike,
        args: Sequence[ArrayLike] = ...,
        varying: Sequence[bool] = ...,
        memory: Sequence[ArrayLike | None] = ...,
    ) -> None: ...

class Hooks:
    def __init__(
        self,
        *,
        record: bool = False,
        callback: Callable[..., Any] | None = None,
        function: Callable[..., Any] | None = None,
        progress: Callable[[int], Any] | None = None,
    ) -> None: ...

class Objective:
    def __init__(self, graph: Graph, f: int, n: int, inputs: int = 1) -> None: ...
    @property
    def graph(self) -> Graph: ...

class Answer:
    def __init__(self, x: ArrayLike) -> None: ...
    @property
    def plain(self) -> bool: ...
    @property
    def x(self) -> _Floats: ...
    @property
    def last_x(self) -> _Floats: ...
    @property
    def fun(self) -> float: ...
    @property
    def last_fun(self) -> float: ...
    @property
    def jac(self) -> _Floats: ...
    @property
    def reason(self) -> int: ...
    @property
    def left(self) -> float: ...
    @property
    def right(self) -> float: ...
    @property
    def nit(self) -> int: ...
    @property
    def nfev(self) -> int: ...
    @property
    def nhev(self) -> int: ...
    @property
    def memory(self) -> list[_Floats]: ...
    @property
    def path(self) -> Any: ...
    def take_error(self) -> BaseException | None: ...

class Bound:
    def __call__(
        self,
        x: ArrayLike,
        args: Sequence[ArrayLike] = ...,
        memory: Sequence[ArrayLike | None] = ...,
        hooks: Hooks = ...,
    ) -> Answer: ...

class StepParts:
    def __init__(
        self,
        bounds: bool = False,
        gradient_norm: bool = False,
        change: bool = False,
        value: bool = False,
    ) -> None: ...

_Settings = Sequence[tuple[int, Callable[[int, list[int]], int] | None]]

class Stepper:
    @property
    def outputs(self) -> list[int]: ...
    def __init__(
        self, rule: str, objective: Objective, parts: StepParts, hyper: _Settings = ...
    ) -> None: ...
    def start(
        self,
        starts: Starts,
        hyper: Sequence[ArrayLike],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
    ) -> Dialogue: ...
    def run(
        self,
        starts: Starts,
        hyper: Sequence[ArrayLike],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
        hooks: Hooks = ...,
        remember: bool = False,
    ) -> dict[str, Any]: ...
    def bound(
        self,
        hyper: Sequence[ArrayLike],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
        gradient: Function | None = None,
    ) -> Bound: ...

class Dialogue:
    @property
    def needs(self) -> str: ...
    def ask(
        self,
    ) -> tuple[_Floats, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_], Any] | None: ...
    def tell(self, f: ArrayLike, g: ArrayLike | None, h: ArrayLike | None) -> None: ...
    def endings(self) -> dict[str, Any]: ...

class Minimizer:
    def __init__(
        self, solver: str, objective: Objective, derivatives: Sequence[int] = ...
    ) -> None: ...
    def start(
        self,
        starts: Starts,
        hyper: Sequence[float],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
    ) -> Dialogue: ...
    def run(
        self,
        starts: Starts,
        hyper: Sequence[float],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
        hooks: Hooks = ...,
        scale: ArrayLike | None = None,
    ) -> dict[str, Any]: ...
    def bound(
        self,
        hyper: Sequence[float],
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
        gradient: Function | None = None,
    ) -> Bound: ...

class Fit:
    def __init__(self, graph: Graph, residuals: int, x: int, inputs: int) -> None: ...
    def run(
        self,
        starts: Starts,
        bounds: Sequence[ArrayLike],
        stopping: Stopping,
        scale: ArrayLike | None,
        data: int,
        factor: float = 1.0,
    ) -> tuple[
        _Floats, _Floats, int, float, NDArray[np.bool_], float, int, float, float, int, int
    ]: ...

def covariance(
    columns: ArrayLike, held: ArrayLike | None = None, cost: float = 0.0, data: int = 0
) -> tuple[_Floats, int, float, NDArray[np.bool_]]: ...
def covariances(
    columns: ArrayLike, held: ArrayLike | None, costs: ArrayLike, data: NDArray[np.int64]
) -> tuple[_Floats, _Floats, NDArray[np.bool_]]: ...
def refine(
    x: ArrayLike,
    bounds: Sequence[ArrayLike],
    budget: int,
    at: Callable[[_Floats], tuple[float, ArrayLike, ArrayLike]],
) -> tuple[_Floats, float, bool, float, float, int, int]: ...
def refine_many(
    x: ArrayLike,
    bounds: Sequence[ArrayLike],
    budgets: NDArray[np.int64],
    at: Callable[[NDArray[np.int64], _Floats], tuple[ArrayLike, ArrayLike, ArrayLike]],
) -> tuple[
    _Floats, _Floats, NDArray[np.bool_], _Floats, _Floats, NDArray[np.int64], NDArray[np.int64]
]: ...

class OnRows:
    def __init__(
        self, graph: Graph, outputs: Sequence[int], inputs: int, columns: int, rows: int
    ) -> None: ...
    @staticmethod
    def step(
        rule: str,
        objective: Objective,
        parts: StepParts,
        hyper: _Settings,
        columns: int,
        rows: int,
    ) -> OnRows: ...

class OnBatches:
    def __init__(
        self,
        full: OnRows,
        rest: OnRows | None,
        data: Sequence[NDArray[Any]],
        rows: NDArray[np.int64] | None,
        args: Sequence[ArrayLike],
    ) -> None: ...
    def mean(self, x: ArrayLike, threads: int) -> tuple[_Floats, NDArray[np.int64]]: ...

class Plan:
    def __init__(self, seed: int, epochs: int, patience: int, shuffled: bool) -> None: ...

def train(
    over: OnBatches,
    hyper: Sequence[ArrayLike],
    bounds: Sequence[ArrayLike],
    standing: dict[str, Any],
    held_out: OnBatches | None,
    plan: Plan,
    stopping: Stopping,
    callback: Callable[[int, _Floats, float, float, float], bool] | None,
) -> dict[str, Any]: ...
def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]: ...
