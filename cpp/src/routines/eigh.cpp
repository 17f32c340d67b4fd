// SPDX-License-Identifier: BSD-3-Clause
// Eigenvalues and eigenvectors of symmetric matrices.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

// A = V diag(w) V', a function of A's lower triangle. The result is w, then V. With F_ij =
// 1 / (w_j - w_i), where both are equal 0: w' = diag(V'A'V), V' = V (F o V'A'V).
class EighRoutine final : public Numeric {
 public:
  explicit EighRoutine(Sizes sizes) : Numeric(RoutineCode::Eigh, std::move(sizes)) {}
  std::string name() const override { return "eigh"; }
  std::string undefined() const override { return "a matrix that is not finite"; }
  bool alone() const override { return n() > kMatrixRotatedInLanes; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * (n() + 1); }
  std::int64_t work_size() const override { return n() * (2 * n() + 3); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const Expr v = vectors(m, id);
    Expr slope;  // (V diag(w's) + V (F o V'V's)) V'
    if (!leaves_out(g, adjoint, output_size(), 0, n())) slope = v * values(m, adjoint);
    if (!leaves_out(g, adjoint, output_size(), n(), output_size())) {
      const Expr turned = m.transposed_product(v, vectors(m, adjoint));
      slope = slope + m.product(v, m.reciprocal_gaps(values(m, id)) * turned);
    }
    if (slope.is_zero()) return {slope};
    return {m.adjoint_of(g.inputs(id)[0],
                         m.triangle(m.product_transposed(slope, v), MatrixPart::Folded))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const Expr v = vectors(m, id),
               a = m.triangle(m.matrix(tangents[0].in(g), n(), n()), MatrixPart::Mirrored),
               turned = m.product(m.transposed_product(v, a), v);
    const std::array parts{m.diagonal(turned),
                           m.product(v, m.reciprocal_gaps(values(m, id)) * turned)};
    return m.packed(parts, output_size(), Shape(g.shape(id)));
  }

 private:
  std::int64_t n() const { return sizes()[1]; }
  Expr values(const Matrices& m, NodeId x) const { return m.part(x, output_size(), 0, 1, n()); }
  Expr vectors(const Matrices& m, NodeId x) const {
    return m.part(x, output_size(), n(), n(), n());
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_eigh(Numeric::Sizes sizes) {
  return std::make_shared<EighRoutine>(std::move(sizes));
}

}  // namespace thalweg
