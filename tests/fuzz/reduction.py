# SPDX-License-Identifier: BSD-3-Clause
"""Makes a program that shows a fault shorter, as long as it shows the same fault."""

import copy
import multiprocessing
import re
import time
from typing import Any

import numpy as np

from .programs import Program

SECONDS = 60.0  # for all trials of one program


def reduce_program(program: Program, seed: int, fault: str) -> str:
    """The source with as few lines and terms as show the fault."""
    until = time.monotonic() + SECONDS
    shorter = True
    while shorter:
        shorter = False
        for candidate in candidates(program):
            if time.monotonic() > until:
                return str(program)
            if shows(candidate, seed, fault):
                program, shorter = candidate, True
                break
    return str(program)


def candidates(program: Program) -> Any:
    """Programs with one term or one line less, or one line's operation left out."""
    for i in reversed(range(len(program.terms))):
        if len(program.terms) > 1:
            yield changed(program, program.lines, program.terms[:i] + program.terms[i + 1 :])
    for i in reversed(range(len(program.lines))):
        name, _, text = program.lines[i].partition(" = ")
        later = "\n".join([*program.lines[i + 1 :], *program.terms])
        if not re.search(rf"\b{name}\b", later):
            yield changed(program, program.lines[:i] + program.lines[i + 1 :], program.terms)
            continue
        for instead in replacements(program, i, name):
            if instead != text:
                lines = [*program.lines[:i], f"{name} = {instead}", *program.lines[i + 1 :]]
                yield changed(program, lines, program.terms)


def replacements(program: Program, i: int, name: str) -> list[str]:
    """Simpler values of the same shape: x, data, ones that are made before, a constant."""
    shape = np.shape(program.values[name])
    before = ["x", *program.data, *(line.partition(" ")[0] for line in program.lines[:i])]
    same = [n for n in before if np.shape(program.values[n]) == shape]
    return [*same, f"np.full({shape}, 0.7)"] if len(program.lines[i]) > 20 else same[:1]


def changed(program: Program, lines: list[str], terms: list[str]) -> Program:
    other = copy.copy(program)
    other.lines, other.terms = lines, terms
    return other


def shows(program: Program, seed: int, fault: str) -> bool:
    """Whether it has the fault, tried in a process of its own, which may crash or hang."""
    from .checks import faults

    context = multiprocessing.get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def attempt() -> None:
        tell.send([f.partition("\n")[0] for f in faults(program, seed)])

    child = context.Process(target=attempt, daemon=True)
    child.start()
    tell.close()
    try:
        if not told.poll(20):
            return fault.startswith("hangs")
        return fault in told.recv()
    except EOFError:  # it died
        return fault.startswith("crashes")
    finally:
        child.kill()
        child.join()
