// SPDX-License-Identifier: BSD-3-Clause
// Runs programs with long arrays tile by tile. A plan cuts a graph into stages: loops over the rows
// of a long leading axis, whose intermediate results stay in the cache, and the work between these
// loops. In a loop each lane holds one row: the loop's program is that of a single row, and
// reductions over rows sum over lanes.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "thalweg/lowering/tape.hpp"

namespace thalweg {

// The length from which an axis counts as long.
inline constexpr std::int64_t kLong = 256;

// An array that stages read or write: an input or output of the program, data, or an intermediate.
struct RowBuffer {
  enum class From : std::uint8_t { Input, Output, Data, Own } from;
  std::int32_t index = 0;
  std::int64_t size = 0;
  bool zero = false;  // starts at zero, because stages add to it
};

// Where element c of row i is: at offset + i row_stride + c inner_stride. If the rows are converted
// first, `buffer` is a conversion of the loop and i counts from the start of its block.
struct RowAccess {
  std::int32_t buffer = -1;
  std::int64_t offset = 0, row_stride = 0, inner_stride = 1, width = 1;
  bool converted = false;
  bool operator==(const RowAccess&) const = default;
};

// Rows of numbers that are not contiguous doubles, converted one block at a time. Strides are in
// bytes.
struct RowConversion {
  std::shared_ptr<const Numbers> numbers;
  std::int64_t offset, row_stride, inner_stride, width;
  // Where the rows are in their block, which is ordered as NumPy orders "K": by rows or by columns.
  RowAccess block(std::int32_t number) const;
  void read(std::int64_t row, std::int64_t count, double* to) const;
  bool operator==(const RowConversion&) const = default;
};
// The most rows in a block: the number of the widest lanes.
inline constexpr std::int64_t kBlockRows = 64;

// Contiguous elements.
struct RowSpan {
  std::int32_t buffer = -1;
  std::int64_t offset = 0, size = 0;
  bool operator==(const RowSpan&) const = default;
};

// z_j = sum_k rows(k) weights[k k_stride + j n_stride]: a product that reads its rows in place.
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
    std::int64_t reach = 0;  // for additions: the last row written is this far after the first
  };
  // An array that only this loop adds to. It is set to zero ahead of the rows.
  struct Built {
    std::int32_t buffer;
    std::int64_t row_stride, reach, size;
  };
  using Operand = std::variant<RowAccess, std::size_t>;  // in memory, or an output of the program
  struct Join {    // reduces `width` elements each over the rows
    Operand from;  // if in memory, only contiguous single elements
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
  std::optional<std::size_t> in_place;  // the store that overwrites an input, row by row
  std::vector<Built> built;
  bool in_order = false;  // rows add to elements of distant rows, so chunks run one after another
  // Whether the stores add in the same order however many rows are processed at a time.
  bool any_block = true;
  std::vector<Join> joins;
  std::vector<Contraction> contractions;
};

// A stage that runs once on whole arrays.
struct WholeStage {
  std::unique_ptr<Program> program;  // layout Elements, every input varying
  std::vector<RowSpan> inputs;
  std::vector<std::int32_t> outputs;  // buffers
};

// Writes one part into an array that is assembled from parts.
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
  std::vector<Copy> copies;  // outputs that no stage writes directly
  std::string print() const;

  // Lends memory for a run: a set that is not in use, or a new one. give_back() keeps it for later.
  std::unique_ptr<RowRun> borrow(const Kernels& kernels) const;
  void give_back(std::unique_ptr<RowRun> run) const;

 private:
  mutable UnforkedMutex<std::mutex> lock_;
  mutable std::vector<std::unique_ptr<RowRun>> idle_;
};

// Whether any reachable node has a long axis that can be processed row by row.
bool has_rows(const Graph& graph, std::span<const NodeId> outputs);

std::unique_ptr<RowPlan> plan_rows(Graph& graph, std::span<const NodeId> outputs);

// Memory for a plan, which it runs on `threads` threads, including the caller's. The caller's
// thread calls `stop` a few times per 100 ms. If it returns true the run ends, returns false, and
// leaves the outputs incomplete.
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
