// SPDX-License-Identifier: BSD-3-Clause
// The descend loop: run the step, review what came of it, let finished lanes go and load the next
// starts.
#include "thalweg/descend.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace thalweg {
namespace {

// A point is worse than the best only if its f is higher by more than this many times max(1, |f|).
constexpr double kSlack = 4 * 2.220446049250313e-16;
// The limit of a lane that has no best point yet; an infinite value lies above it.
constexpr double kNoLimit = std::numeric_limits<double>::max();
// Seconds between looks for an interrupt.
constexpr double kPatience = 0.02;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Descent::Descent(const Program& program, const Step& step, const Method& method,
                 const Kernels& kernels, bool wide, Starts starts, Stopping stopping,
                 Endings endings, Watch watch)
    : program_(program),
      step_(step),
      method_(method),
      kernels_(kernels),
      starts_(std::move(starts)),
      stopping_(stopping),
      endings_(std::move(endings)),
      watch_(std::move(watch)),
      block_(program, kernels, wide),
      lanes_(program.body.layout == Layout::Lanes ? block_.lanes() : 1),
      longest_(std::min(stopping.max_iterations, stopping.max_evaluations - 1)),
      deadline_(longest_),
      began_(now()),
      checked_(began_) {
  for (std::size_t j = 0; j < starts_.values.size(); ++j)
    if (starts_.values[j] && !program_.varying[j]) block_.bind_uniform(j, starts_.values[j]);
    else if (starts_.values[j] && j > 0) per_start_.push_back(j);
  const StepLayout& at = step_.at;
  x_ring_ = block_.ring(0, static_cast<std::size_t>(at.x));
  f_ring_ = block_.ring(Evaluator::kNoInput, static_cast<std::size_t>(at.f));
  for (std::size_t m = 0; m < method_.memory.size(); ++m)
    memory_rings_.push_back(block_.ring(static_cast<std::size_t>(at.memory) + m,
                                        static_cast<std::size_t>(at.memory_out) + m));
  if (at.change >= 0)
    change_ring_ = block_.ring(Evaluator::kNoInput, static_cast<std::size_t>(at.change));
  block_.share(stopping_.threads, watch_.interrupted);
  block_.prepare();
  // `rises` works on whole batches, also where there is one lane.
  const auto padded =
      static_cast<std::size_t>((lanes_ + kernels_.width - 1) / kernels_.width * kernels_.width);
  start_.assign(static_cast<std::size_t>(lanes_), -1);
  since_.assign(static_cast<std::size_t>(lanes_), 0);
  limit_.assign(padded, kNoLimit);
  saved_f_.assign(static_cast<std::size_t>(lanes_), NAN);
  saved_x_.assign(static_cast<std::size_t>(lanes_ * step_.n), 0.0);
  for (std::int64_t l = 0; l < lanes_; ++l) {
    if (next_start_ < starts_.k) {
      start_[static_cast<std::size_t>(l)] = next_start_;
      ++active_;
      load(l, next_start_++, 1);
    } else {
      load(l, starts_.k - 1, 1);  // a copy of a live lane: its values raise no alarm of their own
    }
  }
}

// Puts a start into a lane, as the input of the run whose age is given (1: the next run, before
// rotating; 0: after).
void Descent::load(std::int64_t lane, std::int64_t start, std::size_t age) {
  const auto put = [&](double* to, const double* row, std::int64_t size) {
    for (std::int64_t i = 0; i < size; ++i) to[i * lanes_ + lane] = row[i];
  };
  put(x(age), starts_.x + start * step_.n, step_.n);
  block_.ring_at(f_ring_, age)[lane] = kNoLimit;  // no value before the first
  for (std::size_t m = 0; m < memory_rings_.size(); ++m) {
    const std::int64_t size = method_.memory[m].per_variable ? step_.n : 1;
    double* to = block_.ring_at(memory_rings_[m], age);
    for (std::int64_t i = 0; i < size; ++i)
      to[i * lanes_ + lane] = m < starts_.memory.size() && starts_.memory[m]
                                  ? starts_.memory[m][start * size + i]
                                  : method_.memory[m].initial;
  }
  for (const std::size_t j : per_start_) {
    const std::int64_t size = program_.input_sizes[j];
    put(block_.input(j), starts_.values[j] + start * size, size);
  }
}

bool Descent::ask(Question& question) {
  if (active_ == 0) return false;
  question.x = x(1);
  question.stride = lanes_;
  question.start = start_;
  if (step_.at.told_f >= 0) {
    question.f = block_.input(static_cast<std::size_t>(step_.at.told_f));
    question.g = block_.input(static_cast<std::size_t>(step_.at.told_g));
  }
  return true;
}

void Descent::tell() {
  if (!block_.run()) return abandon();
  review();
  block_.rotate();
  ++iteration_;
}

// A run over long arrays was interrupted on its way: the one lane ends where it stood after the run
// before, or was not begun.
void Descent::abandon() {
  begun_ = next_start_;
  next_start_ = starts_.k;
  if (iteration_ == since_[0]) {
    begun_ = start_[0];
    active_ = 0;
    return;
  }
  block_.rotate_back();
  --iteration_;
  latest_.read(*this);
  finish(0, Reason::Interrupted, 0, 0);
}

// Does any lane need a look of its own? Most iterations need none.
bool Descent::wants_review() {
  const auto any_at_most = [this](const double* values, double tolerance) {
    return lanes_ == 1 ? *values <= tolerance : kernels_.any_at_most(values, lanes_, tolerance);
  };
  return rises() || iteration_ >= deadline_ || stopping_.ftol > 0 ||
         (stopping_.gtol > 0 &&
          any_at_most(block_.output(static_cast<std::size_t>(step_.at.gradient_norm)),
                      stopping_.gtol)) ||
         (stopping_.xtol > 0 && any_at_most(block_.ring_at(change_ring_, 1), stopping_.xtol));
}

bool Descent::rises() {
  return kernels_.rises(block_.ring_at(f_ring_, 0), block_.ring_at(f_ring_, 1), limit_.data(),
                        static_cast<std::int64_t>(limit_.size()), kSlack);
}

void Descent::review() {
  if (watch_.report) {
    const auto norm = step_.at.gradient_norm;
    const Report report{iteration_, x(1),
                        step_.at.value < 0
                            ? block_.ring_at(f_ring_, 0)
                            : block_.output(static_cast<std::size_t>(step_.at.value)),
                        norm < 0 ? nullptr : block_.output(static_cast<std::size_t>(norm)), lanes_};
    if (watch_.report(report)) return finish_all(Reason::StoppedByCallback, 0, 0);
  }
  if (--check_in_ <= 0) check_clock();
  if (active_ > 0 && wants_review()) {
    deadline_ = INT64_MAX;
    latest_.read(*this);
    for (std::int64_t l = 0; l < lanes_; ++l) look_at(l);
  }
}

// What the run just made lies where; looked up once a review.
void Descent::Latest::read(const Descent& d) {
  const StepLayout& at = d.step_.at;
  f = d.block_.ring_at(d.f_ring_, 0);
  f_before = d.block_.ring_at(d.f_ring_, 1);
  x = d.block_.ring_at(d.x_ring_, 1);
  x_before = d.block_.ring_at(d.x_ring_, 2);
  norm =
      at.gradient_norm < 0 ? nullptr : d.block_.output(static_cast<std::size_t>(at.gradient_norm));
  change = at.change < 0 ? nullptr : d.block_.ring_at(d.change_ring_, 1);
}

void Descent::look_at(std::int64_t lane) {
  const auto l = static_cast<std::size_t>(lane);
  if (start_[l] < 0) return;
  const double f = latest_.f[l], f_before = latest_.f_before[l];
  const std::int64_t k = iteration_ - since_[l];
  const bool good = std::isfinite(f) && f <= limit_[l];
  if (!good && k > 0 && f_before <= limit_[l]) {  // the point before was the best
    saved_f_[l] = f_before;
    for (std::int64_t i = 0; i < step_.n; ++i)
      saved_x_[l * static_cast<std::size_t>(step_.n) + static_cast<std::size_t>(i)] =
          latest_.x_before[i * lanes_ + lane];
  }
  if (!std::isfinite(f)) return finish(lane, Reason::NonFinite, f, 0);
  if (stopping_.gtol > 0 && latest_.norm[l] <= stopping_.gtol)
    return finish(lane, Reason::GradientSmall, latest_.norm[l], stopping_.gtol);
  if (stopping_.xtol > 0 && k > 0 && latest_.change[l] <= stopping_.xtol)
    return finish(lane, Reason::StepSmall, latest_.change[l], stopping_.xtol);
  if (stopping_.ftol > 0 && k > 0) {
    const double size = std::max({std::abs(f), std::abs(f_before), 1.0});
    if (std::abs(f_before - f) <= stopping_.ftol * size)
      return finish(lane, Reason::ValueSettled, std::abs(f_before - f), stopping_.ftol * size);
  }
  const auto number = [](std::int64_t i) { return static_cast<double>(i); };
  if (k >= stopping_.max_iterations)
    return finish(lane, Reason::MaxIterations, number(k), number(stopping_.max_iterations));
  if (k + 1 >= stopping_.max_evaluations)
    return finish(lane, Reason::MaxEvaluations, number(k + 1), number(stopping_.max_evaluations));
  deadline_ = std::min(deadline_, since_[l] + longest_);
}

void Descent::finish(std::int64_t lane, Reason reason, double left, double right) {
  const auto l = static_cast<std::size_t>(lane);
  const std::int64_t start = start_[l], n = step_.n, k = iteration_ - since_[l];
  const double f = latest_.f[l];
  const bool last_is_best = (std::isfinite(f) && f <= limit_[l]) || k == 0;
  double *x = endings_.x + start * n, *last_x = endings_.last_x + start * n;
  for (std::int64_t i = 0; i < n; ++i) last_x[i] = x[i] = latest_.x[i * lanes_ + lane];
  if (!last_is_best) std::copy_n(&saved_x_[l * static_cast<std::size_t>(n)], n, x);
  endings_.last_fun[start] = f;
  endings_.fun[start] = last_is_best ? f : saved_f_[l];
  endings_.iterations[start] = k;
  endings_.reason[start] = static_cast<std::int8_t>(reason);
  endings_.left[start] = left;
  endings_.right[start] = right;
  for (std::size_t m = 0; m < endings_.memory.size(); ++m) {
    const std::int64_t size = method_.memory[m].per_variable ? n : 1;
    const double* from = block_.ring_at(memory_rings_[m], 1);
    for (std::int64_t i = 0; i < size; ++i)
      endings_.memory[m][start * size + i] = from[i * lanes_ + lane];
  }
  limit_[l] = kNoLimit;
  const bool more = next_start_ < starts_.k;
  start_[l] = more ? next_start_ : -1;
  since_[l] = iteration_ + 1;
  if (more) {
    load(lane, next_start_++, 0);
    deadline_ = std::min(deadline_, since_[l] + longest_);
  } else {
    --active_;
    load(lane, start, 0);
  }
}

void Descent::finish_all(Reason reason, double left, double right) {
  begun_ = next_start_;
  next_start_ = starts_.k;
  latest_.read(*this);
  rises();  // brings the limits up to date
  for (std::int64_t l = 0; l < lanes_; ++l) {
    look_at(l);
    if (start_[static_cast<std::size_t>(l)] >= 0) finish(l, reason, left, right);
  }
}

// Reading the clock costs as much as a small step, so it is read more rarely as steps turn out
// short.
void Descent::check_clock() {
  const double time = now();
  const double passed = time - checked_;
  if (passed < kPatience / 8 && check_every_ < 65536) check_every_ *= 2;
  else if (passed > kPatience / 2) check_every_ = std::max<std::int64_t>(check_every_ / 4, 1);
  check_in_ = check_every_;
  checked_ = time;
  if (active_ == 0) return;
  if (time - began_ >= stopping_.max_seconds)
    return finish_all(Reason::MaxTime, time - began_, stopping_.max_seconds);
  if (watch_.interrupted && watch_.interrupted()) finish_all(Reason::Interrupted, 0, 0);
}

std::int64_t descend(const Program& program, const Step& step, const Method& method,
                     const Kernels& kernels, const Starts& starts, const Stopping& stopping,
                     const Endings& endings, const Watch& watch) {
  if (starts.k == 0) return 0;
  const bool wide = starts.k > kernels.width && fits_wide(program, kernels);
  Descent descent(program, step, method, kernels, wide, starts, stopping, endings, watch);
  Question question{};
  while (descent.ask(question)) descent.tell();
  return descent.begun();
}

}  // namespace thalweg
