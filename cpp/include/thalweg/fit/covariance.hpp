// SPDX-License-Identifier: BSD-3-Clause
// The covariance of fitted parameters, from the Jacobian itself: the normal matrix has its
// condition squared.
#pragma once
#include <cstdint>

namespace thalweg {

// What a fit leaves: its cost, half the sum of squares, and the number of its data.
struct Misfit {
  double cost = 0.0;
  std::int64_t data = 0;  // 0: not known
};

// How many columns are independent, and the last pivot, of columns of length one: 0 where not all
// are. Rank -1 where all are, and no data are left to say how large the variance is.
struct Determined {
  std::int64_t rank;
  double least;
};

// (J'J)^-1 by Householder's QR with column pivoting of columns scaled to length one. `columns` are
// J's, one after the other (n, m), and are overwritten; those that are `held` (null: none) are left
// out, their rows and columns of the result NaN. Where the others are dependent to rounding, the
// result is infinite there, and `loose` (n) marks those that take part in it. Else it is scaled by
// the variance that the misfit leaves to its degrees of freedom, infinite where there are none, if
// its data are known.
//
// covariance: (n, n).
Determined covariance(double* columns, std::int64_t n, std::int64_t m, const bool* held,
                      const Misfit& misfit, double* covariance, bool* loose);

}  // namespace thalweg
