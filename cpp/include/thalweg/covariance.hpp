// SPDX-License-Identifier: BSD-3-Clause
// The covariance of fitted parameters, from the Jacobian itself: the normal matrix has its
// condition squared.
#pragma once
#include <cstdint>

namespace thalweg {

// (J'J)^-1 by Householder's QR with column pivoting (P. Businger and G. H. Golub 1965, Numer. Math.
// 7, 269-276) of columns scaled to length one. `columns` are J's, one after the other (n, m), and
// are overwritten; those that are `held` (null: none) are left out, their rows and columns of the
// result NaN. Where the others are dependent to rounding, the result is infinite there.
//
// covariance: (n, n). How many columns are independent.
std::int64_t covariance(double* columns, std::int64_t n, std::int64_t m, const bool* held,
                        double* covariance);

}  // namespace thalweg
