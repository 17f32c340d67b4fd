# SPDX-License-Identifier: BSD-3-Clause
"""Describe this installation: versions, instruction sets, cores and optional packages.

Optional packages are looked up, not imported.
"""

import os
import platform
from typing import Any

from thalweg import _core
from thalweg._version import __version__

__all__ = ["config", "show_config"]

OPTIONAL_PARTS = ("matplotlib", "rich", "scipy", "sympy", "dask", "pandas")


def _version(distribution: str) -> str | None:
    from importlib import metadata  # takes longer than the rest of `import thalweg`

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def config() -> dict[str, Any]:
    """Return versions, instruction sets, cores and optional packages as a dictionary.

    Returns
    -------
    dict
        `version`, `instruction_set` (the one in use), `supported_instruction_sets`,
        `machine_code` (whether objectives become machine code here), `cores`, `python`,
        `platform`, `numpy`, and `optional`, a dict from name to version, which is None for a
        package that is not installed.

    Examples
    --------
    >>> from thalweg._config import config
    >>> "baseline" in config()["supported_instruction_sets"]
    True
    """
    return {
        "version": __version__,
        "instruction_set": _core.active_isa(),
        "supported_instruction_sets": list(_core.supported_isas()),
        "machine_code": _core.machine_code(),
        "cores": _cores(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "numpy": _version("numpy"),
        "optional": {name: _version(name) for name in OPTIONAL_PARTS},
    }


def lines() -> list[tuple[str, str]]:
    """Return the content of `config` as rows of name and text."""
    c = config()
    return [
        ("thalweg", c["version"]),
        ("instruction set", c["instruction_set"]),
        ("supported", ", ".join(c["supported_instruction_sets"])),
        ("machine code", "yes" if c["machine_code"] else "no"),
        ("cores", str(c["cores"])),
        ("python", f"{c['python']} on {c['platform']}"),
        ("numpy", c["numpy"] or "not installed"),
        *((name, version or "not installed") for name, version in c["optional"].items()),
    ]


def show_config() -> None:
    """Print versions, instruction sets, cores and optional packages, as a bug report needs them.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.show_config()
    thalweg ...
    """
    rows = lines()
    width = max(len(name) for name, _ in rows)
    print("\n".join(f"{name:<{width}}  {text}" for name, text in rows))  # noqa: T201 - its purpose
