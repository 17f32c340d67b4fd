// SPDX-License-Identifier: BSD-3-Clause
// The work of row loops outside their tapes: copying rows to lanes and back, products that read
// rows in place, and sums over rows. A part of kernels.inl.hpp, inside its namespaces.

struct Rows {
  // ---- into lanes and back

  // Transposes W rows of W contiguous elements to W elements of W lanes.
  static THALWEG_INLINE void turn(const double* from, std::int64_t row_stride, double* to,
                                  std::int64_t lanes) {
    V::Batch t[V::kSize];
    for (std::int64_t r = 0; r < W; ++r) t[r] = V::load(from + r * row_stride).v;
    xsimd::transpose(t, t + W);
    for (std::int64_t c = 0; c < W; ++c) V(t[c]).store(to + c * lanes);
  }
  static void load(RowsAt from, std::int64_t width, std::int64_t live, std::int64_t lanes,
                   double* to) {
    std::int64_t done = 0;  // columns
    if (from.row_stride == 1) {
      const std::int64_t full = live / W * W;
      for (; done < width; ++done) {
        const double* p = from.p + done * from.inner_stride;
        for (std::int64_t r = 0; r < full; r += W) V::load(p + r).store(to + done * lanes + r);
        for (std::int64_t r = full; r < live; ++r) to[done * lanes + r] = p[r];
      }
    } else if (from.inner_stride == 1 && live == lanes) {
      for (; done + W <= width; done += W)
        for (std::int64_t r = 0; r < live; r += W)
          turn(from.p + r * from.row_stride + done, from.row_stride, to + done * lanes + r, lanes);
    }
    for (std::int64_t c = done; c < width; ++c)
      for (std::int64_t r = 0; r < live; ++r)
        to[c * lanes + r] = from.p[r * from.row_stride + c * from.inner_stride];
    for (std::int64_t c = 0; live < lanes && c < width; ++c)
      std::fill(to + c * lanes + live, to + (c + 1) * lanes, to[c * lanes + live - 1]);
  }

  static void store(const double* from, std::int64_t width, std::int64_t live, std::int64_t lanes,
                    double* to, std::int64_t row_stride, std::int64_t inner_stride, bool add) {
    for (std::int64_t c = 0; c < width; ++c, from += lanes, to += inner_stride) {
      std::int64_t r = 0;
      if (row_stride == 1)
        for (; r + W <= live; r += W) {
          const V x = V::load(from + r);
          (add ? V::load(to + r) + x : x).store(to + r);
        }
      for (; r < live; ++r) to[r * row_stride] = add ? to[r * row_stride] + from[r] : from[r];
    }
  }

  // ---- products that read their rows in place

  static void product(RowsAt x, std::int64_t k, const double* weights, std::int64_t n,
                      std::int64_t live, std::int64_t lanes, double* to) {
    if (k == 0) std::fill(to, to + n * lanes, 0.0);
    else if (x.inner_stride == 1 && k >= W) along_rows(x, k, weights, n, live, lanes, to);
    else across_rows(x, k, weights, n, live, lanes, to);
    for (std::int64_t j = 0; live < lanes && j < n; ++j)
      std::fill(to + j * lanes + live, to + (j + 1) * lanes, to[j * lanes + live - 1]);
  }
  // How far ahead rows are fetched. Between products with rows, other work on them leaves the
  // memory idle, and hardware prefetching ends with each page: of 1e6 rows of 32 numbers, a product
  // and its contraction take 1.2 times as long as reading alone; without fetching ahead, 1.8 times.
  static constexpr std::int64_t kAhead = 1024;
  static THALWEG_INLINE void fetch(const double* x, std::int64_t k) {
    for (std::int64_t c = 0; c < k; c += 8) __builtin_prefetch(x + c);
  }
  // Contiguous rows: each has W partial sums, and the sums of W rows are added together. Rows are
  // processed one after another: W rows at once are faster in the cache, but hardware prefetching
  // does not follow them, nor the same load at several places in the code.
  static void along_rows(RowsAt x, std::int64_t k, const double* weights, std::int64_t n,
                         std::int64_t live, std::int64_t lanes, double* to) {
    const std::int64_t room = (k + W - 1) / W * W;
    alignas(64) double behind[V::kSize];  // last batch: 0 for elements of the batch before
    for (std::int64_t i = 0; i < W; ++i) behind[i] = i < room - k ? 0.0 : 1.0;
    const auto last = V::load(behind) > V(0.0);
    for (std::int64_t r = 0; r < live; r += W) {
      const std::int64_t rows = live - r < W ? live - r : W;
      for (std::int64_t j = 0; j < n; ++j) {
        V::Batch sums[V::kSize];
#pragma GCC unroll 1
        for (std::int64_t i = 0; i < W; ++i) {
          const double* row = x.p + (r + (i < rows ? i : rows - 1)) * x.row_stride;
          if (j == 0) fetch(row + kAhead, k);
          sums[i] = one_row(row, weights + j * room, k, last).v;
        }
        const V z = V(xsimd::haddp(sums));
        if (rows == W) z.store(to + j * lanes + r);
        else store_some(z, to + j * lanes + r, rows);
      }
    }
  }
  // The last batch of a row ends with the row and overlaps the batch before. In the overlap both
  // the elements and the weights are set to zero, since a zero weight alone would make NaN of an
  // infinity.
  static THALWEG_INLINE V one_row(const double* x, const double* w, std::int64_t k,
                                  V::MaskType last) {
    V s = V::load(x) * V::load(w), t(0.0);
    std::int64_t c = W;
    for (; c + 2 * W <= k; c += 2 * W) {
      s = fma(V::load(x + c), V::load(w + c), s);
      t = fma(V::load(x + c + W), V::load(w + c + W), t);
    }
    if (c + W <= k) {
      t = fma(V::load(x + c), V::load(w + c), t);
      c += W;
    }
    if (c < k) s = fma(select(last, V::load(x + k - W), V(0.0)), V::load(w + c), s);
    return s + t;
  }
  static void across_rows(RowsAt x, std::int64_t k, const double* weights, std::int64_t n,
                          std::int64_t live, std::int64_t lanes, double* to) {
    const std::int64_t room = (k + W - 1) / W * W;
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t r = 0; r < live; r += W) {
        const std::int64_t rows = live - r < W ? live - r : W;
        V s(0.0);
        for (std::int64_t c = 0; c < k; ++c) {
          const double* p = x.p + r * x.row_stride + c * x.inner_stride;
          V a;
          if (x.row_stride == 1 && rows == W) {
            a = V::load(p);
          } else {
            alignas(64) double t[V::kSize] = {};
            for (std::int64_t i = 0; i < rows; ++i) t[i] = p[i * x.row_stride];
            a = V::load(t);
          }
          const V b(weights[j * room + c]);
          s = c ? fma(a, b, s) : a * b;
        }
        if (rows == W) s.store(to + j * lanes + r);
        else store_some(s, to + j * lanes + r, rows);
      }
  }

  // ---- sums over rows

  template <class R> static void take_as(const double* values, std::int64_t row, std::int64_t live,
                                         double* partials) {
    std::int64_t i = 0;
    constexpr int kBatches = kPartialSums / W;
    if (row > 0 && row % kPartialSums == 0 && live >= kPartialSums) {  // partial sums in registers
      V p[kBatches];
      each<kBatches>([&](auto k) { p[k] = V::load(partials + k * W); });
      for (; i + kPartialSums <= live; i += kPartialSums)
        each<kBatches>([&](auto k) {
          const V x = V::load(values + i + k * W);
          p[k] = R::join(p[k], x, x);
        });
      each<kBatches>([&](auto k) { p[k].store(partials + k * W); });
    }
    const auto join = [&](std::int64_t at, V x, V p) {
      return row + at < kPartialSums ? R::begin(x, x) : R::join(p, x, x);
    };
    for (; i + W <= live; i += W) {
      double* p = partials + (row + i) % kPartialSums;
      join(i, V::load(values + i), V::load(p)).store(p);
    }
    for (; i < live; ++i) {
      double* p = partials + (row + i) % kPartialSums;
      *p = first(join(i, V(values[i]), V(*p)));
    }
  }
  template <class R> static double join_as(const double* partials, std::int64_t live) {
    using T = ContiguousTree<R>;
    if (live >= kPartialSums) {
      V s[T::kBatches];
      each<T::kBatches>([&](auto k) { s[k] = V::load(partials + k * W); });
      T::template halve<array_size(T::kBatches / 2)>(s);
      return first(T::template halved<V::kSize / 2>(s[0]));
    }
    double p[kPartialSums];
    std::copy_n(partials, live, p);
    for (std::int64_t step = kPartialSums / 2; step > 0; step /= 2)
      for (std::int64_t j = 0; j < step && j + step < live; ++j)
        p[j] = first(R::merge(V(p[j]), V(p[j + step])));
    return p[0];
  }
  static void take(Reduction kind, const double* values, std::int64_t row, std::int64_t live,
                   double* partials) {
    switch (kind) {
      case Reduction::Sum:
        return take_as<SumOf>(values, row, live, partials);
      case Reduction::Max:
        return take_as<MaxOf>(values, row, live, partials);
      case Reduction::Min:
        return take_as<MinOf>(values, row, live, partials);
      default:
        return take_as<ProdOf>(values, row, live, partials);
    }
  }
  static double join(Reduction kind, const double* partials, std::int64_t live) {
    switch (kind) {
      case Reduction::Sum:
        return join_as<SumOf>(partials, live);
      case Reduction::Max:
        return join_as<MaxOf>(partials, live);
      case Reduction::Min:
        return join_as<MinOf>(partials, live);
      default:
        return join_as<ProdOf>(partials, live);
    }
  }

  // ---- products summed over rows

  static void contract(RowsAt a, std::int64_t m, RowsAt b, std::int64_t n, std::int64_t live,
                       double* sums, std::int64_t room) {
    if (a.inner_stride == 1 && m >= W) {
      std::int64_t j = 0;
      for (; j + 4 <= n; j += 4) contract_rows<4>(a, m, b, j, live, sums, room);
      for (; j < n; ++j) contract_rows<1>(a, m, b, j, live, sums, room);
    } else if (a.row_stride == 1 && b.row_stride == 1) {
      contract_lanes(a, m, b, n, live, sums, room);
    } else {
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < m; ++i) {
          V s(sums[j * room + i]);
          for (std::int64_t r = 0; r < live; ++r)
            s = fma(V(a.p[r * a.row_stride + i * a.inner_stride]),
                    V(b.p[r * b.row_stride + j * b.inner_stride]), s);
          sums[j * room + i] = first(s);
        }
    }
  }
  // Contiguous rows on the left: J columns of the right factor at once, with up to 8 batches of the
  // left. The last batch ends with the row and has its own sums, stored after the others.
  template <int J> static void contract_rows(RowsAt a, std::int64_t m, RowsAt b, std::int64_t j,
                                             std::int64_t live, double* sums, std::int64_t room) {
    const std::int64_t batches = (m + W - 1) / W;
    std::int64_t q = 0;
    if constexpr (J == 1)
      for (; q + 8 <= batches; q += 8) contract_tile<J, 8>(a, m, b, j, live, sums, room, q);
    for (; q + 4 <= batches; q += 4) contract_tile<J, 4>(a, m, b, j, live, sums, room, q);
    for (; q < batches; ++q) contract_tile<J, 1>(a, m, b, j, live, sums, room, q);
  }
  template <int J, int Q>
  static void contract_tile(RowsAt a, std::int64_t m, RowsAt b, std::int64_t j, std::int64_t live,
                            double* sums, std::int64_t room, std::int64_t q) {
    V s[array_size(J)][array_size(Q)];
    const double* column[array_size(Q)];
    each<Q>([&](auto v) {
      const std::int64_t at = (q + v) * W;
      column[v] = a.p + (at + W <= m ? at : m - W);
      each<J>([&](auto u) { s[u][v] = V::load(sums + (j + u) * room + at); });
    });
    const double* y = b.p + j * b.inner_stride;
    for (std::int64_t r = 0; r < live; ++r) {
      V x[array_size(Q)];
      each<Q>([&](auto v) { x[v] = V::load(column[v] + r * a.row_stride); });
      each<J>([&](auto u) {
        const V f(y[r * b.row_stride + u * b.inner_stride]);
        each<Q>([&](auto v) { s[u][v] = fma(x[v], f, s[u][v]); });
      });
    }
    each<J>([&](auto u) {
      each<Q>([&](auto v) { s[u][v].store(sums + (j + u) * room + (q + v) * W); });
    });
  }
  // Both factors have one row per lane: W partial sums, then one number.
  static void contract_lanes(RowsAt a, std::int64_t m, RowsAt b, std::int64_t n, std::int64_t live,
                             double* sums, std::int64_t room) {
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i < m; ++i) {
        const double *x = a.p + i * a.inner_stride, *y = b.p + j * b.inner_stride;
        V s(0.0);
        std::int64_t r = 0;
        for (; r + W <= live; r += W) s = fma(V::load(x + r), V::load(y + r), s);
        if (r < live) s = fma(load_some(x + r, live - r), load_some(y + r, live - r), s);
        sums[j * room + i] += xsimd::reduce_add(s.v);
      }
  }

  static constexpr RowKernels table() { return {&load, &product, &store, &take, &join, &contract}; }
};
