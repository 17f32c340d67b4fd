# SPDX-License-Identifier: BSD-3-Clause
"""Write shell completion scripts for bash, zsh and fish from the parsers of the command line.

The scripts contain all commands, options and choices, so completion does not start Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["SHELLS", "script"]

# How to install each script; `thalweg completion --help` prints these lines.
SHELLS = {
    "bash": 'eval "$(thalweg completion bash)"                     # in ~/.bashrc',
    "zsh": 'eval "$(thalweg completion zsh)"                      # in ~/.zshrc, after compinit',
    "fish": "thalweg completion fish > ~/.config/fish/completions/thalweg.fish",
}


class Option(NamedTuple):
    """An option or a positional argument, and the words that may follow it."""

    flag: str  # empty for a positional argument
    help: str
    values: tuple[str, ...]
    takes: bool  # whether a word follows
    file: bool  # whether that word is a file


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        values = tuple(map(str, action.choices or ()))
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        takes, file = action.nargs != 0, "FILE" in metavar
        text = (action.help or "").replace("%%", "%").split(";")[0]
        if text == argparse.SUPPRESS:
            continue
        if values:
            text = text.split(":")[0]  # the choices are completed themselves
        flags = [flag for flag in action.option_strings if flag.startswith("--")]
        yield Option(flags[0] if flags else "", text, values, takes, file)


def script(
    shell: str, parsers: Mapping[str, argparse.ArgumentParser], summaries: Mapping[str, str]
) -> str:
    """Write a completion script.

    Parameters
    ----------
    shell : str
        One of `SHELLS`.
    parsers : mapping
        The parser of each command.
    summaries : mapping
        A one-line description of each command.
    """
    tables = {command: list(_options(parser)) for command, parser in parsers.items()}
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](tables, summaries)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _bash(tables: Mapping[str, list[Option]], summaries: Mapping[str, str]) -> str:
    commands = _quoted(" ".join([*summaries, "--help", "--version"]))
    lines = [
        "# thalweg: completion for bash",
        "_thalweg() {",
        "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
        "  COMPREPLY=()",
        "  if ((COMP_CWORD == 1)); then",
        f'    COMPREPLY=($(compgen -W {commands} -- "$current"))',
        "    return",
        "  fi",
        '  case "${COMP_WORDS[1]} $before" in',
    ]
    for command, options in tables.items():
        for option in options:
            if not (option.flag and option.takes):
                continue
            what = f"compgen -W {_quoted(' '.join(option.values))}"
            if option.file:
                what = "compgen -f"
            elif not option.values:
                what = ""
            reply = f'COMPREPLY=($({what} -- "$current")); ' if what else ""
            lines.append(f"    {_quoted(f'{command} {option.flag}')}) {reply}return ;;")
    lines += ["  esac", '  case "${COMP_WORDS[1]}" in']
    for command, options in tables.items():
        words = [o.flag for o in options if o.flag]
        words += [value for o in options if not o.flag for value in o.values]
        files = any(o.file for o in options if not o.flag)
        add = '; COMPREPLY+=($(compgen -f -- "$current"))' if files else ""
        lines.append(
            f"    {command}) "
            f'COMPREPLY=($(compgen -W {_quoted(" ".join(words))} -- "$current")){add} ;;'
        )
    return "\n".join([*lines, "  esac", "}", "complete -F _thalweg thalweg", ""])


def _zsh(tables: Mapping[str, list[Option]], summaries: Mapping[str, str]) -> str:
    def plain(text: str) -> str:
        return "".join(f"\\{c}" if c in "[]:\\" else c for c in text)

    lines = [
        "#compdef thalweg",
        "# thalweg: completion for zsh",
        "_thalweg() {",
        "  local -a commands=(",
        *(f"    {_quoted(f'{command}:{plain(text)}')}" for command, text in summaries.items()),
        "  )",
        "  if ((CURRENT == 2)); then",
        "    _describe -t commands command commands",
        "    return",
        "  fi",
        "  shift words",
        "  ((CURRENT--))",
        "  case $words[1] in",
    ]
    for command, options in tables.items():
        lines.append(f"    {command}) _arguments -s \\")
        place = 0
        for o in options:
            place += not o.flag
            after = "_files" if o.file else f"({' '.join(o.values)})" if o.values else " "
            what = o.flag.lstrip("-") or command
            word = f"{o.flag}[{plain(o.help)}]" if o.flag else ""
            if o.takes:
                word += f":{what}:{after}"
            # Options may be repeated: --start x=1 --start y=2.
            lines.append(f"      {_quoted(('*' if o.flag else str(place)) + word)} \\")
        lines[-1] = lines[-1].removesuffix(" \\")
        lines.append("      ;;")
    return "\n".join([*lines, "  esac", "}", "compdef _thalweg thalweg", ""])


def _fish(tables: Mapping[str, list[Option]], summaries: Mapping[str, str]) -> str:
    def plain(text: str) -> str:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    lines = ["# thalweg: completion for fish", "complete -c thalweg -f"]
    lines += [
        f"complete -c thalweg -n __fish_use_subcommand -a {command} -d {plain(text)}"
        for command, text in summaries.items()
    ]
    for command, options in tables.items():
        seen = f"complete -c thalweg -n '__fish_seen_subcommand_from {command}'"
        for o in options:
            if not (o.flag or o.values or o.file):
                continue
            words = f" -a {plain(' '.join(o.values))}" if o.values else ""
            flag = f" -l {o.flag.lstrip('-')}" if o.flag else ""
            follows = (" -r -F" if o.file else " -x") if o.takes and o.flag else ""
            follows = " -F" if o.file and not o.flag else follows
            lines.append(f"{seen}{flag}{follows}{words} -d {plain(o.help)}")
    return "\n".join([*lines, ""])
