# SPDX-License-Identifier: BSD-3-Clause
"""The gallery's examples: scripts that run by themselves, as notebooks, and as `thalweg gallery`.

They stand in `docs/examples`, from where the wheel takes them along. Each opens with a title,
prints what it found and draws with matplotlib.
"""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["data", "has_windows", "names", "path", "run", "title"]

_HERE = Path(__file__).parent
_SOURCE = _HERE.parents[1]  # of a checkout; holds nothing of ours elsewhere


def _folder() -> Path:
    installed = _HERE / "examples"
    return installed if installed.is_dir() else _SOURCE / "docs" / "examples"


def names() -> list[str]:
    """Names of the examples.

    Returns
    -------
    list of str
        In alphabetical order; empty where the package came without them.

    Examples
    --------
    >>> from thalweg import gallery
    >>> "omega" in gallery.names()
    True
    """
    return sorted(file.stem for file in _folder().glob("*.py"))


def path(name: str) -> Path:
    """The script of an example.

    Raises
    ------
    ValueError
        If there is none of that name; the message has the nearest one.
    """
    if name not in names():
        from difflib import get_close_matches

        near = get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names())}"
        raise ValueError(f"unknown example {name!r}; {hint}")
    return _folder() / f"{name}.py"


def title(name: str) -> str:
    """The first line of an example's text.

    Examples
    --------
    >>> from thalweg import gallery
    >>> gallery.title("omega")
    'The omega constant, and what its learning rates do'
    """
    text = ast.get_docstring(ast.parse(path(name).read_text("utf-8"))) or name
    return text.splitlines()[0]


def data(file: str) -> Path:
    """A file of data that an example reads: `advertising.csv`.

    Raises
    ------
    FileNotFoundError
        If there is none of that name.

    Examples
    --------
    >>> from thalweg import gallery
    >>> gallery.data("advertising.csv").name
    'advertising.csv'
    """
    for folder in (_folder(), _SOURCE / "tests" / "data"):
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(f"the gallery has no data {file!r}")


def has_windows() -> bool:
    """Whether matplotlib can open any here: without a display it falls back to drawing in memory.

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


def run(name: str, save: str | Path | None = None, show: bool = True) -> list[Path]:
    """Run an example; its pictures are shown, or written to files.

    Parameters
    ----------
    name : str
        Of `names()`.
    save : path, optional
        Where the picture goes; of several, a number is put before the ending. Then none is shown.
    show : bool, default True
        Whether windows are opened, once the script is through.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ValueError
        If there is no example of that name.
    ImportError
        If matplotlib, or what else the example uses, is missing.
    """
    script = path(name)
    try:
        import matplotlib as mpl
        from matplotlib import pyplot as plt
    except ImportError:
        raise ImportError('the gallery needs matplotlib: pip install "thalweg[plot]"') from None
    if save is not None or not show:
        mpl.use("agg")
    real, plt.show = plt.show, lambda *_, **__: None
    try:
        with _as_a_script(script):
            runpy.run_path(str(script), run_name="__main__")
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
