// SPDX-License-Identifier: BSD-3-Clause
// Cholesky's factor, triangular systems, and parts of matrices.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class SquareRoutine : public Numeric {
 public:
  bool alone() const override { return n() > kMatrixInLanes; }

 protected:
  using Numeric::Numeric;
  std::int64_t n() const { return sizes()[1]; }
  Expr square(const Matrices& m, NodeId x) const { return m.matrix(x, n(), n()); }
};

// A function of the lower triangle of A, and so are its slopes: phi(X) is X's lower triangle with
// half its diagonal. Murray 2016, arXiv:1602.07527.
class CholeskyRoutine final : public SquareRoutine {
 public:
  explicit CholeskyRoutine(Sizes sizes) : SquareRoutine(RoutineCode::Cholesky, std::move(sizes)) {}
  std::string name() const override { return "cholesky"; }
  std::string undefined() const override { return "a matrix that is not positive definite"; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * n(); }
  std::int64_t work_size() const override { return alone() ? n() * (n() + kMatrixPanel) : 0; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const NodeId a = g.inputs(id)[0];
    const std::array in{id, adjoint};
    return {Expr(g, numeric(g, "cholesky_adjoint", in, sizes(), Shape(g.shape(a))))};
  }
  // L' = L phi(L^-1 A' L^-T).
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const Expr l = square(m, id),
               a = m.triangle(square(m, tangents[0].in(g)), MatrixPart::Mirrored),
               half = m.triangular(l, a, true, false),
               whole = m.triangular(l, m.transposed(half), true, false);
    return m.adjoint_of(id, m.product(l, m.triangle(whole, MatrixPart::HalvedLower)));
  }
};

// Inputs: L and its adjoint B, of which lower triangles count. With S = L^-T phi(L'B) L^-1 and
// G = S + S', the result is G's lower triangle with half its diagonal.
class CholeskyAdjointRoutine final : public SquareRoutine {
 public:
  explicit CholeskyAdjointRoutine(Sizes sizes)
      : SquareRoutine(RoutineCode::CholeskyAdjoint, std::move(sizes)) {}
  std::string name() const override { return "cholesky_adjoint"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t) const override { return n() * n(); }
  std::int64_t output_size() const override { return n() * n(); }
  std::int64_t work_size() const override {
    return alone() ? kMatrixPanel * (2 * n() + kMatrixPanel) : 0;
  }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const Matrices m(g, batch());
    const NodeId in_l = g.inputs(id)[0], in_b = g.inputs(id)[1];
    const Expr l = square(m, in_l), f = m.triangle(square(m, adjoint), MatrixPart::Mirrored),
               half = m.triangular(l, f, true, false),
               phi = m.triangle(m.triangular(l, m.transposed(half), true, false),
                                MatrixPart::HalvedLower);
    std::vector<Expr> out(2);
    if (needed[1]) out[1] = m.adjoint_of(in_b, m.triangle(m.product(l, phi), MatrixPart::Lower));
    if (needed[0]) {
      const Expr b = m.triangle(square(m, in_b), MatrixPart::Lower);
      const Expr slope = m.product_transposed(b, phi) - m.product_transposed(both(m, id), half);
      out[0] = m.adjoint_of(in_l, m.triangle(slope, MatrixPart::Lower));
    }
    return out;
  }
  // G' = L^-T (K + K' - N - N') L^-1, K = phi(L''B + L'B'), N = L'G L'.
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const NodeId in_l = g.inputs(id)[0], in_b = g.inputs(id)[1];
    const Expr l = square(m, in_l);
    Expr k, n;
    if (!tangents[0].is_zero()) {
      const Expr along = m.triangle(square(m, tangents[0].in(g)), MatrixPart::Lower);
      k = m.transposed_product(along, m.triangle(square(m, in_b), MatrixPart::Lower));
      n = m.product(m.transposed_product(l, both(m, id)), along);
      n = n + m.transposed(n);
    }
    if (!tangents[1].is_zero())
      k = k + m.transposed_product(l, m.triangle(square(m, tangents[1].in(g)), MatrixPart::Lower));
    if (k.is_zero()) return k;
    const Expr inside = m.triangle(k, MatrixPart::Mirrored) - n,
               half = m.triangular(l, inside, true, true),
               whole = m.triangular(l, m.transposed(half), true, true);
    return m.adjoint_of(id, m.triangle(whole, MatrixPart::HalvedLower));
  }

 private:
  Expr both(const Matrices& m, NodeId id) const {  // G
    const Expr s = square(m, id);
    return s + m.transposed(s);
  }
};

// op(T) X = B: the adjoint of B is L = op(T)^-T X', and that of op(T) is -L X'.
class TriangularRoutine final : public SquareRoutine {
 public:
  explicit TriangularRoutine(Sizes sizes)
      : SquareRoutine(RoutineCode::Triangular, std::move(sizes)) {}
  std::string name() const override { return "solve_triangular"; }
  std::string undefined() const override { return "a singular matrix"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t k) const override { return n() * (k == 0 ? n() : columns()); }
  std::int64_t output_size() const override { return n() * columns(); }
  std::int64_t work_size() const override { return alone() ? n() * (kMatrixPanel + 1) : 0; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const Matrices m(g, batch());
    const NodeId in_t = g.inputs(id)[0], in_b = g.inputs(id)[1];
    const Expr l = m.triangular(square(m, in_t), m.matrix(adjoint, n(), columns()), lower(),
                                !transpose(), unit());
    std::vector<Expr> out(2);
    if (needed[0]) {
      const Expr x = m.matrix(id, n(), columns()), minus = -l,
                 outer =
                     transpose() ? m.product_transposed(x, minus) : m.product_transposed(minus, x);
      out[0] = m.adjoint_of(in_t, m.triangle(outer, read()));
    }
    if (needed[1]) out[1] = m.adjoint_of(in_b, l);
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    Expr side;
    if (!tangents[1].is_zero()) side = m.matrix(tangents[1].in(g), n(), columns());
    if (!tangents[0].is_zero()) {
      const Expr t = m.triangle(square(m, tangents[0].in(g)), read()),
                 x = m.matrix(id, n(), columns());
      side = side - (transpose() ? m.transposed_product(t, x) : m.product(t, x));
    }
    if (side.is_zero()) return side;
    return m.adjoint_of(
        id, m.triangular(square(m, g.inputs(id)[0]), side, lower(), transpose(), unit()));
  }

 private:
  std::int64_t columns() const { return sizes()[2]; }
  bool lower() const { return sizes()[3] != 0; }
  bool transpose() const { return sizes()[4] != 0; }
  bool unit() const { return sizes()[5] != 0; }
  MatrixPart read() const {
    if (unit()) return lower() ? MatrixPart::StrictLower : MatrixPart::StrictUpper;
    return lower() ? MatrixPart::Lower : MatrixPart::Upper;
  }
};

// Linear in its input; the adjoint is a part too.
class TriangleRoutine final : public Numeric {
 public:
  explicit TriangleRoutine(Sizes sizes) : Numeric(RoutineCode::Triangle, std::move(sizes)) {
    if (this->sizes()[3] > static_cast<std::int64_t>(MatrixPart::Folded))
      throw ShapeError("triangle: there is no such part");
    const bool square = which() == MatrixPart::Mirrored || which() == MatrixPart::Folded;
    if (square && this->sizes()[1] != this->sizes()[2])
      throw ShapeError("triangle: this part is one of a square matrix");
  }
  std::string name() const override { return "triangle"; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return sizes()[1] * sizes()[2]; }
  std::int64_t output_size() const override { return input_size(0); }
  bool alone() const override { return output_size() > kMatrixInLanes * kMatrixInLanes; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const MatrixPart of = which() == MatrixPart::Mirrored ? MatrixPart::Folded
                          : which() == MatrixPart::Folded ? MatrixPart::Mirrored
                                                          : which();
    const Matrices m(g, batch());
    return {m.adjoint_of(g.inputs(id)[0], taken(m, adjoint, of))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    return m.adjoint_of(id, taken(m, tangents[0].in(g), which()));
  }

 private:
  MatrixPart which() const { return static_cast<MatrixPart>(sizes()[3]); }
  Expr taken(const Matrices& m, NodeId x, MatrixPart of) const {
    return m.triangle(m.matrix(x, sizes()[1], sizes()[2]), of);
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_cholesky(Numeric::Sizes sizes) {
  return std::make_shared<CholeskyRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_cholesky_adjoint(Numeric::Sizes sizes) {
  return std::make_shared<CholeskyAdjointRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_solve_triangular(Numeric::Sizes sizes) {
  return std::make_shared<TriangularRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_triangle(Numeric::Sizes sizes) {
  return std::make_shared<TriangleRoutine>(std::move(sizes));
}

}  // namespace thalweg
