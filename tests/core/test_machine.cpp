// SPDX-License-Identifier: BSD-3-Clause
// Tests machine code: the bits of the handlers, for every operation on hostile values, for tapes
// that need more registers than there are, and for whole descents by any number of rounds in one
// go. Single tapes run between pages that may not be touched.
#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <thread>

#include "check.hpp"
#include "thalweg/graph/differentiate.hpp"
#include "thalweg/running/evaluate.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

using namespace thalweg;

namespace {

// Numbers between two pages that may not be touched, at the end or at the beginning of their room.
// Sanitizers do not see what machine code reads and writes.
class Guarded {
 public:
  Guarded(std::int64_t doubles, bool at_end) {
#if defined(__linux__)
    constexpr std::size_t kPage = 4096;
    const std::size_t bytes = static_cast<std::size_t>(doubles) * sizeof(double),
                      room = (bytes + kPage - 1) / kPage * kPage;
    size_ = room + 2 * kPage;
    pages_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages_ != MAP_FAILED);
    char* const first = static_cast<char*>(pages_) + kPage;
    if (room > 0) CHECK(mprotect(first, room, PROT_READ | PROT_WRITE) == 0);
    first_ = reinterpret_cast<double*>(first + (at_end ? room - bytes : 0));
#else
    numbers_.resize(static_cast<std::size_t>(doubles) + 1, at_end ? 1.0 : 0.0);
    first_ = numbers_.data();
#endif
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() {
#if defined(__linux__)
    munmap(pages_, size_);
#endif
  }
  double* get() const { return first_; }

 private:
#if defined(__linux__)
  void* pages_ = nullptr;
  std::size_t size_ = 0;
#else
  std::vector<double> numbers_;
#endif
  double* first_ = nullptr;
};

// Zeros, infinities, NaN, the ends of ranges, ordinary numbers and random bits.
double hostile(std::mt19937_64& random) {
  static constexpr double kCorners[] = {0.0,
                                        -0.0,
                                        kInfinity,
                                        -kInfinity,
                                        NAN,
                                        1.0,
                                        -1.0,
                                        0.5,
                                        -0.5,
                                        2.0,
                                        5e-324,
                                        -5e-324,
                                        1e-310,
                                        2.3e-308,
                                        1.7e308,
                                        -1.7e308,
                                        0x1p52,
                                        0x1p53,
                                        0x1p31,
                                        0x1p30,
                                        1e300,
                                        -1e300,
                                        1e-300,
                                        708.5,
                                        710.0,
                                        -745.2,
                                        -708.5,
                                        1e5,
                                        1e-17,
                                        1e-9,
                                        1.5707963267948966,
                                        3.141592653589793,
                                        22.0,
                                        37.0,
                                        -37.6,
                                        1023.0,
                                        -1074.0,
                                        0.9999999999999999};
  const std::uint64_t kind = random() % 8;
  if (kind == 0) return kCorners[random() % std::size(kCorners)];
  if (kind == 1) return std::bit_cast<double>(random());
  if (kind == 2) return std::round(std::uniform_real_distribution<double>(-20, 20)(random));
  return std::uniform_real_distribution<double>(kind == 3 ? -800 : -3, kind == 3 ? 800 : 3)(random);
}
bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (a != a && b != b);
}

bool has_code(const Kernels& k) { return machine::code_allowed() && k.width >= 4; }

// A program's outputs at the same points by handlers and by code, block after block; and the limits
// of a round, if there is a test.
std::int64_t differences(const Program& program, const Kernels& kernels, bool wide,
                         std::mt19937_64& random, std::int64_t blocks,
                         const machine::RoundTest& test = {}) {
  Evaluator handlers(program, kernels, wide);
  handlers.prepare();
  const std::int64_t lanes = handlers.lanes();
  const auto code = machine::codes_of(program).code(program, kernels, lanes, test);
  CHECK(code != nullptr);
  if (!code) return -1;
  const bool at_end = random() % 2 == 0;
  std::vector<std::unique_ptr<Guarded>> own;
  std::vector<double*> table;
  for (const auto* sizes : {&program.input_sizes, &program.output_sizes})
    for (const std::int64_t n : *sizes) {
      own.push_back(std::make_unique<Guarded>(n * lanes, at_end));
      table.push_back(own.back()->get());
    }
  const std::size_t tested = table.size();
  for (int k = 0; k < static_cast<int>(machine::TestBuffer::Count); ++k) {
    if (test.f >= 0) own.push_back(std::make_unique<Guarded>(lanes, at_end));
    table.push_back(test.f >= 0 ? own.back()->get() : nullptr);
  }
  double* const limit = table[tested + static_cast<std::size_t>(machine::TestBuffer::Limit)];
  std::vector<double> limits(static_cast<std::size_t>(lanes));
  double* const* const outputs = table.data() + program.input_sizes.size();
  const Guarded pool(static_cast<std::int64_t>(machine::Run::room(*code, kernels.width)), at_end);
  machine::Run run(code, {table.begin(), table.end()}, 1, pool.get(), kernels.width, lanes * 8);
  constexpr double kSlack = 1e-15;
  run.refresh([](const auto&) { return kSlack; });
  std::int64_t found = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (std::size_t k = 0; k < program.input_sizes.size(); ++k)
      for (std::int64_t i = 0; i < program.input_sizes[k] * lanes; ++i)
        handlers.input(k)[i] = table[k][i] = hostile(random);
    for (std::size_t k = tested; test.f >= 0 && k < table.size(); ++k)
      for (std::int64_t l = 0; l < lanes; ++l) table[k][l] = hostile(random);
    if (test.f >= 0) std::copy_n(limit, lanes, limits.data());
    handlers.run();
    CHECK(run(0, 1) == 1);
    if (test.f >= 0) {
      kernels.lower_limits(handlers.output(static_cast<std::size_t>(test.f)), limits.data(), lanes,
                           kSlack);
      for (std::int64_t l = 0; l < lanes; ++l)
        found += !same(limits[static_cast<std::size_t>(l)], limit[l]);
    }
    for (std::size_t k = 0; k < program.output_sizes.size(); ++k)
      for (std::int64_t i = 0; i < program.output_sizes[k] * lanes; ++i)
        found += !same(handlers.output(k)[i], outputs[k][i]);
  }
  return found;
}

template <class Op> void check_operation(const Kernels& kernels) {
  auto graph = std::make_shared<Graph>();
  std::vector<NodeId> in;
  for (int k = 0; k < Op::arity; ++k) in.push_back(graph->input(k, {}));
  const NodeId y = graph->elementwise(kOpcode<Op>, in);
  const auto program =
      lower(graph, std::array{y}, {std::vector<bool>(in.size(), true), Layout::Lanes});
  if constexpr (requires { Op::part_of_faddeeva; }) {  // of four results at once: handlers alone
    const std::int64_t lanes = lanes_of(*program, kernels, false);
    CHECK(machine::codes_of(*program).code(*program, kernels, lanes, {}) == nullptr);
    return;
  }
  // Functions of doubles are called by code and handlers alike, and some take long.
  constexpr std::int64_t kPoints = requires { Op::of; } ? 1'000 : 50'000;
  std::mt19937_64 random(7);
  for (const bool wide : {false, true}) {
    const std::int64_t lanes = lanes_of(*program, kernels, wide);
    const std::int64_t found = differences(*program, kernels, wide, random, kPoints / lanes);
    if (found != 0)
      std::printf("%s, %s: %lld lanes differ\n", Op::name, kernels.name,
                  static_cast<long long>(found));
    CHECK(found == 0);
  }
}
template <class... Ops> void check_operations(const Kernels& kernels, OperationList<Ops...>) {
  (check_operation<Ops>(kernels), ...);
}

// A random graph in which many results are needed late; with or without operations whose code calls
// compiled functions.
std::unique_ptr<Program> tangle(std::mt19937_64& random, int operations, bool calls = true) {
  auto graph = std::make_shared<Graph>();
  std::vector<NodeId> all;
  for (int k = 0; k < 6; ++k) all.push_back(graph->input(k, {}));
  const auto any = [&] { return all[random() % all.size()]; };
  const auto old = [&] { return all[random() % (1 + all.size() / 3)]; };
  for (int i = 0; i < operations; ++i) {
    switch (random() % 9) {
      case 0:
        all.push_back(graph->elementwise(kOpcode<ops::Add>, std::array{any(), old()}));
        break;
      case 1:
        all.push_back(graph->elementwise(kOpcode<ops::Multiply>, std::array{any(), old()}));
        break;
      case 2:
        all.push_back(graph->elementwise(kOpcode<ops::Subtract>, std::array{old(), any()}));
        break;
      case 3:
        all.push_back(graph->elementwise(kOpcode<ops::Divide>, std::array{any(), any()}));
        break;
      case 4:
        all.push_back(graph->elementwise(
            kOpcode<ops::Where>,
            std::array{graph->elementwise(kOpcode<ops::Less>, std::array{any(), old()}), any(),
                       old()}));
        break;
      case 5:
        all.push_back(graph->elementwise(kOpcode<ops::Maximum>, std::array{any(), any()}));
        break;
      case 6: {
        const NodeId x = any();
        all.push_back(graph->elementwise(kOpcode<ops::Sin>, std::array{x}));
        all.push_back(graph->elementwise(kOpcode<ops::Cos>, std::array{x}));
        break;
      }
      case 7:
        all.push_back(graph->elementwise(
            random() % 2 || !calls ? kOpcode<ops::Exp> : kOpcode<ops::Erf>, std::array{any()}));
        break;
      default:
        all.push_back(graph->elementwise(
            kOpcode<ops::Add>,
            std::array{graph->elementwise(kOpcode<ops::Multiply>, std::array{old(), any()}),
                       random() % 2 ? old() : graph->constant(0.25)}));
    }
  }
  std::vector<NodeId> outputs;
  for (int k = 0; k < 9; ++k) outputs.push_back(any());
  outputs.push_back(all.back());
  return lower(graph, outputs, {std::vector<bool>(6, true), Layout::Lanes});
}

}  // namespace

TEST(machine_code_of_every_operation_has_the_bits_of_its_handler) {
  for (const Kernels* k : supported_kernels())
    if (has_code(*k)) check_operations(*k, Operations{});
}

TEST(machine_code_has_the_same_bits_where_registers_are_too_few) {
  std::mt19937_64 random(11);
  for (const Kernels* k : supported_kernels())
    if (has_code(*k))
      for (int size = 2; size < 200; size += 3) {
        const auto program = tangle(random, size);
        CHECK(differences(*program, *k, size % 2 == 0, random, 4) == 0);
      }
}

TEST(rounds_have_the_same_bits_whatever_the_order_of_their_operations) {
  std::mt19937_64 random(12);
  for (int size = 2; size < 200; size += 3) {
    const auto program = tangle(random, size, size % 10 == 0);
    for (const Kernels* k : supported_kernels())
      if (has_code(*k)) CHECK(differences(*program, *k, size % 2 == 0, random, 8, {.f = 9}) == 0);
  }
}

TEST(machine_code_takes_no_large_frame_from_a_thread) {
  auto graph = std::make_shared<Graph>();
  const NodeId x = graph->input(0, {});
  const auto apply2 = [&](auto op, NodeId a, NodeId b) {
    return graph->elementwise(kOpcode<decltype(op)>, std::array{a, b});
  };
  std::vector<NodeId> late;  // all are needed twice, in opposite orders
  for (int i = 0; i < 800; ++i)
    late.push_back(graph->elementwise(kOpcode<ops::Sqrt>,
                                      std::array{apply2(ops::Add{}, x, graph->constant(i + 1.5))}));
  NodeId y = x;
  for (std::size_t i = 0; i < late.size(); ++i) y = apply2(ops::Add{}, y, late[i]);
  for (std::size_t i = late.size(); i-- > 0;) y = apply2(ops::Multiply{}, y, late[i]);
  const auto program = lower(graph, std::array{y}, {{true}, Layout::Lanes});
  for (const Kernels* k : supported_kernels())
    if (has_code(*k)) {
      const std::int64_t lanes = lanes_of(*program, *k, true);
      CHECK(machine::codes_of(*program).code(*program, *k, lanes, {}) == nullptr);
    }
}

// Sums of products of slices of a long vector, its gradient, and an array of their values.
static std::unique_ptr<Program> slices(std::mt19937_64& random, std::int64_t n) {
  auto graph = std::make_shared<Graph>();
  Graph& g = *graph;
  const NodeId x = g.input(0, {n});
  const auto make = [&](auto op, NodeId a, NodeId b) {
    return g.elementwise(kOpcode<decltype(op)>, std::array{a, b});
  };
  NodeId f = g.constant(0.0), y = x;
  for (int sum = 0; sum < 2; ++sum) {
    const auto most = static_cast<std::int64_t>(random() % 11);
    const auto slice = [&] {
      const auto from = static_cast<std::int64_t>(random()) & INT64_MAX;
      return g.view(x, {n - most}, from % (most + 1), {1});
    };
    y = make(ops::Subtract{}, slice(), g.elementwise(kOpcode<ops::Sin>, std::array{slice()}));
    y = make(ops::Multiply{}, make(ops::Multiply{}, y, slice()), g.constant(-0.0));
    f = make(ops::Add{}, f, g.reduce(Reduction::Sum, make(ops::Add{}, y, slice()), {0}, false));
  }
  return lower(graph, std::array{f, gradient(g, f, x), y}, {{true}, Layout::Rows});
}

TEST(streams_of_rows_touch_nothing_beside_their_arrays) {
  std::mt19937_64 random(5);
  for (const Kernels* k : supported_kernels())
    if (has_code(*k))
      for (const std::int64_t n : {270, 271, 275, 300, 4096, 4105, 65'540, 131'080}) {
        const auto program = slices(random, n);
        std::vector<std::unique_ptr<Guarded>> own;
        const bool at_end = random() % 2 == 0;
        own.push_back(std::make_unique<Guarded>(n, at_end));
        for (const std::int64_t size : program->output_sizes)
          own.push_back(std::make_unique<Guarded>(size, at_end));
        for (std::int64_t i = 0; i < n; ++i) own[0]->get()[i] = hostile(random);
        const std::array<const double*, 1> in{own[0]->get()};
        const std::array out{own[1]->get(), own[2]->get(), own[3]->get()};
        std::vector<std::vector<double>> handlers;
        std::int64_t found = 0;
        const auto compare = [&] {
          for (std::size_t j = 0; j < out.size(); ++j)
            for (std::size_t i = 0; i < handlers[j].size(); ++i)
              found += !same(out[j][i], handlers[j][i]);
        };
        // The first run is by handlers; after some 50,000 batches of instructions there is code.
        for (std::int64_t run = 0; run * n < 1'200'000; ++run) {
          CHECK(evaluate(*program, *k, in, out, 1));
          for (std::size_t j = 0; run == 0 && j < out.size(); ++j)
            handlers.emplace_back(out[j], out[j] + program->output_sizes[j]);
          compare();
        }
        CHECK(found == 0);
      }
}

TEST(machine_code_is_made_by_several_threads_at_once) {
  const Kernels& best = *supported_kernels().back();
  if (!has_code(best)) return;
  std::vector<std::thread> threads;
  std::array<std::int64_t, 4> found{};
  std::mt19937_64 shared(3);
  const auto common = tangle(shared, 60);
  for (std::size_t t = 0; t < found.size(); ++t)
    threads.emplace_back([&, t] {
      std::mt19937_64 random(t);
      for (int i = 0; i < 20; ++i) {
        found[t] += differences(*common, best, true, random, 1);
        found[t] += differences(*tangle(random, 40), best, i % 2 == 0, random, 2);
      }
    });
  for (std::thread& t : threads) t.join();
  for (const std::int64_t f : found) CHECK(f == 0);
}
