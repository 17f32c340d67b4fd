// SPDX-License-Identifier: BSD-3-Clause
// Compiles the operations to loops. Included once per instruction set, inside its namespace, with
// THALWEG_ARCH as its xsimd type. Everything has internal linkage through `Here`, except the table
// at the end.
#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>
#include <utility>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/kernels/limits.hpp"
#include "thalweg/kernels/simd.hpp"

namespace thalweg::THALWEG_ISA {
namespace {

struct Here;
using V = Vec<THALWEG_ARCH, Here>;
constexpr std::int64_t W = static_cast<std::int64_t>(V::kSize);

#include "kernels/trees.inl.hpp"

#include "kernels/elementwise.inl.hpp"

// Handlers for U = sizeof...(I) batches, which stay in U registers from one handler to the next.
template <class Sequence> struct Chain;
template <std::size_t... I> struct Chain<std::index_sequence<I...>> {
  static constexpr std::int64_t U = sizeof...(I);
  template <std::size_t> using Register = V;
  using Handler = void (*)(const Linked*, Register<I>...);

  static THALWEG_INLINE void next(const Linked* at, Register<I>... r) {
    return reinterpret_cast<Handler>(at->handler)(at, r...);
  }
  static THALWEG_INLINE void next(const Linked* at) { return next(at, Register<I>(0.0)...); }

  template <Mode M> static THALWEG_INLINE V operand(const double* p, std::int64_t j,
                                                    V in_register) {
    if constexpr (M == Mode::Register) return in_register;
    else if constexpr (M == Mode::Memory) return V::load(p + j * W);
    else return V(*p);
  }

  // An operand that F does not have has no address and is not read.
  template <class F, int Which, Mode M>
  static THALWEG_INLINE V operand_of(const double* p, std::int64_t j, V in_register) {
    if constexpr (Which < F::arity) return operand<M>(p, j, in_register);
    else return V(0.0);
  }

  // A light operation on one element.
  template <class F, Mode A, Mode B, Mode C, bool Store>
  static void chained(const Linked* at, Register<I>... r) {
    const double *a = at->a, *b = at->b, *c = at->c;
    return finish<Store>(at, evaluate<F>(operand_of<F, 0, A>(a, I, r), operand_of<F, 1, B>(b, I, r),
                                         operand_of<F, 2, C>(c, I, r))...);
  }
  template <bool Store> static THALWEG_INLINE void finish(const Linked* at, Register<I>... out) {
    double* to = at->r;
    if constexpr (Store) (out.store(to + static_cast<std::int64_t>(I) * W), ...);
    return next(at + 1, out...);
  }

  // Any operation on n elements.
  static void elementwise(const Linked* at, Register<I>...) {
    at->loop(at, U);
    return next(at + 1);
  }

  static void sincos(const Linked* at, Register<I>...) {
    sines_and_cosines(at, U);
    return next(at + 1);
  }

  template <bool Array, std::size_t Numbers>
  static void faddeeva_parts(const Linked* at, Register<I>...) {
    faddeeva(*at, Array ? 0 : U, Numbers & 1, Numbers & 2);
    return next(at + 1);
  }

  static void end(const Linked*, Register<I>...) { drop_upper_halves(); }
  static void run(const Linked* at) { next(at); }
};

// clang-format off: each file uses definitions from the one before it.
#include "kernels/matmul.inl.hpp"
#include "kernels/matmul_elements.inl.hpp"
#include "kernels/bulk.inl.hpp"
#include "kernels/rows.inl.hpp"
// clang-format on

// ---- routines

void routine(const Linked* l) { l->extent->routine->run(*l); }

// ---- the tables

template <class C, void (*Work)(const Linked*)> struct Step;
template <std::size_t... I,
          void (*Work)(const Linked*)> struct Step<Chain<std::index_sequence<I...>>, Work> {
  using C = Chain<std::index_sequence<I...>>;
  static void handler(const Linked* at, typename C::template Register<I>...) {
    Work(at);
    return C::next(at + 1);
  }
};
template <class C, void (*Work)(const Linked*)> AnyFunction step() {
  return reinterpret_cast<AnyFunction>(&Step<C, Work>::handler);
}

template <class C> struct Tables {
  AnyFunction chained[kCodes * kVariants] = {};
  AnyFunction lanes[kBulks * kArrayVariants] = {};
  AnyFunction elements[kBulks * kArrayVariants] = {};

  Tables() {
    add_all(Elementary{});
    add_lanes<false, false>();
    add_lanes<true, false>();
    add_lanes<false, true>();
    add_lanes_of_numbers();
    add_faddeeva(std::make_index_sequence<4>{});
    for (int v = 0; v < kArrayVariants; ++v) {
      put(elements, Bulk::Sum, v, step<C, &Elements::reduce<SumOf>>());
      put(elements, Bulk::Dot, v, step<C, &Elements::reduce<DotOf>>());
      put(elements, Bulk::Max, v, step<C, &Elements::reduce<MaxOf>>());
      put(elements, Bulk::Min, v, step<C, &Elements::reduce<MinOf>>());
      put(elements, Bulk::Prod, v, step<C, &Elements::reduce<ProdOf>>());
      put(elements, Bulk::MatMul, v, step<C, &Elements::matmul>());
      put(elements, Bulk::Move, v, step<C, &Elements::move<false>>());
      put(elements, Bulk::AddMove, v, step<C, &Elements::move<true>>());
      put(elements, Bulk::Scan, v, step<C, &Elements::scan>());
      put(elements, Bulk::Lookup, v, step<C, &Elements::lookup>());
      for (auto* table : {lanes, elements}) {
        put(table, Bulk::Routine, v, step<C, &routine>());
        put(table, Bulk::SinCos, v, reinterpret_cast<AnyFunction>(&C::sincos));
        put(table, Bulk::End, v, reinterpret_cast<AnyFunction>(&C::end));
      }
    }
  }

  static void put(AnyFunction* table, Bulk b, int v, AnyFunction f) {
    table[static_cast<int>(b) * kArrayVariants + v] = f;
  }

  template <std::size_t... Numbers> void add_faddeeva(std::index_sequence<Numbers...>) {
    (put(lanes, Bulk::Faddeeva, Numbers,
         reinterpret_cast<AnyFunction>(&C::template faddeeva_parts<false, Numbers>)),
     ...);
    (put(elements, Bulk::Faddeeva, Numbers,
         reinterpret_cast<AnyFunction>(&C::template faddeeva_parts<true, Numbers>)),
     ...);
  }

  using L = Lanes<C>;
  template <bool A, bool B> void add_lanes() {
    constexpr int v = A + 2 * B;
    put(lanes, Bulk::Dot, v, step<C, &L::template reduce<DotOf, A, B>>());
    put(lanes, Bulk::MatMul, v, step<C, &L::template matmul<A, B>>());
    put(lanes, Bulk::Scan, v, step<C, &L::template scan<A, B>>());
    if constexpr (B) return;
    put(lanes, Bulk::Move, v, step<C, &L::template move<false, A>>());
    put(lanes, Bulk::AddMove, v, step<C, &L::template move<true, A>>());
    if constexpr (A) return;
    put(lanes, Bulk::Sum, v, step<C, &L::template reduce<SumOf, A, B>>());
    put(lanes, Bulk::Max, v, step<C, &L::template reduce<MaxOf, A, B>>());
    put(lanes, Bulk::Min, v, step<C, &L::template reduce<MinOf, A, B>>());
    put(lanes, Bulk::Prod, v, step<C, &L::template reduce<ProdOf, A, B>>());
    put(lanes, Bulk::Lookup, v, step<C, &L::lookup>());
  }
  // Where every operand is a number.
  void add_lanes_of_numbers() {
    put(lanes, Bulk::Sum, 1, repeated<&Elements::reduce<SumOf>>());
    put(lanes, Bulk::Dot, 3, repeated<&Elements::reduce<DotOf>>());
    put(lanes, Bulk::Max, 1, repeated<&Elements::reduce<MaxOf>>());
    put(lanes, Bulk::Min, 1, repeated<&Elements::reduce<MinOf>>());
    put(lanes, Bulk::Prod, 1, repeated<&Elements::reduce<ProdOf>>());
    put(lanes, Bulk::MatMul, 3, repeated<&Elements::matmul>());
    put(lanes, Bulk::Scan, 3, repeated<&Elements::scan>());
    put(lanes, Bulk::Lookup, 1, repeated<&Elements::lookup>());
  }
  template <void (*Work)(const Linked*)> static AnyFunction repeated() {
    return step<C, &L::template repeated<Work>>();
  }

  template <class... Fs> void add_all(OperationList<Fs...>) { (add<Fs>(), ...); }
  template <class F> void add() {
    constexpr int at = kCode<F>;
    if constexpr (is_light<F>()) add_chained<F>(std::make_index_sequence<kVariants>{}, at);
  }
  template <class F, std::size_t... Vs> void add_chained(std::index_sequence<Vs...>, int at) {
    (add_chained_one<F, static_cast<int>(Vs)>(at), ...);
  }
  template <class F, int Variant> void add_chained_one(int at) {
    constexpr auto a = static_cast<Mode>(Variant / 18), b = static_cast<Mode>(Variant / 6 % 3),
                   c = static_cast<Mode>(Variant / 2 % 3);
    constexpr bool there =
        (F::arity > 1 || b == Mode::Number) && (F::arity > 2 || c == Mode::Number);
    if constexpr (there && takes_chained(kCode<F>, a, b, c))
      chained[at * kVariants + Variant] =
          reinterpret_cast<AnyFunction>(&C::template chained<F, a, b, c, Variant % 2 != 0>);
  }
};

using Wide = Chain<std::make_index_sequence<8>>;
using Narrow = Chain<std::make_index_sequence<1>>;

template <class C> Handlers handlers() {
  static const Tables<C> tables;
  return {static_cast<int>(C::U),
          tables.chained,
          loops().data(),
          reinterpret_cast<AnyFunction>(&C::elementwise),
          tables.lanes,
          tables.elements,
          &C::run};
}

THALWEG_INLINE void mark(V::MaskType m, std::int64_t i, std::uint64_t* marks) {
  marks[i / 64] |= lanes(m) << (i % 64);
}

constexpr double kLargest = std::numeric_limits<double>::max();

bool rises(const double* f, const double* before, double* limit, std::int64_t n, double slack,
           std::uint64_t* marks) {
  using Mask = V::MaskType;
  Mask level = V(0.0) <= V(1.0), some = V(1.0) <= V(0.0);
  for (std::int64_t i = 0; i < n; i += W) {
    const V y = V::load(f + i);
    level = level & (y <= V::load(before + i)) & (y > V(-kInfinity));
  }
  if (all(level)) return false;
  for (std::int64_t i = 0; i < n; i += W) {
    const V y = V::load(f + i), x = V::load(before + i),
            best = lowered_limit(V::load(limit + i), x, V(slack));
    // Above the limit: a lane is marked if its previous value was not above, or if it is not
    // finite.
    const Mask note = (!(y <= best)) & ((x <= best) | !(y <= V(kLargest)));
    const Mask here = note | (!(y > V(-kInfinity)));
    mark(here, i, marks);
    some = some | here;
    lowered_limit(best, y, V(slack)).store(limit + i);
  }
  return any(some);
}

void lower_limits(const double* f, double* limit, std::int64_t n, double slack) {
  for (std::int64_t i = 0; i < n; i += W)
    lowered_limit(V::load(limit + i), V::load(f + i), V(slack)).store(limit + i);
}

void count_rises(const double* f, const double* before, double run, const double* late_from,
                 double* not_falls, double* late_rises, std::int64_t n) {
  const V zero(0.0), one(1.0);
  for (std::int64_t i = 0; i < n; i += W) {
    const V y = V::load(f + i), x = V::load(before + i);
    const auto late = V(run) > V::load(late_from + i);
    (V::load(not_falls + i) + select(y < x, zero, one)).store(not_falls + i);
    (V::load(late_rises + i) + select(late & (y > x), one, zero)).store(late_rises + i);
  }
}

bool at_most(const double* values, std::int64_t n, double bound, std::uint64_t* marks) {
  bool found = false;
  for (std::int64_t i = 0; i < n; i += W) {
    const auto m = V::load(values + i) <= V(bound);
    if (!any(m)) continue;
    mark(m, i, marks);
    found = true;
  }
  return found;
}

}  // namespace

extern const SolverPair* solver_table();      // solvers.inl.hpp
extern const RoutineKernel* routine_table();  // routines.inl.hpp
extern const Kernels& table();
const Kernels& table() {
  static const Kernels kernels{
      THALWEG_ISA_NAME, static_cast<int>(W), handlers<Wide>(), handlers<Narrow>(),
      &rises,           &lower_limits,       &count_rises,     &at_most,
      Rows::table(),    solver_table(),      routine_table()};
  return kernels;
}

}  // namespace thalweg::THALWEG_ISA
