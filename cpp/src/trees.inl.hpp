// SPDX-License-Identifier: BSD-3-Clause
// The tree of every sum: over elements one by one, each a batch of lanes, or over one contiguous
// array. A part of kernels.inl.hpp and of solvers.inl.hpp, inside their namespaces.

double first(V v) {
  alignas(64) double t[V::kSize];
  v.store(t);
  return t[0];
}

struct SumOf {
  static constexpr bool product = false;
  static THALWEG_INLINE V begin(V a, V) { return a; }
  static THALWEG_INLINE V join(V s, V a, V) { return s + a; }
  static THALWEG_INLINE V merge(V s, V t) { return s + t; }
  static constexpr double identity = 0.0;
};
struct DotOf {
  static constexpr bool product = true;
  static THALWEG_INLINE V begin(V a, V b) { return a * b; }
  static THALWEG_INLINE V join(V s, V a, V b) { return fma(a, b, s); }
  static THALWEG_INLINE V merge(V s, V t) { return s + t; }
  static constexpr double identity = 0.0;
};
template <class Op, int Identity> struct ExtremeOf {
  static constexpr bool product = false;
  static THALWEG_INLINE V begin(V a, V) { return a; }
  static THALWEG_INLINE V join(V s, V a, V) { return Op::value(s, a); }
  static THALWEG_INLINE V merge(V s, V t) { return Op::value(s, t); }
  static constexpr double identity = Identity;
};
using MaxOf = ExtremeOf<ops::Maximum, 0>;
using MinOf = ExtremeOf<ops::Minimum, 0>;
using ProdOf = ExtremeOf<ops::Multiply, 1>;

// The tree over n elements, `get(i, a, b)` fetching them: kPartialSums interleaved partial sums
// joined in halves, tiles of kTile elements joined pairwise.
template <class R, class Get> struct Tree {
  const Get& get;
  V strided(std::int64_t i, std::int64_t end) const {
    V a, b(0.0);
    get(i, a, b);
    V s = R::begin(a, b);
    for (i += kPartialSums; i < end; i += kPartialSums) {
      get(i, a, b);
      s = R::join(s, a, b);
    }
    return s;
  }
  // Partial sums j, j + step, j + 2 step, …
  V partial(std::int64_t from, std::int64_t j, std::int64_t step, std::int64_t end) const {
    if (step == kPartialSums) return strided(from + j, end);
    const V low = partial(from, j, step * 2, end);
    return from + j + step < end ? R::merge(low, partial(from, j + step, step * 2, end)) : low;
  }
  V operator()(std::int64_t from, std::int64_t end) const {
    if (end - from <= kTile) return partial(from, 0, 1, end);
    std::int64_t half = kTile;
    while (half * 2 < end - from) half *= 2;
    return R::merge((*this)(from, from + half), (*this)(from + half, end));
  }
};

// The same tree for one contiguous array, partial sums side by side in batches.
template <class R> struct ContiguousTree {
  const double *a, *b;
  static constexpr std::int64_t kBatches = kPartialSums / W;
  double tile(std::int64_t from, std::int64_t end) const {
    alignas(64) double p[kPartialSums];
    std::int64_t i = from;
    if (end - from >= kPartialSums) {
      V s[kBatches];
      const auto fetch = [&](const double* q, std::int64_t k) { return V::load(q + i + k * W); };
      for (std::int64_t k = 0; k < kBatches; ++k)
        s[k] = R::begin(fetch(a, k), R::product ? fetch(b, k) : V(0.0));
      for (i += kPartialSums; i + kPartialSums <= end; i += kPartialSums)
        for (std::int64_t k = 0; k < kBatches; ++k)
          s[k] = R::join(s[k], fetch(a, k), R::product ? fetch(b, k) : V(0.0));
      for (std::int64_t k = 0; k < kBatches; ++k) s[k].store(p + k * W);
    }
    for (std::int64_t j = 0; i + j < end; ++j) {
      const V x(a[i + j]), y(R::product ? b[i + j] : 0.0);
      p[j] = first(i == from ? R::begin(x, y) : R::join(V(p[j]), x, y));
    }
    const std::int64_t live = end - from < kPartialSums ? end - from : kPartialSums;
    for (std::int64_t step = kPartialSums / 2; step > 0; step /= 2)
      for (std::int64_t j = 0; j < step && j + step < live; ++j)
        p[j] = first(R::merge(V(p[j]), V(p[j + step])));
    return p[0];
  }
  double operator()(std::int64_t from, std::int64_t end) const {
    if (end - from <= kTile) return tile(from, end);
    std::int64_t half = kTile;
    while (half * 2 < end - from) half *= 2;
    return first(R::merge(V((*this)(from, from + half)), V((*this)(from + half, end))));
  }
};
