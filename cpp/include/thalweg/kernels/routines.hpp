// SPDX-License-Identifier: BSD-3-Clause
// Numerical routines, compiled once for each instruction set: for a batch of lanes, and for one
// array of doubles.
#pragma once
#include <cstdint>

namespace thalweg {

// One array of the batch: what it reads, its result and its memory, in C order and without gaps. A
// number is a batch of lanes in `lanes`, a double in `alone`.
struct RoutineCall {
  const std::int64_t* sizes;
  const double* table;  // numbers that the routine prepared
  const double* in[3];
  double *out, *work;
};

struct RoutineKernel {
  void (*lanes)(const RoutineCall&);
  void (*alone)(const RoutineCall&);
};

// In the order of kernels/routines.inl.hpp.
enum class RoutineCode : std::uint8_t {
  Recurrence,
  Triangle,
  Triangular,
  Cholesky,
  CholeskyAdjoint,
  Lu,
  Solve,
  Inverse,
  LogDeterminant,
  Determinant,
  Cofactors,
  Eigh,
  Qr,
  Svd,
  Pinv,
  Expm,
  ExpmDerivative,
  Fft,
  Rfft,
  Irfft,
  Sort,
  Permute,
  Custom,
  Count
};

// Up to these orders matrices are factored in lanes, and diagonalized by rotations in lanes; larger
// ones are alone. Panels of so many rows or columns are factored together, then multiplied.
inline constexpr std::int64_t kMatrixInLanes = 32, kMatrixRotatedInLanes = 16, kMatrixPanel = 64;

// A part of a matrix: a triangle, with or without its diagonal or with half of it; the lower
// triangle mirrored to the upper; the upper one added to the lower.
enum class MatrixPart : std::uint8_t {
  Lower,
  StrictLower,
  Upper,
  StrictUpper,
  HalvedLower,
  Mirrored,
  Folded
};

}  // namespace thalweg
