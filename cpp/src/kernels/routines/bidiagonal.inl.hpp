// SPDX-License-Identifier: BSD-3-Clause
// The singular values of one large matrix: Householder's bidiagonal form and implicit QR steps.
// Golub and Van Loan, Matrix Computations, 4th ed. 2013, sections 5.4.8 and 8.6.

struct Bidiagonal {
  double *u, *s, *v;      // U' (n, m) and V' (n, n), by rows
  double *e, *temporary;  // what is beside the diagonal (n), and room for m numbers
  double* right;          // the reflections from the right (n, n)
  std::int64_t m, n;

  static std::int64_t room(std::int64_t m, std::int64_t n) { return n * n + 3 * n + m; }
  // u holds the columns of A as rows; s comes out unordered, and none of it is negative.
  static void decompose(double* u, double* s, double* v, std::int64_t m, std::int64_t n,
                        double* room) {
    const Bidiagonal b{u, s, v, room + n * n + 2 * n, room + n * n + 3 * n, room, m, n};
    double* const taus = room + n * n;
    b.reduce(taus, taus + n);
    b.accumulate(taus, taus + n);
    for (std::int64_t end = n - 1, steps = 0; end > 0 && steps < 60 * n; ++steps) end = b.step(end);
    for (std::int64_t i = 0; i < n; ++i)
      if (s[i] < 0.0) s[i] = -s[i], scale(-1.0, v + i * n, n);
  }

 private:
  void reduce(double* left_taus, double* right_taus) const {
    for (std::int64_t k = 0; k < n; ++k) {
      double* const x = u + k * m + k;
      left_taus[k] = reflector(x, m - k, s[k]);
      for (std::int64_t j = k + 1; j < n; ++j) reflect(left_taus[k], x, u + j * m + k, m - k);
      e[k] = right_taus[k] = 0.0;
      const std::int64_t count = n - k - 1, below = m - k - 1;
      if (!count) break;
      double *const y = right + k * n + k + 1, *const sums = temporary;
      for (std::int64_t j = 0; j < count; ++j) y[j] = u[(k + 1 + j) * m + k];
      right_taus[k] = reflector(y, count, e[k]);
      std::fill_n(sums, below, 0.0);
      for (std::int64_t j = 0; j < count; ++j)
        subtract(-y[j], u + (k + 1 + j) * m + k + 1, sums, below);
      for (std::int64_t j = 0; j < count; ++j)
        subtract(right_taus[k] * y[j], sums, u + (k + 1 + j) * m + k + 1, below);
    }
  }
  static void reflect(double tau, const double* x, double* y, std::int64_t size) {
    subtract(tau * dot(x, y, size), x, y, size);
  }
  // The products of the reflections; those from the left lie in u.
  void accumulate(const double* left_taus, const double* right_taus) const {
    for (std::int64_t k = n; k-- > 0;) {
      std::copy_n(u + k * m + k, m - k, temporary);
      std::fill_n(u + k * m, m, 0.0);
      u[k * m + k] = 1.0;
      for (std::int64_t j = k; j < n; ++j) reflect(left_taus[k], temporary, u + j * m + k, m - k);
    }
    for (std::int64_t i = 0; i < n * n; ++i) v[i] = i % (n + 1) ? 0.0 : 1.0;
    for (std::int64_t k = n - 1; k-- > 0;)
      for (std::int64_t j = k + 1; j < n; ++j)
        reflect(right_taus[k], right + k * n + k + 1, v + j * n + k + 1, n - k - 1);
  }

  // One step on the block that ends at `end`; returns where the next one ends.
  std::int64_t step(std::int64_t end) const {
    constexpr double kSmall = 0x1p-53, kZero = 0x1p-500;
    const auto negligible = [&](std::int64_t i) {
      return !(abs(e[i]) > kSmall * (abs(s[i]) + abs(s[i + 1])) + kZero);
    };
    if (negligible(end - 1)) {
      e[end - 1] = 0.0;
      return end - 1;
    }
    std::int64_t start = end - 1;
    while (start > 0 && !negligible(start - 1)) --start;
    if (start > 0) e[start - 1] = 0.0;
    double largest = 0.0;
    for (std::int64_t i = start; i <= end; ++i) largest = larger(largest, abs(s[i]));
    const double none = kSmall * largest + kZero;
    for (std::int64_t i = start; i < end; ++i)
      if (abs(s[i]) <= none * 0x1p-10) return clear_row(i, end);
    if (abs(s[end]) <= none * 0x1p-10) return clear_column(start, end);
    chase(start, end);
    return end;
  }
  // Where s_i is 0, rotations from the left clear its row.
  std::int64_t clear_row(std::int64_t i, std::int64_t end) const {
    double f = e[i];
    s[i] = e[i] = 0.0;
    for (std::int64_t j = i + 1; j <= end; ++j) {
      const auto [r, c, t] = turn(s[j], f);
      s[j] = r;
      f = -t * e[j];
      e[j] *= c;
      rotate(true, c, -t, u + j * m, u + i * m, m);
      if (f == 0.0) break;
    }
    return end;
  }
  // Where the last s is 0, rotations from the right clear its column.
  std::int64_t clear_column(std::int64_t start, std::int64_t end) const {
    double f = e[end - 1];
    s[end] = e[end - 1] = 0.0;
    for (std::int64_t j = end; j-- > start;) {
      const auto [r, c, t] = turn(s[j], f);
      s[j] = r;
      rotate(true, c, -t, v + j * n, v + end * n, n);
      if (j == start) break;
      f = -t * e[j - 1];
      e[j - 1] *= c;
    }
    return end - 1;
  }
  // The length of (f, g), and its direction.
  static std::tuple<double, double, double> turn(double f, double g) {
    const double r = std::hypot(f, g);
    return r > 0.0 ? std::tuple{r, f / r, g / r} : std::tuple{0.0, 1.0, 0.0};
  }
  // An implicit QR step with the shift of the last two rows.
  void chase(std::int64_t start, std::int64_t end) const {
    const double last = s[end], before = s[end - 1], beside = e[end - 1];
    const double b = 0.5 * ((before + last) * (before - last) + beside * beside),
                 product = last * beside, c2 = product * product;
    double shift = 0.0;
    if (b != 0.0 || c2 != 0.0) shift = c2 / (b + copysign(std::sqrt(b * b + c2), b));
    double f = (s[start] + last) * (s[start] - last) + shift, g = s[start] * e[start];
    for (std::int64_t j = start; j < end; ++j) {
      auto [r, c, t] = turn(f, g);
      if (j > start) e[j - 1] = r;
      f = c * s[j] + t * e[j];
      e[j] = c * e[j] - t * s[j];
      g = t * s[j + 1];
      s[j + 1] *= c;
      rotate(true, c, -t, v + j * n, v + (j + 1) * n, n);
      std::tie(r, c, t) = turn(f, g);
      s[j] = r;
      f = c * e[j] + t * s[j + 1];
      s[j + 1] = c * s[j + 1] - t * e[j];
      g = t * e[j + 1];
      e[j + 1] *= c;
      rotate(true, c, -t, u + j * m, u + (j + 1) * m, m);
    }
    e[end - 1] = f;
  }
};
