# SPDX-License-Identifier: BSD-3-Clause
"""
Partial derivatives and tangent planes
======================================

The slope along one variable, while the others are held; and both slopes together: the gradient.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

# %%
# A bowl
# ------
#
# An objective is a function written in NumPy. It is called once with arguments that record what is
# done to them; value and gradient then run in C++.


def bowl(x, y):
    return x**2 + y**2


F = tw.objective(bowl, [0.0, 0.0])
print("value at (2, 4):   ", F(2, 4))
print("gradient at (2, 3):", F.grad([2, 3]))

# %%
# Holding y fixed leaves a function of x alone, and its slope is the partial derivative along x.

along_x = F.slice(y=4)
along_y = F.slice(x=2)
for at in (0.5, 1.0, 2.0):
    print(f"y = 4, x = {at}: slope {along_x.grad(at)}    x = 2, y = {at}: slope {along_y.grad(at)}")

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
tw.plot.slices(bowl, {"y": [0, 2, 4]}, bounds=(-3, 3), ax=left)
tw.plot.slices(bowl, {"x": [0, 2, 4]}, bounds=(-3, 3), ax=right)
plt.show()

# %%
# The tangent plane
# -----------------
#
# Value and gradient at a point make the plane that touches the surface there.

plane = tw.tangent(bowl, [2.0, 4.0])
print(plane)
print("the plane at (2.1, 4.1):   ", plane(2.1, 4.1))
print("the function at (2.1, 4.1):", F(2.1, 4.1))

fig = plt.figure(figsize=(6, 5), layout="constrained")
tw.plot.tangent(bowl, [2.0, 4.0], ax=fig.add_subplot(projection="3d"))
plt.show()

# %%
# The distance between the two shrinks with the square of the step: halving the step quarters it.

steps = 0.4 / 2.0 ** np.arange(5)
gaps = np.array([F(2 + h, 4 + h) - plane(2 + h, 4 + h) for h in steps])
for h, gap, ratio in zip(steps[1:], gaps[1:], gaps[:-1] / gaps[1:], strict=True):
    print(f"step {h:<6}  gap {gap:.6f}  {ratio:.3f} times smaller")

# %%
# Arrows
# ------
#
# The gradient at every point is a field of arrows. They point uphill, at right angles to the
# contours, and are longer where it is steeper.

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
tw.plot.field(bowl, bounds=[(-3, 3), (-3, 3)], ax=ax)
plt.show()

# %%
# Formulas
# --------
#
# With SymPy installed the derivatives can be read: they are those that the core runs.

G = tw.objective(lambda x, y: 3 * x**2 * y**3, [1.0, 1.0])
print(tw.formula(G), " has the partial derivatives ", *tw.formula(G.grad), sep="  ")
