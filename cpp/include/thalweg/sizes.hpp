// SPDX-License-Identifier: BSD-3-Clause
// What is refused because it would not fit. Sizes, offsets and strides are 64-bit; positions in
// lists of nodes, steps and slots 32-bit, half the memory of what is walked most. Nothing wraps.
#pragma once
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace thalweg {

// A wrong shape, axis or argument, or more of something than there may be: a ValueError in Python.
struct ShapeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// Memory that no machine has: a MemoryError in Python.
class TooLarge : public std::bad_alloc {
 public:
  explicit TooLarge(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

// i as a position in a list of such things.
inline std::int32_t position(std::size_t i, const char* things) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  if (i >= most)
    throw ShapeError("the function is too long: it may have " + std::to_string(most) + " " +
                     things + ", got more");
  return static_cast<std::int32_t>(i);
}

// A number that is known to fit into T.
template <class T> T fitted(std::int64_t x) {
  if (!std::in_range<T>(x))
    throw std::logic_error(std::to_string(x) + " is outside its type. This is a bug in thalweg; " +
                           "please report it");
  return static_cast<T>(x);
}

}  // namespace thalweg
