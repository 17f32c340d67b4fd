# SPDX-License-Identifier: BSD-3-Clause
"""Define the result arrays of many fits, fill them for failed fits, and merge better results."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from thalweg._fits.soundness import again, better
from thalweg._results.reasons import STATUS_MANY, SUCCESS, Reason

__all__ = [
    "AGAIN", "CONVERGED", "SIDES", "Arrays", "bits_of", "failed", "fields_of", "put_better",
    "verdicts",
]  # fmt: skip

Arrays = dict[str, npt.NDArray[Any]]

_STATUS = np.array(STATUS_MANY, dtype=np.int8)
CONVERGED = np.array(SUCCESS)
# Whether a fit that is not sound starts again, by the reason why it ended.
AGAIN = np.array([again(reason) for reason in Reason])

# The sides of the inequality that ended a fit, and its undetermined parameters: bit i stands for
# the i-th free parameter, as far as the bits of a double suffice. `flat` is the cost of the best
# constant.
SIDES = ("left", "right", "open", "flat")
_BITS = 52


def verdicts(reason: npt.NDArray[np.int8]) -> Arrays:
    """Return the reasons with the success and status that follow from them."""
    return {"success": CONVERGED[reason], "status": _STATUS[reason], "reason": reason}


def fields_of(p: int) -> dict[str, tuple[tuple[int, ...], type]]:
    """Return the shape and dtype of each result array for one fit."""
    return {
        "popt": ((p,), np.float64), "pcov": ((p, p), np.float64), "perr": ((p,), np.float64),
        "cost": ((), np.float64), "success": ((), np.bool_), "status": ((), np.int8),
        "reason": ((), np.int8), "nit": ((), np.int64), "nfev": ((), np.int64),
        "n_missing": ((), np.int64), "determined": ((), np.bool_), "worse": ((), np.bool_),
    }  # fmt: skip


def failed(k: int, p: int, reason: Reason) -> Arrays:
    """Return the results of fits that were not made."""
    arrays: Arrays = {}
    for name, (own, kind) in fields_of(p).items():
        arrays[name] = np.full((k, *own), np.nan if kind is np.float64 else 0, dtype=kind)
    for name in SIDES:
        arrays[name] = np.full(k, np.nan)
    arrays["open"][:] = 0.0
    return arrays | verdicts(np.full(k, reason, dtype=np.int8))


def put_better(best: Arrays, part: Arrays, lanes: npt.NDArray[np.intp]) -> None:
    """Replace endings by better ones of a later try; evaluations add up."""
    total = best["nfev"][lanes] + part["nfev"]
    which = better(
        CONVERGED[part["reason"]], part["cost"], CONVERGED[best["reason"][lanes]],
        best["cost"][lanes],
    )  # fmt: skip
    for name, values in part.items():
        best[name][lanes[which]] = values[which]
    best["nfev"][lanes] = total


def bits_of(which: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Encode which of the parameters (k, n) are selected as the bits of numbers (k,)."""
    numbers: npt.NDArray[np.float64] = np.zeros(len(which))
    (some,) = np.nonzero(which.any(axis=1))
    bits = 2.0 ** np.arange(min(which.shape[1], _BITS))
    numbers[some] = (which[some, :_BITS] * bits).sum(axis=1)
    return numbers
