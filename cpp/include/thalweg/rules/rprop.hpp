// SPDX-License-Identifier: BSD-3-Clause
// Rprop: each variable has a step that grows while its slope keeps the same sign and shrinks when
// the sign changes. Riedmiller and Braun 1993, IEEE Int. Conf. Neural Networks, 586-591. When the
// sign changes, no step is made, as in iRprop- of Igel and Hüsken 2003, Neurocomputing 50, 105-123.
// As in Optax (and nowhere else), each step is the one decided with the previous gradient, so the
// first step is zero.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct Rprop {
  static constexpr auto name = "rprop";
  static constexpr auto class_name = "Rprop";
  static constexpr auto summary =
      "Rprop: a step of its own for each variable, which grows while the slope keeps its sign.";
  static constexpr auto source =
      "M. Riedmiller and H. Braun, IEEE Int. Conf. Neural Networks (1993), 586-591.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired, "The first step of every variable, > 0, in units of x.",
            open(0.0).to(open(kInfinity))},
      Hyper{"eta_minus", 0.5, "Factor of a step whose slope changed sign, in (0, 1).",
            open(0.0).to(open(1.0))},
      Hyper{"eta_plus", 1.2, "Factor of a step whose slope kept its sign, >= 1.",
            closed(1.0).to(open(kInfinity))},
      Hyper{"min_step_size", 1e-6, "Smallest step, >= 0, in units of x.",
            closed(0.0).to(open(kInfinity))},
      Hyper{"max_step_size", 50.0, "Largest step, > 0, in units of x.",
            open(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"step_sizes", 0.0, true, 0},
                                     Memory{"planned", 0.0, true}};

  template <class T> static Stepped<T, 2> step(T x, T g, const T* s, const T* h) {
    const T turn = g * s[1];
    const T factor = select(turn > T(0), h[2], h[1]);
    const T size = select(turn == T(0), s[0],
                          apply<ops::Minimum>(apply<ops::Maximum>(s[0] * factor, h[3]), h[4]));
    const T planned = select(turn < T(0), T(0), size * apply<ops::Sign>(g));
    return {x - select(turn < T(0), T(0), s[1]), {size, planned}};
  }
};

}  // namespace thalweg::rules
