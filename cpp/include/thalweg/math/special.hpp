// SPDX-License-Identifier: BSD-3-Clause
// Collects the special functions: erf and erfc; the Faddeeva function; gammaln, digamma, trigamma
// and polygamma.
#pragma once
#include "thalweg/math/error_function.hpp"
#include "thalweg/math/faddeeva.hpp"
#include "thalweg/math/gamma.hpp"
