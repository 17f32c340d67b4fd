// SPDX-License-Identifier: BSD-3-Clause
// A batch that records what is done to it. The operations' own formulas, instantiated with it in
// place of Vec, write the list of primitive operations that an instruction set with `Lanes` doubles
// in a batch would carry out: 4 for AVX2 with fused multiply-add, 8 for AVX-512.
#pragma once
#include <concepts>
#include <utility>

#include "thalweg/kernels/batch.hpp"
#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

template <int Lanes> struct Recorded;

inline Value record(Primitive what, Value a, Value b = kNone, Value c = kNone, int how = 0) {
  return Recording::current->add(
      {.what = what, .how = static_cast<std::int16_t>(how), .in = {a, b, c, kNone, kNone}});
}

template <int Lanes> struct RecordedMask {
  using VecType = Recorded<Lanes>;
  Value id = kNone;
  // With AVX-512 a comparison can be made within a mask, which costs nothing.
  friend RecordedMask operator&(RecordedMask a, RecordedMask b) {
    if (Lanes == 8)
      for (const auto& [mask, other] : {std::pair{a, b}, std::pair{b, a}}) {
        const Operation& o = Recording::current->operations[static_cast<std::size_t>(other.id)];
        if (o.what == Primitive::Compare && o.in[2] == kNone)
          return {record(Primitive::Compare, o.in[0], o.in[1], mask.id, o.how)};
      }
    return {record(Primitive::MaskAnd, a.id, b.id)};
  }
  friend RecordedMask operator|(RecordedMask a, RecordedMask b) {
    return {record(Primitive::MaskOr, a.id, b.id)};
  }
  friend RecordedMask operator!=(RecordedMask a, RecordedMask b) {
    return {record(Primitive::MaskXor, a.id, b.id)};
  }
  friend RecordedMask operator!(RecordedMask a) {
    const Operation& o = Recording::current->operations[static_cast<std::size_t>(a.id)];
    return {o.what == Primitive::MaskNot ? o.in[0] : record(Primitive::MaskNot, a.id)};
  }
  // Recorded as "no". Where the machine finds a lane after all, it does the operation anew with the
  // compiled function.
  friend bool any(RecordedMask a) {
    Recording::current->guards.push_back(a.id);
    return false;
  }
};

template <int Lanes> struct RecordedBits {
  Value id = kNone;
  template <std::integral Integer>
  RecordedBits(Integer x) : id(Recording::current->constant(static_cast<std::uint64_t>(x))) {}
  static RecordedBits of(Value v) {
    RecordedBits b;
    b.id = v;
    return b;
  }
  friend RecordedBits operator+(RecordedBits x, RecordedBits y) {
    return of(record(Primitive::AddIntegers, x.id, y.id));
  }
  friend RecordedBits operator-(RecordedBits x, RecordedBits y) {
    return of(record(Primitive::SubtractIntegers, x.id, y.id));
  }
  friend RecordedBits operator&(RecordedBits x, RecordedBits y) {
    return of(record(Primitive::And, x.id, y.id));
  }
  friend RecordedBits operator|(RecordedBits x, RecordedBits y) {
    return of(record(Primitive::Or, x.id, y.id));
  }
  friend RecordedBits operator^(RecordedBits x, RecordedBits y) {
    return of(record(Primitive::Xor, x.id, y.id));
  }
  friend RecordedBits operator<<(RecordedBits x, int n) {
    return of(record(Primitive::ShiftLeft, x.id, kNone, kNone, n));
  }
  friend RecordedBits operator>>(RecordedBits x, int n) {
    return of(record(Primitive::ShiftRight, x.id, kNone, kNone, n));
  }
  friend RecordedMask<Lanes> nonzero(RecordedBits x) {
    return !RecordedMask<Lanes>{
        record(Primitive::EqualIntegers, x.id, Recording::current->constant(std::uint64_t{0}))};
  }

 private:
  RecordedBits() = default;
};

// The predicates of comparisons, as the instructions number them: quiet, and false for NaN except
// in "not equal".
namespace predicate {
inline constexpr int kEqual = 0x00, kNotEqual = 0x04, kLess = 0x11, kLessEqual = 0x12,
                     kGreaterEqual = 0x1d, kGreater = 0x1e;
// The predicate that is true where this one is not.
constexpr int negated(int how) { return how ^ 0x04; }
}  // namespace predicate

template <int Lanes> struct Recorded {
  using MaskType = RecordedMask<Lanes>;
  using BitsType = RecordedBits<Lanes>;
  static constexpr std::size_t kSize = Lanes;
  static constexpr bool kFused = true;
  static constexpr int kRegisters = Lanes == 8 ? 32 : 16;

  Value id = kNone;

  Recorded() = default;
  Recorded(double x) : id(Recording::current->constant(x)) {}
  static Recorded of(Value v) {
    Recorded r;
    r.id = v;
    return r;
  }

  friend Recorded operator+(Recorded a, Recorded b) { return two(Primitive::Add, a, b); }
  friend Recorded operator-(Recorded a, Recorded b) { return two(Primitive::Subtract, a, b); }
  // Twice a number is a sum, the same in every bit: the units that multiply have the most to do.
  friend Recorded operator*(Recorded a, Recorded b) {
    if (a.is(2.0)) return b + b;
    if (b.is(2.0)) return a + a;
    return two(Primitive::Multiply, a, b);
  }
  friend Recorded operator/(Recorded a, Recorded b) { return two(Primitive::Divide, a, b); }
  friend MaskType operator<(Recorded a, Recorded b) { return test(predicate::kLess, a, b); }
  friend MaskType operator<=(Recorded a, Recorded b) { return test(predicate::kLessEqual, a, b); }
  friend MaskType operator>(Recorded a, Recorded b) { return test(predicate::kGreater, a, b); }
  friend MaskType operator>=(Recorded a, Recorded b) {
    return test(predicate::kGreaterEqual, a, b);
  }
  friend MaskType operator==(Recorded a, Recorded b) { return test(predicate::kEqual, a, b); }
  friend MaskType operator!=(Recorded a, Recorded b) { return test(predicate::kNotEqual, a, b); }
  // !(a <= b), in one instruction.
  friend MaskType not_at_most(Recorded a, Recorded b) {
    return test(predicate::negated(predicate::kLessEqual), a, b);
  }

  friend Recorded fma(Recorded a, Recorded b, Recorded c) {
    return of(record(Primitive::MultiplyAdd, a.id, b.id, c.id));
  }
  friend Recorded fms(Recorded a, Recorded b, Recorded c) {
    return of(record(Primitive::MultiplySubtract, a.id, b.id, c.id));
  }
  friend Recorded fnma(Recorded a, Recorded b, Recorded c) {
    return of(record(Primitive::NegativeMultiplyAdd, a.id, b.id, c.id));
  }
  // The instructions give the second operand if the two are unordered.
  friend Recorded smaller(Recorded a, Recorded b) { return two(Primitive::Minimum, b, a); }
  friend Recorded larger(Recorded a, Recorded b) { return two(Primitive::Maximum, b, a); }
  friend Recorded select(MaskType m, Recorded a, Recorded b) {
    const Operation& o = Recording::current->operations[static_cast<std::size_t>(m.id)];
    if (o.what == Primitive::MaskNot) return of(record(Primitive::Blend, b.id, a.id, o.in[0]));
    return of(record(Primitive::Blend, a.id, b.id, m.id));
  }
  friend Recorded sqrt(Recorded a) { return of(record(Primitive::SquareRoot, a.id)); }
  friend Recorded rint(Recorded a) { return of(record(Primitive::Round, a.id)); }
  friend BitsType bits(Recorded a) { return BitsType::of(a.id); }
  static Recorded from_bits(BitsType b) { return of(b.id); }
  // With AVX-512 alone.
  friend Recorded scaled(Recorded p, Recorded n) { return two(Primitive::Scaled, p, n); }
  friend Recorded exponent(Recorded a) { return of(record(Primitive::Exponent, a.id)); }
  friend Recorded mantissa(Recorded a) { return of(record(Primitive::Mantissa, a.id)); }
  static Recorded entry(const std::array<double, 16>& table, BitsType i) {
    return of(record(Primitive::Entry, i.id, half(table.data()), half(table.data() + 8)));
  }
  template <class F> static Recorded patch(MaskType m, Recorded, Recorded y, F) {
    return any(m), y;
  }

 private:
  bool is(double x) const {
    const Operation& o = Recording::current->operations[static_cast<std::size_t>(id)];
    return o.what == Primitive::Constant && o.bits == std::bit_cast<std::uint64_t>(x);
  }
  static Recorded two(Primitive p, Recorded a, Recorded b) { return of(record(p, a.id, b.id)); }
  static MaskType test(int how, Recorded a, Recorded b) {
    return {record(Primitive::Compare, a.id, b.id, kNone, how)};
  }
  static Value half(const double* table) {
    return Recording::current->add(
        {.what = Primitive::Table, .bits = reinterpret_cast<std::uintptr_t>(table)});
  }
};

}  // namespace thalweg::machine
