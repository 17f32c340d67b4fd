// SPDX-License-Identifier: BSD-3-Clause
// Tests matrix products: both layouts must give the same bits, in the order of summation that
// matmul.inl.hpp states.
#include <bit>
#include <cmath>
#include <functional>
#include <random>

#include "check.hpp"
#include "thalweg/running/evaluate.hpp"

using namespace thalweg;

namespace {

struct Sizes {
  std::int64_t m, k, n;
  bool ta = false, tb = false;
  std::int64_t batch = 1;
};

std::vector<double> numbers(std::int64_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<double> x(static_cast<std::size_t>(n));
  for (double& v : x) v = std::normal_distribution<double>()(random);
  return x;
}

struct Matrices {
  Sizes z;
  std::vector<double> a, b;
  explicit Matrices(const Sizes& z)
      : z(z), a(numbers(z.batch * z.m * z.k, 1)), b(numbers(z.batch * z.k * z.n, 2)) {}

  std::size_t at_a(std::int64_t s, std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(s * z.m * z.k + (z.ta ? j * z.m + i : i * z.k + j));
  }
  std::size_t at_b(std::int64_t s, std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(s * z.k * z.n + (z.tb ? j * z.k + i : i * z.n + j));
  }

  // Computes the product by a tape. The last of `lanes` lanes has these matrices; an input that
  // does not vary has one matrix for all lanes.
  std::vector<double> product(const Kernels& kernels, Layout layout, std::int64_t lanes,
                              bool varies_a, bool varies_b) const {
    auto graph = std::make_shared<Graph>();
    const auto shape = [this](std::int64_t rows, std::int64_t columns, bool t) {
      return t ? Shape{z.batch, columns, rows} : Shape{z.batch, rows, columns};
    };
    const NodeId p = graph->input(0, shape(z.m, z.k, z.ta)),
                 q = graph->input(1, shape(z.k, z.n, z.tb)), c = graph->matmul(p, q, z.ta, z.tb);
    const auto program = lower(graph, std::array{c}, {{varies_a, varies_b}, layout});
    const auto rows = [lanes](const std::vector<double>& x, bool varies) {
      std::vector<double> all;
      for (std::int64_t l = varies ? lanes : 1; l-- > 0;) {  // rotated by l in the other lanes
        const auto at = x.begin() + (x.empty() ? 0 : l % static_cast<std::int64_t>(x.size()));
        all.insert(all.end(), at, x.end());
        all.insert(all.end(), x.begin(), at);
      }
      return all;
    };
    const auto as = rows(a, varies_a), bs = rows(b, varies_b);
    std::vector<double> out(static_cast<std::size_t>(lanes * z.batch * z.m * z.n));
    const std::array<const double*, 2> in{as.data(), bs.data()};
    const std::array<double*, 1> to{out.data()};
    evaluate(*program, kernels, in, to, lanes);
    return {out.end() - z.batch * z.m * z.n, out.end()};
  }
};

// The sum of products in the order that matmul.inl.hpp states.
double in_order(std::int64_t k, bool vector, bool fused,
                const std::function<std::pair<double, double>(std::int64_t)>& at) {
  const auto chain = [&](std::int64_t from, std::int64_t end, std::int64_t by) {
    auto [a, b] = at(from);
    double s = a * b;
    for (from += by; from < end; from += by) {
      std::tie(a, b) = at(from);
      s = fused ? std::fma(a, b, s) : a * b + s;
    }
    return s;
  };
  const std::function<double(std::int64_t, std::int64_t)> sum = [&](std::int64_t from,
                                                                    std::int64_t end) {
    if (end - from > 4096) {
      std::int64_t half = 4096;
      while (half * 2 < end - from) half *= 2;
      const double left = sum(from, from + half);
      return left + sum(from + half, end);
    }
    if (vector && end - from >= 32) {
      double p[8];
      for (std::int64_t j = 0; j < 8; ++j) p[j] = chain(from + j, end, 8);
      for (std::int64_t step : {4, 2, 1})
        for (std::int64_t j = 0; j < step; ++j) p[j] += p[j + step];
      return p[0];
    }
    double s = chain(from, std::min(end, from + 256), 1);
    for (from += 256; from < end; from += 256) s += chain(from, std::min(end, from + 256), 1);
    return s;
  };
  return k ? sum(0, k) : 0.0;
}

bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// Checks the layout Elements, and Lanes if there are any.
void check_product(const Sizes& z, std::int64_t lanes) {
  const Matrices x(z);
  const auto in_stated_order = [&](bool fused) {
    std::vector<double> wanted;
    bool accurate = true;
    for (std::int64_t s = 0; s < z.batch; ++s)
      for (std::int64_t i = 0; i < z.m; ++i)
        for (std::int64_t j = 0; j < z.n; ++j) {
          const auto at = [&](std::int64_t k) {
            return std::pair(x.a[x.at_a(s, i, k)], x.b[x.at_b(s, k, j)]);
          };
          wanted.push_back(in_order(z.k, z.m == 1 || z.n == 1, fused, at));
          long double exact = 0, size = 0;
          for (std::int64_t k = 0; k < z.k; ++k) {
            const auto [a, b] = at(k);
            exact += static_cast<long double>(a) * b, size += std::abs(a * b);
          }
          // Each number is part of at most 512 additions in a chain and a few in the tree.
          const double roundings = static_cast<double>(std::min<std::int64_t>(z.k, 530) + 2);
          accurate &= std::abs(static_cast<double>(exact - wanted.back())) <=
                      0x1p-53 * roundings * static_cast<double>(size);
        }
    CHECK(accurate);
    return wanted;
  };
  const std::vector<double> sums[] = {in_stated_order(false), in_stated_order(true)};
  for (const Kernels* kernels : supported_kernels()) {
    const auto& wanted = sums[kernels->name != std::string_view("baseline")];
    const auto agree = [&](Layout layout, std::int64_t count, bool varies_a, bool varies_b) {
      const auto got = x.product(*kernels, layout, count, varies_a, varies_b);
      for (std::size_t i = 0; i < wanted.size(); ++i)
        if (!same(got[i], wanted[i]))
          return check::fail(
              __FILE__, __LINE__,
              std::string(kernels->name) + ": element " + std::to_string(i) + " of (" +
                  std::to_string(z.m) + ", " + std::to_string(z.k) + ") @ (" + std::to_string(z.k) +
                  ", " + std::to_string(z.n) + "), transposed " + std::to_string(z.ta) +
                  std::to_string(z.tb) + ", lanes " +
                  (layout == Layout::Lanes ? std::to_string(count) : "none") + ", varying " +
                  std::to_string(varies_a) + std::to_string(varies_b));
    };
    agree(Layout::Elements, 1, true, true);
    if (lanes == 0) continue;
    agree(Layout::Lanes, lanes, true, true);
    agree(Layout::Lanes, lanes, true, false);
    agree(Layout::Lanes, lanes, false, true);
  }
}

void check_products(std::initializer_list<std::int64_t> ms, std::initializer_list<std::int64_t> ks,
                    std::initializer_list<std::int64_t> ns,
                    std::initializer_list<std::int64_t> lanes) {
  std::size_t turn = 0;
  for (std::int64_t m : ms)
    for (std::int64_t k : ks)
      for (std::int64_t n : ns)
        for (int t = 0; t < 4; ++t, ++turn)
          check_product({m, k, n, t / 2 != 0, t % 2 != 0, turn % 3 == 0 ? 2 : 1},
                        lanes.begin()[turn % lanes.size()]);
}

}  // namespace

TEST(products_are_summed_in_the_stated_order_in_both_layouts) {
  check_products({1, 2, 3, 7, 8, 9, 31, 33}, {0, 1, 3, 4, 5, 15, 16, 17, 31, 32, 33},
                 {1, 2, 3, 7, 8, 9, 31, 33}, {1, 2, 7, 8, 9, 1, 3, 4, 5, 2, 63, 6, 200});
}

TEST(long_products_are_summed_in_the_stated_order_in_both_layouts) {
  check_products({1, 2, 9}, {255, 256, 257, 511, 4095, 4096, 4097, 9000}, {1, 3}, {1, 2});
  check_products({1, 33}, {4100, 13000}, {1, 26}, {0});
}

TEST(products_larger_than_a_block_are_summed_in_the_stated_order) {
  for (int t = 0; t < 4; ++t)
    for (const auto& [m, k, n] : {std::array{300, 20, 70},
                                  {530, 4097, 2},
                                  {2, 4097, 260},
                                  {600, 40, 1},
                                  {1, 700, 600},
                                  {257, 4097, 1}})
      check_product({m, k, n, t / 2 != 0, t % 2 != 0}, 0);
}

TEST(what_is_not_finite_reaches_its_row_and_its_column_alone) {
  for (const auto& [m, k, n] : {std::array{1L, 5L, 9L},
                                {9L, 5L, 1L},
                                {1L, 33L, 9L},
                                {9L, 33L, 1L},
                                {3L, 4L, 5L},
                                {9L, 7L, 11L},
                                {10L, 300L, 33L}})
    for (int t = 0; t < 4; ++t)
      for (const Kernels* kernels : supported_kernels())
        for (Layout layout : {Layout::Elements, Layout::Lanes}) {
          Matrices x({m, k, n, t / 2 != 0, t % 2 != 0});
          x.a[x.at_a(0, m / 2, k - 1)] = INFINITY;
          x.b[x.at_b(0, k / 2, n / 2)] = NAN;
          const auto c = x.product(*kernels, layout, 1, true, true);
          for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
              const double y = c[static_cast<std::size_t>(i * n + j)];
              CHECK(j == n / 2 ? std::isnan(y) : i == m / 2 ? std::isinf(y) : std::isfinite(y));
            }
        }
}
