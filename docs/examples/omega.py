# SPDX-License-Identifier: BSD-3-Clause
"""
The omega constant, and what its learning rates do
==================================================

A minimum without a formula, the learning rates that find it, and those that do not.

The function is exp(x) − log(x). Its slope, exp(x) − 1/x, vanishes in one place. No elementary
formula says where that is; the number is called the omega constant.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw


def f(x):
    return np.exp(x) - np.log(x)


F = tw.objective(f, 1.0)
print("slope at 0.05:", F.grad(0.05))


def walk(start, learning_rate, steps=25):
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


# %%
# A good rate
# -----------

good = walk(1.6, 0.1)
print("after 25 steps:", good.last.x)
print("exp(x) - 1/x there:", np.exp(good.last.x) - 1 / good.last.x)

fig, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
tw.plot.curve(F, good, bounds=(0.05, 2), ax=ax)
plt.show()

# %%
# Others
# ------
#
# The result says how a descent ended. With rate 0.5 the first step lands at a negative x, where
# there is no logarithm; with 0.04 the steps are too small for 25 of them.

walks = {
    (start, rate, steps): walk(start, rate, steps)
    for start, rate, steps in [
        (1.6, 0.3, 25),
        (1.6, 0.5, 25),
        (1.6, 0.04, 25),
        (1.6, 0.04, 75),
        (0.05, 0.1, 25),
        (0.03, 0.1, 25),
        (0.02, 0.1, 25),
    ]
}
for (start, rate, steps), result in walks.items():
    print(f"from {start:<4} rate {rate:<4} {steps} steps: x = {result.x:.16g}   {result.message}")

# %%
# Where it is steep, even a rate that is good elsewhere may jump too far: from 0.02 the slope of -49
# times 0.1 is a step of 4.9, to where the way back is steeper still and ends at a negative number.

print("from 0.02:", *walks[0.02, 0.1, 25].path.x, walks[0.02, 0.1, 25].last.x)
print("slopes:   ", F.grad(0.02), F.grad(walks[0.02, 0.1, 25].path.x[1]))
short = walk(0.05, 0.005, 2)
print("from 0.05 with rate 0.005:", *short.path.x)

fig, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for ax, (start, rate) in zip(axes, [(1.6, 0.04), (1.6, 0.3), (0.05, 0.1)], strict=True):
    tw.plot.curve(F, walks[start, rate, 25], bounds=(0.02, 2.6), ax=ax)
    ax.set_title(f"rate {rate}, from {start}", fontsize="medium")
plt.show()

# %%
# No rate is best everywhere, but one step tells how fast a descent ends: near the minimum the error
# is multiplied by 1 − rate · f''(x) in each step.

minimum = tw.minimize(F, 1.6, "newton", gtol=1e-14).x
curvature = F.hessian(minimum)
print(f"x = {minimum:.16g}, curvature {curvature:.6f}: the best rate is {1 / curvature:.6f},")
print(f"and beyond {2 / curvature:.6f} steps grow")

fig, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
for rate in (0.04, 0.1, 0.2, 0.3):
    errors = np.abs(walk(1.0, rate, 40).path.x - minimum)
    ax.semilogy(np.where(errors > 0, errors, np.nan), label=f"rate {rate}", marker=".")
ax.set(xlabel="iteration", ylabel="distance from the minimum")
ax.legend()
plt.show()

# %%
# Every rate at once
# ------------------
#
# A sweep descends with each of many rates and says what became of it: too small a rate has not
# arrived, too large a one leaves the domain.

sweep = tw.sweep(F, 1.6, learning_rate=np.geomspace(0.001, 1, 400), max_iter=100)
for verdict, count in sweep.verdict_counts.items():
    rates = sweep.learning_rate[sweep.verdict == verdict]
    print(f"{verdict!s:<12} {count:>4} rates from {rates.min():.4f} to {rates.max():.4f}")
print(f"fastest: rate {sweep.best.learning_rate:.4f}, {sweep.best.nit} iterations")

fig, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
tw.plot.sweep(sweep, ax=ax)
plt.show()
