# SPDX-License-Identifier: BSD-3-Clause
"""
Least squares, exactly and by descent: power lines
==================================================

Find the straight line that misses three houses by as little as possible: set the gradient of the
sum of squares to zero, or walk down.

The houses stand at (1, 2), (2, 5) and (3, 3), the connection is the line y = m x + b, and
its cost is the sum of the squared distances, measured along y.
"""

import matplotlib.pyplot as plt
import numpy as np
import sympy

import thalweg as tw

houses = np.array([[1, 2], [2, 5], [3, 3]])


def cost(m, b):
    return sum((m * x + b - y) ** 2 for x, y in houses)


F = tw.objective(cost, [0.0, 0.0])
formula = tw.formula(F)
print(formula)
print("=", sympy.expand(formula))

# %%
# The gradient set to zero
# ------------------------
#
# The cost is quadratic, so the partial derivatives are linear, and two linear equations give the
# line.

m, b = sympy.symbols("m b")
slopes = [sympy.expand(s) for s in tw.formula(F.grad)]
exact = sympy.solve(slopes, [m, b])
print("slopes: ", *slopes, sep="   ")
print("both are zero at", exact, "with cost", formula.subs(exact))

# %%
# By descent
# ----------

result = tw.minimize(
    F, [0.0, 0.0], "gradient_descent", learning_rate=0.03, max_iter=5000, record=True
)
print(result.x, result.fun, "after", result.nit, "steps")
at_once = tw.minimize(F, [0.0, 0.0], "newton")
print(at_once.x, at_once.fun, "after", at_once.nit, "by Newton's method: the cost is quadratic")

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
tw.plot.contours(F, result, bounds=[(-1.5, 2.5), (-1, 4)], ax=left)
right.plot(*houses.T, "o", label="houses")
for step in (0, 1, 5, 100, result.nit):
    slope, height = result.path.x[step]
    right.plot([0, 4], [height, 4 * slope + height], label=f"after {step} steps", linewidth=1)
right.set(xlabel="x", ylabel="y", ylim=(-0.5, 6))
right.legend(fontsize="small")
plt.show()

# %%
# One house after another
# -----------------------
#
# With one house the cost is zero along a whole line of (m, b): every connection through the house
# has no error. With two houses one point remains, and with three the least cost is above zero.


def cost_of_the_first(count):
    return lambda m, b: sum((m * x + b - y) ** 2 for x, y in houses[:count])


fig, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for count, ax in enumerate(axes, 1):
    G = tw.objective(cost_of_the_first(count), [0.0, 0.0])
    tw.plot.contours(G, bounds=[(-3, 5), (-4, 6)], ax=ax)
    best = tw.minimize(G, [0.0, 0.0])
    flat = np.linalg.eigvalsh(G.hessian(best.x))[0]
    ax.set_title(
        f"{count}: least cost {best.fun:.2f}, least curvature {flat:.2f}", fontsize="small"
    )
    print(f"{count} houses: least cost {best.fun:.6f}, least curvature {flat:.6f}")
plt.show()
