# SPDX-License-Identifier: BSD-3-Clause
"""What the fuzzers found before, a few seeds of each, and the runner itself."""

import contextlib
import re
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import calls, checks, commands, corpus, pickles, programs, runner

FEW = 25


@pytest.mark.parametrize("found", corpus.PROGRAMS, ids=lambda found: found.fault)
def test_what_was_found_before_is_mended(found: corpus.Found) -> None:
    assert list(checks.faults(found.program(), 0)) == []


@pytest.mark.parametrize("words", corpus.COMMANDS, ids=lambda words: " ".join(words)[:40])
def test_commands_found_before_end_with_a_message(words: list[str], tmp_path: Path) -> None:
    assert commands.said(words, str(tmp_path)) == []


@pytest.mark.parametrize("kind", [programs, pickles, commands], ids=lambda m: m.__name__)
def test_a_few_seeds_find_nothing(kind: types.ModuleType) -> None:
    assert [found for seed in range(FEW) for found in kind.trial(seed)] == []


def test_every_name_that_can_be_traced_can_be_called() -> None:
    writers = [programs.Program(seed) for seed in (0, 1, 2, 3)]
    ways = {
        **dict.fromkeys((*calls.FUNCTIONS, *calls.UFUNC_METHODS, *calls.OWN), calls.general),
        **dict.fromkeys(calls.UFUNCS, calls.ufunc),
        **dict.fromkeys(calls.METHODS, calls.method),
    }
    never = {name for name, way in ways.items() if not called(writers, name, way)}
    assert never == set()


def called(writers: list[programs.Program], name: str, way: Any) -> bool:
    """Whether a line with the name is written before long."""
    for attempt in range(400):
        writer = writers[attempt % len(writers)]
        with contextlib.suppress(Exception):  # what does not fit
            writer.take(way(writer, name))
            writer.lines.pop()
            return True
    return False


def test_rounding_otherwise_moves_every_number() -> None:
    program = corpus.Found("", (64,), ["v0 = np.sin(x)"], "v0", zero=True).program()
    for least in (0.0, 1.0):
        before, after = program.function(program.point), program.jittered(3, least)(program.point)
        assert np.array_equal(before == after, before == 0)
        np.testing.assert_allclose(after, before, rtol=3e-16, atol=3e-16 * least)
    signs = [np.signbit(program.jittered(seed)(program.point)[0]) for seed in range(8)]
    assert {*signs} == {True, False}


def test_einsum_has_operands_with_elements() -> None:
    # NumPy 2.4 writes outside of arrays that have none: of shape (0,), and (0, 6) by 'ii->i'.
    writer = programs.Program(0)
    writer.values = {"x": np.ones(3), "m": np.ones((3, 2)), "v0": np.ones(0), "v1": np.ones((0, 3))}
    lines = [calls.filled(writer, way) for way in calls.SPECIAL["np.einsum"] for _ in range(20)]
    assert not [line for line in lines if re.search(r"\bv[01]\b", line)]


def test_a_wrong_value_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    right = checks.tw.Objective.__call__
    monkeypatch.setattr(checks.tw.Objective, "__call__", lambda F, x: right(F, x) * (1 + 1e-6))
    assert any("value is not NumPy's" in found for found in programs.trial(1))


def test_a_crash_a_hang_and_a_broken_trial_are_findings() -> None:
    told: list[runner.Finding] = []
    tally = runner.run("broken", 0, 5, 1.0, [""], told.append)
    assert tally.findings == told
    assert [f.seed for f in told] == [1, 2, 3]
    for finding, word in zip(told, ("crashes", "hangs", "itself failed"), strict=True):
        assert word in finding.fault
    assert tally.trials == 5
