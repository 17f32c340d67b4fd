// SPDX-License-Identifier: BSD-3-Clause
// The operations of a batch for one double, so that a routine is one template for both and has the
// same bits in both.

inline double fma(double a, double b, double c) {
  if constexpr (V::kFused) return __builtin_fma(a, b, c);
  else return a * b + c;
}
inline double fms(double a, double b, double c) {
  if constexpr (V::kFused) return __builtin_fma(a, b, -c);
  else return a * b - c;
}
inline double fnma(double a, double b, double c) {
  if constexpr (V::kFused) return __builtin_fma(-a, b, c);
  else return c - a * b;
}
inline double select(bool m, double a, double b) { return m ? a : b; }
inline bool any(bool m) { return m; }
inline bool all(bool m) { return m; }
inline double sqrt(double a) { return __builtin_sqrt(a); }
inline double abs(double a) { return __builtin_fabs(a); }
inline double copysign(double magnitude, double sign) {
  return __builtin_copysign(magnitude, sign);
}
inline bool is_nan(double a) { return a != a; }
inline bool is_finite(double a) { return __builtin_isfinite(a); }
// The first if either is NaN, as for batches.
inline double smaller(double a, double b) { return b < a ? b : a; }
inline double larger(double a, double b) { return b > a ? b : a; }
