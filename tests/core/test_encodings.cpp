// SPDX-License-Identifier: BSD-3-Clause
// Tests the encoder against an assembler: every form, over registers, addresses and numbers.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "check.hpp"
#include "thalweg/machine/encoder.hpp"

using namespace thalweg::machine;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(Encoder& e) {
  const auto code = e.finish();
  return {code.begin(), code.end()};
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string out;
  char two[4];
  for (std::uint8_t b : bytes) {
    std::snprintf(two, sizeof two, "%02x ", b);
    out += two;
  }
  return out;
}

// ---- what an assembler is given

std::string name(Gpr r) {
  static constexpr const char* names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  return names[static_cast<std::size_t>(r)];
}

// The lower half of a general register.
std::string half(Gpr r) { return r < Gpr::r8 ? "e" + name(r).substr(1) : name(r) + "d"; }

std::string name(const Address& a) {
  std::string out = "[" + name(a.base);
  if (a.index != Gpr::rsp) out += "+" + name(a.index) + "*1";
  return out + (a.displacement < 0 ? "" : "+") + std::to_string(a.displacement) + "]";
}

std::string wide(const Address& a) { return a.wide ? "{disp32} " : ""; }

// Every register, or those at the borders of the encodings' bits.
std::vector<int> registers(int n, bool every) {
  std::vector<int> out;
  for (int i = 0; i < n; ++i)
    if (every || i % 8 == 0 || i % 8 == 7 || i == 5) out.push_back(i);
  return out;
}

std::vector<Gpr> general(bool every) {
  std::vector<Gpr> out;
  for (int i : registers(16, every)) out.push_back(static_cast<Gpr>(i));
  if (!every) out.insert(out.end(), {Gpr::rsp, Gpr::r12, Gpr::r13});
  return out;
}

std::vector<Address> addresses(bool every) {
  std::vector<Address> out;
  for (Gpr base : general(every))
    for (std::int32_t d :
         {0,    1,     8,     -8,   64,   -64,   127,   128,     -128,      -129,     1016,
          1024, -1024, -1032, 8128, 8192, -8192, -8256, 1 << 20, INT32_MAX, INT32_MIN})
      for (Gpr index : general(every))
        for (bool wide : {false, true})
          if (every || !wide || d == 8) out.push_back({base, d, index, wide});
  return out;
}

struct Instruction {
  std::string text;
  Bytes bytes;
};

// Lists instructions by their text and their bytes.
class Sheet {
 public:
  Sheet(Form f, bool all) : form(f), every(all), places(addresses(all)) {}

  // Calls `encode` with an Encoder.
  template <class F> void add(std::string text, F encode) {
    Encoder e(form);
    encode(e);
    instructions.push_back({std::move(text), bytes_of(e)});
  }

  std::string vector(int r) const {
    return (form == Form::Vex ? "ymm" : "zmm") + std::to_string(r);
  }
  // The register of a mask and, within a blend, its name.
  std::string mask(int r) const { return form == Form::Vex ? vector(r) : "k" + std::to_string(r); }
  std::vector<int> vectors() const { return registers(form == Form::Vex ? 16 : 32, every); }
  std::vector<int> masks() const {
    return form == Form::Vex ? vectors() : std::vector{1, 2, 3, 4, 5, 6, 7};
  }
  // Some registers for those forms where the address is what varies.
  int other(std::size_t i) const { return vectors()[i * 7 % vectors().size()]; }

  // An instruction `text r, a, b tail`, where b is a register or an address.
  template <class F>
  void three(const std::string& op, F encode, const std::string& tail = "", bool to_mask = false) {
    const std::vector<int> results = to_mask ? masks() : vectors();
    const auto first = [&](int r) { return to_mask ? mask(r) : vector(r); };
    for (int r : results)
      for (int a : vectors())
        for (int b : vectors())
          add(op + first(r) + ", " + vector(a) + ", " + vector(b) + tail,
              [&](Encoder& e) { encode(e, r, a, b); });
    for (std::size_t i = 0; i < places.size(); ++i) {
      const int r = results[i % results.size()], a = other(i);
      add(wide(places[i]) + op + first(r) + ", " + vector(a) + ", " + name(places[i]) + tail,
          [&](Encoder& e) { encode(e, r, a, places[i]); });
    }
  }

  // An instruction `text r, a tail`.
  template <class F> void two(const std::string& op, F encode, const std::string& tail = "") {
    for (int r : vectors())
      for (int a : vectors())
        add(op + vector(r) + ", " + vector(a) + tail, [&](Encoder& e) { encode(e, r, a); });
    for (std::size_t i = 0; i < places.size(); ++i)
      add(wide(places[i]) + op + vector(other(i)) + ", " + name(places[i]) + tail,
          [&](Encoder& e) { encode(e, other(i), places[i]); });
  }

  // For each address, with the number of the address.
  template <class F> void memory(F body) {
    for (std::size_t i = 0; i < places.size(); ++i) body(places[i], i);
  }

  const Form form;
  const bool every;
  const std::vector<Address> places;
  std::vector<Instruction> instructions;
};

void list_arithmetic(Sheet& s) {
  static constexpr const char* binaries[] = {"vaddpd", "vsubpd", "vmulpd", "vdivpd",
                                             "vminpd", "vmaxpd", "vandpd", "vandnpd",
                                             "vorpd",  "vxorpd", "vpaddq", "vpsubq"};
  for (std::size_t i = 0; i < std::size(binaries); ++i)
    s.three(binaries[i] + std::string(" "), [&](Encoder& e, int r, int a, const Operand& b) {
      e.binary(static_cast<Binary>(i), r, a, b);
    });
  static constexpr const char* fused[] = {"vfmadd", "vfmsub", "vfnmadd"};
  static constexpr const char* orders[] = {"132pd ", "213pd ", "231pd "};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      s.three(fused[i] + std::string(orders[j]), [&](Encoder& e, int r, int a, const Operand& b) {
        e.fused(static_cast<Fused>(i), static_cast<Order>(j), r, a, b);
      });
  s.two("vsqrtpd ", [](Encoder& e, int r, const Operand& a) { e.square_root(r, a); });
  for (int how : {0, 1, 8, 11})
    s.two(
        s.form == Form::Vex ? "vroundpd " : "vrndscalepd ",
        [&](Encoder& e, int r, const Operand& a) { e.round(r, a, how); },
        ", " + std::to_string(how));
  if (s.form == Form::Vex) {
    s.three(
        "vperm2f128 ", [](Encoder& e, int r, int a, const Operand& b) { e.halves(r, a, b); },
        ", 33");
    s.three(
        "vshufpd ", [](Encoder& e, int r, int a, const Operand& b) { e.uneven(r, a, b); }, ", 5");
  } else {
    for (int from : {1, 4, 7})
      s.three(
          "valignq ", [&](Encoder& e, int r, int a, const Operand& b) { e.spliced(r, a, b, from); },
          ", " + std::to_string(from));
  }
  for (int r : s.vectors())
    for (int a : s.vectors())
      for (int by : {0, 1, 12, 52, 63}) {
        const std::string rest = s.vector(r) + ", " + s.vector(a) + ", " + std::to_string(by);
        s.add("vpsllq " + rest, [&](Encoder& e) { e.shift_left(r, a, by); });
        s.add("vpsrlq " + rest, [&](Encoder& e) { e.shift_right(r, a, by); });
      }
}

void list_moves(Sheet& s) {
  for (int r : s.vectors())
    for (int a : s.vectors())
      s.add("vmovapd " + s.vector(r) + ", " + s.vector(a), [&](Encoder& e) { e.move(r, a); });
  s.memory([&](const Address& m, std::size_t i) {
    const int r = s.other(i);
    s.add(wide(m) + "vmovupd " + s.vector(r) + ", " + name(m), [&](Encoder& e) { e.load(r, m); });
    s.add(wide(m) + "vmovupd " + name(m) + ", " + s.vector(r), [&](Encoder& e) { e.store(m, r); });
    s.add(wide(m) + "vbroadcastsd " + s.vector(r) + ", qword ptr " + name(m),
          [&](Encoder& e) { e.broadcast(r, m); });
  });
  s.add("vzeroupper", [](Encoder& e) { e.zero_upper(); });
}

void list_comparisons(Sheet& s) {
  for (int p : {0, 1, 13, 30, 31})
    s.three(
        "vcmppd ", [&](Encoder& e, int r, int a, const Operand& b) { e.compare(r, a, b, p); },
        ", " + std::to_string(p), true);
  s.three(
      "vpcmpeqq ", [](Encoder& e, int r, int a, const Operand& b) { e.equal_integers(r, a, b); },
      "", true);
  const bool vex = s.form == Form::Vex;
  const std::vector<int> some = s.every ? s.masks() : std::vector{1, 5, s.masks().back()};
  for (int m : some) {
    if (vex) {
      s.three(
          "vblendvpd ",
          [&](Encoder& e, int r, int no, const Operand& yes) { e.blend(r, no, yes, m); },
          ", " + s.mask(m));
      continue;
    }
    s.memory([&](const Address& place, std::size_t i) {
      s.add(wide(place) + "vcmppd " + s.mask(2) + "{" + s.mask(m) + "}, " + s.vector(s.other(i)) +
                ", " + name(place) + ", 22",
            [&](Encoder& e) { e.compare(2, s.other(i), place, 22, m); });
    });
    for (int r : s.vectors())
      for (int no : s.vectors())
        for (int yes : s.vectors())
          s.add("vblendmpd " + s.vector(r) + "{" + s.mask(m) + "}, " + s.vector(no) + ", " +
                    s.vector(yes),
                [&](Encoder& e) { e.blend(r, no, yes, m); });
    s.memory([&](const Address& place, std::size_t i) {
      s.add(wide(place) + "vblendmpd " + s.vector(s.other(i)) + "{" + s.mask(m) + "}, " +
                s.vector(s.other(i + 1)) + ", " + name(place),
            [&](Encoder& e) { e.blend(s.other(i), s.other(i + 1), place, m); });
    });
  }
  for (int m : s.masks()) {
    for (Gpr r : general(s.every))
      s.add((vex ? "vmovmskpd " : "kmovb ") + half(r) + ", " + s.mask(m),
            [&](Encoder& e) { e.lanes(r, m); });
    s.add((vex ? "vtestpd " : "kortestb ") + s.mask(m) + ", " + s.mask(m),
          [&](Encoder& e) { e.test_any(m); });
  }
}

void list_masks(Sheet& s) {
  for (int r : s.masks())
    for (int a : s.masks()) {
      const std::string both = s.mask(r) + ", " + s.mask(a);
      s.add("knotb " + both, [&](Encoder& e) { e.mask_not(r, a); });
      s.add("kmovb " + both, [&](Encoder& e) { e.mask_move(r, a); });
      for (int b : s.masks()) {
        const std::string all = both + ", " + s.mask(b);
        s.add("kandb " + all, [&](Encoder& e) { e.mask_and(r, a, b); });
        s.add("korb " + all, [&](Encoder& e) { e.mask_or(r, a, b); });
        s.add("kxorb " + all, [&](Encoder& e) { e.mask_xor(r, a, b); });
      }
    }
  s.memory([&](const Address& m, std::size_t i) {
    const int k = static_cast<int>(i % 7) + 1;
    s.add(wide(m) + "kmovb " + s.mask(k) + ", " + name(m), [&](Encoder& e) { e.mask_load(k, m); });
    s.add(wide(m) + "kmovb " + name(m) + ", " + s.mask(k), [&](Encoder& e) { e.mask_store(m, k); });
  });
}

constexpr std::pair<Scalar, const char*> kScalars[] = {
    {Scalar::Add, "add "},      {Scalar::Or, "or "},   {Scalar::And, "and "},
    {Scalar::Subtract, "sub "}, {Scalar::Xor, "xor "}, {Scalar::Compare, "cmp "}};

void list_general(Sheet& s) {
  for (Gpr r : general(s.every)) {
    for (Gpr a : general(s.every)) {
      const std::string both = name(r) + ", " + name(a);
      s.add("mov " + both, [&](Encoder& e) { e.move(r, a); });
      s.add("test " + both, [&](Encoder& e) { e.test(r, a); });
      for (const auto& [op, text] : kScalars)
        s.add(text + both, [&, op = op](Encoder& e) { e.scalar(op, r, a); });
      static constexpr const char* conditions[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                                   "s", "ns", "p", "np", "l", "ge", "le", "g"};
      for (std::size_t c : {2u, 3u, 4u, 5u, 6u, 7u, 12u, 13u, 14u, 15u})
        s.add(std::string("cmov") + conditions[c] + " " + both,
              [&](Encoder& e) { e.conditional_move(static_cast<Condition>(c), r, a); });
    }
    for (std::int32_t v : {0, 1, -1, 127, 128, -128, -129, 4096, INT32_MAX, INT32_MIN})
      for (const auto& [op, text] : kScalars)
        s.add(text + name(r) + ", " + std::to_string(v),
              [&, op = op](Encoder& e) { e.scalar(op, r, v); });
    for (std::uint64_t v : {0ul, 1ul, 0x7ffffffful, 0x80000000ul, 0xfffffffful})
      s.add("mov " + half(r) + ", " + std::to_string(v), [&](Encoder& e) { e.move(r, v); });
    for (std::int64_t v : {-1l, -0x80000000l, -0x80000001l, 0x100000000l, INT64_MAX, INT64_MIN})
      s.add("mov " + name(r) + ", " + std::to_string(v),
            [&](Encoder& e) { e.move(r, static_cast<std::uint64_t>(v)); });
    s.add("push " + name(r), [&](Encoder& e) { e.push(r); });
    s.add("pop " + name(r), [&](Encoder& e) { e.pop(r); });
    s.add("call " + name(r), [&](Encoder& e) { e.call(r); });
  }
  s.add("ret", [](Encoder& e) { e.ret(); });
  s.memory([&](const Address& m, std::size_t i) {
    const Gpr r = static_cast<Gpr>(i % 16);
    const std::string to = name(r) + ", " + name(m);
    s.add(wide(m) + "mov " + to, [&](Encoder& e) { e.load(r, m); });
    s.add(wide(m) + "mov " + name(m) + ", " + name(r), [&](Encoder& e) { e.store(m, r); });
    s.add(wide(m) + "lea " + to, [&](Encoder& e) { e.address(r, m); });
    for (const auto& [op, text] : kScalars)
      s.add(wide(m) + text + to, [&, op = op](Encoder& e) { e.scalar(op, r, m); });
  });
}

// ---- what it answers

// A folder that is gone at the end.
class Folder {
 public:
  Folder() { CHECK(mkdtemp(path_.data()) != nullptr); }
  ~Folder() {
    for (const char* file : {"text.s", "object.o", "bytes"}) unlink(at(file).c_str());
    rmdir(path_.c_str());
  }
  std::string at(const std::string& file) const { return path_ + "/" + file; }

 private:
  std::string path_ = "/tmp/thalweg-encodings-XXXXXX";
};

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

// What GNU as makes of the instructions.
Bytes assembled(const std::vector<Instruction>& instructions, const Folder& folder) {
  {
    std::ofstream text(folder.at("text.s"));
    text << ".intel_syntax noprefix\n";
    for (const Instruction& i : instructions) text << i.text << '\n';
  }
  CHECK(run("as --64 -o " + folder.at("object.o") + " " + folder.at("text.s")));
  CHECK(run("objcopy -O binary -j .text " + folder.at("object.o") + " " + folder.at("bytes")));
  std::ifstream bytes(folder.at("bytes"), std::ios::binary);
  return {std::istreambuf_iterator<char>(bytes), std::istreambuf_iterator<char>()};
}

void compare(const std::vector<Instruction>& instructions) {
  const Folder folder;
  const Bytes wanted = assembled(instructions, folder);
  std::size_t at = 0;
  for (const Instruction& i : instructions) {
    const std::size_t n = std::min(i.bytes.size(), wanted.size() - at);
    const std::span there(wanted.data() + at, n);
    if (n < i.bytes.size() || !std::equal(there.begin(), there.end(), i.bytes.begin()))
      return check::fail(__FILE__, __LINE__,
                         i.text + ": is " + hex(i.bytes) + ", the assembler has " + hex(there));
    at += n;
  }
  CHECK(at == wanted.size());
}

}  // namespace

TEST(an_assembler_makes_the_same_bytes_of_every_instruction) {
  if (!run("as --64 --version >/dev/null 2>&1 && objcopy --version >/dev/null 2>&1"))
    return std::puts("   not compared: no x86-64 assembler here (binutils: as and objcopy)"),
           void();
  // All registers and addresses: 2.4 million instructions instead of 160,000, ten seconds.
  const bool every = std::getenv("THALWEG_TEST_EVERY_ENCODING") != nullptr;
  for (Form form : {Form::Vex, Form::Evex})
    for (auto list : {list_arithmetic, list_moves, list_comparisons, list_masks, list_general}) {
      if (form == Form::Vex && list == list_masks) continue;
      Sheet sheet(form, every);
      list(sheet);
      compare(sheet.instructions);
    }
}
