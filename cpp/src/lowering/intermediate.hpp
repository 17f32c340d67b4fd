// SPDX-License-Identifier: BSD-3-Clause
// The form between graph and tape: a list of steps whose operands are places, with small arrays
// split into elements and products fused. It is the same for both layouts, so that the layout never
// changes the bits. select.cpp creates it, fuse.cpp fuses products into sums, hoist.cpp moves out
// what runs once, and emit.cpp orders the steps and writes the tape.
#pragma once
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "thalweg/lowering/tape.hpp"

namespace thalweg::intermediate {

inline std::int16_t code16(int c) { return fitted<std::int16_t>(c); }
template <class Form> std::int16_t code_of() { return code16(kCode<Form>); }

// In this form Space::Scratch means the result of step `index`.
struct Part {
  Place from;
  std::int64_t n = 1;
  bool whole = true;  // n elements, or else one, repeated
  Placement at;
  Shape shape;  // of the part; the placement's strides refer to its axes
};

struct Step {
  std::int16_t code;
  std::int8_t arity = 0;
  Place in[3] = {};
  bool whole[3] = {true, true, true};
  std::int64_t n = 1;
  std::int32_t extent = -1;
  std::int32_t partner = -1;  // SinCos: the step for the cosine
  std::int32_t parts = -1;    // the parts that it is assembled from
  bool accumulate = false;
  std::int32_t uses = 0;
  bool dead = false;
  Place pinned{};  // written to an output, or into an assembled step (Space::Scratch)
};

// Assembling has no opcode: it becomes moves.
inline constexpr std::int16_t kAssemble = -1;
inline constexpr std::int16_t kCosine = -2;  // the second result of its partner

struct List {
  std::vector<Step> steps;
  std::vector<std::vector<Part>> parts;
  std::vector<double> numbers;
  std::deque<OwnedExtent> extents;
  std::vector<NodeId> inputs;              // the inputs that outputs need
  std::vector<NodeId> uniform;             // the nodes in Space::Uniform
  std::vector<std::vector<Part>> outputs;  // the parts of each output
};

// Arrays with at most this many elements are split, so that their elements chain in registers.
inline constexpr std::int64_t kApart = 4;

List select(Graph& graph, std::span<const NodeId> outputs, const std::vector<bool>& varying,
            bool everything);
void fuse(List& list);
// Moves steps that are the same in every lane out of a list. `input_of` gives the input number of
// each of its uniform values, or -1. Results that the list still needs are appended to its uniform
// values.
std::optional<List> hoist(List& list, std::span<const std::int32_t> input_of);
Tape emit(List& list, Layout layout);

}  // namespace thalweg::intermediate
