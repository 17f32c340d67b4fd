# SPDX-License-Identifier: BSD-3-Clause
"""Words of the command line: expressions, starts, bounds, shapes and ranges."""

import json

from command_cases import GD, fields, run


def test_starts_may_be_expressions_and_expressions_may_begin_with_a_minus(capsys):
    status, out, _ = run(capsys, "minimize", "-cos(x)", "--start", "x=pi/8", *GD, "0.5")
    assert status == 0
    assert abs(float(fields(out)["x"])) < 1e-7
    assert run(capsys, "minimize", "-x * (1 - x)", "--start", "x=-1", *GD, "0.4")[0] == 0


def test_bounds_hold(capsys):
    words = ["minimize", "x + y**2", "--start", "x=2", "--start", "y=1", *GD, "0.1"]
    status, out, _ = run(capsys, *words, "--bounds", "x=0.5:", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["x"]["x"] == 0.5
    assert told["active_mask"] == {"x": -1, "y": 0}
    assert run(capsys, "minimize", "x", "--start", "x=0", *GD, 1, "--bounds", "x=-3:1")[0] == 0
