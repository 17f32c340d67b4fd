// SPDX-License-Identifier: BSD-3-Clause
// What line searches share. A search is begun with the value and slope where the line begins, the
// first trial and the longest step; it is told value and slope at its `alpha`, says in which lanes
// that is accepted or the search has failed, and sets the next.
#pragma once

namespace thalweg::line_searches {

template <class Mask> struct Said {
  Mask accepted, failed;
};

template <class V> V larger(V a, V b) { return select(a < b, b, a); }
template <class V> V smaller(V a, V b) { return select(b < a, b, a); }

// By so much of itself a value may differ by rounding: sums have errors of several eps.
inline constexpr double kRounding = 32 * 2.220446049250313e-16;
inline constexpr double kRetreat = 0.2;   // what is left of a step to where f is not finite
inline constexpr double kNarrow = 1e-10;  // an interval so small has nothing left to say

// f as a search may compare it with f0: where both agree to rounding, slopes tell better, and the
// trapezoid over them does not cancel.
template <class V> V comparable(V a, V f0, V slope0, V f, V slope) {
  const V rounding = V(kRounding) * larger(abs(f0), abs(f));
  return select((abs(f - f0) <= rounding) & (a * abs(slope0) <= rounding),
                f0 + V(0.5) * a * (slope0 + slope), f);
}

}  // namespace thalweg::line_searches
