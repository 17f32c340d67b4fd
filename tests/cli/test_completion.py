# SPDX-License-Identifier: BSD-3-Clause
"""Shell completion: the scripts say what the parsers say, and the shells that are here run them."""

import shlex
import shutil
import subprocess

import pytest

from thalweg import cli, gallery
from thalweg._methods.method import methods

SHELLS = ("bash", "zsh", "fish")


def script(shell, capsys):
    assert cli.main(["completion", shell]) == 0
    return capsys.readouterr().out


def completed(text, *words):
    """What bash offers for the last of the words."""
    line = " ".join(map(shlex.quote, ["thalweg", *words]))
    asked = f"COMP_WORDS=({line})\nCOMP_CWORD={len(words)}\n_thalweg"
    code = f'{text}\n{asked}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(
        ["bash", "--norc", "-euc", code], capture_output=True, text=True, timeout=30
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_methods_and_examples(capsys, tmp_path, monkeypatch):
    text = script("bash", capsys)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").touch()
    assert completed(text, "min") == ["minimize"]
    assert {"minimize", "info", "gallery", "completion", "--help"} <= set(completed(text, ""))
    assert completed(text, "minimize", "x", "--meth") == ["--method"]
    assert completed(text, "minimize", "x", "--method", "newton") == ["newton", "newton_cg"]
    assert completed(text, "minimize", "x", "--method", "") == list(methods())
    assert completed(text, "minimize", "x", "--start", "") == []
    assert completed(text, "minimize", "x", "--plot", "pic") == ["picture.png"]
    assert completed(text, "gallery", "om") == ["omega"]
    assert set(gallery.names()) < set(completed(text, "gallery", ""))
    assert completed(text, "completion", "z") == ["zsh"]


@pytest.mark.parametrize("shell", SHELLS)
def test_script_names_every_command_and_long_option(shell, capsys):
    text = script(shell, capsys)
    words = ("minimize", "gallery", "completion", "learning-rate", "no-show", "max-iter", "lbfgs")
    assert all(word in text for word in words)
    assert "==SUPPRESS==" not in text
    assert "%%" not in text


@pytest.mark.parametrize("shell", SHELLS)
def test_quotes_close_whatever_the_help_says(shell, capsys):
    # The three shells read single quotes in the same way, but for fish's backslash before one.
    text = script(shell, capsys).replace("\\'", "")
    assert text.count("'") % 2 == 0


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_shells_that_are_here_take_their_script(shell, capsys, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    file = tmp_path / "script"
    file.write_text(script(shell, capsys), "utf-8")
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_unknown_shell_is_refused_in_a_line(capsys):
    assert cli.main(["completion", "csh"]) == 2
    err = capsys.readouterr().err
    assert "invalid choice: 'csh'" in err
    assert err.count("\n") == 1


def test_help_shows_how_to_switch_it_on(capsys):
    assert cli.main(["completion", "--help"]) == 0
    told = capsys.readouterr().out
    assert 'eval "$(thalweg completion bash)"' in told
    assert "thalweg completion fish >" in told
