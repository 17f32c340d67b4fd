// SPDX-License-Identifier: BSD-3-Clause
// Lists of numbers, as tests of lanes and batches compare and divide them.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace check {

using Doubles = std::vector<double>;

// Whether all bits are the same.
inline bool same(const Doubles& a, const Doubles& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) return false;
  return true;
}

// Number `which` of `of` parts of equal length.
inline Doubles part(const Doubles& a, std::int64_t which, std::int64_t of) {
  const auto each = static_cast<std::ptrdiff_t>(a.size()) / of;
  return {a.begin() + which * each, a.begin() + (which + 1) * each};
}

}  // namespace check
