// SPDX-License-Identifier: BSD-3-Clause
// The list of solvers.
#pragma once
#include "thalweg/ops.hpp"
#include "thalweg/solvers/lbfgs.hpp"
#include "thalweg/solvers/lm.hpp"

namespace thalweg {
using Solvers = OperationList<solvers::LBFGS, solvers::LM>;
}
