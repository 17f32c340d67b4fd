// SPDX-License-Identifier: BSD-3-Clause
// Long arrays, tile by tile. A plan cuts a graph into stages: loops over the rows of a long leading
// axis, whose intermediates never leave the cache, and whatever else there is between them. Within
// a loop a row is a lane: its program is that of one row, and what rows add up to is summed over
// lanes.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "thalweg/lowering/tape.hpp"

namespace thalweg {

// Axes from which on an array is long.
inline constexpr std::int64_t kLong = 256;

// An array between stages: an input or output of the program, data, or the plan's own.
struct RowBuffer {
  enum class From : std::uint8_t { Input, Output, Data, Own } from;
  std::int32_t index = 0;
  std::int64_t size = 0;
  bool zero = false;  // built by additions
};

// Element c of row i of an array stands at offset + i row_stride + c inner_stride. Or of a block of
// converted rows; `buffer` then says which of a loop's, and i is counted within it.
struct RowAccess {
  std::int32_t buffer = -1;
  std::int64_t offset = 0, row_stride = 0, inner_stride = 1, width = 1;
  bool converted = false;
  bool operator==(const RowAccess&) const = default;
};

// Rows of other numbers than doubles side by side, converted a block at a time; in bytes.
struct RowConversion {
  std::shared_ptr<const Numbers> numbers;
  std::int64_t offset, row_stride, inner_stride, width;
  // Where they lie in their block, which is as doubles in NumPy's order "K" would be: row after
  // row, or column after column.
  RowAccess block(std::int32_t number) const;
  void read(std::int64_t row, std::int64_t count, double* to) const;
  bool operator==(const RowConversion&) const = default;
};
// Rows in a block, at most: those of the widest lanes.
inline constexpr std::int64_t kBlockRows = 64;

// Elements that lie side by side.
struct RowSpan {
  std::int32_t buffer = -1;
  std::int64_t offset = 0, size = 0;
  bool operator==(const RowSpan&) const = default;
};

// z_j = sum_k rows(k) weights[k k_stride + j n_stride]: a product that reads its rows where they
// lie.
struct RowProduct {
  RowAccess rows;
  RowSpan weights;
  std::int64_t k_stride = 1, n_stride = 1, n = 1;
};

struct RowLoop {
  struct Store {
    std::size_t output;
    RowAccess to;
    bool add;
    std::int64_t reach = 0;  // of what is added: so many rows after those of the first part
  };
  // An array that this loop alone adds to: it is set to zero ahead of the rows.
  struct Built {
    std::int32_t buffer;
    std::int64_t row_stride, reach, size;
  };
  using Operand = std::variant<RowAccess, std::size_t>;  // in memory, or an output of the program
  struct Join {                                          // over rows, of each of `width` elements
    Operand from;  // in memory only single elements side by side
    Reduction kind;
    std::int32_t buffer;
    std::int64_t width;
  };
  struct Contraction {  // (m, n): sum over rows of left(i) right(j)
    Operand left, right;
    std::int64_t m, n;
    std::int32_t buffer;
  };
  std::int64_t rows = 0;
  std::unique_ptr<Program> program;  // layout Lanes
  std::vector<RowConversion> conversions;
  // A span is the same for all rows.
  std::vector<std::variant<RowSpan, RowAccess, RowProduct>> inputs;
  std::vector<Store> stores;
  std::vector<Built> built;
  bool in_order = false;  // rows add to each other's far away, so that chunks must wait
  std::vector<Join> joins;
  std::vector<Contraction> contractions;
};

// Arrays in, arrays out, all at once.
struct WholeStage {
  std::unique_ptr<Program> program;  // layout Elements, every input varying
  std::vector<RowSpan> inputs;
  std::vector<std::int32_t> outputs;  // buffers
};

// A part laid into an array that is built of parts.
struct PatchStage {
  std::int32_t from, to;
  Shape shape;
  Placement at;
  bool add;
};

class RowRun;

struct RowPlan {
  RowPlan();
  ~RowPlan();
  std::vector<RowBuffer> buffers;
  std::vector<DataArray> data;
  std::vector<std::variant<WholeStage, PatchStage, RowLoop>> stages;
  struct Copy {
    std::int32_t buffer;
    std::size_t output;
  };
  std::vector<Copy> copies;  // outputs that are no stage's own
  std::string print() const;

  // Memory for a run, kept from one to the next: one that nobody uses, or a new one.
  std::unique_ptr<RowRun> borrow(const Kernels& kernels) const;
  void give_back(std::unique_ptr<RowRun> run) const;

 private:
  mutable std::mutex lock_;
  mutable std::vector<std::unique_ptr<RowRun>> idle_;
};

// Does anything reached have a long axis along which it can be taken row by row?
bool has_rows(const Graph& graph, std::span<const NodeId> outputs);

std::unique_ptr<RowPlan> plan_rows(Graph& graph, std::span<const NodeId> outputs);

// Memory for a plan, and its run on `threads` threads, the caller's among them. `stop` is asked by
// the caller's thread a few times in 100 ms; true ends the run, which then returns false and leaves
// outputs half done.
class RowRun {
 public:
  RowRun(const RowPlan& plan, const Kernels& kernels);
  ~RowRun();
  bool run(std::span<const double* const> inputs, std::span<double* const> outputs, int threads = 1,
           const std::function<bool()>& stop = {});

 private:
  struct Whole;
  struct Loop;
  const RowPlan& plan_;
  std::vector<std::vector<double>> own_;
  std::vector<double*> base_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::unique_ptr<Whole>> wholes_;
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
};

}  // namespace thalweg
