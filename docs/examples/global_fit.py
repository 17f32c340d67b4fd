# SPDX-License-Identifier: BSD-3-Clause
"""
A global fit: one decay time in many curves
===========================================

Five noisy decays share their decay time and their background; only the amplitudes are their own.
Fitted together they say much more about what they share.

The data are made up, so the truth is known.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

rng = np.random.default_rng(11)
t = np.linspace(0.0, 8.0, 40)
truth = {"tau": 2.5, "background": 0.4, "amplitudes": np.array([0.5, 0.8, 1.2, 2.0, 3.0])}
NOISE = 0.15
clean = truth["amplitudes"][:, None] * np.exp(-t / truth["tau"]) + truth["background"]
curves = clean + NOISE * rng.normal(size=clean.shape)

# %%
# One call fits all curves. The parameters that are named in `shared` have one value in all of them.


def decay(t, a, tau, c):
    return a * np.exp(-t / tau) + c


together = tw.curve_fit_many(
    decay,
    t,
    curves,
    p0=[1.0, 1.0, 0.0],
    shared=("tau", "c"),
    sigma=NOISE,
    absolute_sigma=True,
)
joint = together.joint
print(joint.message)
print("decay time", joint.shared["tau"], " truth", truth["tau"])
print("background", joint.shared["c"], " truth", truth["background"])
print("amplitudes", together["a"].round(3), " truth", truth["amplitudes"])

# %%
# Standard errors come with it. Those of the amplitudes allow for what the curves share.

error = joint.errors["tau"]
print(f"decay time {joint.shared['tau']:.3f} +- {error:.3f}")
print("errors of the amplitudes", together.perr[:, 0].round(3))
print(f"chi squared {2 * joint.cost:.1f} for {joint.dof} degrees of freedom")

# %%
# Each curve alone says less about the decay time; the weak ones say almost nothing.


alone = []
for curve in curves:
    popt, pcov = tw.curve_fit(
        decay,
        t,
        curve,
        p0=[1.0, 1.0, 0.0],
        sigma=np.full(t.size, NOISE),
        absolute_sigma=True,
        bounds=([0, 0.05, -5], [20, 50, 5]),
    )
    alone.append((popt[1], np.sqrt(pcov[1, 1])))
    print(f"alone: decay time {popt[1]:.3f} +- {alone[-1][1]:.3f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
fitted = decay(t, *together.popt.T[:, :, None])
for k, (curve, line) in enumerate(zip(curves, fitted, strict=True)):
    left.plot(t, curve, "o", color=f"C{k}", markersize=3)
    left.plot(t, line, color=f"C{k}")
left.set(xlabel="time", ylabel="signal")
values, errors = np.transpose(alone)
right.errorbar(range(1, 6), values, errors, fmt="o", capsize=3, label="each alone")
right.errorbar([6], [joint.shared["tau"]], [error], fmt="s", capsize=3, label="together")
right.axhline(truth["tau"], color="k", linestyle=":", label="truth")
right.set(xlabel="curve", ylabel="decay time", xticks=range(1, 7), ylim=(0, 6))
right.set_xticklabels(["1", "2", "3", "4", "5", "all"])
right.legend(fontsize="small")
plt.show()
