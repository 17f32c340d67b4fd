// SPDX-License-Identifier: BSD-3-Clause
// Cholesky's factor, its adjoint, and triangular systems.

// A = L L', of which the lower triangle is read. Sizes: batch, n.
struct Cholesky {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    auto good = everywhere<T>();
    if constexpr (kDouble<T>)
      good = n > kInLanes ? blocked(in[0], out, n, work) : rows(in[0], out, n);
    else good = rows(in[0], out, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = i + 1; j < n; ++j) out[i * n + j] = T(0.0);
    keep(good, out, n * n);
  }

  // Row by row, four elements at a time. Returns where every pivot was positive.
  template <class T> static auto rows(const T* a, T* l, std::int64_t n) {
    auto good = everywhere<T>();
    T inverse[array_size(kInLanes)];
    for (std::int64_t i = 0; i < n; ++i) {
      const T* const row = l + i * n;
      for (std::int64_t j = 0; j < i; j += 4) four(a, l, i, j, n, inverse);
      T pivot = a[i * n + i];
      for (std::int64_t k = 0; k < i; ++k) pivot = fnma(row[k], row[k], pivot);
      const auto positive = pivot > T(0.0);
      good = good & positive;
      const T root = sqrt(select(positive, pivot, T(1.0)));
      l[i * n + i] = root;
      inverse[i] = T(1.0) / root;
    }
    return good;
  }
  template <class T> static THALWEG_INLINE void four(const T* a, T* l, std::int64_t i,
                                                     std::int64_t j, std::int64_t n,
                                                     const T* inverse) {
    const std::int64_t count = least(4, i - j);
    T s[4];
    const T *row = l + i * n, *others[4];
    for (int r = 0; r < 4; ++r) {
      const std::int64_t c = least(j + r, i - 1);
      others[r] = l + c * n, s[r] = a[i * n + c];
    }
    for (std::int64_t k = 0; k < j; ++k)
      each<4>([&](auto r) { s[r] = fnma(row[k], others[r][k], s[r]); });
    for (int r = 0; r < count; ++r) {
      for (int q = 0; q < r; ++q) s[r] = fnma(row[j + q], others[r][j + q], s[r]);
      l[i * n + j + r] = s[r] * inverse[j + r];
    }
  }

  // R = L' by panels of rows: what is above, as a product; the diagonal block; a triangular system.
  static bool blocked(const double* a, double* l, std::int64_t n, double* work) {
    double *const r = work, *const room = work + n * n;
    transpose_matrix(a, r, n, n);  // its upper triangle is the lower one of A
    bool good = true;
    for (std::int64_t k = 0; k < n && good; k += kPanel) {
      const std::int64_t size = least(kPanel, n - k), end = k + size;
      double* const panel = r + k * n + k;
      subtract_product(size, k, n - k, Grid{r + k, n, 1}.transposed(), {r + k, n, 1}, panel, n,
                       room);
      good = diagonal(panel, size, n);
      solve_columns(Grid{panel, n, 1}.transposed(), {true, false}, panel + size, size, n - end, n,
                    room);
    }
    transpose_matrix(r, l, n, n);
    return good;
  }
  // The factor of a diagonal block of R, in place.
  static bool diagonal(double* r, std::int64_t n, std::int64_t apart) {
    for (std::int64_t k = 0; k < n; ++k) {
      double* const row = r + k * apart;
      if (!(row[k] > 0.0)) return false;
      scale(1.0 / sqrt(row[k]), row + k, n - k);
      for (std::int64_t i = k + 1; i < n; ++i) subtract(row[i], row + i, r + i * apart + i, n - i);
    }
    return true;
  }
};

// The adjoint of A's lower triangle from L and its adjoint, whose lower triangles are read; zeros
// above. Murray 2016, arXiv:1602.07527: the factorization run backward. Sizes: batch, n.
struct CholeskyAdjoint {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) out[i * n + j] = j > i ? T(0.0) : in[1][i * n + j];
    if constexpr (kDouble<T>)
      if (n > kInLanes) return blocked(in[0], out, n, work);
    columns(in[0], out, n, n);
  }

  // Column by column from the last: s is the adjoint of L, then of A.
  template <class T> static void columns(const T* l, T* s, std::int64_t n, std::int64_t apart) {
    for (std::int64_t j = n; j-- > 0;) {
      const T *const row = l + j * apart, inverse = T(1.0) / row[j];
      T* const above = s + j * apart;
      T pivot = above[j];
      for (std::int64_t i = j + 1; i < n; ++i) {
        T& share = s[i * apart + j];
        share = share * inverse;
        pivot = fnma(l[i * apart + j], share, pivot);
      }
      pivot = pivot * inverse;
      above[j] = T(0.5) * pivot;
      for (std::int64_t k = 0; k < j; ++k) {
        const T here = row[k];
        T sum = fnma(pivot, here, above[k]);
        for (std::int64_t i = j + 1; i < n; ++i) {
          const T share = s[i * apart + j];
          sum = fnma(share, l[i * apart + k], sum);
          s[i * apart + k] = fnma(share, here, s[i * apart + k]);
        }
        above[k] = sum;
      }
    }
  }

  // The same by blocks of columns, [R D; B C] with the diagonal block D.
  static void blocked(const double* l, double* s, std::int64_t n, double* work) {
    double *const lying = work, *const room = work + kPanel * n, *const square = room + kPanel * n;
    for (std::int64_t end = n; end > 0;) {
      const std::int64_t size = (end - 1) % kPanel + 1, j = end - size, below = n - end;
      const double *const d = l + j * n + j, *const c = l + end * n + j, *const b = l + end * n;
      double *const sd = s + j * n + j, *const sc = s + end * n + j;
      // C's: times the inverse of D, as rows: D' X' = C'
      for (std::int64_t i = 0; i < below; ++i)
        for (std::int64_t k = 0; k < size; ++k) lying[k * below + i] = sc[i * n + k];
      solve_columns(Grid{d, n, 1}.transposed(), {false, false}, lying, size, below, below, room);
      for (std::int64_t i = 0; i < below; ++i)
        for (std::int64_t k = 0; k < size; ++k) sc[i * n + k] = lying[k * below + i];
      const Grid shares{lying, below, 1};
      by_blocks(below, size, j, shares.transposed(), {l + j * n, n, 1}, s + end * n, n, room);
      subtract_product(size, below, size, shares, {c, n, 1}, sd, n, room);
      for (std::int64_t i = 0; i < size; ++i)
        for (std::int64_t k = i + 1; k < size; ++k) sd[i * n + k] = 0.0;
      columns(d, sd, size, n);
      for (std::int64_t i = 0; i < size; ++i)
        for (std::int64_t k = 0; k < size; ++k)
          square[i * size + k] = (k > i ? 0.0 : sd[i * n + k]) + (i > k ? 0.0 : sd[k * n + i]);
      subtract_product(size, below, j, shares, {b, n, 1}, s + j * n, n, room);
      subtract_product(size, size, j, {square, size, 1}, {l + j * n, n, 1}, s + j * n, n, room);
      end = j;
    }
  }
  // C -= A B a few rows of A at a time, so that `negated` stays small.
  static void by_blocks(std::int64_t m, std::int64_t k, std::int64_t n, Grid a, Grid b, double* c,
                        std::int64_t apart, double* negated) {
    constexpr std::int64_t kRows = 256;
    for (std::int64_t i = 0; i < m; i += kRows)
      subtract_product(least(kRows, m - i), k, n, a.at(i, 0), b, c + i * apart, apart, negated);
  }
};

// X with op(T) X = B, op(T) = T or T'. Sizes: batch, n, columns of B, whether T's lower triangle is
// read, whether T is transposed, whether its diagonal is one.
struct Triangular {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1], m = sizes[2];
    const bool lower = sizes[3], transposed = sizes[4], unit = sizes[5];
    std::copy_n(in[1], n * m, out);
    auto good = everywhere<T>();
    if (!unit)
      for (std::int64_t i = 0; i < n; ++i) good = good & (in[0][i * n + i] != T(0.0));
    const std::int64_t down = transposed ? 1 : n, right = transposed ? n : 1;
    if constexpr (kDouble<T>) {
      if (n > kInLanes) {
        solve_triangle({in[0], down, right}, {lower != transposed, unit}, out, n, m, work);
        return keep(good, out, n * m);
      }
    }
    solve(in[0], down, right, {lower != transposed, unit}, out, n, m);
    keep(good, out, n * m);
  }
  // Row after row of X.
  template <class T> static void solve(const T* t, std::int64_t down, std::int64_t right, System of,
                                       T* x, std::int64_t n, std::int64_t m) {
    for (std::int64_t s = 0; s < n; ++s) {
      const std::int64_t i = of.lower ? s : n - 1 - s, from = of.lower ? 0 : i + 1,
                         end = of.lower ? i : n;
      const T inverse = of.unit ? T(1.0) : T(1.0) / t[i * (down + right)];
      std::int64_t j = 0;
      for (; j + 4 <= m; j += 4)
        row<4>(t + i * down, right, x, i, from, end, j, m, of.unit, inverse);
      for (; j < m; ++j) row<1>(t + i * down, right, x, i, from, end, j, m, of.unit, inverse);
    }
  }
  template <int N, class T>
  static THALWEG_INLINE void row(const T* t, std::int64_t right, T* x, std::int64_t i,
                                 std::int64_t from, std::int64_t end, std::int64_t j,
                                 std::int64_t m, bool unit, T inverse) {
    T sum[array_size(N)];
    each<N>([&](auto r) { sum[r] = x[i * m + j + r]; });
    for (std::int64_t k = from; k < end; ++k) {
      const T factor = t[k * right];
      each<N>([&](auto r) { sum[r] = fnma(factor, x[k * m + j + r], sum[r]); });
    }
    each<N>([&](auto r) { x[i * m + j + r] = unit ? sum[r] : sum[r] * inverse; });
  }
};

// Parts of a matrix (m, n). Sizes: batch, m, n, which.
struct Triangle {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T*) {
    const std::int64_t m = sizes[1], n = sizes[2];
    const T* const x = in[0];
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        const T here = x[i * n + j];
        T& to = out[i * n + j];
        switch (static_cast<MatrixPart>(sizes[3])) {
          case MatrixPart::Lower:
            to = i >= j ? here : T(0.0);
            break;
          case MatrixPart::StrictLower:
            to = i > j ? here : T(0.0);
            break;
          case MatrixPart::Upper:
            to = i <= j ? here : T(0.0);
            break;
          case MatrixPart::StrictUpper:
            to = i < j ? here : T(0.0);
            break;
          case MatrixPart::HalvedLower:
            to = i > j ? here : i < j ? T(0.0) : T(0.5) * here;
            break;
          case MatrixPart::Mirrored:
            to = i >= j ? here : x[j * n + i];
            break;
          case MatrixPart::Folded:
            to = i > j ? here + x[j * n + i] : i < j ? T(0.0) : here;
            break;
        }
      }
  }
};
