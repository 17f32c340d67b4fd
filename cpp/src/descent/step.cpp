// SPDX-License-Identifier: BSD-3-Clause
// Builds the graph of one step.
#include "thalweg/descent/step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "thalweg/graph/differentiate.hpp"

namespace thalweg {
namespace {

Expr largest(Graph& g, const Expr& e) {
  const Expr size = apply<ops::Absolute>(e);
  return {g, g.reduce(Reduction::Max, size.in(g), {0}, false)};
}

// The gradient as the rule uses it. Lengths are computed from gradient / largest component, so that
// none overflows, since large gradients are the ones to be clipped.
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

// f + 0 x': f, or NaN if the next point is not finite, so that a test of f covers both. Few
// elements are added one by one, which gives multiply-adds in registers.
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

// Adds a step to the objective's graph, with its inputs in the order of StepLayout.
class StepBuilder {
 public:
  StepBuilder(const Rule& rule, const Objective& objective, const StepParts& parts,
              std::span<const Setting> settings)
      : rule_(rule),
        objective_(objective),
        parts_(parts),
        settings_(settings),
        g_(*objective.graph),
        vector_{objective.n},
        next_(objective.inputs) {
    counts_ = std::ranges::any_of(settings, [](const Setting& s) { return s.formula != nullptr; });
    step_.graph = objective.graph;
    step_.n = objective.n;
    step_.memory = counts_ ? rule.counted : rule.memory;
  }

  Step build() {
    add_objective();
    add_memory();
    add_settings();
    Expr moved;
    rule_.step(x_, conditioned(g_, slope_, x_, options_), memory_.data(), hyper_.data(), moved,
               memory_next_.data());
    Expr projected = slope_;
    if (parts_.bounds) project(moved, projected);
    step_.at.inputs = next_;
    const Expr value = guarded(g_, value_, moved, step_.n);
    step_.outputs = {value.in(g_), g_.broadcast_to(moved.in(g_), vector_)};
    for (std::size_t k = 0; k < memory_.size(); ++k)
      step_.outputs.push_back(g_.broadcast_to(memory_next_[k].in(g_), shape_of(step_.memory[k])));
    add_tests(moved, projected);
    return std::move(step_);
  }

 private:
  Shape shape_of(const rules::Memory& m) const { return m.per_variable ? vector_ : Shape{}; }

  void add_objective() {
    const NodeId x = g_.input(0, vector_);
    x_ = Expr(g_, x);
    if (objective_.f >= 0) {
      value_ = Expr(g_, g_.reshape(objective_.f, {}));
      slope_ = Expr(g_, gradient(g_, objective_.f, x));
    } else {
      value_ = Expr(g_, g_.input(step_.at.told_f = next_++, {}));
      slope_ = Expr(g_, g_.input(step_.at.told_g = next_++, vector_));
    }
  }

  void add_memory() {
    memory_next_.resize(step_.memory.size());
    step_.at.memory = next_;
    for (const rules::Memory& m : step_.memory)
      memory_.emplace_back(g_, g_.input(next_++, shape_of(m)));
    if (counts_) memory_next_.back() = memory_.back() + Expr(1.0);
  }

  // Adds the hyper-parameters, then the options that are used.
  void add_settings() {
    step_.at.hyper = next_;
    std::vector<int> first;  // inputs of the hyper-parameters
    for (std::size_t k = 0; k < rule_.hyper.size(); ++k) {
      first.push_back(next_);
      hyper_.push_back(entered(k < settings_.size() ? settings_[k] : Setting{}));
    }
    options_.resize(options().size());
    for (std::size_t k = 0; k < options_.size(); ++k)
      if (const std::size_t s = rule_.hyper.size() + k;
          s < settings_.size() && (settings_[s].inputs > 0 || settings_[s].formula))
        options_[k] = entered(settings_[s]);
    step_.at.hyper_inputs = next_ - step_.at.hyper;
    for (const rules::Memory& m : step_.memory)
      step_.initial.push_back(m.from_hyper < 0 ? -1
                                               : first[static_cast<std::size_t>(m.from_hyper)]);
  }
  Expr entered(const Setting& s) {
    std::vector<Expr> inputs;
    for (int k = 0; k < s.inputs; ++k) inputs.emplace_back(g_, g_.input(next_++, {}));
    return s.formula ? s.formula(memory_.back(), inputs) : inputs.at(0);
  }

  void project(Expr& moved, Expr& projected) {
    const Expr lower(g_, g_.input(step_.at.lower = next_++, vector_)),
        upper(g_, g_.input(step_.at.upper = next_++, vector_));
    const auto clipped = [&](const Expr& e) {
      return apply<ops::Minimum>(apply<ops::Maximum>(e, lower), upper);
    };
    moved = clipped(moved);
    projected = x_ - clipped(x_ - slope_);
  }

  // Adds the outputs that stopping tests and reports read.
  void add_tests(const Expr& moved, const Expr& projected) {
    const auto put = [this](int& at, const Expr& e) {
      at = position(step_.outputs.size(), "outputs");
      step_.outputs.push_back(e.in(g_));
    };
    if (parts_.gradient_norm)
      put(step_.at.gradient_norm,
          projected.is_number() ? Expr(std::abs(projected.number)) : largest(g_, projected));
    if (parts_.change)
      put(step_.at.change, largest(g_, moved - x_) / (Expr(1.0) + largest(g_, moved)));
    if (parts_.value) put(step_.at.value, value_);
  }

  const Rule& rule_;
  const Objective& objective_;
  const StepParts& parts_;
  std::span<const Setting> settings_;
  Graph& g_;
  const Shape vector_;
  int next_;  // number of the next input
  bool counts_ = false;
  Expr x_, value_, slope_;
  std::vector<Expr> memory_, memory_next_, hyper_;
  std::vector<std::optional<Expr>> options_;
  Step step_;
};

}  // namespace

Step build_step(const Rule& rule, const Objective& objective, const StepParts& parts,
                std::span<const Setting> settings) {
  const auto hold = objective.graph->hold();
  return StepBuilder(rule, objective, parts, settings).build();
}

}  // namespace thalweg
