// SPDX-License-Identifier: BSD-3-Clause
// The operations of tapes as primitive operations.
#pragma once
#include <array>

#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// Appends an elementary operation on batches of `lanes` doubles to the current recording.
Value operate(int code, int lanes, const std::array<Value, 3>& in);

// The sine and cosine of an angle.
struct SineCosine {
  Value sine, cosine;
};
SineCosine sine_cosine(int lanes, Value angle);

}  // namespace thalweg::machine
