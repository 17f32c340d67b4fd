// SPDX-License-Identifier: BSD-3-Clause
// Where values are while code is written: in registers, in the frame, or where they can be read
// again. Writes the instructions that move them.
#pragma once
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "machine/pinned.hpp"
#include "machine/registers.hpp"

#include "thalweg/machine/assemble.hpp"
#include "thalweg/machine/encoder.hpp"
#include "thalweg/sizes.hpp"

namespace thalweg::machine {

// Where the code keeps what. The general registers in kCached hold the addresses of the buffers
// that are used most.
constexpr Gpr kOffset = Gpr::rbx, kPool = Gpr::r12, kTable = Gpr::r13, kBytes = Gpr::r14,
              kLook = Gpr::r15, kFrame = Gpr::rbp, kSpare = Gpr::rax;
// Rows have no rounds that end early; they have a place in the ring of partial sums.
constexpr Gpr kRing = kLook;
constexpr Gpr kCached[] = {Gpr::rcx, Gpr::rdx, Gpr::rsi, Gpr::rdi,
                           Gpr::r8,  Gpr::r9,  Gpr::r10, Gpr::r11};
constexpr Gpr kSaved[] = {Gpr::rbp, Gpr::rbx, Gpr::r12, Gpr::r13, Gpr::r14, Gpr::r15};
// The frame, from rsp: the call's argument and the rounds left; operands and results of a compiled
// function, registers and masks saved around it; then what did not fit into registers.
constexpr std::int32_t kArgument = 0, kLeft = 8, kOperands = 64, kVectors = kOperands + 5 * 64,
                       kMasks = kVectors + 32 * 64, kSpilled = kMasks + 64;

class Allocator {
 public:
  Allocator(const std::vector<Operation>& operations, std::int64_t lanes, int width)
      : list_(operations),
        form_(width == 8 ? Form::Evex : Form::Vex),
        batch_(width * 8),
        e_(form_),
        vectors_(0, form_ == Form::Evex ? 32 : 16),
        masks_(1, 8),
        stride_(static_cast<std::int32_t>(lanes * 8)),
        uses_(operations),
        reg_(operations.size(), -1),
        slot_(operations.size(), -1),
        pinned_(operations, form_) {
    choose_cached();
  }

 protected:
  const Operation& op(Value v) const { return list_[index(v)]; }
  Value here() const { return static_cast<Value>(at_); }
  // Masks have registers of their own with EVEX.
  bool in_mask_bank(Value v) const { return form_ == Form::Evex && is_mask(op(v).what); }
  Bank& bank(Value v) { return in_mask_bank(v) ? masks_ : vectors_; }
  std::uint32_t& kept(Value v) { return kept_[in_mask_bank(v) ? 1 : 0]; }

  // ---- memory

  // Where a load or a store finds its batch.
  Address buffer(const Operation& o) {
    const auto offset = static_cast<std::int32_t>(o.bits) * stride_ + o.batch * batch_;
    const auto lies = static_cast<Lies>(o.which);
    const Gpr moves = lies == Lies::WithLanes ? kOffset
                      : lies == Lies::InRing  ? kRing
                                              : Gpr::rsp;  // none
    for (std::size_t k = 0; k < cached_.size(); ++k)
      if (cached_[k] == o.buffer) return {kCached[k], offset, moves};
    e_.load(kSpare, {kTable, o.buffer * 8});
    return {kSpare, offset, moves};
  }
  Address in_pool(const Operation& o) {
    const auto [found, fresh] = in_pool_.try_emplace({o.what, o.bits}, pool_.size());
    if (fresh) pool_.push_back({o.what, o.bits});
    return {kPool, static_cast<std::int32_t>(found->second) * batch_};
  }
  Address spilled(int slot) const { return {Gpr::rsp, kSpilled + 64 * slot}; }
  // Where a value is if no register holds it.
  Address home(Value v) {
    if (slot_[index(v)] >= 0) return spilled(slot_[index(v)]);
    const Operation& o = op(v);
    return o.what == Primitive::Load ? buffer(o) : in_pool(o);
  }

  // The element that a value is, where it has to be read in its buffer.
  bool is_element(Value v) const {
    return in_memory(v) && slot_[index(v)] < 0 && op(v).what == Primitive::Load;
  }
  std::int32_t frame_size() const { return kSpilled + 64 * slots_; }

  // ---- registers

  void load(int r, Value v) {
    const Address from = home(v);
    in_mask_bank(v) ? e_.mask_load(r, from) : e_.load(r, from);
  }
  void hold(int r, Value v) {
    bank(v).hold(r, v);
    reg_[index(v)] = r;
  }
  void leave(int r, Bank& b) {
    reg_[index(b.held(r))] = -1;
    b.hold(r, kNone);
  }
  // A register for v. What it held is stored if it cannot be read elsewhere.
  int room(Value v) {
    Bank& b = bank(v);
    int r = b.free(kept(v));
    if (r < 0) {
      r = b.furthest(uses_, kept(v) | (&b == &vectors_ ? pins_ : 0));
      const Value out = b.held(r);
      if (!reads_memory(op(out).what) && slot_[index(out)] < 0) spill(out, r);
      leave(r, b);
    }
    kept(v) |= std::uint32_t{1} << r;
    return r;
  }
  void spill(Value v, int r) {
    if (free_slots_.empty()) free_slots_.push_back(slots_++);
    const int slot = slot_[index(v)] = free_slots_.back();
    free_slots_.pop_back();
    in_mask_bank(v) ? e_.mask_store(spilled(slot), r) : e_.store(spilled(slot), r);
  }
  int in_register(Value v) {
    int& r = reg_[index(v)];
    if (r < 0) {
      const int to = room(v);
      load(to, v);
      hold(to, v);
    }
    kept(v) |= std::uint32_t{1} << r;
    return r;
  }
  int where(Value v) const { return reg_[index(v)]; }  // its register, or -1
  bool in_memory(Value v) const { return reg_[index(v)] < 0; }
  // An operand that may stay in memory. What is used again is loaded if a register is free.
  Operand operand(Value v) {
    if (!in_memory(v) || (uses_.left(v) > 1 && bank(v).free(kept(v)) >= 0)) return in_register(v);
    return home(v);
  }
  bool is_pinned(Value v) const {
    return reg_[index(v)] >= 0 && !in_mask_bank(v) && (pins_ >> reg_[index(v)] & 1) != 0;
  }
  bool dies(Value v) const { return uses_.left(v) == 1 && !is_pinned(v); }
  // A use is over; at the last one the register is free, and so is the slot after this operation,
  // whose instruction may still read it.
  void done(Value v) {
    uses_.take(v);
    if (uses_.left(v) > 0 || is_pinned(v)) return;
    if (const int r = reg_[index(v)]; r >= 0) leave(r, bank(v));
    if (slot_[index(v)] >= 0) left_slots_.push_back(std::exchange(slot_[index(v)], -1));
  }
  void all_done() {
    for (const Value v : list_[index(at_)].in)
      if (v != kNone) done(v);
    kept_[0] = kept_[1] = 0;
  }
  // The operation is written: its instruction no longer reads the slots that were left.
  void next_operation() {
    free_slots_.insert(free_slots_.end(), left_slots_.begin(), left_slots_.end());
    left_slots_.clear();
    kept_[0] = kept_[1] = 0;
  }
  // The register of this operation's result, which may be one that an operand has just left.
  int result() {
    all_done();
    const int r = room(here());
    hold(r, here());
    return r;
  }

  // Loads the values that keep their registers.
  void pin() {
    for (const Value v : pinned_.values()) pins_ |= std::uint32_t{1} << in_register(v);
    kept_[0] = 0;
  }
  // The register in which an element waits in place, or -1.
  int waits(const Operation& place) const {
    for (const Value v : pinned_.values())
      if (op(v).what == Primitive::Load && op(v).buffer == place.buffer) return where(v);
    return -1;
  }
  // Stores what waited in registers.
  void unpin() {
    for (const Value v : pinned_.values())
      if (op(v).what == Primitive::Load) e_.store(buffer(op(v)), where(v));
  }

  // Loads the addresses of the buffers: at every round, and after a call.
  void cache_addresses() {
    for (std::size_t k = 0; k < cached_.size(); ++k) e_.load(kCached[k], {kTable, cached_[k] * 8});
  }

  const std::vector<Operation>& list_;
  std::ptrdiff_t at_ = 0;  // the operation that is being written
  Form form_;
  int batch_;  // bytes
  Encoder e_;
  Bank vectors_, masks_;
  std::uint32_t kept_[2] = {0, 0};  // registers that this operation needs as they are
  std::vector<PoolEntry> pool_;

 private:
  void choose_cached() {
    std::map<std::int32_t, int> counts;
    for (const Operation& o : list_)
      if (o.what == Primitive::Load || o.what == Primitive::Store) ++counts[o.buffer];
    std::vector<std::pair<int, std::int32_t>> order;
    for (const auto& [b, count] : counts) order.emplace_back(-count, b);
    std::ranges::sort(order);
    for (const auto& [count, b] : order)
      if (cached_.size() < std::size(kCached)) cached_.push_back(b);
  }

  std::int32_t stride_;
  Uses uses_;
  std::vector<int> reg_, slot_, free_slots_, left_slots_;
  Pinned pinned_;
  std::uint32_t pins_ = 0;  // their registers
  int slots_ = 0;
  std::vector<std::int32_t> cached_;
  std::map<std::pair<Primitive, std::uint64_t>, std::size_t> in_pool_;
};

}  // namespace thalweg::machine
