# SPDX-License-Identifier: BSD-3-Clause
"""How a pair is timed under pytest-benchmark, and the table at the end.

The answers are compared first; then every round times the rival (in the round's set-up) and
thalweg, in turn. Run from the tree: `python -m pytest benchmarks`.
"""

import time
from typing import Any, Protocol

import pytest
import workloads
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import MissingError, Rival, Work


class Compare(Protocol):
    def __call__(self, work: Work, rival: Rival, rounds: int = 9) -> dict[str, Any]: ...


ROWS: list[dict[str, Any]] = []
FAILURES: list[dict[str, str]] = []


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """Compare the answers of thalweg and a rival, then time them in turn, into extra_info."""

    def run(work: Work, rival: Rival, rounds: int = 9) -> dict[str, Any]:
        try:
            theirs = rival.ready()
        except MissingError as missing:
            pytest.skip(str(missing))
        ours = work.make()
        work.agree(ours(), theirs())
        # Asked for only now: pytest-benchmark warns of a fixture that a skipped test did not use.
        benchmark: BenchmarkFixture = request.getfixturevalue("benchmark")
        times = workloads.repeats(ours), workloads.repeats(theirs)
        rounds = min(rounds, rival.most_rounds)
        workloads.settle()
        own: list[float] = []
        rivals: list[float] = []

        def rivals_turn() -> None:
            rivals.append(workloads.sample(theirs, times[1]))

        def our_turn() -> None:
            began = time.perf_counter()
            for _ in range(times[0]):
                ours()
            own.append((time.perf_counter() - began) / times[0])

        benchmark.group = work.title
        benchmark.pedantic(our_turn, setup=rivals_turn, rounds=rounds, iterations=1)
        row = workloads.summary(own[:rounds], rivals[:rounds], work, rival)
        row |= {"rounds": rounds, "calls_a_round": times[0], **workloads.machine()}
        row["versions"] = workloads.versions(rival.parts)
        benchmark.extra_info.update(row)
        ROWS.append({"title": work.title, **row})
        return row

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep what failed and what was left out, for the file and the table."""
    report = yield
    if report.failed or report.skipped:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = report.longrepr[2] if report.skipped else getattr(crash, "message", "")
        text = " ".join(str(text).split())[:300]
        FAILURES.append({"name": item.name, "outcome": report.outcome, "why": text})
    return report


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Failures are results too: they stand in the file beside the timings."""
    output_json["failures"] = FAILURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a pair: the ratio of the minima, and what is wanted."""
    if not ROWS and not FAILURES:
        return
    terminalreporter.section("thalweg against its rivals, minima")
    for row in ROWS:
        wanted = f">= {row['wanted_ratio']:g}x" if row["wanted_ratio"] else ""
        if row["wanted_below"]:
            wanted = f"< {row['wanted_below']:g} {row['unit']}"
        mark = "" if row["met"] else "  SHORT"
        terminalreporter.line(
            f"{row['title']}: {row['thalweg_min']:.4g} {row['unit']}; {row['rival']} "
            f"{row['rival_min']:.4g}: {row['ratio_min']:.3g}x {wanted}{mark}"
        )
    for failure in FAILURES:
        terminalreporter.line(f"{failure['outcome']}: {failure['name']}: {failure['why']}")
