// SPDX-License-Identifier: BSD-3-Clause
// Which values keep a register from the first batch to the last.
#pragma once
#include <algorithm>
#include <vector>

#include "machine/registers.hpp"

#include "thalweg/machine/encoder.hpp"

namespace thalweg::machine {

// The values that wait in place, then the constants that are used most: as many as leave the other
// values the registers that they need where most of them wait at once. None if a compiled function
// is called for every batch, as registers would have to be saved around it.
class Pinned {
 public:
  Pinned(const std::vector<Operation>& operations, Form form) : list_(operations), form_(form) {
    const int all = form == Form::Evex ? 32 : 16;
    int room = all - std::max(busiest(), kFewest);
    if (std::ranges::any_of(list_, [](const auto& o) { return o.what == Primitive::Call; })) return;
    for (const Value v : candidates())
      if (room-- > 0) values_.push_back(v);
  }
  const std::vector<Value>& values() const { return values_; }

 private:
  static constexpr int kFewest = 6;  // for the operands and the result of any operation

  static std::size_t index(Value v) { return static_cast<std::size_t>(v); }
  static bool waits(const Operation& o) {
    return o.what == Primitive::Load && o.which == static_cast<std::int16_t>(Lies::InPlace);
  }
  static bool can_stay(const Operation& o) { return o.what < Primitive::Load || waits(o); }
  bool is_vector(Value v) const { return form_ == Form::Vex || !is_mask(list_[index(v)].what); }

  // The most registers that are needed at once. Elements of buffers count from their first use on.
  int busiest() const {
    std::vector<int> change(list_.size() + 1, 0);  // by operation, of the registers in use
    std::vector<Value> first(list_.size(), kNone), last(list_.size(), kNone);
    for (std::size_t k = 0; k < list_.size(); ++k) {
      const auto here = static_cast<Value>(k);
      if (!reads_memory(list_[k].what)) first[k] = last[k] = here;
      for (const Value v : list_[k].in)
        if (v != kNone) {
          if (first[index(v)] == kNone || can_stay(list_[index(v)])) first[index(v)] = here;
          last[index(v)] = here;
        }
    }
    for (std::size_t v = 0; v < list_.size(); ++v)
      if (first[v] != kNone && is_vector(static_cast<Value>(v)))
        ++change[index(first[v])], --change[index(last[v]) + 1];
    int now = 0, most = 0;
    for (const int c : change) most = std::max(most, now += c);
    return most;
  }

  std::vector<Value> candidates() const {
    std::vector<int> uses(list_.size(), 0);
    for (const Operation& o : list_)
      for (const Value v : o.in)
        if (v != kNone) ++uses[index(v)];
    std::vector<Value> out;
    for (std::size_t v = 0; v < list_.size(); ++v)
      if (uses[v] > 0 && can_stay(list_[v])) out.push_back(static_cast<Value>(v));
    std::ranges::stable_sort(out, [&](Value a, Value b) {
      const bool p = waits(list_[index(a)]), q = waits(list_[index(b)]);
      return p != q ? p : uses[index(a)] > uses[index(b)];
    });
    return out;
  }

  const std::vector<Operation>& list_;
  Form form_;
  std::vector<Value> values_;
};

}  // namespace thalweg::machine
