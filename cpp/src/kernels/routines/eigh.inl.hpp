// SPDX-License-Identifier: BSD-3-Clause
// Eigenvalues, in ascending order, and eigenvectors of a symmetric matrix. Sizes: batch, n. The
// result is the n eigenvalues and then the matrix whose columns are the eigenvectors.

struct Eigh {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    T *const a = work, *const vectors = a + n * n;  // eigenvectors are its rows
    auto good = everywhere<T>();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j <= i; ++j) {
        const T x = in[0][i * n + j];
        a[i * n + j] = x, a[j * n + i] = x;
        good = good & is_finite(x);
      }
    if constexpr (kDouble<T>) {
      if (n > kRotatedInLanes) {
        if (good) tridiagonal(a, out, vectors, n, vectors + n * n);
      } else {
        jacobi(a, out, vectors, n);
      }
    } else {
      jacobi(a, out, vectors, n);
    }
    sort_rows(out, vectors, n, n, [](double x, double y) { return x < y; });
    transpose_matrix(vectors, out + n, n, n);
    keep(good, out, n + n * n);
  }

 private:
  // Cyclic rotations. Rutishauser 1966, Numer. Math. 9, 1-10. A lane without an element to
  // annihilate is not changed any more, so it ends as it would alone.
  template <class T> static void jacobi(T* a, T* values, T* vectors, std::int64_t n) {
    constexpr int kSweeps = 40;
    T least_size(0.0);
    for (std::int64_t i = 0; i < n * n; ++i) least_size = fma(a[i], a[i], least_size);
    least_size = sqrt(least_size) * T(0x1p-57);
    for (std::int64_t i = 0; i < n * n; ++i) vectors[i] = T(i % (n + 1) ? 0.0 : 1.0);
    bool rotated = true;
    for (int sweep = 0; rotated && sweep < kSweeps; ++sweep) {
      rotated = false;
      for (std::int64_t p = 0; p < n; ++p)
        for (std::int64_t q = p + 1; q < n; ++q) {
          const auto wanted = abs(a[p * n + q]) > least_size;
          if (!any(wanted)) continue;
          rotated = true;
          annihilate(a, vectors, n, p, q, wanted);
        }
    }
    for (std::int64_t i = 0; i < n; ++i) values[i] = a[i * n + i];
  }
  template <class T, class M>
  static void annihilate(T* a, T* vectors, std::int64_t n, std::int64_t p, std::int64_t q,
                         M where) {
    T *const row_p = a + p * n, *const row_q = a + q * n;
    const T off = row_p[q], at_p = row_p[p], at_q = row_q[q];
    const T t = tangent(select(where, off, T(1.0)), at_q - at_p, where);
    const T c = T(1.0) / sqrt(fma(t, t, T(1.0))), s = t * c;
    rotate(where, c, s, row_p, row_q, n);
    for (std::int64_t k = 0; k < n; ++k) a[k * n + p] = row_p[k], a[k * n + q] = row_q[k];
    row_p[p] = select(where, fnma(t, off, at_p), at_p);
    row_q[q] = select(where, fma(t, off, at_q), at_q);
    row_p[q] = row_q[p] = select(where, T(0.0), off);
    rotate(where, c, s, vectors + p * n, vectors + q * n, n);
  }

  // Householder's tridiagonal form, and the implicit QL iteration. Golub and Van Loan, Matrix
  // Computations, 4th ed. 2013, algorithms 8.3.1 and 8.3.3.
  static void tridiagonal(double* a, double* d, double* vectors, std::int64_t n, double* room) {
    double *const e = room, *const factors = e + n, *const p = factors + n;
    for (std::int64_t k = 0; k + 1 < n; ++k) {
      const std::int64_t rest = n - k - 1;
      double* const v = a + k * n + k + 1;  // stays there: row k is not read again
      d[k] = a[k * n + k];
      factors[k] = reflector(v, rest, e[k]);
      double* const block = a + (k + 1) * n + k + 1;
      for (std::int64_t i = 0; i < rest; ++i) p[i] = factors[k] * dot(block + i * n, v, rest);
      subtract(0.5 * factors[k] * dot(p, v, rest), v, p, rest);
      for (std::int64_t i = 0; i < rest; ++i) subtract_two(v[i], p, p[i], v, block + i * n, rest);
    }
    d[n - 1] = a[n * n - 1];
    e[n - 1] = 0.0;
    for (std::int64_t i = 0; i < n * n; ++i) vectors[i] = i % (n + 1) ? 0.0 : 1.0;
    // Rows of `vectors` are columns of H_0 … H_{n-2}.
    for (std::int64_t k = n - 1; k-- > 0;) {
      const std::int64_t rest = n - k - 1;
      const double* const v = a + k * n + k + 1;
      for (std::int64_t i = k + 1; i < n; ++i) {
        double* const row = vectors + i * n + k + 1;
        subtract(factors[k] * dot(row, v, rest), v, row, rest);
      }
    }
    implicit_ql(d, e, vectors, n);
  }
  static void subtract_two(double s, const double* x, double t, const double* y, double* to,
                           std::int64_t n) {
    const V a(s), b(t);
    std::int64_t i = 0;
    for (; i + W <= n; i += W)
      fnma(b, V::load(y + i), fnma(a, V::load(x + i), V::load(to + i))).store(to + i);
    if (const std::int64_t left = n - i; left)
      fnma(b, V::load(y + i, left), fnma(a, V::load(x + i, left), V::load(to + i, left)))
          .store(to + i, left);
  }
  static void implicit_ql(double* d, double* e, double* vectors, std::int64_t n) {
    for (std::int64_t l = 0; l < n; ++l)
      for (int round = 0; round < 60; ++round) {
        std::int64_t m = l;
        while (m + 1 < n && abs(e[m]) > 0x1p-53 * (abs(d[m]) + abs(d[m + 1]))) ++m;
        if (m == l) break;
        double g = (d[l + 1] - d[l]) / (2.0 * e[l]);
        double r = std::hypot(g, 1.0);
        g = d[m] - d[l] + e[l] / (g + copysign(r, g));
        double s = 1.0, c = 1.0, p = 0.0;
        bool early = false;
        for (std::int64_t i = m; i-- > l;) {
          const double f = s * e[i], b = c * e[i];
          r = std::hypot(f, g);
          e[i + 1] = r;
          if (r == 0.0) {
            d[i + 1] -= p, e[m] = 0.0, early = true;
            break;
          }
          s = f / r, c = g / r;
          g = d[i + 1] - p;
          r = (d[i] - g) * s + 2.0 * c * b;
          p = s * r;
          d[i + 1] = g + p;
          g = c * r - b;
          rotate(true, c, s, vectors + i * n, vectors + (i + 1) * n, n);
        }
        if (early) continue;
        d[l] -= p, e[l] = g, e[m] = 0.0;
      }
  }
};
