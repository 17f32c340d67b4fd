// SPDX-License-Identifier: BSD-3-Clause
// Numerical routines as nodes, and their work for a block of lanes.
#include "thalweg/routines/numeric.hpp"

#include <algorithm>
#include <cstring>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/routines/all.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {

Routine::~Routine() = default;
RoutineWork::~RoutineWork() = default;

bool Numeric::equals(const Routine& other) const {
  const auto* o = dynamic_cast<const Numeric*>(&other);
  return o && o->code_ == code_ && o->sizes_ == sizes_;
}

std::uint64_t Numeric::hash() const {
  auto h = static_cast<std::uint64_t>(code_);
  for (const std::int64_t s : sizes_)
    h = (h ^ static_cast<std::uint64_t>(s)) * 0x9E3779B97F4A7C15u, h ^= h >> 31;
  return h;
}

namespace {

// Calls the kernel for each array of the batch: for batches of lanes where they lie, or, if they
// lie apart, for copies; or for one lane after another. In the layout Elements several arrays of
// the batch are computed together, as lanes are.
class NumericWork final : public RoutineWork {
 public:
  NumericWork(std::shared_ptr<const Numeric> routine, const Kernels& kernels, Layout layout,
              std::int64_t lanes)
      : routine_(std::move(routine)),
        kernel_(kernels.routines[static_cast<int>(routine_->code())]),
        lanes_(layout == Layout::Lanes ? lanes : 1),
        together_(lanes_ == 1 || routine_->alone() ? 1 : kernels.width),
        width_(kernels.width),
        across_(lanes_ == 1 && !routine_->alone() && routine_->batch() >= width_) {
    for (std::size_t k = 0; k < routine_->inputs(); ++k)
      if (routine_->reads(k)) sizes_.push_back(routine_->input_size(k));
    std::int64_t total = room(routine_->work_size());
    if (lanes_ != together_ || across_) {
      total += room(routine_->output_size());
      for (const std::int64_t n : sizes_) total += room(n);
    } else if (lanes_ > 1) {  // operands that are the same in all lanes
      for (const std::int64_t n : sizes_) total += room(n);
    }
    memory_ = std::make_unique<Aligned>(static_cast<std::size_t>(total));
  }

  void run(const Linked& l) override {
    const double* operands[] = {l.a, l.b, l.c};
    const std::int16_t strides[] = {l.stride_a, l.stride_b, l.stride_c};
    const std::int64_t out_size = routine_->output_size();
    std::int64_t s = 0;
    if (across_)
      for (; s + width_ <= routine_->batch(); s += width_) arrays_as_lanes(operands, l.r, s);
    for (; s < routine_->batch(); ++s)
      for (std::int64_t lane = 0; lane < lanes_; lane += together_) {
        free_ = memory_->get();
        RoutineCall call{routine_->sizes().data(), routine_->table().data(), {}, {}, {}};
        for (std::size_t k = 0; k < sizes_.size(); ++k)
          call.in[k] = read(operands[k], strides[k] == 1, s * sizes_[k], sizes_[k], lane);
        double* to = l.r + s * out_size * lanes_ + lane;
        call.out = lanes_ == together_ ? to : take(out_size);
        call.work = take(routine_->work_size());
        (together_ > 1 ? kernel_.lanes : kernel_.alone)(call);
        if (lanes_ != together_) copy(call.out, together_, to, lanes_, out_size);
      }
    // In the layout Elements a number fills a batch.
    if (lanes_ == 1 && routine_->batch() * out_size == 1) std::fill_n(l.r + 1, width_ - 1, l.r[0]);
  }

 private:
  // Computes `width_` arrays of the batch, from number s on.
  void arrays_as_lanes(const double* const* operands, double* to, std::int64_t s) {
    free_ = memory_->get();
    RoutineCall call{routine_->sizes().data(), routine_->table().data(), {}, {}, {}};
    for (std::size_t k = 0; k < sizes_.size(); ++k) {
      const std::int64_t n = sizes_[k];
      const double* const from = operands[k] + s * n;
      double* const in = take(n);
      for (std::int64_t w = 0; w < width_; ++w)
        for (std::int64_t i = 0; i < n; ++i) in[i * width_ + w] = from[w * n + i];
      call.in[k] = in;
    }
    const std::int64_t n = routine_->output_size();
    call.out = take(n);
    call.work = take(routine_->work_size());
    kernel_.lanes(call);
    for (std::int64_t w = 0; w < width_; ++w)
      for (std::int64_t i = 0; i < n; ++i) to[(s + w) * n + i] = call.out[i * width_ + w];
  }

  std::int64_t room(std::int64_t n) const {
    return (n * (across_ ? width_ : together_) + 7) / 8 * 8;
  }
  double* take(std::int64_t n) {
    double* const p = free_;
    free_ += room(n);
    return p;
  }
  // n elements from element `first` on, in the lanes that are computed together.
  const double* read(const double* p, bool same, std::int64_t first, std::int64_t n,
                     std::int64_t lane) {
    if (lanes_ == 1) return p + first;
    if (same && together_ == 1) return p + first;
    if (!same && lanes_ == together_) return p + first * lanes_;
    double* const to = take(n);
    if (same)
      for (std::int64_t i = 0; i < n; ++i) std::fill_n(to + i * together_, together_, p[first + i]);
    else copy(p + first * lanes_ + lane, lanes_, to, together_, n);
    return to;
  }
  void copy(const double* from, std::int64_t step, double* to, std::int64_t to_step,
            std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(from + i * step, together_, to + i * to_step);
  }

  std::shared_ptr<const Numeric> routine_;
  const RoutineKernel kernel_;
  const std::int64_t lanes_, together_, width_;
  const bool across_;
  std::vector<std::int64_t> sizes_;  // of the inputs that it reads
  std::unique_ptr<Aligned> memory_;
  double* free_ = nullptr;
};

}  // namespace

std::unique_ptr<RoutineWork> Numeric::work(const Kernels& kernels, Layout layout,
                                           std::int64_t lanes) const {
  return std::make_unique<NumericWork>(shared_from_this(), kernels, layout, lanes);
}

std::shared_ptr<const Numeric> make_numeric(const std::string& name, Numeric::Sizes sizes) {
  const auto form = std::ranges::find(kNumericForms, name, &NumericForm::name);
  if (form == kNumericForms.end()) throw ShapeError("there is no routine '" + name + "'");
  if (sizes.size() != form->sizes || std::ranges::any_of(sizes, [](auto s) { return s < 0; }))
    throw ShapeError(name + ": sizes " + to_string(sizes) + " are not those of such a routine");
  return form->make(std::move(sizes));
}

NodeId numeric(Graph& graph, const std::string& name, std::span<const NodeId> inputs,
               Numeric::Sizes sizes, const Shape& shape) {
  auto routine = make_numeric(name, std::move(sizes));
  if (inputs.size() != routine->inputs())
    throw ShapeError(name + ": takes " + std::to_string(routine->inputs()) + " arrays, got " +
                     std::to_string(inputs.size()));
  const auto check = [&](const char* what, const Shape& got, std::int64_t each) {
    if (size_of(got) != routine->batch() * each)
      throw ShapeError(name + ": " + what + " of shape " + to_string(got) + ", but sizes " +
                       to_string(routine->sizes()) + " need " +
                       std::to_string(routine->batch() * each) + " elements");
  };
  for (std::size_t k = 0; k < inputs.size(); ++k)
    check("an input", graph.shape(inputs[k]), routine->input_size(k));
  check("a result", shape, routine->output_size());
  return graph.routine(std::move(routine), inputs, shape);
}

}  // namespace thalweg
