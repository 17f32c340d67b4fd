// SPDX-License-Identifier: BSD-3-Clause
// Applies a rule to one objective: lowers its step once for each choice of inputs that differ
// between starts, and collects the inputs of a run.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "thalweg/descent/descend.hpp"

namespace thalweg {

// The numbers of an input: one row for all starts, or one row per start.
struct InputRows {
  const double* values = nullptr;
  bool per_start = false;
};

// The user's inputs to a run of a rule, besides the starts.
struct RuleInputs {
  std::vector<InputRows> args;   // of the objective, after x; empty if values come from a driver
  std::vector<InputRows> hyper;  // the step's hyper-parameters, in its order
  Bounds bounds;
  std::vector<const double*> memory;  // (k, size) each; null for the rule's initial values
};

// The inputs of a run of a step: which of them have a row per start, and where their numbers are.
struct RuleRun {
  std::vector<bool> varying;
  Starts starts;
  std::vector<std::vector<double>> made;  // memory that starts as a hyper-parameter
};

class RuleTapes {
 public:
  RuleTapes(const Rule& rule, const Objective& objective, const StepParts& parts,
            std::span<const Setting> settings);

  const Step& step() const { return step_; }
  int args() const { return args_; }
  // k starts x (k, n). The result points into x and `inputs`, which must outlive it.
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
  int args_;  // arguments of the objective, after x
  Programs programs_;
};

}  // namespace thalweg
