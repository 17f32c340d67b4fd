// SPDX-License-Identifier: BSD-3-Clause
// What a rule is made of. A rule is an update of the point from its gradient, generic in the number
// type T (an expression, so that it is fused with the gradient), that never counts, tests or
// decides: descend.hpp does that for every method.
#pragma once
#include <array>
#include <limits>

#include "thalweg/domain.hpp"

namespace thalweg::rules {

inline constexpr double kRequired = std::numeric_limits<double>::quiet_NaN();

struct Hyper {
  const char* name;
  double value;         // the default, or kRequired
  const char* meaning;  // with its unit and range, for the docstring
  Domain accepted;
  bool whole = false;  // a whole number
};

struct Memory {
  const char* name;
  double initial;
  bool per_variable;    // an array like x; else one number
  int from_hyper = -1;  // by position: the hyper-parameter that is the initial value instead
};

// What a step makes of the point and of the memory.
template <class T, std::size_t States> struct Stepped {
  T x;
  std::array<T, States> state;
};

}  // namespace thalweg::rules
