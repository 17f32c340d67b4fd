# SPDX-License-Identifier: BSD-3-Clause
"""
A solver inside a loop
======================

A problem that comes again and again with other numbers: trace it once, and start each time from the
last answer.

A vehicle measures its distance to four beacons, ten times a second, and wants to know where it is.
The data are made up.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

rng = np.random.default_rng(2)
beacons = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [0.0, 8.0]])
angle = np.linspace(0.0, 2 * np.pi, 200)
path = np.column_stack([5 + 3.5 * np.cos(angle), 4 + 2.5 * np.sin(2 * angle)])
ranges = np.linalg.norm(path[:, None] - beacons, axis=-1) + 0.05 * rng.normal(size=(200, 4))

# %%
# What changes from call to call goes into `args`: it is an input of the traced function. All else
# is frozen. `F.minimizer` reads the method and its settings once.


def misfit(position, measured):
    distances = np.sqrt(np.sum((position - beacons) ** 2, axis=1))
    return np.sum((distances - measured) ** 2)


F = tw.objective(misfit, [5.0, 4.0], args=(ranges[0],))
solve = F.minimizer("lbfgs", gtol=1e-6)

position = np.array([5.0, 4.0])
track, evaluations = [], []
began = time.perf_counter()
for measured in ranges:
    result = solve(position, measured)
    position = result.x
    track.append(position)
    evaluations.append(result.nfev)
seconds = time.perf_counter() - began
track = np.array(track)
print(f"{len(track)} positions, {np.mean(evaluations):.1f} evaluations each")
print(f"{1e6 * seconds / len(track):.0f} microseconds each on this machine")
print(f"root mean square error {np.sqrt(np.mean((track - path) ** 2)):.4f}, noise 0.05")

# %%
# A start from the middle of the field costs more evaluations than one from the last answer.

cold = [solve([5.0, 4.0], m) for m in ranges]
print(f"from the last answer {np.sum(evaluations)}, from the middle {sum(r.nfev for r in cold)}")
apart = max(np.abs(r.x - x).max() for r, x in zip(cold, track, strict=True))
print(f"the answers differ by {apart:.1e} at most")

fig, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
ax.plot(*path.T, color="0.7", linewidth=4, label="true path")
ax.plot(*track.T, ".-", markersize=3, linewidth=0.8, label="found")
ax.plot(*beacons.T, "^k", label="beacons")
ax.set(xlabel="x", ylabel="y", aspect="equal")
ax.legend(loc="upper center", fontsize="small")
plt.show()

# %%
# Told from outside
# -----------------
#
# Where the function lives elsewhere (in a simulator, on another machine), ask and tell turns the
# loop inside out: the method says where it wants to look, and is told what is there.

descent = tw.LBFGS().start(np.array([5.0, 4.0]), gtol=1e-6)
G = F.with_args([ranges[0]])
while (asked := descent.ask()) is not None:
    value, slope = G.value_and_grad(asked.x)  # whatever computes them
    descent.tell(value, slope)
print("asked and told:", descent.x, " minimized:", cold[0].x)
