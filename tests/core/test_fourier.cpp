// SPDX-License-Identifier: BSD-3-Clause
// Tests Fourier transforms: right for every kind of length, with the same bits in lanes, in a batch
// and alone, and with slopes that agree forward and backward.
#include <bit>
#include <cmath>
#include <numbers>
#include <random>

#include "check.hpp"
#include "doubles.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/routines/all.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {

using check::Doubles, check::part, check::same;

// Powers, products, primes with passes of their own and with a convolution, and longer ones than
// batches of lanes are good for.
constexpr std::array<std::int64_t, 22> kLengths{1,  2,  3,  4,  5,  6,   7,   8,   9,   11,  16,
                                                24, 30, 35, 47, 64, 101, 127, 128, 254, 540, 1021};

Doubles numbers(std::int64_t count) {
  std::mt19937_64 random(static_cast<unsigned>(count));
  std::normal_distribution<double> normal;
  Doubles x(static_cast<std::size_t>(count));
  for (double& v : x) v = normal(random);
  return x;
}

// A transform of x, which has both parts of n numbers, and then what the next one reads.
struct Form {
  const char* name;
  std::int64_t (*out)(std::int64_t n);
  NodeId (*make)(Graph& g, NodeId x, std::int64_t batch, std::int64_t n);
};

NodeId part(Graph& g, NodeId x, std::int64_t batch, std::int64_t n, std::int64_t which,
            std::int64_t count) {
  return g.view(x, {batch, count}, which * n, {2 * n, 1});
}
template <std::int64_t Sign> NodeId fft(Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
  return numeric(g, "fft", std::array{part(g, x, b, n, 0, n), part(g, x, b, n, 1, n)}, {b, n, Sign},
                 {b, 2 * n});
}
NodeId rfft(Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
  return numeric(g, "rfft", std::array{part(g, x, b, n, 0, n)}, {b, n}, {b, 2 * (n / 2 + 1)});
}
NodeId irfft(Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
  const std::int64_t half = n / 2 + 1;
  const std::array in{part(g, x, b, n, 0, half), part(g, x, b, n, n > 1 ? 1 : 0, half)};
  return numeric(g, "irfft", in, {b, n}, {b, n});
}
constexpr std::array kForms{
    Form{"fft", [](std::int64_t n) { return 2 * n; }, &fft<0>},
    Form{"ifft", [](std::int64_t n) { return 2 * n; }, &fft<1>},
    Form{"rfft", [](std::int64_t n) { return 2 * (n / 2 + 1); }, &rfft},
    Form{"irfft", [](std::int64_t n) { return n; }, &irfft},
};

Doubles run(const std::shared_ptr<Graph>& g, NodeId which, const Kernels& kernels, Layout layout,
            const Doubles& x, std::int64_t lanes) {
  const auto program = lower(g, std::array{which}, {{true}, layout});
  Doubles out(static_cast<std::size_t>(lanes * size_of(g->shape(which))));
  evaluate(*program, kernels, std::array{x.data()}, std::array{out.data()}, lanes);
  return out;
}

// The sum that defines the transform, for one array.
Doubles defined(const Form& form, std::int64_t n, const Doubles& x) {
  const std::string_view name = form.name;
  const bool real = name == "rfft", to_real = name == "irfft";
  const long double sign = name == "fft" || real ? -1.0L : 1.0L;
  const std::int64_t shown = real ? n / 2 + 1 : n;
  Doubles out(static_cast<std::size_t>(form.out(n)));
  for (std::int64_t k = 0; k < shown; ++k) {
    long double re = 0, im = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      const bool mirrored = to_real && 2 * j > n;
      const auto at = static_cast<std::size_t>(mirrored ? n - j : j);
      const long double a = x[at],
                        b = real || (to_real && (j == 0 || 2 * j == n))
                                ? 0.0L
                                : (mirrored ? -1 : 1) * x[at + static_cast<std::size_t>(n)];
      const long double t =
          sign * 2 * std::numbers::pi_v<long double> * static_cast<long double>(j * k % n) / n;
      re += a * std::cos(t) - b * std::sin(t), im += a * std::sin(t) + b * std::cos(t);
    }
    out[static_cast<std::size_t>(k)] = static_cast<double>(re);
    if (!to_real) out[static_cast<std::size_t>(shown + k)] = static_cast<double>(im);
  }
  return out;
}

}  // namespace

TEST(transforms_are_right_and_have_the_same_bits_in_lanes_in_a_batch_and_alone) {
  constexpr std::int64_t kLanes = 11;
  for (const Kernels* kernels : supported_kernels())
    for (const Form& form : kForms)
      for (const std::int64_t n : kLengths) {
        const auto g = std::make_shared<Graph>(), h = std::make_shared<Graph>();
        const NodeId one = form.make(*g, g->input(0, {2 * n}), 1, n),
                     many = form.make(*h, h->input(0, {kLanes, 2 * n}), kLanes, n);
        const Doubles x = numbers(kLanes * 2 * n);
        const Doubles lanes = run(g, one, *kernels, Layout::Lanes, x, kLanes);
        CHECK(same(lanes, run(h, many, *kernels, Layout::Elements, x, 1)));
        const Doubles first = part(x, 0, kLanes), got = part(lanes, 0, kLanes),
                      wanted = defined(form, n, first);
        CHECK(same(got, run(g, one, *kernels, Layout::Elements, first, 1)));
        double error = 0.0, size = 0.0;
        for (std::size_t k = 0; k < got.size(); ++k)
          error += std::pow(got[k] - wanted[k], 2), size += std::pow(wanted[k], 2);
        CHECK(std::sqrt(error) <= 1e-15 * std::sqrt(size));
      }
}

TEST(slopes_of_transforms_agree_forward_and_backward) {
  const Kernels& kernels = *supported_kernels().back();
  for (const Form& form : kForms)
    for (const std::int64_t n : kLengths) {
      const auto g = std::make_shared<Graph>();
      const NodeId x = g->input(0, {2 * n}), value = form.make(*g, x, 1, n);
      const Expr u = apply<ops::Cos>(Expr(*g, value)), v = apply<ops::Sin>(Expr(*g, x));
      const NodeId back =
          vector_jacobian_product(*g, std::array{value}, std::array{u.in(*g)}, std::array{x})[0];
      const NodeId ahead =
          jacobian_vector_product(*g, std::array{value}, std::array{x}, std::array{v.in(*g)})[0];
      const auto sum = [&g](const Expr& e, std::vector<int> axes) {
        return g->reduce(Reduction::Sum, e.in(*g), std::move(axes), false);
      };
      const Doubles at = numbers(2 * n);
      const double a = run(g, sum(Expr(*g, back) * v, {0}), kernels, Layout::Elements, at, 1)[0],
                   b = run(g, sum(Expr(*g, ahead) * u, {0, 1}), kernels, Layout::Elements, at,
                           1)[0];
      CHECK_NEAR(a, b, 1e-13 * static_cast<double>(n) * (1.0 + std::abs(a)));
    }
}

TEST(a_transform_of_nothing_is_refused) {
  Graph g;
  const NodeId x = g.input(0, {0});
  CHECK_THROWS(ShapeError, numeric(g, "rfft", std::array{x}, {1, 0}, {2}));
}
