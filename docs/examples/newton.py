# SPDX-License-Identifier: BSD-3-Clause
"""
Newton's method against gradient descent
========================================

The slope says which way is down. The curvature says how far.

Gradient descent multiplies the slope by a rate that somebody chose. Newton's method divides it by
the curvature: it goes to the lowest point of the parabola that touches the function.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw


def f(x):
    return np.exp(x) - np.log(x)


F = tw.objective(f, 1.0)
omega = 0.5671432904097838

# %%
# By hand
# -------
#
# The error of gradient descent shrinks by about the same factor in every step. That of Newton's
# method is squared: the number of right digits doubles.

by_rate, by_curvature = [1.0], [1.0]
for _ in range(7):
    x = by_rate[-1]
    by_rate.append(x - 0.1 * F.grad(x))
    x = by_curvature[-1]
    by_curvature.append(x - F.grad(x) / F.hessian(x))
print("step   gradient descent   Newton")
for step, (slow, fast) in enumerate(zip(by_rate, by_curvature, strict=True)):
    print(f"{step:>4}   {abs(slow - omega):<16.2e}   {abs(fast - omega):.2e}")

# %%
# Gradient descent uses a line and a rate, Newton's method a parabola.

at = 1.0
touching = tw.tangent(F, at)
x = np.linspace(0.15, 1.6, 200)
fig, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
tw.plot.curve(F, bounds=(0.15, 1.6), ax=ax)
ax.plot(x, touching(x), "--", color="#009E73", label="tangent")
parabola = touching(x) + F.hessian(at) * (x - at) ** 2 / 2
ax.plot(x, parabola, ":", color="#D55E00", linewidth=2, label="parabola")
ax.plot(by_curvature[1], parabola.min(), "v", color="#D55E00", label="Newton's first step")
ax.set_ylim(2, 5)
ax.legend()
plt.show()

# %%
# In two variables
# ----------------
#
# Rosenbrock's function is a curved valley with a flat floor: curvatures differ by a factor of 2500,
# and a rate that is small enough across the valley is far too small along it.


def valley(x, y):
    return 100 * (y - x**2) ** 2 + (1 - x) ** 2


start = [-1.2, 1.0]
curvatures = np.linalg.eigvalsh(tw.objective(valley, start).hessian([1.0, 1.0]))
print(
    f"curvatures at the minimum: {curvatures.round(3)}, ratio {curvatures[1] / curvatures[0]:.0f}"
)

runs = {
    "gradient_descent": tw.minimize(
        valley, start, "gradient_descent", learning_rate=0.001, max_iter=50_000, record=True
    ),
    "momentum": tw.minimize(
        valley, start, "momentum", learning_rate=0.0005, max_iter=50_000, record=True
    ),
    "lbfgs": tw.minimize(valley, start, "lbfgs", record=True),
    "newton": tw.minimize(valley, start, "newton", record=True),
}
for name, run in runs.items():
    print(f"{name:<17} {run.nit:>6} iterations, f = {run.fun:.2e}  ({run.reason})")

fig = plt.figure(figsize=(11, 4.6), layout="constrained")
shown = {name: runs[name] for name in ("gradient_descent", "newton")}
tw.plot.contours(valley, shown, bounds=[(-1.6, 1.4), (-0.6, 1.8)], ax=fig.add_subplot(1, 2, 1))
ax = fig.add_subplot(1, 2, 2)
for (name, run), style in zip(runs.items(), ("-", "--", "-.", ":"), strict=True):
    ax.loglog(1 + np.arange(len(run.path.fun)), run.path.fun + 1e-32, style, label=name)
ax.set(xlabel="iteration + 1", ylabel="f", ylim=(1e-31, 100))
ax.legend()
plt.show()
