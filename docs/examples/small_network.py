# SPDX-License-Identifier: BSD-3-Clause
"""
A small network, its activations and costs
==========================================

Points inside and outside a ring, and a network with one hidden layer that learns to tell them
apart, with each of four activations and two costs.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

rng = np.random.default_rng(3)
X = rng.uniform(-2, 2, (300, 2))
radius = np.hypot(*X.T) + 0.1 * rng.normal(size=300)
label = ((radius > 0.7) & (radius < 1.5)).astype(float)
print(f"{label.mean():.0%} of the points lie in the ring")

# %%
# The network is plain NumPy; its parameters are named arrays.

WIDTH = 12
start = {
    "W1": rng.normal(size=(2, WIDTH)),
    "b1": rng.normal(size=WIDTH),
    "w2": rng.normal(size=WIDTH) / np.sqrt(WIDTH),
    "b2": 0.0,
}
activations = {
    "tanh": tw.nn.tanh,
    "sigmoid": tw.nn.sigmoid,
    "relu": tw.nn.relu,
    "swish": tw.nn.swish,
}


def network(points, activation, W1, b1, w2, b2):
    return activation(points @ W1 + b1) @ w2 + b2


def cost_of(kind, activation):
    def cost(W1, b1, w2, b2):
        z = network(X, activation, W1, b1, w2, b2)
        if kind == "logistic":
            return np.mean(tw.losses.logistic(z, label))
        return np.mean(tw.losses.squared(tw.nn.sigmoid(z), label))

    return cost


results = {
    (kind, name): tw.minimize(
        cost_of(kind, activation), start, "adam", learning_rate=0.03, max_iter=1500, record=True
    )
    for kind in ("logistic", "squared")
    for name, activation in activations.items()
}


def right_answers(x, activation):
    return np.mean((network(X, activation, **x) > 0) == label)


for (kind, name), result in results.items():
    print(
        f"{kind:<9} {name:<8} cost {result.fun:.4f}, "
        f"{right_answers(result.x, activations[name]):.1%} right"
    )

# %%
# What each has learned: the colour is the probability that it gives to the ring.

side = np.linspace(-2, 2, 121)
grid = np.stack(np.meshgrid(side, side), axis=-1)
fig, axes = plt.subplots(2, 4, figsize=(12, 6.4), layout="constrained", sharex=True, sharey=True)
for ax, ((kind, name), result) in zip(axes.flat, results.items(), strict=True):
    shown = tw.nn.sigmoid(network(grid, activations[name], **result.x))
    image = ax.contourf(side, side, shown, np.linspace(0, 1, 11), cmap="cividis")
    ax.plot(*X[label == 0].T, "o", color="white", markeredgecolor="black", markersize=2.5)
    ax.plot(*X[label == 1].T, "^", color="black", markersize=3)
    ax.set_title(f"{name}, {kind}", fontsize="medium")
    ax.set_aspect("equal")
fig.colorbar(image, ax=axes, label="probability")
plt.show()

# %%
# The cost on the way down. Costs of different kinds cannot be compared with each other.

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for ax, kind in zip(axes, ("logistic", "squared"), strict=True):
    for name, style in zip(activations, ("-", "--", "-.", ":"), strict=True):
        ax.semilogy(results[kind, name].path.fun, linestyle=style, label=name)
    ax.set(xlabel="iteration", ylabel=f"{kind} cost")
    ax.legend()
plt.show()

# %%
# A network is not convex: another start ends elsewhere. Here are five, by a solver that needs no
# learning rate.

for seed in range(5):
    other = {k: np.random.default_rng(seed).normal(size=np.shape(v)) for k, v in start.items()}
    found = tw.minimize(cost_of("logistic", tw.nn.tanh), other, max_iter=300)
    print(f"start {seed}: cost {found.fun:.4f} after {found.nit} iterations")
