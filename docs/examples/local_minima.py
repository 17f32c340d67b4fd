# SPDX-License-Identifier: BSD-3-Clause
"""
Local minima and basins
=======================

A descent ends in the valley in which it starts. Starting from many points finds the others.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw


def walk(f, start, learning_rate, steps):
    """So many steps, whatever comes of them."""
    return tw.minimize(
        f,
        start,
        "gradient_descent",
        learning_rate=learning_rate,
        max_iter=steps,
        gtol=0,
        record=True,
    )


# %%
# Waves
# -----


def waves(x):
    return (np.exp(x) - np.log(x)) * np.sin(2 * np.pi * x)


walks = {start: walk(waves, start, 0.005, 35) for start in (0.25, 1.3)}
for start, result in walks.items():
    print(f"from {start}: x = {result.last.x:.16g}, f = {result.last.fun:.6f}")

fig, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
tw.plot.curve(waves, {f"from {s}": r for s, r in walks.items()}, bounds=(0.05, 2), ax=ax)
plt.show()

# %%
# Three wells
# -----------


def wells(x, y):
    deep = 10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
    narrow = 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
    wide = 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2)
    return 10 - (deep + narrow + wide)


box = [(0, 5), (0, 5)]
walks = {
    "from (0.5, 3)": walk(wells, [0.5, 3], 0.2, 100),
    "from (2, 3)": walk(wells, [2, 3], 0.2, 20),
    "from (4, 0.5)": walk(wells, [4, 0.5], 0.2, 20),
}
for name, result in walks.items():
    print(f"{name:<14} to {result.last.x}, f = {result.last.fun:.6f}")

fig = plt.figure(figsize=(11, 4.6), layout="constrained")
tw.plot.contours(wells, walks, bounds=box, ax=fig.add_subplot(1, 2, 1))
tw.plot.surface(wells, walks, bounds=box, ax=fig.add_subplot(1, 2, 2, projection="3d"))
plt.show()

# %%
# From everywhere
# ---------------
#
# A thousand starts, spread evenly over the box, find every well, and show how many end in each.
# Ends that agree are one minimum; the signs of the curvatures distinguish minima from saddles.

found = tw.multistart(wells, box, n=1000)
for x, value, count in zip(found.x, found.fun, found.counts, strict=True):
    print(f"{x} f = {value:.9f}, from {count} starts")
print("the lowest:", found.best.x, found.best.fun)

# %%
# Which start ends where is a map: the basins. Those of gradient descent are bounded by the ridges.
# A solver makes longer steps at first, some of which cross a ridge.

fig, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for ax, (method, hyper) in zip(
    axes, {"gradient_descent": {"learning_rate": 0.2}, "lbfgs": {}}.items(), strict=True
):
    basins = tw.basins(wells, box, (300, 300), method, max_iter=300, **hyper)
    tw.plot.basins(basins, ax=ax)
    ax.set_title(method, fontsize="medium")
    shares = [np.mean(basins.labels == i) for i in range(len(basins.minima))]
    print(f"{method:<17}", *(f"{share:.1%}" for share in shares))
plt.show()

# %%
# The waves have more minima than two. (At the left end of the box the wave goes on falling: there a
# bound holds it.)

found = tw.multistart(waves, (0.001, 2), n=1000)
for x, value, count in zip(found.x, found.fun, found.counts, strict=True):
    print(f"x = {x:.9f}, f = {value:.6f}, from {count} starts")
