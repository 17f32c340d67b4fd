// SPDX-License-Identifier: BSD-3-Clause
// Which register holds which result. One pass in the order of the operations; the register whose
// value is needed last is given up first (Belady 1966, IBM Syst. J. 5(2), 78-101).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// Where results are used, in order.
class Uses {
 public:
  explicit Uses(const std::vector<Operation>& operations) : first_(operations.size() + 1, 0) {
    for (const Operation& o : operations)
      for (const Value v : o.in)
        if (v != kNone) ++first_[static_cast<std::size_t>(v) + 1];
    for (std::size_t v = 1; v < first_.size(); ++v) first_[v] += first_[v - 1];
    at_.resize(static_cast<std::size_t>(first_.back()));
    next_.assign(first_.begin(), first_.end() - 1);
    std::vector<std::int32_t> filled = next_;
    for (std::size_t k = 0; k < operations.size(); ++k)
      for (const Value v : operations[k].in)
        if (v != kNone)
          at_[static_cast<std::size_t>(filled[static_cast<std::size_t>(v)]++)] =
              static_cast<std::int32_t>(k);
  }
  // The number of uses that are left, and the place of the next one.
  std::int32_t left(Value v) const {
    return first_[static_cast<std::size_t>(v) + 1] - next_[static_cast<std::size_t>(v)];
  }
  std::int32_t next(Value v) const {
    return left(v) > 0 ? at_[static_cast<std::size_t>(next_[static_cast<std::size_t>(v)])]
                       : INT32_MAX;
  }
  void take(Value v) { ++next_[static_cast<std::size_t>(v)]; }

 private:
  std::vector<std::int32_t> first_, next_, at_;
};

// The registers of one kind.
class Bank {
 public:
  Bank(int from, int end) : from_(from), end_(end) { holds_.fill(kNone); }
  Value held(int r) const { return holds_[static_cast<std::size_t>(r)]; }
  void hold(int r, Value v) { holds_[static_cast<std::size_t>(r)] = v; }
  // A register that holds nothing, or -1.
  int free(std::uint32_t kept) const {
    for (int r = from_; r < end_; ++r)
      if (held(r) == kNone && !(kept >> r & 1)) return r;
    return -1;
  }
  // The register that holds the value needed last.
  int furthest(const Uses& uses, std::uint32_t kept) const {
    int best = -1;
    for (int r = from_; r < end_; ++r)
      if (!(kept >> r & 1) && (best < 0 || uses.next(held(r)) > uses.next(held(best)))) best = r;
    return best;
  }
  std::uint32_t occupied() const {
    std::uint32_t all = 0;
    for (int r = from_; r < end_; ++r)
      if (held(r) != kNone) all |= std::uint32_t{1} << r;
    return all;
  }

 private:
  int from_, end_;
  std::array<Value, 32> holds_;
};

}  // namespace thalweg::machine
