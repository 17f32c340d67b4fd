// SPDX-License-Identifier: BSD-3-Clause
// Allocates a block's memory and links tapes: places become pointers, codes become handlers.
#include "thalweg/running/evaluate.hpp"

#include "graph/reached.hpp"

#include "thalweg/graph/routine.hpp"
#include "thalweg/lowering/rows.hpp"
#include "thalweg/running/workers.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

namespace thalweg {
namespace {
// The most doubles of scratch in a wide block: half of a second-level cache of 1 MiB.
constexpr std::int64_t kWideLimit = 65536;
// More doubles than any machine has: the reach of a 48-bit address. Sums of sizes below it do not
// overflow.
constexpr std::int64_t kMostDoubles = std::int64_t{1} << 45;
// The number of lanes that a worker takes at a time.
constexpr std::int64_t kSomeLanes = 512;
}  // namespace

Aligned::Aligned(std::size_t doubles) {
  const bool possible = doubles <= static_cast<std::size_t>(kMostDoubles);
  std::size_t room = (doubles * sizeof(double) + 127) / 64 * 64 + 64;
  // For large sizes the system provides zeroed memory, page by page at the first write.
  if (possible) memory_.reset(std::calloc(room, 1));
  if (!memory_)
    throw TooLarge("cannot allocate memory for " + std::to_string(doubles) + " numbers");
  void* at = memory_.get();
  first_ = static_cast<double*>(std::align(64, room - 64, at, room));
}
void Aligned::Free::operator()(void* p) const { std::free(p); }

Evaluator::Evaluator(const Program& program, const Kernels& kernels, bool wide)
    : Evaluator(program, kernels, lanes_of(program, kernels, wide), nullptr) {
  may_be_coded_ = program.body.layout == Layout::Lanes && !program.rows;
}

Evaluator::Evaluator(const Program& program, const Kernels& kernels, std::int64_t lanes,
                     std::shared_ptr<const machine::Code> code)
    : program_(program),
      kernels_(kernels),
      handlers_(lanes > kernels.width ? kernels.wide : kernels.narrow),
      lanes_(lanes),
      own_code_(std::move(code)) {
  std::vector<std::int64_t> offsets;
  std::int64_t total = 0;
  const auto reserve = [&](std::int64_t n) {
    offsets.push_back(total);
    total += room(n);
    if (total > kMostDoubles)
      throw TooLarge("the intermediate results of " + std::to_string(lanes_) +
                     " points together need more than " + std::to_string(kMostDoubles * 8) +
                     " bytes");
  };
  for (std::size_t k = 0; k < program_.input_sizes.size(); ++k)
    reserve(program_.varying[k] ? program_.input_sizes[k] : 0);
  for (auto n : program_.output_sizes) reserve(n);
  for (auto n : program_.body.slots) reserve(n);
  memory_ = std::make_unique<Aligned>(static_cast<std::size_t>(total));
  auto at = offsets.begin();
  for (std::size_t k = 0; k < program_.input_sizes.size(); ++k)
    inputs_.push_back(memory_->get() + *at++);
  for (std::size_t k = 0; k < program_.output_sizes.size(); ++k)
    outputs_.push_back(memory_->get() + *at++);
  for (std::size_t k = 0; k < program_.body.slots.size(); ++k)
    slots_.push_back(memory_->get() + *at++);
  uniform_inputs_.assign(inputs_.size(), nullptr);
  if (program_.prologue)
    prologue_ = std::make_unique<Evaluator>(*program_.prologue, kernels, false);
  if (program_.rows) rows_ = std::make_unique<RowRun>(*program_.rows, kernels);
  for (const OwnedExtent& e : program_.body.extents) {
    extents_.push_back(e.linked());
    if (!e.routine) continue;
    routines_.push_back(e.routine->work(kernels, program.body.layout, lanes_));
    extents_.back().routine = routines_.back().get();
  }
}

Evaluator::~Evaluator() {
  if (work_ > 0) machine::codes_of(program_).earned(work_);
}

void Evaluator::bind_uniform(std::size_t k, const double* values) { uniform_inputs_[k] = values; }

// The room for a value of n elements, with a full batch at the last one. A cache line between
// values keeps them from being a multiple of 4 KiB apart, where a store would delay an unrelated
// load.
std::int64_t Evaluator::room(std::int64_t n) const {
  const std::int64_t width = kernels_.width;
  const std::int64_t doubles =
      program_.body.layout == Layout::Lanes ? n * lanes_ : (n + 2 * width - 1) / width * width;
  return (doubles + 7) / 8 * 8 + 8;
}

std::size_t Evaluator::ring(std::size_t input, std::size_t output) {
  const auto doubles = static_cast<std::size_t>(room(program_.output_sizes[output]));
  const auto fresh = [&] {
    ring_memory_.push_back(std::make_unique<Aligned>(doubles));
    return ring_memory_.back()->get();
  };
  const Ring r{input, output, {fresh(), outputs_[output], fresh()}};
  if (input != kNoInput) inputs_[input] = r.buffers[0];
  rings_.push_back(r);
  return rings_.size() - 1;
}

void Evaluator::turn_to(std::size_t phase) {
  phase_ = phase;
  for (const Ring& r : rings_) {
    if (r.input != kNoInput) inputs_[r.input] = r.buffers[phase];
    outputs_[r.output] = r.buffers[(phase + 1) % 3];
  }
}

void Evaluator::prepare() {
  if (prologue_) prologue_->prepare();
  refresh();
  link();
}

void Evaluator::refresh() {
  if (prologue_) {
    for (std::size_t k = 0; k < inputs_.size(); ++k)
      if (program_.prologue->varying[k])
        std::copy_n(uniform_inputs_[k], program_.prologue->input_sizes[k], prologue_->input(k));
    prologue_->refresh();
    prologue_->run();
  }
  if (machine_) refresh_machine();
}

// ---- machine code

void Evaluator::report_work() {
  if (machine::codes_of(program_).earned(std::exchange(work_, 0))) take_machine();
}

// Goes on with machine code from the next run on, if there can be any.
void Evaluator::take_machine() {
  cost_ = 0;
  if (auto code = machine::codes_of(program_).code(program_, kernels_, lanes_,
                                                   test_ ? test_->outputs : machine::RoundTest{}))
    take(std::move(code));
}

void Evaluator::take(std::shared_ptr<const machine::Code> code) {
  const std::size_t now = phase_, phases = rings_.empty() ? 1 : 3;
  std::vector<const double*> tables;
  for (std::size_t phase = 0; phase < phases; ++phase) {
    turn_to(phase);
    tables.insert(tables.end(), inputs_.begin(), inputs_.end());
    tables.insert(tables.end(), outputs_.begin(), outputs_.end());
    const bool change = test_ && test_->outputs.change;
    tables.push_back(test_ ? ring_at(test_->f_ring, 1) : nullptr);
    tables.push_back(test_ ? test_->limit : nullptr);
    tables.push_back(change ? ring_at(test_->change_ring, 1) : nullptr);
  }
  turn_to(now);
  pool_ = std::make_unique<Aligned>(machine::Run::room(*code, kernels_.width));
  machine_ = std::make_unique<machine::Run>(std::move(code), std::move(tables), phases,
                                            pool_->get(), kernels_.width, lanes_ * 8);
  refresh_machine();
}

void Evaluator::refresh_machine() {
  machine_->refresh([this](const auto& number) { return uniform_number(number); });
}

double Evaluator::uniform_number(const machine::UniformNumber& number) const {
  switch (number.source) {
    case machine::kSlackNumber:
      return test_->slack;
    case machine::kGradientNumber:
      return test_->gtol;
    case machine::kStepNumber:
      return test_->xtol;
    default:
      return uniform(static_cast<std::size_t>(number.source))[number.offset];
  }
}

std::vector<Evaluator::Use> Evaluator::uses(const double* first, std::int64_t count) {
  if (own_code_) return {{machine_->place_of(first), 0}};
  machine_.reset();  // it reads where it was told to
  cost_ = 0;
  if (operands_.empty()) {  // sorted by address; equal ones in the order of linking
    for (Linked& l : code_[0])
      for (const double** operand : {&l.a, &l.b, &l.c}) operands_.push_back({*operand, operand});
    std::ranges::stable_sort(operands_, std::less<>{}, &Operand::at);
  }
  std::vector<Use> out;
  auto from = std::ranges::lower_bound(operands_, first, std::less<>{}, &Operand::at);
  for (; from != operands_.end() && from->at < first + count; ++from)
    out.push_back({from->address, from->at - first});
  return out;
}

void Evaluator::share(int threads, std::function<bool()> stop) {
  threads_ = threads;
  stop_ = std::move(stop);
}

bool Evaluator::run_rows() {
  turn_to(phase_);
  std::vector<const double*> in(inputs_.begin(), inputs_.end());
  for (std::size_t k = 0; k < in.size(); ++k)
    if (!program_.varying[k] && uniform_inputs_[k]) in[k] = uniform_inputs_[k];
  return rows_->run(in, outputs_, threads_, stop_);
}

const double* Evaluator::uniform(std::size_t k) const {
  const UniformSource& u = program_.uniform[k];
  switch (u.from) {
    case UniformSource::From::Input:
      return uniform_inputs_[static_cast<std::size_t>(u.index)];
    case UniformSource::From::Data:
      return program_.data[static_cast<std::size_t>(u.index)].doubles();
    default:
      return prologue_->outputs_[static_cast<std::size_t>(u.index)];
  }
}

void Evaluator::link() {
  if (own_code_) return take(own_code_);
  operands_.clear();
  const std::size_t now = phase_;
  for (std::size_t phase = 0; phase < (rings_.empty() ? 1 : 3); ++phase) {
    turn_to(phase);
    code_[phase] = linked();
  }
  turn_to(now);
  cost_ = may_be_coded_ ? std::ssize(program_.body.code) * (lanes_ / kernels_.width) : 0;
  machine_.reset();
  if (cost_ > 0 && machine::codes_of(program_).earned(0)) take_machine();
}

const double* Evaluator::address(const Place& p) const {
  const auto k = static_cast<std::size_t>(p.index);
  switch (p.space) {
    case Space::Scratch:
      return slots_[k] + p.offset * step();
    case Space::Input:
      return inputs_[k] + p.offset * step();
    case Space::Output:
      return outputs_[k] + p.offset * step();
    case Space::Number:
      return program_.body.numbers.data() + k;
    case Space::Uniform:
      return uniform(k) + p.offset;
    default:
      return nullptr;
  }
}

// Links an instruction on whole arrays, in full batches if elements fill the batches.
void Evaluator::link_array(const Instruction& i, Linked& l) const {
  const bool lanes = program_.body.layout == Layout::Lanes;
  const std::int64_t width = kernels_.width;
  // Moves and lookups count single elements in both layouts.
  const bool one_by_one =
      i.code == code(Bulk::Move) || i.code == code(Bulk::AddMove) || i.code == code(Bulk::Lookup);
  const bool in_batches = !lanes && i.n != 1 && !one_by_one;
  l.n = in_batches ? i.n / width : i.n;
  if (in_batches) l.tail = fitted<std::int16_t>(i.n % width);
  std::int16_t* strides[] = {&l.stride_a, &l.stride_b, &l.stride_c};
  std::size_t which = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    const bool number = i.mode[k] == Mode::Number;
    if (number && i.in[k].space != Space::None) which |= std::size_t{1} << k;
    const std::int64_t stride = !i.whole[k] ? 0 : number ? 1 : lanes ? lanes_ : width;
    *strides[k] = fitted<std::int16_t>(stride);
  }
  handlers_.link(l, i.code, which, program_.body.layout);
}

std::vector<Linked> Evaluator::linked() const {
  const Tape& tape = program_.body;
  std::vector<Linked> out;
  out.reserve(tape.code.size() + 1);
  for (const Instruction& i : tape.code) {
    Linked l{};
    l.r = const_cast<double*>(address(i.r));
    l.a = address(i.in[0]);
    l.b = address(i.in[1]);
    l.c = address(i.in[2]);
    l.extent = i.extent < 0 ? nullptr : &extents_[static_cast<std::size_t>(i.extent)];
    if (i.chained) {
      const int which = variant(i.mode[0], i.mode[1], i.mode[2], i.store);
      l.handler = handlers_.chained[static_cast<std::size_t>(i.code) * kVariants +
                                    static_cast<std::size_t>(which)];
    } else {
      link_array(i, l);
    }
    if (!l.handler)
      throw std::logic_error("no handler for instruction " + std::to_string(i.code) +
                             ". This is a bug in thalweg; please report it");
    out.push_back(l);
  }
  Linked end{};
  end.handler = handlers_.end();
  out.push_back(end);
  return out;
}

void scatter_lanes(const double* rows, std::int64_t size, std::int64_t first, std::int64_t count,
                   std::int64_t lanes, double* to) {
  for (std::int64_t l = 0; l < lanes; ++l) {
    const double* row = rows + (first + std::min(l, count - 1)) * size;
    for (std::int64_t i = 0; i < size; ++i) to[i * lanes + l] = row[i];
  }
}
void gather_lanes(const double* from, std::int64_t size, std::int64_t first, std::int64_t count,
                  std::int64_t lanes, double* rows) {
  for (std::int64_t l = 0; l < count; ++l)
    for (std::int64_t i = 0; i < size; ++i) rows[(first + l) * size + i] = from[i * lanes + l];
}

std::int64_t lanes_of(const Program& program, const Kernels& kernels, bool wide) {
  if (program.body.layout != Layout::Lanes) return 1;
  return static_cast<std::int64_t>((wide ? kernels.wide : kernels.narrow).unroll) * kernels.width;
}

bool fits_wide(const Program& program, const Kernels& kernels) {
  std::int64_t elements = 0;
  for (auto n : program.body.slots) elements += n;
  for (auto n : program.output_sizes) elements += n;
  return elements * kernels.wide.unroll * kernels.width < kWideLimit;
}

// Evaluates one point after another, reading and writing in place.
static bool evaluate_rows(const Program& program, const Kernels& kernels,
                          std::span<const double* const> inputs, std::span<double* const> outputs,
                          std::int64_t k, int threads, const std::function<bool()>& stop) {
  auto run = program.rows->borrow(kernels);
  std::vector<const double*> in(inputs.begin(), inputs.end());
  std::vector<double*> out(outputs.begin(), outputs.end());
  for (std::int64_t i = 0; i < k; ++i) {
    if (!run->run(in, out, threads, stop)) return false;
    for (std::size_t j = 0; j < in.size(); ++j)
      if (program.varying[j]) in[j] += program.input_sizes[j];
    for (std::size_t j = 0; j < out.size(); ++j) out[j] += program.output_sizes[j];
  }
  program.rows->give_back(std::move(run));
  return true;
}

bool evaluate(const Program& program, const Kernels& kernels, std::span<const double* const> inputs,
              std::span<double* const> outputs, std::int64_t k, int threads,
              const std::function<bool()>& stop) {
  if (k == 0) return true;
  if (program.rows) return evaluate_rows(program, kernels, inputs, outputs, k, threads, stop);
  const bool wide = k > kernels.width && fits_wide(program, kernels);
  const std::int64_t lanes = lanes_of(program, kernels, wide),
                     some = lanes * std::max<std::int64_t>(1, kSomeLanes / lanes);
  std::atomic<std::int64_t> next = 0;
  const auto work = [&](std::int64_t, const Stopped& stopped) {
    Evaluator e(program, kernels, wide);
    for (std::size_t j = 0; j < inputs.size(); ++j)
      if (!program.varying[j]) e.bind_uniform(j, inputs[j]);
    e.prepare();
    const auto block = [&](std::int64_t first) {
      const std::int64_t count = std::min(lanes, k - first);
      for (std::size_t j = 0; j < inputs.size(); ++j)
        if (program.varying[j])
          scatter_lanes(inputs[j], program.input_sizes[j], first, count, lanes, e.input(j));
      e.run();
      for (std::size_t j = 0; j < outputs.size(); ++j)
        gather_lanes(e.output(j), program.output_sizes[j], first, count, lanes, outputs[j]);
    };
    for (std::int64_t from = next.fetch_add(some); from < k; from = next.fetch_add(some)) {
      for (std::int64_t first = from; first < std::min(from + some, k); first += lanes)
        block(first);
      if (stopped()) return;
    }
  };
  auto checked = std::chrono::steady_clock::now();
  Patience patience(stop, checked);
  return run_together(
      std::clamp<std::int64_t>(threads, 1, (k + some - 1) / some), [&] { return patience.over(); },
      work);
}

// Whether there is a routine whose steps wait for one another, and all values of a few lanes take
// little memory.
static bool takes_turns(const Graph& graph, std::span<const NodeId> outputs) {
  constexpr std::int64_t kLittle = std::int64_t{1} << 18;
  const std::vector<bool> reached = reached_from(graph, outputs);
  bool found = false;
  std::int64_t elements = 0;
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (!reached[static_cast<std::size_t>(id)] || graph[id].kind == Kind::Data) continue;
    elements += size_of(graph.shape(id));
    found |= graph[id].kind == Kind::Routine && graph.routine_of(id)->sequential();
  }
  return found && elements <= kLittle;
}

Layout layout_for(const Graph& graph, std::span<const NodeId> outputs, int width, std::int64_t k) {
  const auto hold = graph.hold();
  if (k != 1 && takes_turns(graph, outputs)) return Layout::Lanes;
  if (has_rows(graph, outputs)) return Layout::Rows;
  if (k != 1) return Layout::Lanes;
  // Batches of elements pay off if arrays are longer than a few batches. For shorter ones, every
  // element takes a whole batch.
  const std::vector<bool> reached = reached_from(graph, outputs);
  for (NodeId id = 0; id < graph.size(); ++id)
    if (reached[static_cast<std::size_t>(id)] && graph[id].kind != Kind::Data &&
        graph[id].kind != Kind::Constant && size_of(graph.shape(id)) > width)
      return Layout::Elements;
  return Layout::Lanes;
}

}  // namespace thalweg
