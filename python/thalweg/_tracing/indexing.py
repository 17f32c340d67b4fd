# SPDX-License-Identifier: BSD-3-Clause
"""Index traced values like arrays: basic indices give a view, arrays and masks a gather."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg._tracing.errors import TraceError, cannot_trace
from thalweg._tracing.registry import refuse_masked

if TYPE_CHECKING:
    from thalweg._tracing.tracer import Tracer


def indexed(x: Tracer, index: Any) -> Tracer:
    """Index like NumPy: basic indices give a view, arrays and masks a gather."""
    items = index if isinstance(index, tuple) else (index,)
    for item in items:
        if isinstance(item, np.ma.MaskedArray):
            refuse_masked(item)
    if isinstance(index, str):
        raise cannot_trace(
            f"x[{index!r}]",
            "an array has no named columns.",
            "Write x[:, k], or start from a dict, so that f(p) can use p['name'].",
        )
    if all(
        i is None
        or (isinstance(i, int | np.integer | slice | EllipsisType) and not isinstance(i, bool))
        for i in items
    ):
        dummy = x.trace.dummy(x.shape)[0]
        if not any(i is Ellipsis for i in items):
            items = (*items, Ellipsis)  # makes a single element an array without axes
        return x.trace.as_view(x, dummy[items])
    return x.trace.gather(x, np.asarray(x.trace.positions(x.shape)[index]))


def traced_index(mask: bool) -> TraceError:
    """Build the error for a traced index, or a traced mask."""
    if mask:
        better = "Write np.where(mask, x, 0), whose shape does not depend on the mask."
    else:
        better = "An index must be a number; np.where selects between values."
    why = "the selected elements are not known yet."
    return cannot_trace("x[index] with a traced index", why, better)
