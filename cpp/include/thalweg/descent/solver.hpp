// SPDX-License-Identifier: BSD-3-Clause
// The run-time description of a solver. A solver decides where values are needed next, by line
// searches or trust regions. It is written once, generic in the batch and in what a batch holds:
// lanes, or the elements of one lane. solver_block.cpp gives it values; descend.hpp counts and
// tests for every method.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "thalweg/rules/rule.hpp"

namespace thalweg {

// What a solver receives at the points that it requests.
enum class Needs : std::uint8_t {
  Value,          // f
  Gradient,       // f and g
  Hessian,        // f and g and, on request, the Hessian (n, n)
  Normal,         // f, g and always J'J (n, n): for sums of squares
  HessianVector,  // f and g or, on request, the product of the Hessian and a vector
};

// What a lane waits for.
enum class Wants : std::uint8_t { Values, Curvature };

// A solver's own judgement of a lane.
enum class Verdict : std::uint8_t {
  Going,
  PrecisionLimit,
  Stuck,
  NonFinite,
  Diverged,
  ValueSettled,
  Kink
};

// What a solver publishes about each lane: one array per quantity, with a number per lane.
namespace standing {
enum Row : std::uint8_t {
  F,            // the value at the iterate
  Before,       // the value at the previous iterate
  Norm,         // the largest component of the projected gradient there
  Change,       // |x - before| / (1 + |x|), in maximum norms
  Best,         // the least value received
  Steepest,     // the largest Norm so far
  Iterations,   // the number made so far
  Evaluations,  // of the value, or of value and gradient together
  Curvatures,   // Hessians, or products with them
  Moved,        // 1 if the latest round completed an iteration; a start counts as one
  Fresh,        // kNew or kResumed if the next value is the one at a start
  Asks,         // a Wants
  Judged,       // a Verdict, negated
  Left,         // both sides of the inequality behind the verdict
  Right,
  Noise,  // of f, if that ended the descent; else 0
  Count
};
}

// A new start, or a start whose memory was restored.
inline constexpr double kNew = 1.0, kResumed = 2.0;

// Thrown out of work on a matrix, which may take seconds, when the descent has to end.
struct Abandoned {};

// One batch of lanes, or one lane whose elements fill batches, as a solver sees it. Element i of x,
// g and v is at p[i * step]; for a batch of lanes, one batch is there.
struct SolverCall {
  std::int64_t n, step;
  bool together;  // a single start: what is true of a lane is true of the batch
  bool joint;     // the Hessian comes with every value
  double *x, *v;  // x: where values are needed; v: the vector that the Hessian is multiplied by
  const double *f, *g, *h;  // received there; h holds the Hessian's rows, or the product
  // Bounds, null without any: for a batch of lanes, those of element i are the batch at
  // p[i * bound_step]; for the elements of one lane, (n), padded to full batches.
  const double *lower, *upper;
  std::int64_t bound_step;
  const double* scale;  // (n), padded: the unit of each variable, or null
  double ftol;          // for solvers that decide themselves whether f has settled
  const double* hyper;
  double* memory;    // the solver's own
  double* standing;  // row 0, at the first lane
  std::int64_t row;  // the distance between rows
  // Receives the count of numbers processed since the last call, and may throw Abandoned. Null if a
  // solver's work is always short. When it throws, each lane's iterate is a point that it had
  // reached, and its memory is enough to continue from there.
  void (*worked)(void* watcher, std::int64_t numbers);
  void* watcher;
};

// The iterate; the best point, if it is another; the gradient at the iterate.
enum class Which : std::uint8_t { Iterate, Best, Slope };

struct SolverKernels {
  // The memory of a batch, in doubles. The call's n, hyper and bounds must be set.
  std::int64_t (*size)(const SolverCall&);
  // Continues with the values that it requested. `fresh` lanes forget what they knew.
  void (*tell)(const SolverCall&);
  // Copies what the lane knows to or from a plain array. Returns the count of numbers; if `flat` is
  // null, it only counts.
  std::int64_t (*exchange)(const SolverCall&, std::int64_t lane, double* flat, bool save);
  // Writes n numbers of the lane; NaN if the solver has none.
  void (*point)(const SolverCall&, std::int64_t lane, Which which, double* to);
};

// One solver, compiled for the elements of one lane and for lanes side by side; and, if it is often
// used so (SolversOfFewVariables), for lanes of exactly one, two, … kFewVariables variables. The
// build sets this number (0: none), as each costs compile time.
inline constexpr std::int64_t kFewVariables = THALWEG_FEW_VARIABLES;
struct SolverPair {
  SolverKernels elements, lanes;
  const SolverKernels* few;  // null if there are none
};

struct Solver {
  const char *name, *class_name, *summary, *source;
  std::span<const rules::Hyper> hyper;
  Needs needs;
  bool settles;  // decides itself whether f has settled
  bool models;   // knows enough of the curvature to tell how far f can fall
  int index;     // in an instruction set's table of SolverPair
};
std::span<const Solver> all_solvers();
const Solver* find_solver(std::string_view name);

}  // namespace thalweg
