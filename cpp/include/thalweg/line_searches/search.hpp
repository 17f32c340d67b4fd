// SPDX-License-Identifier: BSD-3-Clause
// The interface of line searches. begin() receives value and slope at the line's start, the first
// trial and the longest step. tell() receives value and slope at `alpha`, returns the lanes in
// which that step is accepted or the search has failed, and sets the next trial. begun_at() are the
// lanes in which a search, perhaps one from a restored state, began with this value and slope.
#pragma once

namespace thalweg::line_searches {

template <class Mask> struct Said {
  Mask accepted, failed;
};

template <class V> V larger(V a, V b) { return select(a < b, b, a); }
template <class V> V smaller(V a, V b) { return select(b < a, b, a); }

// The relative rounding of a value: sums have errors of several eps.
inline constexpr double kRounding = 32 * 2.220446049250313e-16;
inline constexpr double kRetreat = 0.2;   // the factor for a step to where f is not finite
inline constexpr double kNarrow = 1e-10;  // the least relative size of an interval

// f for comparison with f0. If both agree to rounding, it is computed from the slopes by the
// trapezoidal rule, which does not cancel.
template <class V> V comparable(V a, V f0, V slope0, V f, V slope) {
  const V rounding = V(kRounding) * larger(abs(f0), abs(f));
  return select((abs(f - f0) <= rounding) & (a * abs(slope0) <= rounding),
                f0 + V(0.5) * a * (slope0 + slope), f);
}

}  // namespace thalweg::line_searches
