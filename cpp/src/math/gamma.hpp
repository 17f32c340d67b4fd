// SPDX-License-Identifier: BSD-3-Clause
// What the incomplete functions need of Gamma and Beta.
#pragma once
#include "math/twofold.hpp"

namespace thalweg::scalar {

Twofold log_gamma_ratio(double a, double b);
Twofold log_gamma_of_next(double a);
Twofold log_beta_of(double a, double b);
double trigamma_of(double x);
double digamma_of(double x);  // x > 0, within an ulp or so of 1

}  // namespace thalweg::scalar
