// SPDX-License-Identifier: BSD-3-Clause
// The interval in which an operation accepts an argument, with open or closed endpoints. Tests
// sample up to the endpoints.
#pragma once
#include <limits>

namespace thalweg {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Domain {
  double lower = -kInfinity;
  double upper = kInfinity;
  bool lower_open = false;
  bool upper_open = false;
};

// One endpoint of a Domain under construction, as in open(0.0).to(kInfinity).
struct DomainEnd {
  double at;
  bool is_open;
  constexpr Domain to(DomainEnd upper) const { return {at, upper.at, is_open, upper.is_open}; }
  constexpr Domain to(double upper) const { return {at, upper, is_open, false}; }
};
constexpr DomainEnd open(double at) { return {at, true}; }
constexpr DomainEnd closed(double at) { return {at, false}; }

}  // namespace thalweg
