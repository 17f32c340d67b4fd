// SPDX-License-Identifier: BSD-3-Clause
// Tests the encoder against bytes that are written down here, its labels and positions, and what
// its instructions do. (test_encodings.cpp compares every instruction with an assembler's.)
#include <array>
#include <cmath>
#include <cstring>

#include "check.hpp"
#include "thalweg/machine/encoder.hpp"
#include "thalweg/machine/memory.hpp"

using namespace thalweg::machine;

namespace {

std::string hex(Encoder& e) {
  std::string out;
  for (std::uint8_t b : e.finish()) {
    constexpr char digits[] = "0123456789abcdef";
    out += {digits[b >> 4], digits[b & 15]};
  }
  return out;
}

struct Encoded {
  void (*encode)(Encoder&);
  const char* bytes;  // GNU as 2.40
};

// Vex
constexpr Encoded kVex[] = {
    {[](Encoder& e) { e.binary(Binary::Add, 1, 2, 3); }, "c5ed58cb"},
    {[](Encoder& e) { e.binary(Binary::AndNot, 9, 2, 11); }, "c4416d55cb"},
    {[](Encoder& e) { e.binary(Binary::AddIntegers, 0, 15, {Gpr::rdi, 64}); }, "c585d44740"},
    {[](Encoder& e) { e.binary(Binary::Multiply, 4, 5, {Gpr::r12, 0}); }, "c4c155592424"},
    {[](Encoder& e) { e.binary(Binary::Divide, 4, 5, {Gpr::rbp, 0, Gpr::r9}); }, "c4a1555e640d00"},
    {[](Encoder& e) { e.fused(Fused::Add, Order::O231, 1, 2, 3); }, "c4e2edb8cb"},
    {[](Encoder& e) { e.fused(Fused::Subtract, Order::O132, 1, 2, {Gpr::rsp, 128}); },
     "c4e2ed9a8c2480000000"},
    {[](Encoder& e) { e.fused(Fused::NegativeAdd, Order::O213, 8, 9, 10); }, "c442b5acc2"},
    {[](Encoder& e) { e.square_root(7, 8); }, "c4c17d51f8"},
    {[](Encoder& e) { e.round(3, 4, 8); }, "c4e37d09dc08"},
    {[](Encoder& e) { e.shift_left(3, 4, 52); }, "c5e573f434"},
    {[](Encoder& e) { e.shift_right(12, 13, 63); }, "c4c11d73d53f"},
    {[](Encoder& e) { e.move(1, 9); }, "c57d29c9"},
    {[](Encoder& e) { e.load(10, {Gpr::rsi, -32}); }, "c57d1056e0"},
    {[](Encoder& e) { e.store({Gpr::rsi, 4096}, 1); }, "c5fd118e00100000"},
    {[](Encoder& e) { e.broadcast(2, {Gpr::rdx, 8}); }, "c4e27d195208"},
    {[](Encoder& e) { e.compare(1, 2, 3, 17); }, "c5edc2cb11"},
    {[](Encoder& e) { e.equal_integers(1, 2, 3); }, "c4e26d29cb"},
    {[](Encoder& e) { e.blend(1, 2, 3, 14); }, "c4e36d4bcbe0"},
    {[](Encoder& e) { e.halves(1, 10, 3); }, "c4e32d06cb21"},
    {[](Encoder& e) { e.uneven(9, 2, {Gpr::rdi, 32}); }, "c56dc64f2005"},
    {[](Encoder& e) { e.lanes(Gpr::rax, 6); }, "c5fd50c6"},
    {[](Encoder& e) { e.test_any(6); }, "c4e27d0ff6"},
    {[](Encoder& e) { e.zero_upper(); }, "c5f877"},
    {[](Encoder& e) { e.move(Gpr::rax, Gpr::r8); }, "4c89c0"},
    {[](Encoder& e) { e.move(Gpr::rax, std::uint64_t{7}); }, "b807000000"},
    {[](Encoder& e) { e.move(Gpr::r9, std::uint64_t{0} - 2); }, "49c7c1feffffff"},
    {[](Encoder& e) { e.move(Gpr::rcx, std::uint64_t{1} << 40); }, "48b90000000000010000"},
    {[](Encoder& e) { e.load(Gpr::rbx, {Gpr::rsp, 8}); }, "488b5c2408"},
    {[](Encoder& e) { e.store({Gpr::r13}, Gpr::rbx); }, "49895d00"},
    {[](Encoder& e) { e.address(Gpr::rsp, {Gpr::rsp, 0, Gpr::rsp, true}); }, "488da42400000000"},
    {[](Encoder& e) { e.scalar(Scalar::Add, Gpr::rax, Gpr::rcx); }, "4801c8"},
    {[](Encoder& e) { e.scalar(Scalar::Compare, Gpr::rdx, 8); }, "4883fa08"},
    {[](Encoder& e) { e.scalar(Scalar::Subtract, Gpr::rsp, 4096); }, "4881ec00100000"},
    {[](Encoder& e) { e.scalar(Scalar::And, Gpr::r15, {Gpr::rax, 8}); }, "4c237808"},
    {[](Encoder& e) { e.test(Gpr::rax, Gpr::rax); }, "4885c0"},
    {[](Encoder& e) { e.conditional_move(Condition::Below, Gpr::rax, Gpr::r10); }, "490f42c2"},
    {[](Encoder& e) { e.push(Gpr::r12); }, "4154"},
    {[](Encoder& e) { e.pop(Gpr::rbx); }, "5b"},
    {[](Encoder& e) { e.call(Gpr::rax); }, "ffd0"},
    {[](Encoder& e) { e.ret(); }, "c3"},
};
// Evex
constexpr Encoded kEvex[] = {
    {[](Encoder& e) { e.binary(Binary::Add, 1, 2, 3); }, "62f1ed4858cb"},
    {[](Encoder& e) { e.binary(Binary::Xor, 17, 26, 31); }, "6281ad4057cf"},
    {[](Encoder& e) { e.binary(Binary::Maximum, 0, 15, {Gpr::rdi, 64}); }, "62f185485f4701"},
    {[](Encoder& e) { e.binary(Binary::Minimum, 0, 15, {Gpr::rdi, 8}); }, "62f185485d8708000000"},
    {[](Encoder& e) { e.binary(Binary::SubtractIntegers, 8, 24, {Gpr::r12, -8192, Gpr::r9}); },
     "6211bd40fb440c80"},
    {[](Encoder& e) { e.fused(Fused::Add, Order::O231, 1, 2, 30); }, "6292ed48b8ce"},
    {[](Encoder& e) { e.square_root(17, {Gpr::rax, 8128}); }, "62e1fd4851487f"},
    {[](Encoder& e) { e.round(3, 4, 11); }, "62f3fd4809dc0b"},
    {[](Encoder& e) { e.shift_left(19, 4, 52); }, "62f1e54073f434"},
    {[](Encoder& e) { e.move(1, 25); }, "6291fd4828c9"},
    {[](Encoder& e) { e.load(10, {Gpr::rsi, -64}); }, "6271fd481056ff"},
    {[](Encoder& e) { e.store({Gpr::rbp, 0}, 31); }, "6261fd48117d00"},
    {[](Encoder& e) { e.broadcast(2, {Gpr::rdx, 1016}); }, "62f2fd4819527f"},
    {[](Encoder& e) { e.compare(1, 2, 19, 17); }, "62b1ed48c2cb11"},
    {[](Encoder& e) { e.compare(1, 2, 19, 17, 3); }, "62b1ed4bc2cb11"},
    {[](Encoder& e) { e.equal_integers(7, 2, {Gpr::rax, 64}); }, "62f2ed48297801"},
    {[](Encoder& e) { e.blend(1, 18, 3, 5); }, "62f2ed4565cb"},
    {[](Encoder& e) { e.spliced(17, 2, 31, 7); }, "6283ed4803cf07"},
    {[](Encoder& e) { e.mask_and(1, 2, 3); }, "c5ed41cb"},
    {[](Encoder& e) { e.mask_or(1, 2, 3); }, "c5ed45cb"},
    {[](Encoder& e) { e.mask_xor(4, 5, 6); }, "c5d547e6"},
    {[](Encoder& e) { e.mask_not(1, 7); }, "c5f944cf"},
    {[](Encoder& e) { e.mask_move(1, 7); }, "c5f990cf"},
    {[](Encoder& e) { e.mask_load(2, {Gpr::r8, 3}); }, "c4c179905003"},
    {[](Encoder& e) { e.mask_store({Gpr::rsp, 8}, 2); }, "c5f991542408"},
    {[](Encoder& e) { e.lanes(Gpr::r9, 6); }, "c57993ce"},
    {[](Encoder& e) { e.test_any(6); }, "c5f998f6"},
};

void compare(std::span<const Encoded> table, Form form) {
  for (const Encoded& wanted : table) {
    Encoder e(form);
    wanted.encode(e);
    if (hex(e) != wanted.bytes)
      check::fail(__FILE__, __LINE__, "is " + hex(e) + ", wanted " + wanted.bytes);
  }
}

}  // namespace

TEST(encoder_gives_the_bytes_of_an_assembler) {
  compare(kVex, Form::Vex);
  compare(kEvex, Form::Evex);
}

TEST(encoder_jumps_back_in_two_bytes_and_forward_in_the_long_form) {
  Encoder e(Form::Vex);
  const Label top = e.label(), end = e.label();
  e.bind(top);
  e.jump(end);
  e.jump(Condition::Less, end);
  e.jump(top);
  e.jump(Condition::NotEqual, top);
  e.bind(end);
  e.ret();
  CHECK(hex(e) ==
        "e90a000000"
        "0f8c04000000"
        "ebf3"
        "75f1"
        "c3");
  CHECK(hex(e) ==
        "e90a000000"
        "0f8c04000000"
        "ebf3"
        "75f1"
        "c3");  // once more
}

TEST(encoder_jumps_back_over_more_than_128_bytes_in_the_long_form) {
  for (int between : {126, 127}) {
    Encoder e(Form::Vex);
    const Label top = e.label();
    e.bind(top);
    for (int i = 0; i < between; ++i) e.ret();
    e.jump(top);
    CHECK(hex(e).substr(2 * static_cast<std::size_t>(between)) ==
          (between == 126 ? "eb80" : "e97cffffff"));
  }
}

TEST(encoder_throws_if_a_label_is_not_bound_or_bound_twice) {
  Encoder e(Form::Vex);
  const Label nowhere = e.label(), here = e.label();
  e.label();  // no jump leads to it
  e.bind(here);
  CHECK_THROWS(std::logic_error, (e.bind(here), 0));
  CHECK(e.finish().empty());
  e.jump(nowhere);
  CHECK_THROWS(std::logic_error, e.finish());
  CHECK_THROWS(std::out_of_range, (e.bind({}), 0));
}

TEST(encoder_aligns_with_the_recommended_no_operations) {
  static constexpr const char* nops[] = {"",
                                         "90",
                                         "6690",
                                         "0f1f00",
                                         "0f1f4000",
                                         "0f1f440000",
                                         "660f1f440000",
                                         "0f1f8000000000",
                                         "0f1f840000000000",
                                         "660f1f840000000000",
                                         "660f1f84000000000090"};
  for (std::size_t n = 0; n < std::size(nops); ++n) {
    Encoder e(Form::Vex);
    for (std::size_t i = n; i < 16; ++i) e.ret();
    e.align(16);
    CHECK(e.size() == 16 && hex(e).substr(2 * (16 - n)) == nops[n]);
  }
}

TEST(encoder_patches_a_wide_displacement) {
  Encoder e(Form::Vex);
  CHECK(e.displacement_end() == 0);
  e.round(1, Address{.base = Gpr::rsp, .displacement = 8, .wide = true}, 8);
  const std::size_t at = e.displacement_end() - 4;
  CHECK(e.size() == at + 5);  // the rounding follows
  e.load(1, {Gpr::rsp, 8});
  CHECK(e.displacement_end() == at + 4);
  e.patch(at, 0xfffffff0);
  CHECK(hex(e) ==
        "c4e37d098c24f0ffffff08"
        "c5fd104c2408");
}

#if defined(__x86_64__)
namespace {

// Which forms this processor runs.
std::vector<Form> runnable() {
  std::vector<Form> out;
  if (!code_allowed() || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return out;
  out.push_back(Form::Vex);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    out.push_back(Form::Evex);
  return out;
}

std::size_t lanes_of(Form form) { return form == Form::Vex ? 4 : 8; }

// Places for eight vectors, the first argument of a function that is made here.
struct Places {
  double at[8][8] = {};
};
constexpr std::int32_t place(int i) { return 64 * i; }

// Calls the code that `encode` makes: places in rdi, a number in rsi, a number back.
template <class F> std::uint64_t run(Form form, Places& places, std::uint64_t n, F encode) {
  Encoder e(form);
  encode(e);
  e.zero_upper();
  e.ret();
  const std::optional<CodeMemory> code = CodeMemory::holding(e.finish());
  CHECK(code.has_value());
  if (!code) return 0;
  return reinterpret_cast<std::uint64_t (*)(Places*, std::uint64_t)>(
      const_cast<void*>(code->start()))(&places, n);
}

}  // namespace

TEST(encoder_makes_arithmetic_that_runs) {
  for (Form form : runnable()) {
    Places p;
    const std::size_t n = lanes_of(form);
    const int high = form == Form::Vex ? 15 : 31;
    for (std::size_t i = 0; i < n; ++i) {
      p.at[0][i] = 1.5 + static_cast<double>(i);
      p.at[1][i] = -0.3 * static_cast<double>(i) * static_cast<double>(i) - 1;
    }
    run(form, p, 0, [&](Encoder& e) {
      e.load(1, {Gpr::rdi, place(0)});
      e.load(high, {Gpr::rdi, place(1)});
      e.move(2, 1);
      e.fused(Fused::NegativeAdd, Order::O231, 2, high, high);  // a - b b
      e.store({Gpr::rdi, place(2)}, 2);
      e.binary(Binary::Divide, 3, high, {Gpr::rdi, place(0)});
      e.store({Gpr::rdi, place(3)}, 3);
      e.square_root(4, {Gpr::rdi, place(0)});
      e.store({Gpr::rdi, place(4)}, 4);
      e.round(5, high, 1);
      e.store({Gpr::rdi, place(5)}, 5);
      e.shift_right(6, high, 52);
      e.shift_left(6, 6, 52);
      e.store({Gpr::rdi, place(6)}, 6);
      e.broadcast(7, {Gpr::rdi, place(0) + 16});
      e.store({Gpr::rdi, place(7)}, 7);
    });
    for (std::size_t i = 0; i < n; ++i) {
      const double a = p.at[0][i], b = p.at[1][i];
      CHECK(p.at[2][i] == std::fma(-b, b, a));
      CHECK(p.at[3][i] == b / a);
      CHECK(p.at[4][i] == std::sqrt(a));
      CHECK(p.at[5][i] == std::floor(b));
      CHECK(p.at[6][i] == -std::exp2(std::floor(std::log2(-b))));
      CHECK(p.at[7][i] == p.at[0][2]);
    }
  }
}

TEST(encoder_makes_masks_that_run) {
  for (Form form : runnable()) {
    Places p;
    const std::size_t n = lanes_of(form);
    for (std::size_t i = 0; i < n; ++i) {
      p.at[0][i] = static_cast<double>(i);
      p.at[1][i] = 2.5;
    }
    const auto less = [&](Encoder& e) {
      e.load(1, {Gpr::rdi, place(0)});
      e.compare(3, 1, Address{Gpr::rdi, place(1)}, 17);  // a < b
    };
    CHECK(run(form, p, 0, [&](Encoder& e) {
            less(e);
            e.blend(4, 1, {Gpr::rdi, place(1)}, 3);
            e.store({Gpr::rdi, place(2)}, 4);
            e.lanes(Gpr::rax, 3);
          }) == 7);
    for (std::size_t i = 0; i < n; ++i) CHECK(p.at[2][i] == (i < 3 ? 2.5 : p.at[0][i]));
    const auto any = [&](Encoder& e) {
      less(e);
      e.test_any(3);
      e.move(Gpr::rax, 0);
      e.move(Gpr::rcx, 1);
      e.conditional_move(Condition::NotEqual, Gpr::rax, Gpr::rcx);
    };
    CHECK(run(form, p, 0, any) == 1);
    for (double& b : p.at[1]) b = -1;
    CHECK(run(form, p, 0, any) == 0);
  }
}

TEST(encoder_makes_masks_in_k_registers_that_run) {
  for (Form form : runnable()) {
    if (form == Form::Vex) continue;
    Places p;
    const auto answer = [&](auto encode) {
      return run(form, p, 0, [&](Encoder& e) {
        e.move(Gpr::rax, 0b1100'1010'1010);  // a byte is 1010 1010, the next is 1100
        e.store({Gpr::rdi, 0}, Gpr::rax);
        e.mask_load(1, {Gpr::rdi, 0});
        e.mask_load(2, {Gpr::rdi, 1});
        encode(e);
        e.mask_move(4, 3);
        e.mask_store({Gpr::rdi, 8}, 4);
        e.load(Gpr::rax, {Gpr::rdi, 8});
      });
    };
    CHECK(answer([](Encoder& e) { e.mask_and(3, 1, 2); }) == 0b0000'1000);
    CHECK(answer([](Encoder& e) { e.mask_or(3, 1, 2); }) == 0b1010'1110);
    CHECK(answer([](Encoder& e) { e.mask_xor(3, 1, 2); }) == 0b1010'0110);
    CHECK(answer([](Encoder& e) { e.mask_not(3, 1); }) == 0b0101'0101);
  }
}

TEST(encoder_makes_loops_and_calls_that_run) {
  static constexpr auto square = +[](std::uint64_t n) { return n * n; };
  for (Form form : runnable()) {
    Places p;
    const std::uint64_t sum = run(form, p, 10, [](Encoder& e) {  // of the squares of 10 to 1
      e.push(Gpr::rbx);
      e.push(Gpr::r12);
      e.address(Gpr::rsp, {Gpr::rsp, -24});
      const Label top = e.label(), end = e.label();
      e.move(Gpr::rbx, Gpr::rsi);
      e.scalar(Scalar::Xor, Gpr::r12, Gpr::r12);
      e.align(16);
      e.bind(top);
      e.test(Gpr::rbx, Gpr::rbx);
      e.jump(Condition::Equal, end);
      e.move(Gpr::rdi, Gpr::rbx);
      e.move(Gpr::rax, reinterpret_cast<std::uint64_t>(square));
      e.call(Gpr::rax);
      e.store({Gpr::rsp, 8}, Gpr::rax);
      e.scalar(Scalar::Add, Gpr::r12, {Gpr::rsp, 8});
      e.scalar(Scalar::Subtract, Gpr::rbx, 1);
      e.jump(top);
      e.bind(end);
      e.move(Gpr::rax, Gpr::r12);
      e.scalar(Scalar::Add, Gpr::rsp, 24);
      e.pop(Gpr::r12);
      e.pop(Gpr::rbx);
    });
    CHECK(sum == 385);
  }
}
#endif
