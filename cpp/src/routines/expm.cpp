// SPDX-License-Identifier: BSD-3-Clause
// The exponential of a matrix and its derivative L(A, E) along E, the corner of the exponential of
// [[A, E], [0, A]] (Van Loan 1978, IEEE Trans. Autom. Control 23(3), 395-404). The adjoint of E is
// L(A', Y); the derivative of L(A, E) along a change F of A is the corner of L([[A, E], [0, A]],
// [[F, 0], [0, F]]), and its adjoint the same of A', E' and Y. Sizes: batch, n, the order of the
// block that decides the scaling.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class OfExponential : public Numeric {
 public:
  bool alone() const override { return n() > kMatrixInLanes; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * n(); }

 protected:
  OfExponential(RoutineCode code, Sizes sizes) : Numeric(code, std::move(sizes)) {
    if (leading() > n()) throw ShapeError("expm: the leading block is larger than all");
  }
  std::int64_t n() const { return sizes()[1]; }
  std::int64_t leading() const { return sizes()[2]; }
  // Room for one large product or system.
  std::int64_t room() const { return alone() ? n() * std::max(n(), kMatrixPanel + 1) : 0; }
  Expr square(const Matrices& m, NodeId x) const { return m.matrix(x, n(), n()); }
  Expr derivative(const Matrices& m, Expr a, Expr e) const {
    return m.made("expm_derivative", std::array{a.id, e.id}, sizes(), {batch(), n(), n()});
  }
};

class ExpmRoutine final : public OfExponential {
 public:
  explicit ExpmRoutine(Sizes sizes) : OfExponential(RoutineCode::Expm, std::move(sizes)) {}
  std::string name() const override { return "expm"; }
  std::size_t inputs() const override { return 1; }
  std::int64_t work_size() const override { return n() * (7 * n() + 1) + room(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const NodeId a = g.inputs(id)[0];
    return {m.adjoint_of(a, derivative(m, m.transposed(square(m, a)), square(m, adjoint)))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    return m.adjoint_of(id,
                        derivative(m, square(m, g.inputs(id)[0]), square(m, tangents[0].in(g))));
  }
};

class ExpmDerivativeRoutine final : public OfExponential {
 public:
  explicit ExpmDerivativeRoutine(Sizes sizes)
      : OfExponential(RoutineCode::ExpmDerivative, std::move(sizes)) {}
  std::string name() const override { return "expm_derivative"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t work_size() const override { return n() * (15 * n() + 1) + room(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const Matrices m(g, batch());
    const NodeId in_a = g.inputs(id)[0], in_e = g.inputs(id)[1];
    const Expr a = m.transposed(square(m, in_a)), y = square(m, adjoint);
    std::vector<Expr> out(2);
    if (needed[0]) out[0] = m.adjoint_of(in_a, second(m, a, m.transposed(square(m, in_e)), y));
    if (needed[1]) out[1] = m.adjoint_of(in_e, derivative(m, a, y));
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const Expr a = square(m, g.inputs(id)[0]), e = square(m, g.inputs(id)[1]);
    Expr sum;
    if (!tangents[0].is_zero()) sum = second(m, a, e, square(m, tangents[0].in(g)));
    if (!tangents[1].is_zero()) sum = sum + derivative(m, a, square(m, tangents[1].in(g)));
    return sum.is_zero() ? sum : m.adjoint_of(id, sum);
  }

 private:
  // The second derivative along e and f.
  Expr second(const Matrices& m, Expr a, Expr e, Expr f) const {
    const std::int64_t side = 2 * n();
    const std::array in{m.doubled(a, e).id, m.repeated(f).id};
    const Expr both =
        m.made("expm_derivative", in, {batch(), side, leading()}, {batch(), side, side});
    return {m.g, m.g.view(both.id, {batch(), n(), n()}, n(), {side * side, side, 1})};
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_expm(Numeric::Sizes sizes) {
  return std::make_shared<ExpmRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_expm_derivative(Numeric::Sizes sizes) {
  return std::make_shared<ExpmDerivativeRoutine>(std::move(sizes));
}

}  // namespace thalweg
