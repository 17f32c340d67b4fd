// SPDX-License-Identifier: BSD-3-Clause
// Reflections and rotations, for QR, eigenvalues and singular values.

// Matrices up to this order are diagonalized in lanes.
constexpr std::int64_t kRotatedInLanes = kMatrixRotatedInLanes;

// The tangent of the angle that annihilates the element `off` between diagonal elements that differ
// by `apart`: the smaller one of two; 0 where it is not wanted.
template <class T, class M> THALWEG_INLINE T tangent(T off, T apart, M wanted) {
  const T ratio = apart / (T(2.0) * off);
  const T t = T(1.0) / (abs(ratio) + sqrt(fma(ratio, ratio, T(1.0))));
  return select(wanted, copysign(t, ratio), T(0.0));
}

// Householder's reflection I - tau v v' of x to a multiple of the first unit vector, with LAPACK's
// signs (dlarfg): x becomes v, with v_0 = 1, and `beta` the multiple. Returns tau, 0 if the others
// are 0 already.
template <class T> T reflector(T* x, std::int64_t n, T& beta) {
  T size(0.0);
  for (std::int64_t i = 1; i < n; ++i) size = larger(size, abs(x[i]));
  const auto some_left = size > T(0.0);
  size = larger(size, abs(x[0]));
  // Divided by the largest, so that squares neither overflow nor vanish.
  const T divisor = select(size > T(0.0), size, T(1.0));
  for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] / divisor;
  const T alpha = x[0], norm = sqrt(dot(x, x, n));
  const T signed_norm = select(alpha < T(0.0), norm, -norm);
  const T denominator = select(some_left, alpha - signed_norm, T(1.0));
  scale(T(1.0) / denominator, x, n);
  x[0] = T(1.0);
  beta = divisor * select(some_left, signed_norm, alpha);
  return select(some_left, (signed_norm - alpha) / select(some_left, signed_norm, T(1.0)), T(0.0));
}

// Orders values by `before` in each lane, and the rows of a matrix (n, m) with them.
template <class T, class F>
void sort_rows(T* values, T* rows, std::int64_t n, std::int64_t m, const F& before,
               T* more = nullptr, std::int64_t width = 0) {
  for (std::int64_t lane = 0; lane < kLaneCount<T>; ++lane)
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t best = i;
      for (std::int64_t j = i + 1; j < n; ++j)
        if (before(lane_of(values, j, lane), lane_of(values, best, lane))) best = j;
      if (best == i) continue;
      const auto swap_lane = [&](T* x, std::int64_t size) {
        for (std::int64_t k = 0; k < size; ++k)
          std::swap(lane_of(x, i * size + k, lane), lane_of(x, best * size + k, lane));
      };
      swap_lane(values, 1);
      swap_lane(rows, m);
      if (more) swap_lane(more, width);
    }
}
