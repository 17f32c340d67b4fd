// SPDX-License-Identifier: BSD-3-Clause
// Reads arrays of any numeric type as doubles, without copying them first. All conversions are
// here.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace thalweg {

using Shape = std::vector<std::int64_t>;

// Half precision: 5 bits of exponent, 10 of fraction (IEEE 754-2019, binary16).
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    // The bits are placed in a double, which makes the exponent 1008 too low; the scaling that
    // corrects it serves subnormal numbers too.
    const std::uint64_t magnitude = std::uint64_t{bits} & 0x7fff;
    const double x = std::bit_cast<double>(magnitude << 42) * 0x1p1008;
    const double finite =
        magnitude < 0x7c00 ? x : std::bit_cast<double>(magnitude << 42 | 0x7ff0000000000000);
    return bits & 0x8000 ? -finite : finite;
  }
};

// Converts `count` numbers, `stride` bytes apart, aligned or not, to contiguous doubles.
using ReadNumbers = void (*)(const std::byte* from, std::int64_t stride, std::int64_t count,
                             double* to);

// The conversion for numbers of type T.
template <class T>
void read_numbers(const std::byte* from, std::int64_t stride, std::int64_t count, double* to) {
  const auto number = [from](std::int64_t at) {
    T value;
    std::memcpy(&value, from + at, sizeof(T));
    return static_cast<double>(value);
  };
  constexpr std::int64_t kSize = sizeof(T);
  if (stride == kSize)
    for (std::int64_t i = 0; i < count; ++i) to[i] = number(i * kSize);
  else
    for (std::int64_t i = 0; i < count; ++i) to[i] = number(i * stride);
}

// An array of numbers that are not doubles or are not contiguous. Strides are in bytes.
class Numbers {
 public:
  Numbers(const std::byte* first, ReadNumbers read, Shape shape, Shape strides)
      : first_(first), read_(read), shape_(std::move(shape)), strides_(std::move(strides)) {}

  const std::byte* first() const { return first_; }
  const Shape& strides() const { return strides_; }
  // Whether two arrays of the same shape share the same memory.
  bool operator==(const Numbers& other) const {
    return first_ == other.first_ && read_ == other.read_ && strides_ == other.strides_;
  }
  // Reads `count` numbers, starting `offset` bytes after the first.
  void read(std::int64_t offset, std::int64_t stride, std::int64_t count, double* to) const {
    read_(first_ + offset, stride, count, to);
  }
  // All numbers as doubles in C order, converted at the first call and then kept.
  const double* doubles() const;

 private:
  const std::byte* first_;
  ReadNumbers read_;
  Shape shape_, strides_;
  mutable std::once_flag made_;
  mutable std::vector<double> doubles_;
};

}  // namespace thalweg
