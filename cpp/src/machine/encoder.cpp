// SPDX-License-Identifier: BSD-3-Clause
// Encodes instructions: tables of opcodes, the prefixes VEX, EVEX and REX, and the bytes ModRM and
// SIB with their displacement.
#include "thalweg/machine/encoder.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>
#include <stdexcept>
#include <string>

namespace thalweg::machine {

// The legacy prefix of all of them is 66, EVEX.W is 1.
struct Encoder::Opcode {
  int map;  // 1: 0F, 2: 0F38, 3: 0F3A
  int opcode;
  int w = 0;       // VEX.W
  int scale = 64;  // EVEX counts displacements of one byte in operands of this many bytes
};

namespace {

constexpr int kPrefix66 = 1;  // as VEX and EVEX number it

int number_of(Gpr r) { return static_cast<int>(r); }
int bit(int number, int i) { return number >> i & 1; }
bool fits_a_byte(std::int64_t x) { return x >= -128 && x <= 127; }
[[maybe_unused]] bool is_mask(int k) { return k >= 1 && k <= 7; }

}  // namespace

// ---- bytes

void Encoder::number(std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) byte(static_cast<int>(value >> 8 * i & 0xff));
}

// ModRM: mod (2 bits), reg (3), rm (3); rm = 4 means that SIB follows: scale (2), index (3), base
// (3). rsp and r12 as a base need SIB, where index 4 means none; rbp and r13 need a displacement.
void Encoder::operands(int reg, const Operand& rm, int scale) {
  const int middle = (reg & 7) << 3;
  if (!rm.in_memory) return byte(0xc0 | middle | (rm.number & 7));
  const Address& m = rm.memory;
  const int base = number_of(m.base) & 7;
  const bool sib = m.index != Gpr::rsp || base == 4;
  const bool is_short =
      !m.wide && m.displacement % scale == 0 && fits_a_byte(m.displacement / scale);
  const bool none = is_short && m.displacement == 0 && base != 5;
  byte((none ? 0 : is_short ? 0x40 : 0x80) | middle | (sib ? 4 : base));
  if (sib) byte((number_of(m.index) & 7) << 3 | base);
  if (none) return;
  if (is_short) return byte(m.displacement / scale & 0xff);
  number(static_cast<std::uint32_t>(m.displacement), 4);
  displacement_end_ = size();
}

// C5 [~R ~vvvv L pp], or C4 [~R ~X ~B map] [W ~vvvv L pp]. R, X and B are the fourth bits of reg,
// of the index and of rm; vvvv is the second operand.
void Encoder::vex(const Opcode& code, bool long_vector, int reg, int second, const Operand& rm) {
  assert(reg >= 0 && reg < 16 && second >= 0 && second < 16 && rm.number >= 0 && rm.number < 16);
  const int x = rm.in_memory ? bit(number_of(rm.memory.index), 3) : 0;
  const int b = bit(rm.in_memory ? number_of(rm.memory.base) : rm.number, 3);
  const int no_r = bit(~reg, 3) << 7;
  const int rest = (~second & 15) << 3 | (long_vector ? 4 : 0) | kPrefix66;
  if (x == 0 && b == 0 && code.map == 1 && code.w == 0) {
    byte(0xc5);
    byte(no_r | rest);
  } else {
    byte(0xc4);
    byte(no_r | (x ^ 1) << 6 | (b ^ 1) << 5 | code.map);
    byte(code.w << 7 | rest);
  }
  byte(code.opcode);
  operands(reg, rm, 1);
}

// 62 [~R ~X ~B ~R' 0 map] [W ~vvvv 1 pp] [z L'L b ~V' aaa]. R' and V' are the fifth bits of reg and
// of vvvv; X is that of rm if it is a register. aaa is the mask, L'L = 2 means 512 bits.
void Encoder::evex(const Opcode& code, int reg, int second, const Operand& rm, int mask) {
  assert(reg >= 0 && reg < 32 && second >= 0 && second < 32 && rm.number >= 0 && rm.number < 32);
  const int x = rm.in_memory ? bit(number_of(rm.memory.index), 3) : bit(rm.number, 4);
  const int b = bit(rm.in_memory ? number_of(rm.memory.base) : rm.number, 3);
  byte(0x62);
  byte(bit(~reg, 3) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | bit(~reg, 4) << 4 | code.map);
  byte(0x80 | (~second & 15) << 3 | 4 | kPrefix66);
  byte(0x40 | bit(~second, 4) << 3 | mask);
  byte(code.opcode);
  operands(reg, rm, code.scale);
}

// An instruction on whole vectors. `second` is 0 if there is no second operand.
void Encoder::vector(const Opcode& code, int reg, int second, const Operand& rm, int mask) {
  if (form_ == Form::Vex) vex(code, true, reg, second, rm);
  else evex(code, reg, second, rm, mask);
}

// REX [W R X B] opcode. Two bytes of opcode are given as 0x0f.. .
void Encoder::general(int opcode, int reg, const Operand& rm) {
  const int x = rm.in_memory ? bit(number_of(rm.memory.index), 3) : 0;
  const int b = bit(rm.in_memory ? number_of(rm.memory.base) : rm.number, 3);
  byte(0x48 | bit(reg, 3) << 2 | x << 1 | b);
  if (opcode > 0xff) byte(opcode >> 8);
  byte(opcode & 0xff);
  operands(reg, rm, 1);
}

// ---- vectors

void Encoder::binary(Binary op, int r, int a, const Operand& b) {
  static constexpr Opcode codes[] = {
      {1, 0x58}, {1, 0x5c}, {1, 0x59}, {1, 0x5e}, {1, 0x5d}, {1, 0x5f},
      {1, 0x54}, {1, 0x55}, {1, 0x56}, {1, 0x57}, {1, 0xd4}, {1, 0xfb},
  };
  vector(codes[static_cast<std::size_t>(op)], r, a, b);
}

void Encoder::fused(Fused op, Order order, int r, int a, const Operand& b) {
  static constexpr int codes[] = {0x98, 0x9a, 0x9c};
  const int opcode = codes[static_cast<std::size_t>(op)] + 0x10 * static_cast<int>(order);
  vector({2, opcode, 1}, r, a, b);
}

void Encoder::square_root(int r, const Operand& a) { vector({1, 0x51}, r, 0, a); }

void Encoder::round(int r, const Operand& a, int how) {
  assert(how >= 0 && how < 16);  // above, vrndscalepd has a number of binary places
  vector({3, 0x09}, r, 0, a);
  byte(how);
}

// The result is the second operand; reg continues the opcode.
void Encoder::shift_left(int r, int a, int by) {
  assert(by >= 0 && by < 64);
  vector({1, 0x73}, 6, r, a);
  byte(by);
}
void Encoder::shift_right(int r, int a, int by) {
  assert(by >= 0 && by < 64);
  vector({1, 0x73}, 2, r, a);
  byte(by);
}

// The form that stores is a byte shorter if only the source is one of the upper eight.
void Encoder::move(int r, int a) {
  if (form_ == Form::Vex && a >= 8 && r < 8) vector({1, 0x29}, a, 0, r);
  else vector({1, 0x28}, r, 0, a);
}
void Encoder::load(int r, const Address& from) { vector({1, 0x10}, r, 0, from); }
void Encoder::store(const Address& to, int r) { vector({1, 0x11}, r, 0, to); }
void Encoder::broadcast(int r, const Address& from) { vector({2, 0x19, 0, 8}, r, 0, from); }

void Encoder::compare(int r, int a, const Operand& b, int predicate, int where) {
  assert((form_ == Form::Vex ? where == 0 : is_mask(r)) && predicate >= 0 && predicate < 32);
  vector({1, 0xc2}, r, a, b, where);
  byte(predicate);
}

void Encoder::equal_integers(int r, int a, const Operand& b) {
  assert(form_ == Form::Vex || is_mask(r));
  vector({2, 0x29}, r, a, b);
}

void Encoder::blend(int r, int no, const Operand& yes, int mask) {
  if (form_ == Form::Vex) {
    vex({3, 0x4b}, true, r, no, yes);
    byte(mask << 4);
  } else {
    assert(is_mask(mask));
    evex({2, 0x65}, r, no, yes, mask);
  }
}

void Encoder::halves(int r, int a, const Operand& b) {
  assert(form_ == Form::Vex);
  vector({3, 0x06}, r, a, b);
  byte(0x21);  // for each half of the result: bit 1 chooses b, bit 0 the upper half
}
void Encoder::uneven(int r, int a, const Operand& b) {
  assert(form_ == Form::Vex);
  vector({1, 0xc6}, r, a, b);
  byte(0x05);  // for each element in turn, of a, b, a, b: whether it is the upper one
}
void Encoder::spliced(int r, int a, const Operand& b, int from) {
  assert(from >= 1 && from < 8);
  evex({3, 0x03}, r, a, b, 0);
  byte(from);
}

void Encoder::scaled(int r, int a, const Operand& b) { evex({2, 0x2c}, r, a, b, 0); }
void Encoder::exponent(int r, const Operand& a) { evex({2, 0x42}, r, 0, a, 0); }
void Encoder::mantissa(int r, const Operand& a) {
  evex({3, 0x26}, r, 0, a, 0);
  byte(0x0b);  // the sign of a negative number: NaN; the interval [0.75, 1.5)
}
void Encoder::entry(int r, int index, const Operand& high) { evex({2, 0x7f}, r, index, high, 0); }

void Encoder::zero_upper() { number(0x77f8c5, 3); }

// ---- masks

// k registers: always VEX, its L set if there are three of them.
void Encoder::mask(int opcode, bool three, int r, int a, const Operand& b) {
  assert(form_ == Form::Evex);
  vex({1, opcode}, three, r, a, b);
}
void Encoder::mask_and(int r, int a, int b) { mask(0x41, true, r, a, b); }
void Encoder::mask_or(int r, int a, int b) { mask(0x45, true, r, a, b); }
void Encoder::mask_xor(int r, int a, int b) { mask(0x47, true, r, a, b); }
void Encoder::mask_not(int r, int a) { mask(0x44, false, r, 0, a); }
void Encoder::mask_move(int r, int a) { mask(0x90, false, r, 0, a); }
void Encoder::mask_load(int r, const Address& from) { mask(0x90, false, r, 0, from); }
void Encoder::mask_store(const Address& to, int r) { mask(0x91, false, r, 0, to); }

void Encoder::lanes(Gpr r, int mask) {  // vmovmskpd, kmovb
  const bool is_vector = form_ == Form::Vex;
  vex({1, is_vector ? 0x50 : 0x93}, is_vector, number_of(r), 0, mask);
}

void Encoder::test_any(int mask) {  // vtestpd, kortestb
  if (form_ == Form::Vex) vex({2, 0x0f}, true, mask, 0, mask);
  else vex({1, 0x98}, false, mask, 0, mask);
}

// ---- general registers

void Encoder::move(Gpr r, Gpr a) { general(0x89, number_of(a), number_of(r)); }

// A write to a lower half clears the upper one; C7 extends the sign.
void Encoder::move(Gpr r, std::uint64_t value) {
  const auto negative = static_cast<std::int64_t>(value);
  const int reg = number_of(r);
  const bool high = bit(reg, 3);
  if (value <= UINT32_MAX) {
    if (high) byte(0x41);
    byte(0xb8 | (reg & 7));
    number(value, 4);
  } else if (negative < 0 && negative >= INT32_MIN) {
    general(0xc7, 0, reg);
    number(value, 4);
  } else {
    byte(0x48 | high);
    byte(0xb8 | (reg & 7));
    number(value, 8);
  }
}

void Encoder::load(Gpr r, const Address& from) { general(0x8b, number_of(r), from); }
void Encoder::store(const Address& to, Gpr r) { general(0x89, number_of(r), to); }
void Encoder::address(Gpr r, const Address& of) { general(0x8d, number_of(r), of); }

void Encoder::scalar(Scalar op, Gpr r, Gpr a) {
  general(static_cast<int>(op) * 8 + 1, number_of(a), number_of(r));
}
void Encoder::scalar(Scalar op, Gpr r, std::int32_t value) {
  if (fits_a_byte(value)) {
    general(0x83, static_cast<int>(op), number_of(r));
    return byte(value & 0xff);
  }
  if (r == Gpr::rax) {
    byte(0x48);
    byte(static_cast<int>(op) * 8 + 5);
  } else {
    general(0x81, static_cast<int>(op), number_of(r));
  }
  number(static_cast<std::uint32_t>(value), 4);
}
void Encoder::scalar(Scalar op, Gpr r, const Address& a) {
  general(static_cast<int>(op) * 8 + 3, number_of(r), a);
}

void Encoder::test(Gpr a, Gpr b) { general(0x85, number_of(b), number_of(a)); }
void Encoder::conditional_move(Condition c, Gpr r, Gpr a) {
  general(0x0f40 | static_cast<int>(c), number_of(r), number_of(a));
}

void Encoder::push(Gpr r) {
  if (r >= Gpr::r8) byte(0x41);
  byte(0x50 | (number_of(r) & 7));
}
void Encoder::pop(Gpr r) {
  if (r >= Gpr::r8) byte(0x41);
  byte(0x58 | (number_of(r) & 7));
}
void Encoder::call(Gpr r) {
  if (r >= Gpr::r8) byte(0x41);
  byte(0xff);
  operands(2, number_of(r), 1);
}
void Encoder::ret() { byte(0xc3); }

// ---- positions

Label Encoder::label() {
  labels_.push_back(-1);
  return {static_cast<std::int32_t>(labels_.size()) - 1};
}

void Encoder::bind(Label l) {
  std::int64_t& place = labels_.at(static_cast<std::size_t>(l.id));
  if (place >= 0)
    throw std::logic_error("label " + std::to_string(l.id) + " was bound twice. This is a bug in " +
                           "thalweg; please report it");
  place = static_cast<std::int64_t>(size());
}

void Encoder::jump(Label to) { jump(to, 0xeb, 0xe9); }
void Encoder::jump(Condition c, Label to) {
  jump(to, 0x70 | static_cast<int>(c), 0x0f80 | static_cast<int>(c));
}

// A distance counts from the end of the jump.
void Encoder::jump(Label to, int short_opcode, int long_opcode) {
  const std::int64_t place = labels_.at(static_cast<std::size_t>(to.id));
  const std::int64_t distance = place - static_cast<std::int64_t>(size()) - 2;
  if (place >= 0 && fits_a_byte(distance)) {
    byte(short_opcode);
    return byte(static_cast<int>(distance & 0xff));
  }
  if (long_opcode > 0xff) byte(long_opcode >> 8);
  byte(long_opcode & 0xff);
  jumps_.push_back({size(), to.id});
  number(0, 4);
}

// The recommended no-operations of 1 to 9 bytes (NOP in the manual's volume 2).
void Encoder::align(int to) {
  static constexpr std::array<std::uint8_t, 9> nops[] = {
      {0x90},
      {0x66, 0x90},
      {0x0f, 0x1f, 0x00},
      {0x0f, 0x1f, 0x40},
      {0x0f, 0x1f, 0x44},
      {0x66, 0x0f, 0x1f, 0x44},
      {0x0f, 0x1f, 0x80},
      {0x0f, 0x1f, 0x84},
      {0x66, 0x0f, 0x1f, 0x84},
  };
  assert(to > 0 && (to & (to - 1)) == 0);
  for (std::size_t left = -size() & (static_cast<std::size_t>(to) - 1); left > 0;) {
    const std::size_t n = std::min(left, std::size(nops));
    bytes_.insert(bytes_.end(), nops[n - 1].begin(),
                  nops[n - 1].begin() + static_cast<std::ptrdiff_t>(n));
    left -= n;
  }
}

void Encoder::patch(std::size_t at, std::uint32_t value) {
  assert(at + 4 <= size());
  for (std::size_t i = 0; i < 4; ++i) bytes_[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

std::span<const std::uint8_t> Encoder::finish() {
  for (const Jump& j : jumps_) {
    const std::int64_t place = labels_[static_cast<std::size_t>(j.to)];
    if (place < 0)
      throw std::logic_error("a jump leads to label " + std::to_string(j.to) +
                             ", which was not bound. This is a bug in thalweg; please report it");
    patch(j.at, static_cast<std::uint32_t>(place - static_cast<std::int64_t>(j.at) - 4));
  }
  return bytes_;
}

}  // namespace thalweg::machine
