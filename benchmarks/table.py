# SPDX-License-Identifier: BSD-3-Clause
"""Print the speed table from one interleaved run, as Markdown: `table.py [--quick] [-k WORD]`.

The rivals of a work are timed in turn with it; the figures are minima over the rounds, medians in
brackets. Without pytest, in one or two minutes; `--quick` takes 100,000 starts and fewer rounds.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import workloads
from workloads import EXTRA, WHEEL_LIMIT, Call, MissingError, Rival, Work


def show(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def figure(low: float, middle: float, unit: str) -> str:
    return f"{low:.3g} ({middle:.3g}) {unit}"


def run(work: Work, rounds: int) -> int:
    """Time one work with its rivals, print a row for each; the number of rows that fall short."""
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
            show(work.title, "", rival.name, "", "", f"left out: {missing}")
        except Exception as error:  # a failure is a result too
            text = " ".join(str(error).split())[:120]
            show(work.title, "", rival.name, "", "", f"FAILED: {type(error).__name__}: {text}")
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
            work.title, figure(row["thalweg_min"], row["thalweg_median"], work.unit),
            rival.name, figure(row["rival_min"], row["rival_median"], ""), ratio,
            wanted and wanted + ("" if met else " **short**"),
        )  # fmt: skip
    return short


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 starts, fewer rounds")
    parser.add_argument("-k", default="", metavar="WORD", help="only works with this in their name")
    given = parser.parse_args()
    count, rounds = (100_000, 5) if given.quick else (1_000_000, 4)
    where = workloads.machine()
    parts = workloads.installed()
    print(
        f"Machine: {where['processor']}, {where['system']}, core {where['core']}, {where['isa']}."
    )
    print("Versions: " + ", ".join(f"{k} {v}" for k, v in parts.items()) + ".")
    print(f"Command: `{' '.join(['python', 'benchmarks/table.py', *sys.argv[1:]])}`.")
    print(f"Date: {where['date']}. Minima over the rounds, medians in brackets.\n")
    show("work", "thalweg", "rival", "rival's", "ratio", "wanted")
    show(*["---"] * 6)
    made: list[tuple[Callable[[], Work], int]] = []
    made += [(lambda w=w: w, 15) for w in workloads.single_starts()]  # type: ignore[misc]
    made += [(make, rounds) for make in workloads.many_starts(count)]
    made += [(lambda w=w: w, 15) for w in workloads.tracing()]  # type: ignore[misc]
    made += [(lambda w=w: w, 9) for w in workloads.startup()]  # type: ignore[misc]
    short = 0
    for make, times in made:
        work = make()
        if given.k in work.name:
            short += run(work, times)
    try:
        size = workloads.wheel().stat().st_size / 1e6
        fits = size < WHEEL_LIMIT
        short += not fits
        wanted = f"< {WHEEL_LIMIT:g} MB" + ("" if fits else " **short**")
        show("wheel", f"{size:.2f} MB", "", "", "", wanted)
    except MissingError as missing:
        show("wheel", "", "", "", "", f"left out: {missing}")
    print(f"\n{short} rows fall short of what is wanted." if short else "\nAll as wanted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
