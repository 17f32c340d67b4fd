// SPDX-License-Identifier: BSD-3-Clause
// Tests the descent loop: lanes and starts, interrupts, workers, and values from a driver.
#include <algorithm>
#include <cmath>
#include <memory>

#include "check.hpp"
#include "thalweg/descent/descend.hpp"

using namespace thalweg;

namespace {
struct Run {
  std::vector<double> x, last_x, fun, last_fun, left, right;
  std::vector<std::int64_t> iterations;
  std::vector<std::int8_t> reason;
  Endings endings;
  Run(std::size_t k, std::size_t n)
      : x(k * n),
        last_x(k * n),
        fun(k),
        last_fun(k),
        left(k),
        right(k),
        iterations(k),
        reason(k),
        endings{x.data(),        last_x.data(),     fun.data(),
                last_fun.data(), iterations.data(), reason.data(),
                left.data(),     right.data(),      {}} {}
};

// exp(x) - log(x)
Step omega(const StepParts& parts) {
  auto g = std::make_shared<Graph>();
  const NodeId x = g->reshape(g->input(0, {1}), {});
  const NodeId f = g->elementwise(kOpcode<ops::Subtract>,
                                  std::array{g->elementwise(kOpcode<ops::Exp>, std::array{x}),
                                             g->elementwise(kOpcode<ops::Log>, std::array{x})});
  return build_step(*find_rule("gradient_descent"), {g, f, 1, 1}, parts);
}
}  // namespace

TEST(lanes_are_refilled_and_each_start_ends_where_it_ends_alone) {
  const Step step = omega({.gradient_norm = true});
  const auto program = lower(step.graph, step.outputs, {{true, false}, Layout::Lanes});
  const std::size_t k = 301;
  std::vector<double> starts(k);
  for (std::size_t i = 0; i < k; ++i) starts[i] = 0.01 + 0.01 * static_cast<double>(i);
  const double rate = 0.1;
  const auto descend_from = [&](const double* from, std::int64_t count) {
    Run run(static_cast<std::size_t>(count), 1);
    descend(*program, step, kernels(), {count, from, {nullptr, &rate}, {}},
            {.gtol = 1e-8, .max_iter = 200}, run.endings, {});
    return run;
  };
  const Run together = descend_from(starts.data(), static_cast<std::int64_t>(k));
  for (std::size_t i = 0; i < k; ++i) {
    const Run alone = descend_from(&starts[i], 1);
    CHECK(together.x[i] == alone.x[0]);
    CHECK(together.iterations[i] == alone.iterations[0]);
    CHECK(together.reason[i] == alone.reason[0]);
  }
}

TEST(asked_and_told_it_descends_as_it_does_traced) {
  const Step told =
      build_step(*find_rule("gradient_descent"), {std::make_shared<Graph>(), -1, 1}, {});
  std::vector<bool> varying(static_cast<std::size_t>(told.at.inputs), false);
  varying[0] = varying[static_cast<std::size_t>(told.at.told_f)] =
      varying[static_cast<std::size_t>(told.at.told_g)] = true;
  const auto program = lower(told.graph, told.outputs, {varying, Layout::Lanes});
  const double start = 4.0, rate = 0.25;
  std::vector<const double*> values(varying.size(), nullptr);
  values[static_cast<std::size_t>(told.at.hyper)] = &rate;
  const Starts starts{1, &start, values, {}};
  const Stopping stopping{.max_iter = 10};
  Run run(1, 1);
  Descent descent(*program, told, {kernels()}, starts, stopping, run.endings, {});
  Question q{};
  int asked = 0;
  while (descent.ask(q)) {
    ++asked;
    q.f[0] = q.x[0] * q.x[0];
    q.g[0] = 2 * q.x[0];
    descent.tell();
  }
  CHECK(asked == 11);
  CHECK(run.x[0] == 4.0 * std::pow(0.5, 10));
  CHECK(static_cast<Reason>(run.reason[0]) == Reason::MaxIterations);
}

TEST(a_lane_that_leaves_the_domain_keeps_its_best_point) {
  const Step step = omega({});
  const auto program = lower(step.graph, step.outputs, {{true, false}, Layout::Lanes});
  const double start = 1.6, rate = 0.5;
  Run run(1, 1);
  descend(*program, step, kernels(), {1, &start, {nullptr, &rate}, {}}, {.max_iter = 25},
          run.endings, {});
  CHECK(static_cast<Reason>(run.reason[0]) == Reason::NonFinite);
  CHECK(run.x[0] == 1.6);
  CHECK(run.last_x[0] < 0);
}

TEST(an_interrupt_ends_lanes_where_they_are_not_where_the_next_start_would_be) {
  const Step step = omega({});
  const auto program = lower(step.graph, step.outputs, {{true, false}, Layout::Lanes});
  const std::size_t k = 500;
  std::vector<double> starts(k);
  for (std::size_t i = 0; i < k; ++i) starts[i] = 1.0 + 0.01 * static_cast<double>(i);
  const double rate = 0.01;
  int calls = 0;
  Watch watch;
  watch.interrupted = [&] { return ++calls > 1; };
  Run run(k, 1);
  std::ranges::fill(run.reason, std::int8_t{-1});
  descend(*program, step, kernels(),
          {static_cast<std::int64_t>(k), starts.data(), {nullptr, &rate}, {}}, {.max_iter = 0},
          run.endings, watch);
  const auto begun = static_cast<std::size_t>(
      std::ranges::count_if(run.reason, [](std::int8_t reason) { return reason >= 0; }));
  CHECK(begun > 0 && begun < k);
  for (std::size_t i = 0; i < begun; ++i) {
    CHECK(run.reason[i] >= 0 && run.iterations[i] == 0);
    CHECK(run.x[i] == starts[i] && run.last_x[i] == starts[i]);
    CHECK(std::abs(run.fun[i] - (std::exp(starts[i]) - std::log(starts[i]))) < 1e-12);
  }
}

TEST(workers_that_share_the_starts_end_each_as_one_worker_does) {
  const Step step = omega({});
  const auto program = lower(step.graph, step.outputs, {{true, false}, Layout::Lanes});
  const std::size_t k = 3000;
  std::vector<double> starts(k);
  for (std::size_t i = 0; i < k; ++i) starts[i] = 0.01 + 0.001 * static_cast<double>(i);
  const double rate = 0.4;
  std::vector<std::unique_ptr<Run>> runs;
  for (const int threads : {1, 2, 5}) {
    Run& run = *runs.emplace_back(std::make_unique<Run>(k, 1));
    std::vector<std::int64_t> not_falls(k), late_rises(k);
    run.endings.not_falls = not_falls.data(), run.endings.late_rises = late_rises.data();
    std::int64_t ended = 0;
    Watch watch;
    watch.progress = [&](std::int64_t now) { CHECK(now >= ended), ended = now; };
    descend(*program, step, kernels(),
            {static_cast<std::int64_t>(k), starts.data(), {nullptr, &rate}, {}},
            {.max_iter = 40, .threads = threads, .count_rises = true}, run.endings, watch);
    CHECK(run.x == runs[0]->x && run.last_x == runs[0]->last_x && run.fun == runs[0]->fun);
    CHECK(run.iterations == runs[0]->iterations && run.reason == runs[0]->reason);
    for (std::size_t i = 0; i < k; i += 97) {  // recomputed here
      double x = starts[i], before = 1e300;
      std::int64_t no_fall = 0, rose = 0;
      for (int t = 0; t <= run.iterations[i]; ++t) {
        const double f = std::exp(x) - std::log(x);
        no_fall += !(f < before), rose += t > 20 && f > before;
        before = f;
        x -= rate * (std::exp(x) - 1.0 / x);
      }
      if (run.reason[i] != static_cast<std::int8_t>(Reason::MaxIterations)) continue;
      // Near the minimum, the library's exp and ours may round differently.
      if (std::abs(run.x[i] - 0.5671432904097838) < 1e-6) continue;
      CHECK(not_falls[i] == no_fall && late_rises[i] == rose);
    }
  }
}

TEST(a_rise_after_a_long_fall_leaves_the_lowest_point_as_the_best) {
  // The values fall, rise a little, fall again below the first, and rise: the best is the lowest.
  const Step told =
      build_step(*find_rule("gradient_descent"), {std::make_shared<Graph>(), -1, 1}, {});
  std::vector<bool> varying(static_cast<std::size_t>(told.at.inputs), false);
  varying[0] = varying[static_cast<std::size_t>(told.at.told_f)] =
      varying[static_cast<std::size_t>(told.at.told_g)] = true;
  const auto program = lower(told.graph, told.outputs, {varying, Layout::Lanes});
  const double start = 0.0, rate = 1.0;
  std::vector<const double*> values(varying.size(), nullptr);
  values[static_cast<std::size_t>(told.at.hyper)] = &rate;
  const double f[] = {9, 8, 7, 7.5, 7.2, 6, 5, 5.5, 5.4, 5.3};
  Run run(1, 1);
  Descent descent(*program, told, {kernels()}, {1, &start, values, {}}, {.max_iter = 9},
                  run.endings, {});
  Question q{};
  for (int i = 0; descent.ask(q); ++i) {
    q.f[0] = f[i];
    q.g[0] = -1.0;  // x counts the evaluations
    descent.tell();
  }
  CHECK(run.fun[0] == 5 && run.x[0] == 6);
  CHECK(run.last_fun[0] == 5.3 && run.last_x[0] == 9);
}
