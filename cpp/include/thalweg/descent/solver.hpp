// SPDX-License-Identifier: BSD-3-Clause
// What is known of a solver at run time. A solver decides where values are wanted next (line
// searches, trust regions); it is written once, for one batch of lanes, generic in the batch and in
// what lies across it: lanes, or the elements of one lane. solver_block.cpp feeds it; descend.hpp
// counts and tests for every method.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "thalweg/rules/rule.hpp"

namespace thalweg {

// What a solver is told at the points that it asks for.
enum class Needs : std::uint8_t {
  Value,          // f
  Gradient,       // f and g
  Hessian,        // f and g, and where it says so the Hessian (n, n)
  Normal,         // f and g and, with every one of them, J'J (n, n): sums of squares
  HessianVector,  // f and g, or where it says so the product of the Hessian and a vector
};

// What a lane waits for.
enum class Wants : std::uint8_t { Values, Curvature };

// How a solver itself judges a lane.
enum class Verdict : std::uint8_t {
  Going,
  PrecisionLimit,
  Stuck,
  NonFinite,
  Diverged,
  ValueSettled,
  Kink
};

// What a solver keeps of a lane for everyone to see: numbers by lane, one array each.
namespace standing {
enum Row : std::uint8_t {
  F,            // the value where it stands
  Before,       // and at the iterate before
  Norm,         // largest component of the projected gradient there
  Change,       // |x - before| / (1 + |x|), norms of the largest element
  Best,         // the least value that was told
  Steepest,     // the largest Norm so far
  Iterations,   // made so far
  Evaluations,  // of the value, or of value and gradient together
  Curvatures,   // Hessians, or products with it
  Moved,        // 1 where the round just told ended an iteration; a start counts
  Fresh,        // kNew or kResumed where what is told next is the value at a start
  Asks,         // a Wants
  Judged,       // a Verdict, negated
  Left,         // both sides of the inequality behind it
  Right,
  Count
};
}

// A start that nothing is known of, or one whose memory was put back.
inline constexpr double kNew = 1.0, kResumed = 2.0;

// Thrown out of work on a matrix, which may take seconds, when the descent is to end.
struct Abandoned {};

// One batch of lanes, or one lane whose elements lie across batches, as a solver sees it. Element i
// of x, g and v is at p[i * step]; where lanes lie across, a batch of them.
struct SolverCall {
  std::int64_t n, step;
  bool together;                // one start alone: what holds for a lane holds for the batch
  bool joint;                   // the Hessian comes with every value
  double *x, *v;                // where values are wanted; along what a product with the Hessian is
  const double *f, *g, *h;      // told there; h is the Hessian by rows, or the product
  const double *lower, *upper;  // (n), padded to whole batches; null without bounds
  const double* scale;          // likewise: what a variable is measured in, or null
  double ftol;                  // for solvers that judge by themselves whether f has settled
  const double* hyper;
  double* memory;    // the solver's own
  double* standing;  // the first lane's number in the first row
  std::int64_t row;  // from one row to the next
  // Told how many numbers were worked on since the last time; throws Abandoned. Null where all of a
  // solver's work is over at once. What a lane stood at when it is thrown is a point that it had
  // reached, and what is carried says how to go on from there.
  void (*worked)(void* watcher, std::int64_t numbers);
  void* watcher;
};

// The iterate; the best point, where that is another; the gradient at the iterate.
enum class Which : std::uint8_t { Iterate, Best, Slope };

struct SolverKernels {
  // Doubles of memory that a batch needs; n, hyper and the bounds are set.
  std::int64_t (*size)(const SolverCall&);
  // Told what it asked for, it goes on. `fresh` lanes forget what they knew.
  void (*tell)(const SolverCall&);
  // What the lane knows, to or from a plain array; how many numbers (counted alone where `flat` is
  // null).
  std::int64_t (*exchange)(const SolverCall&, std::int64_t lane, double* flat, bool save);
  // n numbers of the lane; NaN where the solver has none.
  void (*point)(const SolverCall&, std::int64_t lane, Which which, double* to);
};

// One solver, for the elements of one lane and for lanes across the batches; and for lanes of one,
// two, … kFewVariables variables. The build sets how many (0: none), since each costs compile time.
inline constexpr std::int64_t kFewVariables = THALWEG_FEW_VARIABLES;
struct SolverPair {
  SolverKernels elements, lanes;
  const SolverKernels* few;
};

struct Solver {
  const char *name, *class_name, *summary, *source;
  std::span<const rules::Hyper> hyper;
  Needs needs;
  bool settles;  // judges by itself whether f has settled
  int index;     // in a set's table of SolverPair
};
std::span<const Solver> all_solvers();
const Solver* find_solver(std::string_view name);

}  // namespace thalweg
