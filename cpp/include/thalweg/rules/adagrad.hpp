// SPDX-License-Identifier: BSD-3-Clause
// AdaGrad: steps divided by the root of the sum of all squared gradients. Duchi, Hazan and Singer
// 2011, J. Mach. Learn. Res. 12, 2121-2159, eq. 1 with a diagonal matrix.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct AdaGrad {
  static constexpr auto name = "adagrad";
  static constexpr auto class_name = "AdaGrad";
  static constexpr auto summary =
      "AdaGrad: steps scaled by the root of the sum of all squared gradients.";
  static constexpr auto source =
      "J. Duchi, E. Hazan and Y. Singer, J. Mach. Learn. Res. 12 (2011), 2121-2159.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired,
            "Largest change of a variable in one step, roughly; > 0, in units of x.",
            open(0.0).to(open(kInfinity))},
      Hyper{"initial_accumulator_value", 0.1, "The sum at the start, >= 0, in units of (f / x)**2.",
            closed(0.0).to(open(kInfinity))},
      Hyper{"eps", 1e-7, "Added to the sum under its root, >= 0.",
            closed(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"sum_of_squares", 0.0, true, 1}};

  // If every gradient so far was 0, the step is 0, even with eps = 0.
  template <class T> static Stepped<T, 1> step(T x, T g, const T* s, const T* h) {
    const T sum = g * g + s[0];
    return {x - h[0] * select(sum > T(0), g / apply<ops::Sqrt>(sum + h[2]), T(0)), {sum}};
  }
};

}  // namespace thalweg::rules
