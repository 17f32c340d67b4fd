// SPDX-License-Identifier: BSD-3-Clause
// Loops over whole arrays: sums, moves, scans and lookups, with lanes or with elements in a batch.
// A part of kernels.inl.hpp, inside its namespaces.

double look_up(const Extent& t, double x) {
  std::int64_t low = -1, high = t.length;  // breaks[low] <= x < breaks[high]
  if (!(x == x)) return x;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (t.breaks[middle] <= x ? low : high) = middle;
  }
  if (low < 0) return t.below;
  return first(fma(V(t.c1[low]), V(x) - V(t.breaks[low]), V(t.c0[low])));
}

// A sum (or another reduction) in each lane of `batches`, of `length` elements. Elements are `step`
// doubles apart: a constant for the frequent kinds, Step, or any number.
template <class R, bool NumberA, bool NumberB, std::int64_t Step> struct LaneSum {
  const double *a, *b;
  std::int64_t step_a, step_b;
  __attribute__((noinline)) void to(double* r, std::int64_t batches, std::int64_t length) const {
    for (std::int64_t j = 0; j < batches; ++j) {
      const double *p = a + (NumberA ? 0 : j * W), *q = R::product ? b + (NumberB ? 0 : j * W) : p;
      const auto get = [p, q, by_a = step_a, by_b = step_b](std::int64_t k, V& x, V& y)
                           THALWEG_INLINED {
                             const std::int64_t i = k * (Step ? (NumberA ? 1 : Step) : by_a);
                             x = NumberA ? V(p[i]) : V::load(p + i);
                             if constexpr (R::product) {
                               const std::int64_t j = k * (Step ? (NumberB ? 1 : Step) : by_b);
                               y = NumberB ? V(q[j]) : V::load(q + j);
                             }
                           };
      const V s = length ? Tree<R, decltype(get)>{get}(0, length) : V(R::identity);
      s.store(r + j * W);
    }
  }
};

// ---- whole arrays, lanes in batches

// `unroll` batches of lanes for each element. What is long to compile does not depend on C: it is
// told how far apart elements are.
template <class C> struct Lanes {
  static constexpr std::int64_t U = C::U, kStep = U * W;
  template <bool Number> static THALWEG_INLINE V at(const double* p, std::int64_t element,
                                                    std::int64_t j) {
    return Number ? V(p[element]) : V::load(p + element * kStep + j * W);
  }
  template <class R, bool NumberA, bool NumberB>
  static __attribute__((noinline)) void reduce(const Linked* l) {
    constexpr std::int64_t kStepA = NumberA ? 1 : kStep, kStepB = NumberB ? 1 : kStep;
    constexpr bool frequent = U > 1 && !std::is_same_v<R, ProdOf>;
    const Extent& e = *l->extent;
    for (std::int64_t o = 0; o < e.outer; ++o)
      for (std::int64_t i = 0; i < e.inner; ++i) {
        const std::int64_t first = o * e.length * e.inner + i;
        const double *a = l->a + first * kStepA, *b = R::product ? l->b + first * kStepB : nullptr;
        double* r = l->r + (o * e.inner + i) * kStep;
        if (frequent && e.inner == 1)
          LaneSum<R, NumberA, NumberB, frequent ? kStep : 0>{a, b, kStepA, kStepB}.to(r, U,
                                                                                      e.length);
        else
          LaneSum<R, NumberA, NumberB, 0>{a, b, e.inner * kStepA, e.inner * kStepB}.to(r, U,
                                                                                       e.length);
      }
  }
  template <bool NumberA, bool NumberB>
  static __attribute__((noinline)) void matmul(const Linked* l) {
    const Extent& e = *l->extent;
    const std::int64_t step_a = NumberA ? 1 : kStep, step_b = NumberB ? 1 : kStep,
                       a_m = e.a_m * step_a, a_k = e.a_k * step_a, b_k = e.b_k * step_b,
                       b_n = e.b_n * step_b, r_m = e.n * kStep;
    for (std::int64_t s = 0; s < e.batch; ++s) {
      const double *a = l->a + s * e.m * e.k * step_a, *b = l->b + s * e.k * e.n * step_b;
      double* r = l->r + s * e.m * e.n * kStep;
      if constexpr (NumberB)  // C' = B' A'
        LaneProduct<true>{U, e.n, e.k, e.m, b, a, r, b_n, b_k, a_k, a_m, kStep, r_m}.all();
      else LaneProduct<NumberA>{U, e.m, e.k, e.n, a, b, r, a_m, a_k, b_k, b_n, r_m, kStep}.all();
    }
  }
  template <bool Accumulate, bool NumberA>
  static __attribute__((noinline)) void move(const Linked* l) {
    each_element(*l->extent, l->n, [l](std::int64_t from, std::int64_t to) {
      for (std::int64_t j = 0; j < U; ++j) {
        double* r = l->r + to * kStep + j * W;
        const V x = at<NumberA>(l->a, from, j);
        (Accumulate ? V::load(r) + x : x).store(r);
      }
    });
  }
  template <bool NumberA, bool NumberB>
  static __attribute__((noinline)) void scan(const Linked* l) {
    const Extent& e = *l->extent;
    for (std::int64_t o = 0; o < e.outer; ++o)
      for (std::int64_t i = 0; i < e.inner; ++i)
        for (std::int64_t j = 0; j < U; ++j) {
          V s(0.0);
          for (std::int64_t k = 0; k < e.length; ++k) {
            const std::int64_t element =
                (o * e.length + (e.reverse ? e.length - 1 - k : k)) * e.inner + i;
            const V b = at<NumberB>(l->b, element, j);
            s = k ? fma(at<NumberA>(l->a, element, j), s, b) : b;
            s.store(l->r + element * kStep + j * W);
          }
        }
  }
  static __attribute__((noinline)) void lookup(const Linked* l) {
    for (std::int64_t i = 0; i < l->n * kStep; ++i) l->r[i] = look_up(*l->extent, l->a[i]);
  }
  // The same numbers for all lanes, which only diagnosis computes on a tape of lanes: done once, as
  // elements, then repeated from the last element on.
  template <void (*Work)(const Linked*)> static void repeated(const Linked* l) {
    Work(l);
    for (std::int64_t i = l->n; i-- > 0;) {
      const V x(l->r[i]);
      for (std::int64_t j = 0; j < U; ++j) x.store(l->r + i * kStep + j * W);
    }
  }
};

// ---- whole arrays, elements in batches

// A result of one element may be read one batch at a time, so it is written to every lane of one.
struct Elements {
  static THALWEG_INLINE void repeat(double* r) { V(*r).store(r); }

  template <class R> static __attribute__((noinline)) void reduce(const Linked* l) {
    const Extent& e = *l->extent;
    for (std::int64_t o = 0; o < e.outer; ++o) {
      const double *a = l->a + o * e.length * e.inner,
                   *b = R::product ? l->b + o * e.length * e.inner : nullptr;
      double* r = l->r + o * e.inner;
      if (e.length == 0) {
        for (std::int64_t i = 0; i < e.inner; ++i) r[i] = R::identity;
      } else if (e.inner == 1) {
        *r = ContiguousTree<R>{a, b}(0, e.length);
      } else {
        for (std::int64_t i = 0; i < e.inner; i += W) {
          const std::int64_t n = e.inner - i;
          const auto get = [&](std::int64_t k, V& x, V& y) THALWEG_INLINED {
            x = some(a + k * e.inner + i, n);
            if constexpr (R::product) y = some(b + k * e.inner + i, n);
          };
          put(Tree<R, decltype(get)>{get}(0, e.length), r + i, n);
        }
      }
    }
    if (e.outer * e.inner == 1) repeat(l->r);
  }
  static __attribute__((noinline)) void matmul(const Linked* l) {
    const Extent& e = *l->extent;
    for (std::int64_t s = 0; s < e.batch; ++s)
      multiply(e, l->a + s * e.m * e.k, l->b + s * e.k * e.n, l->r + s * e.m * e.n,
               const_cast<double*>(l->c));
    if (e.batch * e.m * e.n == 1) repeat(l->r);
  }
  template <bool Accumulate> static __attribute__((noinline)) void move(const Linked* l) {
    const Extent& e = *l->extent;
    if (!e.from_table && !e.to_table && e.rank == 1 && e.from[0] == 1 && e.to[0] == 1) {
      for (std::int64_t i = 0; i < l->n; i += W) {
        const std::int64_t n = l->n - i;
        const V x = some(l->a + i, n);
        put(Accumulate ? some(l->r + i, n) + x : x, l->r + i, n);
      }
      return;
    }
    each_element(e, l->n, [l](std::int64_t from, std::int64_t to) {
      l->r[to] = Accumulate ? l->r[to] + l->a[from] : l->a[from];
    });
  }
  static __attribute__((noinline)) void scan(const Linked* l) {
    const Extent& e = *l->extent;
    for (std::int64_t o = 0; o < e.outer; ++o)
      for (std::int64_t i = 0; i < e.inner; ++i) {
        V s(0.0);
        for (std::int64_t k = 0; k < e.length; ++k) {
          const std::int64_t at = (o * e.length + (e.reverse ? e.length - 1 - k : k)) * e.inner + i;
          s = k ? fma(V(l->a[at]), s, V(l->b[at])) : V(l->b[at]);
          l->r[at] = first(s);
        }
      }
    if (e.outer * e.length * e.inner == 1) repeat(l->r);
  }
  static __attribute__((noinline)) void lookup(const Linked* l) {
    for (std::int64_t i = 0; i < l->n; ++i) l->r[i] = look_up(*l->extent, l->a[i]);
    if (l->n == 1) repeat(l->r);
  }
};
