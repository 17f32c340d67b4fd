// SPDX-License-Identifier: BSD-3-Clause
// The lowered form of a graph: a flat array of instructions over numbered slots, which are reused
// once their values are dead. A program has a tape for values that differ between lanes, and a
// prologue that computes all others once.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "thalweg/graph/expression.hpp"
#include "thalweg/kernels/kernels.hpp"

namespace thalweg {

enum class Space : std::uint8_t { None, Scratch, Input, Output, Number, Uniform };

// Where a value is: at element `offset` of a slot, an input, an output, or a value shared by all
// lanes.
struct Place {
  Space space = Space::None;
  std::int32_t index = 0;
  std::int64_t offset = 0;
  bool operator==(const Place&) const = default;
};

struct Instruction {
  std::int16_t code;
  Mode mode[3] = {Mode::Number, Mode::Number, Mode::Number};
  bool chained = false;  // a single element, passed in registers
  bool store = true;
  Place r{}, in[3] = {};
  std::int64_t n = 1;                  // elements of the result
  bool whole[3] = {true, true, true};  // per operand: n elements, or else one, repeated
  std::int32_t extent = -1;
};

// An Extent that owns its arrays.
struct OwnedExtent {
  Extent sizes;
  std::vector<std::int64_t> shape, from, to, from_table, to_table;
  std::shared_ptr<const LookupTable> table;
  std::shared_ptr<const Routine> routine;
  Extent linked() const;
};

struct Tape {
  std::vector<Instruction> code;
  std::vector<std::int64_t> slots;  // capacity in elements
  std::vector<double> numbers;
  std::deque<OwnedExtent> extents;
  Layout layout = Layout::Lanes;
  std::string print() const;  // one readable line per instruction
};

// The source of a value in Space::Uniform: a uniform input, data, or a result of the prologue.
struct UniformSource {
  enum class From : std::uint8_t { Input, Data, Prologue } from;
  std::int32_t index;
};

// How to lay out a program, and which inputs differ between lanes.
struct Lowering {
  std::vector<bool> varying;  // by input number
  Layout layout = Layout::Lanes;
  bool everything = false;  // for a prologue: also compute what no varying input affects
};

struct RowPlan;
namespace machine {
class Codes;
}

struct Program {
  std::shared_ptr<Graph> graph;  // keeps data alive
  std::vector<std::int64_t> input_sizes, output_sizes;
  std::vector<bool> varying;
  Tape body;
  std::vector<UniformSource> uniform;
  std::vector<DataArray> data;
  std::unique_ptr<Program> prologue;  // layout Elements; its outputs are the computed uniforms
  std::unique_ptr<RowPlan> rows;      // used instead of a tape in the layout Rows
  // The program's machine code, in the care of that room; it lives as long as the program.
  mutable std::once_flag coded;
  mutable std::shared_ptr<machine::Codes> codes;
  std::string print() const;
  Program();
  ~Program();
};

// Lowers the outputs. Of the `input_count` inputs, those in `how.varying` differ between lanes.
std::unique_ptr<Program> lower(std::shared_ptr<Graph> graph, std::span<const NodeId> outputs,
                               Lowering how);

// Chooses the layout for k lanes: Rows for long arrays, whatever k is; otherwise Lanes, or Elements
// for a single lane with enough elements.
Layout layout_for(const Graph& graph, std::span<const NodeId> outputs, int width, std::int64_t k);

// The programs of given outputs, lowered once for each layout and each choice of varying inputs.
// Any thread may request one. Programs never change.
class Programs {
 public:
  Programs(std::shared_ptr<Graph> graph, std::vector<NodeId> outputs)
      : graph_(std::move(graph)), outputs_(std::move(outputs)) {}
  const Program& with(const std::vector<bool>& varying, Layout layout);
  // For k lanes in batches of `width`.
  const Program& for_lanes(const std::vector<bool>& varying, int width, std::int64_t k);

 private:
  const Program& made(const std::vector<bool>& varying, Layout layout);

  std::shared_ptr<Graph> graph_;
  std::vector<NodeId> outputs_;
  UnforkedMutex<std::mutex> mutex_;  // locked before the graph's lock, never while that is held
  std::deque<std::tuple<std::vector<bool>, Layout, std::unique_ptr<Program>>> made_;
  std::optional<Layout> one_, many_;  // layouts for one lane, for more
};

}  // namespace thalweg
