// SPDX-License-Identifier: BSD-3-Clause
// The exponential of a matrix by scaling, a Padé approximant, and squaring. Higham 2005, SIAM J.
// Matrix Anal. Appl. 26(4), 1179-1193. Sizes: batch, n, and the order of the leading block that
// decides the scaling: in [[A, E], [0, A]], whose exponential has the derivative along E, it is
// that of A, so that the derivative is that of the computed exponential.

struct Expm {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T* work) {
    const std::int64_t n = sizes[1], size = n * n;
    T *const a = work, *const a2 = a + size, *const a4 = a2 + size, *const a6 = a4 + size,
             *const odd = a6 + size, *const lu = odd + size, *const room = lu + size + n;
    std::copy_n(in[0], size, a);
    const T times = scaled_down(a, n, sizes[2]);
    product(a, a, a2, n, room);
    product(a2, a2, a4, n, room);
    product(a2, a4, a6, n, room);
    // The approximant is (even - odd)^-1 (even + odd).
    const T* const powers[] = {a2, a4, a6};
    combine(powers, {kPade[9], kPade[11], kPade[13]}, out, size);
    product(a6, out, lu, n, room);
    add(powers, {kPade[3], kPade[5], kPade[7]}, kPade[1], lu, n);
    product(a, lu, odd, n, room);
    combine(powers, {kPade[8], kPade[10], kPade[12]}, lu, size);
    product(a6, lu, out, n, room);
    add(powers, {kPade[2], kPade[4], kPade[6]}, kPade[0], out, n);
    for (std::int64_t i = 0; i < size; ++i) {
      const T even = out[i];
      lu[i] = even - odd[i], out[i] = even + odd[i];
    }
    factor(lu, n, room);
    Factors<T>{lu, n}.solve(false, out, n, room);
    square(out, times, a, n, room);
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
  template <class T> static T scaled_down(T* a, std::int64_t n, std::int64_t leading) {
    T norm(0.0), times(0.0), factor(1.0);
    for (std::int64_t j = 0; j < leading; ++j) {
      T sum(0.0);
      for (std::int64_t i = 0; i < leading; ++i) sum = sum + abs(a[i * n + j]);
      norm = larger(norm, sum);
    }
    norm = select(is_finite(norm), norm, T(0.0));
    for (auto more = norm > T(kLargestNorm); any(more); more = norm > T(kLargestNorm)) {
      const T half(0.5), one(1.0);
      norm = select(more, norm * half, norm), factor = select(more, factor * half, factor);
      times = select(more, times + one, times);
    }
    scale(factor, a, n * n);
    return times;
  }
  template <class T>
  static void combine(const T* const* x, Three c, T* to, std::int64_t size) {
    const T a(c.a), b(c.b), d(c.c);
    for (std::int64_t i = 0; i < size; ++i) to[i] = fma(d, x[2][i], fma(b, x[1][i], a * x[0][i]));
  }
  // to += c . x + identity I
  template <class T>
  static void add(const T* const* x, Three c, double identity, T* to, std::int64_t n) {
    const T a(c.a), b(c.b), d(c.c);
    for (std::int64_t i = 0; i < n * n; ++i)
      to[i] = fma(d, x[2][i], fma(b, x[1][i], fma(a, x[0][i], to[i])));
    for (std::int64_t i = 0; i < n; ++i) to[i * n + i] = to[i * n + i] + T(identity);
  }
  template <class T> static void product(const T* a, const T* b, T* c, std::int64_t n, T* room) {
    for (std::int64_t i = 0; i < n * n; ++i) c[i] = T(0.0);
    if constexpr (kDouble<T>)
      if (n > kInLanes) return subtract_negative(a, b, c, n, room);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < n; ++k) subtract(-a[i * n + k], b + k * n, c + i * n, n);
  }
  static void subtract_negative(const double* a, const double* b, double* c, std::int64_t n,
                                double* room) {
    subtract_product(n, n, n, {a, n, 1}, {b, n, 1}, c, n, room);
    scale(-1.0, c, n * n);
  }
  template <class T> static void factor(T* lu, std::int64_t n, T* room) {
    if constexpr (kDouble<T>)
      if (n > kInLanes) return Lu::blocked(lu, n, room);
    Lu::panel(lu, n, 0, n, n, lu + n * n);
  }
  template <class T> static void square(T* x, T times, T* other, std::int64_t n, T* room) {
    T done(0.0);
    for (auto more = done < times; any(more); more = done < times) {
      product(x, x, other, n, room);
      for (std::int64_t i = 0; i < n * n; ++i) x[i] = select(more, other[i], x[i]);
      done = done + T(1.0);
    }
  }
};
