// SPDX-License-Identifier: BSD-3-Clause
// Running a program: memory for one block of lanes, and the tape linked to it for one instruction set. Belongs to one thread.
#pragma once
#include <memory>
#include <vector>

#include "thalweg/tape.hpp"

namespace thalweg {

// Memory aligned to a cache line and to the widest batch; never shrinks.
class Aligned {
 public:
  explicit Aligned(std::size_t doubles);
  double* get() const { return memory_.get(); }

 private:
  struct Free { void operator()(double* p) const; };
  std::unique_ptr<double[], Free> memory_;
};

class Evaluator {
 public:
  // `wide`: blocks of 8 batches, else of one. The layout Elements has one lane.
  Evaluator(const Program& program, const Kernels& kernels, bool wide);

  // Lanes handled together.
  std::int64_t lanes() const { return lanes_; }
  // Doubles from one element of an input or output to the next.
  std::int64_t step() const { return program_.body.layout == Layout::Lanes ? lanes_ : 1; }
  double* input(std::size_t k) { return inputs_[k]; }
  double* output(std::size_t k) { return outputs_[k]; }
  void bind_uniform(std::size_t k, const double* values);
  // From here on input k and output j change places at every swap(): the result of one run is the next one's input.
  void pair(std::size_t input, std::size_t output);
  void swap();
  // Computes what is uniform; after every change of a uniform input and before the first run.
  void prepare();
  void run() const { handlers_.run(current_->data()); }

 private:
  const double* uniform(std::size_t k) const;
  void link();
  std::vector<Linked> linked() const;

  const Program& program_;
  const Kernels& kernels_;
  const Handlers& handlers_;
  std::int64_t lanes_;
  std::unique_ptr<Aligned> memory_;
  std::vector<double*> inputs_, outputs_;
  std::vector<const double*> uniform_inputs_;
  std::vector<double*> slots_;
  std::unique_ptr<Evaluator> prologue_;
  std::vector<std::pair<std::size_t, std::size_t>> pairs_;
  std::vector<Extent> extents_;
  std::vector<Linked> code_, swapped_code_;
  const std::vector<Linked>* current_ = nullptr;
};

}  // namespace thalweg
