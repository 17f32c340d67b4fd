// SPDX-License-Identifier: BSD-3-Clause
// A block: the lanes that descend together, as the one loop sees them. A round brings what was
// asked for and moves the lanes; there is one kind of block for rules and one for solvers.
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
  // No larger than gtol, and, where the descent has met no gradient of size, small beside those
  // that it met: a gradient is small in the function's own units.
  double small_gradient(double largest_met) const { return gtol * std::min(1.0, largest_met); }
  std::int64_t max_iter = 1000, max_nfev = INT64_MAX;  // iterations, evaluations
  double max_time = 1e300;                             // in seconds
  int threads = 1;           // that share the starts; of one start, the rows of long arrays
  bool count_rises = false;  // under a rule, for `Endings::not_falls` and `late_rises`
};

// k starts. Values are rows, one a start, where they vary; else one row for all.
struct Starts {
  std::int64_t k = 0;
  const double* x = nullptr;  // (k, n)
  std::vector<const double*>
      values;  // by input of the step; null where the step or a driver fills it
  std::vector<const double*> memory;  // (k, size) each, or null: the method's initial value
};

// Where results go: rows, one a start. What is null is not wanted.
struct Endings {
  double *x, *last_x;      // (k, n); last_x may be null
  double *fun, *last_fun;  // (k), NaN where the next point would not have been finite; likewise
  std::int64_t* iterations;
  std::int8_t* reason;
  double *left, *right;         // both sides of the inequality that decided
  std::vector<double*> memory;  // (k, size) each, at last_x; or null
  std::int64_t *evaluations = nullptr, *curvatures = nullptr;
  double* slope = nullptr;  // (k, n): the gradient at x, NaN where it is not at hand
  // Iterations in which f did not fall, and of those after half of max_iter, in which it
  // rose.
  std::int64_t *not_falls = nullptr, *late_rises = nullptr;
};

// What a driver is asked for, at x of the lanes that are live.
struct Question {
  const double* x;  // element i of lane l: x[i * stride + l]
  double *f, *g;    // to be filled likewise
  std::int64_t stride;
  std::span<const std::int64_t> start;         // of each lane: which start it descends from, or -1
  const double *v = nullptr, *asks = nullptr;  // by lane: a Wants; null where all want values
  double* h = nullptr;  // curvature: the Hessian by rows, or its product with v
};

// Of |f|: changes that may be rounding.
inline constexpr double kRounding = 1e3 * 2.220446049250313e-16;

// Where a lane stands after a round.
struct Position {
  double f, f_before, gradient_norm, change;
  std::int64_t iterations, evaluations, curvatures;
  bool moved;
  Verdict verdict = Verdict::Going;
  double left = 0.0, right = 0.0;
  double steepest = INFINITY;  // the largest gradient norm met
  // At an earlier point, where that is lower by more than rounding; else as at the last.
  double best_f = NAN, best_norm = NAN;
};

// The state of the first lane after an iteration, for callbacks and histories.
struct Report {
  std::int64_t iteration;
  const double *x, *f, *gradient_norm;  // of lane 0: step between elements in `stride`
  std::int64_t stride;
};

// Lanes, a bit each.
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

  // Puts a start into a lane: before the first round, or between a round and `turn`.
  virtual void load(std::int64_t lane, std::int64_t start) = 0;
  // What the next round needs; nothing of a traced objective, which is asked by the block itself.
  virtual void ask(Question& question) = 0;
  // A round; false where it was interrupted on the way.
  virtual bool run() = 0;
  // On to the next round; or back, where a round did not take place.
  virtual void turn() {}
  virtual void turn_back() {}
  // Might a lane end by these tests, or want its best point kept? Those are marked.
  virtual bool wants_look(const Stopping& stopping, Marks& marks) = 0;
  // Where a lane stands, so many rounds after it was loaded.
  virtual Position look(std::int64_t lane, std::int64_t rounds) = 0;
  // Whether a lane that is to end as converged, or as `stuck`, is not to end yet: it goes on from a
  // lower point, or the end is examined.
  virtual bool goes_on(std::int64_t, bool /*doubtful*/, bool /*steep*/) { return false; }
  // Best point, last point and memory of a lane to the endings of a start.
  virtual void finish(std::int64_t lane, std::int64_t start, const Position& at,
                      const Endings& endings) = 0;
  // Of the first lane; false where its iteration is not ended.
  virtual bool report(std::int64_t rounds, Report& report) = 0;

 protected:
  Block(std::int64_t lanes, std::int64_t n) : lanes_(lanes), n_(n) {}

 private:
  std::int64_t lanes_, n_;
};

// With which instructions, and whether blocks are of 8 batches of lanes or of one.
struct Machine {
  const Kernels& kernels;
  bool wide = false;
};

std::unique_ptr<Block> rule_block(const Program& program, const Step& step, const Machine& machine,
                                  const Starts& starts, const Stopping& stopping,
                                  std::function<bool()> interrupted);

// What a solver is set to.
struct Setup {
  const Solver* solver;
  std::int64_t n;
  std::vector<double> hyper;
  Bounds bounds = {};
  const double* scale = nullptr;  // (n), what a variable is measured in, or null
};

// Where a solver's values come from: tapes (x the first input; f, g and, where it is joint, the
// Hessian are the outputs), or a driver, for up to `told_lanes` starts at once.
struct Sources {
  const Program* values = nullptr;
  // The product of the Hessian at x and v, the last input. Where the solver wants a whole Hessian,
  // its rows are the products with unit vectors: the lanes are these, of one start alone.
  const Program* product = nullptr;
  std::int64_t told_lanes = 0;
};

// Up to so many variables the Hessian is made with every value: by then it costs as much as some
// iterations of anything else.
inline constexpr std::int64_t kJointHessian = 16;

std::unique_ptr<Block> solver_block(const Setup& setup, const Sources& sources,
                                    const Machine& machine, const Starts& starts,
                                    const Stopping& stopping, std::function<bool()> interrupted);

// How many numbers a solver remembers of a lane.
std::int64_t remembered(const Setup& setup, const Sources& sources, const Kernels& kernels);

}  // namespace thalweg
