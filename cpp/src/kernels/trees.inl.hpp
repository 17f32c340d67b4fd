// SPDX-License-Identifier: BSD-3-Clause
// The order of additions in every sum: over single elements, each a batch of lanes, or over one
// contiguous array. A part of kernels.inl.hpp and of solvers.inl.hpp, inside their namespaces.

// An array size computed from template arguments.
constexpr std::size_t array_size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Loads a batch, or the first n elements of one.
THALWEG_INLINE V some(const double* p, std::int64_t n) {
  return n >= W ? V::load(p) : V::load(p, n);
}
// Stores a batch, or its first n elements.
THALWEG_INLINE void put(V v, double* p, std::int64_t n) { n >= W ? v.store(p) : v.store(p, n); }
THALWEG_INLINE double first(V v) {
  const V::Register r = v.v;
  return r[0];
}

// Moves the upper half of the first 2 By lanes to their lower half.
template <std::size_t By, std::size_t... I>
THALWEG_INLINE V lowered(V v, std::index_sequence<I...>) {
  const V::Register r = v.v;
  return V::Batch(V::Register(__builtin_shufflevector(r, r, ((I + By) % V::kSize)...)));
}

struct SumOf {
  static constexpr bool product = false;
  static THALWEG_INLINE V begin(V a, V) { return a; }
  static THALWEG_INLINE V join(V s, V a, V) { return s + a; }
  static THALWEG_INLINE V merge(V s, V t) { return s + t; }
  static constexpr double identity = 0.0, neutral = -0.0;
};
struct DotOf {
  static constexpr bool product = true;
  static THALWEG_INLINE V begin(V a, V b) { return a * b; }
  static THALWEG_INLINE V join(V s, V a, V b) { return fma(a, b, s); }
  static THALWEG_INLINE V merge(V s, V t) { return s + t; }
  static constexpr double identity = 0.0, neutral = -0.0;
};
// Identity: the result for no elements; neutral: a value that changes no result.
template <class Op, int Identity, int Infinities> struct ExtremeOf {
  static constexpr bool product = false;
  static THALWEG_INLINE V begin(V a, V) { return a; }
  static THALWEG_INLINE V join(V s, V a, V) { return Op::value(s, a); }
  static THALWEG_INLINE V merge(V s, V t) { return Op::value(s, t); }
  static constexpr double identity = Identity,
                          neutral = Infinities ? Infinities * kInfinity : Identity;
};
using MaxOf = ExtremeOf<ops::Maximum, 0, -1>;
using MinOf = ExtremeOf<ops::Minimum, 0, 1>;
using ProdOf = ExtremeOf<ops::Multiply, 1, 0>;

// The tree over n elements, which `get(i, a, b)` fetches: kPartialSums interleaved partial sums
// added in halves, and tiles of kTile elements added pairwise.
template <class R, class Get> struct Tree {
  const Get& get;
  THALWEG_INLINE V operator()(std::int64_t from, std::int64_t end) const {
    return end - from <= kTile ? tile(from, end) : tiles(from, end);
  }
  // The result for the first n <= kPartialSums elements.
  THALWEG_INLINE V few(std::int64_t n) const {
    return joined<1>(0, n, [&](std::int64_t i) THALWEG_INLINED { return begun(i); });
  }

 private:
  static constexpr std::int64_t kTogether = 8;
  THALWEG_INLINE V begun(std::int64_t i) const {
    V a, b(0.0);
    get(i, a, b);
    return R::begin(a, b);
  }
  THALWEG_INLINE V with(V s, std::int64_t i) const {
    V a, b(0.0);
    get(i, a, b);
    return R::join(s, a, b);
  }
  __attribute__((noinline)) V tiles(std::int64_t from, std::int64_t end) const {
    std::int64_t half = kTile;
    while (half * 2 < end - from) half *= 2;
    return R::merge((*this)(from, from + half), (*this)(from + half, end));
  }
  __attribute__((noinline)) V tile(std::int64_t from, std::int64_t end) const {
    if (end - from <= kPartialSums)
      return joined<1>(0, end - from,
                       [&](std::int64_t i) THALWEG_INLINED { return begun(from + i); });
    V s[kPartialSums];
    for (std::int64_t j = 0; j < kPartialSums; j += kTogether) some_sums(from + j, end, s + j);
    return joined<1>(0, kPartialSums, [&](std::int64_t i) THALWEG_INLINED { return s[i]; });
  }
  // The partial sums for element i and those after it, in registers.
  THALWEG_INLINE void some_sums(std::int64_t i, std::int64_t end, V* s) const {
    [&]<std::size_t... K>(std::index_sequence<K...>) THALWEG_INLINED {
      V r[kTogether] = {begun(i + static_cast<std::int64_t>(K))...};
      for (i += kPartialSums; i + kTogether <= end; i += kPartialSums)
        ((r[K] = with(r[K], i + static_cast<std::int64_t>(K))), ...);
      ((s[K] = i + static_cast<std::int64_t>(K) < end ? with(r[K], i + static_cast<std::int64_t>(K))
                                                      : r[K]),
       ...);
    }(std::make_index_sequence<kTogether>{});
  }
  // Of n parts, adds those at j, j + Step, j + 2 Step, … in halves.
  template <std::int64_t Step, class Of>
  static THALWEG_INLINE V joined(std::int64_t j, std::int64_t n, Of of) {
    if constexpr (Step == kPartialSums) {
      return of(j);
    } else {
      const V low = joined<Step * 2>(j, n, of);
      return j + Step < n ? R::merge(low, joined<Step * 2>(j + Step, n, of)) : low;
    }
  }
};

// The same tree for one contiguous array, with partial sums side by side in batches.
template <class R> struct ContiguousTree {
  const double *a, *b;
  static constexpr std::int64_t kBatches = kPartialSums / W;
  // Calls f(0), f(1), … for the batch of each partial sum; with constants they stay in registers.
  template <std::size_t Count = kBatches, class F> static THALWEG_INLINE void batches(F f) {
    [&]<std::size_t... K>(std::index_sequence<K...>) {
      (f(std::integral_constant<std::int64_t, static_cast<std::int64_t>(K)>{}), ...);
    }(std::make_index_sequence<Count>{});
  }
  template <std::size_t Half> static THALWEG_INLINE void halve(V* s) {
    if constexpr (Half > 0) {
      batches<Half>([&](auto k) { s[k] = R::merge(s[k], s[k + static_cast<std::int64_t>(Half)]); });
      halve<Half / 2>(s);
    }
  }
  __attribute__((noinline)) double tile(std::int64_t from, std::int64_t end) const {
    const double *x = a + from, *y = R::product ? b + from : x;
    std::int64_t left = end - from;
    // Short vectors, of which the other half of the partial sums would change nothing.
    if (R::product && left <= kPartialSums / 2) return begun<kBatches / 2>(x, y, left);
    if (left < kPartialSums) return begun<kBatches>(x, y, left);
    V s[kBatches];
    const auto on = [&] { x += kPartialSums, y += kPartialSums, left -= kPartialSums; };
    batches([&](auto k) { s[k] = R::begin(V::load(x + k * W), second(y + k * W)); });
    for (on(); left >= kPartialSums; on())
      batches([&](auto k) { s[k] = R::join(s[k], V::load(x + k * W), second(y + k * W)); });
    batches([&](auto k) {
      const std::int64_t rest = left - k * W;
      if (rest <= 0) return;
      const V joined = R::join(s[k], some(x + k * W, rest), some_second(y + k * W, rest));
      s[k] = rest >= W ? joined : select(V::count() < V(static_cast<double>(rest)), joined, s[k]);
    });
    return total<static_cast<std::size_t>(kBatches)>(s);
  }
  // Of fewer elements than partial sums, which fit into Count batches.
  template <std::int64_t Count>
  static THALWEG_INLINE double begun(const double* x, const double* y, std::int64_t left) {
    constexpr auto kCount = static_cast<std::size_t>(Count);
    V s[kCount];
    batches<kCount>([&](auto k) {
      const std::int64_t rest = left - k * W;
      s[k] = V(R::neutral);
      if (rest <= 0) return;
      const V all = R::begin(some(x + k * W, rest), some_second(y + k * W, rest));
      s[k] = rest >= W ? all : select(V::count() < V(static_cast<double>(rest)), all, s[k]);
    });
    return total<kCount>(s);
  }
  static THALWEG_INLINE V second(const double* y) { return R::product ? V::load(y) : V(0.0); }
  static THALWEG_INLINE V some_second(const double* y, std::int64_t n) {
    return R::product ? some(y, n) : V(0.0);
  }
  template <std::size_t Count> static THALWEG_INLINE double total(V* s) {
    halve<Count / 2>(s);
    return first(halved<V::kSize / 2>(s[0]));
  }
  template <std::size_t By> static THALWEG_INLINE V halved(V s) {
    if constexpr (By == 0) return s;
    else return halved<By / 2>(R::merge(s, lowered<By>(s, std::make_index_sequence<V::kSize>{})));
  }
  THALWEG_INLINE double operator()(std::int64_t from, std::int64_t end) const {
    return end - from <= kTile ? tile(from, end) : tiles(from, end);
  }
  __attribute__((noinline)) double tiles(std::int64_t from, std::int64_t end) const {
    std::int64_t half = kTile;
    while (half * 2 < end - from) half *= 2;
    return first(R::merge(V((*this)(from, from + half)), V((*this)(from + half, end))));
  }
};
