// SPDX-License-Identifier: BSD-3-Clause
// The covariance of fitted parameters, computed from the Jacobian itself, since the normal matrix
// has the square of its condition number.
#pragma once
#include <cstdint>

namespace thalweg {

// The result of a fit: its cost, half the sum of squares, and the number of data.
struct Misfit {
  double cost = 0.0;
  std::int64_t data = 0;  // 0 if unknown
};

// The number of independent columns, and the last pivot of the columns scaled to length one; 0 if
// not all are independent. The rank is -1 if all are, but there are no degrees of freedom to
// estimate the variance from.
struct Determined {
  std::int64_t rank;
  double least;
};

// (J'J)^-1 by Householder's QR with column pivoting, of columns scaled to length one. `columns` are
// J's, one after another (n, m), and are overwritten. Those that are `held` (null: none) are left
// out: their rows and columns of the result are NaN. If the others are dependent to rounding, the
// result is infinite for the dependent ones, which `loose` (n) marks. Otherwise, if the number of
// data is known, the result is scaled by the residual variance, which is infinite without degrees
// of freedom.
//
// covariance: (n, n).
Determined covariance(double* columns, std::int64_t n, std::int64_t m, const bool* held,
                      const Misfit& misfit, double* covariance, bool* loose);

}  // namespace thalweg
