// SPDX-License-Identifier: BSD-3-Clause
// Adam: steps scaled by running moments of the gradient. Kingma and Ba 2015, ICLR, algorithm 1.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct Adam {
  static constexpr auto name = "adam";
  static constexpr auto class_name = "Adam";
  static constexpr auto summary =
      "Adam: steps scaled by running first and second moments of the gradient.";
  static constexpr auto source = "D. P. Kingma and J. Ba, ICLR 2015, algorithm 1.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired,
            "Largest change of a variable in one step, roughly; > 0, in units of x.",
            open(0.0).to(open(kInfinity))},
      Hyper{"b1", 0.9, "Decay of the first moment, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"b2", 0.999, "Decay of the second moment, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"eps", 1e-8, "Added to the root of the second moment, >= 0, in units of f / x.",
            closed(0.0).to(open(kInfinity))},
      Hyper{"eps_root", 0.0, "Added to the second moment under its root, >= 0.",
            closed(0.0).to(open(kInfinity))}};
  // b1^t and b2^t are stored, not recomputed at every step.
  static constexpr std::array memory{Memory{"mu", 0.0, true}, Memory{"nu", 0.0, true},
                                     Memory{"b1_t", 1.0, false}, Memory{"b2_t", 1.0, false}};

  template <class T> static Stepped<T, 4> step(T x, T g, const T* s, const T* h) {
    const T b1 = h[1], b2 = h[2];
    const T mu = b1 * s[0] + (T(1) - b1) * g, nu = b2 * s[1] + (T(1) - b2) * (g * g);
    const T b1_t = s[2] * b1, b2_t = s[3] * b2;
    // Divisions that are the same for all variables are done once.
    const T scale = apply<ops::Sqrt>(nu * (T(1) / (T(1) - b2_t)) + h[4]) + h[3];
    return {x - h[0] / (T(1) - b1_t) * mu / scale, {mu, nu, b1_t, b2_t}};
  }
};

}  // namespace thalweg::rules
