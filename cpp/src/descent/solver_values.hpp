// SPDX-License-Identifier: BSD-3-Clause
// The values that the lanes of a solver's block wait for: tapes compute them, or a driver writes
// them into memory that it is lent.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "descent/hessian_rows.hpp"
#include "thalweg/descent/block.hpp"
#include "thalweg/running/workers.hpp"

namespace thalweg {

inline std::int64_t padded(std::int64_t n, std::int64_t width) {
  return (n + width - 1) / width * width;
}

class SolverValues {
 public:
  // `across`: batches hold lanes; otherwise the elements of one lane.
  SolverValues(const Setup& setup, const Sources& sources, const Machine& machine, bool across,
               std::int64_t lanes, const Starts& starts, const Stopping& stopping,
               const std::function<bool()>& interrupted);

  // The locations of x and of the requested values.
  const Question& question() const { return question_; }
  double* x() { return const_cast<double*>(question_.x); }
  bool joint() const { return joint_; }  // the matrix comes with every value
  bool traced() const { return values_ != nullptr; }
  // Whether curvature is requested separately.
  bool curved() const { return products_ || rows_; }
  // Copies a start's further inputs into a lane.
  void load(std::int64_t lane, std::int64_t start);
  // Returns false if it was interrupted.
  bool evaluate() { return values_->run(); }
  bool curve(Patience& patience);

 private:
  void trace(const Sources& sources, const Machine& machine, const Stopping& stopping,
             const std::function<bool()>& interrupted);
  void open(Evaluator& e, const Program& program, const Stopping& stopping,
            const std::function<bool()>& interrupted);
  double* own(std::unique_ptr<Aligned>& vector) const;
  void lend();

  const Needs needs_;
  const std::int64_t n_, width_, lanes_;
  const bool across_;
  const Starts& starts_;
  std::unique_ptr<Evaluator> values_, products_;
  std::unique_ptr<HessianRows> rows_;
  bool joint_ = false;
  bool whole_ = false;  // Hessians are assembled from products
  bool bent_ = false;   // products depend on x, unless f is quadratic
  // Further inputs that differ between starts. Products need not read all that values do.
  struct Argument {
    Evaluator* reader;
    std::size_t input;
    std::int64_t size;
  };
  std::vector<Argument> per_start_;
  std::unique_ptr<Aligned> x_, v_, told_;
  Question question_{};
};

}  // namespace thalweg
