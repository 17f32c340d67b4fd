// SPDX-License-Identifier: BSD-3-Clause
// The list of numerical routines.
#pragma once
#include <array>

#include "thalweg/routines/numeric.hpp"

namespace thalweg {

// How a routine is made; sizes have the right number and are at least 0.
struct NumericForm {
  const char* name;
  std::size_t sizes;  // how many there are
  std::shared_ptr<const Numeric> (*make)(Numeric::Sizes sizes);
};

std::shared_ptr<const Numeric> make_recurrence(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_fft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_rfft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_irfft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_custom(Numeric::Sizes sizes);

inline constexpr std::array kNumericForms{
    NumericForm{"recurrence", 4, &make_recurrence},
    NumericForm{"fft", 3, &make_fft},
    NumericForm{"rfft", 2, &make_rfft},
    NumericForm{"irfft", 2, &make_irfft},
    NumericForm{"custom", 5, &make_custom},
};

}  // namespace thalweg
