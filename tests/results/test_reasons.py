# SPDX-License-Identifier: BSD-3-Clause
"""Reasons: numbered as in the core, printed by name, with a success and SciPy's codes."""

import json
import pickle

import numpy as np
import pytest

from thalweg import _core
from thalweg._results.reasons import (
    STATUS_LEAST_SQUARES,
    STATUS_MANY,
    STATUS_MINIMIZE,
    SUCCESS,
    Reason,
)


def test_reasons_are_numbered_in_order_and_print_their_names():
    names = [
        "gradient_small", "step_small", "value_settled", "precision_limit", "max_iterations",
        "max_evaluations", "max_time", "diverged", "left_domain", "non_finite",
        "stopped_by_callback", "interrupted", "stuck", "kink", "not_run",
    ]  # fmt: skip
    assert [str(r) for r in Reason] == names
    assert [int(r) for r in Reason] == list(range(15))
    assert f"{Reason.stuck}" == "stuck"
    assert f"{Reason.stuck:>6}" == " stuck"
    assert json.dumps(Reason.diverged) == "7"
    assert pickle.loads(pickle.dumps(Reason.diverged)) is Reason.diverged


# Reason: success, status in minimize, in least squares, in *_many: docs/lists/endings.md.
TABLE = {
    "gradient_small": (True, 0, 1, 0), "value_settled": (True, 0, 2, 0),
    "step_small": (True, 0, 3, 0), "precision_limit": (True, 0, 2, 0),
    "max_iterations": (False, 1, 0, -2), "max_evaluations": (False, 1, 0, -2),
    "max_time": (False, 1, 0, -2), "stuck": (False, 2, -3, -1), "diverged": (False, 2, -3, -1),
    "kink": (True, 0, 2, 0),
    "non_finite": (False, 3, -3, -3), "left_domain": (False, 3, -3, -3),
    "stopped_by_callback": (False, 99, -2, -4), "interrupted": (False, 99, -2, -4),
    "not_run": (False, 99, -2, -4),
}  # fmt: skip


@pytest.mark.parametrize("reason", Reason)
def test_success_and_status_of_every_reason(reason):
    tables = (SUCCESS, STATUS_MINIMIZE, STATUS_LEAST_SQUARES, STATUS_MANY)
    assert tuple(table[reason] for table in tables) == TABLE[str(reason)]
    assert reason.success == SUCCESS[reason]


def test_tables_are_indexed_by_arrays_of_reasons():
    lanes = np.array([0, 7, 4], dtype=np.int8)
    assert np.array(STATUS_MANY)[lanes].tolist() == [0, -1, -2]


def test_reasons_are_the_cores():
    assert [*_core.reasons(), "not_run"] == [reason.name for reason in Reason]


def test_a_number_without_a_reason_is_refused():
    for number in (-1, len(Reason)):
        with pytest.raises(ValueError, match=f"{number} is not a valid Reason"):
            Reason(number)


def test_successes_have_the_status_of_a_success_everywhere():
    for reason in Reason:
        assert SUCCESS[reason] == (STATUS_MINIMIZE[reason] == 0)
        assert SUCCESS[reason] == (STATUS_LEAST_SQUARES[reason] > 0)
        assert SUCCESS[reason] == (STATUS_MANY[reason] == 0)
