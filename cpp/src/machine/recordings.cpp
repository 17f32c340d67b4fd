// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the operations' formulas with a batch that records.
#include "machine/recordings.hpp"

#include <algorithm>
#include <utility>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/machine/recorded.hpp"

namespace thalweg::machine {

thread_local Recording* Recording::current = nullptr;

namespace {

template <class F> constexpr bool branches() {
  if constexpr (requires { F::branches; }) return F::branches;
  else return false;
}

// The value that the formula gives, or kNone if the operation is left to its compiled function.
using Formula = Value (*)(const std::array<Value, 3>& in);
template <class F, int Lanes> Value formula([[maybe_unused]] const std::array<Value, 3>& in) {
  using R = Recorded<Lanes>;
  if constexpr (branches<F>()) return kNone;
  else if constexpr (F::arity == 1) return F::value(R::of(in[0])).id;
  else if constexpr (F::arity == 2) return F::value(R::of(in[0]), R::of(in[1])).id;
  else return F::value(R::of(in[0]), R::of(in[1]), R::of(in[2])).id;
}
template <int Lanes, class... Fs> constexpr auto formulas(OperationList<Fs...>) {
  return std::array<Formula, sizeof...(Fs)>{&formula<Fs, Lanes>...};
}
template <class... Fs> constexpr auto arities(OperationList<Fs...>) {
  return std::array{Fs::arity...};
}
constexpr auto kFormulas4 = formulas<4>(Elementary{}), kFormulas8 = formulas<8>(Elementary{});
constexpr auto kArities = arities(Elementary{});

// y; but operation `code` of the operands, anew, if any lane is in one of the guards' masks.
Value redone(Value y, int code, int which, const std::array<Value, 3>& in,
             std::vector<Value> guards) {
  if (guards.empty()) return y;
  std::ranges::sort(guards);
  const auto repeated = std::ranges::unique(guards);
  guards.erase(repeated.begin(), repeated.end());
  Value mask = guards[0];
  for (std::size_t k = 1; k < guards.size(); ++k) mask = record(Primitive::MaskOr, mask, guards[k]);
  return Recording::current->add({.what = Primitive::Redo,
                                  .how = static_cast<std::int16_t>(code),
                                  .which = static_cast<std::int16_t>(which),
                                  .in = {y, mask, in[0], in[1], in[2]}});
}

}  // namespace

Value operate(int code, int lanes, const std::array<Value, 3>& given) {
  const auto which = static_cast<std::size_t>(code);
  std::array<Value, 3> in = given;
  for (std::size_t k = static_cast<std::size_t>(kArities[which]); k < 3; ++k) in[k] = kNone;
  const Value y = (lanes == 8 ? kFormulas8 : kFormulas4)[which](in);
  if (y == kNone)
    return Recording::current->add({.what = Primitive::Call,
                                    .how = static_cast<std::int16_t>(code),
                                    .in = {in[0], in[1], in[2], kNone, kNone}});
  return redone(y, code, 0, in, std::exchange(Recording::current->guards, {}));
}

template <int Lanes> static SineCosine both(Value angle) {
  Recorded<Lanes> s, c;
  math::sincos(Recorded<Lanes>::of(angle), s, c);
  const auto guards = std::exchange(Recording::current->guards, {});
  const int how = code(Bulk::SinCos);
  const std::array in{angle, kNone, kNone};
  return {redone(s.id, how, 0, in, guards), redone(c.id, how, 1, in, guards)};
}

SineCosine sine_cosine(int lanes, Value angle) {
  return lanes == 8 ? both<8>(angle) : both<4>(angle);
}

}  // namespace thalweg::machine
