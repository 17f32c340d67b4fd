// SPDX-License-Identifier: BSD-3-Clause
// P A = L U with partial pivoting, and what is made of it: solutions, inverses, determinants. The
// factors of A (n, n) lie in one matrix, L without its diagonal of ones; then, as numbers, the row
// that each row was exchanged with.

template <class T> struct Factors {
  const T* lu;
  std::int64_t n;
  const T* pivots() const { return lu + n * n; }
  auto regular() const {
    auto good = everywhere<T>();
    for (std::int64_t i = 0; i < n; ++i) good = good & (lu[i * n + i] != T(0.0));
    return good;
  }
  // Exchanges rows of x (n, m) as the factorization did, or back. The factors may be those of a
  // saved graph that somebody changed, so no row is taken for granted.
  void exchange_rows(T* x, std::int64_t m, bool back) const {
    for (std::int64_t s = 0; s < n; ++s) {
      const std::int64_t k = back ? n - 1 - s : s;
      for (std::int64_t lane = 0; lane < kLaneCount<T>; ++lane) {
        const double pivot = lane_of(const_cast<T*>(pivots()), k, lane);
        if (!(pivot > static_cast<double>(k) && pivot < static_cast<double>(n))) continue;
        const auto row = static_cast<std::int64_t>(pivot);
        for (std::int64_t j = 0; j < m; ++j)
          std::swap(lane_of(x, k * m + j, lane), lane_of(x, row * m + j, lane));
      }
    }
  }
  // Solves A X = B or A' X = B in place.
  void solve(bool transposed, T* x, std::int64_t m, T* work) const {
    if (!transposed) {
      exchange_rows(x, m, false);
      triangle(false, {true, true}, x, m, work);
      triangle(false, {false, false}, x, m, work);
    } else {
      triangle(true, {true, false}, x, m, work);
      triangle(true, {false, true}, x, m, work);
      exchange_rows(x, m, true);
    }
  }

 private:
  void triangle(bool transposed, System of, T* x, std::int64_t m, T* work) const {
    const std::int64_t down = transposed ? 1 : n, right = transposed ? n : 1;
    if constexpr (kDouble<T>)
      if (n > kInLanes) return solve_triangle({lu, down, right}, of, x, n, m, work);
    Triangular::solve(lu, down, right, of, x, n, m);
  }
};

// The factors. Sizes: batch, n.
struct Lu {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    std::copy_n(in[0], n * n, out);
    if constexpr (kDouble<T>)
      if (n > kInLanes) return blocked(out, n, work);
    panel(out, n, 0, n, n, out + n * n);
  }

  // Factors columns k … k + size of the rows from k on. Rows are exchanged within these columns.
  template <class T> static void panel(T* a, std::int64_t n, std::int64_t first, std::int64_t size,
                                       std::int64_t apart, T* pivots) {
    for (std::int64_t k = first; k < first + size; ++k) {
      T largest = abs(a[k * apart + k]), at(static_cast<double>(k));
      largest = select(is_nan(largest), T(0.0), largest);
      for (std::int64_t i = k + 1; i < n; ++i) {
        const T here = abs(a[i * apart + k]);
        const auto more = here > largest;
        largest = select(more, here, largest);
        at = select(more, T(static_cast<double>(i)), at);
      }
      pivots[k] = at;
      for (std::int64_t lane = 0; lane < kLaneCount<T>; ++lane) {
        const auto row = static_cast<std::int64_t>(lane_of(&at, 0, lane));
        if (row != k)
          for (std::int64_t j = first; j < first + size; ++j)
            std::swap(lane_of(a, k * apart + j, lane), lane_of(a, row * apart + j, lane));
      }
      const T* const row = a + k * apart;
      const T inverse = T(1.0) / select(row[k] == T(0.0), T(1.0), row[k]);
      for (std::int64_t i = k + 1; i < n; ++i) {
        T* const below = a + i * apart;
        below[k] = below[k] * inverse;
        subtract(below[k], row + k + 1, below + k + 1, first + size - k - 1);
      }
    }
  }

  static void blocked(double* a, std::int64_t n, double* work) {
    double* const pivots = a + n * n;
    for (std::int64_t k = 0; k < n; k += kPanel) {
      const std::int64_t size = least(kPanel, n - k), end = k + size;
      panel(a, n, k, size, n, pivots);
      for (std::int64_t i = k; i < end; ++i) {
        const auto row = static_cast<std::int64_t>(pivots[i]);
        if (row == i) continue;
        exchange(a + i * n, a + row * n, k);
        exchange(a + i * n + end, a + row * n + end, n - end);
      }
      const Grid upper{a + k * n + end, n, 1};
      solve_columns({a + k * n + k, n, 1}, {true, true}, a + k * n + end, size, n - end, n, work);
      constexpr std::int64_t kRows = 256;
      for (std::int64_t i = end; i < n; i += kRows)
        subtract_product(least(kRows, n - i), size, n - end, {a + i * n + k, n, 1}, upper,
                         a + i * n + end, n, work);
    }
  }
};

// X with A X = B, or A' X = B, from the factors of A and B. Sizes: batch, n, columns of B, whether
// A is transposed.
struct Solve {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1], m = sizes[2];
    const Factors<T> a{in[0], n};
    std::copy_n(in[1], n * m, out);
    a.solve(sizes[3] != 0, out, m, work);
    keep(a.regular(), out, n * m);
  }
};

// The inverse of A from its factors. Sizes: batch, n.
struct Inverse {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    const Factors<T> a{in[0], n};
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) out[i * n + j] = T(i == j ? 1.0 : 0.0);
    a.solve(false, out, n, work);
    keep(a.regular(), out, n * n);
  }
};

// The sign of the determinant (-1, 0, 1) and the logarithm of its size, from the factors. Sizes:
// batch, n.
struct LogDeterminant {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T*) {
    const std::int64_t n = sizes[1];
    const Factors<T> a{in[0], n};
    T sign(1.0), sum(0.0);
    for (std::int64_t i = 0; i < n; ++i) {
      const T u = a.lu[i * n + i];
      sign = select(a.pivots()[i] == T(static_cast<double>(i)), sign, -sign);
      sign = select(u == T(0.0), T(0.0), select(u < T(0.0), -sign, sign));
      sign = select(is_nan(u), u, sign);
      sum = sum + logarithm(abs(u));
    }
    out[0] = sign, out[1] = sum;
  }
  static V logarithm(V a) { return math::log(a); }
  static double logarithm(double a) { return first(math::log(V(a))); }
};

// The determinant from the factors. Sizes: batch, n.
struct Determinant {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T*) {
    const std::int64_t n = sizes[1];
    const Factors<T> a{in[0], n};
    T product(1.0);
    for (std::int64_t i = 0; i < n; ++i) {
      const T u = product * a.lu[i * n + i];
      product = select(a.pivots()[i] == T(static_cast<double>(i)), u, -u);
    }
    out[0] = product;
  }
};

// The cofactors of A, the slopes of its determinant, also where A is singular: with complete
// pivoting P A Q = L D U, and those of L D U are its inverse transposed, with the products of all
// other pivots in the place of 1 / d. Stewart 1998, Linear Algebra Appl. 283, 151-164. Sizes:
// batch, n.
struct Cofactors {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1];
    T *const a = work, *const rows = a + n * n, *const columns = rows + n, *const d = columns + n,
             *const others = d + n, *const room = others + n;
    std::copy_n(in[0], n * n, a);
    T sign(1.0);
    for (std::int64_t k = 0; k < n; ++k) sign = eliminate(a, n, k, rows, columns, d, sign);
    products_of_others(d, others, n, sign);
    // Row i of the result, transposed: U^-1 (others) L^-1, then the exchanges undone.
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) out[i * n + j] = T(i == j ? 1.0 : 0.0);
    solve(a, n, {true, true}, out, n, room);
    for (std::int64_t i = 0; i < n; ++i) scale(others[i], out + i * n, n);
    solve(a, n, {false, true}, out, n, room);
    for (std::int64_t k = n; k-- > 0;) {
      swap_in_lanes(columns, k, [&](std::int64_t j, std::int64_t lane) {
        for (std::int64_t i = 0; i < n; ++i)
          std::swap(lane_of(out, k * n + i, lane), lane_of(out, j * n + i, lane));
      });
      swap_in_lanes(rows, k, [&](std::int64_t j, std::int64_t lane) {
        for (std::int64_t i = 0; i < n; ++i)
          std::swap(lane_of(out, i * n + k, lane), lane_of(out, i * n + j, lane));
      });
    }
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = i + 1; j < n; ++j) std::swap(out[i * n + j], out[j * n + i]);
  }

 private:
  template <class T> static void solve(const T* a, std::int64_t n, System of, T* x, std::int64_t m,
                                       T* room) {
    if constexpr (kDouble<T>)
      if (n > kInLanes) return solve_triangle({a, n, 1}, of, x, n, m, room);
    Triangular::solve(a, n, 1, of, x, n, m);
  }
  template <class T, class F> static void swap_in_lanes(T* with, std::int64_t k, const F& f) {
    for (std::int64_t lane = 0; lane < kLaneCount<T>; ++lane) {
      const auto j = static_cast<std::int64_t>(lane_of(with, k, lane));
      if (j != k) f(j, lane);
    }
  }
  // One step of the elimination; rows of U are divided by their pivots.
  template <class T> static T eliminate(T* a, std::int64_t n, std::int64_t k, T* rows, T* columns,
                                        T* d, T sign) {
    T largest(-1.0), row(static_cast<double>(k)), column = row;
    for (std::int64_t i = k; i < n; ++i)
      for (std::int64_t j = k; j < n; ++j) {
        const T here = abs(a[i * n + j]);
        const auto more = here > largest;
        largest = select(more, here, largest);
        row = select(more, T(static_cast<double>(i)), row);
        column = select(more, T(static_cast<double>(j)), column);
      }
    rows[k] = row, columns[k] = column;
    const T at(static_cast<double>(k));
    sign = select(row == at, sign, -sign);
    sign = select(column == at, sign, -sign);
    swap_in_lanes(rows, k, [&](std::int64_t i, std::int64_t lane) {
      for (std::int64_t j = 0; j < n; ++j)
        std::swap(lane_of(a, k * n + j, lane), lane_of(a, i * n + j, lane));
    });
    swap_in_lanes(columns, k, [&](std::int64_t j, std::int64_t lane) {
      for (std::int64_t i = 0; i < n; ++i)
        std::swap(lane_of(a, i * n + k, lane), lane_of(a, i * n + j, lane));
    });
    T* const pivots = a + k * n;
    d[k] = pivots[k];
    const T inverse = T(1.0) / select(d[k] == T(0.0), T(1.0), d[k]);
    for (std::int64_t i = k + 1; i < n; ++i) {
      T* const below = a + i * n;
      below[k] = below[k] * inverse;
      subtract(below[k], pivots + k + 1, below + k + 1, n - k - 1);
    }
    scale(inverse, pivots + k + 1, n - k - 1);
    return sign;
  }
  template <class T> static void products_of_others(const T* d, T* others, std::int64_t n, T sign) {
    T before = sign, after(1.0);
    for (std::int64_t i = 0; i < n; ++i) others[i] = before, before = before * d[i];
    for (std::int64_t i = n; i-- > 0;) others[i] = others[i] * after, after = after * d[i];
  }
};
