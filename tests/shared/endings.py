# SPDX-License-Identifier: BSD-3-Clause
"""What the messages of results say, checked by the numbers in them."""

import re

INEQUALITY = re.compile(
    r"(-?[\d.]+(?:e[+-]?\d+)?) (<=|>=|>) (?:max_\w+ = )?(-?[\d.]+(?:e[+-]?\d+)?)"
)


def inequality_holds(message):
    """Whether the message's inequality is true; None where it has none."""
    found = INEQUALITY.search(message)
    if found is None:
        return None
    left, sign, right = float(found[1]), found[2], float(found[3])
    return {"<=": left <= right, ">=": left >= right, ">": left > right}[sign]
