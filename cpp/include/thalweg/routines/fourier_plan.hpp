// SPDX-License-Identifier: BSD-3-Clause
// How a Fourier transform of a length is computed, as a table of numbers for its kernel.
#pragma once
#include <cstdint>
#include <vector>

namespace thalweg {

// The largest radix of a pass.
inline constexpr int kLargestRadix = 128;

// Appends a plan for n >= 1 numbers:
// * a number of passes, their radices, and for each pass cos and sin of 2 pi k / r for k < r if the
//   radix r is odd, and for each 0 < j < r the real and the imaginary parts of e^(-2 pi i j p / n')
//   for p < m, if m > 1, where n' = r m is the length that the passes before have left;
// * or -1, m, and what run_chirp in kernels/routines/fourier.inl.hpp needs.
void append_plan(std::int64_t n, std::vector<double>& table);

// The numbers that the transform needs beside its input and output.
std::int64_t plan_work(std::int64_t n);

// Appends `scale` times cos(2 pi k / n) for k < count, and then the same with sin.
void append_circle(std::int64_t n, std::int64_t count, double scale, std::vector<double>& table);

}  // namespace thalweg
