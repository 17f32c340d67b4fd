# SPDX-License-Identifier: BSD-3-Clause
"""Train on minibatches in the core, for `minimize(data=...)`, and build the `Result`.

C++ shuffles and gathers the rows and makes the steps; batches.py reads the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg import _core
from thalweg._descents.arguments import Arguments
from thalweg._descents.batches import Batches, Losses, Rows
from thalweg._descents.callbacks import step_listener
from thalweg._descents.interrupts import Parts, carried
from thalweg._descents.progress import Progress
from thalweg._descents.state import State, continued
from thalweg._objectives.bounds import active_mask, read_bounds
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, one_start
from thalweg._objectives.programs import checked_threads
from thalweg._results.messages import blame
from thalweg._results.reasons import STATUS_MINIMIZE, SUCCESS, Reason
from thalweg._results.result import LastPoint, Path, Result

__all__ = ["TrainingState", "train"]


@dataclass(frozen=True, slots=True)
class TrainingState(State):
    """The state of a training. `state=` continues from it, bit for bit. It holds no data.

    Attributes
    ----------
    seed : int
        Seed for shuffling and for choosing the held-out rows.
    epoch : int
        The number of epochs finished so far.
    batch, sum : int, float
        If an epoch was interrupted, the number of its batches done and their part of its mean
        loss.
    loss : float
        The mean loss of the last epoch finished.
    average, best : ndarray
        The average of the iterates, and the point with the lowest held-out loss; empty if there is
        none.
    best_loss, best_epoch : float, int
        The lowest held-out loss, and the number of epochs after which it was reached.
    """

    seed: int
    epoch: int
    batch: int
    sum: float
    loss: float
    average: FloatArray
    best: FloatArray
    best_loss: float
    best_epoch: int


def train(given: Arguments, data: Any, dealt: tuple[Any, ...]) -> Result:
    """Run `minimize` on minibatches of `data`; `dealt` says how its rows are dealt out."""
    batches = Batches(data, *dealt)
    _check(given)
    state, threads = given.state, given.threads
    seed = 0 if batches.seed is None else batches.seed
    if state is not None:
        if not isinstance(state, TrainingState):
            raise TypeError(
                "state must come from a training on minibatches, got "
                + ("a descent's" if isinstance(state, State) else type(state).__name__)
            )
        if batches.seed not in (None, seed := state.seed):
            raise ValueError(f"seed must equal the state's seed, {seed}, got {batches.seed}")
        if batches.average and not state.average.size:
            raise ValueError("average=True must be set from the start of the training")
    rows, held_out = batches.apart(seed)
    losses = Losses(given.fun, given.x0, batches.data, given.args, given.unpack)
    structure = losses.of(min(batches.batch_size, rows.count)).structure
    start = one_start(given.x0, structure)
    memory: list[Any] = []
    if state is not None:
        start, memory = continued(state, given.method, start)
    box = read_bounds(given.bounds, structure, start[0])
    stops = given.stops | {"threads": 1 if threads is None else checked_threads(threads)}
    run = _Training(given, losses, rows, held_out, batches, stops, box)
    standing = run.begin(start[0], [m[0] for m in memory], state)
    return run.train(standing, seed, given.progress, given.began)


def _check(given: Arguments) -> None:
    """Refuse arguments of `minimize` that a training does not offer."""
    if isinstance(given.fun, Objective):
        raise TypeError("with data= the loss is traced on batches: pass the function itself")
    if not given.trace or given.jac is not None:
        raise TypeError("trace=False and jac= are not offered with data=: the loss is traced")
    for name, value in given.stops.items():
        if name in ("max_iter", "max_nfev"):
            raise TypeError(f"{name} is not offered with data=: epochs= limits the training")
        if name != "max_time" and value > 0:
            raise TypeError(
                f"{name} is not offered with data=, because the value and gradient of a batch are "
                "not those of all rows; holdout= with patience= stops early"
            )


class _Training:
    """Runs one training in the core and builds its `Result`."""

    def __init__(
        self,
        given: Arguments,
        losses: Losses,
        rows: Rows,
        held_out: Rows | None,
        batches: Batches,
        stops: dict[str, Any],
        box: list[FloatArray],
    ) -> None:
        self.losses, self.rows, self.held_out, self.batches = losses, rows, held_out, batches
        self.size = min(batches.batch_size, rows.count)
        self.objective = losses.of(self.size)
        self.method, self.stops, self.box = given.method, stops, box
        self.record, self.callback = given.record, given.callback
        # Point, mean loss, gradient norm and held-out loss at the start and after each epoch.
        self.history: list[tuple[FloatArray, float, float, float]] = []
        self._whole: _core.OnBatches | None = None

    def begin(
        self, x: FloatArray, memory: Sequence[FloatArray], state: TrainingState | None
    ) -> dict[str, Any]:
        """Return the core's `Standing` to begin from, as a dict of its fields."""
        none, average = np.empty(0), self.batches.average
        at: dict[str, Any] = {
            "x": x, "memory": list(memory), "average": np.zeros_like(x) if average else none,
            "best": none, "best_loss": np.inf, "best_epoch": 0, "epoch": 0, "batch": 0, "step": 0,
            "sum": 0.0, "loss": np.nan,
        }  # fmt: skip
        if state is not None:
            at |= {name: getattr(state, name) for name in at.keys() - {"x", "memory", "step"}}
            at["step"] = state.nit
            if not average:
                at["average"] = none
        return at

    def train(self, at: dict[str, Any], seed: int, progress: bool, began: float) -> Result:
        b, columns = self.batches, len(self.batches.data)
        tells = self.record or progress or self.callback is not None

        def step(rows: int) -> _core.OnRows:
            loss = self.losses.of(rows)
            return loss.step_on_rows(self.method, columns, rows, bool(self.box), tells)

        over = self.rows.over(self.size, step, self.losses, not b.drop_last)
        apart = None
        if self.held_out is not None:
            apart = self.held_out.over(
                self.size, lambda rows: self.losses.on(rows, False), self.losses
            )

        plan = _core.Plan(seed, b.epochs, b.patience, bool(b.shuffle))
        stopping = _core.Stopping(
            max_time=self.stops.get("max_time", 1e300), threads=self.stops["threads"]
        )

        def go(shown: Progress | None) -> dict[str, Any]:
            return _core.train(
                over, self.method.inputs(), self.box, at, apart, plan, stopping,
                self._tell(shown) if tells else None,
            )  # fmt: skip

        def run(parts: Parts) -> None:
            if progress:
                with Progress(True, total=at["epoch"] + b.epochs, unit="epoch") as shown:
                    parts.append((None, go(shown)))
            else:
                parts.append((None, go(None)))

        means: list[tuple[float, FloatArray, npt.NDArray[np.int64]]] = []

        def tell(parts: Parts, seconds: float) -> Result:
            out = parts[0][1]
            for point in self._points(out, at):
                means.append(self._mean(point))  # noqa: PERF401  (an interrupt keeps the first)
            return self._result(out, at, means, False, seed, seconds)

        def partly(parts: Parts, seconds: float) -> Result:
            out = parts[0][1] if parts else _not_begun(at)
            return self._result(out, at, means, True, seed, seconds)

        def holds(parts: Parts) -> str:
            epochs = parts[0][1]["standing"]["epoch"] - at["epoch"] if parts else 0
            return f"the point after {epochs} epochs"

        return carried(began, run, tell, holds, partly)

    def _tell(self, shown: Progress | None) -> Callable[..., bool]:
        """Return the function that the core calls at the start and after each epoch.

        It ends the training by returning True.
        """
        listen = step_listener(self.callback, self.objective.structure, shown)

        def tell(epoch: int, x: FloatArray, loss: float, norm: float, held_out: float) -> bool:
            first = not self.history
            self.history.append((x if self.record else x[:0], loss, norm, held_out))
            return False if first or listen is None else listen(epoch, x, loss, norm)

        return tell

    # ---- the loss over all rows

    def _points(self, out: dict[str, Any], at: dict[str, Any]) -> list[FloatArray]:
        """Return where it is needed: at the answer, the last point, and the start of a path."""
        points = [out["x"], out["standing"]["x"]]
        if points[0].tobytes() == points[1].tobytes():
            points.pop()
        return [*points, at["x"]] if self.record else points

    def _mean(self, x: FloatArray) -> tuple[float, FloatArray, npt.NDArray[np.int64]]:
        """Return value, gradient, and the rows of the first batch with a non-finite value."""
        if self._whole is None:
            self._whole = self.rows.over(
                self.size, lambda rows: self.losses.on(rows, True), self.losses
            )
        numbers, culprit = self._whole.mean(x, self.stops["threads"])
        return float(numbers[0]), numbers[1:], culprit

    # ---- the result

    def _result(
        self,
        out: dict[str, Any],
        before: dict[str, Any],
        means: list[tuple[float, FloatArray, npt.NDArray[np.int64]]],
        interrupted: bool,
        seed: int,
        seconds: float,
    ) -> Result:
        s, at = self.objective.structure, out["standing"]
        x, last = out["x"], at["x"]
        same = x.tobytes() == last.tobytes()
        unknown = (np.nan, np.full_like(x, np.nan), out["culprit"])
        so_far = (self._so_far(at), *unknown[1:])  # interrupted: no further pass over the data
        fun, jac, culprit = means[0] if means else so_far
        last_fun, last_jac, _ = (
            (fun, jac, culprit) if same else means[1] if len(means) > 1 else so_far
        )
        reason = Reason.interrupted if interrupted else Reason(out["reason"])
        nit, epochs = at["step"] - before["step"], at["epoch"] - before["epoch"]
        nfev = nit + (out["culprit"].size > 0)
        after = f"after {_count(epochs, 'epoch')} ({_count(nit, 'step')})"
        if reason == Reason.non_finite:
            reason, message = self._culprit(out["culprit"], last, after, nit)
        elif reason == Reason.max_iterations and not isfinite(fun) and culprit.size:
            reason, message = self._culprit(culprit, x, after, nit)
        else:
            message = self._sentence(reason, out, epochs, after)
        mask = None
        if self.box:
            mask = s.restore_int(active_mask(x, self.box))
        path = None
        if self.record:
            if not self.history:  # interrupted before the first report
                self.history.append((before["x"], np.nan, np.nan, np.nan))
            path = self._path(means[-1] if means else unknown)
        kept = {name: at[name] for name in at.keys() - {"memory", "step"}}
        return Result(
            x=s.restore(x[None, :]), fun=fun, jac=s.restore(jac[None, :]), nit=nit,
            nfev=nfev, njev=nfev, nhev=0,
            success=SUCCESS[reason], status=STATUS_MINIMIZE[reason], message=message, reason=reason,
            last=LastPoint(s.restore(last[None, :]), last_fun, s.restore(last_jac[None, :])),
            active_mask=mask, path=path, epochs=epochs,
            state=TrainingState(
                method=self.method.name, memory=tuple(at["memory"]), nit=at["step"], seed=seed,
                **kept,
            ),
            elapsed=seconds, _objective=_MeanLoss(self),
        )  # fmt: skip

    def _so_far(self, at: dict[str, Any]) -> float:
        """Return the mean loss over the batches of the unfinished epoch, else of the last epoch."""
        count, batch = self.rows.count, at["batch"]
        if not batch:
            return float(at["loss"])
        used = count - count % self.size if self.batches.drop_last else count
        return float(at["sum"] * used / min(batch * self.size, used))

    def _path(self, first: tuple[float, FloatArray, Any]) -> Path:
        points, losses, norms, held_out = (np.array(v) for v in zip(*self.history, strict=True))
        losses[0] = first[0]
        g, x = first[1], points[0]
        if self.box:
            g = x - np.clip(x - g, *self.box)
        norms[0] = np.max(np.abs(g))
        return Path(
            self.objective.structure.restore(points, (len(points),)), losses, norms,
            None if self.held_out is None else held_out,
        )  # fmt: skip

    def _sentence(self, reason: Reason, out: dict[str, Any], epochs: int, after: str) -> str:
        """Describe the reason, with both sides of the inequality that decided it."""
        left, right, at = out["left"], out["right"], out["standing"]
        match reason:
            case Reason.max_iterations:
                return f"{_count(epochs, 'epoch')} >= epochs = {int(right)}"
            case Reason.value_settled:
                return (
                    f"no held-out loss below {at['best_loss']:.6g} (epoch {at['best_epoch']}) for "
                    f"{_count(int(left), 'epoch')} >= patience = {int(right)}, {after}"
                )
            case Reason.stuck:
                return (
                    f"stuck at the start: no held-out loss below {at['best_loss']:.6g} there for "
                    f"{_count(int(left), 'epoch')} >= patience = {int(right)}, {after}; is the "
                    "learning rate too large?"
                )
            case Reason.max_time:
                return f"{left:.3g} s >= max_time = {right:.3g} s {after}; not converged"
            case Reason.stopped_by_callback:
                return f"stopped by the callback {after}"
            case _:
                return f"interrupted {after}"

    def _culprit(
        self, rows: npt.NDArray[np.int64], x: FloatArray, after: str, nit: int
    ) -> tuple[Reason, str]:
        """Find what made the loss of these rows non-finite at `x`: the data, or an operation."""
        for i, a in enumerate(self.rows.arrays):
            bad = np.argwhere(~np.isfinite(a[rows].astype(np.float64)))
            if len(bad):
                value = a[rows[bad[0][0]]][tuple(bad[0][1:])]
                where = f"data[{i}] holds {value} in row {rows[bad[0][0]]}"
                return Reason.non_finite, f"not finite: {where}; found {after}"
        self.objective = self.losses.at(rows, self.rows.arrays)
        value = self.objective.rows_value_and_grad(x[None, :])[0]
        return blame(self.objective, x[None, :], float(value[0]), nit, after)


class _MeanLoss:
    """The loss over all rows, with the interface that plots need."""

    def __init__(self, run: _Training) -> None:
        self._run = run
        self.structure, self.names = run.objective.structure, run.objective.names

    def rows_value_and_grad_one(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return value and gradient at one point."""
        return self._run._mean(x)[:2]


def _not_begun(at: dict[str, Any]) -> dict[str, Any]:
    """Return the output of a training that the core has not begun."""
    return {
        "x": at["x"], "standing": at, "reason": Reason.interrupted, "left": 0.0, "right": 0.0,
        "culprit": np.empty(0, dtype=np.int64), "error": None,
    }  # fmt: skip


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
