# SPDX-License-Identifier: BSD-3-Clause
"""Runs trials of one kind in worker processes, so that a crash or a hang is a finding like others.

A kind is a module of this package with `trial(seed)`, which returns findings as texts: a first line
that names the fault, then what shows it. It may also have `SECONDS` (the longest that one trial may
take), `MEMORY` (bytes of address space), `ISAS = False` (where the instruction set does not
matter), `NOTES` (a Counter whose entries are added up over trials) and `reduced(seed, finding)`, a
smaller case of the same fault.
"""

import contextlib
import importlib
import json
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

KINDS = ("programs", "fits", "pickles", "commands")
SECONDS = 60.0
BUSY = 5  # how many times as long a trial may take that does not use the processor
MEMORY = 6 << 30
CHUNK = 500  # seeds of one worker: bounds what a leak can take, and changes the instruction set


@dataclass
class Finding:
    """A fault, and how to see it again."""

    kind: str
    seed: int
    isa: str
    text: str

    @property
    def fault(self) -> str:
        return self.text.partition("\n")[0]

    def again(self) -> str:
        """The command that shows it."""
        isa = f" --isa {self.isa}" if self.isa else ""
        return f"python -m tests.fuzz {self.kind} --seed {self.seed} --count 1{isa} --reduce"


@dataclass
class Tally:
    """What a run reached."""

    trials: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def load(kind: str) -> ModuleType:
    """The module of a kind."""
    return importlib.import_module(f"{__package__}.{kind}")


# ---- the worker ----------------------------------------------------------------------------------


def work(kind: str, first: int, last: int) -> None:
    """Run trials and tell each on standard output as a line of JSON."""
    module = load(kind)
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a trial prints is not for the parent
    limit = getattr(module, "MEMORY", MEMORY)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for seed in range(first, last):
        told.write(json.dumps({"begin": seed}) + "\n")
        told.write(json.dumps({"end": seed, **judged(module, seed)}) + "\n")


def judged(module: ModuleType, seed: int) -> dict[str, Any]:
    """What one trial found, an exception of the trial itself included."""
    notes: Counter[str] = getattr(module, "NOTES", Counter())
    notes.clear()
    try:
        found = list(module.trial(seed))
    except Exception:
        found = ["the trial itself failed\n" + traceback.format_exc()]
    return {"findings": found, "notes": dict(notes)}


# ---- the parent ----------------------------------------------------------------------------------


def run(
    kind: str,
    first: int,
    count: int,
    minutes: float,
    isas: list[str],
    tell: Callable[[Finding], None],
) -> Tally:
    """Run trials of a kind until their number or the time is reached."""
    module = load(kind)
    if not getattr(module, "ISAS", True):
        isas = [""]
    tally = Tally()
    until = time.monotonic() + 60 * minutes
    at = first
    for number in range(sys.maxsize):
        last = min(at + CHUNK, first + count)
        if at >= last or time.monotonic() >= until:
            return tally
        isa = isas[number % len(isas)]
        seconds = getattr(module, "SECONDS", SECONDS)
        at = _chunk(kind, at, last, isa, seconds, until, tally, tell)
    return tally


def _chunk(
    kind: str,
    first: int,
    last: int,
    isa: str,
    seconds: float,
    until: float,
    tally: Tally,
    tell: Callable[[Finding], None],
) -> int:
    """Run one worker; return the seed to go on with."""
    environment = dict(os.environ) | ({"THALWEG_ISA": isa} if isa else {})
    command = [sys.executable, "-m", f"{__package__}.worker", kind, str(first), str(last)]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            command,
            cwd=_root(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,
        ) as worker,
    ):

        def found(seed: int, text: str) -> None:
            finding = Finding(kind, seed, isa, text)
            tally.findings.append(finding)
            tell(finding)

        at = first
        for message in _messages(worker, seconds):
            if "begin" in message:
                at = message["begin"]
                continue
            tally.trials += 1
            at = message["end"] + 1
            tally.notes.update(message["notes"])
            for text in message["findings"]:
                found(message["end"], text)
            if time.monotonic() >= until:
                worker.kill()
                return at
        if at >= last:
            return at
        hung = worker.poll() is None
        if hung:
            worker.kill()
        status = worker.wait()
        if hung:
            found(at, f"hangs: no answer within {seconds:.0f} s")
        else:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")[-4000:]
            found(at, f"crashes: the process ended with status {status}\n{said}")
        tally.trials += 1
        return at + 1


def _messages(worker: "subprocess.Popen[bytes]", seconds: float) -> Iterator[dict[str, Any]]:
    """What the worker tells, until it ends or is silent for too long."""
    assert worker.stdout is not None
    rest, patience = b"", seconds + 60  # it has yet to start
    since, spent = time.monotonic(), 0.0
    with selectors.DefaultSelector() as selector:
        selector.register(worker.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(patience):
                # On a busy machine it may just not have had its turn.
                idle = _processor_seconds(worker.pid) - spent < seconds
                if idle and time.monotonic() - since < BUSY * seconds:
                    continue
                return
            data = os.read(worker.stdout.fileno(), 1 << 16)
            if not data:
                worker.wait()
                return
            *lines, rest = (rest + data).split(b"\n")
            patience = seconds
            since, spent = time.monotonic(), _processor_seconds(worker.pid)
            yield from map(json.loads, lines)


def _processor_seconds(pid: int) -> float:
    """What a process has used so far; infinite where that cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _root() -> Path:
    """The folder from which this package is imported under its name."""
    return Path(__file__).resolve().parents[len(str(__package__).split("."))]
