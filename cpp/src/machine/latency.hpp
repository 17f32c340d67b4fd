// SPDX-License-Identifier: BSD-3-Clause
// How long instructions take, for those who order them.
#pragma once
#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// Cycles from operands to result, about, on AMD's and Intel's cores.
inline int latency(Primitive p) {
  if (p < Primitive::Load || has_effect(p)) return 0;
  if (p == Primitive::Load) return 7;
  if (p == Primitive::Divide) return 13;
  if (p == Primitive::SquareRoot) return 20;
  const bool rounds = (p >= Primitive::Add && p <= Primitive::Multiply) ||
                      (p >= Primitive::MultiplyAdd && p <= Primitive::NegativeMultiplyAdd);
  return rounds ? 4 : p >= Primitive::Round && p <= Primitive::Entry ? 3 : 1;
}

}  // namespace thalweg::machine
