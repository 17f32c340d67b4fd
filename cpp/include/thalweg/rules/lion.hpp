// SPDX-License-Identifier: BSD-3-Clause
// Lion: steps of equal size in all variables, along the signs of a running mean of the gradient.
// Chen et al. 2023, NeurIPS, arXiv:2302.06675, algorithm 2.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct Lion {
  static constexpr auto name = "lion";
  static constexpr auto class_name = "Lion";
  static constexpr auto summary =
      "Lion: steps of one size along the signs of a running mean of the gradient, and a decay of "
      "x.";
  static constexpr auto source = "X. Chen et al., NeurIPS 2023, algorithm 2.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired, "Change of every variable in one step, > 0, in units of x.",
            open(0.0).to(open(kInfinity))},
      Hyper{"b1", 0.9, "Weight of the running mean in the direction, in [0, 1).",
            closed(0.0).to(open(1.0))},
      Hyper{"b2", 0.99, "Decay of the mean, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"weight_decay", 1e-3,
            "Decay of x, >= 0: a step subtracts learning_rate * weight_decay * x.",
            closed(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"mu", 0.0, true}};

  template <class T> static Stepped<T, 1> step(T x, T g, const T* s, const T* h) {
    const T b1 = h[1], b2 = h[2];
    const T sign = apply<ops::Sign>(b1 * s[0] + (T(1) - b1) * g);
    return {x - h[0] * (h[3] * x + sign), {b2 * s[0] + (T(1) - b2) * g}};
  }
};

}  // namespace thalweg::rules
