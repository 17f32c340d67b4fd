// SPDX-License-Identifier: BSD-3-Clause
// What a tape does to one batch of lanes, as a list of primitive operations: each is one
// instruction of the processor, and its operands are results of earlier ones (static single
// assignment).
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace thalweg::machine {

enum class Primitive : std::uint8_t {
  // Values that instructions read in memory.
  Constant,  // bits
  Table,     // bits: the address of one number for each lane
  Uniform,   // number `where` of the uniform values, the same in all lanes
  Load,      // element `where` of a buffer, found as `which` says (Lies)
  // Two operands, in the order of the encoder's `Binary`.
  Add,
  Subtract,
  Multiply,
  Divide,
  Minimum,  // the second operand if the two are unordered, as the instruction has it
  Maximum,
  And,
  AndNot,
  Or,
  Xor,
  AddIntegers,
  SubtractIntegers,
  Halves,   // the upper half of a, then the lower half of b; AVX2 only, as is the next
  Uneven,   // of each half the upper element of a, then the lower element of b
  Spliced,  // how: the elements from this number on of b, followed by the first of a; AVX-512 only
  // Three operands, in the order of the encoder's `Fused`.
  MultiplyAdd,
  MultiplySubtract,
  NegativeMultiplyAdd,
  // One operand.
  SquareRoot,
  Round,       // how: rounding
  ShiftLeft,   // how: bits
  ShiftRight,  // how: bits
  Exponent,
  Mantissa,
  Scaled,  // a 2^floor(b)
  Entry,   // of the 16 numbers in tables b and c, the one at index a
  // Masks.
  Compare,  // how: predicate; in mask c alone, if there is one (AVX-512)
  EqualIntegers,
  MaskAnd,
  MaskOr,
  MaskXor,
  MaskNot,
  Blend,  // a where mask c is set, else b
  // Work of compiled functions.
  Call,  // operation `how` of the operands
  Redo,  // a; but operation `how` of the operands from the third on, if mask b is set in any lane
  // What is left in memory.
  Store,  // a to element `where` of a buffer, found as `which` says (Lies)
  Leave   // whether mask a is set in any lane: the rounds end with this one
};

inline constexpr bool reads_memory(Primitive p) { return p <= Primitive::Load; }
inline constexpr bool is_mask(Primitive p) {
  return p >= Primitive::Compare && p <= Primitive::MaskNot;
}
inline constexpr bool has_effect(Primitive p) { return p >= Primitive::Store; }

// Where a batch of a buffer lies: with the lanes that are at work; in a ring of kPartialSums
// numbers that the lanes go around; or in the same place for all lanes.
enum class Lies : std::int16_t { WithLanes, InRing, InPlace };

// The number of a result, its position in the list.
using Value = std::int32_t;
inline constexpr Value kNone = -1;

struct Operation {
  Primitive what;
  std::int16_t how = 0, which = 0;  // which: result of a function that has two; Lies
  std::int16_t batch = 0;           // of those that are made at once
  std::int32_t buffer = 0;
  std::array<Value, 5> in{kNone, kNone, kNone, kNone, kNone};
  std::uint64_t bits = 0;  // or `where`
  bool operator==(const Operation&) const = default;
};

// A list under construction. Equal operations exist once.
class Recording {
 public:
  Recording() {
    operations.reserve(512);
    known_.reserve(1024);
  }
  std::vector<Operation> operations;
  // The masks that formulas asked about with `any` and were told that no lane is in them.
  std::vector<Value> guards;

  Value add(const Operation& o) {
    if (!has_effect(o.what)) {
      const auto [found, fresh] = known_.try_emplace(o, static_cast<Value>(operations.size()));
      if (!fresh) return found->second;
    }
    operations.push_back(o);
    return static_cast<Value>(operations.size() - 1);
  }
  Value constant(std::uint64_t bits) { return add({.what = Primitive::Constant, .bits = bits}); }
  Value constant(double x) { return constant(std::bit_cast<std::uint64_t>(x)); }

  // The recording that batches of this thread record to.
  static thread_local Recording* current;

 private:
  struct Hash {
    std::size_t operator()(const Operation& o) const {
      std::uint64_t h = static_cast<std::uint64_t>(o.what) << 32 ^
                        static_cast<std::uint64_t>(static_cast<std::uint16_t>(o.how)) << 16 ^
                        static_cast<std::uint64_t>(static_cast<std::uint16_t>(o.which)) ^ o.bits;
      for (const Value v : o.in)
        h = (h ^ static_cast<std::uint32_t>(v)) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
      return h ^ static_cast<std::uint64_t>(o.buffer) * 0xbf58476d1ce4e5b9u;
    }
  };
  std::unordered_map<Operation, Value, Hash> known_;
};

}  // namespace thalweg::machine
