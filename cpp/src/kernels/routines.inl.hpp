// SPDX-License-Identifier: BSD-3-Clause
// Compiles the numerical routines. Included once per instruction set; everything has internal
// linkage through `Here`, except the table at the end.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/kernels/limits.hpp"
#include "thalweg/kernels/routines.hpp"
#include "thalweg/kernels/simd.hpp"
#include "thalweg/ops.hpp"
#include "thalweg/routines/fourier_plan.hpp"

namespace thalweg::THALWEG_ISA {
namespace {

struct Here;
using V = Vec<THALWEG_ARCH, Here>;
constexpr std::int64_t W = static_cast<std::int64_t>(V::kSize);

// clang-format off: each file uses definitions from those before it.
#include "kernels/trees.inl.hpp"
#include "kernels/matmul.inl.hpp"
#include "kernels/matmul_elements.inl.hpp"
#include "kernels/routines/scalar.inl.hpp"
#include "kernels/routines/vectors.inl.hpp"
#include "kernels/routines/panels.inl.hpp"
#include "kernels/routines/recurrence.inl.hpp"
#include "kernels/routines/custom.inl.hpp"
#include "kernels/routines/cholesky.inl.hpp"
#include "kernels/routines/lu.inl.hpp"
#include "kernels/routines/rotations.inl.hpp"
#include "kernels/routines/eigh.inl.hpp"
#include "kernels/routines/bidiagonal.inl.hpp"
#include "kernels/routines/svd.inl.hpp"
#include "kernels/routines/expm.inl.hpp"
#include "kernels/routines/fourier_passes.inl.hpp"
#include "kernels/routines/fourier.inl.hpp"
#include "kernels/routines/sort.inl.hpp"
// clang-format on

template <class T> T* numbers(double* p) { return reinterpret_cast<T*>(p); }
template <class T> const T* numbers(const double* p) { return reinterpret_cast<const T*>(p); }

// A routine R is a struct with a template `run<T>(sizes, table, in, out, work)`. One that is always
// alone has none for batches.
template <class R, class T> void run(const RoutineCall& c) {
  const T* in[] = {numbers<T>(c.in[0]), numbers<T>(c.in[1]), numbers<T>(c.in[2])};
  R::template run<T>(c.sizes, c.table, in, numbers<T>(c.out), numbers<T>(c.work));
}
template <class R> constexpr RoutineKernel kernel() { return {&run<R, V>, &run<R, double>}; }

constexpr RoutineKernel kRoutines[] = {
    kernel<Recurrence>(),
    kernel<Triangle>(),
    kernel<Triangular>(),
    kernel<Cholesky>(),
    kernel<CholeskyAdjoint>(),
    kernel<Lu>(),
    kernel<Solve>(),
    kernel<Inverse>(),
    kernel<LogDeterminant>(),
    kernel<Determinant>(),
    kernel<Cofactors>(),
    kernel<Eigh>(),
    kernel<Qr>(),
    kernel<Svd>(),
    kernel<Pinv>(),
    kernel<Expm>(),
    kernel<ExpmDerivative>(),
    kernel<Fft>(),
    kernel<Rfft>(),
    kernel<Irfft>(),
    kernel<Sort>(),
    kernel<Permute>(),
    kernel<Custom>(),
};
static_assert(std::size(kRoutines) == static_cast<std::size_t>(RoutineCode::Count));

}  // namespace

extern const RoutineKernel* routine_table();
const RoutineKernel* routine_table() { return kRoutines; }

}  // namespace thalweg::THALWEG_ISA
