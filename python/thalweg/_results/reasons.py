# SPDX-License-Identifier: BSD-3-Clause
"""List the reasons why a descent ends, the same for every method, with SciPy's status codes.

The core numbers the reasons in this order; the last, `not_run`, stands for what it was never given.
Results of many descents hold them as int8, so the tables below are indexed by a reason or by an
array of reasons.
"""

from enum import IntEnum

__all__ = [
    "STATUS_LEAST_SQUARES",
    "STATUS_MANY",
    "STATUS_MINIMIZE",
    "SUCCESS",
    "Reason",
]


class Reason(IntEnum):
    """The reason why a descent ended, an integer with a name.

    Examples
    --------
    >>> from thalweg._results.reasons import Reason
    >>> reason = Reason(4)
    >>> print(reason)
    max_iterations
    >>> reason == Reason.max_iterations, reason.success
    (True, False)
    """

    gradient_small = 0
    step_small = 1
    value_settled = 2
    precision_limit = 3
    max_iterations = 4
    max_evaluations = 5
    max_time = 6
    diverged = 7
    left_domain = 8
    non_finite = 9
    stopped_by_callback = 10
    interrupted = 11
    stuck = 12
    kink = 13
    not_run = 14

    def __str__(self) -> str:
        return self.name

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)

    @property
    def success(self) -> bool:
        """Whether the descent converged."""
        return SUCCESS[self]


# One row for each reason, in the order above: success, then SciPy's status codes of `minimize`,
# `least_squares` and `scipy.optimize.elementwise`.
_TABLE: dict[Reason, tuple[bool, int, int, int]] = {
    Reason.gradient_small: (True, 0, 1, 0),
    Reason.step_small: (True, 0, 3, 0),
    Reason.value_settled: (True, 0, 2, 0),
    Reason.precision_limit: (True, 0, 2, 0),
    Reason.max_iterations: (False, 1, 0, -2),
    Reason.max_evaluations: (False, 1, 0, -2),
    Reason.max_time: (False, 1, 0, -2),
    Reason.diverged: (False, 2, -3, -1),
    Reason.left_domain: (False, 3, -3, -3),
    Reason.non_finite: (False, 3, -3, -3),
    Reason.stopped_by_callback: (False, 99, -2, -4),
    Reason.interrupted: (False, 99, -2, -4),
    Reason.stuck: (False, 2, -3, -1),
    Reason.kink: (True, 0, 2, 0),
    Reason.not_run: (False, 99, -2, -4),
}

SUCCESS: tuple[bool, ...] = tuple(_TABLE[r][0] for r in Reason)
STATUS_MINIMIZE: tuple[int, ...] = tuple(_TABLE[r][1] for r in Reason)
STATUS_LEAST_SQUARES: tuple[int, ...] = tuple(_TABLE[r][2] for r in Reason)
STATUS_MANY: tuple[int, ...] = tuple(_TABLE[r][3] for r in Reason)
