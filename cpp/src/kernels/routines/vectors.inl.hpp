// SPDX-License-Identifier: BSD-3-Clause
// Vectors of a routine: n numbers side by side, each a double or a batch of lanes. Every element is
// rounded alike whatever T is.

template <class T> constexpr bool kDouble = std::is_same_v<T, double>;
template <class T> constexpr std::int64_t kLaneCount = kDouble<T> ? 1 : W;

// Up to this order matrices are factored in lanes, larger ones alone, in blocks.
constexpr std::int64_t kInLanes = kMatrixInLanes;

// Element i of a lane, for what lanes do differently.
template <class T> double& lane_of(T* x, std::int64_t i, std::int64_t lane) {
  return reinterpret_cast<double*>(x)[i * kLaneCount<T> + lane];
}

// y_i = f(x_i, y_i).
template <class T, class F>
THALWEG_INLINE void zip(const T* x, T* y, std::int64_t n, const F& f) {
  if constexpr (kDouble<T>) {
    std::int64_t i = 0;
    for (; i + W <= n; i += W) f(V::load(x + i), V::load(y + i)).store(y + i);
    if (i < n) f(V::load(x + i, n - i), V::load(y + i, n - i)).store(y + i, n - i);
  } else {
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(x[i], y[i]);
  }
}
// y -= s x.
template <class T> THALWEG_INLINE void subtract(T s, const T* x, T* y, std::int64_t n) {
  const V factor(s);
  zip(x, y, n, [&](V a, V b) THALWEG_INLINED { return fnma(factor, a, b); });
}
template <class T> THALWEG_INLINE void scale(T s, T* x, std::int64_t n) {
  const V factor(s);
  zip(x, x, n, [&](V a, V) THALWEG_INLINED { return factor * a; });
}
template <class T> void exchange(T* x, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) std::swap(x[i], y[i]);
}
// (x, y) = (c x - s y, s x + c y), where wanted.
template <class T, class M>
THALWEG_INLINE void rotate(M wanted, T c, T s, T* x, T* y, std::int64_t n) {
  if constexpr (kDouble<T>) {
    const V cosine(c), sine(s);
    std::int64_t i = 0;
    for (; i + W <= n; i += W) {
      const V a = V::load(x + i), b = V::load(y + i);
      fnma(sine, b, cosine * a).store(x + i);
      fma(sine, a, cosine * b).store(y + i);
    }
    if (const std::int64_t left = n - i; left) {
      const V a = V::load(x + i, left), b = V::load(y + i, left);
      fnma(sine, b, cosine * a).store(x + i, left);
      fma(sine, a, cosine * b).store(y + i, left);
    }
  } else {
    for (std::int64_t i = 0; i < n; ++i) {
      const T a = x[i], b = y[i];
      x[i] = select(wanted, fnma(s, b, c * a), a);
      y[i] = select(wanted, fma(s, a, c * b), b);
    }
  }
}

// The sum of x_i y_i: interleaved partial sums, added in halves.
template <std::int64_t kParts, class T> T dot_of(const T* x, const T* y, std::int64_t n) {
  if constexpr (kDouble<T>) {
    constexpr int kBatches = static_cast<int>(kParts / W);
    V s[array_size(kBatches)];
    each<kBatches>([&](auto j) { s[j] = V(0.0); });
    std::int64_t i = 0;
    for (; i + kParts <= n; i += kParts)
      each<kBatches>(
          [&](auto j) { s[j] = fma(V::load(x + i + j * W), V::load(y + i + j * W), s[j]); });
    each<kBatches>([&](auto j) {
      const std::int64_t left = n - i - j * W;
      if (left > 0) s[j] = fma(some(x + i + j * W, left), some(y + i + j * W, left), s[j]);
    });
    alignas(64) double p[array_size(kParts)];
    each<kBatches>([&](auto j) { s[j].store(p + j * W); });
    for (std::int64_t step = kParts / 2; step > 0; step /= 2)
      for (std::int64_t j = 0; j < step; ++j) p[j] += p[j + step];
    return p[0];
  } else {
    T p[array_size(kParts)];
    for (T& v : p) v = T(0.0);
    for (std::int64_t i = 0; i < n; ++i) p[i % kParts] = fma(x[i], y[i], p[i % kParts]);
    // The lanes of a batch beyond the last element add 0 * 0, which turns -0 into 0, as 0 + -0 is.
    for (std::int64_t step = kParts / 2; step > 0; step /= 2)
      for (std::int64_t j = 0; j < step; ++j) p[j] = p[j] + p[j + step];
    return p[0];
  }
}
template <class T> T dot(const T* x, const T* y, std::int64_t n) {
  constexpr std::int64_t kLong = 128;  // from here on more chains pay for their joining
  return n < kLong ? dot_of<8>(x, y, n) : dot_of<32>(x, y, n);
}

template <class T> void transpose_matrix(const T* a, T* to, std::int64_t m, std::int64_t n) {
  constexpr std::int64_t kSide = 16;  // squares that stay in the first-level cache
  for (std::int64_t i0 = 0; i0 < m; i0 += kSide)
    for (std::int64_t j0 = 0; j0 < n; j0 += kSide)
      for (std::int64_t i = i0; i < least(m, i0 + kSide); ++i)
        for (std::int64_t j = j0; j < least(n, j0 + kSide); ++j) to[j * m + i] = a[i * n + j];
}

// Keeps results where `good`, and makes the others NaN.
template <class T, class M> void keep(M good, T* x, std::int64_t n) {
  if (all(good)) return;
  const T nothing(std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t i = 0; i < n; ++i) x[i] = select(good, x[i], nothing);
}
template <class T> auto everywhere() { return T(0.0) < T(1.0); }
