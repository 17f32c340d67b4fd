// SPDX-License-Identifier: BSD-3-Clause
// Products of matrices, C (m, n) = A (m, k) B (k, n): what they share, and the products with lanes
// in a batch. kernels.hpp says in which order they add. A part of kernels.inl.hpp, inside its
// namespaces.

// Calls f(0), … f(n - 1) with constants, so that the indexed values stay in registers.
template <int n, class F> THALWEG_INLINE void each(const F& f) {
  const auto all = [&f]<int... I>(std::integer_sequence<int, I...>) {
    (f(std::integral_constant<int, I>{}), ...);
  };
  all(std::make_integer_sequence<int, n>{});
}

constexpr std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

// How many of `left` to take next, so that all shares are nearly equal and none exceeds `most`.
constexpr std::int64_t share(std::int64_t left, std::int64_t most) {
  const std::int64_t shares = (left + most - 1) / most;
  return (left + shares - 1) / shares;
}

// The number of elements left of the cut when a sum is cut in two: a power of two of whole tiles.
constexpr std::int64_t left_part(std::int64_t k) {
  std::int64_t half = kTile;
  while (half * 2 < k) half *= 2;
  return half;
}

// Adds in halves: s[0] + s[n / 2], s[1] + s[n / 2 + 1], … and so on.
template <int n> THALWEG_INLINE V halved(V* s) {
  if constexpr (n > 1) {
    each<n / 2>([&](auto i) { s[i] = s[i] + s[i + n / 2]; });
    halved<n / 2>(s);
  }
  return s[0];
}

// ---- lanes in batches

template <class C, bool NumberA, bool NumberB> struct LaneProduct {
  static constexpr int U = static_cast<int>(C::U);
  static constexpr std::int64_t kStep = U * W;
  static constexpr std::int64_t kStepA = NumberA ? 1 : kStep, kStepB = NumberB ? 1 : kStep;
  // The number of chains that run at once, to hide the latency of a multiply-add; and the number of
  // batches that are completed before the next ones, so that what is read again stays in the
  // first-level cache.
  static constexpr int kChains = V::kRegisters / 2, kGroup = U < 4 ? U : 4;

  const Extent& e;
  const double *a, *b;
  double* r;

  template <int n> struct Batches {
    V s[array_size(n)];
    THALWEG_INLINE void add(const Batches& t) {
      each<n>([&](auto i) { s[i] = s[i] + t.s[i]; });
    }
  };
  // M by N elements of C, J batches of each, with P partial sums.
  template <int M, int N, int J, int P> struct Tile {
    using Sums = Batches<M * N * J>;
    const Extent& e;
    const double *a, *b;

    THALWEG_INLINE Sums chains(std::int64_t from, std::int64_t end) const {
      const std::int64_t step_a = e.a_k * kStepA, step_b = e.b_k * kStepB;
      const double *p = a + from * step_a, *q = b + from * step_b;
      V s[array_size(M * N * J * P)];
      each<M * N * J * P>([&](auto i) { s[i] = V(-0.0); });
      const auto add = [&](auto j) {
        V x[array_size(M * J)], y[array_size(N * J)];
        each<M * J>(
            [&](auto i) { x[i] = at<NumberA>(p + j * step_a + i / J * e.a_m * kStepA, i % J); });
        each<N * J>(
            [&](auto i) { y[i] = at<NumberB>(q + j * step_b + i / J * e.b_n * kStepB, i % J); });
        each<M * N * J>([&](auto i) {
          V& sum = s[i * P + j];
          sum = fma(x[i / (N * J) * J + i % J], y[i % (N * J)], sum);
        });
      };
      for (; from + P <= end; from += P, p += P * step_a, q += P * step_b) each<P>(add);
      each<P - 1>([&](auto j) {
        if (from + j < end) add(j);
      });
      Sums out;
      each<M * N * J>([&](auto i) { out.s[i] = halved<P>(s + i * P); });
      return out;
    }
    template <bool Number> static THALWEG_INLINE V at(const double* p, int batch) {
      return Number ? V(*p) : V::load(p + batch * W);
    }
    __attribute__((noinline, flatten)) Sums run(std::int64_t from, std::int64_t end) const {
      return chains(from, end);
    }
    Sums tile(std::int64_t from, std::int64_t end) const {
      if (P > 1 && end - from >= kFewest) return run(from, end);
      const Tile<M, N, J, 1> t{e, a, b};
      auto s = t.run(from, least(end, from + kRun));
      while ((from += kRun) < end) s.add(t.run(from, least(end, from + kRun)));
      return s;
    }
    Sums tiles(std::int64_t from, std::int64_t end) const {
      if (end - from <= kTile) return tile(from, end);
      const std::int64_t middle = from + left_part(end - from);
      Sums s = tiles(from, middle);
      s.add(tiles(middle, end));
      return s;
    }
  };

  void all() const {
    if (e.k == 0) {
      for (std::int64_t i = 0; i < e.m * e.n * kStep; i += W) V(0.0).store(r + i);
      return;
    }
    const bool again = (NumberA && e.m > 4) || (NumberB && e.n > 4);
    const int count = again ? kGroup : U;
    for (int from = 0; from < U; from += count) batches({from, from + count});
  }
  struct Range {
    int from, end;
  };
  void batches(Range j) const {
    constexpr int kSide = kChains / kPartials;
    if (e.m > 1 && e.n > 1) rows<4, kChains / 4, 1>(j);
    else if (e.k < kFewest) e.m > 1 ? rows<4, 1, 1>(j) : rows<1, 4, 1>(j);
    else e.m > 1 ? rows<kSide, 1, kPartials>(j) : rows<1, kSide, kPartials>(j);
  }
  // The elements of C from row m on, in tiles of M rows, then of fewer.
  template <int M, int N, int P> void rows(Range range, std::int64_t m = 0) const {
    for (; m + M <= e.m; m += M) columns<M, N, P>(range, m);
    if constexpr (M > 1) rows<M / 2, N, P>(range, m);
  }
  template <int M, int N, int P> __attribute__((flatten)) void columns(Range range, std::int64_t m,
                                                                       std::int64_t n = 0) const {
    constexpr int kFit = kChains / (M * N * P), J = kFit < kGroup ? kFit : kGroup;
    using T = Tile<M, N, J, P>;
    for (; n + N <= e.n; n += N)
      for (int j = range.from; j < range.end; j += J) {
        const T t{e, a + m * e.a_m * kStepA + (NumberA ? 0 : j * W),
                  b + n * e.b_n * kStepB + (NumberB ? 0 : j * W)};
        const auto sums = e.k <= (P > 1 ? kTile : kRun) ? t.chains(0, e.k) : t.tiles(0, e.k);
        each<M * N * J>([&](auto i) {
          constexpr int row = i / (N * J), column = i / J % N, batch = i % J;
          sums.s[i].store(r + ((m + row) * e.n + n + column) * kStep + (j + batch) * W);
        });
      }
    if constexpr (N > 1) columns<M, N / 2, P>(range, m, n);
  }
};
