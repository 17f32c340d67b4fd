// SPDX-License-Identifier: BSD-3-Clause
// Tests factorizations: lanes, alone and in a batch give the same bits, and their slopes forward
// and backward agree. Orders lie on both sides of those from which on matrices are alone.
#include <bit>
#include <cmath>
#include <random>

#include "check.hpp"
#include "doubles.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/routines/all.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {

using check::Doubles, check::part, check::same;

// A function of square matrices x (batch, n, n): sums of what routines return.
struct Form {
  const char* name;
  NodeId (*make)(Graph& g, NodeId x, std::int64_t batch, std::int64_t n);
};

NodeId made(Graph& g, const char* name, std::vector<NodeId> in, Numeric::Sizes sizes,
            std::int64_t each) {
  const std::int64_t batch = sizes[0];
  return numeric(g, name, in, std::move(sizes), {batch, each});
}
NodeId lu(Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
  return made(g, "lu", {x}, {b, n}, n * (n + 1));
}

constexpr std::array kForms{
    Form{"cholesky", [](Graph& g, NodeId x, std::int64_t b,
                        std::int64_t n) { return made(g, "cholesky", {x}, {b, n}, n * n); }},
    Form{"solve",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           return made(g, "solve", {x, lu(g, x, b, n), x}, {b, n, n, 1}, n * n);
         }},
    Form{"solve_triangular",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           return made(g, "solve_triangular", {x, x}, {b, n, n, 1, 0, 0}, n * n);
         }},
    Form{"inv", [](Graph& g, NodeId x, std::int64_t b,
                   std::int64_t n) { return made(g, "inv", {x, lu(g, x, b, n)}, {b, n}, n * n); }},
    Form{"slogdet",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           return made(g, "slogdet", {x, lu(g, x, b, n)}, {b, n}, 2);
         }},
    Form{"cofactors",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           return made(g, "cofactors", {x, lu(g, x, b, n)}, {b, n}, n * n);
         }},
    Form{"eigh",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           const NodeId both = made(g, "eigh", {x}, {b, n}, n * (n + 1));
           return g.view(both, {b, n}, 0, {n * (n + 1), 1});
         }},
    Form{"qr", [](Graph& g, NodeId x, std::int64_t b,
                  std::int64_t n) { return made(g, "qr", {x}, {b, n, n}, 2 * n * n); }},
    Form{"svd",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           const std::int64_t each = n * (2 * n + 1);
           const NodeId all = made(g, "svd", {x}, {b, n, n}, each);
           return g.view(all, {b, n}, n * n, {each, 1});
         }},
    Form{"pinv",
         [](Graph& g, NodeId x, std::int64_t b, std::int64_t n) {
           const NodeId share = g.broadcast_to(g.constant(1e-14), {b});
           return made(g, "pinv", {x, share}, {b, n, n}, n * n);
         }},
    Form{"expm", [](Graph& g, NodeId x, std::int64_t b,
                    std::int64_t n) { return made(g, "expm", {x}, {b, n, n}, n * n); }},
};

// Matrices near the identity, and not symmetric.
Doubles matrices(std::int64_t count, std::int64_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  Doubles x(static_cast<std::size_t>(count * n * n));
  const double size = 0.3 / std::sqrt(static_cast<double>(n));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i) % (n * n);
    x[i] = size * normal(random) + (at % (n + 1) ? 0.0 : 1.0 + 0.1 * static_cast<double>(at / n));
  }
  return x;
}

// The result, its slopes backward along u, and its tangent along the input v, in one program.
struct Slopes {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  NodeId value, back, forward;
  Slopes(const Form& form, std::int64_t batch, std::int64_t n) {
    Graph& g = *graph;
    const NodeId x = g.input(0, {batch, n, n}), v = g.input(1, {batch, n, n});
    value = form.make(g, x, batch, n);
    const Expr u = apply<ops::Cos>(Expr(g, value));
    back = vector_jacobian_product(g, std::array{value}, std::array{u.in(g)}, std::array{x})[0];
    const NodeId tangent =
        jacobian_vector_product(g, std::array{value}, std::array{x}, std::array{v})[0];
    const std::vector<int> axes{0, 1};
    forward = g.reduce(Reduction::Sum, (Expr(g, tangent) * u).in(g), axes, false);
  }
  Doubles run(const Kernels& kernels, Layout layout, const Doubles& x, const Doubles& v,
              std::int64_t lanes, NodeId which) const {
    const auto program = lower(graph, std::array{which}, {{true, true}, layout});
    Doubles out(static_cast<std::size_t>(lanes * size_of(graph->shape(which))));
    evaluate(*program, kernels, std::array{x.data(), v.data()}, std::array{out.data()}, lanes);
    return out;
  }
};

}  // namespace

TEST(factors_have_the_same_bits_in_lanes_in_a_batch_and_alone) {
  constexpr std::int64_t kLanes = 11;
  for (const Kernels* kernels : supported_kernels())
    for (const Form& form : kForms)
      for (const std::int64_t n : {1, 2, 5, 16, 17, 33, 65}) {
        if (n > 20 && form.name == std::string_view("cofactors"))
          continue;  // slow under sanitizers
        const Doubles x = matrices(kLanes, n, 1), v = matrices(kLanes, n, 2);
        const Slopes one(form, 1, n), many(form, kLanes, n);
        for (const NodeId Slopes::* which : {&Slopes::value, &Slopes::back}) {
          const Doubles lanes = one.run(*kernels, Layout::Lanes, x, v, kLanes, one.*which);
          const Doubles batch = many.run(*kernels, Layout::Elements, x, v, 1, many.*which);
          // One product of up to four elements is taken apart, and fused with what follows.
          if (n > 2 || which == &Slopes::value) CHECK(same(lanes, batch));
          for (std::int64_t k = 0; k < kLanes; k += 5) {
            const Doubles alone = one.run(*kernels, Layout::Elements, part(x, k, kLanes),
                                          part(v, k, kLanes), 1, one.*which);
            CHECK(same(part(lanes, k, kLanes), alone));
          }
        }
      }
}

TEST(slopes_of_factors_agree_forward_and_backward) {
  for (const Form& form : kForms)
    for (const std::int64_t n : {1, 3, 17, 40}) {
      const Doubles x = matrices(1, n, 3), v = matrices(1, n, 4);
      const Slopes s(form, 1, n);
      const Kernels& kernels = *supported_kernels().back();
      const Doubles back = s.run(kernels, Layout::Elements, x, v, 1, s.back);
      const double along = s.run(kernels, Layout::Elements, x, v, 1, s.forward)[0];
      double sum = 0.0, size = 0.0;
      for (std::size_t i = 0; i < back.size(); ++i)
        sum += back[i] * v[i], size += std::abs(back[i] * v[i]);
      CHECK_NEAR(sum, along, 1e-11 * (size + 1.0));
    }
}

TEST(a_routine_refuses_sizes_that_make_no_sense) {
  Graph g;
  const NodeId x = g.input(0, {2, 3});
  CHECK_THROWS(ShapeError, numeric(g, "qr", std::array{x}, {1, 2, 3}, {15}));
  CHECK_THROWS(ShapeError, numeric(g, "cholesky", std::array{x}, {1, 3}, {9}));
  CHECK_THROWS(ShapeError, numeric(g, "triangle", std::array{x}, {1, 2, 3, 9}, {6}));
  CHECK_THROWS(ShapeError, numeric(g, "triangle", std::array{x}, {1, 2, 3, 5}, {6}));
  const std::int64_t large = std::int64_t{1} << 32;  // whose square wraps to 0
  CHECK_THROWS(ShapeError, numeric(g, "cholesky", std::array{x}, {1, large}, {0}));
  CHECK_THROWS(ShapeError, numeric(g, "nothing", std::array{x}, {1, 2, 3}, {6}));
}
