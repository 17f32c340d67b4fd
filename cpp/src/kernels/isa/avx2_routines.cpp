// SPDX-License-Identifier: BSD-3-Clause
// Compiles the numerical routines for AVX2 with fused multiply-add.
#define THALWEG_ISA avx2
#define THALWEG_ISA_NAME "avx2"
#define THALWEG_ARCH xsimd::fma3<xsimd::avx2>
#include "kernels/routines.inl.hpp"
