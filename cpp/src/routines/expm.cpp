// SPDX-License-Identifier: BSD-3-Clause
// The exponential of a matrix. Its derivative along E is the corner of the exponential of
// [[A, E], [0, A]] (Van Loan 1978, IEEE Trans. Autom. Control 23(3), 395-404), its adjoint the one
// at A'. Sizes: batch, n, the order of the block that decides the scaling.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class ExpmRoutine final : public Numeric {
 public:
  explicit ExpmRoutine(Sizes sizes) : Numeric(RoutineCode::Expm, std::move(sizes)) {
    if (this->sizes()[2] > n()) throw ShapeError("expm: the leading block is larger than all");
  }
  std::string name() const override { return "expm"; }
  bool alone() const override { return n() > kMatrixInLanes; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * n(); }
  std::int64_t work_size() const override {
    const std::int64_t alone_too = n() * std::max(n(), kMatrixPanel + 1);
    return n() * (6 * n() + 1) + (alone() ? alone_too : 0);
  }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const NodeId a = g.inputs(id)[0];
    return {m.adjoint_of(
        a, derivative(m, m.transposed(m.matrix(a, n(), n())), m.matrix(adjoint, n(), n())))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    return m.adjoint_of(id, derivative(m, m.matrix(g.inputs(id)[0], n(), n()),
                                       m.matrix(tangents[0].in(g), n(), n())));
  }

 private:
  std::int64_t n() const { return sizes()[1]; }
  Expr derivative(const Matrices& m, Expr a, Expr e) const {
    const std::int64_t side = 2 * n();
    const Expr both = m.made("expm", std::array{m.doubled(a, e).id}, {batch(), side, sizes()[2]},
                             {batch(), side, side});
    return {m.g, m.g.view(both.id, {batch(), n(), n()}, n(), {side * side, side, 1})};
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_expm(Numeric::Sizes sizes) {
  return std::make_shared<ExpmRoutine>(std::move(sizes));
}

}  // namespace thalweg
