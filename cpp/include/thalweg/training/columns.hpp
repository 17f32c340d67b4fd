// SPDX-License-Identifier: BSD-3-Clause
// Reads the rows of data arrays in place, whatever their numeric type; and decides the order of
// rows in an epoch.
#pragma once
#include <functional>
#include <span>

#include "thalweg/graph/numbers.hpp"

namespace thalweg {

// An array with rows along its first axis.
struct Column {
  const std::byte* first = nullptr;   // row 0
  std::int64_t stride = 0;            // bytes between rows
  std::int64_t size = 1;              // elements in a row
  std::int64_t step = 0;              // bytes between elements
  std::vector<std::int64_t> offsets;  // used if not empty: the offset of each element in bytes
  ReadNumbers numbers = nullptr;
  // Converts rows to doubles, one row after another.
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

// Writes the rows to `order`; if `rows` is empty, 0, 1, ….
void deal(std::span<std::int64_t> order, std::span<const std::int64_t> rows);

// Writes the rows to `order`, shuffled. The order depends on the seed, the epoch and the number of
// rows, and all orders are equally likely (R. A. Fisher and F. Yates 1938, inside out). Returns
// false if `stop`, which is called now and then, returned true.
bool shuffle(std::span<std::int64_t> order, std::span<const std::int64_t> rows, std::uint64_t seed,
             std::uint64_t epoch, const std::function<bool()>& stop = nullptr);

}  // namespace thalweg
