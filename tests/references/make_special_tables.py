# SPDX-License-Identifier: BSD-3-Clause
"""Makes tests/data/special_values.npz: what mpmath gives for the special functions at many points.

    python tests/references/make_special_tables.py FOLDER [NAME ...]    # one file a function
    python tests/references/make_special_tables.py FOLDER --pack        # joins them

Points are drawn from a seed and are not stored. A number is stored by 16 of its bits: those of
the nearest multiple of 2**e, where 2**e is 1/512 to 1/256 of the error that is allowed. An error up
to 64 times the allowed one is measured to that, and only one that is by chance a multiple of 128
times or more is missed. `special_table.py` reads them.
"""

import sys
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from mpmath import mp, mpf

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]
from special_table import BITS, POINTS, SLOPES, N, drawn  # noqa: E402
from special_values import CASES, DERIVATIVES, Case  # noqa: E402

HUGE = 1e300


def inside(value: Any) -> bool:
    return not mpmath.isnan(value) and (value == 0 or 1 / mpf(HUGE) < abs(value) < HUGE)


def stored(exact: Any, allowed: Any) -> tuple[int, int, int]:
    """The exponent e; the number of multiples of 2**e, modulo 2**16; the allowed error's."""
    e = int(mpmath.floor(mpmath.log(allowed, 2))) - BITS
    return e, int(mpmath.nint(mpmath.ldexp(exact, -e))) % 2**16, int(mpmath.ldexp(allowed, -e))


def ulp(x: Any) -> Any:
    return mpmath.ldexp(1, int(mpmath.floor(mpmath.log(abs(x), 2))) - 52)


def value_at(case: Case, at: tuple[Any, ...]) -> Any:
    exact = mpmath.re(case.reference(*at))
    size = max(abs(exact), case.scale(*at)) if case.scale else 0
    if not inside(exact) or not (exact or size):
        return None
    return stored(exact, case.ulps * (ulp(exact) if case.scale is None else size * mpf(2) ** -52))


def slopes_at(case: Case, at: tuple[Any, ...]) -> list[Any]:
    """For each argument in which it has a slope."""
    n = len(at)
    kept = range(1 if case.whole else 0, n)

    def derivative(*which: int) -> Any:
        order = tuple(which.count(i) for i in range(n))
        return mpmath.diff(case.reference, at if n > 1 else at[0], order if n > 1 else sum(order))

    size = case.scale(*at) if case.scale else mpf(0)
    out = []
    for k in kept:
        slope = mpmath.re(derivative(k))
        turn = max(abs(at[j] * derivative(*sorted((k, j)))) for j in kept)
        fine = slope and inside(slope)
        out.append(stored(slope, case.slopes * max(abs(slope), turn, size)) if fine else None)
    return out


def table(rows: list[Any]) -> dict[str, Any]:
    """Arrays of the stored numbers; an allowed error of 0 stands for none."""
    e, q, m = zip(*((0, 0, 0) if row is None else row for row in rows), strict=True)
    return {"e": np.array(e, np.int16), "q": np.array(q, np.uint16), "m": np.array(m, np.uint16)}


def make(name: str, folder: Path) -> None:
    case, out = CASES[name], {}
    with mp.workdps(40):
        points = drawn(name, POINTS)
        rows = [value_at(case, tuple(map(mpf, p))) for p in points]
        out |= {f"{name} value {k}": a for k, a in table(rows).items()}
        if name not in DERIVATIVES and (count := SLOPES.get(name, N)):
            at = [tuple(map(mpf, p)) for p in points[:count]]
            for j, column in enumerate(zip(*(slopes_at(case, p) for p in at), strict=True)):
                first = 1 if case.whole else 0
                for k, a in table(list(column)).items():
                    out[f"{name} slope{j + first} {k}"] = a
    out[f"{name} ulps"] = np.array(float(case.ulps))
    np.savez(folder / f"{name}.npz", **out)


def wanted(key: str) -> bool:
    """Whether a number is kept: not a slope of a function that has none in the table."""
    name, kind = key.split()[:2]
    return not kind.startswith("slope") or SLOPES.get(name, N) > 0


def pack(folder: Path) -> None:
    files = [np.load(file) for file in sorted(folder.glob("*.npz"))]
    everything = {key: file[key] for file in files for key in file.files if wanted(key)}
    np.savez_compressed(HERE.parent / "data" / "special_values.npz", **everything)


if __name__ == "__main__":
    where, *names = sys.argv[1:]
    if names == ["--pack"]:
        pack(Path(where))
    else:
        for which in names or [name for name in CASES if name not in DERIVATIVES]:
            make(which, Path(where))
            sys.stdout.write(f"{which}\n")
