// SPDX-License-Identifier: BSD-3-Clause
// Memory for a block, and linking: places become pointers, codes become handlers.
#include "thalweg/evaluate.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace thalweg {

Aligned::Aligned(std::size_t doubles) {
  const std::size_t bytes = (doubles * sizeof(double) + 127) / 64 * 64;
  void* p = std::aligned_alloc(64, bytes);
  if (!p) throw std::bad_alloc();
  memory_.reset(static_cast<double*>(p));
  std::fill_n(memory_.get(), bytes / sizeof(double), 0.0);
}
void Aligned::Free::operator()(double* p) const { std::free(p); }

Evaluator::Evaluator(const Program& program, const Kernels& kernels, bool wide)
    : program_(program), kernels_(kernels),
      handlers_(wide && program.body.layout == Layout::Lanes ? kernels.wide : kernels.narrow),
      lanes_(program.body.layout == Layout::Lanes ? static_cast<std::int64_t>(handlers_.unroll) * kernels.width : 1) {
  const std::int64_t width = kernels_.width;
  // A value of n elements, and room to write a whole batch at its last one. A line between values, so that none stand a
  // multiple of 4 KiB apart, where a store would hold up a load that it has nothing to do with.
  const auto room = [&](std::int64_t n) {
    const std::int64_t doubles = program_.body.layout == Layout::Lanes ? n * lanes_ : (n + 2 * width - 1) / width * width;
    return (doubles + 7) / 8 * 8 + 8;
  };
  std::vector<std::int64_t> offsets;
  std::int64_t total = 0;
  const auto reserve = [&](std::int64_t n) {
    if (n > (std::int64_t{1} << 45) / std::max<std::int64_t>(lanes_, 1)) throw std::bad_alloc();
    offsets.push_back(total);
    total += room(n);
  };
  for (std::size_t k = 0; k < program_.input_sizes.size(); ++k) reserve(program_.varying[k] ? program_.input_sizes[k] : 0);
  for (auto n : program_.output_sizes) reserve(n);
  for (auto n : program_.body.slots) reserve(n);
  memory_ = std::make_unique<Aligned>(static_cast<std::size_t>(total));
  auto at = offsets.begin();
  for (std::size_t k = 0; k < program_.input_sizes.size(); ++k) inputs_.push_back(memory_->get() + *at++);
  for (std::size_t k = 0; k < program_.output_sizes.size(); ++k) outputs_.push_back(memory_->get() + *at++);
  for (std::size_t k = 0; k < program_.body.slots.size(); ++k) slots_.push_back(memory_->get() + *at++);
  uniform_inputs_.assign(inputs_.size(), nullptr);
  if (program_.prologue) prologue_ = std::make_unique<Evaluator>(*program_.prologue, kernels, false);
  for (const OwnedExtent& e : program_.body.extents) extents_.push_back(e.linked());
}

void Evaluator::bind_uniform(std::size_t k, const double* values) { uniform_inputs_[k] = values; }

void Evaluator::pair(std::size_t input, std::size_t output) { pairs_.emplace_back(input, output); }

void Evaluator::swap() {
  for (auto [i, o] : pairs_) std::swap(inputs_[i], outputs_[o]);
  current_ = current_ == &code_ ? &swapped_code_ : &code_;
}

void Evaluator::prepare() {
  if (prologue_) {
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      if (!program_.prologue->varying[k]) continue;
      std::copy_n(uniform_inputs_[k], program_.input_sizes[k], prologue_->input(k));
    }
    prologue_->prepare();
    prologue_->run();
  }
  link();
}

const double* Evaluator::uniform(std::size_t k) const {
  const UniformSource& u = program_.uniform[k];
  switch (u.from) {
    case UniformSource::From::Input: return uniform_inputs_[static_cast<std::size_t>(u.index)];
    case UniformSource::From::Data: return program_.data[static_cast<std::size_t>(u.index)].values;
    default: return prologue_->outputs_[static_cast<std::size_t>(u.index)];
  }
}

void Evaluator::link() {
  code_ = linked();
  current_ = &code_;
  if (pairs_.empty()) return;
  for (auto [i, o] : pairs_) std::swap(inputs_[i], outputs_[o]);
  swapped_code_ = linked();
  for (auto [i, o] : pairs_) std::swap(inputs_[i], outputs_[o]);
}

std::vector<Linked> Evaluator::linked() const {
  const Tape& tape = program_.body;
  const bool lanes = tape.layout == Layout::Lanes;
  const std::int64_t width = kernels_.width, step = lanes ? lanes_ : 1;
  const auto pointer = [&](const Place& p) -> const double* {
    const auto k = static_cast<std::size_t>(p.index);
    switch (p.space) {
      case Space::Scratch: return slots_[k] + p.offset * step;
      case Space::Input: return inputs_[k] + p.offset * step;
      case Space::Output: return outputs_[k] + p.offset * step;
      case Space::Number: return tape.numbers.data() + k;
      case Space::Uniform: return uniform(k) + p.offset;
      default: return nullptr;
    }
  };
  std::vector<Linked> out;
  out.reserve(tape.code.size() + 1);
  for (const Instruction& i : tape.code) {
    Linked l{};
    const auto code = static_cast<std::size_t>(i.code);
    l.r = const_cast<double*>(pointer(i.r));
    l.a = pointer(i.in[0]);
    l.b = pointer(i.in[1]);
    l.c = pointer(i.in[2]);
    l.extent = i.extent < 0 ? nullptr : &extents_[static_cast<std::size_t>(i.extent)];
    if (i.chained) {
      l.handler = handlers_.chained[code * kVariants + static_cast<std::size_t>(variant(i.mode[0], i.mode[1], i.mode[2], i.store))];
    } else {
      const bool bulk_move = i.code == thalweg::code(Bulk::Move) || i.code == thalweg::code(Bulk::AddMove);
      l.n = lanes || i.n == 1 || bulk_move ? i.n : i.n / width;
      l.tail = lanes || i.n == 1 || bulk_move ? std::int16_t{0} : static_cast<std::int16_t>(i.n % width);
      std::int16_t* strides[] = {&l.stride_a, &l.stride_b, &l.stride_c};
      std::size_t which = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const bool number = i.mode[k] == Mode::Number;
        if (number) which |= std::size_t{1} << k;
        const std::int64_t stride = !i.whole[k] ? 0 : number ? 1 : lanes ? lanes_ : width;
        *strides[k] = static_cast<std::int16_t>(stride);
      }
      l.handler = (lanes ? handlers_.array : handlers_.elements)[code * kArrayVariants + which];
    }
    if (!l.handler)
      throw std::logic_error("no handler for instruction " + std::to_string(i.code) +
                             ". This is a bug in thalweg; please report it");
    out.push_back(l);
  }
  Linked end{};
  end.handler = handlers_.array[static_cast<std::size_t>(code(Bulk::End)) * kArrayVariants];
  out.push_back(end);
  return out;
}

}  // namespace thalweg
