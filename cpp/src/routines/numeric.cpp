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
// lie apart, for copies. Of what is computed alone a batch of lanes is copied at once, as its lanes
// share cache lines. In the layout Elements several arrays of the batch are computed together, as
// lanes are.
class NumericWork final : public RoutineWork {
 public:
  NumericWork(std::shared_ptr<const Numeric> routine, const Kernels& kernels, Layout layout,
              std::int64_t lanes)
      : routine_(std::move(routine)),
        kernel_(kernels.routines[static_cast<int>(routine_->code())]),
        table_(routine_->table().data()),
        lanes_(layout == Layout::Lanes ? lanes : 1),
        width_(kernels.width),
        way_(lanes_ > 1 ? (routine_->alone() ? Way::LanesApart : Way::Lanes)
             : !routine_->alone() && routine_->batch() >= width_ ? Way::Arrays
                                                                 : Way::Array) {
    for (std::size_t k = 0; k < routine_->inputs(); ++k)
      if (routine_->reads(k)) sizes_.push_back(routine_->input_size(k));
    const std::int64_t copies = way_ == Way::Array ? 0 : width_,
                       works = way_ == Way::Lanes || way_ == Way::Arrays ? width_ : 1;
    std::int64_t total = room(routine_->work_size()) * works;
    for (const std::int64_t n : sizes_) total += room(n) * copies;
    memory_ =
        std::make_unique<Aligned>(static_cast<std::size_t>(total + room(output_size()) * copies));
  }

  void run(const Linked& l) override {
    const double* const operands[] = {l.a, l.b, l.c};
    const bool same[] = {l.stride_a == 1, l.stride_b == 1, l.stride_c == 1};
    std::int64_t s = 0;
    if (way_ == Way::Arrays)
      for (; s + width_ <= routine_->batch(); s += width_) arrays(operands, l.r, s);
    for (; s < routine_->batch(); ++s) {
      if (lanes_ == 1) array(operands, l.r, s);
      for (std::int64_t lane = 0; lanes_ > 1 && lane < lanes_; lane += width_)
        way_ == Way::Lanes ? lanes_of(operands, same, l.r, s, lane)
                           : lanes_apart(operands, same, l.r, s, lane);
    }
    // In the layout Elements a number fills a batch.
    if (lanes_ == 1 && routine_->batch() * output_size() == 1)
      std::fill_n(l.r + 1, width_ - 1, l.r[0]);
  }

 private:
  enum class Way : std::uint8_t { Lanes, LanesApart, Arrays, Array };

  std::int64_t output_size() const { return routine_->output_size(); }
  RoutineCall call() {
    free_ = memory_->get();
    return {routine_->sizes().data(), table_, {}, {}, {}};
  }
  // One array.
  void array(const double* const* operands, double* to, std::int64_t s) {
    RoutineCall c = call();
    for (std::size_t k = 0; k < sizes_.size(); ++k) c.in[k] = operands[k] + s * sizes_[k];
    c.out = to + s * output_size();
    c.work = take(routine_->work_size(), 1);
    kernel_.alone(c);
  }
  // Arrays of the batch from number s on, as lanes.
  void arrays(const double* const* operands, double* to, std::int64_t s) {
    RoutineCall c = call();
    for (std::size_t k = 0; k < sizes_.size(); ++k) {
      const std::int64_t n = sizes_[k];
      double* const in = take(n, width_);
      transpose(operands[k] + s * n, width_, n, n, in, width_);
      c.in[k] = in;
    }
    c.out = take(output_size(), width_);
    c.work = take(routine_->work_size(), width_);
    kernel_.lanes(c);
    transpose(c.out, output_size(), width_, width_, to + s * output_size(), output_size());
  }
  // A batch of lanes.
  void lanes_of(const double* const* operands, const bool* same, double* to, std::int64_t s,
                std::int64_t lane) {
    RoutineCall c = call();
    for (std::size_t k = 0; k < sizes_.size(); ++k)
      c.in[k] = read(operands[k], same[k], s * sizes_[k], sizes_[k], lane);
    const std::int64_t n = output_size();
    to += s * n * lanes_ + lane;
    c.out = lanes_ == width_ ? to : take(n, width_);
    c.work = take(routine_->work_size(), width_);
    kernel_.lanes(c);
    if (lanes_ != width_) copy(c.out, width_, to, lanes_, n);
  }
  // A batch of lanes, one lane after another.
  void lanes_apart(const double* const* operands, const bool* same, double* to, std::int64_t s,
                   std::int64_t lane) {
    RoutineCall c = call();
    const double* in[std::size(c.in)] = {};
    for (std::size_t k = 0; k < sizes_.size(); ++k) {
      const std::int64_t n = sizes_[k];
      in[k] = operands[k] + s * n;
      if (same[k]) continue;
      double* const copied = take(n, width_);
      transpose(operands[k] + s * n * lanes_ + lane, n, width_, lanes_, copied, room(n));
      in[k] = copied;
    }
    const std::int64_t n = output_size();
    double* const out = take(n, width_);
    c.work = take(routine_->work_size(), 1);
    for (std::int64_t w = 0; w < width_; ++w) {
      for (std::size_t k = 0; k < sizes_.size(); ++k)
        c.in[k] = in[k] + (same[k] ? 0 : w * room(sizes_[k]));
      c.out = out + w * room(n);
      kernel_.alone(c);
    }
    transpose(out, width_, n, room(n), to + s * n * lanes_ + lane, lanes_);
  }

  // to[j][i] = from[i][j] for m rows of n numbers, `apart` from one another.
  static void transpose(const double* from, std::int64_t m, std::int64_t n, std::int64_t apart,
                        double* to, std::int64_t to_apart) {
    if (m < n) {
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t i = 0; i < m; ++i) to[j * to_apart + i] = from[i * apart + j];
    } else {
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < n; ++j) to[j * to_apart + i] = from[i * apart + j];
    }
  }

  // Whole cache lines.
  static std::int64_t room(std::int64_t n) { return (n + 7) / 8 * 8; }
  double* take(std::int64_t n, std::int64_t times) {
    double* const p = free_;
    free_ += room(n) * times;
    return p;
  }
  // n elements from element `first` on, in a batch of lanes.
  const double* read(const double* p, bool same, std::int64_t first, std::int64_t n,
                     std::int64_t lane) {
    if (!same && lanes_ == width_) return p + first * lanes_;
    double* const to = take(n, width_);
    if (same)
      for (std::int64_t i = 0; i < n; ++i) std::fill_n(to + i * width_, width_, p[first + i]);
    else copy(p + first * lanes_ + lane, lanes_, to, width_, n);
    return to;
  }
  void copy(const double* from, std::int64_t step, double* to, std::int64_t to_step,
            std::int64_t n) const {
    switch (width_) {
      case 2:
        return copy_by<2>(from, step, to, to_step, n);
      case 4:
        return copy_by<4>(from, step, to, to_step, n);
      case 8:
        return copy_by<8>(from, step, to, to_step, n);
      default:
        for (std::int64_t i = 0; i < n; ++i) std::copy_n(from + i * step, width_, to + i * to_step);
    }
  }
  // In registers: calls to copy a few numbers would take longer than most kernels.
  template <std::size_t Width>
  static void copy_by(const double* from, std::int64_t step, double* to, std::int64_t to_step,
                      std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i)
      std::memcpy(to + i * to_step, from + i * step, Width * sizeof(double));
  }

  std::shared_ptr<const Numeric> routine_;
  const RoutineKernel kernel_;
  const double* const table_;
  const std::int64_t lanes_, width_;
  const Way way_;
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
  // Products of two sizes, and small multiples of them, do not wrap.
  constexpr std::int64_t kLargest = std::int64_t{1} << 30;
  if (sizes.size() != form->sizes ||
      std::ranges::any_of(sizes, [](auto s) { return s < 0 || s > kLargest; }))
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
    const std::int64_t size = size_of(got), batch = routine->batch();
    if (each && batch ? size % each != 0 || size / each != batch : size != 0)
      throw ShapeError(name + ": " + what + " of shape " + to_string(got) + ", but sizes " +
                       to_string(routine->sizes()) + " need " + std::to_string(batch) + " times " +
                       std::to_string(each) + " elements");
  };
  for (std::size_t k = 0; k < inputs.size(); ++k)
    check("an input", graph.shape(inputs[k]), routine->input_size(k));
  check("a result", shape, routine->output_size());
  return graph.routine(std::move(routine), inputs, shape);
}

}  // namespace thalweg
