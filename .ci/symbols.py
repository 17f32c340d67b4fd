# SPDX-License-Identifier: BSD-3-Clause
"""Check the symbols of a build of the core: `symbols.py BUILD`.

A function that two instruction sets both define (an inline one that was not inlined, a template's
instance) is kept once by the linker, which may keep the one that an older processor cannot run. So
an object of one set may export nothing but what stands in that set's namespace. And nothing in
core_tests may come from Python.
"""

import re
import subprocess
import sys
from pathlib import Path


def nm(path: Path, *options: str) -> list[str]:
    """Lines that nm prints."""
    run = subprocess.run(["nm", "-C", *options, path], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


build = Path(sys.argv[1])
faults: list[str] = []
owners: dict[str, str] = {}
sets = [
    s
    for s in ("baseline", "avx2", "avx512", "neon")
    if (build / f"CMakeFiles/thalweg_{s}.dir").is_dir()
]
for isa in sets:
    objects = sorted((build / f"CMakeFiles/thalweg_{isa}.dir").rglob("*.o"))
    if not objects:
        faults.append(f"{isa}: no object found")
    exported = 0
    for path in objects:
        for line in nm(path, "--defined-only", "--extern-only"):
            _, kind, symbol = re.fullmatch(r"(\S+) (\S) (.*)", line).groups()
            # A pointer to the C++ runtime's handler, hidden, the same in every object; no code.
            if symbol == "DW.ref.__gxx_personality_v0":
                continue
            exported += 1
            if not re.search(rf"\bthalweg::{isa}::", symbol):
                faults.append(f"{isa}: {kind} {symbol} is outside thalweg::{isa}")
            if owners.setdefault(symbol, isa) != isa:
                faults.append(f"{isa}: {kind} {symbol} is also in {owners[symbol]}")
    print(f"   {isa}: {exported} symbols exported")
if "baseline" not in sets:
    faults.append(f"no objects of any instruction set in {build}")

python = [line for line in nm(build / "core_tests", "-u") if re.search(r"\b_?Py[A-Z_]", line)]
faults += [f"core_tests wants {line.strip()}" for line in python]
sys.exit("\n".join(faults) if faults else 0)
