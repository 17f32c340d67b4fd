// SPDX-License-Identifier: BSD-3-Clause
// Tests plans over rows with very many inputs, and with an axis of length 0.
#include <cmath>

#include "check.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/lowering/rows.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {
template <class Op> NodeId make(Graph& g, std::initializer_list<NodeId> in) {
  return g.elementwise(kOpcode<Op>, std::vector<NodeId>(in));
}
std::vector<double> run(const std::shared_ptr<Graph>& g, NodeId f, const std::vector<double>& x,
                        Layout layout, const Kernels& k) {
  const auto program = lower(g, std::array{f}, {{true}, layout});
  const std::array<const double*, 1> in{x.data()};
  std::vector<double> values(static_cast<std::size_t>(size_of(g->shape(f))));
  const std::array<double*, 1> out{values.data()};
  evaluate(*program, k, in, out, 1);
  return values;
}
}  // namespace

TEST(a_stage_may_have_more_inputs_than_16_bits_count) {
  constexpr int kSteps = 10'000;  // y = y + r y (1 - y); the squares of all y are summed
  auto graph = std::make_shared<Graph>();
  Graph& g = *graph;
  const NodeId x = g.input(0, {2}), one = g.constant(1.0);
  const NodeId r = g.view(x, {}, 1, {});
  NodeId y = g.view(x, {}, 0, {});
  std::vector<NodeId> parts;
  std::vector<Placement> at;
  for (int i = 0; i < kSteps; ++i) {
    const NodeId growth =
        make<ops::Multiply>(g, {make<ops::Multiply>(g, {r, y}), make<ops::Subtract>(g, {one, y})});
    y = make<ops::Add>(g, {y, growth});
    parts.push_back(y);
    at.push_back({i, {}, {}});
  }
  const NodeId all = g.assemble({kSteps}, parts, at, false);
  const NodeId f = g.reduce(Reduction::Sum, make<ops::Square>(g, {all}), {0}, false);
  const NodeId slopes = gradient(g, f, x);

  double v = 0.1, by_v = 1.0, by_r = 0.0, wanted_v = 0.0, wanted_r = 0.0;
  for (int i = 0; i < kSteps; ++i) {
    const double slope = 1.0 + 1e-3 * (1.0 - 2.0 * v);
    by_v = slope * by_v, by_r = slope * by_r + v * (1.0 - v);
    v += 1e-3 * v * (1.0 - v);
    wanted_v += 2.0 * v * by_v, wanted_r += 2.0 * v * by_r;
  }
  CHECK(has_rows(g, std::array{slopes}));
  for (const Kernels* k : supported_kernels())
    for (const Layout layout : {Layout::Rows, Layout::Elements}) {
      const auto got = run(graph, slopes, {0.1, 1e-3}, layout, *k);
      CHECK_NEAR(got[0] / wanted_v, 1.0, 1e-10);
      CHECK_NEAR(got[1] / wanted_r, 1.0, 1e-10);
    }
}

TEST(long_axes_with_nothing_behind_add_nothing) {
  auto graph = std::make_shared<Graph>();
  Graph& g = *graph;
  const NodeId x = g.input(0, {300, 1});
  const NodeId none = g.view(x, {300, 0}, 0, {1, 1});
  const NodeId sum = g.reduce(Reduction::Sum, make<ops::Exp>(g, {none}), {0, 1}, false);
  const NodeId product = g.reduce(Reduction::Prod, make<ops::Exp>(g, {none}), {1}, false);
  const NodeId f = make<ops::Add>(
      g,
      {sum, g.reduce(Reduction::Sum,
                     make<ops::Multiply>(g, {product, make<ops::Square>(g, {g.reshape(x, {300})})}),
                     {0}, false)});
  const std::vector<double> ones(300, 1.0);
  for (const Kernels* k : supported_kernels())
    for (const Layout layout : {Layout::Rows, Layout::Elements, Layout::Lanes}) {
      CHECK(run(graph, f, ones, layout, *k)[0] == 300.0);
      CHECK(run(graph, gradient(g, f, x), ones, layout, *k) == std::vector<double>(300, 2.0));
      CHECK(run(graph, none, ones, layout, *k).empty());
      CHECK(run(graph, make<ops::Exp>(g, {none}), ones, layout, *k).empty());
    }
}
