# SPDX-License-Identifier: BSD-3-Clause
"""Write and read nested values as plain arrays and a JSON header in one npz file.

The header names the format, its version and the kind of what is saved; where a value is an array,
it names the member that holds it. Nothing in a file is ever run: arrays of objects are refused, and
so is a file in which anything is missing, too much or changed.
"""

from __future__ import annotations

import json
import os
import zipfile
from math import isfinite
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["BadFileError", "Saved", "read", "write"]

_FORMAT, _VERSION, _HEADER = "thalweg", 1, "thalweg"


class BadFileError(ValueError):
    """A file is not one that this version of thalweg can read."""


class Saved(NamedTuple):
    """What a file holds: the name of its kind, and its value, made of dicts, lists and arrays."""

    kind: str
    value: Any


# ---- writing


def write(file: Any, saved: Saved) -> None:
    """Write to a path, which is replaced only once all is written, or to a binary file."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    value = _encoded(saved.value, "", arrays)
    header = {"format": _FORMAT, "version": _VERSION, "kind": saved.kind, "value": value}
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    members: dict[str, Any] = {_HEADER: np.frombuffer(text, dtype=np.uint8), **arrays}
    if hasattr(file, "write"):
        np.savez(file, **members)
        return
    path = Path(os.fspath(file))
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as out:
            np.savez(out, **members)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _encoded(value: Any, place: str, arrays: dict[str, npt.NDArray[Any]]) -> Any:
    """Return a value as JSON, in which arrays are the names of members."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"{place} cannot be saved: an array of {value.dtype}")
        name = place if place.isprintable() and place not in (*arrays, _HEADER) else ""
        name = name or f"array {len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        items = [[key, _encoded(each, _below(place, key), arrays)] for key, each in value.items()]
        return {"dict": items}
    if isinstance(value, tuple | list):
        items = [_encoded(each, _below(place, i), arrays) for i, each in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, float) and not isfinite(value):
        return {"float": repr(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{place} cannot be saved: {type(value).__name__}")


def _below(place: str, key: Any) -> str:
    # The arrays of results have their own names.
    return str(key) if place in ("", "arrays") else f"{place}.{key}"


# ---- reading


def read(file: Any) -> Saved:
    """Read what `write` wrote, and check that all of it is there and nothing else.

    Raises
    ------
    BadFileError
        If it is another file, is damaged, or comes from a newer version.
    FileNotFoundError
        If there is no file.
    """
    what = "the file" if hasattr(file, "read") else repr(os.fspath(file))
    members = _members(file, what)
    if _HEADER not in members:
        raise BadFileError(f"{what} was not saved by thalweg: it has no header")
    header = _header(members.pop(_HEADER), what)
    try:
        value = _decoded(header["value"], members)
    except _FaultError as fault:
        raise BadFileError(f"{what} is damaged: {fault}") from None
    if members:
        raise BadFileError(f"{what} is damaged: its header knows nothing of {', '.join(members)}")
    return Saved(header["kind"], value)


class _FaultError(Exception):
    """What is wrong with a header."""


def _members(file: str | os.PathLike[str] | IO[bytes], what: str) -> dict[str, Any]:
    """Return all arrays of a file; reading them checks their sums."""
    try:
        opened: Any = np.load(file, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise BadFileError(f"{what} was not saved by thalweg: it holds one array")
        with opened as archive:
            return {name: archive[name] for name in archive.files}
    except (FileNotFoundError, IsADirectoryError, PermissionError, BadFileError):
        raise
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError, OSError, MemoryError) as error:
        raise BadFileError(f"{what} is not an npz file, or it is damaged: {error}") from None
    except Exception as error:  # what zlib and NumPy's headers raise of a changed byte differs
        raise BadFileError(f"{what} is damaged: {error}") from None


def _header(member: Any, what: str) -> dict[str, Any]:
    """Return the header, once format, version and kind are known."""
    foreign = BadFileError(f"{what} was not saved by thalweg: its header is another's")
    if member.dtype != np.uint8 or member.ndim != 1:
        raise foreign
    try:
        header = json.loads(member.tobytes().decode(), parse_constant=_refused)
    except (ValueError, RecursionError):
        raise BadFileError(f"{what} is damaged: its header cannot be read") from None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise foreign
    version = header.get("version")
    if type(version) is not int or version < 1:
        raise BadFileError(f"{what} is damaged: its version is {version!r}")
    if version > _VERSION:
        raise BadFileError(
            f"{what} was saved by a newer thalweg, in version {version} of the format; this one "
            f"reads up to version {_VERSION}: update it"
        )
    if set(header) != {"format", "version", "kind", "value"} or type(header["kind"]) is not str:
        raise BadFileError(f"{what} is damaged: its header is not complete")
    return header


def _refused(word: str) -> Any:
    raise ValueError(word)


def _decoded(value: Any, members: dict[str, Any]) -> Any:
    """Return a value in which the arrays, taken out of `members`, are in their places."""
    if isinstance(value, list):
        return [_decoded(each, members) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise _FaultError("its header has an entry of no kind")
    ((kind, inner),) = value.items()
    match kind, inner:
        case "array", str():
            if inner not in members:
                raise _FaultError(f"the array {inner!r} is missing")
            return members.pop(inner)
        case "dict", list() if all(_is_pair(each) for each in inner):
            return {key: _decoded(each, members) for key, each in inner}
        case "tuple", list():
            return tuple(_decoded(each, members) for each in inner)
        case "float", ("nan" | "inf" | "-inf"):
            return float(inner)
    raise _FaultError(f"its header has an entry of no kind, {kind!r}")


def _is_pair(each: Any) -> bool:
    return isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)
