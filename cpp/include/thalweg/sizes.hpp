// SPDX-License-Identifier: BSD-3-Clause
// Size limits and the errors for exceeding them. Sizes, offsets and strides have 64 bits; positions
// in lists of nodes, steps and slots have 32, which halves the memory that is read most. Nothing
// overflows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace thalweg {

// A wrong shape, axis or argument, or too many of something. Becomes a ValueError in Python.
struct ShapeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A request for more memory than any machine has. Becomes a MemoryError in Python.
class TooLarge : public std::bad_alloc {
 public:
  explicit TooLarge(std::string what) : what_(std::move(what)) {}
  const char* what() const noexcept override { return what_.c_str(); }

 private:
  std::string what_;
};

// i, which is not negative, as the standard library counts.
constexpr std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// i as a position in a list; `things` names its elements in the error.
inline std::int32_t position(std::size_t i, const char* things) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  if (i >= most)
    throw ShapeError("the function is too long: it may have at most " + std::to_string(most) + " " +
                     things + ", got more");
  return static_cast<std::int32_t>(i);
}

// Converts a number that is known to fit into T.
template <class T> T fitted(std::int64_t x) {
  if (!std::in_range<T>(x))
    throw std::logic_error(std::to_string(x) + " is outside its type. This is a bug in thalweg; " +
                           "please report it");
  return static_cast<T>(x);
}

}  // namespace thalweg
