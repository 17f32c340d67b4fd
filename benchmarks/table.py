# SPDX-License-Identifier: BSD-3-Clause
"""Print the speed table from one interleaved run, as Markdown: `table.py [--quick] [-k WORD]`.

The rivals of a work are timed in turn with it; the figures are minima over the rounds, medians in
brackets. Without pytest, in some 4 minutes; `--quick` takes 100,000 starts: one minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import algebra
import first_calls
import fits
import lanes
import long_arrays
import maps
import sets
import single
import solving
import starts
import transforms
import workloads
from first_calls import EXTRA, WHEEL_LIMIT
from workloads import Call, MissingError, Rival, Work


def show(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def figure(low: float, middle: float, unit: str) -> str:
    return f"{low:.3g} ({middle:.3g}) {unit}"


def run(work: Work, rounds: int) -> int:
    """Time one work with its rivals and print a row for each; return how many fall short."""
    show(f"**{work.title}**", "", "", "", "")
    ours = work.make()
    answer = ours()
    calls: list[Call] = []
    ready: list[Rival] = []
    short = 0
    for rival in work.rivals:
        try:
            theirs = rival.ready()
            work.agree(answer, theirs())
        except MissingError as missing:
            show("", rival.name, "", "", f"left out: {missing}")
        except Exception as error:  # a failure is a result too
            text = " ".join(str(error).split())[:120]
            show("", rival.name, "", "", f"FAILED: {type(error).__name__}: {text}")
            short += 1
        else:
            calls.append(theirs)
            ready.append(rival)
    if not ready:
        return short
    most = [rounds, *(r.most_rounds for r in ready)]
    samples = workloads.interleaved([ours, *calls], rounds, most)
    for rival, taken in zip(ready, samples[1:], strict=True):
        row = workloads.summary(samples[0], taken, work, rival)
        wanted = f">= {rival.wanted:.3g}x" if rival.wanted else ""
        if work.limit is not None and rival is ready[0]:
            wanted = f"< {work.limit:g} {work.unit}"
        ratio, met = f"{row['ratio_min']:.3g}x", row["met"]
        if work.name in EXTRA and rival.name == "import numpy":
            beyond = row["thalweg_min"] - row["rival_min"]
            ratio, met = f"+{beyond:.1f} ms", beyond < EXTRA[work.name]
            wanted = f"< +{EXTRA[work.name]:g} ms"
        short += bool(wanted) and not met
        show(
            figure(row["thalweg_min"], row["thalweg_median"], work.unit), rival.name,
            figure(row["rival_min"], row["rival_median"], "").strip(), ratio,
            wanted and wanted + ("" if met else " **short**"),
        )  # fmt: skip
    return short


def works(count: int, rounds: int) -> Iterator[tuple[Work, int]]:
    """Every work with its rounds, made when its turn comes: a million starts take 16 MB."""
    for work in single.single_starts():
        yield work, 15
    for make in starts.many_starts(count):
        yield make(), rounds
    for make in long_arrays.works(count < 1_000_000):
        yield make(), 15
    for work in solving.works():
        yield work, 30
    for work in lanes.works():
        yield work, 5
    for work in fits.works():
        yield work, 9
    for work in maps.works():
        yield work, 9
    for work in algebra.works():
        yield work, 9
    for work in transforms.works():
        yield work, 200
    for work in sets.works():
        yield work, 15
    for work in first_calls.tracing():
        yield work, 15
    for work in first_calls.startup():
        yield work, 9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 starts")
    parser.add_argument("-k", default="", metavar="WORD", help="only works with this in their name")
    given = parser.parse_args()
    count, rounds = (100_000, 5) if given.quick else (1_000_000, 3)
    where = workloads.machine()
    parts = workloads.installed()
    print(
        f"Machine: {where['processor']}, {where['system']}, core {where['core']}, {where['isa']}."
    )
    print("Versions: " + ", ".join(f"{k} {v}" for k, v in parts.items()) + ".")
    print(f"Command: `{' '.join(['python', 'benchmarks/table.py', *sys.argv[1:]])}`.")
    print(f"Date: {where['date']}. Minima over the rounds, medians in brackets.\n")
    show("thalweg", "rival", "rival's", "ratio", "wanted")
    show(*["---"] * 5)
    short = 0
    for work, times in works(count, rounds):
        if given.k in work.name:
            short += run(work, times)
    try:
        size = first_calls.wheel().stat().st_size / 1e6
        fits = size < WHEEL_LIMIT
        short += not fits
        wanted = f"< {WHEEL_LIMIT:g} MB" + ("" if fits else " **short**")
        show("**wheel**", "", "", "", "")
        show(f"{size:.2f} MB", "", "", "", wanted)
    except MissingError as missing:
        show("**wheel**", "", "", "", f"left out: {missing}")
    print(f"\n{short} rows fall short of what is wanted." if short else "\nAll as wanted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
