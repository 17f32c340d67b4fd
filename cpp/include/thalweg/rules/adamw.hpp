// SPDX-License-Identifier: BSD-3-Clause
// AdamW: Adam with weight decay applied to x directly, not through the moments. Loshchilov and
// Hutter 2019, ICLR, algorithm 2.
#pragma once
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/rule.hpp"

namespace thalweg::rules {

struct AdamW {
  static constexpr auto name = "adamw";
  static constexpr auto class_name = "AdamW";
  static constexpr auto summary =
      "AdamW: Adam, and a decay of x itself, ``x -= learning_rate * weight_decay * x``.";
  static constexpr auto source = "I. Loshchilov and F. Hutter, ICLR 2019, algorithm 2.";
  static constexpr std::array hyper{
      Adam::hyper[0],
      Adam::hyper[1],
      Adam::hyper[2],
      Adam::hyper[3],
      Adam::hyper[4],
      Hyper{"weight_decay", 1e-4,
            "Decay of x, >= 0: a step subtracts learning_rate * weight_decay * x.",
            closed(0.0).to(open(kInfinity))}};
  static constexpr auto memory = Adam::memory;

  template <class T> static Stepped<T, 4> step(T x, T g, const T* s, const T* h) {
    auto next = Adam::step(x, g, s, h);
    next.x = next.x - h[0] * h[5] * x;
    return next;
  }
};

}  // namespace thalweg::rules
