// SPDX-License-Identifier: BSD-3-Clause
// y_t = x_t - sum over j of a_j y_{t-j}. The adjoint of x is the same recurrence with time running
// the other way; a_j has the adjoint -sum over t of it times y_{t-j}.
#include <array>

#include "graph/sweep.hpp"
#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

// Sizes: batch, the number of coefficients, length, and whether time runs backward. Inputs: the
// coefficients and x.
class Recurrence final : public Numeric {
 public:
  explicit Recurrence(Sizes sizes) : Numeric(RoutineCode::Recurrence, std::move(sizes)) {}

  std::string name() const override { return "recurrence"; }
  bool sequential() const override { return true; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t k) const override { return sizes()[k + 1]; }
  std::int64_t output_size() const override { return sizes()[2]; }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const std::array in{g.inputs(id)[0], g.inputs(id)[1]};
    const NodeId l = made(g, in[0], adjoint, !backward());
    std::vector<Expr> out(2);
    if (needed[1]) out[1] = Expr(g, g.reshape(l, Shape(g.shape(in[1]))));
    if (needed[0]) out[0] = Expr(g, g.reshape(lagged_sums(g, l, id), Shape(g.shape(in[0]))));
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const NodeId a = g.inputs(id)[0];
    Expr drive(0.0);
    if (!tangents[1].is_zero()) drive = flat_of(g, tangents[1].in(g));
    if (!tangents[0].is_zero()) {
      const NodeId c = g.reshape(tangents[0].in(g), {batch(), lags()});
      for (std::int64_t j = 1; j <= reach(); ++j) {
        const NodeId factor = g.view(c, {batch(), 1}, j - 1, {lags(), 1});
        const Expr term = Expr(g, factor) * Expr(g, part(g, id, j, true));
        const std::array placed{term.in(g)};
        drive = drive - Expr(g, g.assemble({batch(), length()}, placed,
                                           {{backward() ? 0 : j, {length(), 1}, {}}}, true));
      }
    }
    return drive.is_zero() ? drive : Expr(g, made(g, a, drive.in(g), backward(), g.shape(id)));
  }

 private:
  std::int64_t lags() const { return sizes()[1]; }
  std::int64_t length() const { return sizes()[2]; }
  bool backward() const { return sizes()[3] != 0; }
  std::int64_t reach() const { return std::min(lags(), length() - 1); }

  Expr flat_of(Graph& g, NodeId x) const { return {g, g.reshape(x, {batch(), length()})}; }
  NodeId made(Graph& g, NodeId a, NodeId x, bool back, Shape shape = {}) const {
    if (shape.empty()) shape = {batch(), length()};
    return numeric(g, "recurrence", std::array{a, x}, {batch(), lags(), length(), back}, shape);
  }
  // All but j elements at one end in time: the earlier ones, or the later ones.
  NodeId part(Graph& g, NodeId x, std::int64_t j, bool earlier) const {
    const NodeId flat = g.reshape(x, {batch(), length()});
    return g.view(flat, {batch(), length() - j}, earlier == backward() ? j : 0, {length(), 1});
  }
  // -sum over t of l_t y_{t-j}, for each lag j.
  NodeId lagged_sums(Graph& g, NodeId l, NodeId y) const {
    std::vector<NodeId> parts;
    std::vector<Placement> at;
    for (std::int64_t j = 1; j <= reach(); ++j) {
      const Expr product = -(Expr(g, part(g, l, j, false)) * Expr(g, part(g, y, j, true)));
      parts.push_back(g.reduce(Reduction::Sum, product.in(g), {1}, false));
      at.push_back({j - 1, {lags()}, {}});
    }
    return g.assemble({batch(), lags()}, parts, std::move(at), true);
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_recurrence(Numeric::Sizes sizes) {
  return std::make_shared<Recurrence>(std::move(sizes));
}

}  // namespace thalweg
