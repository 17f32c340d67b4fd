// SPDX-License-Identifier: BSD-3-Clause
// Data arrays as rows, referenced where they lie and whatever numbers they hold; and the order in
// which an epoch takes them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

namespace thalweg {

// One array with rows along its first axis. Bytes need not be aligned.
struct Column {
  const std::byte* first = nullptr;   // of row 0
  std::int64_t stride = 0;            // bytes from row to row
  std::int64_t size = 1;              // elements in a row
  std::vector<std::int64_t> offsets;  // bytes to each element of a row; empty: one after the other
  // Rows to doubles, row after row.
  void (*read)(const Column&, const std::int64_t* rows, std::int64_t count, double* to) = nullptr;
};

// Column::read for elements of type T.
template <class T>
void read_rows(const Column& c, const std::int64_t* rows, std::int64_t count, double* to) {
  const auto element = [](const std::byte* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    return static_cast<double>(value);
  };
  const auto n = static_cast<std::size_t>(c.size);
  for (std::int64_t r = 0; r < count; ++r, to += n) {
    const std::byte* from = c.first + rows[r] * c.stride;
    if (c.offsets.empty())
      for (std::size_t i = 0; i < n; ++i) to[i] = element(from + i * sizeof(T));
    else
      for (std::size_t i = 0; i < n; ++i) to[i] = element(from + c.offsets[i]);
  }
}

// Puts the rows into `order`; empty `rows`: 0, 1, ….
void deal(std::span<std::int64_t> order, std::span<const std::int64_t> rows);

// Puts them there in an order that the seed, the epoch and their number determine, all orders
// equally likely (R. A. Fisher and F. Yates 1938, inside out). False where `stop`, asked every now
// and then, said so.
bool shuffle(std::span<std::int64_t> order, std::span<const std::int64_t> rows, std::uint64_t seed,
             std::uint64_t epoch, const std::function<bool()>& stop = nullptr);

}  // namespace thalweg
