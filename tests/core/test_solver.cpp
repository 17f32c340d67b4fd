// SPDX-License-Identifier: BSD-3-Clause
// Tests every solver with values from a driver; a round must not allocate memory.
#include <cmath>

#include "allocations.hpp"
#include "check.hpp"
#include "thalweg/descent/descend.hpp"

using namespace thalweg;

namespace {

// Rosenbrock's function of n variables, in pairs, with the derivatives that are requested.
void answer(const Question& q, std::int64_t n) {
  for (std::size_t lane = 0; lane < q.start.size(); ++lane) {
    if (q.start[lane] < 0) continue;
    const auto l = static_cast<std::int64_t>(lane);
    const auto at = [&](std::int64_t i) { return i * q.stride + l; };
    const bool curved = q.asks && q.asks[l] == static_cast<double>(Wants::Curvature);
    double f = 0.0;
    for (std::int64_t i = 0; i < n; i += 2) {
      const double a = q.x[at(i)], b = q.x[at(i + 1)], t = b - a * a;
      f += 100 * t * t + (1 - a) * (1 - a);
      if (!curved) {
        q.g[at(i)] = -400 * a * t - 2 * (1 - a);
        q.g[at(i + 1)] = 200 * t;
      }
      if (!q.h) continue;
      const double aa = 1200 * a * a - 400 * b + 2, ab = -400 * a, bb = 200;
      if (q.v && curved) {
        q.h[at(i)] = aa * q.v[at(i)] + ab * q.v[at(i + 1)];
        q.h[at(i + 1)] = ab * q.v[at(i)] + bb * q.v[at(i + 1)];
      } else if (curved) {
        for (std::int64_t j = 0; j < n; ++j) q.h[at(i * n + j)] = q.h[at((i + 1) * n + j)] = 0;
        q.h[at(i * n + i)] = aa, q.h[at((i + 1) * n + i + 1)] = bb;
        q.h[at(i * n + i + 1)] = q.h[at((i + 1) * n + i)] = ab;
      }
    }
    if (!curved) q.f[l] = f;
  }
}

struct Ends {
  std::vector<double> x, last, fun, last_fun, left, right;
  std::vector<std::int64_t> iterations, evaluations;
  std::vector<std::int8_t> reason;
  std::int64_t allocated = 0;
};

Ends solve(const Solver& solver, std::int64_t k, std::int64_t n, std::int64_t most = 2000) {
  const auto size = static_cast<std::size_t>(k), all = static_cast<std::size_t>(k * n);
  Ends e{std::vector<double>(all),        std::vector<double>(all),
         std::vector<double>(size),       std::vector<double>(size),
         std::vector<double>(size),       std::vector<double>(size),
         std::vector<std::int64_t>(size), std::vector<std::int64_t>(size),
         std::vector<std::int8_t>(size)};
  std::vector<double> starts(all);
  for (std::size_t i = 0; i < all; ++i)
    starts[i] = i % 2 ? 1.0 : -1.2 + 0.03 * static_cast<double>(i / static_cast<std::size_t>(n));
  Setup setup{&solver, n, {}};
  for (const rules::Hyper& h : solver.hyper) setup.hyper.push_back(h.value);
  Descent descent(setup, Sources{.told_lanes = k}, {kernels()}, Starts{k, starts.data(), {}, {}},
                  {.gtol = 1e-8, .max_iter = most},
                  {e.x.data(),
                   e.last.data(),
                   e.fun.data(),
                   e.last_fun.data(),
                   e.iterations.data(),
                   e.reason.data(),
                   e.left.data(),
                   e.right.data(),
                   {},
                   e.evaluations.data()},
                  {});
  Question q{};
  const std::int64_t before = allocations();
  while (descent.ask(q)) {
    answer(q, n);
    descent.tell();
  }
  e.allocated = allocations() - before;
  return e;
}

}  // namespace

TEST(no_solver_takes_memory_in_a_round) {
  for (const Solver& s : all_solvers()) {
    if (std::string_view(s.name) == "lm") continue;  // tested in test_lm.cpp
    // The examination of an endpoint allocates memory, once. compass, which uses no gradients,
    // stops before that.
    const std::int64_t most = s.needs == Needs::Value ? 20 : 2000;
    CHECK(solve(s, 1, 2, most).allocated == 0);
    CHECK(solve(s, 1, 80, most).allocated == 0);
    CHECK(solve(s, 11, 4, most).allocated == 0);
  }
}

TEST(every_solver_descends_to_the_minimum_alone_and_among_others) {
  for (const Solver& s : all_solvers()) {
    if (s.needs == Needs::Value || std::string_view(s.name) == "lm" ||
        std::string_view(s.name) == "steepest")
      continue;
    const Ends many = solve(s, 11, 4), one = solve(s, 1, 4);
    for (std::size_t i = 0; i < many.x.size(); ++i) CHECK(std::abs(many.x[i] - 1) < 1e-6);
    for (std::size_t i = 0; i < one.x.size(); ++i) CHECK(one.x[i] == many.x[i]);
    CHECK(one.evaluations[0] == many.evaluations[0]);
    for (const std::int8_t r : many.reason) CHECK(static_cast<Reason>(r) == Reason::GradientSmall);
  }
}
