// SPDX-License-Identifier: BSD-3-Clause
// The list of first-order rules.
#pragma once
#include "thalweg/ops.hpp"
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/gradient_descent.hpp"
#include "thalweg/rules/momentum.hpp"

namespace thalweg {
using Rules = OperationList<rules::GradientDescent, rules::Momentum, rules::Adam>;
}
