// SPDX-License-Identifier: BSD-3-Clause
// Fourier transforms of any length, complex and real, without a factor in either direction. A plan
// is made in routines/fourier_plan.cpp, which says how it lies in a table. Included inside an
// instruction set's namespace.

template <class T, class P> THALWEG_INLINE V numbers_of(const P& part, const double* p) {
  if constexpr (std::is_same_v<T, V>) return V(*p);
  else return part.load(p);
}

// out = x times the factors, element by element.
template <class T>
void multiply(std::int64_t n, ConstComplexes<T> x, const double* factors, Complexes<T> out) {
  for_parts<T>(n, [&](std::int64_t k, auto part) THALWEG_INLINED {
    V re = part.load(x.re + k), im = part.load(x.im + k);
    turn(re, im, numbers_of<T>(part, factors + k), numbers_of<T>(part, factors + n + k));
    part.store(re, out.re + k), part.store(im, out.im + k);
  });
}

template <class T> Complexes<T> complexes(T* p, std::int64_t n) { return {p, p + n}; }
template <class T> ConstComplexes<T> constant(Complexes<T> z) { return {z.re, z.im}; }

// The passes of a plan for length n, back and forth between y and the work.
template <class T>
void run_passes(const double* plan, std::int64_t n, ConstComplexes<T> x, Complexes<T> y, T* work) {
  const auto count = static_cast<int>(plan[0]);
  const double* numbers = plan + 1 + count;
  Pass pass{1, n, 1, nullptr, nullptr};
  for (int k = 0; k < count; ++k) {
    pass.columns *= pass.radix;
    pass.radix = static_cast<int>(plan[1 + k]);
    pass.length /= pass.radix;
    pass.roots = numbers;
    if (pass.radix % 2) numbers += 2 * pass.radix;
    pass.factors = numbers;
    if (pass.length > 1) numbers += 2 * pass.length * (pass.radix - 1);
    const Complexes<T> to = (count - k) % 2 ? y : complexes(work, n);
    run_pass(pass, x, to);
    x = constant(to);
  }
}

// A transform as a convolution of length m: j k = (j^2 + k^2 - (k - j)^2) / 2 (Bluestein 1970, IEEE
// Trans. Audio Electroacoust. 18, 451-455). The plan has m, e^(-i pi k^2 / n), the transform of its
// conjugate divided by m, and the plan for m.
template <class T>
void run_chirp(const double* plan, std::int64_t n, ConstComplexes<T> x, Complexes<T> y, T* work) {
  const auto m = static_cast<std::int64_t>(plan[1]);
  const double *chirp = plan + 2, *spectrum = chirp + 2 * n, *of_m = spectrum + 2 * m;
  const Complexes<T> a = complexes(work, m), b = complexes(work + 2 * m, m);
  T* const rest = work + 4 * m;
  multiply(n, x, chirp, a);
  std::fill(a.re + n, a.re + m, T(0.0));
  std::fill(a.im + n, a.im + m, T(0.0));
  run_passes(of_m, m, constant(a), b, rest);
  multiply(m, constant(b), spectrum, b);
  run_passes(of_m, m, constant(b.exchanged()), a.exchanged(), rest);
  multiply(n, constant(a), chirp, y);
}

// y[k] = sum_j x[j] e^(-2 pi i j k / n). With parts exchanged on both sides, the sum is that with
// the other sign.
template <class T>
void transform(const double* plan, std::int64_t n, ConstComplexes<T> x, Complexes<T> y, T* work) {
  if (plan[0] < 0) return run_chirp(plan, n, x, y, work);
  if (plan[0] > 0) return run_passes(plan, n, x, y, work);
  std::copy_n(x.re, n, y.re);
  std::copy_n(x.im, n, y.im);
}

// Inputs: real and imaginary part; sizes: batch, n, whether the sign is +. Packed: (2, n).
struct Fft {
  template <class T>
  static void run(const std::int64_t* sizes, const double* table, const T* const* in, T* out,
                  T* work) {
    const std::int64_t n = sizes[1];
    const ConstComplexes<T> x{in[0], in[1]};
    const Complexes<T> y = complexes(out, n);
    if (sizes[2]) transform(table, n, x.exchanged(), y.exchanged(), work);
    else transform(table, n, x, y, work);
  }
};

// The table of a real transform of even length n = 2 h begins with cos(2 pi k / n) / 2 for k < h,
// then sin(2 pi k / n) / 2; the plan for h follows. That of an odd length is the plan for n.

// Input: n numbers; sizes: batch, n. Packed: (2, n / 2 + 1). The even and the odd elements are the
// parts of one complex array (Cooley, Lewis and Welch 1970, J. Sound Vib. 12, 315-337).
struct Rfft {
  template <class T>
  static void run(const std::int64_t* sizes, const double* table, const T* const* in, T* out,
                  T* work) {
    const std::int64_t n = sizes[1], h = n / 2;
    const T* x = in[0];
    const Complexes<T> y = complexes(out, h + 1);
    if (n % 2) {
      std::fill_n(work, n, T(0.0));
      const Complexes<T> z = complexes(work + n, n);
      transform(table, n, ConstComplexes<T>{x, work}, z, work + 3 * n);
      std::copy_n(z.re, h + 1, y.re);
      std::copy_n(z.im, h + 1, y.im);
      y.im[0] = T(0.0);
      return;
    }
    const Complexes<T> z = complexes(work, h), t = complexes(work + n, h);
    for (std::int64_t k = 0; k < h; ++k) z.re[k] = x[2 * k], z.im[k] = x[2 * k + 1];
    transform(table + n, h, constant(z), t, work + 2 * n);
    separate(h, table, constant(t), y);
  }

 private:
  // The transform of n numbers from that of even elements + i odd elements.
  template <class T>
  static void separate(std::int64_t h, const double* w, ConstComplexes<T> t, Complexes<T> y) {
    y.re[0] = t.re[0] + t.im[0], y.im[0] = T(0.0);
    y.re[h] = t.re[0] - t.im[0], y.im[h] = T(0.0);
    for (std::int64_t k = 1; k < h; ++k) {
      const T a = t.re[k], b = t.im[k], c = t.re[h - k], d = t.im[h - k];
      const T cosine(w[k]), sine(w[h + k]), re = a - c, im = b + d;
      y.re[k] = T(0.5) * (a + c) + (cosine * im - sine * re);
      y.im[k] = T(0.5) * (b - d) - (cosine * re + sine * im);
    }
  }
};

// Inputs: real and imaginary part of n / 2 + 1 numbers, of which the first, and the last if n is
// even, count as real; sizes: batch, n. The sum, with the sign +, over these and their mirror
// images: n numbers.
struct Irfft {
  template <class T>
  static void run(const std::int64_t* sizes, const double* table, const T* const* in, T* out,
                  T* work) {
    const std::int64_t n = sizes[1], h = n / 2;
    const ConstComplexes<T> x{in[0], in[1]};
    if (n % 2) {
      const Complexes<T> z = complexes(work, n);
      z.re[0] = x.re[0], z.im[0] = T(0.0);
      for (std::int64_t k = 1; k <= h; ++k) {
        z.re[k] = z.re[n - k] = x.re[k];
        z.im[k] = x.im[k], z.im[n - k] = T(0.0) - x.im[k];
      }
      transform(table, n, constant(z.exchanged()), Complexes<T>{work + 2 * n, out}, work + 3 * n);
      return;
    }
    const Complexes<T> z = complexes(work, h), t = complexes(work + n, h);
    join(h, table, x, z);
    transform(table + n, h, constant(z.exchanged()), t.exchanged(), work + 2 * n);
    for (std::int64_t k = 0; k < h; ++k) out[2 * k] = t.re[k], out[2 * k + 1] = t.im[k];
  }

 private:
  // The transform of even elements + i odd elements from that of n numbers.
  template <class T>
  static void join(std::int64_t h, const double* w, ConstComplexes<T> x, Complexes<T> z) {
    z.re[0] = x.re[0] + x.re[h], z.im[0] = x.re[0] - x.re[h];
    for (std::int64_t k = 1; k < h; ++k) {
      const T a = x.re[k], b = x.im[k], c = x.re[h - k], d = x.im[h - k];
      const T cosine(w[k]), sine(w[h + k]), re = a - c, im = b + d;
      z.re[k] = (a + c) - T(2.0) * (sine * re + cosine * im);
      z.im[k] = (b - d) + T(2.0) * (cosine * re - sine * im);
    }
  }
};
