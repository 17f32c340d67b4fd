// SPDX-License-Identifier: BSD-3-Clause
// Unevaluated sums of two batches: exact sums and products, and the few operations that functions
// with a large condition number need (pow, logarithms in other bases, logaddexp near its zero).
#pragma once
#include "thalweg/kernels/batch.hpp"

namespace thalweg::math {

// hi + lo. After each function below, |lo| is at most about half an ulp of hi, unless stated
// otherwise.
template <class V> struct Pair {
  V hi, lo;
};

// a + b exactly, for any a and b whose sum does not overflow. Knuth 1969, The Art of Computer
// Programming 2, 4.2.2.
template <class V> THALWEG_INLINE Pair<V> two_sum(V a, V b) {
  const V s = a + b, t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

// a + b exactly if a is 0 or |a| >= |b|. Dekker 1971, Numer. Math. 18, 224-242.
template <class V> THALWEG_INLINE Pair<V> fast_two_sum(V a, V b) {
  const V s = a + b;
  return {s, b - (s - a)};
}

// a * b exactly, unless the product's error underflows. Without a fused multiply-add, |a| and |b|
// must also be below 2^996, since Veltkamp's splitting (Dekker 1971) multiplies by 2^27 + 1.
template <class V> THALWEG_INLINE Pair<V> two_prod(V a, V b) {
  const V p = a * b;
  if constexpr (V::kFused) {
    return {p, fms(a, b, p)};
  } else {
    const V splitter = 134217729.0;
    const V as = a * splitter, bs = b * splitter;
    const V ah = as - (as - a), bh = bs - (bs - b), al = a - ah, bl = b - bh;
    return {p, al * bl - (((p - ah * bh) - al * bh) - ah * bl)};
  }
}

// (a + b) * c, with a relative error of about 2^-102.
template <class V> THALWEG_INLINE Pair<V> times(Pair<V> a, V c) {
  const Pair<V> p = two_prod(a.hi, c);
  return {p.hi, fma(a.lo, c, p.lo)};
}

}  // namespace thalweg::math
