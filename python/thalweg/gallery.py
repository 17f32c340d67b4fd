# SPDX-License-Identifier: BSD-3-Clause
"""List and run the examples of the gallery, as `thalweg gallery` does.

The examples are scripts in `docs/examples`, which the wheel includes. Each has a title, explains
itself in comments, prints numbers and draws with Matplotlib.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["data", "has_windows", "names", "path", "run", "title"]

_HERE = Path(__file__).parent
_SOURCE = _HERE.parents[1]  # the root of a checkout; not used in an installation


def _folder() -> Path:
    installed = _HERE / "examples"
    return installed if installed.is_dir() else _SOURCE / "docs" / "examples"


def names() -> list[str]:
    """List the names of the examples.

    Returns
    -------
    list of str
        The names in alphabetical order; empty if the package was built without examples.

    Examples
    --------
    >>> from thalweg import gallery
    >>> "omega" in gallery.names()
    True
    """
    return sorted(file.stem for file in _folder().glob("*.py"))


def path(name: str) -> Path:
    """Return the path of an example's script.

    Raises
    ------
    ValueError
        If there is no example of that name; the message suggests the nearest name.
    """
    if name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise ValueError(f"unknown example {name!r}; {hint}")
    return _folder() / f"{name}.py"


def title(name: str) -> str:
    """Return the title of an example.

    Examples
    --------
    >>> from thalweg import gallery
    >>> gallery.title("omega")
    'The omega constant, and what its learning rates do'
    """
    text = ast.get_docstring(ast.parse(path(name).read_text("utf-8"))) or name
    return text.splitlines()[0]


def data(file: str) -> Path:
    """Return the path of a data file that an example reads, such as `advertising.csv`.

    Raises
    ------
    FileNotFoundError
        If there is no file of that name.

    Examples
    --------
    >>> from thalweg import gallery
    >>> gallery.data("advertising.csv").name
    'advertising.csv'
    """
    for folder in (_folder(), _SOURCE / "tests" / "data"):
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(f"the gallery has no data file {file!r}")


def has_windows() -> bool:
    """Tell whether Matplotlib can open windows; without a display it draws in memory.

    Examples
    --------
    >>> import matplotlib
    >>> from thalweg import gallery
    >>> matplotlib.use("agg")
    >>> gallery.has_windows()
    False
    """
    import matplotlib as mpl

    return str(mpl.get_backend()).lower() != "agg"


@contextmanager
def _as_a_script(script: Path) -> Iterator[None]:
    words, sys.argv = sys.argv, [str(script)]
    try:
        yield
    finally:
        sys.argv = words


class _Cell(NamedTuple):
    """One part of a page: its text, and the statements below that text."""

    text: str
    code: ast.Module


def _cells(script: Path) -> list[_Cell]:
    """Split a page at its text: the docstring, and the comments that begin with ``# %%``.

    Statements keep their line numbers, so that a message names a line of the script.
    """
    source = script.read_text("utf-8")
    lines = source.splitlines()
    body = ast.parse(source, str(script)).body
    starts = [0, *(at for at, line in enumerate(lines, 1) if line.startswith("# %%"))]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        code = [part for part in body if start <= part.lineno < end]
        comment = takewhile(lambda line: line.startswith("#"), lines[start:]) if start else ()
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in comment)
        if not start and code:
            text = ast.get_docstring(ast.Module(body[:1], [])) or ""
        found.append(_Cell(text.strip(), ast.Module(code, [])))
    return found


def _prints(code: ast.Module) -> bool:
    """Tell whether a cell calls `print`, so that an empty line belongs below its numbers."""
    return any(isinstance(node, ast.Name) and node.id == "print" for node in ast.walk(code))


def run(name: str, save: str | Path | None = None, show: bool = True) -> list[Path]:
    """Run an example: print its text and its numbers, and show its pictures or write them.

    Parameters
    ----------
    name : str
        One of `names()`.
    save : path, optional
        The file for the picture. If there are several pictures, a number is inserted before the
        suffix. The pictures are then not shown.
    show : bool, default True
        Whether to open windows after the script has finished.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    ValueError
        If there is no example of that name.
    ImportError
        If Matplotlib, or another package that the example needs, is not installed.
    """
    script = path(name)
    try:
        import matplotlib as mpl
        from matplotlib import pyplot as plt
    except ImportError:
        raise ImportError('the gallery needs Matplotlib: pip install "thalweg[plot]"') from None
    if save is not None or not show:
        mpl.use("agg")
    real, plt.show = plt.show, lambda *_, **__: None
    try:
        with _as_a_script(script):
            left: dict[str, Any] = {"__name__": "__main__", "__file__": str(script)}
            for cell in _cells(script):
                if cell.text:
                    print(cell.text, end="\n\n")  # noqa: T201
                exec(compile(cell.code, str(script), "exec"), left)
                if _prints(cell.code):
                    print()  # noqa: T201
    finally:
        plt.show = real
    figures = [plt.figure(number) for number in plt.get_fignums()]
    written = []
    if save is not None:
        file = Path(save)
        for k, figure in enumerate(figures, 1):
            part = file if len(figures) == 1 else file.with_stem(f"{file.stem}-{k}")
            figure.savefig(part, dpi=150)
            written.append(part)
    elif show and figures:
        plt.show()
    plt.close("all")
    return written
