// SPDX-License-Identifier: BSD-3-Clause
// AdaDelta: steps in units of x, as the gradient is multiplied by the ratio of two running root
// mean squares, of the steps and of the gradient. Zeiler 2012, arXiv:1212.5701, algorithm 1.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct AdaDelta {
  static constexpr auto name = "adadelta";
  static constexpr auto class_name = "AdaDelta";
  static constexpr auto summary =
      "AdaDelta: the gradient times the ratio of the running sizes of steps and gradients.";
  static constexpr auto source = "M. D. Zeiler, arXiv:1212.5701 (2012), algorithm 1.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired, "Factor of the step, > 0, without unit; 1 in the source.",
            open(0.0).to(open(kInfinity))},
      Hyper{"rho", 0.9, "Decay of both means, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"eps", 1e-6, "Added to both means under their roots, >= 0; the first step needs it.",
            closed(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"e_g", 0.0, true}, Memory{"e_x", 0.0, true}};

  template <class T> static Stepped<T, 2> step(T x, T g, const T* s, const T* h) {
    const T rho = h[1], eps = h[2];
    const T e_g = rho * s[0] + (T(1) - rho) * (g * g);
    const T u = apply<ops::Sqrt>(s[1] + eps) / apply<ops::Sqrt>(e_g + eps) * g;
    const T e_x = rho * s[1] + (T(1) - rho) * (u * u);
    return {x - h[0] * u, {e_g, e_x}};
  }
};

}  // namespace thalweg::rules
