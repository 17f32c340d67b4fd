// SPDX-License-Identifier: BSD-3-Clause
// How Python says what step it wants.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "bind.hpp"
#include "thalweg/descent/step.hpp"

// How hyper-parameters, then options, enter a step: (number of inputs, None or a function of the
// nodes of t and of those inputs) each.
using Settings = std::vector<std::pair<int, py::object>>;

// A step, made with the graph held.
thalweg::Step step_of(const std::string& rule, const thalweg::Objective& objective,
                      const thalweg::StepParts& parts, const Settings& hyper);
