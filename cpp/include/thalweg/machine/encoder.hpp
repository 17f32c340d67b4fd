// SPDX-License-Identifier: BSD-3-Clause
// Encodes x86-64 instructions on vectors of doubles, on masks and on general registers, each in its
// shortest form. It allocates no registers and does not choose the order of instructions.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, 2.1 to 2.7 (the
// prefixes) and chapters 3 to 5 (the opcodes).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace thalweg::machine {

// The general registers as instructions number them.
enum class Gpr : std::uint8_t {
  rax,
  rcx,
  rdx,
  rbx,
  rsp,
  rbp,
  rsi,
  rdi,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15  // clang-format off
};  // clang-format on

// Vex: 256 bits, registers 0 to 15, a mask is a vector whose lanes are all ones or all zeros.
// Evex: 512 bits, registers 0 to 31, a mask is one of k1 to k7 (AVX-512 F and DQ).
enum class Form : std::uint8_t { Vex, Evex };

// A place in memory: base + index + displacement. rsp cannot be an index; it stands for none.
struct Address {
  Gpr base;
  std::int32_t displacement = 0;
  Gpr index = Gpr::rsp;
  bool wide = false;  // the displacement takes 32 bits even if it is small, so it can be patched
};

// The last operand of most instructions: a vector register or an address.
struct Operand {
  Operand(int a) : number(a) {}
  Operand(const Address& a) : memory(a), in_memory(true) {}
  Operand(Gpr base, std::int32_t displacement, Gpr index = Gpr::rsp)
      : Operand(Address{base, displacement, index}) {}

  int number = 0;
  Address memory{Gpr::rax};
  bool in_memory = false;
};

// On doubles. AndNot is ~a & b; AddIntegers and SubtractIntegers are on 64-bit integers.
enum class Binary : std::uint8_t {
  Add,
  Subtract,
  Multiply,
  Divide,
  Minimum,
  Maximum,
  And,
  AndNot,
  Or,
  Xor,  // clang-format off
  AddIntegers, SubtractIntegers
};  // clang-format on

// Of factors a, b and a term c, rounded once: a b + c, a b - c, c - a b.
enum class Fused : std::uint8_t { Add, Subtract, NegativeAdd };
// Which of the operands (first, second, third) are multiplied, and which is added: O132 is
// first * third + second. The first is also the result.
enum class Order : std::uint8_t { O132, O213, O231 };

// As conditional jumps and moves number them. Below and Above compare without sign.
enum class Condition : std::uint8_t {
  Below = 2,
  AboveOrEqual = 3,
  Equal = 4,
  NotEqual = 5,
  BelowOrEqual = 6,
  Above = 7,
  Less = 12,
  GreaterOrEqual = 13,
  LessOrEqual = 14,
  Greater = 15
};

// On general registers, as the opcodes number them.
enum class Scalar : std::uint8_t { Add = 0, Or = 1, And = 4, Subtract = 5, Xor = 6, Compare = 7 };

// A position in the code that jumps lead to; Encoder::label makes them.
struct Label {
  std::int32_t id = -1;
};

// The code so far. A register that the form does not have is an assertion.
class Encoder {
 public:
  explicit Encoder(Form form) : form_(form) {}

  // ---- vectors
  void binary(Binary op, int r, int a, const Operand& b);
  void fused(Fused op, Order order, int r, int a, const Operand& b);
  void square_root(int r, const Operand& a);
  // `how`: bits 0 and 1 are the direction (nearest even, down, up, toward zero); 8: no exception.
  void round(int r, const Operand& a, int how);
  // 64-bit integers, filled with zeros; `by` is 0 to 63.
  void shift_left(int r, int a, int by);
  void shift_right(int r, int a, int by);
  void move(int r, int a);
  void load(int r, const Address& from);  // from any address, aligned or not
  void store(const Address& to, int r);
  void broadcast(int r, const Address& from);  // one double into every lane
  // r is a mask; `predicate` is vcmppd's, 0 to 31.
  // With EVEX in the lanes of mask `where` alone, unless it is 0.
  void compare(int r, int a, const Operand& b, int predicate, int where = 0);
  void equal_integers(int r, int a, const Operand& b);
  void blend(int r, int no, const Operand& yes, int mask);  // mask ? yes : no, in each lane
  // Vex only: the upper half of a, then the lower half of b; the upper element of each half of a,
  // beside the lower element of the same half of b.
  void halves(int r, int a, const Operand& b);
  void uneven(int r, int a, const Operand& b);
  // Evex only: the elements from number `from` (1 to 7) on of b, followed by the first of a.
  void spliced(int r, int a, const Operand& b, int from);
  // Evex only: a 2^floor(b); the exponent, and the rest in [0.75, 1.5) or NaN if a is negative; the
  // entry of the 16 doubles in r and `high` that the low four bits of each lane of `index` number.
  void scaled(int r, int a, const Operand& b);
  void exponent(int r, const Operand& a);
  void mantissa(int r, const Operand& a);
  void entry(int r, int index, const Operand& high);
  void zero_upper();

  // ---- masks in k registers: Evex only
  void mask_and(int r, int a, int b);
  void mask_or(int r, int a, int b);
  void mask_xor(int r, int a, int b);
  void mask_not(int r, int a);
  void mask_move(int r, int a);
  void mask_load(int r, const Address& from);  // one byte
  void mask_store(const Address& to, int r);

  // ---- masks of either form
  void lanes(Gpr r, int mask);  // the mask's bits, lane 0 lowest, zeros above
  void test_any(int mask);      // Condition::NotEqual then means that some lane is set

  // ---- general registers, 64 bits. Moves, loads, stores and lea leave the flags alone.
  void move(Gpr r, Gpr a);
  void move(Gpr r, std::uint64_t value);
  void load(Gpr r, const Address& from);
  void store(const Address& to, Gpr r);
  void address(Gpr r, const Address& of);
  void scalar(Scalar op, Gpr r, Gpr a);
  void scalar(Scalar op, Gpr r, std::int32_t value);
  void scalar(Scalar op, Gpr r, const Address& a);
  void test(Gpr a, Gpr b);
  void conditional_move(Condition c, Gpr r, Gpr a);
  void push(Gpr r);
  void pop(Gpr r);
  void call(Gpr r);
  void ret();

  // ---- positions
  Label label();
  void bind(Label l);  // here; once for each label
  // Backward jumps of up to 128 bytes take two bytes, all others the long form.
  void jump(Label to);
  void jump(Condition c, Label to);
  void align(int to);  // fills with long no-operations up to a multiple of `to`, a power of two
  std::size_t size() const { return bytes_.size(); }
  // The position after the last displacement of 32 bits, 0 if there was none. A frame's size that
  // is known later: address(rsp, {.base = rsp, .wide = true}); at = displacement_end() - 4; and
  // then patch(at, value).
  std::size_t displacement_end() const { return displacement_end_; }
  void patch(std::size_t at, std::uint32_t value);
  // The code, with its jumps resolved; valid until the next call of another member function. Throws
  // std::logic_error if a jump leads to a label that was not bound.
  std::span<const std::uint8_t> finish();

 private:
  struct Opcode;  // what a VEX or EVEX prefix and the byte after it say
  struct Jump {
    std::size_t at;  // of the four bytes that hold the distance
    std::int32_t to;
  };

  void byte(int value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void number(std::uint64_t value, int bytes);
  void vector(const Opcode& code, int reg, int second, const Operand& rm, int mask = 0);
  void vex(const Opcode& code, bool long_vector, int reg, int second, const Operand& rm);
  void evex(const Opcode& code, int reg, int second, const Operand& rm, int mask);
  void mask(int opcode, bool three, int r, int a, const Operand& b);
  void general(int opcode, int reg, const Operand& rm);
  void operands(int reg, const Operand& rm, int scale);
  void jump(Label to, int short_opcode, int long_opcode);

  Form form_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::int64_t> labels_;  // where each is bound; -1: nowhere yet
  std::vector<Jump> jumps_;
  std::size_t displacement_end_ = 0;
};

}  // namespace thalweg::machine
