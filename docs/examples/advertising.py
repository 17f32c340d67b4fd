# SPDX-License-Identifier: BSD-3-Clause
"""
Least squares on data: advertising and sales
============================================

Sales in 200 markets against the money spent on television: a line, by gradient descent and exactly.

Data: G. James, D. Witten, T. Hastie, R. Tibshirani, *An Introduction to Statistical Learning*.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw
from thalweg import gallery

table = np.genfromtxt(gallery.data("advertising.csv"), delimiter=",", names=True)
tv, sales = table["TV"], table["sales"]
print(len(sales), "markets")

# %%
# By descent
# ----------
#
# The budgets run from 1 to 300, so the cost is much steeper along the slope of the line than along
# its height. If budgets are measured from their mean, in units of their spread, both are alike, and
# the descent is quick.

budget = (tv - tv.mean()) / tv.std()


def cost(m, b):
    """Half the mean squared residual of the line ``sales = m * budget + b``."""
    return np.mean((m * budget + b - sales) ** 2) / 2


result = tw.minimize(cost, (0.0, 0.0), "gradient_descent", learning_rate=0.3, record=True)
print(result)
slope = result.x[0] / tv.std()
height = result.x[1] - slope * tv.mean()
print(f"\nsales = {slope:.10f} * TV + {height:.9f}")

# %%
# Exactly
# -------
#
# The gradient set to zero is a pair of linear equations; `tw.curve_fit` finds their solution in one
# step, and says how sure it is.

(m, b), covariance = tw.curve_fit(lambda x, m, b: m * x + b, tv, sales)
errors = np.sqrt(np.diag(covariance))
print(f"sales = {m:.10f} * TV + {b:.9f}")
print(f"      +- {errors[0]:.7f}         +- {errors[1]:.6f}")

fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), width_ratios=(2, 3), layout="constrained"
)
tw.plot.contours(cost, result, ax=left)
right.plot(tv, sales, "o", markersize=3.5, alpha=0.7, label="markets")
right.plot([0, 300], [b, 300 * m + b], color="#D55E00", linewidth=2, label="least squares")
right.set(xlabel="TV advertising", ylabel="sales")
right.legend()
plt.show()

# %%
# Without the change of units
# ---------------------------
#
# On the budgets as they are, the descent diverges with a rate above 2 over the largest curvature.
# With a smaller rate the steps of the height are far too short: the ratio of the curvatures says
# how many it needs.

F = tw.objective(lambda m, b: np.mean((m * tv + b - sales) ** 2) / 2, (0.0, 0.0))
curvatures = np.linalg.eigvalsh(F.hessian((0.0, 0.0)))
limit = 2 / curvatures[-1]
print(f"curvatures {curvatures}, ratio {curvatures[-1] / curvatures[0]:.0f}")
for rate in (1.05 * limit, 0.5 * limit):
    raw = tw.minimize(F, (0.0, 0.0), "gradient_descent", learning_rate=rate, max_iter=1000)
    print(f"rate {rate:.3g}: m = {raw.last.x[0]:.6g}, b = {raw.last.x[1]:.6g}  ({raw.message})")
