// SPDX-License-Identifier: BSD-3-Clause
// Sorting. A slope belongs to the element, wherever it stands: its adjoint goes back to where the
// element came from.
#include <array>

#include "thalweg/routines/all.hpp"

namespace thalweg {
namespace {

class OfElements : public Numeric {
 public:
  bool alone() const override { return true; }

 protected:
  using Numeric::Numeric;
  std::int64_t n() const { return sizes()[1]; }
  // `x` moved to the positions, or taken from there; in the shape of a node.
  Expr moved(Graph& g, NodeId positions, NodeId x, bool to, NodeId like) const {
    const std::array in{positions, x};
    return {g, numeric(g, "permute", in, {batch(), n(), to}, Shape(g.shape(like)))};
  }
};

// Sizes: batch, n. Packed: sorted elements, and their positions before.
class Sort final : public OfElements {
 public:
  explicit Sort(Sizes sizes) : OfElements(RoutineCode::Sort, std::move(sizes)) {}

  std::string name() const override { return "sort"; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return n(); }
  std::int64_t output_size() const override { return 2 * n(); }
  std::int64_t work_size() const override { return 4 * n(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    return {moved(g, half(g, id, 1), half(g, adjoint, 0), true, g.inputs(id)[0])};
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[0].is_zero()) return tangents[0];
    const NodeId x = g.inputs(id)[0],
                 tangent = g.broadcast_to(tangents[0].in(g), Shape(g.shape(x)));
    const NodeId sorted =
        g.reshape(moved(g, half(g, id, 1), tangent, false, x).in(g), {batch(), n()});
    const std::array parts{sorted};  // positions have no slope
    return {g, g.reshape(g.assemble({batch(), 2, n()}, parts, {{0, {2 * n(), 1}, {}}}, true),
                         Shape(g.shape(id)))};
  }

 private:
  NodeId half(Graph& g, NodeId packed, std::int64_t which) const {
    return g.view(packed, {batch(), n()}, which * n(), {2 * n(), 1});
  }
};

// Sizes: batch, n, whether elements go to the positions. Inputs: positions and elements.
class Permute final : public OfElements {
 public:
  explicit Permute(Sizes sizes) : OfElements(RoutineCode::Permute, std::move(sizes)) {}

  std::string name() const override { return "permute"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t) const override { return n(); }
  std::int64_t output_size() const override { return n(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    std::vector<Expr> out(2);
    const std::array in{g.inputs(id)[0], g.inputs(id)[1]};
    if (needed[1]) out[1] = moved(g, in[0], adjoint, !sizes()[2], in[1]);
    return out;
  }
  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    if (tangents[1].is_zero()) return tangents[1];
    const std::array in{g.inputs(id)[0], g.inputs(id)[1]};
    const NodeId tangent = g.broadcast_to(tangents[1].in(g), Shape(g.shape(in[1])));
    return moved(g, in[0], tangent, sizes()[2] != 0, id);
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_sort(Numeric::Sizes sizes) {
  return std::make_shared<Sort>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_permute(Numeric::Sizes sizes) {
  return std::make_shared<Permute>(std::move(sizes));
}

}  // namespace thalweg
