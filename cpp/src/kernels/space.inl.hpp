// SPDX-License-Identifier: BSD-3-Clause
// What a batch holds for a solver: vectors and matrices of each lane, and the arithmetic on them. A
// part of solvers.inl.hpp, inside its namespaces.

// The number of variables and the distance between their batches. Both are compile-time constants
// for few variables with lanes in a batch.
template <bool Lanes, std::int64_t N> struct Extents {
  static_assert(Lanes);
  static constexpr std::int64_t n = N, pieces = N, room = N * W;
  explicit Extents(std::int64_t) {}
  struct Step {
    static constexpr std::int64_t step = W;
    explicit Step(std::int64_t) {}
  };
  struct Pitch {
    static constexpr std::int64_t pitch = room;
    explicit Pitch(std::int64_t) {}
  };
};
template <bool Lanes> struct Extents<Lanes, 0> {
  struct Step {
    std::int64_t step;
    explicit Step(std::int64_t of_elements) : step(of_elements) {}
  };
  struct Pitch {
    std::int64_t pitch;
    explicit Pitch(std::int64_t of_rows) : pitch(of_rows) {}
  };
  std::int64_t n, pieces, room;  // room: doubles per vector
  explicit Extents(std::int64_t size)
      : n(size), pieces(Lanes ? size : (size + W - 1) / W), room((Lanes ? size : pieces) * W) {}
};

// What a batch holds, and the arithmetic that depends on it. A vector is `pieces` batches: if
// batches hold lanes, piece i is element i of each lane; otherwise pieces are W successive elements
// of one lane. A number per lane is always a batch (for one lane, with equal elements), so a solver
// is written once.
template <bool Lanes, std::int64_t N = 0> struct Space : Extents<Lanes, N> {
  using V = THALWEG_ISA::V;
  using Mask = V::MaskType;
  using Extents<Lanes, N>::Extents, Extents<Lanes, N>::n, Extents<Lanes, N>::pieces,
      Extents<Lanes, N>::room;
  static constexpr bool kUnrolled = N > 0;

  // At most two numbers, so that it is passed in registers.
  using Step = typename Extents<Lanes, N>::Step;
  using Pitch = typename Extents<Lanes, N>::Pitch;
  struct Vector : Step {
    double* p;
    using Step::step;
    explicit Vector(double* at = nullptr, std::int64_t apart = W) : Step(apart), p(at) {}
    THALWEG_INLINE V operator[](std::int64_t i) const { return V::load(p + i * step); }
    THALWEG_INLINE void put(std::int64_t i, V v) const { v.store(p + i * step); }
    THALWEG_INLINE void put(typename V::MaskType m, std::int64_t i, V v) const {
      put(i, select(m, v, (*this)[i]));
    }
    // One element, as a number per lane.
    THALWEG_INLINE V element(std::int64_t i) const {
      if constexpr (Lanes) return (*this)[i];
      else return V(p[i]);
    }
    THALWEG_INLINE void set(std::int64_t i, V v) const {
      if constexpr (Lanes) put(i, v);
      else p[i] = first(v);
    }
  };
  // The same for every lane: (n), padded to full batches.
  struct Common {
    const double* p;
    THALWEG_INLINE V operator[](std::int64_t i) const {
      if constexpr (Lanes) return V(p[i]);
      else return V::load(p + i * W);
    }
    explicit operator bool() const { return p != nullptr; }
  };
  // A batch for each piece: for lanes, their own numbers.
  struct Batches {
    const double* p;
    std::int64_t step;
    Batches(const double* at, std::int64_t apart) : p(at), step(Lanes ? apart : W) {}
    THALWEG_INLINE V operator[](std::int64_t i) const { return V::load(p + i * step); }
    explicit operator bool() const { return p != nullptr; }
  };
  struct Matrix : Step, Pitch {
    double* p;
    using Step::step, Pitch::pitch;
    Matrix(double* at, std::int64_t of_rows, std::int64_t apart)
        : Step(apart), Pitch(of_rows), p(at) {}
    Vector row(std::int64_t i) const { return Vector(p + i * pitch, step); }
  };

  // Arrays that the caller lends, for requests and received values.
  Vector view(const double* p, std::int64_t step) const {
    return Vector(const_cast<double*>(p), Lanes ? step : W);
  }
  Matrix matrix_view(const double* p, std::int64_t step) const {
    return {const_cast<double*>(p), Lanes ? n * step : n, Lanes ? step : W};
  }
  static V number(const double* p) {
    if constexpr (Lanes) return V::load(p);
    else return V(*p);
  }

  // The batch that contains element i.
  static constexpr std::int64_t piece(std::int64_t i) { return Lanes ? i : i / W; }
  template <class F> THALWEG_INLINE void each(F f) const {
    if constexpr (N > 0) return unrolled(f, std::make_integer_sequence<std::int64_t, N>{});
    const std::int64_t count = pieces;  // a copy, as stores might change `pieces`
    for (std::int64_t i = 0; i < count; ++i) f(i);
  }
  template <class F, std::int64_t... I>
  static THALWEG_INLINE void unrolled(F f, std::integer_sequence<std::int64_t, I...>) {
    (f(I), ...);
  }
  // For each piece with elements after k.
  template <class F> THALWEG_INLINE void each_after(std::int64_t k, F f) const {
    for (std::int64_t i = Lanes ? k + 1 : (k + 1) / W; i < pieces; ++i) f(i);
  }
  THALWEG_INLINE Mask is(std::int64_t i, std::int64_t k) const {
    return is(i, V(static_cast<double>(k)));
  }
  THALWEG_INLINE Mask is(std::int64_t i, V index) const {
    if constexpr (Lanes) return V(static_cast<double>(i)) == index;
    else return V::count() + V(static_cast<double>(i * W)) == index;
  }
  // For each lane, the element at the index that the lane gives.
  template <class Vs> V at(Vs v, V index) const {
    if constexpr (Lanes) {
      V found(0.0);
      for (std::int64_t i = 0; i < n; ++i) found = select(is(i, index), v[i], found);
      return found;
    } else {
      return V(v.p[static_cast<std::int64_t>(first(index))]);
    }
  }
  void set_at(Mask m, Vector v, V index, V value) const {
    if constexpr (Lanes) {
      for (std::int64_t i = 0; i < n; ++i) v.put(m & is(i, index), i, value);
    } else if (any(m)) {
      v.p[static_cast<std::int64_t>(first(index))] = first(value);
    }
  }
  // A mask of the elements after k.
  THALWEG_INLINE Mask after(std::int64_t i, std::int64_t k) const {
    if constexpr (Lanes) return V(static_cast<double>(i)) > V(static_cast<double>(k));
    else return V::count() > V(static_cast<double>(k - i * W));
  }
  // For loops over elements: whether element i exists, as a mask where that matters.
  THALWEG_INLINE Mask there(std::int64_t i) const {
    if constexpr (Lanes) return V(0.0) <= V(0.0);
    else return V::count() < V(static_cast<double>(n - i * W));
  }

  THALWEG_INLINE V dot(Vector a, Vector b) const {
    if constexpr (N == 0) return long_dot(a, b);
    const auto get = [&](std::int64_t i, V& x, V& y) THALWEG_INLINED { x = a[i], y = b[i]; };
    return Tree<DotOf, decltype(get)>{get}.few(N);
  }
  // The largest |f(i)|; NaN if one of them is.
  template <class F> V largest(F f) const {
    V m(0.0);
    each([&](std::int64_t i) THALWEG_INLINED {
      V a = abs(f(i));
      if constexpr (!Lanes) a = select(there(i), a, V(0.0));
      m = select((a > m) | is_nan(a), a, m);
    });
    return across(m, [](double x, double y) { return y > x || y != y ? y : x; });
  }

 private:
  __attribute__((noinline)) V long_dot(Vector a, Vector b) const {
    if constexpr (Lanes) {
      const auto get = [&](std::int64_t i, V& x, V& y) THALWEG_INLINED { x = a[i], y = b[i]; };
      return n > 0 ? Tree<DotOf, decltype(get)>{get}(0, n) : V(0.0);
    } else {
      if (n <= kFew) return V(few(a.p, b.p));
      return V(ContiguousTree<DotOf>{a.p, b.p}(0, n));
    }
  }
  // The same tree for a few elements of one lane, as scalars: sums of batches would take longer.
  static constexpr std::int64_t kFew = 8;
  double few(const double* a, const double* b) const {
    double p[kFew];
    for (std::int64_t i = 0; i < n; ++i) p[i] = a[i] * b[i];
    for (std::int64_t step = kFew / 2; step > 0; step /= 2)
      for (std::int64_t j = 0; j < step && j + step < n; ++j) p[j] += p[j + step];
    return n ? p[0] : 0.0;
  }
  template <class F> static V across(V m, F join) {
    if constexpr (Lanes) {
      return m;
    } else {
      alignas(64) double t[V::kSize];
      m.store(t);
      for (std::size_t k = 1; k < V::kSize; ++k) t[0] = join(t[0], t[k]);
      return V(t[0]);
    }
  }
};
