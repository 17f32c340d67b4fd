// SPDX-License-Identifier: BSD-3-Clause
// The operations that what is left in memory needs, in the order of the recording.
#pragma once
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// Results are stored where they are made, so that they need not wait in registers; last those to
// buffer `last_stored`, which is read until then.
class Needed {
 public:
  Needed(const std::vector<Operation>& operations, std::optional<std::size_t> last_stored)
      : all_(in_order(operations, last_stored)) {}

  std::vector<Operation> run() const {
    std::vector<bool> wanted(all_.size());
    for (std::size_t k = all_.size(); k-- > 0;) {
      if (has_effect(all_[k].what)) wanted[k] = true;
      if (!wanted[k]) continue;
      for (const Value v : all_[k].in)
        if (v != kNone) wanted[index(v)] = true;
    }
    std::vector<Value> renumbered(all_.size(), kNone);
    std::vector<Operation> out;
    for (std::size_t k = 0; k < all_.size(); ++k) {
      if (!wanted[k]) continue;
      renumbered[k] = static_cast<Value>(out.size());
      put(out, all_[k], renumbered);
    }
    return out;
  }

 private:
  static std::size_t index(Value v) { return static_cast<std::size_t>(v); }
  static void put(std::vector<Operation>& out, Operation o, const std::vector<Value>& renumbered) {
    for (Value& v : o.in)
      if (v != kNone) v = renumbered[index(v)];
    out.push_back(o);
  }

  static std::vector<Operation> in_order(const std::vector<Operation>& all,
                                         std::optional<std::size_t> last_stored) {
    std::vector<std::pair<Value, Value>> places;  // an operation's place, and its number
    for (std::size_t k = 0; k < all.size(); ++k) {
      const Operation& o = all[k];
      const bool early = o.what == Primitive::Store &&
                         o.which == static_cast<std::int16_t>(Lies::WithLanes) &&
                         (!last_stored || static_cast<std::size_t>(o.buffer) != *last_stored);
      places.emplace_back(early ? o.in[0] : static_cast<Value>(k), static_cast<Value>(k));
    }
    std::ranges::sort(places);
    std::vector<Value> moved(all.size());
    std::vector<Operation> out;
    for (const auto& [place, number] : places) {
      moved[index(number)] = static_cast<Value>(out.size());
      put(out, all[index(number)], moved);
    }
    return out;
  }

  const std::vector<Operation> all_;
};

inline std::vector<Operation> needed(const std::vector<Operation>& operations,
                                     std::optional<std::size_t> last_stored) {
  return Needed(operations, last_stored).run();
}

}  // namespace thalweg::machine
