// SPDX-License-Identifier: BSD-3-Clause
// Data arrays as rows, referenced where they lie and whatever numbers they hold; and the order in
// which an epoch takes them.
#pragma once
#include <functional>
#include <span>

#include "thalweg/graph/numbers.hpp"

namespace thalweg {

// One array with rows along its first axis.
struct Column {
  const std::byte* first = nullptr;   // of row 0
  std::int64_t stride = 0;            // bytes from row to row
  std::int64_t size = 1;              // elements in a row
  std::int64_t step = 0;              // bytes from one of them to the next
  std::vector<std::int64_t> offsets;  // not empty: bytes to each of them instead
  ReadNumbers numbers = nullptr;
  // Rows to doubles, row after row.
  void read(const std::int64_t* rows, std::int64_t count, double* to) const {
    for (std::int64_t r = 0; r < count; ++r) {
      const std::byte* from = first + rows[r] * stride;
      if (offsets.empty()) {
        numbers(from, step, size, to);
        to += size;
      }
      for (const std::int64_t offset : offsets) numbers(from + offset, step, 1, to++);
    }
  }
};

// Puts the rows into `order`; empty `rows`: 0, 1, ….
void deal(std::span<std::int64_t> order, std::span<const std::int64_t> rows);

// Puts them there in an order that the seed, the epoch and their number determine, all orders
// equally likely (R. A. Fisher and F. Yates 1938, inside out). False where `stop`, asked every now
// and then, said so.
bool shuffle(std::span<std::int64_t> order, std::span<const std::int64_t> rows, std::uint64_t seed,
             std::uint64_t epoch, const std::function<bool()>& stop = nullptr);

}  // namespace thalweg
