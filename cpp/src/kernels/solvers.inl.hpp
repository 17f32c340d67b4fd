// SPDX-License-Identifier: BSD-3-Clause
// Compiles the solvers, for lanes in a batch and for the elements of one lane. Included once per
// instruction set; everything has internal linkage through `Here`, except the table at the end.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/kernels/simd.hpp"
#include "thalweg/solvers/all.hpp"

// For a function with all that it calls, and loops of few rounds unrolled; not with sanitizers,
// whose checks would make it long to compile. The last option stands in the command line too; it
// must hold whatever becomes of the others.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define THALWEG_ONE_FUNCTION __attribute__((flatten, optimize("O3", "fp-contract=off")))
#else
#define THALWEG_ONE_FUNCTION
#endif

namespace thalweg::THALWEG_ISA {
namespace {

struct Here;
using V = Vec<THALWEG_ARCH, Here>;
constexpr std::int64_t W = static_cast<std::int64_t>(V::kSize);

#include "kernels/trees.inl.hpp"

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
      const V a = select(there(i), abs(f(i)), V(0.0));
      m = select((a > m) | is_nan(a), a, m);
    });
    return across(m, [](double x, double y) { return y > x || y != y ? y : x; });
  }

 private:
  V long_dot(Vector a, Vector b) const {
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

// A number per lane, in memory.
struct Scalar {
  double* p;
  THALWEG_INLINE operator V() const { return V::load(p); }
  THALWEG_INLINE V get() const { return V::load(p); }
  THALWEG_INLINE void operator=(V v) const { v.store(p); }
  THALWEG_INLINE void set(V::MaskType m, V v) const { select(m, v, get()).store(p); }
  THALWEG_INLINE V::MaskType on() const { return get() > V(0.0); }
  // The first lane's number, if it is the same in all.
  std::int64_t number() const { return static_cast<std::int64_t>(*p); }

  friend THALWEG_INLINE V operator+(Scalar a, Scalar b) { return a.get() + b.get(); }
  friend THALWEG_INLINE V operator-(Scalar a, Scalar b) { return a.get() - b.get(); }
  friend THALWEG_INLINE V operator*(Scalar a, Scalar b) { return a.get() * b.get(); }
  friend THALWEG_INLINE V operator/(Scalar a, Scalar b) { return a.get() / b.get(); }
  friend THALWEG_INLINE V::MaskType operator<(Scalar a, Scalar b) { return a.get() < b.get(); }
  friend THALWEG_INLINE V::MaskType operator<=(Scalar a, Scalar b) { return a.get() <= b.get(); }
  friend THALWEG_INLINE V operator-(Scalar a) { return -a.get(); }
  friend THALWEG_INLINE V abs(Scalar a) { return abs(a.get()); }
};

// Allocates a solver's memory in the order of its requests. The same pass counts the memory and, if
// `Carries`, copies one lane's numbers to or from a plain array.
template <class Space, bool Lanes, bool Carries> class Keeper {
 public:
  using B = Space;
  using Scalar = THALWEG_ISA::Scalar;
  Keeper(const B& space, double* memory) : space_(space), memory_(memory) {}
  Keeper(const B& space, double* memory, std::int64_t lane, double* flat, bool save)
      : space_(space), memory_(memory), lane_(lane), flat_(flat), save_(save) {}

  THALWEG_INLINE Scalar scalar() {
    double* p = take(W);
    if (Carries && flat_ && !save_ && !Lanes) std::fill_n(p, W, *flat_);
    carry(p, 1, W);
    return {p};
  }
  THALWEG_INLINE typename B::Vector vector() {
    double* p = take(space_.room);
    carry(p, space_.n, Lanes ? W : 1);
    return typename B::Vector(p);
  }
  THALWEG_INLINE typename B::Matrix matrix() {
    double* p = take(space_.n * space_.room);
    for (std::int64_t i = 0; i < space_.n; ++i) carry(p + i * space_.room, space_.n, Lanes ? W : 1);
    return {p, space_.room, W};
  }
  // Memory for the length of one call, which is not part of a lane's state.
  typename B::Vector scratch() { return typename B::Vector(take(space_.room)); }
  typename B::Matrix scratch_matrix() { return {take(space_.n * space_.room), space_.room, W}; }
  std::int64_t taken() const { return taken_; }
  std::int64_t carried() const { return carried_; }

 private:
  THALWEG_INLINE double* take(std::int64_t doubles) {
    return memory_ + std::exchange(taken_, taken_ + doubles);
  }
  void carry(double* p, std::int64_t count, std::int64_t step) {
    if constexpr (!Carries) return;
    carried_ += count;
    if (!flat_) return;
    if (step == 1) {  // for one lane, a matrix may be large
      std::memcpy(save_ ? flat_ : p, save_ ? p : flat_,
                  static_cast<std::size_t>(count) * sizeof *p);
      flat_ += count;
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      double& here = p[i * step + lane_];
      (save_ ? *flat_ : here) = save_ ? here : *flat_;
      ++flat_;
    }
  }
  const B& space_;
  double* memory_;
  std::int64_t taken_ = 0, carried_ = 0, lane_ = 0;
  double* flat_ = nullptr;
  bool save_ = false;
};

// One batch of lanes with a solver S: its memory, and what it publishes.
template <class S, bool Lanes, std::int64_t N = 0> struct Party {
  using B = Space<Lanes, N>;
  using K = Keeper<B, Lanes, false>;
  using Carrier = Keeper<B, Lanes, true>;
  template <class Keeps> using State = typename S::template State<B, Keeps>;

  static std::int64_t size(const SolverCall& c) {
    const B space(c.n);
    // A valid address that is never read or written, which the compiler must not find out.
    alignas(64) static double nothing[1];
    double* volatile nowhere = nothing;
    K keeper(space, nowhere);
    const State<K> state(c, space, keeper);
    return keeper.taken();
  }
  static void tell(const SolverCall& c) {
    if constexpr (kInlined) tell_inlined(c);
    else if constexpr (N > 0) tell_near(c);
    else tell_any(c);
  }
  static constexpr bool kInlined = [] {
    if constexpr (requires { S::inlined; }) return N > 0 && N <= S::inlined;
    else return false;
  }();
  static THALWEG_ONE_FUNCTION void tell_inlined(const SolverCall& c) { tell_near(c); }
  static void tell_any(const SolverCall& c) {
    const B space(c.n);
    K keeper(space, c.memory);
    State<K>(c, space, keeper).tell();
  }
  static void tell_near(const SolverCall& c) {
    const B space(c.n);
    K keeper(space, c.memory);
    Near near(c);
    State<K>(near.call, space, keeper).tell();
    near.give_back(c);
  }
  // For few variables: the caller's arrays as batches one after another.
  struct Near {
    static constexpr std::int64_t kSquare =
        S::needs == Needs::Normal || S::needs == Needs::Hessian ? N * N : N;
    alignas(64) double x[array_size(N * W)], v[array_size(N * W)], g[array_size(N * W)],
        h[array_size(kSquare * W)];
    SolverCall call;
    THALWEG_INLINE explicit Near(const SolverCall& c) : call(c) {
      call.step = W;
      call.x = fetched<N>(c.x, x, c.step);
      call.v = fetched<N>(c.v, v, c.step);
      call.g = fetched<N>(c.g, g, c.step);
      call.h = fetched<kSquare>(c.h, h, c.step);
    }
    THALWEG_INLINE void give_back(const SolverCall& c) const {
      for (std::int64_t i = 0; i < N; ++i) V::load(x + i * W).store(c.x + i * c.step);
      if (!c.v) return;
      for (std::int64_t i = 0; i < N; ++i) V::load(v + i * W).store(c.v + i * c.step);
    }
    template <std::int64_t Count>
    static THALWEG_INLINE double* fetched(const double* from, double* to, std::int64_t step) {
      if (!from) return nullptr;
      for (std::int64_t i = 0; i < Count; ++i) V::load(from + i * step).store(to + i * W);
      return to;
    }
  };
  static std::int64_t exchange(const SolverCall& c, std::int64_t lane, double* flat, bool save) {
    const B space(c.n);
    Carrier keeper(space, c.memory, lane, flat, save);
    const State<Carrier> state(c, space, keeper);
    return keeper.carried();
  }
  static void point(const SolverCall& c, std::int64_t lane, Which which, double* to) {
    if constexpr (kInlined) point_inlined(c, lane, which, to);
    else point_of(c, lane, which, to);
  }
  static THALWEG_ONE_FUNCTION void point_inlined(const SolverCall& c, std::int64_t lane,
                                                 Which which, double* to) {
    point_of(c, lane, which, to);
  }
  static void point_of(const SolverCall& c, std::int64_t lane, Which which, double* to) {
    const B space(c.n);
    K keeper(space, c.memory);
    const State<K> state(c, space, keeper);
    auto from = which == Which::Best ? state.best : state.x;
    if (which == Which::Slope) {
      if constexpr (requires { state.g; }) from = state.g;
      else return void(std::fill_n(to, c.n, NAN));
    }
    for (std::int64_t i = 0; i < c.n; ++i) to[i] = from.p[i * (Lanes ? W : 1) + lane];
  }
  static constexpr SolverKernels kTable{&size, &tell, &exchange, &point};
};

template <class S, class... Ss> constexpr bool is_among(OperationList<Ss...>) {
  return (std::is_same_v<S, Ss> || ...);
}
// For one, two, … variables; null if the solver is not compiled for them.
template <class S, std::int64_t... N>
const SolverKernels* few_variables(std::integer_sequence<std::int64_t, N...>) {
  if constexpr (sizeof...(N) == 0 || !is_among<S>(SolversOfFewVariables{})) {
    return nullptr;
  } else {
    static constexpr std::array<SolverKernels, sizeof...(N)> all{Party<S, true, N + 1>::kTable...};
    return all.data();
  }
}
template <class... Ss> const SolverPair* tables(OperationList<Ss...>) {
  using Few = std::make_integer_sequence<std::int64_t, kFewVariables>;
  static const SolverPair all[] = {
      {Party<Ss, false>::kTable, Party<Ss, true>::kTable, few_variables<Ss>(Few{})}...};
  return all;
}

}  // namespace

extern const SolverPair* solver_table();
const SolverPair* solver_table() { return tables(Solvers{}); }

}  // namespace thalweg::THALWEG_ISA
