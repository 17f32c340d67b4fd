// SPDX-License-Identifier: BSD-3-Clause
// A block: the lanes that descend together, as the descent loop sees them. A round takes the values
// that were requested and moves the lanes. There is one kind of block for rules and one for
// solvers.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "thalweg/descent/solver.hpp"
#include "thalweg/descent/step.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {

// When to stop; a tolerance of 0 switches its test off.
struct Stopping {
  double gtol = 0.0, xtol = 0.0, ftol = 0.0;
  // The largest gradient norm that counts as converged: gtol, or gtol times the largest norm met if
  // that is below 1, since a gradient is small only in the function's own units.
  double small_gradient(double largest_met) const { return gtol * std::min(1.0, largest_met); }
  std::int64_t max_iter = 1000, max_nfev = INT64_MAX;  // iterations, evaluations
  double max_time = 1e300;                             // in seconds
  int threads = 1;           // threads share the starts or, of one start, the rows of long arrays
  bool count_rises = false;  // under a rule, for `Endings::not_falls` and `late_rises`
};

// A point is worse than another only if its f is higher by more than this times max(1, |f|), the
// rounding of the value.
inline constexpr double kSlack = 4 * 2.220446049250313e-16;

// k starts. Each array has one row per start, or a single row if its values are the same for all.
struct Starts {
  std::int64_t k = 0;
  const double* x = nullptr;          // (k, n)
  std::vector<const double*> values;  // by input; null if the step or a driver sets it
  std::vector<const double*> memory;  // (k, size) each; null for the method's initial value
};

// Where results are written: one row per start. A null pointer means that the result is not wanted.
struct Endings {
  double *x, *last_x;      // (k, n); last_x may be null
  double *fun, *last_fun;  // (k), NaN if the next point is not finite; last_fun may be null
  std::int64_t* iterations;
  std::int8_t* reason;
  double *left, *right;         // both sides of the inequality that ended it
  std::vector<double*> memory;  // (k, size) each, at last_x; or null
  std::int64_t *evaluations = nullptr, *curvatures = nullptr;
  double* slope = nullptr;  // (k, n): the gradient at x, NaN if unknown
  // The number of iterations in which f did not fall, and the number after half of max_iter in
  // which it rose.
  std::int64_t *not_falls = nullptr, *late_rises = nullptr;
};

// What the descent requests from a driver, at the points x of the running lanes.
struct Question {
  const double* x;  // element i of lane l: x[i * stride + l]
  double *f, *g;    // to be filled in the same layout
  std::int64_t stride;
  std::span<const std::int64_t> start;         // by lane: its start, or -1
  const double *v = nullptr, *asks = nullptr;  // asks: by lane, a Wants; null if all want values
  double* h = nullptr;  // curvature: the rows of the Hessian, or its product with v
};

// Changes of f up to this times |f| may be rounding.
inline constexpr double kRounding = 1e3 * 2.220446049250313e-16;

// The position of a lane after a round.
struct Position {
  double f, f_before, gradient_norm, change;
  std::int64_t iterations, evaluations, curvatures;
  bool moved;
  Verdict verdict = Verdict::Going;
  double left = 0.0, right = 0.0;
  double steepest = INFINITY;  // the largest gradient norm met
  // The lowest value at an earlier point, if it is lower by more than rounding; else the latest.
  double best_f = NAN, best_norm = NAN;
};

// The state of the first lane after an iteration, for callbacks and histories.
struct Report {
  std::int64_t iteration;
  const double *x, *f, *gradient_norm;  // of lane 0; elements are `stride` apart
  std::int64_t stride;
};

// A set of lanes, one bit each.
class Marks {
 public:
  explicit Marks(std::int64_t lanes)
      : lanes_(lanes), words_(static_cast<std::size_t>((lanes + 63) / 64 + 1), 0) {}
  std::uint64_t* data() { return words_.data(); }
  void clear() { std::ranges::fill(words_, 0); }
  void all() { std::ranges::fill(words_, ~std::uint64_t{0}); }
  template <class F> void each(F f) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t left = words_[w]; left != 0; left &= left - 1) {
        const std::int64_t lane = static_cast<std::int64_t>(w) * 64 + std::countr_zero(left);
        if (lane >= lanes_) return;
        f(lane);
      }
  }

 private:
  std::int64_t lanes_;
  std::vector<std::uint64_t> words_;
};

class Block {
 public:
  virtual ~Block() = default;
  std::int64_t lanes() const { return lanes_; }
  std::int64_t n() const { return n_; }

  // Loads a start into a lane, before the first round or between a round and `turn`.
  virtual void load(std::int64_t lane, std::int64_t start) = 0;
  // Requests what the next round needs. A block evaluates a traced objective itself and then needs
  // nothing.
  virtual void ask(Question& question) = 0;
  // Runs a round; or up to `most`, turning between them, if nothing has to be looked at before.
  // Returns how many were run, 0 if the first was interrupted.
  virtual std::int64_t run(std::int64_t most) = 0;
  // Moves on to the next round, or back if a round did not take place.
  virtual void turn() {}
  virtual void turn_back() {}
  // Marks lanes that may have ended or need their best point saved; returns whether there are any.
  virtual bool wants_look(const Stopping& stopping, Marks& marks) = 0;
  // The position of a lane, `rounds` after it was loaded.
  virtual Position look(std::int64_t lane, std::int64_t rounds) = 0;
  // Whether a lane that would end as converged, or as `stuck`, continues instead: from a lower
  // point, or because the endpoint has to be examined first.
  virtual bool goes_on(std::int64_t, bool /*doubtful*/, bool /*steep*/) { return false; }
  // Writes a lane's best point, last point and memory to the endings of a start.
  virtual void finish(std::int64_t lane, std::int64_t start, const Position& at,
                      const Endings& endings) = 0;
  // Writes the state in which a single start ended: `remembered` numbers.
  virtual void state(double* /*to*/) {}
  // Reports the first lane. Returns false if its iteration is not complete.
  virtual bool report(std::int64_t rounds, Report& report) = 0;

 protected:
  Block(std::int64_t lanes, std::int64_t n) : lanes_(lanes), n_(n) {}

 private:
  std::int64_t lanes_, n_;
};

// The instruction set, and whether blocks have 8 batches of lanes or one.
struct Machine {
  const Kernels& kernels;
  bool wide = false;
};

std::unique_ptr<Block> rule_block(const Program& program, const Step& step, const Machine& machine,
                                  const Starts& starts, const Stopping& stopping,
                                  std::function<bool()> interrupted);

// A solver and its settings.
struct Setup {
  const Solver* solver;
  std::int64_t n;
  std::vector<double> hyper;
  Bounds bounds = {};
  const double* scale = nullptr;  // (n), the unit of each variable, or null
};

// Where a solver's values come from: tapes whose first input is x and whose outputs are f, g and,
// if it is computed jointly, the Hessian; or a driver, for up to `told_lanes` starts at once.
struct Sources {
  const Program* values = nullptr;
  // The product of the Hessian at x with v, the last input. If the solver needs the full Hessian,
  // its rows are the products with unit vectors. They are the lanes then, for a single start.
  const Program* product = nullptr;
  std::int64_t told_lanes = 0;
};

// Up to this many variables the Hessian is computed with every value. At this size it costs as much
// as some iterations of any other method.
inline constexpr std::int64_t kJointHessian = 16;

std::unique_ptr<Block> solver_block(const Setup& setup, const Sources& sources,
                                    const Machine& machine, const Starts& starts,
                                    const Stopping& stopping, std::function<bool()> interrupted);

// How many numbers a solver remembers per lane.
std::int64_t remembered(const Setup& setup, const Sources& sources, const Kernels& kernels);

}  // namespace thalweg
