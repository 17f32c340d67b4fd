# SPDX-License-Identifier: BSD-3-Clause
"""
The coolest place in a sauna
============================

A minimum of a function of two variables, found twice: by setting the gradient to zero, and by
walking down.

The room is a square of 5 metres, and its temperature is 85 − x² (x − 6) y² (y − 6) / 90 degrees.
"""

import matplotlib.pyplot as plt
import numpy as np
import sympy

import thalweg as tw


def temperature(x, y):
    return 85 - x**2 * (x - 6) * y**2 * (y - 6) / 90


room = [(0, 5), (0, 5)]
F = tw.objective(temperature, [0.5, 0.6])

fig = plt.figure(figsize=(6.4, 5), layout="constrained")
tw.plot.surface(F, bounds=room, ax=fig.add_subplot(projection="3d"))
plt.show()

# %%
# The gradient set to zero
# ------------------------
#
# Both partial derivatives are products, so it can be seen where they vanish.

x, y = sympy.symbols("x y")
slope_x, slope_y = tw.formula(F.grad)
print("along x:", slope_x)
print("along y:", slope_y)

candidates = sympy.solve([slope_x, slope_y], [x, y])
print("both vanish at", candidates)

# %%
# On the lines x = 0 and y = 0 it is as warm as it gets; (6, 6) lies outside the room. At (4, 4) the
# function curves upwards in every direction: all eigenvalues of the Hessian are positive.

print("on the lines:", F(0, 3), F(2, 0))
at = [4.0, 4.0]
print("gradient:   ", F.grad(at))
print("eigenvalues:", np.linalg.eigvalsh(F.hessian(at)))
print("temperature:", F(at))

# %%
# Step by step
# ------------
#
# A step of gradient descent goes against the gradient, by the learning rate times its length. The
# first two from (0.5, 0.6):

start = [0.5, 0.6]
print("gradient at the start:", F.grad(start))


def walk(start, learning_rate, steps):
    """So many steps, whatever comes of them."""
    return tw.minimize(
        F,
        start,
        "gradient_descent",
        learning_rate=learning_rate,
        max_iter=steps,
        gtol=0,
        record=True,
    )


slow = walk(start, 0.05, 2)
for point in slow.path.x:
    print(point)

# %%
# How large a step?
# -----------------
#
# Too small a rate has not arrived after 20 steps, too large a one bounces about the minimum, and
# the same small rate is enough for a start that is closer.

walks = {
    "rate 0.25, 30 steps": walk(start, 0.25, 30),
    "rate 0.15, 20 steps: too small": walk(start, 0.15, 20),
    "rate 0.5, 20 steps: too large": walk(start, 0.5, 20),
    "rate 0.15, 20 steps, from (3.5, 3.6)": walk([3.5, 3.6], 0.15, 20),
}
for name, result in walks.items():
    print(f"{name:<38} ends at {result.last.x.round(6)}, {result.last.fun:.6f} degrees")

fig, axes = plt.subplots(2, 2, figsize=(9, 8), layout="constrained")
for ax, (name, result) in zip(axes.flat, walks.items(), strict=True):
    tw.plot.contours(F, result, bounds=room, ax=ax)
    ax.set_title(name, fontsize="medium")
plt.show()

# %%
# The arrows of the negative gradient show why: where the function is flat they are short, and so
# are the steps.

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
tw.plot.field(F, bounds=room, downhill=True, ax=ax)
plt.show()

# %%
# A method that chooses its own steps needs no learning rate. It does need the walls: outside the
# room the formula falls without end, and a long first step gets there.

result = tw.minimize(F, start, bounds=room)
print(result.x.round(9), "after", result.nit, "iterations:", result.message)
print("without walls:", tw.minimize(F, start).message)
