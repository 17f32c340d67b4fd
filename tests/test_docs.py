# SPDX-License-Identifier: BSD-3-Clause
"""The pages: tables are what the lists say, and every example runs."""

import doctest
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import thalweg as tw

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(page: Path) -> str:
    """The page's examples, each on its own line number; everything else is left empty."""
    text = page.read_text("utf-8")
    kept, at = [], 0
    for block in BLOCK.finditer(text):
        if ">>>" not in block[1]:
            continue
        kept += ["\n" * text.count("\n", at, block.start(1)), block[1]]
        at = block.end(1)
    return "".join(kept)


WITH_EXAMPLES = [page for page in PAGES if ">>>" in examples(page)]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_example_runs(page, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(examples(page), {}, page.name, str(page), 0)
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=said.append)
    assert result.failed == 0, "".join(said)


def test_readme_and_api_hold_examples():
    assert {ROOT / "README.md", ROOT / "docs" / "api.md"} <= set(WITH_EXAMPLES)


def run_tables(page: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "docs" / "make_tables.py"
    code = (
        "import runpy, pathlib, sys\n"
        f"tables = runpy.run_path({str(script)!r})\n"
        f"tables['main'].__globals__['PAGE'] = pathlib.Path({str(page)!r})\n"
        "sys.exit(tables['main'](['--check']))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_tables_are_up_to_date():
    done = run_tables(ROOT / "docs" / "api.md")
    assert done.returncode == 0, done.stderr


def test_stale_table_is_named(tmp_path):
    page = tmp_path / "api.md"
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    page.write_text(text.replace("| `exp` |", "| `exq` |", 1), "utf-8")
    done = run_tables(page)
    assert done.returncode == 1
    assert "operations" in done.stderr


def test_reference_lists_every_public_name_and_no_other():
    listed = set(
        re.findall(r"^   ([\w.]+)$", (ROOT / "docs" / "reference.rst").read_text("utf-8"), re.M)
    )
    modules = {"gallery", "losses", "nn", "plot", "schedules"}
    public = set(tw.__all__) - modules - {"__version__"}
    for module in sorted(modules):
        public |= {f"{module}.{name}" for name in import_module(f"thalweg.{module}").__all__}
    assert listed == public


def test_readmes_pictures_are_made_by_their_script(tmp_path):
    pytest.importorskip("matplotlib")
    script = ROOT / "docs" / "make_pictures.py"
    for folder in ("once", "again"):
        command = [sys.executable, str(script), str(tmp_path / folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    shown = set(re.findall(r"\]\(docs/pictures/(\w+\.png)\)", PAGES[0].read_text("utf-8")))
    made = {file.name: file.read_bytes() for file in (tmp_path / "once").iterdir()}
    assert shown == set(made) == {file.name for file in (ROOT / "docs" / "pictures").iterdir()}
    for name, content in made.items():
        assert len(content) < 120_000
        assert content == (tmp_path / "again" / name).read_bytes()
