// SPDX-License-Identifier: BSD-3-Clause
// A rule on one objective: its step, lowered for each choice of what differs between starts, once,
// and what a run of it is given.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "thalweg/descent/descend.hpp"

namespace thalweg {

// Numbers of an input: one row for all starts, or one for each.
struct InputRows {
  const double* values = nullptr;
  bool per_start = false;
};

// What the user gives a run of a rule besides the starts.
struct RuleInputs {
  std::vector<InputRows> args;   // of the objective, after x; none where values are told
  std::vector<InputRows> hyper;  // of the step's hyper-parameters, in its order
  Bounds bounds;
  std::vector<const double*> memory;  // (k, size) each; null: as the rule begins
};

// A run of a step: which of its inputs have a row for each start, and where the numbers are.
struct RuleRun {
  std::vector<bool> varying;
  Starts starts;
  std::vector<std::vector<double>> made;  // memory that begins as a hyper-parameter
};

class RuleTapes {
 public:
  RuleTapes(const Rule& rule, const Objective& objective, const StepParts& parts,
            std::span<const Setting> settings);

  const Step& step() const { return step_; }
  int args() const { return args_; }
  // k starts x (k, n), which the run points into, as into its inputs.
  RuleRun run(std::int64_t k, const double* x, const RuleInputs& inputs) const;
  const Program& program(const RuleRun& run, int width) {
    return programs_.for_lanes(run.varying, width, run.starts.k);
  }
  // Memory m of a start as the run begins it: `remembered` numbers.
  void first_memory(const RuleRun& run, std::size_t m, std::int64_t start, double* to) const;

 private:
  std::vector<double> initial(std::size_t m, std::int64_t k,
                              std::span<const InputRows> hyper) const;
  Step step_;
  int args_;  // of the objective, after x
  Programs programs_;
};

}  // namespace thalweg
