// SPDX-License-Identifier: BSD-3-Clause
// Tests one objective in eight threads: at the same time the graph grows, and programs are lowered
// and run. Also meant for the thread sanitizer, which detects races even if no result is wrong.
#include <array>
#include <barrier>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "check.hpp"
#include "thalweg/descent/descend.hpp"
#include "thalweg/graph/diagnose.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {

constexpr std::int64_t kThreads = 8;

using Doubles = std::vector<double>;

// sum (exp(w x) - x + (x - d)^2) over the n elements of x. d holds single-precision numbers, which
// are converted at the first read. The graph has only the value; any derivative makes it grow.
struct Problem {
  std::int64_t n;
  std::vector<float> single;
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  NodeId x, f;
  Programs values, slopes;

  explicit Problem(std::int64_t size)
      : n(size),
        single(static_cast<std::size_t>(size), 0.25F),
        x(graph->input(0, {n})),
        f(value()),
        values(graph, {f}),
        slopes(graph, {f, gradient(*graph, f, x)}) {}

  NodeId value() {
    Graph& g = *graph;
    const auto* first = reinterpret_cast<const std::byte*>(single.data());
    const NodeId d = g.data(
        {nullptr, nullptr, Shape{n},
         std::make_shared<Numbers>(first, &read_numbers<float>, Shape{n}, Shape{sizeof(float)})});
    const Expr at(g, x), off = at - Expr(g, d);
    const Expr each = apply<ops::Exp>(Expr(0.5) * at) - at + off * off;
    return g.reduce(Reduction::Sum, each.in(g), {0}, false);
  }
  Doubles start() const {
    Doubles out(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = 0.01 * static_cast<double>(i % 50);
    return out;
  }
};

Doubles run(const Program& p, const std::vector<const double*>& in, std::int64_t k) {
  std::int64_t size = 0;
  for (const std::int64_t s : p.output_sizes) size += s * k;
  Doubles out(static_cast<std::size_t>(size));
  std::vector<double*> to;
  double* at = out.data();
  for (const std::int64_t s : p.output_sizes) to.push_back(std::exchange(at, at + s * k));
  evaluate(p, kernels(), in, to, k);
  return out;
}

Doubles evaluated(Problem& o, Programs& programs, std::int64_t k) {
  Doubles rows;
  for (std::int64_t i = 0; i < k; ++i)
    for (const double v : o.start()) rows.push_back(v + 0.001 * static_cast<double>(i));
  return run(programs.for_lanes({true}, kernels().width, k), {rows.data()}, k);
}

// Derivatives that nothing requested before.
Doubles second(Problem& o) {
  Programs whole(o.graph, {hessian(*o.graph, gradient(*o.graph, o.f, o.x), o.x)});
  return evaluated(o, whole, 1);
}
Doubles product(Problem& o) {
  std::vector<NodeId> outputs;
  {
    const auto hold = o.graph->hold();
    const NodeId v = o.graph->input(1, {o.n}), slope = gradient(*o.graph, o.f, o.x);
    outputs = jacobian_vector_product(*o.graph, std::array{slope}, std::array{o.x}, std::array{v});
  }
  Programs products(o.graph, outputs);
  const Doubles at = o.start(), along(at.size(), 1.0);
  return run(products.for_lanes({true, true}, kernels().width, 1), {at.data(), along.data()}, 1);
}
Doubles blamed(Problem& o) {
  const Doubles huge(static_cast<std::size_t>(o.n), 1e6);
  const auto culprit = diagnose(o.graph, o.f, std::array{huge.data()}, 1);
  return {culprit ? culprit->result : 0.0};
}

struct End {
  Doubles x, last, numbers;
  std::int64_t iterations = 0;
  std::int8_t reason = 0;
  Endings endings;
  explicit End(std::int64_t n)
      : x(static_cast<std::size_t>(n)),
        last(x.size()),
        numbers(4),
        endings{x.data(), last.data(), &numbers[0], &numbers[1], &iterations,
                &reason,  &numbers[2], &numbers[3], {}} {}
  Doubles told() const {
    Doubles out = x;
    out.insert(out.end(),
               {numbers[0], static_cast<double>(iterations), static_cast<double>(reason)});
    return out;
  }
};

Doubles by_rule(Problem& o) {
  const Step step =
      build_step(*find_rule("momentum"), {o.graph, o.f, o.n, 1}, {.gradient_norm = true});
  Programs programs(step.graph, step.outputs);
  const Doubles at = o.start();
  const std::array<double, 2> hyper{0.05, 0.9};
  std::vector<bool> varying(static_cast<std::size_t>(step.at.inputs), false);
  Starts starts{1, at.data(), std::vector<const double*>(varying.size(), nullptr), {nullptr}};
  varying[0] = varying[static_cast<std::size_t>(step.at.memory)] = true;
  for (std::size_t k = 0; k < hyper.size(); ++k)
    starts.values[static_cast<std::size_t>(step.at.hyper) + k] = &hyper[k];
  End end(o.n);
  descend(programs.for_lanes(varying, kernels().width, 1), step, kernels(), starts,
          {.gtol = 1e-6, .max_iter = 50}, end.endings, {});
  return end.told();
}
Doubles by_solver(Problem& o) {
  const Doubles at = o.start();
  const Setup setup{find_solver("lbfgs"), o.n, {10.0, 1.0}};
  const Sources sources{.values = &o.slopes.for_lanes({true}, kernels().width, 1)};
  End end(o.n);
  descend(setup, sources, kernels(), {1, at.data(), {nullptr}, {}}, {.gtol = 1e-6, .max_iter = 50},
          end.endings, {});
  return end.told();
}

using Work = std::function<Doubles(Problem&)>;
const std::array<Work, kThreads> kWorks{
    [](Problem& o) { return evaluated(o, o.values, 1); },
    [](Problem& o) { return evaluated(o, o.slopes, 1); },
    [](Problem& o) { return evaluated(o, o.slopes, 100); },
    second,
    product,
    blamed,
    by_rule,
    by_solver,
};

void at_once(std::int64_t n, int rounds) {
  std::array<Doubles, kThreads> alone;
  for (std::size_t w = 0; w < kWorks.size(); ++w) {
    Problem own(n);
    alone[w] = kWorks[w](own);
  }
  for (int round = 0; round < rounds; ++round) {
    Problem shared(n);
    std::array<std::vector<Doubles>, kThreads> got;
    std::barrier together(kThreads);
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < kWorks.size(); ++t)
        threads.emplace_back([&, t] {
          together.arrive_and_wait();
          for (std::size_t w = 0; w < kWorks.size(); ++w)  // each thread begins with another task
            got[t].push_back(kWorks[(w + t) % kWorks.size()](shared));
        });
    }
    for (std::size_t t = 0; t < kWorks.size(); ++t)
      for (std::size_t w = 0; w < kWorks.size(); ++w)
        CHECK(got[t][w] == alone[(w + t) % kWorks.size()]);
  }
}

}  // namespace

TEST(eight_threads_on_one_objective_get_what_each_gets_alone) { at_once(12, 5); }

TEST(eight_threads_on_one_objective_of_long_arrays_get_what_each_gets_alone) { at_once(300, 2); }
