// SPDX-License-Identifier: BSD-3-Clause
// Loops of elementwise operations over arrays. A part of kernels.inl.hpp, inside its namespaces.

V load_some(const double* p, std::int64_t n) { return V::load(p, n); }
void store_some(V v, double* p, std::int64_t n) { v.store(p, n); }
template <class F, class... Vs> THALWEG_INLINE V evaluate(V a, V b, V c) {
  if constexpr (F::arity == 1) return F::value(a);
  else if constexpr (F::arity == 2) return F::value(a, b);
  else return F::value(a, b, c);
}

template <class F> constexpr bool is_light() {
  if constexpr (requires { F::light; }) return F::light;
  else return true;
}

template <class F> constexpr bool is_long() {
  if constexpr (requires { F::boolean; }) return !is_light<F>() && !F::boolean;
  else return false;
}

// Sets how far apart an operand's batches are, 0 if they are the same. Returns whether that holds
// from an element's last batch to the next one's first, so that an array is one run of batches.
THALWEG_INLINE bool even_steps(const Linked& at, std::int64_t unroll, std::array<bool, 3> number,
                               std::int64_t* steps, std::size_t arity) {
  const std::int64_t strides[] = {at.stride_a, at.stride_b, at.stride_c};
  bool even = true;
  for (std::size_t k = 0; k < arity; ++k) {
    steps[k] = number[k] || (unroll == 1 && strides[k] == 0) ? 0 : W;
    even &= strides[k] == unroll * steps[k];
  }
  return even;
}

// An operation on n elements of `unroll` batches, compiled for each kind of operands.
template <class F, bool NumberA, bool NumberB, bool NumberC> struct Short {
  static constexpr auto kArity = static_cast<std::size_t>(F::arity);
  static void run(const Linked* at, std::int64_t unroll) {
    std::int64_t steps[3] = {}, n = at->n, batches = unroll;
    if (even_steps(*at, unroll, {NumberA, NumberB, NumberC}, steps, kArity))
      batches *= std::exchange(n, 1);
    const double *a = at->a, *b = at->b, *c = at->c;
    double* r = at->r;
    for (std::int64_t e = 0; e < n; ++e) {
      const V x = number<0, NumberA>(a), y = number<1, NumberB>(b), z = number<2, NumberC>(c);
      const auto batch = [&](std::int64_t j) THALWEG_INLINED {
        evaluate<F>(operand<0, NumberA>(x, a + j * steps[0]),
                    operand<1, NumberB>(y, b + j * steps[1]),
                    operand<2, NumberC>(z, c + j * steps[2]))
            .store(r + j * W);
      };
      std::int64_t j = 0;
      for (; j + 4 <= batches; j += 4) batch(j), batch(j + 1), batch(j + 2), batch(j + 3);
      for (; j < batches; ++j) batch(j);
      a += at->stride_a, b += at->stride_b, c += at->stride_c, r += batches * W;
    }
    if (at->tail) tail(*at);
  }

 private:
  // An operand that F does not have has no address and is not read.
  template <std::size_t K, bool Number> static THALWEG_INLINE V number(const double* p) {
    if constexpr (K < kArity && Number) return V(*p);
    else return V(0.0);
  }
  template <std::size_t K, bool Number>
  static THALWEG_INLINE V operand(V number, const double* p) {
    if constexpr (K < kArity && !Number) return V::load(p);
    else return number;
  }
  template <std::size_t K, bool Number>
  static THALWEG_INLINE V last(const double* p, std::int64_t stride, const Linked& at) {
    if constexpr (K >= kArity) return V(0.0);
    else if (Number) return V(p[at.n * stride]);
    else return load_some(p + at.n * stride, at.tail);
  }
  // The elements after the last full batch, in batches of their own.
  static THALWEG_INLINE void tail(const Linked& at) {
    const V r = evaluate<F>(last<0, NumberA>(at.a, at.stride_a, at),
                            last<1, NumberB>(at.b, at.stride_b, at),
                            last<2, NumberC>(at.c, at.stride_c, at));
    store_some(r, at.r + at.n * W, at.tail);
  }
};

// An operation that takes longer than reading its operands, so that its formula is compiled once
// for all of their kinds. Batches of an operand are `step` doubles apart, 0 if they are the same.
template <class F> struct Long {
  static constexpr auto kArity = static_cast<std::size_t>(F::arity);
  static __attribute__((noinline)) void run(const Linked* at, std::int64_t unroll,
                                            std::array<bool, 3> number) {
    const double* from[] = {at->a, at->b, at->c};
    const std::int64_t strides[] = {at->stride_a, at->stride_b, at->stride_c};
    std::int64_t steps[3], n = at->n, batches = unroll;
    if (even_steps(*at, unroll, number, steps, kArity)) batches *= std::exchange(n, 1);
    for (std::int64_t e = 0; e < n; ++e) {
      const double* p[3];
      alignas(64) double repeated[3][array_size(W)];
      for (std::size_t k = 0; k < kArity; ++k) {
        p[k] = from[k] + e * strides[k];
        if (number[k]) V(*p[k]).store(repeated[k]), p[k] = repeated[k];
      }
      double* const r = at->r + e * unroll * W;
      for (std::int64_t j = 0; j < batches; ++j)
        evaluate<F>(operand<0>(p, steps, j), operand<1>(p, steps, j), operand<2>(p, steps, j))
            .store(r + j * W);
    }
    if (at->tail) tail(*at, number);
  }

 private:
  template <std::size_t K>
  static THALWEG_INLINE V operand(const double* const* p, const std::int64_t* steps,
                                  std::int64_t j) {
    if constexpr (K < kArity) return V::load(p[K] + j * steps[K]);
    else return V(0.0);
  }
  // The elements after the last full batch, in batches of their own.
  static void tail(const Linked& at, std::array<bool, 3> number) {
    alignas(64) double own[4][array_size(W)];
    Linked last = at;
    last.n = 1, last.tail = 0, last.r = own[3];
    const std::int64_t strides[] = {at.stride_a, at.stride_b, at.stride_c};
    const double** const operands[] = {&last.a, &last.b, &last.c};
    for (std::size_t k = 0; k < kArity; ++k) {
      const double*& p = *operands[k];
      p += at.n * strides[k];
      if (!number[k]) load_some(p, at.tail).store(own[k]), p = own[k];
    }
    run(&last, 1, number);
    std::copy_n(own[3], at.tail, at.r + at.n * W);
  }
};

void sines_and_cosines(const Linked* at, std::int64_t unroll) {
  const double* a = at->a;
  double *s = at->r, *c = const_cast<double*>(at->c);
  V y, z;
  for (std::int64_t i = 0; i < at->n * unroll; ++i) {
    math::sincos(V::load(a + i * W), y, z);
    y.store(s + i * W);
    z.store(c + i * W);
  }
  if (at->tail) {
    const std::int64_t i = at->n * unroll;
    math::sincos(load_some(a + i * W, at->tail), y, z);
    store_some(y, s + i * W, at->tail);
    store_some(z, c + i * W, at->tail);
  }
}

// The parts of the Faddeeva function for elements of `unroll` batches, or, if that is 0, for an
// array of one lane. Operands that are numbers are the same in all lanes (in an array, for all
// elements).
__attribute__((noinline)) void faddeeva(const Linked& at, std::int64_t unroll, bool number_a,
                                        bool number_b) {
  const auto parts = [](V a, V b) THALWEG_INLINED { return math::faddeeva(a, b); };
  if (unroll == 0) {
    const std::int64_t n = (at.n * W + at.tail) / kFaddeevaParts;
    const bool one_a = number_a || at.stride_a == 0, one_b = number_b || at.stride_b == 0;
    for (std::int64_t i = 0; i < n; i += W) {
      const std::int64_t some = std::min(n - i, W);
      const auto f = parts(one_a ? V(*at.a) : load_some(at.a + i, some),
                           one_b ? V(*at.b) : load_some(at.b + i, some));
      const V out[kFaddeevaParts] = {f.real, f.imag, f.slope_real, f.slope_imag};
      for (std::int64_t k = 0; k < kFaddeevaParts; ++k)
        if (double* const r = at.r + k * n + i; some == W) out[k].store(r);
        else store_some(out[k], r, some);
    }
    return;
  }
  const std::int64_t n = at.n / kFaddeevaParts, apart = n * unroll * W;
  for (std::int64_t e = 0; e < n; ++e) {
    const double *a = at.a + e * at.stride_a, *b = at.b + e * at.stride_b;
    for (std::int64_t j = 0; j < unroll; ++j) {
      const auto f =
          parts(number_a ? V(*a) : V::load(a + j * W), number_b ? V(*b) : V::load(b + j * W));
      double* const r = at.r + (e * unroll + j) * W;
      f.real.store(r), f.imag.store(r + apart);
      f.slope_real.store(r + 2 * apart), f.slope_imag.store(r + 3 * apart);
    }
  }
}

// Whether tapes have another instruction for it.
template <class F> constexpr bool is_part() {
  return requires { F::part_of_faddeeva; };
}

// Whether the value is a function of doubles, compiled elsewhere.
template <class F> constexpr bool is_of_numbers() {
  return requires { F::of; };
}

template <class F, std::size_t Numbers> void loop(const Linked* at, std::int64_t unroll) {
  constexpr bool a = Numbers & 1, b = Numbers & 2, c = Numbers & 4;
  if constexpr (is_of_numbers<F>()) call_each(*at, unroll * W, Numbers, F::of);
  else if constexpr (is_long<F>()) Long<F>::run(at, unroll, {a, b, c});
  else Short<F, a, b, c>::run(at, unroll);
}
struct Loops : std::array<Loop, array_size(kElementary* kArrayVariants)> {
  Loops() {
    fill(nullptr);
    add(Elementary{});
  }

 private:
  template <class... Fs> void add(OperationList<Fs...>) { (add_one<Fs>(), ...); }
  template <class F> void add_one() {
    if constexpr (!is_part<F>()) add<F>(std::make_index_sequence<1 << F::arity>{});
  }
  template <class F, std::size_t... Numbers> void add(std::index_sequence<Numbers...>) {
    ((at(kCode<F> * kArrayVariants + Numbers) = &loop<F, Numbers>), ...);
  }
};
const Loops& loops() {
  static const Loops all;
  return all;
}
