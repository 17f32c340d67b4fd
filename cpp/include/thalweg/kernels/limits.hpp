// SPDX-License-Identifier: BSD-3-Clause
// The limit of a lane: the f above which a point is worse than the best one so far.
#pragma once
#include "thalweg/kernels/batch.hpp"

namespace thalweg {

// The limit after a point with value f: at most f + slack max(1, |f|). NaN changes nothing.
template <AnyBatch V> THALWEG_INLINE V lowered_limit(V limit, V f, V slack) {
  return smaller(limit, fma(slack, larger(V(1.0), abs(f)), f));
}

}  // namespace thalweg
