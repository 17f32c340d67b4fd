// SPDX-License-Identifier: BSD-3-Clause
#define THALWEG_ISA avx2
#define THALWEG_ISA_NAME "avx2"
#define THALWEG_ARCH xsimd::fma3<xsimd::avx2>
#include "kernels/solvers.inl.hpp"
