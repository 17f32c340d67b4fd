// SPDX-License-Identifier: BSD-3-Clause
// Cholesky's factor A = R'R of small matrices, one per lane, and solving with it. It works by rows,
// so that the same code serves many lanes and the elements of one lane, with the same bits.
#pragma once
#include <cstdint>

#include "thalweg/solvers/state.hpp"

namespace thalweg::solvers {

template <class B> struct Cholesky {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Vector = typename B::Vector;
  using Matrix = typename B::Matrix;
  const SolverCall& call;
  const B& b;
  // Holds A at first, of which the upper triangle is read; then R, but with reciprocals on the
  // diagonal, since solving would otherwise wait for divisions.
  Matrix r;

  // Returns the lanes where every pivot is above `rank` times its diagonal element of A. In other
  // lanes R is meaningless.
  Mask factor(V rank, Vector diagonal) const {
    for (std::int64_t i = 0; i < b.n; ++i) diagonal.set(i, r.row(i).element(i));
    Mask good = V(0.0) < V(1.0);
    for (std::int64_t k = 0; k < b.n; ++k) {
      const Vector row = r.row(k);
      const V pivot = row.element(k), least = rank * diagonal.element(k);
      const Mask here = (pivot > least) & (pivot > V(0.0));
      good = good & here;
      const V inverse = V(1.0) / sqrt(select(here, pivot, V(1.0)));
      for (std::int64_t j = b.piece(k); j < b.pieces; ++j) row.put(j, row[j] * inverse);
      row.set(k, inverse);
      for (std::int64_t j = 0; j < k; ++j) row.set(j, V(0.0));
      for (std::int64_t i = k + 1; i < b.n; ++i) {
        const V share = row.element(i);
        const Vector below = r.row(i);
        for (std::int64_t j = b.piece(i); j < b.pieces; ++j)
          below.put(j, fnma(share, row[j], below[j]));
        worked(call, b);
      }
    }
    return good;
  }

  // Solves R'z = y, replacing y by z.
  void forward(Vector y) const {
    for (std::int64_t k = 0; k < b.n; ++k) {
      const Vector row = r.row(k);
      const V here = y.element(k) * row.element(k);
      for (std::int64_t j = b.piece(k); j < b.pieces; ++j) y.put(j, fnma(here, row[j], y[j]));
      y.set(k, here);
    }
  }

  // Solves R z = y.
  void backward(Vector y, Vector z) const {
    b.each([&](std::int64_t i) { z.put(i, V(0.0)); });
    for (std::int64_t k = b.n; k-- > 0;) {
      const Vector row = r.row(k);
      z.set(k, (y.element(k) - b.dot(row, z)) * row.element(k));
    }
  }
};

}  // namespace thalweg::solvers
