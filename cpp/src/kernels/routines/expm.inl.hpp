// SPDX-License-Identifier: BSD-3-Clause
// The exponential of a matrix by scaling, a Padé approximant, and squaring. Higham 2005, SIAM J.
// Matrix Anal. Appl. 26(4), 1179-1193.

// A matrix, or with Derived a matrix and its derivative along a direction: the matrix
// [[x, d], [0, x]], of which x and d are stored, so that a product takes three and not eight.
template <class T, bool Derived> struct Along {
  T* x;  // then d
  std::int64_t n;
  std::int64_t size() const { return n * n; }
  std::int64_t numbers() const { return (Derived ? 2 : 1) * size(); }
  T* d() const { return x + size(); }
  Along at(T* p) const { return {p, n}; }
};

template <class T, bool Derived> struct Exponential {
  using M = Along<T, Derived>;
  std::int64_t n;
  T* room;

  // The exponential of a, which is changed, to `out`. `leading` is the order of the block that
  // decides the scaling; `work` has room for six, and n numbers.
  void run(M a, M out, std::int64_t leading, T* work) const {
    const std::int64_t each = a.numbers();
    const M a2 = a.at(work), a4 = a.at(work + each), a6 = a.at(work + 2 * each),
            odd = a.at(work + 3 * each), lower = a.at(work + 4 * each);
    const T times = scaled_down(a, leading);
    product(a, a, a2);
    product(a2, a2, a4);
    product(a2, a4, a6);
    // The approximant is (even - odd)^-1 (even + odd).
    const M powers[] = {a2, a4, a6};
    combine(powers, {kPade[9], kPade[11], kPade[13]}, out);
    product(a6, out, lower);
    add(powers, {kPade[3], kPade[5], kPade[7]}, kPade[1], lower);
    product(a, lower, odd);
    combine(powers, {kPade[8], kPade[10], kPade[12]}, lower);
    product(a6, lower, out);
    add(powers, {kPade[2], kPade[4], kPade[6]}, kPade[0], out);
    for (std::int64_t i = 0; i < each; ++i) {
      const T even = out.x[i];
      a6.x[i] = even - odd.x[i], out.x[i] = even + odd.x[i];
    }
    solve(a6, out, work + 5 * each);
    square(out, times, a);
  }

 private:
  // Coefficients of the numerator, and the norm up to which the error is below rounding.
  static constexpr double kPade[] = {64764752532480000.0,
                                     32382376266240000.0,
                                     7771770303897600.0,
                                     1187353796428800.0,
                                     129060195264000.0,
                                     10559470521600.0,
                                     670442572800.0,
                                     33522128640.0,
                                     1323241920.0,
                                     40840800.0,
                                     960960.0,
                                     16380.0,
                                     182.0,
                                     1.0};
  static constexpr double kLargestNorm = 5.371920351148152;
  struct Three {
    double a, b, c;
  };

  // Divides A by a power of two; returns how often it was halved.
  static T scaled_down(M a, std::int64_t leading) {
    const std::int64_t n = a.n;
    T norm(0.0), times(0.0), factor(1.0);
    for (std::int64_t j = 0; j < leading; ++j) {
      T sum(0.0);
      for (std::int64_t i = 0; i < leading; ++i) sum = sum + abs(a.x[i * n + j]);
      norm = larger(norm, sum);
    }
    norm = select(is_finite(norm), norm, T(0.0));
    for (auto more = norm > T(kLargestNorm); any(more); more = norm > T(kLargestNorm)) {
      const T half(0.5), one(1.0);
      norm = select(more, norm * half, norm), factor = select(more, factor * half, factor);
      times = select(more, times + one, times);
    }
    scale(factor, a.x, a.numbers());
    return times;
  }
  static void combine(const M* m, Three c, M to) {
    const T a(c.a), b(c.b), d(c.c);
    for (std::int64_t i = 0; i < to.numbers(); ++i)
      to.x[i] = fma(d, m[2].x[i], fma(b, m[1].x[i], a * m[0].x[i]));
  }
  // to += c . m + identity I
  static void add(const M* m, Three c, double identity, M to) {
    const T a(c.a), b(c.b), d(c.c);
    for (std::int64_t i = 0; i < to.numbers(); ++i)
      to.x[i] = fma(d, m[2].x[i], fma(b, m[1].x[i], fma(a, m[0].x[i], to.x[i])));
    for (std::int64_t i = 0; i < to.n; ++i)
      to.x[i * (to.n + 1)] = to.x[i * (to.n + 1)] + T(identity);
  }

  // c += a b
  void accumulate(const T* a, const T* b, T* c) const {
    if constexpr (kDouble<T>)
      if (n > kInLanes) return add_product(1.0, n, n, n, {a, n, 1}, {b, n, 1}, c, n, room);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < n; ++k) subtract(-a[i * n + k], b + k * n, c + i * n, n);
  }
  void product(M a, M b, M c) const {
    for (std::int64_t i = 0; i < c.numbers(); ++i) c.x[i] = T(0.0);
    accumulate(a.x, b.x, c.x);
    if constexpr (Derived) accumulate(a.x, b.d(), c.d()), accumulate(a.d(), b.x, c.d());
  }
  // b = a^-1 b: its derivative is a^-1 (b' - a' b).
  void solve(M a, M b, T* pivots) const {
    T* const lu = pivots;  // the factors, and then what they name pivots
    std::copy_n(a.x, n * n, lu);
    factor(lu);
    const Factors<T> factors{lu, n};
    factors.solve(false, b.x, n, room);
    if constexpr (Derived) {
      T* const minus = a.x;
      for (std::int64_t i = 0; i < n * n; ++i) minus[i] = -a.d()[i];
      accumulate(minus, b.x, b.d());
      factors.solve(false, b.d(), n, room);
    }
  }
  void factor(T* lu) const {
    if constexpr (kDouble<T>)
      if (n > kInLanes) return Lu::blocked(lu, n, room);
    Lu::panel(lu, n, 0, n, n, lu + n * n);
  }
  void square(M x, T times, M other) const {
    T done(0.0);
    for (auto more = done < times; any(more); more = done < times) {
      product(x, x, other);
      for (std::int64_t i = 0; i < x.numbers(); ++i) x.x[i] = select(more, other.x[i], x.x[i]);
      done = done + T(1.0);
    }
  }
};

// Sizes: batch, n, and the order of the leading block that decides the scaling, which is smaller
// than n in derivatives of derivatives, so that they are those of the computed exponential.
struct Expm {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1], size = n * n;
    std::copy_n(in[0], size, work);
    T* const room = work + 7 * size + n;
    Exponential<T, false>{n, room}.run({work, n}, {out, n}, sizes[2], work + size);
  }
};

// The derivative of the exponential of A along E. The same sizes.
struct ExpmDerivative {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1], size = n * n;
    std::copy_n(in[0], size, work);
    std::copy_n(in[1], size, work + size);
    T *const both = work + 2 * size, *const rest = both + 2 * size;
    T* const room = rest + 11 * size + n;
    Exponential<T, true>{n, room}.run({work, n}, {both, n}, sizes[2], rest);
    std::copy_n(both + size, size, out);
  }
};
