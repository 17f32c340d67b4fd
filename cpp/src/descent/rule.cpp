// SPDX-License-Identifier: BSD-3-Clause
// The list of rules, and of the options that every rule accepts.
#include "thalweg/descent/rule.hpp"

#include <algorithm>

#include "thalweg/rules/all.hpp"

namespace thalweg {
namespace {

template <class R>
void step_of(Expr x, Expr g, const Expr* memory, const Expr* hyper, Expr& x_next,
             Expr* memory_next) {
  const auto out = R::step(x, g, memory, hyper);
  x_next = out.x;
  for (std::size_t k = 0; k < out.state.size(); ++k) memory_next[k] = out.state[k];
}
template <class R> constexpr auto kCounted = [] {
  std::array<rules::Memory, R::memory.size() + 1> all{};
  std::copy(R::memory.begin(), R::memory.end(), all.begin());
  all.back() = {"t", 0.0, false};
  return all;
}();
template <class... Rs> constexpr auto rules_of(OperationList<Rs...>) {
  return std::array{Rule{Rs::name, Rs::class_name, Rs::summary, Rs::source, Rs::hyper, Rs::memory,
                         kCounted<Rs>, &step_of<Rs>}...};
}
constexpr auto kRules = rules_of(Rules{});

constexpr std::array kOptions{
    rules::Hyper{"clip_value", rules::kRequired,
                 "Limit on each component of the gradient, > 0, in units of f / x.",
                 open(0.0).to(open(kInfinity))},
    rules::Hyper{"clip_norm", rules::kRequired,
                 "Limit on the length of the gradient, > 0, in units of f / x.",
                 open(0.0).to(open(kInfinity))},
    rules::Hyper{"weight_decay", rules::kRequired,
                 "Adds this times x to the gradient, >= 0, in units of f / x**2.",
                 closed(0.0).to(open(kInfinity))}};

}  // namespace

std::span<const Rule> all_rules() { return kRules; }
const Rule* find_rule(std::string_view name) {
  for (const Rule& r : kRules)
    if (name == r.name) return &r;
  return nullptr;
}

std::span<const rules::Hyper> options() { return kOptions; }

}  // namespace thalweg
