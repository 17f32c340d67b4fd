// SPDX-License-Identifier: BSD-3-Clause
// Machine code for a loop over rows that are single numbers side by side: it goes through all rows
// of a tile in one call, reads and writes arrays where they lie, merges what several terms add to
// an element into one store, and continues sums over rows.
#pragma once
#include "thalweg/lowering/rows.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg::rows {

// What the code does, and where its arrays lie.
struct StreamPlan {
  struct Array {
    std::int32_t buffer;
    std::int64_t offset;        // of the element that row 0 completes
    std::ptrdiff_t built = -1;  // in the loop's list of such arrays, or -1
  };
  machine::RowStream rows;
  std::vector<Array> arrays;
  std::int64_t left = 0;  // rows at the end of a chunk that reach beyond it
};
// A plan and its code, which is null if there is nothing to compute.
struct StreamCode {
  StreamPlan plan;
  std::shared_ptr<const machine::Code> code;
};
// Null if the loop does other work too, if terms of an element are more than a batch of rows apart,
// or if there can be no code.
std::shared_ptr<const StreamCode> stream_code(const RowLoop& loop, const Kernels& kernels);

// The code at work in one thread. Rows go in whole batches; what is left is for others to do.
class Stream {
 public:
  Stream(const RowLoop& loop, const Kernels& kernels, const StreamCode& of);
  const StreamPlan& plan() const { return plan_; }
  // Fetches the numbers that are the same for all rows.
  void refresh(const Evaluator& block);
  // Begins with row `first`. Up to end(), rows are for the stream.
  void start(std::int64_t first, std::int64_t chunk_end, bool last);
  std::int64_t end() const { return end_; }
  // Rows [row, until), the first of a tile. `partials`: of each join of the loop.
  void run(double* const* base, std::int64_t row, std::int64_t until,
           std::span<double* const> partials);
  // Adds what the rows before end() have for elements that they do not complete.
  void flush(double* const* base);

 private:
  const RowLoop& loop_;
  const RowKernels& rows_;
  const StreamPlan& plan_;
  const std::int64_t width_;
  Aligned pool_, waiting_;  // waiting: the last batch of each output
  std::unique_ptr<machine::Run> run_;
  std::int64_t end_ = 0;
};

}  // namespace thalweg::rows
