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

// clang-format off: each file uses definitions from the one before it.
#include "kernels/space.inl.hpp"
#include "kernels/keeper.inl.hpp"
// clang-format on

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
  // Processors without fused multiply-adds are few, and a wheel holds all sets.
  using Few = std::make_integer_sequence<std::int64_t, V::kFused ? kFewVariables : 0>;
  static const SolverPair all[] = {
      {Party<Ss, false>::kTable, Party<Ss, true>::kTable, few_variables<Ss>(Few{})}...};
  return all;
}

}  // namespace

extern const SolverPair* solver_table();
const SolverPair* solver_table() { return tables(Solvers{}); }

}  // namespace thalweg::THALWEG_ISA
