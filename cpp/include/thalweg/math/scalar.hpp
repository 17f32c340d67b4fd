// SPDX-License-Identifier: BSD-3-Clause
// Special functions of doubles, compiled once for all instruction sets. Borders and poles are
// SciPy's: NaN outside of the domain. Sources stand beside the definitions in cpp/src/math.
#pragma once

namespace thalweg::scalar {

// Gamma and Beta. polygamma_rise(n, a, b) is that of a + b less that of a, for a, b > 0; n = 0 is
// digamma.
double gamma(double x);
double beta(double a, double b);
double betaln(double a, double b);
double polygamma_rise(double n, double a, double b);

// The regularized incomplete gamma functions P and Q, the first derivative of P in x, its first and
// second in a, and the inverses in x.
double gammainc(double a, double x);
double gammaincc(double a, double x);
double gamma_density(double a, double x);
double gammainc_slope(double a, double x);
double gammainc_second_slope(double a, double x);
double gammaincinv(double a, double p);
double gammainccinv(double a, double q);

// The regularized incomplete beta function I, 1 - I, its first and second derivatives, and its
// inverse in x.
double betainc(double a, double b, double x);
double betaincc(double a, double b, double x);
double beta_density(double a, double b, double x);
double betainc_slope_in_a(double a, double b, double x);
double betainc_slope_in_b(double a, double b, double x);
double betainc_slope_in_aa(double a, double b, double x);
double betainc_slope_in_ab(double a, double b, double x);
double betainc_slope_in_bb(double a, double b, double x);
double betaincinv(double a, double b, double p);

// Student's distribution function and its derivative in df.
double stdtr(double df, double t);
double stdtr_slope(double df, double t);

// Inverses of erf and erfc.
double erfinv(double y);
double erfcinv(double y);

// Bessel functions of whole order n; the scaled ones are times exp(-|x|), exp(x).
double jn(double n, double x);
double yn(double n, double x);
double in(double n, double x);
double in_scaled(double n, double x);
double kn(double n, double x);
double kn_scaled(double n, double x);

double spherical_jn(double n, double x);

// Exponential integrals, E_n for whole n, sine and cosine integral, the sum of (q + k)^-s over k
// and its derivative in s, and that sum for q = 2.
double exp1(double x);
double expi(double x);
double expn(double n, double x);
double sine_integral(double x);
double cosine_integral(double x);
double zeta(double s, double q);
double zeta_slope(double s, double q);
double zeta_less_one(double s);

}  // namespace thalweg::scalar
