// SPDX-License-Identifier: BSD-3-Clause
// The list of methods, and the graph of one step.
#include "thalweg/descent/method.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "thalweg/graph/differentiate.hpp"
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
template <class Rule> constexpr auto kCounted = [] {
  std::array<rules::Memory, Rule::memory.size() + 1> all{};
  std::copy(Rule::memory.begin(), Rule::memory.end(), all.begin());
  all.back() = {"t", 0.0, false};
  return all;
}();
template <class... Rs> constexpr auto describe(OperationList<Rs...>) {
  return std::array{Method{Rs::name, Rs::class_name, Rs::summary, Rs::source, Rs::hyper, Rs::memory,
                           kCounted<Rs>, &step_of<Rs>}...};
}
constexpr auto kMethods = describe(Rules{});

constexpr std::array kOptions{
    rules::Hyper{"clip_value", rules::kRequired,
                 "Components of the gradient are cut to +- this, > 0, in units of f / x.",
                 open(0.0).to(open(kInfinity))},
    rules::Hyper{"clip_norm", rules::kRequired,
                 "A gradient that is longer is cut to this length, > 0, in units of f / x.",
                 open(0.0).to(open(kInfinity))},
    rules::Hyper{"weight_decay", rules::kRequired,
                 "This times x is added to the gradient, >= 0, in units of f / x**2.",
                 closed(0.0).to(open(kInfinity))}};

Expr largest(Graph& g, const Expr& e) {
  const Expr size = apply<ops::Absolute>(e);
  return {g, g.reduce(Reduction::Max, size.in(g), {0}, false)};
}

// The gradient as the rule sees it. Lengths are taken of gradient / largest component, so that none
// overflows: it is the exploding gradients that are cut.
Expr conditioned(Graph& g, Expr slope, const Expr& x,
                 std::span<const std::optional<Expr>> options) {
  const auto &clip_value = options[0], &clip_norm = options[1], &weight_decay = options[2];
  if (clip_value)
    slope = apply<ops::Minimum>(apply<ops::Maximum>(slope, -*clip_value), *clip_value);
  if (clip_norm) {
    const Expr all(g, g.broadcast_to(slope.in(g), x.shape()));
    const Expr size =
        apply<ops::Maximum>(largest(g, all), Expr(std::numeric_limits<double>::min()));
    const Expr unit = all / size;
    const Expr length =
        apply<ops::Sqrt>(Expr(g, g.reduce(Reduction::Sum, (unit * unit).in(g), {0}, false)));
    slope = all * apply<ops::Minimum>(*clip_norm / size / length, Expr(1.0));
  }
  if (weight_decay) slope = slope + *weight_decay * x;
  return slope;
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

std::span<const rules::Hyper> options() { return kOptions; }

Step build_step(const Method& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
                int objective_inputs, const StepParts& parts, std::span<const Setting> settings) {
  Graph& g = *graph;
  const auto hold = g.hold();
  const bool counts =
      std::ranges::any_of(settings, [](const Setting& s) { return s.formula != nullptr; });
  Step step{graph, {}, {}, n, counts ? method.counted : method.memory, {}};
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
  std::vector<Expr> memory, hyper, memory_next(step.memory.size());
  at.memory = next;
  for (const rules::Memory& m : step.memory)
    memory.emplace_back(g, g.input(next++, m.per_variable ? vector : Shape{}));
  if (counts) memory_next.back() = memory.back() + Expr(1.0);
  at.hyper = next;
  const auto entered = [&](const Setting& s) {
    std::vector<Expr> inputs;
    for (int k = 0; k < s.inputs; ++k) inputs.emplace_back(g, g.input(next++, {}));
    return s.formula ? s.formula(memory.back(), inputs) : inputs.at(0);
  };
  std::vector<int> first;  // inputs of the hyper-parameters
  for (std::size_t k = 0; k < method.hyper.size(); ++k) {
    first.push_back(next);
    hyper.push_back(entered(k < settings.size() ? settings[k] : Setting{}));
  }
  std::array<std::optional<Expr>, kOptions.size()> chosen;
  for (std::size_t k = 0; k < kOptions.size(); ++k)
    if (const std::size_t s = method.hyper.size() + k;
        s < settings.size() && (settings[s].inputs > 0 || settings[s].formula))
      chosen[k] = entered(settings[s]);
  at.hyper_inputs = next - at.hyper;
  for (const rules::Memory& m : step.memory)
    step.initial.push_back(m.from_hyper < 0 ? -1 : first[static_cast<std::size_t>(m.from_hyper)]);

  Expr moved;
  method.step(x, conditioned(g, slope, x, chosen), memory.data(), hyper.data(), moved,
              memory_next.data());
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
        g.broadcast_to(memory_next[k].in(g), step.memory[k].per_variable ? vector : Shape{}));
  if (parts.gradient_norm) {
    at.gradient_norm = position(step.outputs.size(), "outputs");
    step.outputs.push_back((projected.is_number()
                                ? Expr(projected.number < 0 ? -projected.number : projected.number)
                                : largest(g, projected))
                               .in(g));
  }
  if (parts.change) {
    at.change = position(step.outputs.size(), "outputs");
    step.outputs.push_back((largest(g, moved - x) / (Expr(1.0) + largest(g, moved))).in(g));
  }
  if (parts.value) {
    at.value = position(step.outputs.size(), "outputs");
    step.outputs.push_back(plain.in(g));
  }
  return step;
}

}  // namespace thalweg
