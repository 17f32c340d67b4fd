# SPDX-License-Identifier: BSD-3-Clause
"""Progress on standard error: lines into a file, a bar on a terminal, nothing unless asked for."""

import io
import sys

import pytest

from thalweg._descents.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_silent_unless_enabled(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(False, total=3) as p:
        p.update(1, 1.0, 1.0)
    assert sys.stderr.getvalue() == ""


def test_progress_prints_few_plain_lines_into_a_file(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(True, total=1000) as p:
        for k in range(1, 1001):
            p.update(k, 1 / k, 2 / k)
    told = sys.stderr.getvalue().splitlines()
    assert 1 <= len(told) <= 3
    assert told[-1] == "iteration 1000 of 1000: f = 0.001  |g| = 0.002"


def test_progress_draws_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress(True, total=10) as p:
        p.update(4, 0.5, 0.25)
    drawn = sys.stderr.getvalue()
    assert "4/10" in drawn
    assert "f = 0.5" in drawn


@pytest.mark.parametrize("total", [10, None])
def test_progress_without_rich_prints_lines(monkeypatch, total):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with Progress(True, total=total) as p:
        p.update(4, float("nan"), float("inf"))
    of = "" if total is None else " of 10"
    assert sys.stderr.getvalue() == f"iteration 4{of}: f = nan  |g| = inf\n"
