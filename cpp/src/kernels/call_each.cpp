// SPDX-License-Identifier: BSD-3-Clause
// Calls functions of doubles for the elements of arrays.
#include <algorithm>
#include <array>
#include <utility>

#include "thalweg/kernels/kernels.hpp"

namespace thalweg {

template <class... Doubles, std::size_t... I>
static void each(const Linked& at, std::int64_t size, std::size_t numbers, double (*f)(Doubles...),
                 std::index_sequence<I...>) {
  const std::array from{at.a, at.b, at.c};
  const std::array<std::int64_t, 3> strides{at.stride_a, at.stride_b, at.stride_c};
  const std::array step{std::int64_t{(numbers >> I & 1) == 0}...};
  double* r = at.r;
  for (std::int64_t e = 0; e <= at.n; ++e, r += size) {
    const std::int64_t lanes = e < at.n ? size : at.tail;
    if (lanes == 0) break;
    const std::array p{from[I] + e * strides[I]...};
    if (numbers + 1 == std::size_t{1} << sizeof...(I)) std::fill_n(r, lanes, f(*p[I]...));
    else
      for (std::int64_t i = 0; i < lanes; ++i) r[i] = f(p[I][i * step[I]]...);
  }
}

void call_each(const Linked& at, std::int64_t size, std::size_t numbers, double (*f)(double)) {
  each(at, size, numbers, f, std::make_index_sequence<1>{});
}
void call_each(const Linked& at, std::int64_t size, std::size_t numbers,
               double (*f)(double, double)) {
  each(at, size, numbers, f, std::make_index_sequence<2>{});
}
void call_each(const Linked& at, std::int64_t size, std::size_t numbers,
               double (*f)(double, double, double)) {
  each(at, size, numbers, f, std::make_index_sequence<3>{});
}

}  // namespace thalweg
