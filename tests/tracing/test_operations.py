# SPDX-License-Identifier: BSD-3-Clause
"""The core's list of operations by NumPy's ufuncs, and strides of arrays in C order."""

import math

import numpy as np
import pytest

from thalweg import _core
from thalweg._tracing.operations import BOOLEAN, CODES, OPCODE, OPERATIONS, contiguous


def test_codes_are_positions_in_the_cores_list():
    names = [o["name"] for o in _core.operations()]
    assert [names[code] for code in OPCODE.values()] == list(OPCODE)
    assert len(BOOLEAN) == len(OPERATIONS) == len(names)


def test_every_ufunc_of_an_operations_name_is_that_operation():
    """But for power, whose exponent decides whether it is a square or a root."""
    ufuncs = {n for n in OPCODE if isinstance(getattr(np, n, None), np.ufunc)}
    known = {f.__name__: code for f, code in CODES.items() if getattr(np, f.__name__, None) is f}
    assert set(known) == ufuncs - {"power"}
    for name, code in known.items():
        assert OPERATIONS[code]["name"] == name
        assert OPERATIONS[code]["arity"] == getattr(np, name).nin


def test_operations_are_boolean_where_numpys_values_are():
    for ufunc, code in CODES.items():
        if getattr(np, ufunc.__name__, None) is ufunc:
            with np.errstate(divide="ignore"):  # arctanh
                value = ufunc(*[np.float64(1.0)] * ufunc.nin)
            assert BOOLEAN[code] == (value.dtype == np.bool_), ufunc.__name__


@pytest.mark.parametrize("shape", [(), (5,), (1,), (2, 3), (3, 1, 2), (4, 3, 2, 5)])
def test_strides_are_numpys_for_bytes(shape):
    strides = contiguous(shape)
    assert strides == np.empty(shape, np.int8).strides or math.prod(shape) == 1
    for k, at in enumerate(np.ndindex(*shape)):
        assert sum(i * s for i, s in zip(at, strides, strict=True)) == k
