# SPDX-License-Identifier: BSD-3-Clause
"""Where the tests run JavaScript: Node, and a headless Chromium. Each may be missing."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def node():
    """Node's program: the system's, or the one that playwright brings along."""
    found = shutil.which("node")
    spec = importlib.util.find_spec("playwright")
    if found is None and spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "driver" / "node"
        found = str(bundled) if bundled.exists() else None
    return found


def evaluated(code, tmp_path):
    """What a script hands to `report`, which must be plain data with numbers as strings."""
    program = node()
    if program is None:
        pytest.skip("JavaScript needs node: on the PATH, or by pip install playwright")
    file = tmp_path / "script.js"
    file.write_text(f"const report = v => console.log(JSON.stringify(v));\n{code}", "utf-8")
    done = subprocess.run([program, str(file)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def floats(texts):
    """The numbers of a list of texts, as JavaScript writes them."""
    return np.array([float(t.replace("Infinity", "inf")) for t in texts])


def chromium():
    """A running headless Chromium, by playwright's; skips where either is missing."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="pages in a browser need playwright: pip install playwright"
    )
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"pages in a browser need a Chromium on the PATH: one of {', '.join(BROWSERS)}")
    return sync_api.sync_playwright(), program
