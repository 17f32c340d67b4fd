# SPDX-License-Identifier: BSD-3-Clause
"""Sales against TV advertising: a line fitted by gradient descent, and the picture of its path.

Data: G. James, D. Witten, T. Hastie, R. Tibshirani, An Introduction to Statistical Learning; 200
markets.
Run from anywhere: ``python docs/examples/advertising.py [picture.png]``.
"""

import sys
from pathlib import Path

import numpy as np

import thalweg as tw

data = Path(__file__).parents[2] / "tests" / "data" / "advertising.csv"
tv, _, _, sales = np.loadtxt(data, delimiter=",", skiprows=1, unpack=True)
budget = (tv - tv.mean()) / tv.std()  # a step then means the same along both variables


def cost(m, b):
    """Half the mean squared residual of the line ``sales = m * budget + b``."""
    return np.mean((m * budget + b - sales) ** 2) / 2


result = tw.minimize(cost, (0.0, 0.0), "gradient_descent", learning_rate=0.3, record=True)
print(result)

slope = result.x[0] / tv.std()
exact = np.polyfit(tv, sales, 1)
print(f"\nsales = {slope:.7f} * TV + {result.x[1] - slope * tv.mean():.6f}")
print(f"exact   {exact[0]:.7f} * TV + {exact[1]:.6f}")

picture = sys.argv[1] if len(sys.argv) > 1 else "advertising.png"
result.plot().figure.savefig(picture, dpi=150)
print(f"the descent over the cost's contours: {picture}")
