// SPDX-License-Identifier: BSD-3-Clause
// The one loop. It holds a block of lanes, says at which points it needs what, and is told; counts,
// tests, the best point, reasons and the queue of starts live here, once for every method and every
// source of values.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "thalweg/evaluate.hpp"
#include "thalweg/method.hpp"

namespace thalweg {

// Why a lane ended. The names are the Python enumeration's.
enum class Reason : std::int8_t {
  GradientSmall,
  StepSmall,
  ValueSettled,
  PrecisionLimit,
  MaxIterations,
  MaxEvaluations,
  MaxTime,
  Diverged,
  LeftDomain,
  NonFinite,
  StoppedByCallback,
  Interrupted,
  Stuck,
};

// When to stop; a tolerance of 0 switches its test off.
struct Stopping {
  double gtol = 0.0, xtol = 0.0, ftol = 0.0;
  std::int64_t max_iterations = 1000, max_evaluations = INT64_MAX;
  double max_seconds = 1e300;
  int threads = 1;  // that share the rows of long arrays
};

// k starts. Values are rows, one a start, where they vary; else one row for all.
struct Starts {
  std::int64_t k = 0;
  const double* x = nullptr;  // (k, n)
  std::vector<const double*>
      values;  // by input of the step; null where the step or a driver fills it
  std::vector<const double*> memory;  // (k, size) each, or null: the method's initial value
};

// Where results go: rows, one a start.
struct Endings {
  double *x, *last_x;      // (k, n)
  double *fun, *last_fun;  // (k); NaN where the next point would not have been finite
  std::int64_t* iterations;
  std::int8_t* reason;
  double *left, *right;         // both sides of the inequality that decided
  std::vector<double*> memory;  // (k, size) each, at last_x; or null
};

// The state of the first lane after an iteration, for callbacks and histories.
struct Report {
  std::int64_t iteration;
  const double *x, *f, *gradient_norm;  // of lane 0: step between elements in `stride`
  std::int64_t stride;
};

struct Watch {
  std::function<bool()> interrupted;  // asked a few times in 100 ms; true ends all lanes
  std::function<bool(const Report&)>
      report;  // after every iteration, the start included; true stops
};

// What a driver is asked for: value and gradient at x of the lanes that are live.
struct Question {
  const double* x;  // element i of lane l: x[i * stride + l]
  double *f, *g;    // to be filled likewise
  std::int64_t stride;
  std::span<const std::int64_t> start;  // of each lane: which start it descends from, or -1
};

class Descent {
 public:
  Descent(const Program& program, const Step& step, const Method& method, const Kernels& kernels,
          bool wide, Starts starts, Stopping stopping, Endings endings, Watch watch);

  // What is needed next; false when every start has ended. A traced objective needs nothing: it is
  // part of the step.
  bool ask(Question& question);
  void tell();
  // Starts that were loaded at all: fewer than k where the descent was stopped as a whole.
  std::int64_t begun() const { return begun_ < 0 ? next_start_ : begun_; }

 private:
  void load(std::int64_t lane, std::int64_t start, std::size_t age);
  void review();
  bool wants_review();
  bool rises();
  void look_at(std::int64_t lane);
  void finish(std::int64_t lane, Reason reason, double left, double right);
  void finish_all(Reason reason, double left, double right);
  void check_clock();
  void abandon();
  double* x(std::size_t age) const { return block_.ring_at(x_ring_, age); }

  struct Latest {
    const double *f, *f_before, *x, *x_before, *norm, *change;
    void read(const Descent& d);
  };

  const Program& program_;
  const Step& step_;
  const Method& method_;
  const Kernels& kernels_;
  const Starts starts_;
  const Stopping stopping_;
  const Endings endings_;
  const Watch watch_;
  Evaluator block_;
  std::int64_t lanes_, next_start_ = 0, active_ = 0, iteration_ = 0, longest_, deadline_,
                       begun_ = -1;
  std::size_t x_ring_, f_ring_, change_ring_ = 0;
  std::vector<std::size_t> memory_rings_, per_start_;  // inputs that have a row for each start
  std::vector<std::int64_t> start_,
      since_;  // by lane: which start, and the iteration at which it was loaded
  std::vector<double> limit_, saved_x_,
      saved_f_;  // by lane: f above which a point is worse than the best; the best point left
  Latest latest_{};
  std::int64_t check_in_ = 1, check_every_ = 1;
  double began_, checked_;
};

// Descends from every start with a traced objective; how many were begun.
std::int64_t descend(const Program& program, const Step& step, const Method& method,
                     const Kernels& kernels, const Starts& starts, const Stopping& stopping,
                     const Endings& endings, const Watch& watch);

}  // namespace thalweg
