# SPDX-License-Identifier: BSD-3-Clause
"""The pages: tables are what the lists say, and every example runs."""

import ast
import doctest
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import thalweg as tw

ROOT = Path(__file__).parents[1]
# What Sphinx makes below docs is not ours: the gallery, and a page for each name.
PAGES = [
    ROOT / "README.md",
    *sorted(
        page
        for page in (ROOT / "docs").rglob("*.md")
        if not {"gallery", "reference"} & set(page.relative_to(ROOT).parts)
    ),
]
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


def test_readme_the_quick_starts_and_the_guide_hold_examples():
    for folder in ("quick_starts", "guide"):
        pages = set((ROOT / "docs" / folder).glob("*.md"))
        without = {page.stem for page in pages - set(WITH_EXAMPLES)}
        assert without <= {"index", "command_line"}
    assert ROOT / "README.md" in WITH_EXAMPLES


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_line_of_a_page_is_longer_than_120_columns(page):
    lines = enumerate(page.read_text("utf-8").splitlines(), 1)
    assert [number for number, line in lines if len(line) > 120] == []


def test_no_example_of_a_page_is_wider_than_its_frame():
    # 85 columns of code stand beside both sidebars in a window of 1,200 pixels.
    for page in WITH_EXAMPLES:
        wide = [line for line in examples(page).splitlines() if len(line) > 85]
        assert not wide, (page.name, wide)


def test_no_page_of_the_guide_is_longer_than_250_lines():
    for page in (ROOT / "docs" / "guide").glob("*.md"):
        assert page.read_text("utf-8").count("\n") <= 250, page.name


@pytest.mark.parametrize("word", ["Install", "Bounds", "Quick start", "Fits", "Command line"])
def test_words_that_people_search_for_are_titles(word):
    titles = [page.read_text("utf-8").partition("\n")[0].lower() for page in PAGES]
    assert any(word.lower() in title for title in titles)


def test_reference_has_each_entry_once():
    text = (ROOT / "docs" / "reference.rst").read_text("utf-8")
    listed = re.findall(r"^   ([\w.]+)$", text, re.M)
    assert len(listed) == len(set(listed))


def run_tables(folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "docs" / "make_tables.py"
    code = (
        "import runpy, pathlib, sys\n"
        f"tables = runpy.run_path({str(script)!r})\n"
        f"tables['main'].__globals__['FOLDER'] = pathlib.Path({str(folder)!r})\n"
        "sys.exit(tables['main'](['--check']))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_tables_are_up_to_date():
    done = run_tables(ROOT / "docs" / "lists")
    assert done.returncode == 0, done.stderr


def test_stale_table_is_named(tmp_path):
    for page in (ROOT / "docs" / "lists").glob("*.md"):
        text = page.read_text("utf-8").replace("| `exp` |", "| `exq` |", 1)
        (tmp_path / page.name).write_text(text, "utf-8")
    done = run_tables(tmp_path)
    assert done.returncode == 1
    assert "operations.md: operations not up to date" in done.stderr


def test_missing_table_is_named(tmp_path):
    (tmp_path / "empty.md").write_text("# No table\n", "utf-8")
    done = run_tables(tmp_path)
    assert done.returncode == 1
    assert "must hold the tables" in done.stderr


def test_reference_lists_every_public_name_and_no_other():
    listed = set(
        re.findall(r"^   ([\w.]+)$", (ROOT / "docs" / "reference.rst").read_text("utf-8"), re.M)
    )
    modules = {
        "estimators",
        "gallery",
        "losses",
        "models",
        "nn",
        "plot",
        "schedules",
        "stats",
        "xarray",
    }
    public = set(tw.__all__) - modules - {"__version__"}
    for module in sorted(modules):
        public |= {f"{module}.{name}" for name in import_module(f"thalweg.{module}").__all__}
    assert listed == public


def test_pictures_of_the_pages_are_made_by_their_script(tmp_path):
    pytest.importorskip("matplotlib")
    script = ROOT / "docs" / "make_pictures.py"
    for folder in ("once", "again"):
        command = [sys.executable, str(script), str(tmp_path / folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    text = "".join(page.read_text("utf-8") for page in PAGES)
    shown = set(re.findall(r"\]\([\w/]*pictures/(\w+\.png)\)", text))
    made = {file.name: file.read_bytes() for file in (tmp_path / "once").iterdir()}
    assert shown == set(made) == {file.name for file in (ROOT / "docs" / "pictures").iterdir()}
    for name, content in made.items():
        assert len(content) < 120_000
        assert content == (tmp_path / "again" / name).read_bytes()


def imported(file: Path) -> set[str]:
    """Top-level modules that a file may import, at its head or later."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.partition(".")[0])
    return modules


def test_readmes_first_command_installs_all_that_an_example_can_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    command = re.search(r"<!-- ci: main job -->\n```bash\n(.*)\n", PAGES[0].read_text("utf-8"))
    wanted = re.search(r'"\.\[([\w,]+)\]"', command[1])[1].split(",")
    installed = {"thalweg", "numpy"}
    while wanted:  # extras name extras
        for requirement in project["optional-dependencies"][wanted.pop()]:
            name, extras = re.match(r"([\w-]+)(?:\[([\w,]+)\])?", requirement).groups()
            if name == "thalweg":
                wanted += extras.split(",")
            else:
                installed.add({"scikit-learn": "sklearn"}.get(name, name))
    # An example imports modules itself, and by what it calls of the package.
    files = [*(ROOT / "docs" / "examples").glob("*.py"), *(ROOT / "python").rglob("*.py")]
    assert len(files) > 50
    needed = set().union(*map(imported, files)) - sys.stdlib_module_names
    parts_of_matplotlib = {"mpl_toolkits"}
    assert needed - parts_of_matplotlib <= installed
    assert needed >= {"matplotlib", "scipy", "sympy"}
