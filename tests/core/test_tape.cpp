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

// Only diagnosis asks for this: everything in every lane, though nothing differs between them.
TEST(what_is_uniform_can_be_computed_in_every_lane_too) {
  constexpr std::int64_t m = 3, k = 4200, n = 2, lanes = 21;
  auto graph = std::make_shared<Graph>();
  const NodeId a = graph->input(0, {1, m, k}), b = graph->input(1, {1, k, n}),
               c = graph->view(b, {1, m, k}, 0, {0, 1, 1}),
               product = make<ops::Multiply>(*graph, {a, c});
  auto table = std::make_shared<LookupTable>();
  table->breaks = {-1.0, 0.5}, table->c0 = {1.0, 2.0}, table->c1 = {0.5, -0.5}, table->below = 7.0;
  std::vector<NodeId> outputs{graph->matmul(a, b, false, false), graph->matmul(b, a, true, true),
                              graph->scan(a, c, 2, false), graph->lookup(a, table),
                              graph->reduce(Reduction::Sum, product, {2}, false)};
  for (const Reduction r : {Reduction::Sum, Reduction::Max, Reduction::Min, Reduction::Prod})
    for (const int axis : {1, 2}) outputs.push_back(graph->reduce(r, a, {axis}, false));
  const auto x = numbers(m * k), y = numbers(k * n);
  const std::array<const double*, 2> in{x.data(), y.data()};
  for (const Kernels* kernels : supported_kernels()) {
    std::vector<std::vector<double>> alone, among;
    const auto run = [&](std::vector<std::vector<double>>& results, Layout layout,
                         std::int64_t count) {
      const auto program = lower(graph, outputs, {{false, false}, layout, true});
      std::vector<double*> out;
      for (const std::int64_t size : program->output_sizes)
        results.emplace_back(static_cast<std::size_t>(size * count));
      for (auto& r : results) out.push_back(r.data());
      evaluate(*program, *kernels, in, out, count);
    };
    run(alone, Layout::Elements, 1);
    run(among, Layout::Lanes, lanes);
    for (std::size_t o = 0; o < outputs.size(); ++o)
      for (std::size_t i = 0; i < among[o].size(); ++i)
        if (among[o][i] != alone[o][i % alone[o].size()]) {
          CHECK(among[o][i] == alone[o][i % alone[o].size()]);
          break;
        }
  }
}
