// SPDX-License-Identifier: BSD-3-Clause
// Runs the tapes of a solver's block. A round allocates nothing.
#include "descent/solver_values.hpp"

#include <algorithm>
#include <utility>

namespace thalweg {

SolverValues::SolverValues(const Setup& setup, const Sources& sources, const Machine& machine,
                           bool across, std::int64_t lanes, const Starts& starts,
                           const Stopping& stopping, const std::function<bool()>& interrupted)
    : needs_(setup.solver->needs),
      n_(setup.n),
      width_(machine.kernels.width),
      lanes_(lanes),
      across_(across),
      starts_(starts) {
  if (sources.values) trace(sources, machine, stopping, interrupted);
  else lend();
}

void SolverValues::trace(const Sources& sources, const Machine& machine, const Stopping& stopping,
                         const std::function<bool()>& interrupted) {
  values_ = std::make_unique<Evaluator>(*sources.values, machine.kernels, machine.wide);
  open(*values_, *sources.values, stopping, interrupted);
  question_ = {values_->input(0), values_->output(0), nullptr, values_->step(), {}};
  // A constant does not read x, so its tape has no room for x.
  if (sources.values->input_sizes[0] == 0) question_.x = own(x_);
  if (needs_ != Needs::Value) question_.g = values_->output(1);
  joint_ = needs_ == Needs::Normal || (needs_ == Needs::Hessian && !sources.product);
  if (joint_) question_.h = values_->output(2);
  whole_ = needs_ == Needs::Hessian && sources.product;
  if (whole_ && starts_.k == 1) {
    rows_ = std::make_unique<HessianRows>(*sources.product, machine.kernels, n_, starts_,
                                          stopping.threads, interrupted);
  } else if (sources.product) {
    products_ = std::make_unique<Evaluator>(*sources.product, machine.kernels, machine.wide);
    open(*products_, *sources.product, stopping, interrupted);
    question_.h = products_->output(0);
    const auto& sizes = sources.product->input_sizes;
    question_.v = sizes.back() > 0 ? products_->input(sizes.size() - 1) : own(v_);
    bent_ = sizes[0] > 0;
  }
  if (!whole_) return;
  told_ = std::make_unique<Aligned>(
      static_cast<std::size_t>(n_ * n_ * (question_.stride + 1) + width_));
  question_.h = told_->get();
}

void SolverValues::open(Evaluator& e, const Program& program, const Stopping& stopping,
                        const std::function<bool()>& interrupted) {
  for (std::size_t j = 1; j < starts_.values.size() && j < program.varying.size(); ++j)
    if (starts_.values[j] && !program.varying[j]) e.bind_uniform(j, starts_.values[j]);
    else if (starts_.values[j] && program.varying[j])
      per_start_.push_back({&e, j, program.input_sizes[j]});
  e.share(stopping.threads, interrupted);
  e.prepare();
}

double* SolverValues::own(std::unique_ptr<Aligned>& vector) const {
  vector = std::make_unique<Aligned>(static_cast<std::size_t>((n_ + width_) * lanes_));
  return vector->get();
}

void SolverValues::lend() {
  const std::int64_t each = across_ ? lanes_ : 1, vector = across_ ? n_ * lanes_ : n_ + 2 * width_,
                     matrix = needs_ == Needs::Hessian || needs_ == Needs::Normal ? n_ * vector
                              : needs_ == Needs::HessianVector                    ? vector
                                                                                  : 0;
  told_ = std::make_unique<Aligned>(
      static_cast<std::size_t>(3 * vector + matrix + padded(each, width_)));
  double* at = told_->get();
  const auto take = [&at](std::int64_t doubles) { return std::exchange(at, at + doubles); };
  question_ = {take(vector), nullptr, take(vector), each, {}};
  question_.f = take(padded(each, width_));
  if (needs_ == Needs::HessianVector) question_.v = take(vector);
  if (matrix) question_.h = take(matrix);
  joint_ = needs_ == Needs::Normal;
}

void SolverValues::load(std::int64_t lane, std::int64_t start) {
  // Lanes take starts one after another; a row far ahead of the reader is fetched meanwhile.
  constexpr std::int64_t kAhead = 8, kLine = 8;
  for (const auto& [e, j, size] : per_start_) {
    double* const to = e->input(j) + lane;
    const double* const from = starts_.values[j] + start * size;
    const std::int64_t step = e->step();
    for (std::int64_t i = 0; i < size; i += kLine) __builtin_prefetch(from + kAhead * size + i);
    for (std::int64_t i = 0; i < size; ++i) to[i * step] = from[i];
  }
}

// Computes the Hessian at x, or its products with v.
bool SolverValues::curve(Patience& patience) {
  const std::int64_t vector = across_ ? n_ * lanes_ : n_;
  if (products_ && bent_) std::copy_n(question_.x, vector, products_->input(0));
  if (products_ && !whole_) return products_->run();
  double* const h = question_.h;
  if (products_) {  // with unit vectors, the same in every lane
    double* const v = const_cast<double*>(question_.v);
    for (std::int64_t j = 0; j < n_; ++j) {
      std::fill_n(v, vector, 0.0);
      std::fill_n(v + j * question_.stride, question_.stride, 1.0);
      if (patience.over() || !products_->run()) return false;
      std::copy_n(products_->output(0), vector, h + j * vector);
    }
    return true;
  }
  if (question_.stride == 1) return rows_->run(question_.x, h);
  // There is one start, the same in every lane.
  const std::int64_t step = question_.stride;
  double* const plain = h + n_ * n_ * step;
  for (std::int64_t i = 0; i < n_; ++i) plain[i] = question_.x[i * step];
  if (!rows_->run(plain, plain)) return false;
  for (std::int64_t i = 0; i < n_ * n_; ++i) std::fill_n(h + i * step, step, plain[i]);
  return true;
}

}  // namespace thalweg
