# SPDX-License-Identifier: BSD-3-Clause
"""`thalweg gallery`: it lists examples, runs them, prints them, and says what is wrong."""

import io
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from thalweg import cli

mpl.use("agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[2]
PAGES = sorted(file.stem for file in (ROOT / "docs" / "examples").glob("*.py"))


def test_gallery_lists_every_page_with_its_title(capsys):
    assert cli.main(["gallery"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == PAGES
    assert any(
        line.endswith("The omega constant, and what its learning rates do") for line in lines
    )


def test_gallery_runs_a_page_and_writes_its_pictures(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gallery", "omega", "--plot", "omega.png"]) == 0
    said = capsys.readouterr().out
    assert "after 25 steps: 0.5671434156768685" in said
    written = sorted(file.name for file in tmp_path.iterdir())
    assert written == [f"omega-{k}.png" for k in range(1, 5)]
    assert "picture: omega-4.png" in said
    assert not plt.get_fignums()


def test_gallery_prints_the_text_of_a_page_with_its_numbers(capsys):
    assert cli.main(["gallery", "newton", "--no-show"]) == 0
    said = capsys.readouterr().out
    parts = [
        "Newton's method against gradient descent\n====",
        "The slope says which way is down.",
        "By hand\n-------\n\nThe error of gradient descent",
        "step   gradient descent   Newton\n   0   4.33e-01           4.33e-01",
    ]
    places = [said.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert "# %%" not in said
    assert "\n\n\n" not in said


def test_gallery_prints_what_a_terminal_of_few_characters_can_show(monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    assert cli.main(["gallery", "omega", "--no-show"]) == 0
    shown.flush()
    assert b"The function is exp(x) ? log(x)." in shown.buffer.getvalue()


def test_gallery_without_windows_draws_nothing_to_files(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gallery", "advertising", "--no-show"]) == 0
    assert "200 markets" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_gallery_prints_a_script_that_runs_by_itself(capsys, tmp_path):
    assert cli.main(["gallery", "advertising", "--source"]) == 0
    script = tmp_path / "mine.py"
    script.write_text(capsys.readouterr().out, "utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sales = 0.04753664" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["omeg"], "invalid choice: 'omeg'"),
        (["omega", "--plot", "a.txt"], "--plot needs a file that ends in .png"),
        (["omega", "--plot", "nowhere/a.png"], "there is no folder 'nowhere'"),
    ],
)
def test_gallery_says_in_one_line_what_was_wrong(words, told, capsys):
    assert cli.main(["gallery", *words]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_gallery_asks_for_what_is_missing_by_name(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    for page in ("partial_derivatives", "sauna"):  # by tw.formula, and by the page's own import
        assert cli.main(["gallery", page, "--no-show"]) == 2
        assert 'pip install "thalweg[sympy]"' in capsys.readouterr().err
        plt.close("all")


def test_gallery_says_where_there_is_no_display(capsys):
    assert cli.main(["gallery", "advertising"]) == 0  # these tests draw in memory
    assert "--plot FILE writes them" in capsys.readouterr().err
