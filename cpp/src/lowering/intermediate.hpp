// SPDX-License-Identifier: BSD-3-Clause
// Between graph and tape: a list of steps whose operands are places, arrays of a few elements taken
// apart, products fused. The same for both layouts, so that the layout never shows in the bits.
// select.cpp makes it, fuse.cpp joins products to sums, hoist.cpp takes out what runs once,
// emit.cpp orders and writes it.
#pragma once
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "thalweg/lowering/tape.hpp"

namespace thalweg::intermediate {

// In this form Space::Scratch means the result of step `index`.
struct Part {
  Place from;
  std::int64_t n = 1;
  bool whole = true;  // n elements, or one repeated
  Placement at;
  Shape shape;  // of the part: what the placement's strides run over
};

struct Step {
  std::int16_t code;
  std::int8_t arity = 0;
  Place in[3] = {};
  bool whole[3] = {true, true, true};
  std::int64_t n = 1;
  std::int32_t extent = -1;
  std::int32_t partner = -1;  // SinCos: the step that takes the cosine
  std::int32_t parts = -1;    // assembled from parts
  bool accumulate = false;
  std::int32_t uses = 0;
  bool dead = false;
  Place pinned{};  // to an output, or into an assembled step (Space::Scratch)
};

// Assembling has no code of its own: it becomes moves.
inline constexpr std::int16_t kAssemble = -1;
inline constexpr std::int16_t kCosine = -2;  // the second result of its partner

struct List {
  std::vector<Step> steps;
  std::vector<std::vector<Part>> parts;
  std::vector<double> numbers;
  std::deque<OwnedExtent> extents;
  std::vector<NodeId> inputs;              // the inputs that are reached
  std::vector<NodeId> uniform;             // nodes that stand in Space::Uniform
  std::vector<std::vector<Part>> outputs;  // what each output is made of
};

// Arrays of at most so many elements are taken apart, so that their elements chain in registers.
inline constexpr std::int64_t kApart = 4;

List select(Graph& graph, std::span<const NodeId> outputs, const std::vector<bool>& varying,
            bool everything);
void fuse(List& list);
// Takes out of a list what is the same in every lane; `input_of` says which of its uniform values
// are inputs, and which number they have (else -1). The results that are handed over become the
// list's uniform values behind those that it has.
std::optional<List> hoist(List& list, std::span<const std::int32_t> input_of);
Tape emit(List& list, Layout layout);

}  // namespace thalweg::intermediate
