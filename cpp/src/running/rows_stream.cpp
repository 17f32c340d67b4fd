// SPDX-License-Identifier: BSD-3-Clause
// Decides which loops over rows are streams, and runs them.
#include "running/rows_stream.hpp"

#include <algorithm>
#include <map>

namespace thalweg::rows {
namespace {

// A partial result that changes no other.
double neutral(Reduction kind) {
  switch (kind) {
    case Reduction::Sum:
      return -0.0;
    case Reduction::Max:
      return -kInfinity;
    case Reduction::Min:
      return kInfinity;
    default:
      return 1.0;
  }
}

bool is_vector(const RowAccess& a) { return a.row_stride == 1 && a.width == 1 && !a.converted; }

// Whether all that the loop reads, writes and sums are vectors.
bool has_only_vectors(const RowLoop& loop) {
  if (!loop.contractions.empty()) return false;
  for (std::size_t i = 0; i < loop.inputs.size(); ++i) {
    if (loop.program->input_sizes[i] == 0) continue;  // nothing reads it
    const auto* a = std::get_if<RowAccess>(&loop.inputs[i]);
    if (a ? !is_vector(*a) : !std::holds_alternative<RowSpan>(loop.inputs[i])) return false;
  }
  return std::ranges::all_of(loop.stores, [](const auto& s) { return is_vector(s.to); }) &&
         std::ranges::all_of(loop.joins, [](const RowLoop::Join& j) {
           const auto* a = std::get_if<RowAccess>(&j.from);
           return a ? is_vector(*a) : j.width == 1;
         });
}

// What a loop's stores write, those that add to one array together. They are ordered: what reaches
// furthest comes first.
class Arrays {
 public:
  Arrays(const RowLoop& loop, int width) : loop_(loop), width_(width) {
    for (std::size_t k = 0; k < loop.stores.size(); ++k) {
      const RowLoop::Store& s = loop.stores[k];
      if (s.add) {
        added_[s.to.buffer].push_back(&s);
        continue;
      }
      if (loop.in_place == k) plan.rows.in_place = static_cast<int>(plan.arrays.size());
      add({s.to.buffer, s.to.offset},
          {machine::RowStream::Start::Nothing, {{s.output, std::int64_t{0}}}});
    }
    for (const auto& [buffer, stores] : added_) sum(buffer, stores);
  }
  bool near = true;  // whether all terms are within a batch
  StreamPlan plan;

 private:
  using Stores = std::vector<const RowLoop::Store*>;
  void add(StreamPlan::Array where, machine::RowStream::Array what) {
    plan.arrays.push_back(where);
    plan.rows.arrays.push_back(std::move(what));
  }
  void sum(std::int32_t buffer, const Stores& stores) {
    const std::int64_t first = stores.back()->to.offset;
    const auto built = std::ranges::find(loop_.built, buffer, &RowLoop::Built::buffer);
    const bool is_built = built != loop_.built.end();
    machine::RowStream::Array a{
        is_built ? machine::RowStream::Start::Zero : machine::RowStream::Start::Old, {}};
    for (const RowLoop::Store* s : stores) {
      a.terms.push_back({s->output, s->to.offset - first});
      near &= s->to.offset - first <= width_;
      plan.left = std::max(plan.left, (s->reach + width_ - 1) / width_ * width_);
    }
    add({buffer, first, is_built ? built - loop_.built.begin() : -1}, std::move(a));
  }

  const RowLoop& loop_;
  const std::int64_t width_;
  std::map<std::int32_t, Stores> added_;
};

std::optional<StreamPlan> stream_plan(const RowLoop& loop, int width) {
  if (!has_only_vectors(loop)) return std::nullopt;
  Arrays arrays(loop, width);
  if (!arrays.near) return std::nullopt;
  StreamPlan plan = std::move(arrays.plan);
  for (const RowLoop::Join& j : loop.joins)
    if (const auto* output = std::get_if<std::size_t>(&j.from))
      plan.rows.joins.push_back({*output, j.kind});
  return plan;
}

}  // namespace

std::shared_ptr<const StreamCode> stream_code(const RowLoop& loop, const Kernels& kernels) {
  auto plan = stream_plan(loop, kernels.width);
  if (!plan) return nullptr;
  std::shared_ptr<const machine::Code> code;
  if (!loop.program->output_sizes.empty()) {
    code = machine::codes_of(*loop.program).code(*loop.program, kernels, plan->rows);
    if (!code) return nullptr;
  }
  return std::make_shared<StreamCode>(StreamCode{std::move(*plan), std::move(code)});
}

Stream::Stream(const RowLoop& loop, const Kernels& kernels, const StreamCode& of)
    : loop_(loop),
      rows_(kernels.rows),
      plan_(of.plan),
      width_(kernels.width),
      pool_(of.code ? machine::Run::room(*of.code, kernels.width) : 0),
      waiting_(loop.program->output_sizes.size() * index(width_)) {
  if (!of.code) return;
  std::vector<const double*> table(plan_.rows.buffers(*loop.program), nullptr);
  for (std::size_t k = 0; k < loop.program->output_sizes.size(); ++k)
    table[table.size() - loop.program->output_sizes.size() + k] =
        waiting_.get() + k * index(width_);
  run_ =
      std::make_unique<machine::Run>(of.code, std::move(table), 1, pool_.get(), kernels.width, 0);
}

void Stream::refresh(const Evaluator& block) {
  if (run_) run_->refresh([&](const auto& number) { return block.uniform_number(number); });
}

void Stream::start(std::int64_t first, std::int64_t chunk_end, bool last) {
  end_ = first + (chunk_end - first - (last ? 0 : plan_.left)) / width_ * width_;
  // Rows before the first add nothing: x + -0 is x for every x.
  std::fill_n(waiting_.get(), loop_.program->output_sizes.size() * index(width_), -0.0);
}

void Stream::run(double* const* base, std::int64_t row, std::int64_t until,
                 std::span<double* const> partials) {
  std::size_t at = 0;
  const auto point = [&](const double* values) {
    if (run_) run_->point_at(at, values);
    ++at;
  };
  const auto place = [&](const RowAccess& a) { return base[a.buffer] + a.offset + row; };
  for (std::size_t i = 0; i < loop_.inputs.size(); ++i) {
    const auto* a = std::get_if<RowAccess>(&loop_.inputs[i]);
    point(a && loop_.program->input_sizes[i] > 0 ? place(*a) : nullptr);
  }
  for (const StreamPlan::Array& a : plan_.arrays) point(base[a.buffer] + a.offset + row);
  for (std::size_t k = 0; k < loop_.joins.size(); ++k) {
    const RowLoop::Join& j = loop_.joins[k];
    if (const auto* a = std::get_if<RowAccess>(&j.from))
      rows_.take(j.kind, place(*a), 0, until - row, partials[k]);
    else {
      std::fill_n(partials[k], kPartialSums, neutral(j.kind));
      point(partials[k]);
    }
  }
  if (!run_) return;
  run_->limit((until - row) * 8);
  (*run_)(0, 1);
}

void Stream::flush(double* const* base) {
  for (std::size_t k = 0; k < plan_.arrays.size(); ++k) {
    const StreamPlan::Array& a = plan_.arrays[k];
    double* const to = base[a.buffer] + a.offset + end_;
    const auto& terms = plan_.rows.arrays[k].terms;
    for (std::int64_t i = 0; i < terms[0].rows_before; ++i)
      for (const auto& [output, before] : terms)
        if (before > i)
          to[i] += waiting_.get()[static_cast<std::int64_t>(output) * width_ + width_ - before + i];
  }
}

}  // namespace thalweg::rows
