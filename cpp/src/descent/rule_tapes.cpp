// SPDX-License-Identifier: BSD-3-Clause
// Collects the inputs of a step from the starts, the user and the rule.
#include "thalweg/descent/rule_tapes.hpp"

#include <algorithm>

namespace thalweg {
RuleTapes::RuleTapes(const Rule& rule, const Objective& objective, const StepParts& parts,
                     std::span<const Setting> settings)
    : step_(build_step(rule, objective, parts, settings)),
      args_(objective.inputs - 1),
      programs_(step_.graph, step_.outputs) {}

RuleRun RuleTapes::run(std::int64_t k, const double* x, const RuleInputs& inputs) const {
  const StepLayout& at = step_.at;
  RuleRun run{std::vector<bool>(index(at.inputs), false),
              {k, x, std::vector<const double*>(index(at.inputs), nullptr), {}},
              {}};
  const auto give = [&run](int input, const InputRows& rows) {
    run.starts.values[index(input)] = rows.values;
    run.varying[index(input)] = rows.per_start;
  };
  run.varying[0] = true;
  for (std::size_t j = 0; j < inputs.args.size(); ++j)
    give(static_cast<int>(1 + j), inputs.args[j]);
  for (std::size_t j = 0; j < inputs.hyper.size(); ++j)
    give(at.hyper + static_cast<int>(j), inputs.hyper[j]);
  if (at.told_f >= 0) run.varying[index(at.told_f)] = run.varying[index(at.told_g)] = true;
  std::fill_n(run.varying.begin() + at.memory, step_.memory.size(), true);
  if (at.lower >= 0) {
    give(at.lower, {inputs.bounds.lower, false});
    give(at.upper, {inputs.bounds.upper, false});
  }
  for (std::size_t m = 0; m < step_.memory.size(); ++m) {
    const double* first = m < inputs.memory.size() ? inputs.memory[m] : nullptr;
    if (!first && step_.initial[m] >= 0)
      first = run.made.emplace_back(initial(m, k, inputs.hyper)).data();
    run.starts.memory.push_back(first);
  }
  return run;
}

void RuleTapes::first_memory(const RuleRun& run, std::size_t m, std::int64_t start,
                             double* to) const {
  const std::int64_t size = step_.remembered(m);
  if (const double* first = run.starts.memory[m]) std::copy_n(first + start * size, size, to);
  else std::fill_n(to, size, step_.memory[m].initial);
}

// Memory that starts as a hyper-parameter: one row per start.
std::vector<double> RuleTapes::initial(std::size_t m, std::int64_t k,
                                       std::span<const InputRows> hyper) const {
  const InputRows& from = hyper[index(step_.initial[m] - step_.at.hyper)];
  const std::int64_t size = step_.remembered(m);
  std::vector<double> rows(index(k * size));
  for (std::int64_t i = 0; i < k; ++i)
    std::fill_n(rows.begin() + i * size, size, from.values[from.per_start ? i : 0]);
  return rows;
}

}  // namespace thalweg
