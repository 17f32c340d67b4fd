// SPDX-License-Identifier: BSD-3-Clause
// Sums of Chebyshev polynomials.
#pragma once
#include <array>
#include <cstddef>

namespace thalweg::scalar {

// c0 + c1 T1(t) + c2 T2(t) + ... for |t| <= 1, by Clenshaw's recurrence.
template <std::size_t N> double chebyshev(const std::array<double, N>& c, double t) {
  double b = 0.0, before = 0.0;
  for (std::size_t k = N - 1; k > 0; --k) {
    const double next = c[k] + (2.0 * t * b - before);
    before = b, b = next;
  }
  return c[0] + (t * b - before);
}

// (x + 4) erfcx(x), t = (x - 4) / (x + 4)
inline constexpr std::array kErfcx = {
    1.6320978781965259,     -1.5054329427054698,     0.5903214182888945,
    -0.19828527172011035,   0.0569084302284687,      -0.013773973050870096,
    0.002729016733135232,   -0.00041361807903024755, 3.89141838079606e-05,
    4.795485503364818e-07,  -8.699107081379825e-07,  1.2116707094396558e-07,
    3.79196702608182e-09,   -3.4533646779963824e-09, 2.748862570381361e-10,
    6.813959375318511e-11,  -1.3568522747316355e-11, -1.0463235067416098e-12,
    4.851070321243456e-13,  8.458758172979236e-15,   -1.6469363733616713e-14,
    2.5314850886802834e-16, 5.757244393379938e-16,   -1.8245979193136522e-17,
    -2.135637703191254e-17};
// exp(x^2) erfc(x) for x >= 0.
inline double erfcx_of(double x) {
  return chebyshev(kErfcx, x < 1e300 ? (x - 4.0) / (x + 4.0) : 1.0) / (x + 4.0);
}

}  // namespace thalweg::scalar
