// SPDX-License-Identifier: BSD-3-Clause
// Numerical routines: what is computed for each array of a batch by a kernel of the instruction
// set. A routine states its sizes and derivatives; kernels/routines/ has what it computes.
#pragma once
#include <mutex>
#include <vector>

#include "thalweg/graph/routine.hpp"
#include "thalweg/kernels/routines.hpp"

namespace thalweg {

class Numeric : public Routine, public std::enable_shared_from_this<Numeric> {
 public:
  using Sizes = std::vector<std::int64_t>;

  // sizes[0] is the number of arrays in the batch, the others are the routine's own.
  const Sizes& sizes() const { return sizes_; }
  std::int64_t batch() const { return sizes_[0]; }
  bool equals(const Routine& other) const override;
  std::uint64_t hash() const override;
  std::unique_ptr<RoutineWork> work(const Kernels& kernels, Layout layout,
                                    std::int64_t lanes) const override;

  virtual std::size_t inputs() const = 0;
  // Numbers for one array of the batch: of an input, the result, the memory of the work.
  virtual std::int64_t input_size(std::size_t input) const = 0;
  virtual std::int64_t output_size() const = 0;
  virtual std::int64_t work_size() const { return 0; }
  // Whether lanes are computed one after another, which suits large arrays.
  virtual bool alone() const { return false; }
  // Numbers for the kernel that depend on the sizes alone, made when they are first asked for.
  const std::vector<double>& table() const {
    const Unforked waits;  // a child would wait for what nobody goes on to make
    std::call_once(made_, [this] { table_ = make_table(); });
    return table_;
  }
  RoutineCode code() const { return code_; }

 protected:
  Numeric(RoutineCode code, Sizes sizes) : sizes_(std::move(sizes)), code_(code) {}
  double size(std::size_t k) const { return static_cast<double>(sizes_[k]); }
  virtual std::vector<double> make_table() const { return {}; }

 private:
  Sizes sizes_;
  RoutineCode code_;
  mutable std::once_flag made_;
  mutable std::vector<double> table_;
};

// The routine of a name, with sizes that make sense for it.
std::shared_ptr<const Numeric> make_numeric(const std::string& name, Numeric::Sizes sizes);
// A node of it. Throws ShapeError if an input or the shape does not have the routine's sizes.
NodeId numeric(Graph& graph, const std::string& name, std::span<const NodeId> inputs,
               Numeric::Sizes sizes, const Shape& shape);

}  // namespace thalweg
