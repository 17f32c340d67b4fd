// SPDX-License-Identifier: BSD-3-Clause
// RMSProp: steps divided by the root of a running mean of the squared gradient. Tieleman and Hinton
// 2012, Neural Networks for Machine Learning (Coursera), lecture 6.5.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct RMSProp {
  static constexpr auto name = "rmsprop";
  static constexpr auto class_name = "RMSProp";
  static constexpr auto summary =
      "RMSProp: steps scaled by the root of a running mean of the squared gradient.";
  static constexpr auto source =
      "T. Tieleman and G. Hinton, Neural Networks for Machine Learning (2012), lecture 6.5.";
  static constexpr std::array hyper{
      Hyper{"learning_rate", kRequired,
            "Largest change of a variable in one step, roughly; > 0, in units of x.",
            open(0.0).to(open(kInfinity))},
      Hyper{"decay", 0.9, "Decay of the mean, in [0, 1).", closed(0.0).to(open(1.0))},
      Hyper{"eps", 1e-8, "Added to the mean under its root, >= 0, in units of (f / x)**2.",
            closed(0.0).to(open(kInfinity))},
      Hyper{"initial_scale", 0.0, "The mean at the start, >= 0.", closed(0.0).to(open(kInfinity))}};
  static constexpr std::array memory{Memory{"nu", 0.0, true, 3}};

  template <class T> static Stepped<T, 1> step(T x, T g, const T* s, const T* h) {
    const T nu = h[1] * s[0] + (T(1) - h[1]) * (g * g);
    return {x - h[0] * (g / apply<ops::Sqrt>(nu + h[2])), {nu}};
  }
};

}  // namespace thalweg::rules
