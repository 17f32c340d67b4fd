// SPDX-License-Identifier: BSD-3-Clause
// NAdam: Adam with Nesterov's lookahead. Dozat 2016, ICLR workshop; with a constant b1, as in
// Optax.
#pragma once
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct NAdam {
  static constexpr auto name = "nadam";
  static constexpr auto class_name = "NAdam";
  static constexpr auto summary = "NAdam: Adam with Nesterov's look ahead in the first moment.";
  static constexpr auto source = "T. Dozat, ICLR workshop 2016.";
  static constexpr auto hyper = Adam::hyper;
  static constexpr auto memory = Adam::memory;

  template <class T> static Stepped<T, 4> step(T x, T g, const T* s, const T* h) {
    const T b1 = h[1], b2 = h[2];
    const T mu = b1 * s[0] + (T(1) - b1) * g, nu = b2 * s[1] + (T(1) - b2) * (g * g);
    const T b1_t = s[2] * b1, b2_t = s[3] * b2;
    const T ahead = b1 / (T(1) - b1_t * b1) * mu + (T(1) - b1) / (T(1) - b1_t) * g;
    const T scale = apply<ops::Sqrt>(nu / (T(1) - b2_t) + h[4]) + h[3];
    return {x - h[0] * (ahead / scale), {mu, nu, b1_t, b2_t}};
  }
};

}  // namespace thalweg::rules
