// SPDX-License-Identifier: BSD-3-Clause
// A tape as primitive operations on one batch of lanes.
#pragma once
#include <optional>
#include <vector>

#include "thalweg/lowering/tape.hpp"
#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// A number that is the same in all lanes: element `offset` of a uniform value of the program, or,
// if `source` is negative, one of the numbers that rounds are tested with.
struct UniformNumber {
  std::int32_t source;
  std::int64_t offset;
  bool operator==(const UniformNumber&) const = default;
};
inline constexpr std::int32_t kSlackNumber = -1, kGradientNumber = -2, kStepNumber = -3;

// What ends rounds under a rule, as the block tests it: f rises above its limit or is not finite,
// the gradient norm or the change of the round before is at most a bound.
struct RoundTest {
  int f = -1;              // number of the output f, or -1: no test
  int gradient_norm = -1;  // output, or -1
  bool change = false;
  auto operator<=>(const RoundTest&) const = default;
};

// Buffers: inputs, then outputs, then these.
enum class TestBuffer : std::int32_t { FBefore, Limit, ChangeBefore, Count };

// What becomes of the numbers of a row, where each lane is a row and the code goes through all rows
// in one go: arrays written, sums over rows continued. Buffers: inputs, then the arrays, then the
// partial sums, then a batch for each output, in which its last rows wait for those that follow.
struct RowStream {
  // Output `output` of the row so many rows before.
  struct Term {
    std::size_t output;
    std::int64_t rows_before;
    auto operator<=>(const Term&) const = default;
  };
  enum class Start : std::uint8_t { Nothing, Zero, Old };
  // Terms added in order to what the element starts with; Nothing has one term.
  struct Array {
    Start start;
    std::vector<Term> terms;
    auto operator<=>(const Array&) const = default;
  };
  struct Join {
    std::size_t output;
    Reduction kind;
    auto operator<=>(const Join&) const = default;
  };
  std::vector<Array> arrays;
  std::vector<Join> joins;
  int in_place = -1;  // the array that may be an input too, element by element, or -1
  auto operator<=>(const RowStream&) const = default;
  std::size_t buffers(const Program& program) const {
    return program.input_sizes.size() + arrays.size() + joins.size() + program.output_sizes.size();
  }
};

struct Translation {
  std::vector<Operation> operations;
  std::vector<UniformNumber> uniforms;
};

// Nothing if a part of the tape has no primitive operations, or if there would be too many.
// `batch`: doubles in a batch.
std::optional<Translation> translate(const Program& program, int batch, const RoundTest& test);
// For values of one element each. Terms are at most a batch of rows before.
std::optional<Translation> translate(const Program& program, int batch, const RowStream& stream);

}  // namespace thalweg::machine
