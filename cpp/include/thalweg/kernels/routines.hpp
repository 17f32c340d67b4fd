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
enum class RoutineCode : std::uint8_t { Recurrence, Fft, Rfft, Irfft, Custom, Count };

}  // namespace thalweg
