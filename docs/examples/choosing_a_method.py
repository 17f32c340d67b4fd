# SPDX-License-Identifier: BSD-3-Clause
"""
Choosing a method
=================

Every method on four functions: a round bowl, a long valley, a curved one, and fifty variables of
very different scales. What it costs is counted in evaluations.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

scales = np.logspace(0, 4, 50)


def bowl(x):
    return np.sum((x - 1) ** 2)


def long_valley(x):
    return (x[0] - 1) ** 2 + 1000 * (x[1] - 1) ** 2


def curved_valley(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def many_scales(x):
    return np.sum(scales * (np.cosh(x - 1) - 1))


problems = {
    "bowl": (bowl, np.zeros(2), 0.4),
    "long valley": (long_valley, np.zeros(2), 0.0009),
    "curved valley": (curved_valley, np.array([-1.2, 1.0]), 0.001),
    "fifty scales": (many_scales, np.zeros(50), 0.0001),
}

# %%
# Rules need a learning rate: those of gradient descent are near the largest that the function
# allows; the others take 0.05, a step that suits variables of size one. Solvers find their own
# steps.

rules = ("gradient_descent", "momentum", "nesterov", "adam", "rprop")
solvers = ("compass", "steepest", "cg", "bfgs", "lbfgs", "newton", "newton_cg")
counts = np.full((len(rules) + len(solvers), len(problems)), np.nan)
for j, (f, start, rate) in enumerate(problems.values()):
    F = tw.objective(f, start)
    for i, method in enumerate((*rules, *solvers)):
        hyper = {}
        if method in ("gradient_descent", "momentum", "nesterov"):
            hyper["learning_rate"] = rate if method == "gradient_descent" else 0.2 * rate
        elif method in rules:
            hyper["learning_rate"] = 0.05
        result = tw.minimize(F, start, method, gtol=1e-6, max_iter=20_000, max_nfev=20_000, **hyper)
        if np.max(np.abs(result.x - 1)) < 1e-4:
            counts[i, j] = result.nfev

print(f"{'evaluations':<18}", *(f"{name:>14}" for name in problems))
for method, row in zip((*rules, *solvers), counts, strict=True):
    print(f"{method:<18}", *(f"{'-':>14}" if np.isnan(n) else f"{n:>14.0f}" for n in row))

# %%
# A dash, or a missing bar, means that it was not within 1e-4 of the minimum after 20,000
# evaluations.

fig, ax = plt.subplots(figsize=(9, 4.8), layout="constrained")
place = np.arange(len(counts))
for j, (name, hatch) in enumerate(zip(problems, ("", "//", "..", "xx"), strict=True)):
    ax.bar(place + 0.2 * (j - 1.5), counts[:, j], 0.2, label=name, hatch=hatch, edgecolor="white")
ax.set_yscale("log")
ax.set_ylabel("evaluations")
ax.set_xticks(place, (*rules, *solvers), rotation=35, ha="right")
ax.legend(fontsize="small")
plt.show()

# %%
# An evaluation is value and gradient; Newton's methods also use second derivatives, which cost more
# the more variables there are, and the pattern search no derivative at all.
#
# So:
#
# * `lbfgs`, the default, for almost everything;
# * `newton` for up to some hundred variables whose scales differ, `newton_cg` for more;
# * `adam` and its kin where values are noisy: training on minibatches;
# * `tw.least_squares` and `tw.curve_fit` where the function is a sum of squares;
# * `gradient_descent` to understand, `compass` where there are no derivatives.
