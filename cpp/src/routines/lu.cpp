// SPDX-License-Identifier: BSD-3-Clause
// The factors P A = L U, and what is made of them. All of these take A and its factors: A carries
// the derivatives, and the factors, which have none, do the work.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class OfFactors : public Numeric {
 public:
  bool alone() const override { return n() > kMatrixInLanes; }
  std::size_t inputs() const override { return 2; }
  bool reads(std::size_t k) const override { return k != 0; }
  std::int64_t input_size(std::size_t k) const override { return n() * (n() + (k == 1)); }
  std::int64_t work_size() const override { return alone() ? n() * (kMatrixPanel + 1) : 0; }

 protected:
  using Numeric::Numeric;
  std::int64_t n() const { return sizes()[1]; }
  Expr square(const Matrices& m, NodeId x) const { return m.matrix(x, n(), n()); }
  // Of -A, the adjoint that A has and its factors have not.
  std::vector<Expr> of_matrix(const Matrices& m, NodeId id, Expr slope) const {
    return {m.adjoint_of(m.g.inputs(id)[0], slope), Expr()};
  }
};

class LuRoutine final : public Numeric {
 public:
  explicit LuRoutine(Sizes sizes) : Numeric(RoutineCode::Lu, std::move(sizes)) {}
  std::string name() const override { return "lu"; }
  bool alone() const override { return n() > kMatrixInLanes; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * (n() + 1); }
  std::int64_t work_size() const override { return alone() ? n() * kMatrixPanel : 0; }
  std::vector<Expr> reverse(Graph&, NodeId, NodeId, const std::vector<bool>&) const override {
    return {Expr()};
  }
  Expr forward(Graph&, NodeId, std::span<const Expr>) const override { return {}; }

 private:
  std::int64_t n() const { return sizes()[1]; }
};

// Inputs: A, its factors, B.
class SolveRoutine final : public OfFactors {
 public:
  explicit SolveRoutine(Sizes sizes) : OfFactors(RoutineCode::Solve, std::move(sizes)) {}
  std::string name() const override { return "solve"; }
  std::string undefined() const override { return "a singular matrix"; }
  std::size_t inputs() const override { return 3; }
  std::int64_t input_size(std::size_t k) const override {
    return k == 2 ? n() * columns() : OfFactors::input_size(k);
  }
  std::int64_t output_size() const override { return n() * columns(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const Matrices m(g, batch());
    const NodeId a = g.inputs(id)[0], b = g.inputs(id)[2];
    const Expr l = solved(m, id, m.matrix(adjoint, n(), columns()), !transpose());
    std::vector<Expr> out(3);
    if (needed[0]) {
      const Expr x = m.matrix(id, n(), columns()), minus = -l;
      out[0] = m.adjoint_of(
          a, transpose() ? m.product_transposed(x, minus) : m.product_transposed(minus, x));
    }
    if (needed[2]) out[2] = m.adjoint_of(b, l);
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    Expr side;
    if (!tangents[2].is_zero()) side = m.matrix(tangents[2].in(g), n(), columns());
    if (!tangents[0].is_zero()) {
      const Expr a = square(m, tangents[0].in(g)), x = m.matrix(id, n(), columns());
      side = side - (transpose() ? m.transposed_product(a, x) : m.product(a, x));
    }
    if (side.is_zero()) return side;
    return m.adjoint_of(id, solved(m, id, side, transpose()));
  }

 private:
  std::int64_t columns() const { return sizes()[2]; }
  bool transpose() const { return sizes()[3] != 0; }
  Expr solved(const Matrices& m, NodeId id, Expr b, bool transposed) const {
    const std::array in{m.g.inputs(id)[0], m.g.inputs(id)[1], b.in(m.g)};
    return m.made("solve", in, {batch(), n(), columns(), transposed}, {batch(), n(), columns()});
  }
};

class InverseRoutine final : public OfFactors {
 public:
  explicit InverseRoutine(Sizes sizes) : OfFactors(RoutineCode::Inverse, std::move(sizes)) {}
  std::string name() const override { return "inv"; }
  std::string undefined() const override { return "a singular matrix"; }
  std::int64_t output_size() const override { return n() * n(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const Expr x = square(m, id), y = square(m, adjoint);
    return of_matrix(m, id, -m.product_transposed(m.transposed_product(x, y), x));
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return {};
    const Matrices m(g, batch());
    const Expr x = square(m, id), a = square(m, tangents[0].in(g));
    return m.adjoint_of(id, -m.product(m.product(x, a), x));
  }
};

// The sign of the determinant, and the logarithm of its size, whose slopes are A^-T.
class LogDeterminantRoutine final : public OfFactors {
 public:
  explicit LogDeterminantRoutine(Sizes sizes)
      : OfFactors(RoutineCode::LogDeterminant, std::move(sizes)) {}
  std::string name() const override { return "slogdet"; }
  std::int64_t output_size() const override { return 2; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    return of_matrix(m, id, m.part(adjoint, 2, 1, 1, 1) * m.transposed(inverse(m, id)));
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return {};
    const Matrices m(g, batch());
    const Expr along = m.inner(square(m, tangents[0].in(g)), m.transposed(inverse(m, id)));
    return {g,
            g.reshape(g.assemble({batch(), 2}, std::array{along.in(g)}, {{1, {2, 1, 1}, {}}}, true),
                      Shape(g.shape(id)))};
  }

 private:
  Expr inverse(const Matrices& m, NodeId id) const {
    const std::array in{m.g.inputs(id)[0], m.g.inputs(id)[1]};
    return m.made("inv", in, sizes(), {batch(), n(), n()});
  }
};

// The slopes of the determinant are the cofactors.
class DeterminantRoutine final : public OfFactors {
 public:
  explicit DeterminantRoutine(Sizes sizes)
      : OfFactors(RoutineCode::Determinant, std::move(sizes)) {}
  std::string name() const override { return "det"; }
  std::int64_t output_size() const override { return 1; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    return of_matrix(m, id, m.matrix(adjoint, 1, 1) * cofactors(m, id));
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return {};
    const Matrices m(g, batch());
    return m.adjoint_of(id, m.inner(square(m, tangents[0].in(g)), cofactors(m, id)));
  }

 private:
  Expr cofactors(const Matrices& m, NodeId id) const {
    const std::array in{m.g.inputs(id)[0], m.g.inputs(id)[1]};
    return m.made("cofactors", in, sizes(), {batch(), n(), n()});
  }
};

// C = det(A) A^-T, also where A is singular. Its own slopes divide by det(A).
class CofactorsRoutine final : public OfFactors {
 public:
  explicit CofactorsRoutine(Sizes sizes) : OfFactors(RoutineCode::Cofactors, std::move(sizes)) {}
  std::string name() const override { return "cofactors"; }
  bool reads(std::size_t k) const override { return k == 0; }
  std::int64_t output_size() const override { return n() * n(); }
  std::int64_t work_size() const override { return n() * (n() + 4) + OfFactors::work_size(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const Expr c = square(m, id), y = square(m, adjoint);
    return of_matrix(m, id, slope(m, id, c, m.inner(c, y), y));
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return {};
    const Matrices m(g, batch());
    const Expr c = square(m, id), a = square(m, tangents[0].in(g));
    return m.adjoint_of(id, slope(m, id, c, m.inner(c, a), a));
  }

 private:
  // (<C, X> C - C X' C) / det(A)
  Expr slope(const Matrices& m, NodeId id, Expr c, Expr inner, Expr x) const {
    const std::array in{m.g.inputs(id)[0], m.g.inputs(id)[1]};
    const Expr determinant = m.made("det", in, sizes(), {batch(), 1, 1});
    return (inner * c - m.product(m.product_transposed(c, x), c)) / determinant;
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_lu(Numeric::Sizes sizes) {
  return std::make_shared<LuRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_solve(Numeric::Sizes sizes) {
  return std::make_shared<SolveRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_inv(Numeric::Sizes sizes) {
  return std::make_shared<InverseRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_slogdet(Numeric::Sizes sizes) {
  return std::make_shared<LogDeterminantRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_det(Numeric::Sizes sizes) {
  return std::make_shared<DeterminantRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_cofactors(Numeric::Sizes sizes) {
  return std::make_shared<CofactorsRoutine>(std::move(sizes));
}

}  // namespace thalweg
