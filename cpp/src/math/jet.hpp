// SPDX-License-Identifier: BSD-3-Clause
// Numbers that carry a derivative through an iteration, and when an iteration may end.
#pragma once
#include <cmath>

namespace thalweg::scalar {

template <class T> struct JetOf {
  T value, slope;
  constexpr JetOf(double v) : value(v), slope(0.0) {}
  constexpr JetOf(T v, T s) : value(v), slope(s) {}
  friend JetOf operator+(JetOf a, JetOf b) { return {a.value + b.value, a.slope + b.slope}; }
  friend JetOf operator-(JetOf a, JetOf b) { return {a.value - b.value, a.slope - b.slope}; }
  friend JetOf operator*(JetOf a, JetOf b) {
    return {a.value * b.value, a.value * b.slope + a.slope * b.value};
  }
  friend JetOf operator/(JetOf a, JetOf b) {
    const T y = a.value / b.value;
    return {y, (a.slope - y * b.slope) / b.value};
  }
};
using Jet = JetOf<double>;
using SecondJet = JetOf<Jet>;
inline SecondJet second_jet(double value, double slope, double turn) {
  return {Jet{value, slope}, Jet{slope, turn}};
}

inline bool small_beside(double term, double sum) {
  return std::fabs(term) <= 0x1p-56 * std::fabs(sum);
}
template <class T> bool small_beside(JetOf<T> term, JetOf<T> sum) {
  return small_beside(term.value, sum.value) && small_beside(term.slope, sum.slope);
}
// Whether a factor is 1 but for rounding, and its derivative 0.
inline bool near_zero(double change) { return std::fabs(change) <= 0x1p-52; }
template <class T> bool near_zero(JetOf<T> change) {
  return near_zero(change.value) && near_zero(change.slope);
}
template <class N> bool near_one(N factor) { return near_zero(factor - N(1.0)); }

}  // namespace thalweg::scalar
