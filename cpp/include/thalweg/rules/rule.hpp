// SPDX-License-Identifier: BSD-3-Clause
// What a rule consists of: an update of the point from its gradient, generic in the number type T
// (an expression, so that the update is fused with the gradient). A rule never counts, tests or
// decides when to stop; descend.hpp does that for every method.
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
  bool whole = false;  // whether it must be a whole number
};

struct Memory {
  const char* name;
  double initial;
  bool per_variable;    // whether it is an array like x, or else one number
  int from_hyper = -1;  // index of the hyper-parameter that gives the initial value instead
};

// The result of a step: the next point and the next memory.
template <class T, std::size_t States> struct Stepped {
  T x;
  std::array<T, States> state;
};

}  // namespace thalweg::rules
