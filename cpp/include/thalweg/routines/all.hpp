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
std::shared_ptr<const Numeric> make_triangle(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_solve_triangular(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_cholesky(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_cholesky_adjoint(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_lu(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_solve(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_inv(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_slogdet(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_det(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_cofactors(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_eigh(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_qr(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_svd(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_pinv(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_expm(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_expm_derivative(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_fft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_rfft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_irfft(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_sort(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_permute(Numeric::Sizes sizes);
std::shared_ptr<const Numeric> make_custom(Numeric::Sizes sizes);

inline constexpr std::array kNumericForms{
    NumericForm{"recurrence", 4, &make_recurrence},
    NumericForm{"triangle", 4, &make_triangle},
    NumericForm{"solve_triangular", 6, &make_solve_triangular},
    NumericForm{"cholesky", 2, &make_cholesky},
    NumericForm{"cholesky_adjoint", 2, &make_cholesky_adjoint},
    NumericForm{"lu", 2, &make_lu},
    NumericForm{"solve", 4, &make_solve},
    NumericForm{"inv", 2, &make_inv},
    NumericForm{"slogdet", 2, &make_slogdet},
    NumericForm{"det", 2, &make_det},
    NumericForm{"cofactors", 2, &make_cofactors},
    NumericForm{"eigh", 2, &make_eigh},
    NumericForm{"qr", 3, &make_qr},
    NumericForm{"svd", 3, &make_svd},
    NumericForm{"pinv", 3, &make_pinv},
    NumericForm{"expm", 3, &make_expm},
    NumericForm{"expm_derivative", 3, &make_expm_derivative},
    NumericForm{"fft", 3, &make_fft},
    NumericForm{"rfft", 2, &make_rfft},
    NumericForm{"irfft", 2, &make_irfft},
    NumericForm{"sort", 2, &make_sort},
    NumericForm{"permute", 3, &make_permute},
    NumericForm{"custom", 5, &make_custom},
};

}  // namespace thalweg
