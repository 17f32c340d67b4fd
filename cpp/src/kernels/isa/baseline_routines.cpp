// SPDX-License-Identifier: BSD-3-Clause
// Compiles the numerical routines for the baseline instruction set.
#define THALWEG_ISA baseline
#define THALWEG_ISA_NAME "baseline"
#define THALWEG_ARCH xsimd::sse2
#include "kernels/routines.inl.hpp"
