# SPDX-License-Identifier: BSD-3-Clause
"""Print the table of docs/fits.md: digits of NIST's certified regressions, and evaluations."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "shared"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "references"))
from test_nist import PROBLEMS, TIGHT, digits, fit


def cells(name: str, start: int) -> list[str]:
    """Digits and evaluations by the defaults, and by the tight setting."""
    out = []
    for setting in ({}, TIGHT):
        popt, _, info, _, _ = fit(name, start, **setting)
        out += [f"{digits(popt, PROBLEMS[name].b):.1f}", str(info["nfev"])]
    return out


def main() -> None:
    """Print a row for each problem, and the means."""
    head = ["digits", "nfev", "tight: digits", "nfev"] * 2
    print("| problem | " + " | ".join(head) + " |")
    print("|---|" + "---|" * 8)
    rows = {name: cells(name, 0) + cells(name, 1) for name in sorted(PROBLEMS)}
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(row) + " |")
    numbers = np.array([list(map(float, row)) for row in rows.values()])
    print("| mean | " + " | ".join(f"{v:.1f}" for v in numbers.mean(axis=0)) + " |")


if __name__ == "__main__":
    main()
