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

// ---- whole arrays, lanes in batches

template <class C, bool NumberA, bool NumberB> struct Lanes {
  static constexpr std::int64_t U = C::U, kStep = U * W;
  template <bool Number> static THALWEG_INLINE V at(const double* p, std::int64_t element,
                                                    std::int64_t j) {
    return Number ? V(p[element]) : V::load(p + element * kStep + j * W);
  }
  template <class R> static __attribute__((noinline)) void reduce(const Linked* l) {
    if (l->extent->inner == 1) reduce_by<R>(l, std::integral_constant<std::int64_t, 1>{});
    else reduce_by<R>(l, l->extent->inner);
  }
  // Elements are `inner` apart, with `inner` as a constant where it is known.
  template <class R, class Inner>
  static THALWEG_INLINE void reduce_by(const Linked* l, Inner inner) {
    const Extent& e = *l->extent;
    for (std::int64_t o = 0; o < e.outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i)
        for (std::int64_t j = 0; j < U; ++j) {
          const std::int64_t first = o * e.length * inner + i;
          const double* const p = l->a + first * (NumberA ? 1 : kStep) + (NumberA ? 0 : j * W);
          const double* const q =
              R::product ? l->b + first * (NumberB ? 1 : kStep) + (NumberB ? 0 : j * W) : p;
          const auto get = [=](std::int64_t k, V& a, V& b) THALWEG_INLINED {
            a = at<NumberA>(p, k * inner, 0);
            if constexpr (R::product) b = at<NumberB>(q, k * inner, 0);
          };
          const V s = e.length ? Tree<R, decltype(get)>{get}(0, e.length) : V(R::identity);
          s.store(l->r + (o * inner + i) * kStep + j * W);
        }
  }
  static __attribute__((noinline)) void matmul(const Linked* l) {
    const Extent& e = *l->extent;
    using P = LaneProduct<C, NumberA, NumberB>;
    for (std::int64_t s = 0; s < e.batch; ++s)
      P{e, l->a + s * e.m * e.k * P::kStepA, l->b + s * e.k * e.n * P::kStepB,
        l->r + s * e.m * e.n * kStep}
          .all();
  }
  template <bool Accumulate> static __attribute__((noinline)) void move(const Linked* l) {
    each_element(*l->extent, l->n, [l](std::int64_t from, std::int64_t to) {
      for (std::int64_t j = 0; j < U; ++j) {
        double* r = l->r + to * kStep + j * W;
        const V x = at<NumberA>(l->a, from, j);
        (Accumulate ? V::load(r) + x : x).store(r);
      }
    });
  }
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
