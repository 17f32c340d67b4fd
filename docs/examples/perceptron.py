# SPDX-License-Identifier: BSD-3-Clause
"""
A perceptron
============

One neuron learns to tell two kinds of points apart. Its cost and its activation decide how.

The data are made up: two clouds of 100 points each, which overlap a little.
"""

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

rng = np.random.default_rng(7)
X = np.concatenate([rng.normal([-1, -1], 1, (100, 2)), rng.normal([1.2, 0.8], 1, (100, 2))])
label = np.repeat([0.0, 1.0], 100)

# %%
# The neuron weighs its two inputs, adds a bias, and passes the sum through an activation. Two
# costs: the squared distance between its answer and the label, and the logistic loss, minus the
# logarithm of the probability that it gives to the label.


def squared(w, b):
    answer = tw.nn.sigmoid(X @ w + b)
    return np.mean(tw.losses.squared(answer, label))


def logistic(w, b):
    return np.mean(tw.losses.logistic(X @ w + b, label))


def rosenblatt(w, b):
    """The perceptron criterion of 1958: how far wrong answers lie on the wrong side."""
    side = 2 * label - 1
    return np.mean(tw.nn.relu(-side * (X @ w + b)))


start = {"w": np.array([0.3, -0.6]), "b": 0.0}
costs = {"squared": squared, "logistic": logistic, "perceptron": rosenblatt}
results = {
    name: tw.minimize(cost, start, "gradient_descent", learning_rate=0.5, max_iter=300, record=True)
    for name, cost in costs.items()
}


def accuracy(x):
    return np.mean((X @ x["w"] + x["b"] > 0) == label)


for name, result in results.items():
    print(
        f"{name:<11} w = {result.x['w'].round(3)}, b = {result.x['b']:+.3f}: "
        f"{accuracy(result.x):.1%} right"
    )

# %%
# Each line is where a neuron changes its mind: w₁ x + w₂ y + b = 0.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
left.plot(*X[label == 0].T, "o", color="#0072B2", markersize=4, label="label 0")
left.plot(*X[label == 1].T, "^", color="#E69F00", markersize=5, label="label 1")
ends = np.array([-4.0, 4.0])
for (name, result), style in zip(results.items(), ("-", "--", ":"), strict=True):
    w, b = result.x["w"], result.x["b"]
    left.plot(ends, -(w[0] * ends + b) / w[1], "k", linestyle=style, label=name)
left.set(xlim=(-5, 4), ylim=(-4, 4), xlabel="first input", ylabel="second input")
left.legend(fontsize="small", loc="lower left")
for (name, result), style in zip(results.items(), ("-", "--", ":"), strict=True):
    path = result.path.x
    right.plot(
        [accuracy({"w": w, "b": b}) for w, b in zip(path["w"], path["b"], strict=True)],
        "k",
        linestyle=style,
        label=name,
    )
right.set(xlabel="iteration", ylabel="share of right answers", ylim=(0.4, 1))
right.legend(fontsize="small")
plt.show()

# %%
# The perceptron criterion only asks on which side a point lies, so it has no reason to make the
# weights large, and shrinks them where points are on the wrong side. A step of the same rate then
# turns the line far.

for name, result in results.items():
    print(f"{name:<11} length of w {np.linalg.norm(result.x['w']):.4f}")

# %%
# The logistic cost is convex: whatever the start, a solver ends at the same neuron.

for w in ([0.3, -0.6], [-5.0, 5.0], [4.0, 0.0]):
    found = tw.minimize(logistic, {"w": np.array(w), "b": 0.0})
    print(f"from w = {w}: w = {found.x['w'].round(6)}, cost {found.fun:.9f} ({found.reason})")
