// SPDX-License-Identifier: BSD-3-Clause
// A value y with a derivative of its own with respect to x. The work reads y alone; derivatives do
// not go into how y was computed.
#include <array>

#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

// Sizes: batch, numbers in y and in x, whether the derivative is a matrix (y, x) or, if not, one
// number for each element, and whether y itself is such a value, of another x. Inputs: y, x, and
// the derivative.
class Custom final : public Numeric {
 public:
  explicit Custom(Sizes sizes) : Numeric(RoutineCode::Custom, std::move(sizes)) {
    if (!is_matrix() && this->sizes()[1] != this->sizes()[2])
      throw ShapeError("custom: a derivative by element needs as many results as arguments");
  }

  std::string name() const override { return "custom"; }
  std::size_t inputs() const override { return 3; }
  bool reads(std::size_t k) const override { return k == 0; }
  std::int64_t input_size(std::size_t k) const override {
    return k < 2 ? sizes()[k + 1] : sizes()[1] * (is_matrix() ? sizes()[2] : 1);
  }
  std::int64_t output_size() const override { return sizes()[1]; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const NodeId x = g.inputs(id)[1];
    std::vector<Expr> out(3);
    if (needed[0] && goes_on()) out[0] = Expr(g, adjoint);
    if (needed[1]) {
      const NodeId y = g.reshape(adjoint, {batch(), 1, sizes()[1]});
      const Expr product = is_matrix() ? Expr(g, g.matmul(y, slope(g, id), false, false))
                                       : Expr(g, y) * Expr(g, g.reshape(slope(g, id), g.shape(y)));
      out[1] = Expr(g, g.reshape(product.in(g), Shape(g.shape(x))));
    }
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const Shape shape = g.shape(id);
    Expr sum;
    if (goes_on() && !tangents[0].is_zero()) sum = tangents[0];
    if (tangents[1].is_zero()) return sum;
    const NodeId v = g.reshape(tangents[1].in(g), {batch(), sizes()[2], 1});
    const Expr product = is_matrix() ? Expr(g, g.matmul(slope(g, id), v, false, false))
                                     : Expr(g, g.reshape(slope(g, id), g.shape(v))) * Expr(g, v);
    return sum + Expr(g, g.reshape(product.in(g), shape));
  }

 private:
  bool is_matrix() const { return sizes()[3] != 0; }
  bool goes_on() const { return sizes()[4] != 0; }
  NodeId slope(Graph& g, NodeId id) const {
    return g.reshape(g.inputs(id)[2], {batch(), sizes()[1], is_matrix() ? sizes()[2] : 1});
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_custom(Numeric::Sizes sizes) {
  return std::make_shared<Custom>(std::move(sizes));
}

}  // namespace thalweg
