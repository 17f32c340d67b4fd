// SPDX-License-Identifier: BSD-3-Clause
// Products of matrices with elements in a batch, summed in the order of matmul.inl.hpp. A part of
// kernels.inl.hpp, inside its namespaces.

constexpr std::int64_t kNear = 1 << 17;  // doubles in a second-level cache

// C (m, n) = A (m, k) B (k, n), with the row and column strides of each matrix.
struct Product {
  std::int64_t m, k, n;
  const double *a, *b;
  double* c;
  std::int64_t a_m, a_k, b_k, b_n, c_m, c_n;
  const double *a_end, *b_end;  // the ends of what may be read
  // Facts about the whole product, which also hold for its parts: whether the second factor is a
  // vector, whether the first is, and whether the product fits in a near cache.
  bool times_vector, vector_times, near;

  // The transposed product, C' = B' A'.
  Product transposed() const {
    return {n,   k,   m,   b,   a,     c,     b_n,          b_k,
            a_k, a_m, c_n, c_m, b_end, a_end, vector_times, times_vector,
            near};
  }
  Product rows(std::int64_t from, std::int64_t count) const {
    Product p = *this;
    p.a += from * a_m, p.c += from * c_m, p.m = count;
    return p;
  }
  Product columns(std::int64_t from, std::int64_t count) const {
    return transposed().rows(from, count).transposed();
  }
  Product run(std::int64_t from, std::int64_t count) const {
    Product p = *this;
    p.a += from * a_k, p.b += from * b_k, p.k = count;
    return p;
  }
};

// Like some(), but elements beyond n may be anything that is stored before `end`.
THALWEG_INLINE V ahead(const double* p, std::int64_t n, const double* end) {
  return end - p >= W ? V::load(p) : V::load(p, n);
}

// Matrix times matrix: tiles of C in registers. Panels of B are packed as in Goto and van de Geijn
// (2008, ACM TOMS 34(3), 12), so that they are read in order from a near cache. A is read in place.
struct MatrixProduct {
  static constexpr std::int64_t kLine = 8;  // doubles per cache line
  // A tile's sums, one row of B and one number of A fill the registers.
  static constexpr int kRows = V::kRegisters == 32 ? 8 : 6, kVectors = V::kRegisters == 32 ? 3 : 2;
  static constexpr std::int64_t kBlock = 256;  // rows of A per panel of B: 512 KiB of them

  // What to prefetch during a tile: pieces of `length` doubles, `stride` apart.
  struct Ahead {
    const double* p;
    std::int64_t step, length, stride;
  };

  // C = or += A B, with M rows and at most N batches of columns, for one run along k.
  template <int M, int N>
  static __attribute__((flatten)) void tile(const Product& p, bool first, Ahead next) {
    V s[array_size(M * N)];
    each<M * N>([&](auto i) {
      s[i] = V(-0.0);
      __builtin_prefetch(p.c + i / N * p.c_m + i % N * W * p.c_n, 1);
    });
    const double *a = p.a, *b = p.b;
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < p.k; ++k, a += p.a_k, b += p.b_k) {
      __builtin_prefetch(next.p + at);
      if ((at += next.step) >= next.length) at = 0, next.p += next.stride;
      V y[array_size(N)];
      each<N>([&](auto j) { y[j] = V::load(b + j * W); });
      each<M>([&](auto i) {
        const V x(a[i * p.a_m]);
        each<N>([&](auto j) { s[i * N + j] = fma(x, y[j], s[i * N + j]); });
      });
    }
    if (p.c_n == 1) {
      each<M * N>([&](auto i) {
        double* c = p.c + i / N * p.c_m + i % N * W;
        const std::int64_t n = p.n - i % N * W;
        put(first ? s[i] : some(c, n) + s[i], c, n);
      });
    } else {
      alignas(64) double t[array_size(M * N * W)];
      each<M * N>([&](auto i) { s[i].store(t + i * W); });
      for (std::int64_t n = 0; n < p.n; ++n)
        for (std::int64_t m = 0; m < M; ++m) {
          double& c = p.c[m * p.c_m + n * p.c_n];
          const double x = t[m * N * W + n];
          c = first ? x : c + x;
        }
    }
  }
  using Work = void (*)(const Product&, bool, Ahead);
  template <int... I> static Work chosen(int which, std::integer_sequence<int, I...>) {
    static constexpr Work kTiles[] = {&tile<I / kVectors + 1, I % kVectors + 1>...};
    return kTiles[which];
  }
  static Work tile_of(std::int64_t rows, std::int64_t vectors) {
    return chosen(static_cast<int>((rows - 1) * kVectors + vectors - 1),
                  std::make_integer_sequence<int, kRows * kVectors>{});
  }

  // Packs one run of B, row by row, each of `width` numbers.
  static __attribute__((flatten)) void pack(const Product& p, double* to, std::int64_t width) {
    for (std::int64_t n = 0; n < width; n += W)
      if (p.b_n == 1) {
        for (std::int64_t k = 0; k < p.k; ++k)
          ahead(p.b + k * p.b_k + n, p.n - n, p.b_end).store(to + k * width + n);
      } else {
        for (std::int64_t k = 0; k < p.k; k += W) {
          V rows[V::kSize];
          each<W>([&](auto i) {
            rows[i] = n + i < p.n ? some(p.b + (n + i) * p.b_n + k, p.k - k) : V(0.0);
          });
          transpose(rows);
          each<W>([&](auto i) { rows[i].store(to + (k + i) * width + n); });
        }
      }
  }

  static void run(const Product& p, bool first) {
    alignas(64) double panel[(kRun + W) * kVectors * W];
    const bool few = p.m <= 2 * kRows;  // few rows: then B comes from memory
    const double* soon = p.b + p.k * p.b_k;
    for (std::int64_t m = 0; m < p.m; m += kBlock) {
      const Product block = p.rows(m, p.m - m < kBlock ? p.m - m : kBlock);
      for (std::int64_t n = 0; n < p.n;) {
        const std::int64_t vectors = share((p.n - n + W - 1) / W, kVectors), width = vectors * W;
        Product q = block.columns(n, p.n - n < width ? p.n - n : width);
        const bool readable = q.b_n == 1 && q.b_end - (q.b + (q.k - 1) * q.b_k) >= width;
        if (!readable || !few) {
          pack(q, panel, width);
          q.b = panel, q.b_k = width, q.b_n = 1;
        }
        for (std::int64_t i = 0; i < q.m;) {
          const std::int64_t rows = share(q.m - i, kRows);
          const double* next = q.a + (i + rows) * q.a_m;
          const Ahead ahead = few          ? Ahead{soon, kLine, q.k * kLine, q.k * kLine}
                              : q.a_k == 1 ? Ahead{next, kLine, q.k, q.a_m}
                                           : Ahead{next, q.a_k, q.k * q.a_k, 0};
          tile_of(rows, vectors)(q.rows(i, rows), first, ahead);
          soon += q.k * kLine;
          i += rows;
        }
        n += q.n;
      }
    }
  }

  // Batches lie along the columns of C, or along its rows if that takes fewer multiply-adds (the
  // last batch of a row may be half empty) and transpositions.
  static std::int64_t cost(const Product& p) {
    return p.m * ((p.n + W - 1) / W) + (p.b_n == 1 ? p.n / W : p.n);
  }
  static void all(const Product& p) {
    const Product q = cost(p.transposed()) < cost(p) ? p.transposed() : p;
    for (std::int64_t k = 0; k < p.k; k += kRun)
      run(q.run(k, p.k - k < kRun ? p.k - k : kRun), k == 0);
  }
};

// Matrix times vector (n is 1), with contiguous rows of the matrix: the partial sums of a row are
// side by side.
struct RowsTimesVector {
  static constexpr int kBatches = kPartials / W;
  // The number of rows read together: several hide the latency of a multiply-add; but from memory,
  // one row after another is faster.
  static constexpr int kTogether = W < 4 ? W : 4;

  static __attribute__((flatten)) void all(const Product& p) {
    for (std::int64_t m = 0; m < p.m; m += W) {
      const double* rows[W];  // repeats the last row if there are no more
      each<W>([&](auto i) { rows[i] = p.a + least(m + i, p.m - 1) * p.a_m; });
      const V s = p.k < kFewest ? chain(p, rows)
                  : p.near      ? partials<kTogether>(p, rows)
                                : partials<1>(p, rows);
      put(s, p.c + m, p.m - m);
    }
  }
  static V chain(const Product& p, const double* const* rows) {
    V s(-0.0);
    for (std::int64_t k = 0; k < p.k; k += W) {
      V x[W];
      each<W>([&](auto i) { x[i] = ahead(rows[i] + k, p.k - k, p.a_end); });
      transpose(x);
      each<W>([&](auto i) {
        if (k + i < p.k) s = fma(x[i], V(p.b[k + i]), s);
      });
    }
    return s;
  }
  template <int G> static V partials(const Product& p, const double* const* rows) {
    V sums[W];
    each<W / G>([&](auto g) { together<G>(p, rows + g * G, sums + g * G); });
    transpose(sums);
    return halved<W>(sums);
  }
  template <int G> static void together(const Product& p, const double* const* rows, V* sums) {
    V s[array_size(G * kBatches)];
    each<G * kBatches>([&](auto i) { s[i] = V(-0.0); });
    const std::int64_t whole = p.k / kPartials * kPartials;
    for (std::int64_t k = 0; k < whole; k += kPartials)
      each<kBatches>([&](auto j) {
        const V x = V::load(p.b + k + j * W);
        each<G>([&](auto i) {
          V& sum = s[i * kBatches + j];
          sum = fma(V::load(rows[i] + k + j * W), x, sum);
        });
      });
    each<kBatches>([&](auto j) {  // the remainder, then -0 * 0
      const std::int64_t at = whole + j * W, n = p.k - at;
      if (n <= 0) return;
      const V x = some(p.b + at, n);
      const auto there = V::count() < V(static_cast<double>(n));
      each<G>([&](auto i) {
        V& sum = s[i * kBatches + j];
        sum = fma(select(there, ahead(rows[i] + at, n, p.a_end), V(-0.0)), x, sum);
      });
    });
    each<G>([&](auto i) { sums[i] = halved<kBatches>(s + i * kBatches); });
  }
};

// Matrix times vector, with contiguous columns of the matrix: batches of rows, in strips whose
// partial sums stay in the first-level cache.
struct ColumnsTimesVector {
  static constexpr std::int64_t kStrip = 512, kNarrow = 128;

  static void all(const Product& p) {
    // Whether to add several columns of one partial sum together, which saves loads and stores.
    // Short columns that come from memory are faster one after another.
    const bool several = p.near || p.a_k > kNarrow;
    for (std::int64_t m = 0; m < p.m; m += kStrip) {
      const Product q = p.rows(m, least(kStrip, p.m - m));
      p.k < kFewest ? chain(q) : several ? partials<4>(q) : partials<1>(q);
    }
  }
  static __attribute__((flatten)) void chain(const Product& p) {
    for (std::int64_t m = 0; m < p.m; m += W) {
      V s(-0.0);
      for (std::int64_t k = 0; k < p.k; ++k)
        s = fma(ahead(p.a + m + k * p.a_k, p.m - m, p.a_end), V(p.b[k]), s);
      put(s, p.c + m, p.m - m);
    }
  }
  template <int G> static __attribute__((flatten)) void partials(const Product& p) {
    alignas(64) double sums[(kStrip + W) * kPartials];
    for (std::int64_t i = 0; i < p.m; i += W)
      each<kPartials>([&](auto j) { V(-0.0).store(sums + i * kPartials + j * W); });
    std::int64_t k = 0;
    for (; k + G * kPartials <= p.k; k += G * kPartials)
      for (std::int64_t j = 0; j < kPartials; ++j) add<G>(p, k + j, sums + j * W);
    for (; k < p.k; ++k) add<1>(p, k, sums + k % kPartials * W);
    for (std::int64_t m = 0; m < p.m; m += W) {
      V s[kPartials];
      each<kPartials>([&](auto j) { s[j] = V::load(sums + m * kPartials + j * W); });
      put(halved<kPartials>(s), p.c + m, p.m - m);
    }
  }
  // Adds columns k, k + kPartials, … to their partial sum.
  template <int G> static void add(const Product& p, std::int64_t k, double* sum) {
    const double* a = p.a + k * p.a_k;
    V x[array_size(G)];
    each<G>([&](auto i) { x[i] = V(p.b[k + i * kPartials]); });
    for (std::int64_t m = 0; m < p.m; m += W, a += W, sum += W * kPartials) {
      V s = V::load(sum);
      each<G>(
          [&](auto i) { s = fma(ahead(a + i * kPartials * p.a_k, p.m - m, p.a_end), x[i], s); });
      s.store(sum);
    }
  }
};

void multiply_tile(const Product& p) {
  if (!p.times_vector && !p.vector_times) return MatrixProduct::all(p);
  const Product q = p.times_vector ? p : p.transposed();
  const bool rows = q.a_k == 1 && (q.m == 1 || q.a_m != 1);
  rows ? RowsTimesVector::all(q) : ColumnsTimesVector::all(q);
}

// Adds tiles pairwise; the right half of a sum is computed in `waiting`.
void multiply_joined(const Product& p, double* waiting) {
  if (p.k <= kTile) return multiply_tile(p);
  const std::int64_t half = left_part(p.k);
  multiply_joined(p.run(0, half), waiting);
  Product right = p.run(half, p.k - half);
  right.c = waiting, right.c_m = p.n, right.c_n = 1;
  multiply_joined(right, waiting + p.m * p.n);
  for (std::int64_t m = 0; m < p.m; ++m)
    for (std::int64_t n = 0; n < p.n; ++n) p.c[m * p.c_m + n * p.c_n] += waiting[m * p.n + n];
}

inline void multiply(const Extent& e, const double* a, const double* b, double* r,
                     double* waiting) {
  const Product p{e.m,
                  e.k,
                  e.n,
                  a,
                  b,
                  r,
                  e.a_m,
                  e.a_k,
                  e.b_k,
                  e.b_n,
                  e.n,
                  1,
                  a + e.m * e.k,
                  b + e.k * e.n,
                  e.n == 1,
                  e.m == 1,
                  e.m * e.k + e.k * e.n <= kNear};
  if (e.k == 0) {
    for (std::int64_t i = 0; i < e.m * e.n; ++i) r[i] = 0.0;
    return;
  }
  if (e.k <= kTile) return multiply_tile(p);
  for (std::int64_t m = 0; m < e.m; m += kJoinedRows)
    for (std::int64_t n = 0; n < e.n; n += kJoinedColumns)
      multiply_joined(
          p.rows(m, least(kJoinedRows, e.m - m)).columns(n, least(kJoinedColumns, e.n - n)),
          waiting);
}
