// SPDX-License-Identifier: BSD-3-Clause
// Nesterov's momentum, which uses the gradient at a lookahead point. Nesterov 1983, Soviet Math.
// Dokl. 27, 372-376, in the form of Sutskever, Martens, Dahl and Hinton 2013, ICML, eqs. 3 and 4,
// where x is the lookahead point.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct Nesterov {
  static constexpr auto name = "nesterov";
  static constexpr auto class_name = "Nesterov";
  static constexpr auto summary =
      "Nesterov's momentum: ``v = momentum * v + gradient``, "
      "``x -= learning_rate * (gradient + momentum * v)``.";
  static constexpr auto source = "Y. Nesterov, Soviet Math. Dokl. 27 (1983), 372-376.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired, "Step length, > 0, in units of x**2 / f.",
            open(0.0).to(open(kInfinity))},
      Hyper{"momentum", 0.9, "Share of the last step that is kept, in [0, 1).",
            closed(0.0).to(open(1.0))}};
  static constexpr std::array memory{Memory{"v", 0.0, true}};

  template <class T> static Stepped<T, 1> step(T x, T g, const T* s, const T* h) {
    const T v = h[1] * s[0] + g;
    return {x - h[0] * (h[1] * v + g), {v}};
  }
};

}  // namespace thalweg::rules
