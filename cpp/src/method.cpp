// SPDX-License-Identifier: BSD-3-Clause
// The list of methods, and the graph of one step.
#include "thalweg/method.hpp"

#include "thalweg/differentiate.hpp"
#include "thalweg/rules/all.hpp"

namespace thalweg {
namespace {

template <class Rule>
void step_of(Expr x, Expr g, const Expr* memory, const Expr* hyper, Expr& x_next,
             Expr* memory_next) {
  const auto out = Rule::step(x, g, memory, hyper);
  x_next = out.x;
  for (std::size_t k = 0; k < out.state.size(); ++k) memory_next[k] = out.state[k];
}
template <class... Rs> constexpr auto describe(OperationList<Rs...>) {
  return std::array{Method{Rs::name, Rs::class_name, Rs::summary, Rs::source, Rs::hyper, Rs::memory,
                           &step_of<Rs>}...};
}
constexpr auto kMethods = describe(Rules{});

Expr largest(Graph& g, const Expr& e) {
  const Expr size = apply<ops::Absolute>(e);
  return {g, g.reduce(Reduction::Max, size.in(g), {0}, false)};
}

// f + 0 x': f, or NaN where the next point is not finite, so that one test of f tells both. A few
// elements are added one by one, which makes multiply-adds in registers.
Expr guarded(Graph& g, const Expr& f, const Expr& moved, std::int64_t n) {
  const NodeId zero = g.constant(0.0), next = g.broadcast_to(moved.in(g), {n});
  const auto plus = [&g](NodeId a, NodeId b) {
    return g.elementwise(kOpcode<ops::Add>, std::array{a, b});
  };
  const auto nothing = [&](NodeId x) {
    return g.elementwise(kOpcode<ops::Multiply>, std::array{zero, x});
  };
  NodeId value = f.in(g);
  if (n > 4) return {g, plus(value, g.reduce(Reduction::Sum, nothing(next), {0}, false))};
  for (std::int64_t i = 0; i < n; ++i) value = plus(value, nothing(g.view(next, {}, i, {})));
  return {g, value};
}

}  // namespace

std::span<const Method> methods() { return kMethods; }
const Method* find_method(std::string_view name) {
  for (const Method& m : kMethods)
    if (name == m.name) return &m;
  return nullptr;
}

Step build_step(const Method& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
                int objective_inputs, const StepParts& parts) {
  Graph& g = *graph;
  Step step{graph, {}, {}, n};
  StepLayout& at = step.at;
  int next = objective_inputs;
  const Shape vector{n};
  const NodeId x_in = g.input(0, vector);
  const Expr x(g, x_in);
  Expr value, slope;
  if (f >= 0) {
    value = Expr(g, g.reshape(f, {}));
    slope = Expr(g, gradient(g, f, x_in));
  } else {
    value = Expr(g, g.input(at.told_f = next++, {}));
    slope = Expr(g, g.input(at.told_g = next++, vector));
  }
  std::vector<Expr> memory, hyper, memory_next(method.memory.size());
  at.memory = next;
  for (const rules::Memory& m : method.memory)
    memory.emplace_back(g, g.input(next++, m.per_variable ? vector : Shape{}));
  at.hyper = next;
  for (std::size_t k = 0; k < method.hyper.size(); ++k) hyper.emplace_back(g, g.input(next++, {}));

  Expr moved;
  method.step(x, slope, memory.data(), hyper.data(), moved, memory_next.data());
  Expr projected = slope;
  if (parts.bounds) {
    const Expr lower(g, g.input(at.lower = next++, vector)),
        upper(g, g.input(at.upper = next++, vector));
    const auto clipped = [&](const Expr& e) {
      return apply<ops::Minimum>(apply<ops::Maximum>(e, lower), upper);
    };
    moved = clipped(moved);
    projected = x - clipped(x - slope);
  }
  at.inputs = next;
  const Expr plain = value;
  value = guarded(g, value, moved, n);
  step.outputs = {value.in(g), g.broadcast_to(moved.in(g), vector)};
  for (std::size_t k = 0; k < memory.size(); ++k)
    step.outputs.push_back(
        g.broadcast_to(memory_next[k].in(g), method.memory[k].per_variable ? vector : Shape{}));
  if (parts.gradient_norm) {
    at.gradient_norm = static_cast<int>(step.outputs.size());
    step.outputs.push_back((projected.is_number()
                                ? Expr(projected.number < 0 ? -projected.number : projected.number)
                                : largest(g, projected))
                               .in(g));
  }
  if (parts.change) {
    at.change = static_cast<int>(step.outputs.size());
    step.outputs.push_back((largest(g, moved - x) / (Expr(1.0) + largest(g, moved))).in(g));
  }
  if (parts.value) {
    at.value = static_cast<int>(step.outputs.size());
    step.outputs.push_back(plain.in(g));
  }
  return step;
}

}  // namespace thalweg
