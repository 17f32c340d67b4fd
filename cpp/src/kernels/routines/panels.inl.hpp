// SPDX-License-Identifier: BSD-3-Clause
// Blocked algorithms for one large matrix: products and triangular systems over panels of it.

constexpr std::int64_t kPanel = kMatrixPanel;  // rows or columns that are factored together

// Elements p[i * down + j * right].
struct Grid {
  const double* p;
  std::int64_t down, right;
  Grid at(std::int64_t i, std::int64_t j) const { return {p + i * down + j * right, down, right}; }
  double operator()(std::int64_t i, std::int64_t j) const { return p[i * down + j * right]; }
  Grid transposed() const { return {p, right, down}; }
};

// C += sign A B with A (m, k), B (k, n) and the rows of C contiguous, `apart` from one another. One
// of B's strides is 1. `copied` has room for A.
void add_product(double sign, std::int64_t m, std::int64_t k, std::int64_t n, Grid a, Grid b,
                 double* c, std::int64_t apart, double* copied) {
  if (m <= 0 || n <= 0 || k <= 0) return;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < k; ++j) copied[i * k + j] = sign * a(i, j);
  const double* const end = b.p + (k - 1) * b.down + (n - 1) * b.right + 1;
  const Product p{m,       k,     n, copied,         b.p, c,     k,     1,   b.down,
                  b.right, apart, 1, copied + m * k, end, false, false, true};
  for (std::int64_t from = 0; from < k; from += kRun)
    MatrixProduct::run(p.run(from, least(kRun, k - from)), false);
}
void subtract_product(std::int64_t m, std::int64_t k, std::int64_t n, Grid a, Grid b, double* c,
                      std::int64_t apart, double* copied) {
  add_product(-1.0, m, k, n, a, b, c, apart, copied);
}

// Which triangle of T holds the system, and whether its diagonal is one.
struct System {
  bool lower, unit;
};

// Solves T X = B in place for a block of rows of T: X (n, m), batches of columns at a time.
template <int N> __attribute__((flatten)) void solve_strip(Grid t, System of, double* x,
                                                           std::int64_t n, std::int64_t apart,
                                                           std::int64_t columns) {
  for (std::int64_t s = 0; s < n; ++s) {
    const std::int64_t i = of.lower ? s : n - 1 - s;
    V sum[array_size(N)];
    const auto read = [&](std::int64_t row, auto j) THALWEG_INLINED {
      return N > 1 ? V::load(x + row * apart + j * W) : some(x + row * apart, columns);
    };
    each<N>([&](auto j) { sum[j] = read(i, j); });
    const std::int64_t from = of.lower ? 0 : i + 1, end = of.lower ? i : n;
    for (std::int64_t k = from; k < end; ++k) {
      const V factor(t(i, k));
      each<N>([&](auto j) { sum[j] = fnma(factor, read(k, j), sum[j]); });
    }
    const V inverse(of.unit ? 1.0 : 1.0 / t(i, i));
    each<N>([&](auto j) {
      const V r = of.unit ? sum[j] : sum[j] * inverse;
      if constexpr (N > 1) r.store(x + i * apart + j * W);
      else put(r, x + i * apart, columns);
    });
  }
}

// Solves T X = B in place: X (n, m) with contiguous rows. `work` has room for kPanel rows of n.
void solve_columns(Grid t, System of, double* x, std::int64_t n, std::int64_t m, std::int64_t apart,
                   double* work) {
  constexpr int kStrip = 4;
  const std::int64_t blocks = (n + kPanel - 1) / kPanel;
  for (std::int64_t s = 0; s < blocks; ++s) {
    const std::int64_t from = (of.lower ? s : blocks - 1 - s) * kPanel,
                       rows = least(kPanel, n - from), end = from + rows;
    double* const here = x + from * apart;
    if (of.lower) subtract_product(rows, from, m, t.at(from, 0), {x, apart, 1}, here, apart, work);
    else
      subtract_product(rows, n - end, m, t.at(from, end), {x + end * apart, apart, 1}, here, apart,
                       work);
    std::int64_t j = 0;
    for (; j + kStrip * W <= m; j += kStrip * W)
      solve_strip<kStrip>(t.at(from, from), of, here + j, rows, apart, kStrip * W);
    for (; j < m; j += W)
      solve_strip<1>(t.at(from, from), of, here + j, rows, apart, least(W, m - j));
  }
}

// The same for one column: by dot products with rows, or by columns, whichever is contiguous.
void solve_vector(Grid t, System of, double* x, std::int64_t n) {
  const bool by_rows = t.right == 1;
  for (std::int64_t s = 0; s < n; ++s) {
    const std::int64_t i = of.lower ? s : n - 1 - s, from = of.lower ? 0 : i + 1,
                       count = of.lower ? i : n - 1 - i;
    if (by_rows) x[i] -= dot(t.at(i, from).p, x + from, count);
    if (!of.unit) x[i] /= t(i, i);
    if (by_rows) continue;
    const std::int64_t rest = of.lower ? i + 1 : 0;
    subtract(x[i], t.at(rest, i).p, x + rest, of.lower ? n - 1 - i : i);
  }
}

// Solves T X = B in place, X (n, m) without gaps. `work` has room for kPanel + 1 rows of n.
void solve_triangle(Grid t, System of, double* x, std::int64_t n, std::int64_t m, double* work) {
  constexpr std::int64_t kFewColumns = 4;
  if (m == 1) return solve_vector(t, of, x, n);
  if (m > kFewColumns) return solve_columns(t, of, x, n, m, m, work);
  for (std::int64_t j = 0; j < m; ++j) {
    for (std::int64_t i = 0; i < n; ++i) work[i] = x[i * m + j];
    solve_vector(t, of, work, n);
    for (std::int64_t i = 0; i < n; ++i) x[i * m + j] = work[i];
  }
}
