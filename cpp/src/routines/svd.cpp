// SPDX-License-Identifier: BSD-3-Clause
// QR, singular values and the pseudoinverse, of matrices with at least as many rows as columns.
#include "routines/matrices.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class TallRoutine : public Numeric {
 public:
  // Long columns are summed best by themselves.
  bool alone() const override {
    return columns() > kMatrixRotatedInLanes ||
           rows() * columns() > kMatrixInLanes * kMatrixInLanes;
  }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return rows() * columns(); }

 protected:
  TallRoutine(RoutineCode code, Sizes sizes) : Numeric(code, std::move(sizes)) {
    if (rows() < columns()) throw ShapeError("a matrix must have as many rows as columns, or more");
  }
  std::int64_t rows() const { return sizes()[1]; }
  std::int64_t columns() const { return sizes()[2]; }
  // For the bidiagonal form of large matrices.
  std::int64_t room() const {
    return columns() > kMatrixRotatedInLanes ? columns() * (columns() + 3) + rows() : 0;
  }
  Expr tall(const Matrices& m, NodeId x) const { return m.matrix(x, rows(), columns()); }
};

// A = Q R; the result is Q, then R. Walter and Lehmann 2018, arXiv:1009.6112.
class QrRoutine final : public TallRoutine {
 public:
  explicit QrRoutine(Sizes sizes) : TallRoutine(RoutineCode::Qr, std::move(sizes)) {}
  std::string name() const override { return "qr"; }
  std::int64_t output_size() const override { return columns() * (rows() + columns()); }
  std::int64_t work_size() const override { return columns() * (2 * rows() + 1); }

  // (Qs + Q mirrored(R Rs' - Qs'Q)) R^-T
  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const Expr q = orthogonal(m, id), r = upper(m, id), at_q = orthogonal(m, adjoint),
               at_r = m.triangle(upper(m, adjoint), MatrixPart::Upper),
               inner = m.product_transposed(r, at_r) - m.transposed_product(at_q, q),
               all = at_q + m.product(q, m.triangle(inner, MatrixPart::Mirrored)),
               slope = m.triangular(r, m.transposed(all), false, false);
    return {m.adjoint_of(g.inputs(id)[0], m.transposed(slope))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const Expr q = orthogonal(m, id), r = upper(m, id),
               a = m.transposed(tall(m, tangents[0].in(g))),
               c = m.transposed(m.triangular(r, a, false, true)),  // A' R^-1
        b = m.transposed_product(q, c), below = m.triangle(b, MatrixPart::StrictLower),
               rest = b - (below - m.transposed(below));
    const std::array parts{c - m.product(q, rest), m.product(rest, r)};
    return m.packed(parts, output_size(), Shape(g.shape(id)));
  }

 private:
  Expr orthogonal(const Matrices& m, NodeId x) const {
    return m.part(x, output_size(), 0, rows(), columns());
  }
  Expr upper(const Matrices& m, NodeId x) const {
    return m.part(x, output_size(), rows() * columns(), columns(), columns());
  }
};

// A = U diag(s) V'; the result is U, s and V'. Townsend 2016, "Differentiating the singular value
// decomposition". With F_ij = 1 / (s_j^2 - s_i^2), where both are equal 0.
class SvdRoutine final : public TallRoutine {
 public:
  explicit SvdRoutine(Sizes sizes) : TallRoutine(RoutineCode::Svd, std::move(sizes)) {}
  std::string name() const override { return "svd"; }
  std::int64_t output_size() const override { return columns() * (rows() + 1 + columns()); }
  std::int64_t work_size() const override { return rows() * columns() + room(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Matrices m(g, batch());
    const std::int64_t left = rows() * columns(), each = output_size();
    const Expr u = left_vectors(m, id), s = values(m, id), v = right_vectors(m, id);
    Expr inside, outside;  // U inside V' + outside V'
    if (!leaves_out(g, adjoint, each, 0, left)) {
      const Expr at_u = left_vectors(m, adjoint), turned = m.transposed_product(u, at_u);
      inside = inside + gaps(m, s) * (turned - m.transposed(turned)) * s;
      outside = (at_u - m.product(u, turned)) * inverse(s);
    }
    if (!leaves_out(g, adjoint, each, left + columns(), each)) {
      const Expr turned = m.product_transposed(v, right_vectors(m, adjoint));
      inside = inside + m.matrix(s.id, columns(), 1) * gaps(m, s) * (turned - m.transposed(turned));
    }
    Expr slope = inside.is_zero() ? outside : m.product(u, inside) + outside;
    if (!leaves_out(g, adjoint, each, left, left + columns()))
      slope = slope + u * values(m, adjoint);
    if (slope.is_zero()) return {slope};
    return {m.adjoint_of(g.inputs(id)[0], m.product(slope, v))};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Matrices m(g, batch());
    const Expr u = left_vectors(m, id), s = values(m, id), v = right_vectors(m, id),
               column = m.matrix(s.id, columns(), 1),
               a = m.product_transposed(tall(m, tangents[0].in(g)), v),  // A' V
        turned = m.transposed_product(u, a), back = m.transposed(turned), f = gaps(m, s);
    const Expr at_u =
        m.product(u, f * (turned * s + column * back)) + (a - m.product(u, turned)) * inverse(s);
    const Expr at_v = m.transposed_product(f * (column * turned + back * s), v);
    return m.packed(std::array{at_u, m.diagonal(turned), at_v}, output_size(), Shape(g.shape(id)));
  }

 private:
  Expr left_vectors(const Matrices& m, NodeId x) const {
    return m.part(x, output_size(), 0, rows(), columns());
  }
  Expr values(const Matrices& m, NodeId x) const {
    return m.part(x, output_size(), rows() * columns(), 1, columns());
  }
  Expr right_vectors(const Matrices& m, NodeId x) const {  // V'
    return m.part(x, output_size(), (rows() + 1) * columns(), columns(), columns());
  }
  Expr gaps(const Matrices& m, Expr s) const {
    const Expr sum = s + m.matrix(s.id, columns(), 1);
    return m.reciprocal_gaps(s) / select(sum > Expr(0.0), sum, 1.0);
  }
  static Expr inverse(Expr s) {
    const Expr there = s > Expr(0.0);
    return select(there, Expr(1.0) / select(there, s, 1.0), 0.0);
  }
};

// P = A^+; the second input is the share of the largest singular value from which on others count.
// Golub and Pereyra 1973, SIAM J. Numer. Anal. 10(2), 413-432:
// P' = -P A' P + P P^T A'^T (I - A P) + (I - P A) A'^T P^T P.
class PinvRoutine final : public TallRoutine {
 public:
  explicit PinvRoutine(Sizes sizes) : TallRoutine(RoutineCode::Pinv, std::move(sizes)) {}
  std::string name() const override { return "pinv"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t k) const override { return k == 0 ? rows() * columns() : 1; }
  std::int64_t output_size() const override { return rows() * columns(); }
  std::int64_t work_size() const override { return columns() * (rows() + 1 + columns()) + room(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    if (!needed[0]) return {Expr(), Expr()};
    const Matrices m(g, batch());
    const Expr a = tall(m, g.inputs(id)[0]), p = wide(m, id), y = wide(m, adjoint);
    const Expr first = m.transposed_product(p, m.product_transposed(y, p)),
               second = m.transposed_product(y, m.product_transposed(p, p)),
               small = m.product_transposed(p, y),
               third = small - m.product(small, m.product(p, a));
    const Expr slope =
        -first + (second - m.product(a, m.product(p, second))) + m.transposed_product(p, third);
    return {m.adjoint_of(g.inputs(id)[0], slope), Expr()};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return {};
    const Matrices m(g, batch());
    const Expr a = tall(m, g.inputs(id)[0]), p = wide(m, id), da = tall(m, tangents[0].in(g));
    const Expr first = m.product(m.product(p, da), p),
               second = m.product_transposed(m.product_transposed(p, p), da),
               third = m.product(m.transposed_product(da, m.transposed(p)), p);
    return m.adjoint_of(id, (second - m.product(m.product(second, a), p)) - first +
                                (third - m.product(m.product(p, a), third)));
  }

 private:
  Expr wide(const Matrices& m, NodeId x) const { return m.matrix(x, columns(), rows()); }
};

}  // namespace

std::shared_ptr<const Numeric> make_qr(Numeric::Sizes sizes) {
  return std::make_shared<QrRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_svd(Numeric::Sizes sizes) {
  return std::make_shared<SvdRoutine>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_pinv(Numeric::Sizes sizes) {
  return std::make_shared<PinvRoutine>(std::move(sizes));
}

}  // namespace thalweg
