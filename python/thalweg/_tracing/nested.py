# SPDX-License-Identifier: BSD-3-Clause
"""Take nested tuples, lists and dicts apart into arrays and their form, and put them together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def taken_apart(value: Any) -> tuple[list[Any], Any]:
    """Return the arrays in nested tuples, lists and dicts, and the form without them."""
    if value is None:
        return [], None
    if isinstance(value, dict):
        parts = {key: taken_apart(item) for key, item in value.items()}
        leaves = [leaf for found, _ in parts.values() for leaf in found]
        return leaves, {key: form for key, (_, form) in parts.items()}
    if isinstance(value, tuple | list):
        several = [taken_apart(item) for item in value]
        forms = [form for _, form in several]
        leaves = [leaf for found, _ in several for leaf in found]
        if hasattr(value, "_fields"):  # a named tuple
            return leaves, type(value)(*forms)
        return leaves, type(value)(forms)
    return [value], _LEAF


class _Leaf:
    """The place of an array in a form."""

    def __repr__(self) -> str:
        return "*"


_LEAF = _Leaf()


def put_together(form: Any, leaves: Iterator[Any]) -> Any:
    if form is _LEAF:
        return next(leaves)
    if isinstance(form, dict):
        return {key: put_together(item, leaves) for key, item in form.items()}
    if isinstance(form, tuple) and hasattr(form, "_fields"):
        return type(form)(*[put_together(item, leaves) for item in form])
    if isinstance(form, tuple | list):
        return type(form)([put_together(item, leaves) for item in form])
    return None
