// SPDX-License-Identifier: BSD-3-Clause
// Plans of Fourier transforms.
#include "thalweg/routines/fourier_plan.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

namespace thalweg {

namespace {

using Real = long double;
using Number = std::complex<Real>;

// Without the care of the operator for infinities, which takes ten times as long.
Number product(const Number& a, const Number& b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// e^(2 pi i k / n) from an angle of at most pi / 4, so that each part is right to its last digits.
Number on_circle(std::int64_t k, std::int64_t n) {
  k %= n;
  const bool below = 2 * k > n;
  if (below) k = n - k;
  const bool left = 4 * k > n;
  Real turns = left ? static_cast<Real>(n - 2 * k) / 2 : static_cast<Real>(k);  // of n
  const bool steep = 8 * turns > static_cast<Real>(n);
  if (steep) turns = static_cast<Real>(n) / 4 - turns;
  const Real angle = 2 * std::numbers::pi_v<Real> * (turns / static_cast<Real>(n));
  Real c = std::cos(angle), s = std::sin(angle);
  if (steep) std::swap(c, s);
  return {left ? -c : c, below ? -s : s};
}

// 8 comes first: the first pass works on W numbers that lie side by side, the others on as many
// columns as the passes before them have made.
std::vector<int> radices_of(std::int64_t n) {
  std::vector<int> radices;
  for (const int r : {8, 4, 2, 7, 5, 3})
    for (; n % r == 0; n /= r) radices.push_back(r);
  for (std::int64_t r = 11; n > 1; r += 2) {
    if (r * r > n) r = n;
    for (; n % r == 0; n /= r)
      radices.push_back(static_cast<int>(std::min<std::int64_t>(r, 1 << 30)));
  }
  return radices;
}

// About the operations of the passes.
double cost_of(std::int64_t n) {
  double cost = 0.0;
  for (const int r : radices_of(n)) cost += r < 11 ? 4.0 : 1.1 * r;
  return cost * static_cast<double>(n);
}

// The cheapest length of at least n with factors up to 5.
std::int64_t good_length(std::int64_t n) {
  std::int64_t best = 1;
  while (best < n) best *= 2;
  double least = cost_of(best);
  for (std::int64_t fives = 1; fives < 2 * n; fives *= 5)
    for (std::int64_t threes = fives; threes < 2 * n; threes *= 3) {
      std::int64_t m = threes;
      while (m < n) m *= 2;
      if (const double cost = cost_of(m); cost < least) least = cost, best = m;
    }
  return best;
}

// The length of the convolution that replaces the passes, or 0.
std::int64_t chirp_length(std::int64_t n) {
  const std::vector<int> radices = radices_of(n);
  if (radices.empty() || radices.back() < 50) return 0;
  const std::int64_t m = good_length(2 * n - 1);
  return radices.back() > kLargestRadix || 2.0 * cost_of(m) < cost_of(n) ? m : 0;
}

// e^(-2 pi i k / n) for all k, which serve the divisors of n too: products of two of about sqrt(n)
// each, as a sine takes longer.
class Circle {
 public:
  explicit Circle(std::int64_t n) : n_(n) {
    const auto step = static_cast<std::int64_t>(std::sqrt(static_cast<double>(n))) + 1;
    std::vector<Number> fine;
    Number coarse;
    for (std::int64_t k = 0; k < step; ++k) fine.push_back(std::conj(on_circle(k, n)));
    for (std::int64_t k = 0; k < n; ++k) {
      const Number w = fine[static_cast<std::size_t>(k % step)];
      if (k % step == 0) coarse = std::conj(on_circle(k, n));
      roots_.push_back(product(coarse, w));
    }
  }
  // e^(-2 pi i k / divisor)
  Number operator()(std::int64_t k, std::int64_t divisor) const {
    return roots_[static_cast<std::size_t>(k % divisor * (n_ / divisor))];
  }

 private:
  std::int64_t n_;
  std::vector<Number> roots_;
};

void append_passes(const Circle& circle, std::int64_t n, std::vector<double>& table) {
  const std::vector<int> radices = radices_of(n);
  table.push_back(static_cast<double>(radices.size()));
  table.insert(table.end(), radices.begin(), radices.end());
  for (const int r : radices) {
    const std::int64_t m = n / r;
    if (r % 2) append_circle(r, r, 1.0, table);
    if (m > 1)
      for (std::int64_t j = 1; j < r; ++j)
        for (const bool imaginary : {false, true})
          for (std::int64_t p = 0; p < m; ++p) {
            const Number w = circle(j * p, n);
            table.push_back(static_cast<double>(imaginary ? w.imag() : w.real()));
          }
    n = m;
  }
}

// The transform of x[0], x[step], … of length n, by decimation in time.
std::vector<Number> transform(const Circle& circle, const Number* x, std::int64_t step,
                              std::int64_t n) {
  if (n == 1) return {x[0]};
  std::int64_t r = 2;
  while (n % r) ++r;
  const std::int64_t m = n / r;
  std::vector<Number> out(static_cast<std::size_t>(n));
  for (std::int64_t j = 0; j < r; ++j) {
    const std::vector<Number> part = transform(circle, x + j * step, step * r, m);
    for (std::int64_t k = 0; k < n; ++k)
      out[static_cast<std::size_t>(k)] +=
          product(circle(j * k, n), part[static_cast<std::size_t>(k % m)]);
  }
  return out;
}

void append(const std::vector<Number>& numbers, std::size_t count, std::vector<double>& table) {
  for (std::size_t k = 0; k < count; ++k) table.push_back(static_cast<double>(numbers[k].real()));
  for (std::size_t k = 0; k < count; ++k) table.push_back(static_cast<double>(numbers[k].imag()));
}

}  // namespace

void append_circle(std::int64_t n, std::int64_t count, double scale, std::vector<double>& table) {
  for (const bool sine : {false, true})
    for (std::int64_t k = 0; k < count; ++k) {
      const Number w = on_circle(k, n);
      table.push_back(scale * static_cast<double>(sine ? w.imag() : w.real()));
    }
}

void append_plan(std::int64_t n, std::vector<double>& table) {
  const std::int64_t m = chirp_length(n);
  if (!m) return append_passes(Circle(n), n, table);
  table.push_back(-1.0);
  table.push_back(static_cast<double>(m));
  std::vector<Number> chirp, around(static_cast<std::size_t>(m));
  std::int64_t square = 0;  // k^2 modulo 2 n
  for (std::int64_t k = 0; k < n; ++k) {
    const Number w = on_circle(square, 2 * n);
    chirp.push_back(std::conj(w));
    around[static_cast<std::size_t>(k)] = w;
    if (k) around[static_cast<std::size_t>(m - k)] = w;
    square = (square + 2 * k + 1) % (2 * n);
  }
  const Circle circle(m);
  std::vector<Number> spectrum = transform(circle, around.data(), 1, m);
  for (Number& z : spectrum) z /= static_cast<Real>(m);
  append(chirp, chirp.size(), table);
  append(spectrum, spectrum.size(), table);
  append_passes(circle, m, table);
}

std::int64_t plan_work(std::int64_t n) {
  const std::int64_t m = chirp_length(n);
  return m ? 6 * m : 2 * n;
}

}  // namespace thalweg
