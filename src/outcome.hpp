// SPDX-License-Identifier: BSD-3-Clause
// The arrays into which descents write their endings.
#pragma once
#include <optional>

#include "conversation.hpp"

// Zeros; large arrays use memory that the system zeroes at the first access.
template <class T> py::array_t<T> zeros(std::int64_t k) {
  constexpr std::int64_t kMany = 4096;
  if (k >= kMany)
    return py::module_::import("numpy")
        .attr("zeros")(k, py::dtype::of<T>())
        .template cast<py::array_t<T>>();
  py::array_t<T> out(k);
  std::fill_n(out.mutable_data(), k, T{});
  return out;
}

inline constexpr std::int8_t kNotBegun = -1;

// Where the core writes endings, and the method's memory, (k, size) each.
struct Room {
  // Allocates memory as zeros. The pages of matrices are touched now, where an interrupt is
  // noticed, and not when an interrupted descent is reported.
  template <class Stop> bool remember(std::int64_t k, std::int64_t size, Stop stop) {
    memory.push_back(zeros<double>(k * size).reshape({k, size}));
    double* const first = memory.back().mutable_data();
    endings.memory.push_back(first);
    constexpr std::int64_t kPage = 512, kSome = 1 << 20;  // doubles
    for (std::int64_t at = 0; size > kSome && at < memory.back().size(); at += kPage) {
      if (at % kSome == 0 && stop()) return false;
      *static_cast<volatile double*>(first + at) = 0.0;
    }
    return true;
  }

  thalweg::Endings endings;
  std::vector<Array> memory;
};

// The endings of k starts. For starts that were not begun, the caller fills in the point and the
// NaN values (`begun` is the number before those that were never looked at): there may be millions,
// and an interrupt must not wait for them.
struct Outcome : Room {
  Outcome(std::int64_t k, std::int64_t n)
      : x({k, n}),
        last_x({k, n}),
        fun(k),
        last_fun(k),
        left(zeros<double>(k)),
        right(zeros<double>(k)),
        iterations(zeros<std::int64_t>(k)),
        evaluations(zeros<std::int64_t>(k)),
        curvatures(zeros<std::int64_t>(k)),
        reason(k) {
    endings = {x.mutable_data(),           last_x.mutable_data(),     fun.mutable_data(),
               last_fun.mutable_data(),    iterations.mutable_data(), reason.mutable_data(),
               left.mutable_data(),        right.mutable_data(),      {},
               evaluations.mutable_data(), curvatures.mutable_data()};
    std::fill_n(endings.reason, k, kNotBegun);
  }

  // Allocates the gradients, filled with NaN, which stays where a method has none.
  void want_slopes() {
    slope = Array({x.shape(0), x.shape(1)});
    endings.slope = slope->mutable_data();
  }
  void count_rises() {
    for (auto* counts : {&not_falls, &late_rises}) *counts = zeros<std::int64_t>(fun.size());
    endings.not_falls = not_falls->mutable_data();
    endings.late_rises = late_rises->mutable_data();
  }

  // Fills in starts that were not begun, and why; `initial` fills their memory.
  template <class F> void not_begun(const Array& x0, const thalweg::NotBegun& rest, F initial) {
    const std::int64_t n = x.shape(1), k = fun.size();
    const auto why = static_cast<std::int8_t>(rest.why);
    begun = rest.from;
    std::fill(endings.reason + begun, endings.reason + k, why);
    for (std::int64_t i = 0; i < begun; ++i) {
      if (endings.reason[i] != kNotBegun) continue;
      std::copy_n(x0.data() + i * n, n, endings.x + i * n);
      std::copy_n(x0.data() + i * n, n, endings.last_x + i * n);
      endings.fun[i] = endings.last_fun[i] = NAN;
      if (slope) std::fill_n(endings.slope + i * n, n, NAN);
      endings.reason[i] = why;
      initial(i);
    }
  }

  // Checks for an interrupt a last time, so that none can occur between the core and the caller
  // that keeps the results.
  py::dict as_dict(Conversation& talk) const {
    py::dict out;
    out["x"] = x, out["last_x"] = last_x, out["fun"] = fun, out["last_fun"] = last_fun;
    out["nit"] = iterations, out["nfev"] = evaluations, out["nhev"] = curvatures;
    out["jac"] = slope, out["reason"] = reason, out["left"] = left, out["right"] = right;
    out["memory"] = memory, out["path"] = talk.path();
    out["not_falls"] = not_falls, out["late_rises"] = late_rises;
    out["begun"] = begun;
    talk.interrupted();
    out["error"] = talk.error();
    return out;
  }

  using Counts = py::array_t<std::int64_t>;
  std::int64_t begun = 0;
  Array x, last_x, fun, last_fun, left, right;
  Counts iterations, evaluations, curvatures;
  py::array_t<std::int8_t> reason;
  std::optional<Array> slope;
  std::optional<Counts> not_falls, late_rises;
};
