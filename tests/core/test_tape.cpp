// SPDX-License-Identifier: BSD-3-Clause
// Tests tapes: handlers that jump, equal bits in both layouts, fused products, and prologues.
#include <pthread.h>

#include <cmath>
#include <random>

#include "check.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {
template <class Op> NodeId make(Graph& g, std::initializer_list<NodeId> in) {
  return g.elementwise(kOpcode<Op>, std::vector<NodeId>(in));
}
std::vector<double> numbers(std::size_t n) {
  std::mt19937_64 random(1);
  std::vector<double> x(n);
  for (double& v : x) v = std::uniform_real_distribution<double>(-2, 2)(random);
  return x;
}
double run_one(const std::shared_ptr<Graph>& g, NodeId f, const std::vector<double>& x,
               Layout layout, const Kernels& k) {
  const auto program = lower(g, std::array{f}, {{true}, layout});
  const std::array<const double*, 1> in{x.data()};
  double value = 0;
  const std::array<double*, 1> out{&value};
  evaluate(*program, k, in, out, 1);
  return value;
}
}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // with these they call
namespace {
// Runs a long tape on a thread with a small stack: handlers must jump, not call.
void* long_tape(void* result) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {});
  NodeId y = x;
  for (int i = 0; i < 200000; ++i)
    y = make<ops::Add>(*graph,
                       {make<ops::Multiply>(*graph, {y, x}), graph->constant(1e-3 * (i % 7))});
  for (const Kernels* k : supported_kernels())
    *static_cast<double*>(result) += run_one(graph, y, {0.5}, Layout::Lanes, *k);
  return nullptr;
}
}  // namespace

TEST(handlers_jump_so_that_the_stack_does_not_grow_with_the_tape) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  double result = 0;
  CHECK(pthread_create(&thread, &attributes, &long_tape, &result) == 0);
  pthread_join(thread, nullptr);
  CHECK(std::isfinite(result) && result > 0);
}
#endif

TEST(sums_have_the_same_bits_in_both_layouts_and_every_length) {
  for (std::int64_t n : {1, 2, 3, 5, 8, 31, 32, 33, 63, 64, 65, 100, 1000, 4096, 4097, 10000}) {
    auto graph = std::make_shared<Graph>();
    const NodeId x = graph->input(0, {n});
    const NodeId sum = graph->reduce(Reduction::Sum, x, {0}, false);
    const NodeId dot = graph->reduce(
        Reduction::Sum,
        make<ops::Multiply>(*graph, {x, make<ops::Add>(*graph, {x, graph->constant(1.0)})}), {0},
        false);
    const std::vector<double> v = numbers(static_cast<std::size_t>(n));
    for (const Kernels* k : supported_kernels())
      for (NodeId f : {sum, dot})
        CHECK(run_one(graph, f, v, Layout::Lanes, *k) ==
              run_one(graph, f, v, Layout::Elements, *k));
  }
}

TEST(instruction_sets_agree_to_rounding) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {100});
  const NodeId f = graph->reduce(Reduction::Sum,
                                 make<ops::Sin>(*graph, {make<ops::Exp>(*graph, {x})}), {0}, false);
  const std::vector<double> v = numbers(100);
  const double first = run_one(graph, f, v, Layout::Lanes, *supported_kernels().front());
  for (const Kernels* k : supported_kernels())
    CHECK_NEAR(run_one(graph, f, v, Layout::Lanes, *k), first, 1e-13);
}

TEST(a_product_used_once_is_fused_and_one_used_twice_is_not) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {}), y = graph->input(1, {});
  const NodeId product = make<ops::Multiply>(*graph, {x, y}),
               sum = make<ops::Add>(*graph, {product, x});
  CHECK(lower(graph, std::array{sum}, {{true, true}, Layout::Lanes})->print().find("fma") !=
        std::string::npos);
  CHECK(
      lower(graph, std::array{sum, product}, {{true, true}, Layout::Lanes})->print().find("fma") ==
      std::string::npos);
}

TEST(what_is_uniform_is_computed_once) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {}), a = graph->input(1, {});
  const NodeId f = make<ops::Multiply>(*graph, {x, make<ops::Exp>(*graph, {a})});
  const auto program = lower(graph, std::array{f}, {{true, false}, Layout::Lanes});
  CHECK(program->prologue != nullptr);
  CHECK(program->body.code.size() == 1);
}

// The rounding of an expression must not depend on which of its inputs vary.
TEST(a_product_of_uniform_numbers_is_fused_as_one_that_varies_is) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {}), a = graph->input(1, {}), b = graph->input(2, {});
  const NodeId product = make<ops::Multiply>(*graph, {a, b}),
               sum = make<ops::Add>(*graph, {product, x});
  for (const bool varies : {true, false}) {
    const auto program = lower(graph, std::array{sum}, {{true, varies, varies}, Layout::Lanes});
    CHECK(program->body.print().find("fma") != std::string::npos);
    CHECK(program->prologue == nullptr);
    const auto both =
        lower(graph, std::array{sum, product}, {{true, varies, varies}, Layout::Lanes});
    CHECK(both->print().find("fma") == std::string::npos);
  }
}

TEST(what_runs_once_is_fused_within_itself) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {}), a = graph->input(1, {}), b = graph->input(2, {});
  const NodeId inner = make<ops::Add>(*graph, {make<ops::Multiply>(*graph, {a, b}), a});
  const NodeId f = make<ops::Multiply>(*graph, {x, make<ops::Exp>(*graph, {inner})});
  const auto program = lower(graph, std::array{f, inner}, {{true, false, false}, Layout::Lanes});
  CHECK(program->prologue != nullptr);
  CHECK(program->prologue->print().find("fma") != std::string::npos);
  CHECK(program->body.code.size() == 2);  // the product, and the move to the other output
}
