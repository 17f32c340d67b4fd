// SPDX-License-Identifier: BSD-3-Clause
// Primitive operations as machine code: a function that makes rounds over a block of lanes.
#pragma once
#include <cstdint>
#include <vector>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// What the code is called with. Buffers turn from round to round: a table holds their addresses in
// one phase, and the tables of all phases stand side by side.
struct Rounds {
  const double *const *first, *const *begin, *const *end;  // the table to start with; all tables
  std::int64_t most;                                       // rounds to make, at least 1
  const double* pool;
  std::int64_t bytes;  // of one element's lanes in the block
};
// Makes rounds until one in which a lane has to be looked at; returns how many.
using Function = std::int64_t (*)(const Rounds*);

// What stands in the pool, a batch for each: a constant or a uniform number repeated, or a table.
struct PoolEntry {
  Primitive what;
  std::uint64_t bits;
};

struct Assembled {
  std::vector<std::uint8_t> bytes;
  std::vector<PoolEntry> pool;
};

// For a block of `lanes` lanes, `batches` batches of them at once, whose buffers are `buffers`
// many. Work that stays with compiled functions is done by the handlers of `kernels`. No bytes if
// too many values wait at once.
Assembled assemble(const std::vector<Operation>& operations, std::int64_t lanes, int batches,
                   int buffers, const Kernels& kernels);

}  // namespace thalweg::machine
