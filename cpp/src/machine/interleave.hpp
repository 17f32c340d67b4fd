// SPDX-License-Identifier: BSD-3-Clause
// Two batches at once, for formulas of long chains. The processor's window holds 250 to 500
// instructions, a hundred cycles' worth. If the longest chain of a batch takes longer, the next
// batches do not overlap with it, and the units wait.
#pragma once
#include <algorithm>
#include <array>
#include <vector>

#include "machine/latency.hpp"

#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// Whether two batches at once take less time than one after the other. They cannot be at work at
// once if something waits in place from one to the next.
inline bool interleaving_pays(const std::vector<Operation>& list) {
  constexpr std::size_t kMost = 1200;  // twice as many still fit into the caches of instructions
  constexpr int kLong = 100;           // cycles
  if (list.size() > kMost) return false;
  std::vector<int> ready(list.size(), 0);
  int longest = 0;
  for (std::size_t k = 0; k < list.size(); ++k) {
    const Operation& o = list[k];
    if (o.what == Primitive::Call) return false;
    if (o.what == Primitive::Load && o.which == static_cast<std::int16_t>(Lies::InPlace))
      return false;
    for (const Value v : o.in)
      if (v != kNone) ready[k] = std::max(ready[k], ready[static_cast<std::size_t>(v)]);
    longest = std::max(longest, ready[k] += latency(o.what));
  }
  return longest > kLong;
}

// The operations of two batches, in turns of `kTurn`; what is the same in all lanes exists once.
// Turns of 1 to 60 take as long.
inline std::vector<Operation> interleaved(const std::vector<Operation>& list) {
  constexpr std::size_t kTurn = 24;
  std::vector<Operation> out;
  std::array<std::vector<Value>, 2> copies;
  for (auto& of : copies) of.assign(list.size(), kNone);
  const auto copy = [&](std::size_t k, std::size_t batch) {
    Operation o = list[k];
    if (batch > 0 && o.what < Primitive::Load) {
      copies[batch][k] = copies[0][k];
      return;
    }
    for (Value& v : o.in)
      if (v != kNone) v = copies[batch][static_cast<std::size_t>(v)];
    o.batch = static_cast<std::int16_t>(batch);
    copies[batch][k] = static_cast<Value>(out.size());
    out.push_back(o);
  };
  for (std::size_t from = 0; from < list.size(); from += kTurn)
    for (std::size_t batch = 0; batch < copies.size(); ++batch)
      for (std::size_t k = from; k < std::min(from + kTurn, list.size()); ++k) copy(k, batch);
  return out;
}

}  // namespace thalweg::machine
