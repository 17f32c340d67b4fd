// SPDX-License-Identifier: BSD-3-Clause
// Compiles the numerical routines for AVX-512.
#define THALWEG_ISA avx512
#define THALWEG_ISA_NAME "avx512"
#define THALWEG_ARCH xsimd::avx512bw
#include "kernels/routines.inl.hpp"
