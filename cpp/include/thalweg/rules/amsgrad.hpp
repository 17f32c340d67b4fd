// SPDX-License-Identifier: BSD-3-Clause
// AMSGrad: Adam with a second moment that never decreases. Reddi, Kale and Kumar 2018, ICLR,
// algorithm 2. As in Optax, the moments are bias-corrected, and the maximum is taken after the
// correction.
#pragma once
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct AMSGrad {
  static constexpr auto name = "amsgrad";
  static constexpr auto class_name = "AMSGrad";
  static constexpr auto summary = "AMSGrad: Adam with the largest second moment so far.";
  static constexpr auto source = "S. J. Reddi, S. Kale and S. Kumar, ICLR 2018, algorithm 2.";
  static constexpr auto hyper = Adam::hyper;
  static constexpr std::array memory{Memory{"mu", 0.0, true}, Memory{"nu", 0.0, true},
                                     Memory{"nu_max", 0.0, true}, Memory{"b1_t", 1.0, false},
                                     Memory{"b2_t", 1.0, false}};

  template <class T> static Stepped<T, 5> step(T x, T g, const T* s, const T* h) {
    const T b1 = h[1], b2 = h[2];
    const T mu = b1 * s[0] + (T(1) - b1) * g, nu = b2 * s[1] + (T(1) - b2) * (g * g);
    const T b1_t = s[3] * b1, b2_t = s[4] * b2;
    const T nu_max = apply<ops::Maximum>(s[2], nu / (T(1) - b2_t));
    const T scale = apply<ops::Sqrt>(nu_max + h[4]) + h[3];
    return {x - h[0] * (mu / (T(1) - b1_t) / scale), {mu, nu, nu_max, b1_t, b2_t}};
  }
};

}  // namespace thalweg::rules
