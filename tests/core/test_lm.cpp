// SPDX-License-Identifier: BSD-3-Clause
// Tests lm: minima, bounds and memory, alone and in lanes; and the covariance of a line.
#include <array>
#include <cmath>
#include <limits>

#include "allocations.hpp"
#include "check.hpp"
#include "thalweg/descent/descend.hpp"
#include "thalweg/fit/covariance.hpp"

using namespace thalweg;

namespace {

constexpr std::int64_t kMany = 20;

// Residuals a exp(-b t) + c - y at t = 0 … 3, with separate data for each start.
struct Decay {
  std::vector<std::array<double, 4>> y;
  void answer(const Question& q) const {
    for (std::size_t l = 0; l < q.start.size(); ++l) {
      if (q.start[l] < 0) continue;
      const auto at = [&](std::int64_t i) { return i * q.stride + static_cast<std::int64_t>(l); };
      const double a = q.x[at(0)], b = q.x[at(1)], c = q.x[at(2)];
      double f = 0.0;
      std::array<double, 3> g{};
      std::array<double, 9> h{};
      for (std::size_t k = 0; k < 4; ++k) {
        const auto t = static_cast<double>(k);
        const double e = std::exp(-b * t),
                     r = a * e + c - y[static_cast<std::size_t>(q.start[l])][k];
        const std::array<double, 3> row{e, -a * t * e, 1.0};
        f += 0.5 * r * r;
        for (std::size_t i = 0; i < 3; ++i) {
          g[i] += r * row[i];
          for (std::size_t j = 0; j < 3; ++j) h[3 * i + j] += row[i] * row[j];
        }
      }
      q.f[l] = f;
      for (std::int64_t i = 0; i < 3; ++i) q.g[at(i)] = g[static_cast<std::size_t>(i)];
      for (std::int64_t i = 0; i < 9; ++i) q.h[at(i)] = h[static_cast<std::size_t>(i)];
    }
  }
};

Decay decays() {
  Decay d;
  for (std::int64_t k = 0; k < kMany; ++k) {
    const double a = 1.0 + 0.1 * static_cast<double>(k), b = 0.3 + 0.05 * static_cast<double>(k);
    std::array<double, 4> y{};
    for (std::size_t t = 0; t < 4; ++t)
      y[t] = a * std::exp(-b * static_cast<double>(t)) + 0.5 + 0.01 * (t % 2 ? 1 : -1);
    d.y.push_back(y);
  }
  return d;
}

struct Fits {
  std::int64_t k, n = 3;
  std::vector<double> x, last, fun, last_fun, left, right;
  std::vector<std::int64_t> iterations, evaluations;
  std::vector<std::int8_t> reason;
  std::int64_t rounds = 0, taken = 0;  // taken: how many of these rounds allocated memory

  Fits(const Decay& decay, std::vector<double> starts, std::vector<double> lower = {},
       std::vector<double> upper = {})
      : k(static_cast<std::int64_t>(starts.size()) / 3) {
    const auto size = static_cast<std::size_t>(k);
    x.resize(3 * size), last.resize(3 * size), fun.resize(size), last_fun.resize(size);
    left.resize(size), right.resize(size), iterations.resize(size), evaluations.resize(size);
    reason.resize(size);
    Setup setup{find_solver("lm"), n, {1.0}};
    if (!lower.empty()) setup.bounds = {lower.data(), upper.data()};
    Sources sources;
    sources.told_lanes = k;
    Descent descent(setup, sources, {kernels()}, {k, starts.data(), {}, {}},
                    {.gtol = 1e-12, .max_iter = 200},
                    {x.data(),
                     last.data(),
                     fun.data(),
                     last_fun.data(),
                     iterations.data(),
                     reason.data(),
                     left.data(),
                     right.data(),
                     {},
                     evaluations.data(),
                     nullptr},
                    {});
    Question q{};
    while (descent.ask(q)) {
      decay.answer(q);
      const std::int64_t before = allocations();
      descent.tell();
      taken += allocations() - before;
      ++rounds;
    }
  }
};

std::vector<double> starts(std::int64_t k) {
  std::vector<double> x;
  for (std::int64_t i = 0; i < k; ++i) x.insert(x.end(), {1.0, 1.0, 0.0});
  return x;
}

}  // namespace

TEST(lm_finds_minima_and_takes_no_memory_on_the_way) {
  const Decay decay = decays();
  const Fits fits(decay, starts(kMany));
  CHECK(fits.rounds > 5);
  CHECK(fits.taken == 0);
  for (std::int64_t i = 0; i < kMany; ++i) {
    CHECK(fits.reason[static_cast<std::size_t>(i)] ==
          static_cast<std::int8_t>(Reason::GradientSmall));
    CHECK_NEAR(fits.x[static_cast<std::size_t>(3 * i)], 1.0 + 0.1 * static_cast<double>(i), 0.2);
  }
}

TEST(lm_lanes_end_as_they_end_alone) {
  const Decay decay = decays();
  std::vector<double> from = starts(kMany);
  from[3 * 4] = std::numeric_limits<double>::quiet_NaN();  // a neighbour that ends at once
  from[3 * 7 + 1] = -700.0;                                // and one that overflows
  const Fits together(decay, from);
  CHECK(together.reason[4] == static_cast<std::int8_t>(Reason::NonFinite));
  for (std::size_t i = 0; i < static_cast<std::size_t>(kMany); ++i) {
    Decay one;
    one.y = {decay.y[i]};
    const Fits alone(one, {from.begin() + static_cast<std::ptrdiff_t>(3 * i),
                           from.begin() + static_cast<std::ptrdiff_t>(3 * i + 3)});
    for (std::size_t j = 0; j < 3; ++j)
      CHECK(together.x[3 * i + j] == alone.x[j] || std::isnan(alone.x[j]));
    CHECK(together.evaluations[i] == alone.evaluations[0]);
    CHECK(together.reason[i] == alone.reason[0]);
  }
}

TEST(lm_ends_on_bounds_to_the_bit) {
  const Decay decay = decays();
  const Fits fits(decay, starts(kMany), {0.0, 0.0, 0.0}, {1.5, 1.0, 0.3});
  for (std::size_t i = 0; i < static_cast<std::size_t>(kMany); ++i) {
    CHECK(fits.reason[i] == static_cast<std::int8_t>(Reason::GradientSmall));
    CHECK(fits.x[3 * i + 2] == 0.3);
  }
  CHECK(fits.taken == 0);
}

TEST(covariance_of_a_line_is_known) {
  // Columns t and 1 at t = 0, 1, 2: (J'J)^-1 = [[1/2, -1/2], [-1/2, 5/6]].
  std::vector<double> columns{0, 1, 2, 1, 1, 1}, out(4);
  std::array<bool, 2> loose{};
  CHECK(covariance(columns.data(), 2, 3, nullptr, {}, out.data(), loose.data()).rank == 2);
  CHECK_NEAR(out[0], 0.5, 1e-15);
  CHECK_NEAR(out[1], -0.5, 1e-15);
  CHECK_NEAR(out[3], 5.0 / 6.0, 1e-15);
}
