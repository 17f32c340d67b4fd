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

// Adds up the parts of a sum along k as they come: runs of a tile in order, tiles pairwise.
struct Joined {
  static constexpr int kDepth = 44;  // of a tree over 2^44 tiles
  V waiting[kDepth][array_size(V::kRegisters / 2)];
  int depth = 0, count;
  explicit Joined(int sums) : count(sums) {}

  // The part from `from` to `end`.
  __attribute__((noinline)) void take(const V* part, std::int64_t from, std::int64_t end) {
    std::copy_n(part, count, waiting[depth++]);
    if (from % kTile != 0) join();
    if (end % kTile != 0) return;
    for (std::int64_t tiles = end / kTile; tiles % 2 == 0; tiles /= 2) join();
  }
  __attribute__((noinline)) void sum(V* to) {
    while (depth > 1) join();
    std::copy_n(waiting[0], count, to);
  }

 private:
  void join() {
    --depth;
    for (int i = 0; i < count; ++i)
      waiting[depth - 1][i] = waiting[depth - 1][i] + waiting[depth][i];
  }
};

// Products of `unroll` batches of lanes for each element; or the numbers of one factor, which are
// the same in all lanes, with batches of the other.
template <bool NumberA> struct LaneProduct {
  // The number of chains that run at once, to hide the latency of a multiply-add; and the number of
  // batches that are completed before the next ones, so that what is read again stays in the
  // first-level cache.
  static constexpr int kChains = V::kRegisters / 2, kGroup = 4;

  std::int64_t unroll, m, k, n;
  const double *a, *b;
  double* r;
  std::int64_t a_m, a_k, b_k, b_n, r_m, r_n;  // in doubles

  // M by N elements of C, J batches of each, with P partial sums.
  template <int M, int N, int J, int P> struct Tile {
    static constexpr int kSums = M * N * J;
    const LaneProduct& product;
    const double *a, *b;

    THALWEG_INLINE void chains(std::int64_t from, std::int64_t end, V* out) const {
      const std::int64_t step_a = product.a_k, step_b = product.b_k;
      const double *p = a + from * step_a, *q = b + from * step_b;
      V s[array_size(kSums * P)];
      each<kSums * P>([&](auto i) { s[i] = V(-0.0); });
      const auto add = [&](auto j) THALWEG_INLINED {
        V x[array_size(M * J)], y[array_size(N * J)];
        each<M * J>([&](auto i) {
          const double* const at = p + j * step_a + i / J * product.a_m;
          x[i] = NumberA ? V(*at) : V::load(at + i % J * W);
        });
        each<N * J>(
            [&](auto i) { y[i] = V::load(q + j * step_b + i / J * product.b_n + i % J * W); });
        each<kSums>([&](auto i) {
          V& sum = s[i * P + j];
          sum = fma(x[i / (N * J) * J + i % J], y[i % (N * J)], sum);
        });
      };
      for (; from + P <= end; from += P, p += P * step_a, q += P * step_b) each<P>(add);
      each<P - 1>([&](auto j) {
        if (from + j < end) add(j);
      });
      each<kSums>([&](auto i) { out[i] = halved<P>(s + i * P); });
    }
    __attribute__((noinline, flatten)) void run(std::int64_t from, std::int64_t end, V* out) const {
      chains(from, end, out);
    }
    THALWEG_INLINE void all(V* out) const {
      constexpr std::int64_t kPart = P > 1 ? kTile : kRun;
      const std::int64_t k = product.k;
      if (k <= kPart) return chains(0, k, out);
      Joined joined(kSums);
      for (std::int64_t from = 0; from < k; from += kPart) {
        const std::int64_t end = least(k, from + kPart);
        if (P > 1 && end - from < kFewest) Tile<M, N, J, 1>{product, a, b}.run(from, end, out);
        else run(from, end, out);
        joined.take(out, from, end);
      }
      joined.sum(out);
    }
  };

  void all() const {
    if (k == 0) {
      for (std::int64_t i = 0; i < m * n * unroll; ++i) V(0.0).store(r + i * W);
      return;
    }
    const std::int64_t count = NumberA && m > 4 ? least(kGroup, unroll) : unroll;
    for (std::int64_t from = 0; from < unroll; from += count) batches({from, from + count});
  }
  struct Range {
    std::int64_t from, end;
  };
  void batches(Range j) const {
    constexpr int kSide = kChains / kPartials;
    if (m > 1 && n > 1) rows<4, kChains / 4, 1>(j);
    else if (k < kFewest) m > 1 ? rows<4, 1, 1>(j) : rows<1, 4, 1>(j);
    else m > 1 ? rows<kSide, 1, kPartials>(j) : rows<1, kSide, kPartials>(j);
  }
  // The elements of C from row `row` on, in tiles of M rows, then of fewer.
  template <int M, int N, int P> void rows(Range range, std::int64_t row = 0) const {
    for (; row + M <= m; row += M) columns<M, N, P>(range, row);
    if constexpr (M > 1) rows<M / 2, N, P>(range, row);
  }
  template <int M, int N, int P>
  __attribute__((flatten)) void columns(Range range, std::int64_t row,
                                        std::int64_t column = 0) const {
    constexpr int kFit = kChains / (M * N * P), J = kFit < kGroup ? kFit : kGroup;
    for (; column + N <= n; column += N) {
      std::int64_t j = range.from;
      for (; j + J <= range.end; j += J) tile<M, N, J, P>(row, column, j);
      if constexpr (J > 1)
        for (; j < range.end; ++j) tile<M, N, 1, P>(row, column, j);
    }
    if constexpr (N > 1) columns<M, N / 2, P>(range, row, column);
  }
  template <int M, int N, int J, int P>
  THALWEG_INLINE void tile(std::int64_t row, std::int64_t column, std::int64_t j) const {
    V sums[array_size(M * N * J)];
    Tile<M, N, J, P>{*this, a + row * a_m + (NumberA ? 0 : j * W), b + column * b_n + j * W}.all(
        sums);
    double* const to = r + row * r_m + column * r_n + j * W;
    each<M * N * J>(
        [&](auto i) { sums[i].store(to + i / (N * J) * r_m + i / J % N * r_n + i % J * W); });
  }
};
