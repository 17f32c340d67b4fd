// SPDX-License-Identifier: BSD-3-Clause
// What a plan over rows knows about each node. plan.cpp decides it, and build.cpp turns it into
// stages.
#pragma once
#include <optional>

#include "thalweg/lowering/rows.hpp"

namespace thalweg::rows {

// The axis along which an array is processed row by row, counted from the right; and its length.
struct Lead {
  std::int64_t rows = 1;
  int axis = -1;
  bool operator==(const Lead&) const = default;
};
// The first axis with a length above one.
Lead lead_of(const Shape& shape);

enum class How : std::uint8_t {
  External,  // input, data, constant
  View,      // of an array in memory; needs no work
  Whole,     // computed all at once
  Row,       // computed row by row in a loop
  Result,    // a loop's reduction over rows
  Built,     // an array assembled from parts
};

struct Info {
  How how = How::External;
  bool reached = false;
  bool spread = false;  // Row: the same in every row, computed where it is used
  bool late = false;    // Row: recomputed in a loop after its own
  int cost = 0;         // Row: operations to recompute it where it is used; 0: too many
  bool stored = false;  // Row: used outside its loop
  bool kept = false;    // View: also stored as an array; others still read the array that it views
  Lead lead;            // Row, Result: its axis (Result: that of its first operand)
  int time = 0;         // Row, Result: of its loop; loops at the same time have no order
  int done = 0;         // the time from which it is an array in memory
};

std::vector<Info> classify(const Graph& g, std::span<const NodeId> outputs);

// An array in memory, or a view of one, as rows along an axis; empty if the other axes cannot be
// combined into one. Offset and strides are in bytes if the base is data that is not contiguous
// doubles.
struct Access {
  NodeId base;
  std::int64_t offset, row_stride, inner_stride, width;
};
// The numbers of such data.
std::shared_ptr<const Numbers> numbers_of(const Graph& g, NodeId base);
std::optional<Access> access_along(const Graph& g, const std::vector<Info>& info, NodeId id,
                                   Lead lead);
// The same as a single run of doubles, converted if necessary.
std::optional<Access> contiguous(const Graph& g, const std::vector<Info>& info, NodeId id);
// The common stride and length of all axes except `rows` (an index; -1: none), if they can be
// combined into one.
std::optional<std::pair<std::int64_t, std::int64_t>> one_axis(const Shape& shape,
                                                              const Shape& strides, int rows);

// Whether a view takes each of its rows from the same row of its operand.
bool within_row(const Graph& g, NodeId view, Lead in, Lead out);
// Whether a view is the same in every row.
bool repeats_rows(const Graph& g, NodeId view, Lead lead);

}  // namespace thalweg::rows
