// SPDX-License-Identifier: BSD-3-Clause
// Steepest descent with a fixed step length. Cauchy 1847, Comptes rendus 25, 536-538.
#pragma once
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct GradientDescent {
  static constexpr auto name = "gradient_descent";
  static constexpr auto class_name = "GradientDescent";
  static constexpr auto summary = "Plain gradient descent: ``x -= learning_rate * gradient``.";
  static constexpr auto source = "A. Cauchy, Comptes rendus 25 (1847), 536-538.";
  static constexpr std::array hyper{Hyper{"learning_rate", kRequired,
                                          "Step length, > 0, in units of x**2 / f.",
                                          open(0.0).to(open(kInfinity))}};
  static constexpr std::array<Memory, 0> memory{};

  template <class T> static Stepped<T, 0> step(T x, T g, const T*, const T* h) {
    return {x - h[0] * g, {}};
  }
};

}  // namespace thalweg::rules
