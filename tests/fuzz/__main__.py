# SPDX-License-Identifier: BSD-3-Clause
"""`python -m tests.fuzz KIND`: random trials until their number or the time is reached."""

import argparse
import re
import sys
import time
from collections import Counter

from thalweg import _core

from .runner import KINDS, Finding, load, run


def main() -> int:
    """Run the command; the status is 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--count", type=int, default=sys.maxsize // 2, help="how many seeds")
    parser.add_argument("--minutes", type=float, default=1.0, help="the longest time (1)")
    parser.add_argument(
        "--isa", default="all", help="an instruction set; all of this machine in turn (all)"
    )
    parser.add_argument("--reduce", action="store_true", help="make what is found smaller")
    parser.add_argument("--notes", action="store_true", help="tell what was counted besides")
    parser.add_argument("--skip", default="^$", help="faults to count but not to tell, a pattern")
    asked = parser.parse_args()

    isas = _core.supported_isas() if asked.isa == "all" else [asked.isa]
    seen: Counter[str] = Counter()

    def tell(finding: Finding) -> None:
        seen[finding.fault] += 1
        if seen[finding.fault] > 3 or re.search(asked.skip, finding.text):
            return
        print(f"FOUND {finding.text}\n  again: {finding.again()}", flush=True)
        if asked.reduce and hasattr(load(finding.kind), "reduced"):
            print("  reduced:", load(finding.kind).reduced(finding.seed, finding.text), flush=True)

    begin = time.monotonic()
    tally = run(asked.kind, asked.seed, asked.count, asked.minutes, list(isas), tell)
    if asked.notes:
        for note, times in tally.notes.most_common():
            print(f"  {times:8d} {note}")
    for fault, times in seen.most_common():
        if times > 3:
            print(f"  {times} times: {fault}")
    print(
        f"{asked.kind}: {tally.trials} trials from seed {asked.seed} in"
        f" {time.monotonic() - begin:.0f} s, {len(tally.findings)} findings"
    )
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
