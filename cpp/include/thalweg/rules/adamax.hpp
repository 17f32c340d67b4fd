// SPDX-License-Identifier: BSD-3-Clause
// AdaMax: Adam with a decaying maximum of the gradient in place of the second moment. Kingma and Ba
// 2015, ICLR, algorithm 2. As in Optax, eps is added to the absolute gradient.
#pragma once
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct AdaMax {
  static constexpr auto name = "adamax";
  static constexpr auto class_name = "AdaMax";
  static constexpr auto summary =
      "AdaMax: Adam with the largest gradient, slowly forgotten, in place of the second moment.";
  static constexpr auto source = "D. P. Kingma and J. Ba, ICLR 2015, algorithm 2.";
  static constexpr std::array hyper{
      Adam::hyper[0], Adam::hyper[1],
      Hyper{"b2", 0.999, "Decay of the largest gradient, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"eps", 1e-8, "Added to the size of the gradient, >= 0, in units of f / x.",
            closed(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"mu", 0.0, true}, Memory{"nu", 0.0, true},
                                     Memory{"b1_t", 1.0, false}};

  template <class T> static Stepped<T, 3> step(T x, T g, const T* s, const T* h) {
    const T b1 = h[1];
    const T mu = b1 * s[0] + (T(1) - b1) * g;
    const T nu = apply<ops::Maximum>(apply<ops::Absolute>(g) + h[3], h[2] * s[1]);
    const T b1_t = s[2] * b1;
    return {x - h[0] / (T(1) - b1_t) * (mu / nu), {mu, nu, b1_t}};
  }
};

}  // namespace thalweg::rules
