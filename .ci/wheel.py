# SPDX-License-Identifier: BSD-3-Clause
"""Check what a wheel holds and weighs: `wheel.py WHEEL`."""

import sys
import zipfile
from pathlib import Path

LIMIT = 3_000_000  # bytes

path = Path(sys.argv[1])
size = path.stat().st_size
names = zipfile.ZipFile(path).namelist()
print(f"   {path.name}: {size:,} bytes, {len(names)} files")
if size >= LIMIT:
    sys.exit(f"a wheel must be under {LIMIT:,} bytes, got {size:,}")
for wanted in (
    "thalweg/__init__.py",
    "thalweg/py.typed",
    "thalweg/_core.pyi",
    "thalweg/plot/page.html",
    "thalweg/plot/page_logic.js",
    "thalweg/examples/omega.py",
    "thalweg/examples/advertising.csv",
):
    if wanted not in names:
        sys.exit(f"the wheel must hold {wanted}, got {names}")
stray = [n for n in names if not n.startswith(("thalweg/", "thalweg-"))]
if stray:
    sys.exit(f"the wheel must hold nothing outside thalweg/, got {stray}")
