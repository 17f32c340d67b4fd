// SPDX-License-Identifier: BSD-3-Clause
// The list of first-order rules.
#pragma once
#include "thalweg/ops.hpp"
#include "thalweg/rules/adadelta.hpp"
#include "thalweg/rules/adagrad.hpp"
#include "thalweg/rules/adam.hpp"
#include "thalweg/rules/adamax.hpp"
#include "thalweg/rules/adamw.hpp"
#include "thalweg/rules/amsgrad.hpp"
#include "thalweg/rules/gradient_descent.hpp"
#include "thalweg/rules/lion.hpp"
#include "thalweg/rules/momentum.hpp"
#include "thalweg/rules/nadam.hpp"
#include "thalweg/rules/nesterov.hpp"
#include "thalweg/rules/rmsprop.hpp"
#include "thalweg/rules/rprop.hpp"

namespace thalweg {
using Rules =
    OperationList<rules::GradientDescent, rules::Momentum, rules::Nesterov, rules::AdaGrad,
                  rules::RMSProp, rules::AdaDelta, rules::Adam, rules::AdamW, rules::AMSGrad,
                  rules::NAdam, rules::AdaMax, rules::Lion, rules::Rprop>;
}
