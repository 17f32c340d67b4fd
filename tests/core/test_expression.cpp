// SPDX-License-Identifier: BSD-3-Clause
// Tests the expression graph: equal nodes, shapes, empty arrays and pruned zeros.
#include <algorithm>

#include "check.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {
template <class Op> NodeId make(Graph& g, std::initializer_list<NodeId> in) {
  return g.elementwise(kOpcode<Op>, std::vector<NodeId>(in));
}
}  // namespace

TEST(equal_nodes_are_one_node) {
  Graph g;
  const NodeId x = g.input(0, {3});
  CHECK(make<ops::Exp>(g, {x}) == make<ops::Exp>(g, {x}));
  CHECK(g.constant(2.0) == g.constant(2.0));
  CHECK(g.constant(0.0) != g.constant(-0.0));
  CHECK(g.view(x, {2}, 1, {1}) == g.view(x, {2}, 1, {1}));
  CHECK(g.view(x, {2}, 1, {1}) != g.view(x, {2}, 0, {1}));
}

TEST(shapes_broadcast_as_numpy) {
  Graph g;
  const NodeId a = g.input(0, {4, 1}), b = g.input(1, {3});
  CHECK((g.shape(make<ops::Add>(g, {a, b})) == Shape{4, 3}));
  CHECK_THROWS(ShapeError, make<ops::Add>(g, {b, g.input(2, {4})}));
  CHECK_THROWS(ShapeError, g.view(b, {2}, 2, {1}));
  CHECK_THROWS(ShapeError, g.gather(b, {1}, {3}));
  CHECK_THROWS(ShapeError, g.reshape(b, {4}));
  CHECK_THROWS(ShapeError, g.input(3, {std::int64_t{1} << 40, std::int64_t{1} << 40}));
}

TEST(positions_and_numbers_that_do_not_fit_are_refused) {
  const std::size_t most = std::numeric_limits<std::int32_t>::max();
  CHECK(position(most - 1, "operations") == std::numeric_limits<std::int32_t>::max() - 1);
  CHECK_THROWS(ShapeError, position(most, "operations"));
  CHECK_THROWS(ShapeError, position(std::size_t{1} << 32, "operations"));
  CHECK(fitted<std::int16_t>(-32768) == -32768);
  CHECK_THROWS(std::logic_error, fitted<std::int16_t>(32768));
  CHECK_THROWS(ShapeError, size_of({0, std::int64_t{1} << 40, std::int64_t{1} << 40}));
  CHECK_THROWS(ShapeError, size_of({-1}));
}

TEST(an_input_has_any_number) {
  Graph g;
  for (int number : {0, 32767, 32768, 65536, 2147483647}) {
    const NodeId x = g.input(number, {});
    CHECK(g[x].op == number && g.input(number, {}) == x);
  }
}

TEST(arrays_without_elements_are_one_node_a_shape) {
  Graph g;
  const NodeId x = g.input(0, {300, 1}), none = g.view(x, {300, 0}, 1, {1, 1});
  CHECK(g.view(x, {300, 0}, 0, {1, 1}) == none);
  CHECK(make<ops::Exp>(g, {none}) == none);
  CHECK(make<ops::Add>(g, {none, x}) == none);
  CHECK(g.gather(x, {300, 0}, {}) == none);
  CHECK(g.scan(none, none, 1, false) == none);
  CHECK(g.assemble({300, 0}, std::array{none, none}, {{0, {0, 1}, {}}, {0, {0, 1}, {}}}, false) ==
        none);
  const NodeId truth = make<ops::Less>(g, {none, x});
  CHECK(g.is_boolean(truth) && !g.is_boolean(none));
  CHECK(g.is_boolean(g.view(truth, {0}, 0, {1})));
  CHECK(make<ops::Greater>(g, {x, none}) == truth);
}

TEST(what_is_made_of_nothing_is_a_number) {
  Graph g;
  const NodeId x = g.input(0, {300, 1}), none = g.view(x, {300, 0}, 0, {1, 1});
  const NodeId zeros = g.broadcast_to(g.constant(0.0), {300});
  CHECK(g.reduce(Reduction::Sum, none, {1}, false) == zeros);
  CHECK(g.reduce(Reduction::Prod, none, {0, 1}, false) == g.constant(1.0));
  CHECK_THROWS(ShapeError, g.reduce(Reduction::Max, none, {1}, false));
  CHECK((g.shape(g.reduce(Reduction::Max, none, {0}, false)) == Shape{0}));
  const NodeId left = g.input(1, {1, 4, 0}), right = g.input(2, {1, 0, 5});
  CHECK(g.matmul(left, right, false, false) == g.broadcast_to(g.constant(0.0), {1, 4, 5}));
  const NodeId joined =
      g.assemble({300, 1}, std::array{none, x}, {{0, {1, 1}, {}}, {0, {1, 1}, {}}}, false);
  CHECK(std::ranges::equal(g.inputs(joined), std::array{x}));
  CHECK(g.assemble({2}, std::span<const NodeId>{}, {}, true) ==
        g.broadcast_to(g.constant(0.0), {2}));
  CHECK_THROWS(ShapeError, g.assemble({2}, std::span<const NodeId>{}, {}, false));
}

TEST(structural_zeros_are_pruned_and_user_zeros_kept) {
  Graph g;
  const Expr x(g, g.input(0, {}));
  CHECK((Expr(0.0) * x).is_zero());
  CHECK((x * 1.0).id == x.id);
  CHECK((-(-x)).id == x.id);
  // A user's 0 * x keeps its NaN, since it is built as a node.
  const NodeId kept = make<ops::Multiply>(g, {g.constant(0.0), x.id});
  CHECK(g[kept].kind == Kind::Elementwise);
}

TEST(operations_are_found_by_their_numpy_names) {
  for (std::size_t i = 0; i < operations().size(); ++i)
    CHECK(find_operation(operations()[i].name) == static_cast<int>(i));
  CHECK(find_operation("no_such_operation") == -1);
}

TEST(gradient_of_a_chain_of_1e5_operations_is_linear_and_iterative) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {});
  NodeId y = x;
  for (int i = 0; i < 100000; ++i) y = make<ops::Sin>(*graph, {y});
  const NodeId g = gradient(*graph, y, x);
  CHECK(graph->size() < 500000);
  const double at = 0.5;
  double value = 0, slope = 0;
  const auto program = lower(graph, std::array{y, g}, {{true}, Layout::Lanes});
  const std::array<const double*, 1> in{&at};
  const std::array<double*, 2> out{&value, &slope};
  evaluate(*program, kernels(), in, out, 1);
  double expected = at, product = 1;
  for (int i = 0; i < 100000; ++i)
    product *= __builtin_cos(expected), expected = __builtin_sin(expected);
  CHECK_NEAR(value, expected, 1e-12);
  CHECK_NEAR(slope / product, 1.0, 1e-9);
}
