// SPDX-License-Identifier: BSD-3-Clause
// What a plan over rows knows of each node. plan.cpp finds it, build.cpp makes stages of
// it.
#pragma once
#include <optional>

#include "thalweg/lowering/rows.hpp"

namespace thalweg::rows {

// The axis along which an array is taken row by row, counted from the right, and its length.
struct Lead {
  std::int64_t rows = 1;
  int axis = -1;
  bool operator==(const Lead&) const = default;
};
// The first axis that is longer than one.
Lead lead_of(const Shape& shape);

enum class How : std::uint8_t {
  External,  // input, data, constant
  View,      // of an array in memory: nothing to do
  Whole,     // made all at once
  Row,       // made row by row in a loop
  Result,    // what a loop's rows add up to
  Built,     // an array that parts are laid into
};

struct Info {
  How how = How::External;
  bool reached = false;
  bool spread = false;  // Row: the same in every row, made where it is used
  bool late = false;    // Row: made again in a loop after its own
  int cost = 0;         // Row: operations to make it again where it is used; 0: too many
  bool stored = false;  // Row: others than its loop see it
  bool kept = false;    // View: an array of its own as well; others still see what it is a view of
  Lead lead;            // Row, Result: along which axis (Result: of its first operand)
  int time = 0;         // Row, Result: of its loop; loops of one time have no order
  int done = 0;         // from when it is an array in memory
};

std::vector<Info> classify(const Graph& g, std::span<const NodeId> outputs);

// An array in memory, or a view of one, as rows along an axis; none where the others are not one.
// Offset and strides are in bytes where the base is data of other numbers than doubles side by
// side.
struct Access {
  NodeId base;
  std::int64_t offset, row_stride, inner_stride, width;
};
// Those numbers, where it is.
std::shared_ptr<const Numbers> numbers_of(const Graph& g, NodeId base);
std::optional<Access> access_along(const Graph& g, const std::vector<Info>& info, NodeId id,
                                   Lead lead);
// The same as one run of elements, which are doubles, if converted ones.
std::optional<Access> contiguous(const Graph& g, const std::vector<Info>& info, NodeId id);
// Stride and length of the axes but `rows` (an index; -1: of all), if they are as good as one.
std::optional<std::pair<std::int64_t, std::int64_t>> one_axis(const Shape& shape,
                                                              const Shape& strides, int rows);

// Does a view take each of its rows from the same row of its operand?
bool within_row(const Graph& g, NodeId view, Lead in, Lead out);
// Is a view the same in every row?
bool repeats_rows(const Graph& g, NodeId view, Lead lead);

}  // namespace thalweg::rows
