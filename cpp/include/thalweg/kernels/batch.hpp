// SPDX-License-Identifier: BSD-3-Clause
// What follows from the operations of a batch of doubles, whichever it is. The operations
// themselves are those of Vec (simd.hpp), which alone needs xsimd; formulas need only this file.
#pragma once
#include <cstdint>
#include <limits>

#if defined(__GNUC__)
#define THALWEG_INLINED __attribute__((always_inline))  // for lambdas
#else
#define THALWEG_INLINED
#endif
#define THALWEG_INLINE inline THALWEG_INLINED

namespace thalweg {

// A batch: Vec, or one that records (thalweg/machine/recorded.hpp).
template <class V>
concept AnyBatch = requires { typename V::BitsType; };

template <AnyBatch V> THALWEG_INLINE V operator-(V a) {
  return V::from_bits(bits(a) ^ typename V::BitsType(std::uint64_t{1} << 63));
}
template <AnyBatch V> THALWEG_INLINE V abs(V a) {
  return V::from_bits(bits(a) & typename V::BitsType(~(std::uint64_t{1} << 63)));
}
template <AnyBatch V> THALWEG_INLINE V copysign(V magnitude, V sign) {
  const typename V::BitsType top(std::uint64_t{1} << 63);
  return V::from_bits((bits(sign) & top) | bits(abs(magnitude)));
}
template <AnyBatch V> THALWEG_INLINE auto is_nan(V a) { return a != a; }
template <AnyBatch V> THALWEG_INLINE auto is_finite(V a) {
  return abs(a) < V(std::numeric_limits<double>::infinity());
}
template <AnyBatch V> THALWEG_INLINE V floor(V a) {
  const V r = rint(a);
  return select(r > a, r - V(1.0), r);
}
template <AnyBatch V> THALWEG_INLINE V ceil(V a) {
  const V r = rint(a);
  return select(r < a, copysign(r + V(1.0), a), r);
}
// 2^n for whole numbers n in [-1022, 1023]: the exponent field is written directly.
template <AnyBatch V> THALWEG_INLINE V pow2(V n) {
  const V shifted = n + V(6755399441055744.0 + 1023.0);  // 1.5 * 2^52: low bits hold n + 1023
  return V::from_bits(bits(shifted) << 52);
}

}  // namespace thalweg
