// SPDX-License-Identifier: BSD-3-Clause
// Tests training on minibatches: random integers, shuffling, columns, means and resumption.
#include "thalweg/training/epochs.hpp"

#include <algorithm>
#include <numeric>

#include "check.hpp"
#include "thalweg/training/philox.hpp"

using namespace thalweg;

namespace {
using Order = std::vector<std::int64_t>;

Order shuffled(std::int64_t n, std::uint64_t seed, std::uint64_t epoch) {
  Order order(static_cast<std::size_t>(n));
  shuffle(order, {}, seed, epoch);
  return order;
}

template <class T> Column column(const std::vector<T>& values, std::int64_t size = 1) {
  return {reinterpret_cast<const std::byte*>(values.data()),
          size * static_cast<std::int64_t>(sizeof(T)),
          size,
          sizeof(T),
          {},
          &read_numbers<T>};
}

// mean((x - y)**2) over `rows` rows of y, and gradient descent on it.
struct Fit {
  Step step;
  std::unique_ptr<Program> program, loss;
  explicit Fit(std::int64_t rows, Layout layout = Layout::Lanes) {
    auto g = std::make_shared<Graph>();
    const NodeId x = g->reshape(g->input(0, {1}), {}), y = g->input(1, {rows});
    const Expr r = Expr(*g, x) - Expr(*g, y);
    const Expr sum(*g, g->reduce(Reduction::Sum, (r * r).in(*g), {0}, false));
    const NodeId f = (sum / Expr(static_cast<double>(rows))).in(*g);
    loss = lower(g, std::array{f}, {{true, true}, layout});
    step = build_step(*find_rule("gradient_descent"), {g, f, 1, 2}, {});
    program = lower(g, step.outputs, {{true, true, false}, layout});
  }
};

struct Trained {
  Standing at;
  TrainingEnd end;
};
Trained train_on(const std::vector<double>& y, Standing at, std::int64_t epochs,
                 Layout layout = Layout::Lanes) {
  const Fit full(4, layout), rest(3, layout);
  const double rate = 0.1;
  const Column c = column(y);
  const Training t{
      .step = full.step,
      .programs = {full.program.get(), rest.program.get(), 4, 3, {nullptr, nullptr, &rate}},
      .table = {{&c, 1}, static_cast<std::int64_t>(y.size()), {}},
      .seed = 5,
      .epochs = epochs};
  Clock clock(nullptr, 1e300);
  TrainingEnd end = train(t, at, kernels(), clock);
  return {at, end};
}
}  // namespace

// Known answers of the authors' own program, Random123 1.14, tests/kat_vectors.
TEST(philox_gives_the_known_answers) {
  CHECK(philox({}, {}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) ==
        Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(integers_below_a_bound_are_below_it_and_all_occur) {
  for (const std::uint64_t n : {1ull, 2ull, 3ull, 7ull, 100ull}) {
    Philox numbers(1, n);
    std::vector<int> seen(n);
    for (std::uint64_t k = 0; k < 100 * n; ++k) {
      const std::uint64_t i = numbers.below(n);
      CHECK(i < n);
      ++seen[std::min(i, n - 1)];
    }
    // 100 each are expected, with a standard deviation of 10.
    CHECK(*std::ranges::min_element(seen) > 50);
    CHECK(*std::ranges::max_element(seen) < 150);
  }
  // Bounds beyond half of all numbers, where a remainder would favour the small ones twofold.
  Philox numbers(1, 0);
  const std::uint64_t n = 3ull << 62;
  int low = 0;
  for (int k = 0; k < 30000; ++k) low += numbers.below(n) < n / 3;
  CHECK_NEAR(low, 10000, 5 * 82);  // five standard deviations
}

TEST(an_order_depends_on_seed_and_epoch_and_holds_every_row_once) {
  const Order order = shuffled(1000, 3, 1);
  CHECK(order == shuffled(1000, 3, 1));
  CHECK(order != shuffled(1000, 3, 2));
  CHECK(order != shuffled(1000, 4, 1));
  CHECK(order != shuffled(1000, 3 + (1ull << 40), 1));
  Order sorted = order;
  std::ranges::sort(sorted);
  Order all(1000);
  std::iota(all.begin(), all.end(), 0);
  CHECK(sorted == all);
}

TEST(a_shuffle_can_be_stopped) {
  Order order(100'000);
  int asked = 0;
  CHECK(!shuffle(order, {}, 0, 1, [&] { return ++asked == 2; }));
  CHECK(asked == 2);
}

TEST(rows_of_any_number_and_any_strides_become_doubles) {
  const std::vector<float> a{0.1f, 1.5f, 2.5f, 3.5f, 4.5f, 5.5f};
  const Order rows{2, 0, 2};
  double out[6];
  const Column whole = column(a, 2);
  whole.read(rows.data(), 3, out);
  CHECK(std::vector(out, out + 6) == std::vector<double>{4.5, 5.5, 0.1f, 1.5, 4.5, 5.5});
  // The same numbers as (3, 2) in column-major order.
  Column across = column(a, 2);
  across.stride = sizeof(float);
  across.offsets = {0, 3 * sizeof(float)};
  across.read(rows.data(), 3, out);
  CHECK(std::vector(out, out + 6) == std::vector<double>{2.5, 5.5, 0.1f, 3.5, 2.5, 5.5});
  const std::vector<std::int64_t> large{(1ll << 53) + 1, -7};
  const Column integers = column(large);
  integers.read(rows.data() + 1, 1, out);
  CHECK(out[0] == static_cast<double>((1ll << 53) + 1));
}

TEST(a_mean_over_batches_is_that_over_all_rows_and_names_rows_that_are_not_finite) {
  std::vector<double> y{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const Fit full(4), rest(3);
  const Column c = column(y);
  Clock clock(nullptr, 1e300);
  const Batched programs{full.loss.get(), rest.loss.get(), 4, 3, {nullptr, nullptr}};
  Means means(programs, {{&c, 1}, 11, {}}, kernels());
  const double x = 2.0;
  double mean = 0.0;
  CHECK(means.at(&x, &mean, clock));
  CHECK_NEAR(mean, 26.0, 26 * 4e-16);  // sum of (k - 2)**2 is 286
  CHECK(means.culprit.empty());
  const Order chosen{0, 1, 2, 3, 8, 9, 10};
  Means some(programs, {{&c, 1}, 7, chosen}, kernels());
  CHECK(some.at(&x, &mean, clock));
  CHECK_NEAR(mean, (1 + 0 + 1 + 4 + 49 + 64 + 81) / 7.0, 1e-14);
  y[9] = NAN;
  CHECK(means.at(&x, &mean, clock));
  CHECK((means.culprit == Order{8, 9, 10}));
}

TEST(a_training_is_that_of_a_plain_loop_and_goes_on_bit_for_bit) {
  std::vector<double> y(11);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::sin(static_cast<double>(i));
  Standing start;
  start.x = {0.5};
  const Trained whole = train_on(y, start, 3);
  CHECK(whole.end.reason == Reason::MaxIterations);
  CHECK(whole.at.epoch == 3 && whole.at.step == 9 && whole.at.batch == 0);
  double x = 0.5;
  for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
    const Order order = shuffled(11, 5, epoch);
    for (std::size_t first = 0; first < 11; first += 4) {
      const std::size_t count = std::min<std::size_t>(4, 11 - first);
      double slope = 0.0;
      for (std::size_t k = 0; k < count; ++k)
        slope += 2 * (x - y[static_cast<std::size_t>(order[first + k])]);
      x -= 0.1 * slope / static_cast<double>(count);
    }
  }
  CHECK_NEAR(whole.at.x[0], x, 1e-15);
  CHECK(whole.end.x == whole.at.x);
  const Trained begun = train_on(y, start, 1);
  CHECK(train_on(y, begun.at, 2).at.x == whole.at.x);
  CHECK(train_on(y, start, 3, Layout::Elements).at.x == whole.at.x);
}

TEST(a_training_stopped_within_an_epoch_goes_on_bit_for_bit) {
  std::vector<double> y(403);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = std::sin(static_cast<double>(i));
  Standing start;
  start.x = {0.5};
  const Trained whole = train_on(y, start, 1);
  const Fit full(4), rest(3);
  const double rate = 0.1;
  const Column c = column(y);
  const Training t{
      .step = full.step,
      .programs = {full.program.get(), rest.program.get(), 4, 3, {nullptr, nullptr, &rate}},
      .table = {{&c, 1}, 403, {}},
      .seed = 5};
  Standing at = start;
  int asked = 0;
  Clock clock([&] { return ++asked == 5; }, 1e300);
  const TrainingEnd end = train(t, at, kernels(), clock);
  CHECK(end.reason == Reason::Interrupted);
  CHECK(at.epoch == 0 && at.batch > 0 && at.batch < 101 && at.batch == at.step);
  Clock patient(nullptr, 1e300);
  train(t, at, kernels(), patient);
  CHECK(at.epoch == 1 && at.batch == 0);
  CHECK(at.x == whole.at.x);
  CHECK(at.loss == whole.at.loss);
}
