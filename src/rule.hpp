// SPDX-License-Identifier: BSD-3-Clause
// How Python specifies a step.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "bind.hpp"
#include "thalweg/descent/step.hpp"

// How each hyper-parameter, then each option, enters a step: (number of inputs, None or a function
// of the nodes of t and of those inputs).
using Settings = std::vector<std::pair<int, py::object>>;

// Builds a step with the graph locked.
thalweg::Step step_of(const std::string& rule, const thalweg::Objective& objective,
                      const thalweg::StepParts& parts, const Settings& hyper);
