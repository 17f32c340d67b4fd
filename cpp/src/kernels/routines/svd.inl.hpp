// SPDX-License-Identifier: BSD-3-Clause
// QR, singular values and the pseudoinverse of matrices with at least as many rows as columns.

// A = Q R. Sizes: batch, m >= n. The result is Q (m, n) and then R (n, n).
struct Qr {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t m = sizes[1], n = sizes[2];
    T *const columns = work, *const q = columns + n * m, *const tau = q + n * m;
    T* const r = out + m * n;
    transpose_matrix(in[0], columns, m, n);
    for (std::int64_t k = 0; k < n; ++k) {
      T *const v = columns + k * m, diagonal;
      for (std::int64_t i = 0; i < n; ++i) r[i * n + k] = i < k ? v[i] : T(0.0);
      tau[k] = reflector(v + k, m - k, diagonal);
      r[k * n + k] = diagonal;
      for (std::int64_t j = k + 1; j < n; ++j) reflect(tau[k], v + k, columns + j * m + k, m - k);
    }
    for (std::int64_t i = 0; i < n * m; ++i) q[i] = T(i % (m + 1) ? 0.0 : 1.0);
    for (std::int64_t k = n; k-- > 0;)
      for (std::int64_t j = k; j < n; ++j)
        reflect(tau[k], columns + k * m + k, q + j * m + k, m - k);
    transpose_matrix(q, out, n, m);
  }

 private:
  template <class T> static void reflect(T tau, const T* v, T* x, std::int64_t n) {
    subtract(tau * dot(v, x, n), v, x, n);
  }
};

// A = U diag(s) V' by rotations from one side, or for large matrices by their bidiagonal form.
// Hestenes 1958, J. SIAM 6(1), 51-90; Demmel and
// Veselic 1992, SIAM J. Matrix Anal. Appl. 13(4), 1204-1245.
struct SingularValues {
  // Of A, whose columns are the rows of u (n, m): u becomes U', v (n, n) becomes V', both by rows;
  // s descends. `room` is for large matrices.
  template <class T>
  static void decompose(T* u, T* s, T* v, std::int64_t m, std::int64_t n, T* room) {
    const T size = normalized(u, n * m);
    if constexpr (kDouble<T>) {
      if (n > kRotatedInLanes) {
        Bidiagonal::decompose(u, s, v, m, n, room);
        sort_rows(s, u, n, m, [](double x, double y) { return x > y; }, v, n);
        return scale(size, s, n);
      }
    }
    rotate_all(u, s, v, m, n);
    for (std::int64_t i = 0; i < n; ++i) s[i] = s[i] * size;
  }

 private:
  template <class T>
  static void rotate_all(T* u, T* s, T* v, std::int64_t m, std::int64_t n) {
    constexpr int kSweeps = 60;
    const T small(0x1p-53 * std::sqrt(static_cast<double>(m)));
    for (std::int64_t i = 0; i < n * n; ++i) v[i] = T(i % (n + 1) ? 0.0 : 1.0);
    bool rotated = true;
    for (int sweep = 0; rotated && sweep < kSweeps; ++sweep) {
      rotated = false;
      for (std::int64_t p = 0; p < n; ++p)
        for (std::int64_t q = p + 1; q < n; ++q) rotated |= annihilate(u, v, m, n, p, q, small);
    }
    for (std::int64_t i = 0; i < n; ++i) s[i] = sqrt(dot(u + i * m, u + i * m, m));
    sort_rows(s, u, n, m, [](double x, double y) { return x > y; }, v, n);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto there = !(s[i] * s[i] <= T(kNothing));
      s[i] = select(there, s[i], T(0.0));
      scale(T(1.0) / select(there, s[i], T(1.0)), u + i * m, m);
      if (any(!there)) complete(u, i, m, !there);
    }
  }

  // The square of the size of a column that is nothing but rounding of rounding, where the largest
  // element is 1. Without such a bound columns of less than full rank shrink for many sweeps.
  static constexpr double kNothing = 0x1p-400;

  // Divides by the largest element, which is returned, so that no square overflows or vanishes.
  template <class T> static T normalized(T* a, std::int64_t n) {
    T size(0.0);
    for (std::int64_t i = 0; i < n; ++i) {
      const T here = abs(a[i]);
      size = select((here > size) | is_nan(here), here, size);
    }
    const T divisor = select(size > T(0.0), size, T(1.0));
    for (std::int64_t i = 0; i < n; ++i) a[i] = a[i] / divisor;
    return divisor;
  }
  template <class T> static bool annihilate(T* u, T* v, std::int64_t m, std::int64_t n,
                                            std::int64_t p, std::int64_t q, T small) {
    T *const x = u + p * m, *const y = u + q * m;
    const T xx = dot(x, x, m), yy = dot(y, y, m), xy = dot(x, y, m);
    const auto wanted = (abs(xy) > small * sqrt(xx) * sqrt(yy)) & (smaller(xx, yy) > T(kNothing));
    if (!any(wanted)) return false;
    const T t = tangent(select(wanted, xy, T(1.0)), yy - xx, wanted);
    const T c = T(1.0) / sqrt(fma(t, t, T(1.0)));
    rotate(wanted, c, t * c, x, y, m);
    rotate(wanted, c, t * c, v + p * n, v + q * n, n);
    return true;
  }
  // Makes row i a unit vector orthogonal to the rows before it: of the axis that they reach least.
  template <class T, class M>
  static void complete(T* u, std::int64_t i, std::int64_t m, M where) {
    T fewest(2.0), axis(0.0);
    for (std::int64_t k = 0; k < m; ++k) {
      T reach(0.0);
      for (std::int64_t j = 0; j < i; ++j) reach = fma(u[j * m + k], u[j * m + k], reach);
      const auto less = reach < fewest;
      fewest = select(less, reach, fewest);
      axis = select(less, T(static_cast<double>(k)), axis);
    }
    T* const x = u + i * m;
    for (std::int64_t k = 0; k < m; ++k) {
      const T here = select(axis == T(static_cast<double>(k)), T(1.0), T(0.0));
      x[k] = select(where, here, x[k]);
    }
    for (int twice = 0; twice < 2; ++twice)
      for (std::int64_t j = 0; j < i; ++j)
        subtract_where(where, dot(x, u + j * m, m), u + j * m, x, m);
    scale(T(1.0) / select(where, sqrt(dot(x, x, m)), T(1.0)), x, m);
  }
  template <class T, class M>
  static void subtract_where(M where, T s, const T* x, T* y, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) y[i] = select(where, fnma(s, x[i], y[i]), y[i]);
  }
};

// Sizes: batch, m >= n. The result is U (m, n), s (n) and V' (n, n).
struct Svd {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t m = sizes[1], n = sizes[2];
    T *const s = out + m * n, *const v = s + n;
    transpose_matrix(in[0], work, m, n);
    SingularValues::decompose(work, s, v, m, n, work + m * n);
    transpose_matrix(work, out, n, m);
  }
};

// The pseudoinverse (n, m), from the singular values above the largest times a number. Inputs: A
// (m, n) with m >= n, and that number. Sizes: batch, m, n.
struct Pinv {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t m = sizes[1], n = sizes[2];
    T *const u = work, *const s = u + m * n, *const v = s + n;
    transpose_matrix(in[0], u, m, n);
    SingularValues::decompose(u, s, v, m, n, v + n * n);
    for (std::int64_t i = 0; i < n * m; ++i) out[i] = T(0.0);
    for (std::int64_t k = 0; k < n; ++k) {
      const auto there = !(s[k] <= in[1][0] * s[0]);
      const T weight = select(there, T(-1.0) / select(there, s[k], T(1.0)), T(0.0));
      for (std::int64_t i = 0; i < n; ++i)
        subtract(weight * v[k * n + i], u + k * m, out + i * m, m);
    }
  }
};
