// SPDX-License-Identifier: BSD-3-Clause
// Minimizes a function that this program computes itself: the core asks for values, and is told.
#include <cstdio>
#include <vector>

#include "thalweg/descent/descend.hpp"

using namespace thalweg;

int main() {
  constexpr std::int64_t n = 2;
  const std::vector<double> start{-1.2, 1.0};

  Setup setup{find_solver("lbfgs"), n, {}};
  for (const rules::Hyper& h : setup.solver->hyper) setup.hyper.push_back(h.value);  // the defaults

  std::vector<double> x(n), last(n);
  double f = 0, last_f = 0, left = 0, right = 0;
  std::int64_t iterations = 0, evaluations = 0;
  std::int8_t reason = 0;
  const Endings endings{x.data(), last.data(), &f,     &last_f, &iterations,
                        &reason,  &left,       &right, {},      &evaluations};

  Descent descent(setup, Sources{.told_lanes = 1}, Machine{kernels()},
                  Starts{1, start.data(), {}, {}}, Stopping{.gtol = 1e-8}, endings, {});
  Question q{};
  while (descent.ask(q)) {
    const double a = q.x[0], b = q.x[q.stride];  // element i of the only lane: x[i * stride]
    q.f[0] = 100 * (b - a * a) * (b - a * a) + (1 - a) * (1 - a);
    q.g[0] = -400 * a * (b - a * a) - 2 * (1 - a);
    q.g[q.stride] = 200 * (b - a * a);
    descent.tell();
  }
  std::printf("x = (%.6f, %.6f), %lld evaluations\n", x[0], x[1],
              static_cast<long long>(evaluations));
  return static_cast<Reason>(reason) == Reason::GradientSmall ? 0 : 1;
}
