// SPDX-License-Identifier: BSD-3-Clause
// Heavy ball: a gradient step plus a share of the last step. Polyak 1964, USSR Comput. Math. Math.
// Phys. 4(5), 1-17.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct Momentum {
  static constexpr auto name = "momentum";
  static constexpr auto class_name = "Momentum";
  static constexpr auto summary =
      "Heavy ball: ``v = momentum * v + gradient``, ``x -= learning_rate * v``.";
  static constexpr auto source = "B. T. Polyak, USSR Comput. Math. Math. Phys. 4(5) (1964), 1-17.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired, "Step length, > 0, in units of x**2 / f.",
            open(0.0).to(open(kInfinity))},
      Hyper{"momentum", 0.9, "Share of the last step that is kept, in [0, 1).",
            closed(0.0).to(open(1.0))}};
  static constexpr std::array memory{Memory{"v", 0.0, true}};

  template <class T> static Stepped<T, 1> step(T x, T g, const T* s, const T* h) {
    const T v = h[1] * s[0] + g;
    return {x - h[0] * v, {v}};
  }
};

}  // namespace thalweg::rules
