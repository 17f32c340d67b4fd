// SPDX-License-Identifier: BSD-3-Clause
// The list of solvers.
#pragma once
#include "thalweg/ops.hpp"
#include "thalweg/solvers/bfgs.hpp"
#include "thalweg/solvers/cg.hpp"
#include "thalweg/solvers/compass.hpp"
#include "thalweg/solvers/lbfgs.hpp"
#include "thalweg/solvers/lm.hpp"
#include "thalweg/solvers/newton.hpp"
#include "thalweg/solvers/newton_cg.hpp"
#include "thalweg/solvers/steepest.hpp"

namespace thalweg {
using Solvers = OperationList<solvers::Compass, solvers::Steepest, solvers::CG, solvers::BFGS,
                              solvers::LBFGS, solvers::Newton, solvers::NewtonCG, solvers::LM>;

// Those that are also compiled for exactly 1, 2, … kFewVariables variables, where they then take a
// quarter to a third less time. The others gain less (compass nothing), or are meant for many.
using SolversOfFewVariables =
    OperationList<solvers::BFGS, solvers::LBFGS, solvers::Newton, solvers::LM>;
}  // namespace thalweg
