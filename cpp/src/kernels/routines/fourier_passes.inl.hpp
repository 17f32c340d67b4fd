// SPDX-License-Identifier: BSD-3-Clause
// The passes of a fast Fourier transform by Stockham's algorithm: no reordering, each pass from one
// array to another. Real and imaginary parts lie apart. Included inside an instruction set's
// namespace.
//
// With n = r m, a pass for radix r over s columns that lie side by side computes
//   y[(r p + j) s + q] = w_n^(j p) sum_k w_r^(j k) x[(p + m k) s + q],  w_n = e^(-2 pi i / n),
// which leaves r s transforms of length m (Cochran et al. 1967, Proc. IEEE 55, 1664-1674).
// Columns are elements of one array, W of them at a time; or lanes, a batch to an element.

// A complex array.
template <class T> struct Complexes {
  T *re, *im;
  Complexes operator+(std::int64_t k) const { return {re + k, im + k}; }
  Complexes exchanged() const { return {im, re}; }
};
template <class T> using ConstComplexes = Complexes<const T>;

// Some numbers that lie side by side: W doubles or the last few of an array, or one batch of lanes.
struct All {
  static constexpr std::int64_t kCount = W;
  static THALWEG_INLINE V load(const double* p) { return V::load(p); }
  static THALWEG_INLINE void store(V v, double* p) { v.store(p); }
  static THALWEG_INLINE V load(const V* p) { return *p; }
  static THALWEG_INLINE void store(V v, V* p) { *p = v; }
};
struct Some {
  std::int64_t count;
  THALWEG_INLINE V load(const double* p) const { return V::load(p, count); }
  THALWEG_INLINE void store(V v, double* p) const { v.store(p, count); }
};

// Calls f(q, part) for all of n elements, a part at a time.
template <class T, class F> THALWEG_INLINE void for_parts(std::int64_t n, const F& f) {
  if constexpr (std::is_same_v<T, V>) {
    for (std::int64_t q = 0; q < n; ++q) f(q, All{});
  } else {
    std::int64_t q = 0;
    for (; q + W <= n; q += W) f(q, All{});
    if (q < n) f(q, Some{n - q});
  }
}

// (a + i b) (c + i d)
THALWEG_INLINE void turn(V& a, V& b, V c, V d) {
  const V real = fms(a, c, b * d);
  b = fma(a, d, b * c);
  a = real;
}

// ---- transforms of a few numbers, in place

// Room for R numbers, or, if R is 0, for as many as any pass has.
template <int R> constexpr std::size_t kRoom = R ? R : kLargestRadix;

THALWEG_INLINE void add_and_subtract(V& a, V& b) {
  const V sum = a + b;
  b = a - b;
  a = sum;
}

THALWEG_INLINE void transform_of_4(V* re, V* im) {
  add_and_subtract(re[0], re[2]), add_and_subtract(im[0], im[2]);
  add_and_subtract(re[1], re[3]), add_and_subtract(im[1], im[3]);
  const V turned_re = im[3], turned_im = re[3];  // of -i times the difference, but for a sign
  re[3] = re[2] - turned_re, im[3] = im[2] + turned_im;
  const V first_re = re[2] + turned_re, first_im = im[2] - turned_im;
  re[2] = re[0] - re[1], im[2] = im[0] - im[1];
  re[0] = re[0] + re[1], im[0] = im[0] + im[1];
  re[1] = first_re, im[1] = first_im;
}

THALWEG_INLINE void transform_of_8(V* re, V* im) {
  V even_re[4], even_im[4], odd_re[4], odd_im[4];
  for (int k = 0; k < 4; ++k) {
    even_re[k] = re[k] + re[k + 4], even_im[k] = im[k] + im[k + 4];
    odd_re[k] = re[k] - re[k + 4], odd_im[k] = im[k] - im[k + 4];
  }
  const V half(0.70710678118654752440);
  const V a = odd_re[1], b = odd_im[1], c = odd_re[3], d = odd_im[3], e = odd_re[2];
  odd_re[1] = half * (a + b), odd_im[1] = half * (b - a);
  odd_re[2] = odd_im[2], odd_im[2] = V(0.0) - e;
  odd_re[3] = half * (d - c), odd_im[3] = V(0.0) - half * (c + d);
  transform_of_4(even_re, even_im);
  transform_of_4(odd_re, odd_im);
  for (int k = 0; k < 4; ++k) {
    re[2 * k] = even_re[k], im[2 * k] = even_im[k];
    re[2 * k + 1] = odd_re[k], im[2 * k + 1] = odd_im[k];
  }
}

// An odd number r of numbers, by the sums and differences of those that mirror each other. `roots`
// has cos and then sin of 2 pi k / r.
template <int R> THALWEG_INLINE void transform_of_odd(int given, const double* roots, V* re,
                                                      V* im) {
  const int r = R ? R : given, half = (r - 1) / 2;
  V total_re = re[0], total_im = im[0];
  for (int k = 1; k <= half; ++k) {
    add_and_subtract(re[k], re[r - k]), add_and_subtract(im[k], im[r - k]);
    total_re = total_re + re[k], total_im = total_im + im[k];
  }
  V out_re[kRoom<R>], out_im[kRoom<R>];
  for (int j = 1; j <= half; ++j) {
    V even_re = re[0], even_im = im[0], odd_re(0.0), odd_im(0.0);
    for (int k = 1, at = j; k <= half; ++k, at = at + j >= r ? at + j - r : at + j) {
      const V c(roots[at]), s(roots[r + at]);
      even_re = fma(c, re[k], even_re), even_im = fma(c, im[k], even_im);
      odd_re = fma(s, re[r - k], odd_re), odd_im = fma(s, im[r - k], odd_im);
    }
    out_re[j] = even_re + odd_im, out_im[j] = even_im - odd_re;
    out_re[r - j] = even_re - odd_im, out_im[r - j] = even_im + odd_re;
  }
  re[0] = total_re, im[0] = total_im;
  for (int j = 1; j < r; ++j) re[j] = out_re[j], im[j] = out_im[j];
}

template <int R> THALWEG_INLINE void transform_of_few(int r, const double* roots, V* re, V* im) {
  if constexpr (R == 2) add_and_subtract(re[0], re[1]), add_and_subtract(im[0], im[1]);
  else if constexpr (R == 4) transform_of_4(re, im);
  else if constexpr (R == 8) transform_of_8(re, im);
  else transform_of_odd<R>(r, roots, re, im);
}

// ---- passes

// `roots` for odd radices; `factors` has for each j > 0 the real parts of w_n^(j p) for all p, and
// then the imaginary parts.
struct Pass {
  int radix;
  std::int64_t length, columns;  // m, s
  const double *roots, *factors;
};

template <int R, class T>
void pass_along_columns(const Pass& pass, ConstComplexes<T> x, Complexes<T> y) {
  const int r = R ? R : pass.radix;
  const std::int64_t m = pass.length, s = pass.columns;
  for (std::int64_t p = 0; p < m; ++p)
    for_parts<T>(s, [&](std::int64_t q, auto part) THALWEG_INLINED {
      V re[kRoom<R>], im[kRoom<R>];
      for (int k = 0; k < r; ++k) {
        const std::int64_t at = (p + m * k) * s + q;
        re[k] = part.load(x.re + at), im[k] = part.load(x.im + at);
      }
      transform_of_few<R>(r, pass.roots, re, im);
      for (int j = 0; j < r; ++j) {
        if (j && m > 1) {
          const double* w = pass.factors + 2 * m * (j - 1) + p;
          turn(re[j], im[j], V(w[0]), V(w[m]));
        }
        const std::int64_t at = (r * p + j) * s + q;
        part.store(re[j], y.re + at), part.store(im[j], y.im + at);
      }
    });
}

// Stores what belongs to W values of p, for all j, side by side: y[r p + j].
template <int R> THALWEG_INLINE void store_transposed(int r, V* v, std::int64_t count, double* y) {
  if constexpr (R > 0 && R % W == 0) {
    if (count == W) {
      for (int j = 0; j < R; j += static_cast<int>(W)) {
        transpose(v + j);
        for (int p = 0; p < W; ++p) v[j + p].store(y + R * p + j);
      }
      return;
    }
  }
  alignas(64) double side[W];
  for (int j = 0; j < r; ++j) {
    v[j].store(side);
    for (std::int64_t p = 0; p < count; ++p) y[r * p + j] = side[p];
  }
}

// The same for one column of one array: W values of p at a time.
template <int R>
void pass_along_length(const Pass& pass, ConstComplexes<double> x, Complexes<double> y) {
  const int r = R ? R : pass.radix;
  const std::int64_t m = pass.length;
  for_parts<double>(m, [&](std::int64_t p, auto part) THALWEG_INLINED {
    V re[kRoom<R>], im[kRoom<R>];
    for (int k = 0; k < r; ++k)
      re[k] = part.load(x.re + p + m * k), im[k] = part.load(x.im + p + m * k);
    transform_of_few<R>(r, pass.roots, re, im);
    if (m > 1)
      for (int j = 1; j < r; ++j) {
        const double* w = pass.factors + 2 * m * (j - 1) + p;
        turn(re[j], im[j], part.load(w), part.load(w + m));
      }
    std::int64_t count = W;
    if constexpr (std::is_same_v<decltype(part), Some>) count = part.count;
    store_transposed<R>(r, re, count, y.re + r * p);
    store_transposed<R>(r, im, count, y.im + r * p);
  });
}

template <int R, class T>
void run_pass_of(const Pass& pass, ConstComplexes<T> x, Complexes<T> y) {
  if constexpr (std::is_same_v<T, double>)
    if (pass.columns == 1) return pass_along_length<R>(pass, x, y);
  pass_along_columns<R, T>(pass, x, y);
}

template <class T> void run_pass(const Pass& pass, ConstComplexes<T> x, Complexes<T> y) {
  switch (pass.radix) {
    case 2:
      return run_pass_of<2, T>(pass, x, y);
    case 3:
      return run_pass_of<3, T>(pass, x, y);
    case 4:
      return run_pass_of<4, T>(pass, x, y);
    case 5:
      return run_pass_of<5, T>(pass, x, y);
    case 7:
      return run_pass_of<7, T>(pass, x, y);
    case 8:
      return run_pass_of<8, T>(pass, x, y);
    default:
      return run_pass_of<0, T>(pass, x, y);
  }
}
