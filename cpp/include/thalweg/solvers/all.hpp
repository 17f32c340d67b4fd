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
}
