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

V load_some(const double* p, std::int64_t n) { return V::load(p, n); }
void store_some(V v, double* p, std::int64_t n) { v.store(p, n); }
THALWEG_INLINE void put(V v, double* p, std::int64_t n) { n >= W ? v.store(p) : v.store(p, n); }
template <class F, class... Vs> THALWEG_INLINE V evaluate(V a, V b, V c) {
  if constexpr (F::arity == 1) return F::value(a);
  else if constexpr (F::arity == 2) return F::value(a, b);
  else return F::value(a, b, c);
}

template <class F> constexpr bool is_light() {
  if constexpr (requires { F::light; }) return F::light;
  else return true;
}

// An operation that takes longer than reading its operands, so that its formula is compiled once
// for all of their kinds. Batches of an operand are `step` doubles apart, 0 if they are the same.
template <class F> struct Long {
  static constexpr auto kArity = static_cast<std::size_t>(F::arity);
  static __attribute__((noinline)) void run(const Linked* at, std::int64_t unroll,
                                            std::array<bool, 3> number) {
    const double* from[] = {at->a, at->b, at->c};
    const std::int64_t strides[] = {at->stride_a, at->stride_b, at->stride_c};
    std::int64_t steps[3], n = at->n, batches = unroll;
    bool even = true;  // whether one element's last batch and the next one's first are a step apart
    for (std::size_t k = 0; k < kArity; ++k) {
      steps[k] = number[k] || (unroll == 1 && strides[k] == 0) ? 0 : W;
      even &= strides[k] == unroll * steps[k];
    }
    if (even) batches *= std::exchange(n, 1);
    for (std::int64_t e = 0; e < n; ++e) {
      const double* p[3];
      alignas(64) double repeated[3][array_size(W)];
      for (std::size_t k = 0; k < kArity; ++k) {
        p[k] = from[k] + e * strides[k];
        if (number[k]) V(*p[k]).store(repeated[k]), p[k] = repeated[k];
      }
      double* const r = at->r + e * unroll * W;
      for (std::int64_t j = 0; j < batches; ++j)
        evaluate<F>(operand<0>(p, steps, j), operand<1>(p, steps, j), operand<2>(p, steps, j))
            .store(r + j * W);
    }
    if (at->tail) tail(*at, number);
  }

 private:
  template <std::size_t K>
  static THALWEG_INLINE V operand(const double* const* p, const std::int64_t* steps,
                                  std::int64_t j) {
    if constexpr (K < kArity) return V::load(p[K] + j * steps[K]);
    else return V(0.0);
  }
  // The elements after the last full batch, in batches of their own.
  static void tail(const Linked& at, std::array<bool, 3> number) {
    alignas(64) double own[4][array_size(W)];
    Linked last = at;
    last.n = 1, last.tail = 0, last.r = own[3];
    const std::int64_t strides[] = {at.stride_a, at.stride_b, at.stride_c};
    const double** const operands[] = {&last.a, &last.b, &last.c};
    for (std::size_t k = 0; k < kArity; ++k) {
      const double*& p = *operands[k];
      p += at.n * strides[k];
      if (!number[k]) load_some(p, at.tail).store(own[k]), p = own[k];
    }
    run(&last, 1, number);
    std::copy_n(own[3], at.tail, at.r + at.n * W);
  }
};

void sines_and_cosines(const Linked* at, std::int64_t unroll) {
  const double* a = at->a;
  double *s = at->r, *c = const_cast<double*>(at->c);
  V y, z;
  for (std::int64_t i = 0; i < at->n * unroll; ++i) {
    math::sincos(V::load(a + i * W), y, z);
    y.store(s + i * W);
    z.store(c + i * W);
  }
  if (at->tail) {
    const std::int64_t i = at->n * unroll;
    math::sincos(load_some(a + i * W, at->tail), y, z);
    store_some(y, s + i * W, at->tail);
    store_some(z, c + i * W, at->tail);
  }
}

template <class F> constexpr bool is_long() {
  if constexpr (requires { F::boolean; }) return !is_light<F>() && !F::boolean;
  else return false;
}

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
  template <class F, bool NumberA, bool NumberB, bool NumberC>
  static void array(const Linked* at, Register<I>...) {
    if constexpr (is_long<F>()) Long<F>::run(at, U, {NumberA, NumberB, NumberC});
    else array_loop<F, NumberA, NumberB, NumberC>(at);
    return next(at + 1);
  }
  template <class F, bool NumberA, bool NumberB, bool NumberC>
  static __attribute__((noinline)) void array_loop(const Linked* at) {
    constexpr Mode A = NumberA ? Mode::Number : Mode::Memory,
                   B = NumberB ? Mode::Number : Mode::Memory,
                   C = NumberC ? Mode::Number : Mode::Memory;
    const double *a = at->a, *b = at->b, *c = at->c;
    double* r = at->r;
    const V none(0.0);
    const auto element = [&](std::int64_t i) {
      const V x = operand_of<F, 0, A>(a, i, none), y = operand_of<F, 1, B>(b, i, none),
              z = operand_of<F, 2, C>(c, i, none);
      evaluate<F>(x, y, z).store(r + i * W);
    };
    for (std::int64_t e = 0; e < at->n; ++e) {
      if constexpr (is_light<F>()) (element(I), ...);
      else
        for (std::int64_t j = 0; j < U; ++j) element(j);
      a += at->stride_a, b += at->stride_b, c += at->stride_c, r += U * W;
    }
    if (U == 1 && at->tail) {  // of elements in batches
      const std::int64_t t = at->tail;
      const V x = NumberA ? V(*a) : load_some(a, t);
      const V y = F::arity > 1 ? (NumberB ? V(*b) : load_some(b, t)) : none;
      const V z = F::arity > 2 ? (NumberC ? V(*c) : load_some(c, t)) : none;
      store_some(evaluate<F>(x, y, z), r, t);
    }
  }

  static void sincos(const Linked* at, Register<I>...) {
    sines_and_cosines(at, U);
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
  AnyFunction array[kCodes * kArrayVariants] = {};
  AnyFunction elements[kCodes * kArrayVariants] = {};

  Tables() {
    add_all(Elementary{});
    add_lanes<false, false>();
    add_lanes<true, false>();
    add_lanes<false, true>();
    add_lanes_of_numbers();
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
      for (auto* table : {array, elements}) {
        put(table, Bulk::SinCos, v, reinterpret_cast<AnyFunction>(&C::sincos));
        put(table, Bulk::End, v, reinterpret_cast<AnyFunction>(&C::end));
      }
    }
  }

  static void put(AnyFunction* table, Bulk b, int v, AnyFunction f) {
    table[code(b) * kArrayVariants + v] = f;
  }

  using L = Lanes<C>;
  template <bool A, bool B> void add_lanes() {
    constexpr int v = A + 2 * B;
    put(array, Bulk::Dot, v, step<C, &L::template reduce<DotOf, A, B>>());
    put(array, Bulk::MatMul, v, step<C, &L::template matmul<A, B>>());
    put(array, Bulk::Scan, v, step<C, &L::template scan<A, B>>());
    if constexpr (B) return;
    put(array, Bulk::Move, v, step<C, &L::template move<false, A>>());
    put(array, Bulk::AddMove, v, step<C, &L::template move<true, A>>());
    if constexpr (A) return;
    put(array, Bulk::Sum, v, step<C, &L::template reduce<SumOf, A, B>>());
    put(array, Bulk::Max, v, step<C, &L::template reduce<MaxOf, A, B>>());
    put(array, Bulk::Min, v, step<C, &L::template reduce<MinOf, A, B>>());
    put(array, Bulk::Prod, v, step<C, &L::template reduce<ProdOf, A, B>>());
    put(array, Bulk::Lookup, v, step<C, &L::lookup>());
  }
  // Where every operand is a number.
  void add_lanes_of_numbers() {
    put(array, Bulk::Sum, 1, repeated<&Elements::reduce<SumOf>>());
    put(array, Bulk::Dot, 3, repeated<&Elements::reduce<DotOf>>());
    put(array, Bulk::Max, 1, repeated<&Elements::reduce<MaxOf>>());
    put(array, Bulk::Min, 1, repeated<&Elements::reduce<MinOf>>());
    put(array, Bulk::Prod, 1, repeated<&Elements::reduce<ProdOf>>());
    put(array, Bulk::MatMul, 3, repeated<&Elements::matmul>());
    put(array, Bulk::Scan, 3, repeated<&Elements::scan>());
    put(array, Bulk::Lookup, 1, repeated<&Elements::lookup>());
  }
  template <void (*Work)(const Linked*)> static AnyFunction repeated() {
    return step<C, &L::template repeated<Work>>();
  }

  template <class... Fs> void add_all(OperationList<Fs...>) { (add<Fs>(), ...); }
  template <class F> void add() {
    constexpr int at = kCode<F>;
    add_array<F>(std::make_index_sequence<1 << F::arity>{}, at);
    if constexpr (is_light<F>()) add_chained<F>(std::make_index_sequence<kVariants>{}, at);
  }
  template <class F, std::size_t... Bits> void add_array(std::index_sequence<Bits...>, int at) {
    ((array[at * kArrayVariants + static_cast<int>(Bits)] =
          elements[at * kArrayVariants + static_cast<int>(Bits)] = reinterpret_cast<AnyFunction>(
              &C::template array<F, (Bits & 1) != 0, (Bits & 2) != 0, (Bits & 4) != 0>)),
     ...);
  }
  template <class F, std::size_t... Vs> void add_chained(std::index_sequence<Vs...>, int at) {
    (add_chained_one<F, static_cast<int>(Vs)>(at), ...);
  }
  template <class F, int Variant> void add_chained_one(int at) {
    constexpr auto a = static_cast<Mode>(Variant / 18), b = static_cast<Mode>(Variant / 6 % 3),
                   c = static_cast<Mode>(Variant / 2 % 3);
    constexpr bool used =
        (F::arity > 1 || b == Mode::Number) && (F::arity > 2 || c == Mode::Number);
    if constexpr (used)
      chained[at * kVariants + Variant] =
          reinterpret_cast<AnyFunction>(&C::template chained<F, a, b, c, Variant % 2 != 0>);
  }
};

using Wide = Chain<std::make_index_sequence<8>>;
using Narrow = Chain<std::make_index_sequence<1>>;

template <class C> Handlers handlers() {
  static const Tables<C> tables;
  return {static_cast<int>(C::U), tables.chained, tables.array, tables.elements, &C::run};
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

extern const SolverPair* solver_table();  // solvers.inl.hpp
extern const Kernels& table();
const Kernels& table() {
  static const Kernels kernels{
      THALWEG_ISA_NAME, static_cast<int>(W), handlers<Wide>(), handlers<Narrow>(), &rises,
      &lower_limits,    &count_rises,        &at_most,         Rows::table(),      solver_table()};
  return kernels;
}

}  // namespace thalweg::THALWEG_ISA
