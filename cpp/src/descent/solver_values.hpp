// SPDX-License-Identifier: BSD-3-Clause
// What the lanes of a block under a solver wait for: tapes evaluate it, or a driver fills the room
// that is lent to it.
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
  // `across`: lanes lie across the batches, else the elements of one lane.
  SolverValues(const Setup& setup, const Sources& sources, const Machine& machine, bool across,
               std::int64_t lanes, const Starts& starts, const Stopping& stopping,
               const std::function<bool()>& interrupted);

  // Where x lies, and what is told goes.
  const Question& question() const { return question_; }
  double* x() { return const_cast<double*>(question_.x); }
  bool joint() const { return joint_; }  // the matrix comes with every value
  bool traced() const { return values_ != nullptr; }
  // Is curvature asked for by itself?
  bool curved() const { return products_ || rows_; }
  // What a start is given besides x, into a lane.
  void load(std::int64_t lane, std::int64_t start);
  // False where it was interrupted.
  bool evaluate() { return values_->run(); }
  bool curve(Patience& patience);

 private:
  void trace(const Sources& sources, const Machine& machine, const Stopping& stopping,
             const std::function<bool()>& interrupted);
  void open(Evaluator& e, const Program& program, const Stopping& stopping,
            const std::function<bool()>& interrupted);
  double* own(std::unique_ptr<Aligned>& vector) const;
  void lend();
  void load(Evaluator& e, std::int64_t lane, std::int64_t start);

  const Needs needs_;
  const std::int64_t n_, width_, lanes_;
  const bool across_;
  const Starts& starts_;
  std::unique_ptr<Evaluator> values_, products_;
  std::unique_ptr<HessianRows> rows_;
  bool joint_ = false;
  bool whole_ = false;  // Hessians are made of products
  bool bent_ = false;   // products depend on x: where f is quadratic, they do not read it
  struct Argument {
    std::size_t input;
    std::int64_t size;
  };
  std::vector<Argument> per_start_;
  std::unique_ptr<Aligned> x_, v_, told_;
  Question question_{};
};

}  // namespace thalweg
