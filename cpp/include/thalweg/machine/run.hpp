// SPDX-License-Identifier: BSD-3-Clause
// A program's machine code at work in one block: the block's uniform numbers beside the constants,
// and the tables of its buffers.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "thalweg/machine/code.hpp"

namespace thalweg::machine {

class Run {
 public:
  // `tables`: the addresses of all buffers in each phase. `room` has a batch of `width` doubles for
  // each entry of the pool and is aligned to a batch; `bytes`: of the lanes of one element.
  Run(std::shared_ptr<const Code> code, std::vector<const double*> tables, std::size_t phases,
      double* room, int width, std::int64_t bytes);
  static std::size_t room(const Code& code, int width) {
    return code.pool.size() * static_cast<std::size_t>(width);
  }

  // Puts the uniform numbers, which `number_of` finds, into the pool.
  template <class F> void refresh(const F& number_of) {
    for (std::size_t k = 0; k < code_->pool.size(); ++k)
      if (const PoolEntry& e = code_->pool[k]; e.what == Primitive::Uniform)
        repeat(k, number_of(code_->uniforms[static_cast<std::size_t>(e.bits)]));
  }
  // Makes up to `most` rounds from a phase on, until a lane has to be looked at; returns how many.
  std::int64_t operator()(std::size_t phase, std::int64_t most) {
    rounds_.first = tables_.data() + phase * buffers_;
    rounds_.most = most;
    return function_(&rounds_);
  }

  // Where the address of a buffer stands in the first phase.
  const double** place_of(const double* buffer);
  // Where there is one phase: sets the address of a buffer, by its number.
  void point_at(std::size_t buffer, const double* values) { tables_[buffer] = values; }
  // Changes how many bytes of lanes there are.
  void limit(std::int64_t bytes) { rounds_.bytes = bytes; }

 private:
  void repeat(std::size_t entry, double number);

  std::shared_ptr<const Code> code_;
  Function function_;
  std::vector<const double*> tables_;
  std::size_t buffers_;
  double* pool_;
  int width_;
  Rounds rounds_{};
};

}  // namespace thalweg::machine
