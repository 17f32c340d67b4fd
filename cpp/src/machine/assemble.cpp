// SPDX-License-Identifier: BSD-3-Clause
// Chooses registers and writes instructions, one operation after another. The processor's own
// window overlaps the batches of a block.
#include "thalweg/machine/assemble.hpp"

#include "machine/allocator.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <utility>

#include "thalweg/machine/encoder.hpp"

namespace thalweg::machine {
namespace {

// Does operation `code` on one batch of operands, which stand 64 bytes apart and are followed by
// the results.
void compiled(const Handlers* handlers, std::int64_t code, double* operands) {
  constexpr std::size_t kApart = 8;
  Linked work[2]{};
  handlers->link(work[0], code, 0, Layout::Lanes);
  work[0].a = operands;
  work[0].b = operands + kApart;
  work[0].c = operands + 2 * kApart;
  work[0].r = operands + 3 * kApart;
  if (code == thalweg::code(Bulk::SinCos)) work[0].c = operands + 4 * kApart;
  work[0].n = 1;
  work[1].handler = handlers->end();
  handlers->run(work);
}

// Threads may have small stacks.
constexpr std::int32_t kMostFrame = 24 * 1024;

class Assembler : private Allocator {
 public:
  Assembler(const std::vector<Operation>& operations, std::int64_t lanes, int batches, int buffers,
            const Kernels& kernels)
      : Allocator(operations, lanes, kernels.width),
        kernels_(kernels),
        batches_(batches),
        buffers_(buffers) {}

  Assembled run() {
    begin();
    for (; at_ < std::ssize(list_); ++at_) {
      operation();
      next_operation();
    }
    end();
    if (frame_size() > kMostFrame) return {};
    for (const auto& write : cold_) write();
    e_.patch(frame_at_, static_cast<std::uint32_t>(-frame_size()));
    const auto bytes = e_.finish();
    return {{bytes.begin(), bytes.end()}, std::move(pool_)};
  }

 private:
  // ---- operations

  void operation() {
    const Operation& o = list_[index(at_)];
    switch (o.what) {
      case Primitive::Constant:
      case Primitive::Table:
      case Primitive::Uniform:
      case Primitive::Load:
        return;  // read where they are used
      case Primitive::MultiplyAdd:
      case Primitive::MultiplySubtract:
      case Primitive::NegativeMultiplyAdd:
        return fused(o);
      case Primitive::SquareRoot:
      case Primitive::Round:
      case Primitive::ShiftLeft:
      case Primitive::ShiftRight:
      case Primitive::Exponent:
      case Primitive::Mantissa:
        return unary(o);
      case Primitive::Entry:
        return entry(o);
      case Primitive::Compare:
      case Primitive::EqualIntegers:
        return comparison(o);
      case Primitive::MaskAnd:
      case Primitive::MaskOr:
      case Primitive::MaskXor:
      case Primitive::MaskNot:
        return mask(o);
      case Primitive::Blend:
        return blend(o);
      case Primitive::Redo:
        return redo(o);
      case Primitive::Call:
        return call(o);
      case Primitive::Store:
        return store(o);
      case Primitive::Leave:
        return look(o);
      default:
        return binary(o);
    }
  }

  void unary(const Operation& o) {
    const Value a = o.in[0];
    if (o.what == Primitive::ShiftLeft || o.what == Primitive::ShiftRight) {
      const int x = in_register(a);
      return o.what == Primitive::ShiftLeft ? e_.shift_left(result(), x, o.how)
                                            : e_.shift_right(result(), x, o.how);
    }
    const Operand x = operand(a);
    if (o.what == Primitive::SquareRoot) e_.square_root(result(), x);
    else if (o.what == Primitive::Round) e_.round(result(), x, o.how);
    else if (o.what == Primitive::Exponent) e_.exponent(result(), x);
    else e_.mantissa(result(), x);
  }

  void comparison(const Operation& o) {
    const int x = in_register(o.in[0]), where = o.in[2] == kNone ? 0 : in_register(o.in[2]);
    const Operand y = operand(o.in[1]);
    if (o.what == Primitive::Compare) e_.compare(result(), x, y, o.how, where);
    else e_.equal_integers(result(), x, y);
  }
  void blend(const Operation& o) {
    const int no = in_register(o.in[1]), m = in_register(o.in[2]);
    const Operand yes = operand(o.in[0]);
    e_.blend(result(), no, yes, m);
  }
  void store(const Operation& o) {
    const auto lies = static_cast<Lies>(o.which);
    const int x = in_register(o.in[0]), pinned = lies == Lies::InPlace ? waits(o) : -1;
    if (pinned >= 0) e_.move(pinned, x);
    else e_.store(buffer(o), x);
    has_ring_ |= lies == Lies::InRing;
    all_done();
  }
  // Whether this round is the last.
  void look(const Operation& o) {
    e_.lanes(kSpare, in_register(o.in[0]));
    e_.scalar(Scalar::Or, kLook, kSpare);
    leaves_ = true;
    all_done();
  }

  static Binary binary_of(Primitive p) {
    return static_cast<Binary>(static_cast<int>(p) - static_cast<int>(Primitive::Add));
  }
  static bool commutes(Primitive p) {
    return p == Primitive::Add || p == Primitive::Multiply || p == Primitive::And ||
           p == Primitive::Or || p == Primitive::Xor || p == Primitive::AddIntegers;
  }
  void binary(const Operation& o) {
    Value a = o.in[0], b = o.in[1];
    if (commutes(o.what) && in_memory(a) && !in_memory(b)) std::swap(a, b);
    const int x = in_register(a);
    const Operand y = operand(b);
    switch (o.what) {
      case Primitive::Scaled:
        return e_.scaled(result(), x, y);
      case Primitive::Halves:
        return e_.halves(result(), x, y);
      case Primitive::Uneven:
        return e_.uneven(result(), x, y);
      case Primitive::Spliced:
        return e_.spliced(result(), x, y, o.how);
      default:
        return e_.binary(binary_of(o.what), result(), x, y);
    }
  }

  // The result replaces an operand: one that is not needed again if there is one, else a copy.
  void fused(const Operation& o) {
    const auto how =
        static_cast<Fused>(static_cast<int>(o.what) - static_cast<int>(Primitive::MultiplyAdd));
    Value a = o.in[0], b = o.in[1];
    const Value c = o.in[2];
    const auto free_to_take = [&](Value v) { return !in_memory(v) && dies(v); };
    if (free_to_take(b) && !free_to_take(a)) std::swap(a, b);
    // At most one operand stays in memory, and not the one that is replaced.
    if (free_to_take(c)) {
      if (in_memory(a)) std::swap(a, b);
      const int z = in_register(c), x = in_register(a);
      const Operand y = operand(b);
      return replaced(z, [&](int r) { e_.fused(how, Order::O231, r, x, y); });
    }
    if (free_to_take(a) && a != b) {
      const int x = in_register(a);
      if (in_memory(b) && !in_memory(c)) {
        const int z = in_register(c);
        const Operand y = operand(b);
        return replaced(x, [&](int r) { e_.fused(how, Order::O132, r, z, y); });
      }
      const int y = in_register(b);
      const Operand z = operand(c);
      return replaced(x, [&](int r) { e_.fused(how, Order::O213, r, y, z); });
    }
    if (in_memory(a)) std::swap(a, b);
    const int x = in_register(a);
    const int copy = room(here());
    if (in_memory(c)) load(copy, c);
    else e_.move(copy, where(c));
    const Operand y = operand(b);
    e_.fused(how, Order::O231, copy, x, y);
    all_done();
    hold(copy, here());
  }
  // The operand's register becomes the result's.
  template <class Write> void replaced(int r, const Write& write) {
    write(r);
    all_done();
    hold(r, here());
  }

  void entry(const Operation& o) {
    const int i = in_register(o.in[0]), r = room(here());
    const Operand high = operand(o.in[2]);
    if (in_memory(o.in[1])) load(r, o.in[1]);
    else e_.move(r, where(o.in[1]));
    e_.entry(r, i, high);
    all_done();
    hold(r, here());
  }

  void mask(const Operation& o) {
    const Value a = o.in[0], b = o.in[1];
    const int x = in_register(a);
    if (o.what == Primitive::MaskNot) {
      if (form_ == Form::Evex) return e_.mask_not(result(), x);
      const Address ones = in_pool({.what = Primitive::Constant, .bits = ~std::uint64_t{0}});
      return e_.binary(Binary::Xor, result(), x, ones);
    }
    const int y = in_register(b), r = result();
    if (form_ == Form::Vex)
      return e_.binary(o.what == Primitive::MaskAnd  ? Binary::And
                       : o.what == Primitive::MaskOr ? Binary::Or
                                                     : Binary::Xor,
                       r, x, y);
    if (o.what == Primitive::MaskAnd) e_.mask_and(r, x, y);
    else if (o.what == Primitive::MaskOr) e_.mask_or(r, x, y);
    else e_.mask_xor(r, x, y);
  }

  // ---- compiled functions

  // Operand k of a compiled function: in a register, in the frame or the pool, or, if no address
  // was in a register, an element of a buffer.
  struct Place {
    int k, reg;
    Address memory;
    Value element;
  };
  std::vector<Place> places(const Operation& o, std::size_t from) {
    std::vector<Place> out;
    for (std::size_t k = from; k < std::min(from + 3, o.in.size()); ++k) {
      const Value v = o.in[k];
      if (v == kNone) continue;
      Place p{static_cast<int>(k - from), where(v), {Gpr::rsp}, kNone};
      if (p.reg >= 0) kept(v) |= std::uint32_t{1} << p.reg;
      else if (is_element(v)) p.element = v;
      else p.memory = home(v);
      out.push_back(p);
    }
    return out;
  }

  // Saves the registers that are in use, calls the handler and fetches the result into register r.
  void work(const Operation& o, const std::vector<Place>& operands, std::uint32_t vectors,
            std::uint32_t masks, int r) {
    const auto frame = [](std::int32_t base, int k, int size) {
      return Address{Gpr::rsp, base + size * k};
    };
    const auto each = [](std::uint32_t registers, const auto& visit) {
      for (; registers != 0; registers &= registers - 1) visit(std::countr_zero(registers));
    };
    each(vectors, [&](int k) { e_.store(frame(kVectors, k, 64), k); });
    each(masks, [&](int k) { e_.mask_store(frame(kMasks, k, 8), k); });
    for (const Place& p : operands)
      if (p.reg >= 0) e_.store(frame(kOperands, p.k, 64), p.reg);
    for (const Place& p : operands) {
      if (p.reg >= 0) continue;
      e_.load(0, p.element == kNone ? p.memory : buffer(op(p.element)));
      e_.store(frame(kOperands, p.k, 64), 0);
    }
    e_.move(Gpr::rdi, reinterpret_cast<std::uintptr_t>(&kernels_.narrow));
    e_.move(Gpr::rsi, static_cast<std::uint64_t>(o.how));
    e_.address(Gpr::rdx, frame(kOperands, 0, 64));
    e_.zero_upper();
    e_.move(kSpare, reinterpret_cast<std::uintptr_t>(&compiled));
    e_.call(kSpare);
    each(vectors, [&](int k) { e_.load(k, frame(kVectors, k, 64)); });
    each(masks, [&](int k) { e_.mask_load(k, frame(kMasks, k, 8)); });
    e_.load(r, frame(kOperands, 3 + o.which, 64));
    cache_addresses();
  }

  void call(const Operation& o) {
    const auto operands = places(o, 0);
    const int r = result();
    work(o, operands, vectors_.occupied() & ~(std::uint32_t{1} << r), masks_.occupied(), r);
  }

  void redo(const Operation& o) {
    const Value y = o.in[0];
    const int mask = in_register(o.in[1]), found = in_register(y);
    const auto operands = places(o, 2);
    const int r = dies(y) ? found : room(here());
    if (r != found) e_.move(r, found);
    e_.test_any(mask);
    const Label cold = e_.label(), back = e_.label();
    e_.jump(Condition::NotEqual, cold);
    e_.bind(back);
    all_done();
    hold(r, here());
    const auto vectors = vectors_.occupied() & ~(std::uint32_t{1} << r);
    cold_.push_back([this, o, operands, vectors, masks = masks_.occupied(), r, cold, back] {
      e_.bind(cold);
      work(o, operands, vectors, masks, r);
      e_.jump(back);
    });
  }

  // ---- the frame and the loops

  void begin() {
    for (const Gpr r : kSaved) e_.push(r);
    e_.move(kFrame, Gpr::rsp);
    e_.address(Gpr::rsp, {.base = Gpr::rsp, .wide = true});
    frame_at_ = e_.displacement_end() - 4;
    e_.scalar(Scalar::And, Gpr::rsp, -64);
    e_.store({Gpr::rsp, kArgument}, Gpr::rdi);
    e_.load(kTable, {Gpr::rdi, offsetof(Rounds, first)});
    e_.load(kPool, {Gpr::rdi, offsetof(Rounds, pool)});
    e_.load(kBytes, {Gpr::rdi, offsetof(Rounds, bytes)});
    e_.load(kSpare, {Gpr::rdi, offsetof(Rounds, most)});
    e_.store({Gpr::rsp, kLeft}, kSpare);
    cache_addresses();
    pin();
    round_ = e_.label(), batch_loop_ = e_.label();
    e_.bind(round_);
    cache_addresses();
    e_.scalar(Scalar::Xor, kOffset, kOffset);
    e_.scalar(Scalar::Xor, kLook, kLook);
    e_.align(32);
    e_.bind(batch_loop_);
  }
  void end() {
    e_.scalar(Scalar::Add, kOffset, batches_ * batch_);
    if (has_ring_) {
      e_.move(kRing, kOffset);
      e_.scalar(Scalar::And, kRing, kPartialSums * 8 - 1);
    }
    e_.scalar(Scalar::Compare, kOffset, kBytes);
    e_.jump(Condition::Less, batch_loop_);
    const Label out = e_.label();
    e_.load(kSpare, {Gpr::rsp, kLeft});
    e_.scalar(Scalar::Subtract, kSpare, 1);
    e_.store({Gpr::rsp, kLeft}, kSpare);
    e_.jump(Condition::Equal, out);
    if (leaves_) {
      e_.test(kLook, kLook);
      e_.jump(Condition::NotEqual, out);
    }
    // The next table, or the first after the last.
    e_.load(Gpr::rcx, {Gpr::rsp, kArgument});
    e_.scalar(Scalar::Add, kTable, buffers_ * 8);
    e_.scalar(Scalar::Compare, kTable, Address{Gpr::rcx, offsetof(Rounds, end)});
    e_.jump(Condition::Below, round_);
    e_.load(kTable, {Gpr::rcx, offsetof(Rounds, begin)});
    e_.jump(round_);
    e_.bind(out);
    unpin();
    e_.load(Gpr::rcx, {Gpr::rsp, kArgument});
    e_.load(kSpare, {Gpr::rcx, offsetof(Rounds, most)});
    e_.scalar(Scalar::Subtract, kSpare, Address{Gpr::rsp, kLeft});
    e_.move(Gpr::rsp, kFrame);
    for (std::size_t k = std::size(kSaved); k-- > 0;) e_.pop(kSaved[k]);
    e_.zero_upper();
    e_.ret();
  }

  const Kernels& kernels_;
  int batches_, buffers_;
  std::vector<std::function<void()>> cold_;
  std::size_t frame_at_ = 0;
  bool leaves_ = false, has_ring_ = false;
  Label round_, batch_loop_;
};

}  // namespace

Assembled assemble(const std::vector<Operation>& operations, std::int64_t lanes, int batches,
                   int buffers, const Kernels& kernels) {
  return Assembler(operations, lanes, batches, buffers, kernels).run();
}

}  // namespace thalweg::machine
