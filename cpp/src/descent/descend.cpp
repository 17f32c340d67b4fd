// SPDX-License-Identifier: BSD-3-Clause
// The descent loop: runs a round, tests every lane, closes finished lanes and loads the next
// starts.
#include "thalweg/descent/descend.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <tuple>

#include "thalweg/running/workers.hpp"

namespace thalweg {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The limits that the loop tests, without those that the solver tests itself.
Stopping left_to(const Solver& solver, Stopping stopping) {
  if (solver.settles) stopping.ftol = 0.0;
  return stopping;
}

double number(std::int64_t i) { return static_cast<double>(i); }

constexpr std::array kReasonNames{"gradient_small",
                                  "step_small",
                                  "value_settled",
                                  "precision_limit",
                                  "max_iterations",
                                  "max_evaluations",
                                  "max_time",
                                  "diverged",
                                  "left_domain",
                                  "non_finite",
                                  "stopped_by_callback",
                                  "interrupted",
                                  "stuck",
                                  "kink"};
static_assert(kReasonNames.size() == static_cast<std::size_t>(Reason::Kink) + 1);

bool converged(Reason reason) { return reason <= Reason::PrecisionLimit || reason == Reason::Kink; }

}  // namespace

std::span<const char* const> reason_names() { return kReasonNames; }

Descent::Descent(const Program& program, const Step& step, const Machine& machine, Starts starts,
                 Stopping stopping, Endings endings, Watch watch, Queue* shared)
    : starts_(std::move(starts)),
      stopping_(stopping),
      endings_(std::move(endings)),
      watch_(std::move(watch)),
      block_(rule_block(program, step, machine, starts_, stopping_, [this] { return over(); })),
      wanted_(block_->lanes()),
      own_(shared ? nullptr : std::make_unique<Queue>(starts_.k)),
      queue_(shared ? *shared : *own_),
      began_(now()),
      checked_(began_) {
  begin();
}

Descent::Descent(const Setup& setup, const Sources& sources, const Machine& machine, Starts starts,
                 Stopping stopping, Endings endings, Watch watch, Queue* shared)
    : starts_(std::move(starts)),
      stopping_(left_to(*setup.solver, stopping)),
      endings_(std::move(endings)),
      watch_(std::move(watch)),
      block_(solver_block(setup, sources, machine, starts_, stopping, [this] { return over(); })),
      wanted_(block_->lanes()),
      own_(shared ? nullptr : std::make_unique<Queue>(starts_.k)),
      queue_(shared ? *shared : *own_),
      began_(now()),
      checked_(began_) {
  begin();
}

void Descent::begin() {
  deadline_ = std::min(stopping_.max_iter, stopping_.max_nfev - 1);
  start_.assign(static_cast<std::size_t>(block_->lanes()), -1);
  since_.assign(start_.size(), 0);
  for (std::int64_t l = 0; l < block_->lanes(); ++l) {
    const std::int64_t start = next();
    start_[static_cast<std::size_t>(l)] = start;
    active_ += start >= 0;
    // Fill an unused lane with a copy of a running one, so that its values raise no warnings.
    block_->load(l, start >= 0 ? start : starts_.k - 1);
  }
}

std::pair<std::int64_t, std::int64_t> Queue::take(std::int64_t some, std::int64_t ended) {
  ended_ += ended;
  if (closed_) return {k_, k_};
  const std::int64_t first = next_.fetch_add(some);
  return {first, std::min(first + some, k_)};
}

std::int64_t Descent::next() {
  if (next_ >= end_) std::tie(next_, end_) = queue_.take(block_->lanes(), std::exchange(ended_, 0));
  return next_ < end_ ? next_++ : -1;
}

void Descent::close(Reason why) {
  queue_.close(why);
  next_ = end_;
}

bool Descent::ask(Question& question) {
  if (active_ == 0) return false;
  block_->ask(question);
  question.start = start_;
  return true;
}

void Descent::tell() {
  const std::int64_t made = block_->run(unwatched());
  if (made == 0) return abandon();
  round_ += made - 1;
  check_in_ -= made - 1;
  review();
  block_->turn();
  ++round_;
}

// How many rounds may pass before anything but a lane's own tests needs the loop.
std::int64_t Descent::unwatched() const {
  if (watch_.report || stopping_.ftol > 0) return 1;
  return std::max<std::int64_t>(1, std::min(check_in_, deadline_ - round_ + 1));
}

// Ends a descent whose round was interrupted, over long arrays or large matrices: each lane ends at
// the last point that it reached, or counts as not begun.
void Descent::abandon() {
  const double time = now() - began_;
  const Ending ending = overtime_ ? Ending{Reason::MaxTime, time, stopping_.max_time}
                                  : Ending{Reason::Interrupted, 0, 0};
  close(ending.reason);
  block_->turn_back();
  --round_;
  for (std::int64_t l = 0; l < block_->lanes(); ++l) {
    std::int64_t& start = start_[static_cast<std::size_t>(l)];
    if (start < 0) continue;
    const Position at = look(l);
    if (at.evaluations > 0) finish(l, at, ending);
    else start = -1, --active_;
  }
}

// Whether to interrupt the round. The evaluation of a start is never interrupted.
bool Descent::over() {
  overtime_ = round_ > 0 && now() - began_ >= stopping_.max_time;
  return overtime_ || (watch_.interrupted && watch_.interrupted());
}

void Descent::review() {
  Report report{};
  if (watch_.report && block_->report(round_ - since_[0], report) && watch_.report(report))
    return finish_all({Reason::StoppedByCallback, 0, 0});
  if (--check_in_ <= 0) check_clock();
  if (active_ == 0) return;
  // Most rounds require no look at any lane; some require a look at a few.
  bool some = block_->wants_look(stopping_, wanted_);
  if (round_ >= deadline_) {
    deadline_ = INT64_MAX;
    wanted_.all();
    some = true;
  }
  if (!some) return;
  wanted_.each([this](std::int64_t lane) { look_at(lane); });
  wanted_.clear();
}

void Descent::look_at(std::int64_t lane) {
  if (start_[static_cast<std::size_t>(lane)] < 0) return run_along(lane);
  const Position at = look(lane);
  if (auto ending = judge(at)) {
    const bool stuck = ending->reason == Reason::Stuck;
    if ((converged(ending->reason) || stuck) &&
        block_->goes_on(lane, stuck || ending->reason == Reason::PrecisionLimit,
                        ending->reason == Reason::GradientSmall)) {
      deadline_ = std::min(deadline_, round_ + 1);
      return;
    }
    settle(at, *ending);
    return finish(lane, at, *ending);
  }
  deadline_ = std::min(deadline_, round_ + std::min(stopping_.max_iter - at.iterations,
                                                    stopping_.max_nfev - at.evaluations));
}

// Changes the ending to what is true of the answer if a test holds at the last point and an earlier
// point is lower.
void Descent::settle(const Position& at, Ending& ending) const {
  if (!converged(ending.reason) || !(at.best_f < at.f)) return;
  const double small = stopping_.small_gradient(at.steepest), rise = at.f - at.best_f,
               rounding = kRounding * std::abs(at.best_f);
  if (stopping_.gtol > 0 && at.best_norm <= small)
    ending = {Reason::GradientSmall, at.best_norm, small};
  else if (rise <= rounding) ending = {Reason::PrecisionLimit, rise, rounding};
  else ending = {Reason::Stuck, -rise, rounding};
}

// Whether a lane ends, and both sides of the inequality that decided it.
std::optional<Descent::Ending> Descent::judge(const Position& at) const {
  const Stopping& s = stopping_;
  const double fall = std::abs(at.f_before - at.f),
               size = std::max({std::abs(at.f), std::abs(at.f_before), 1.0});
  if (!std::isfinite(at.f) || at.verdict == Verdict::NonFinite)
    return Ending{Reason::NonFinite, at.f, 0};
  if (at.moved) {
    const double small = s.small_gradient(at.steepest);
    if (s.gtol > 0 && at.gradient_norm <= small)
      return Ending{Reason::GradientSmall, at.gradient_norm, small};
    if (s.xtol > 0 && at.iterations > 0 && at.change <= s.xtol)
      return Ending{Reason::StepSmall, at.change, s.xtol};
    if (s.ftol > 0 && at.iterations > 0 && fall <= s.ftol * size)
      return Ending{Reason::ValueSettled, fall, s.ftol * size};
  }
  if (at.verdict == Verdict::ValueSettled) return Ending{Reason::ValueSettled, at.left, at.right};
  if (at.verdict == Verdict::PrecisionLimit)
    return Ending{Reason::PrecisionLimit, at.left, at.right};
  if (at.verdict == Verdict::Kink) return Ending{Reason::Kink, at.left, at.right};
  if (at.verdict == Verdict::Stuck) return Ending{Reason::Stuck, at.left, at.right};
  if (at.verdict == Verdict::Diverged) return Ending{Reason::Diverged, at.left, at.right};
  if (at.iterations >= s.max_iter)
    return Ending{Reason::MaxIterations, number(at.iterations), number(s.max_iter)};
  if (at.evaluations >= s.max_nfev)
    return Ending{Reason::MaxEvaluations, number(at.evaluations), number(s.max_nfev)};
  return std::nullopt;
}

void Descent::finish(std::int64_t lane, const Position& at, const Ending& ending) {
  const auto l = static_cast<std::size_t>(lane);
  const std::int64_t start = start_[l];
  block_->finish(lane, start, at, endings_);
  endings_.iterations[start] = at.iterations;
  if (endings_.evaluations) endings_.evaluations[start] = at.evaluations;
  if (endings_.curvatures) endings_.curvatures[start] = at.curvatures;
  endings_.reason[start] = static_cast<std::int8_t>(ending.reason);
  endings_.left[start] = ending.left;
  endings_.right[start] = ending.right;
  ++ended_;
  start_[l] = next();
  since_[l] = round_ + 1;
  if (start_[l] < 0) {
    --active_;
    return run_along(lane);  // the last lane stays as it ended, for its state
  }
  block_->load(lane, start_[l]);
  deadline_ = std::min(deadline_, since_[l] + std::min(stopping_.max_iter, stopping_.max_nfev - 1));
}

// Loads a lane that has no start with that of another, so that it need not be looked at before it
// has run as long as the other has. The copies of a single start stay together as they are.
void Descent::run_along(std::int64_t lane) {
  if (starts_.k == 1) return;
  const auto other = std::ranges::find_if(start_, [](std::int64_t start) { return start >= 0; });
  if (other != start_.end()) block_->load(lane, *other);
}

void Descent::finish_all(const Ending& ending) {
  close(ending.reason);
  block_->wants_look(stopping_, wanted_);  // updates the best points
  for (std::int64_t l = 0; l < block_->lanes(); ++l) {
    const std::int64_t& start = start_[static_cast<std::size_t>(l)];
    if (start >= 0) look_at(l);
    if (start >= 0) finish(l, look(l), ending);
  }
}

// Reading the clock takes as long as a small step, so it is read less often if steps are short.
void Descent::check_clock() {
  const double time = now();
  const double passed = time - checked_;
  if (passed < kPatience / 8 && check_every_ < 65536) check_every_ *= 2;
  else if (passed > kPatience / 2) check_every_ = std::max<std::int64_t>(check_every_ / 4, 1);
  check_in_ = check_every_;
  checked_ = time;
  if (active_ == 0) return;
  if (time - began_ >= stopping_.max_time)
    return finish_all({Reason::MaxTime, time - began_, stopping_.max_time});
  if (watch_.progress) watch_.progress(queue_.ended());
  if (watch_.interrupted && watch_.interrupted()) finish_all({Reason::Interrupted, 0, 0});
}

void run_to_the_end(Descent& descent) {
  Question question{};
  while (descent.ask(question)) descent.tell();
}

namespace {

Machine machine_for(const Program& program, const Kernels& kernels, const Starts& starts) {
  return {kernels, starts.k > kernels.width && fits_wide(program, kernels)};
}

using Make = std::function<std::unique_ptr<Descent>(const Watch&, const Stopping&, Queue&)>;

// Runs several workers on one queue, each with a block of `lanes` lanes.
NotBegun share(const Starts& starts, std::int64_t lanes, const Stopping& stopping,
               const Watch& watch, const Make& make) {
  Queue queue(starts.k);
  const std::int64_t blocks = (starts.k + lanes - 1) / lanes,
                     workers = std::clamp<std::int64_t>(stopping.threads, 1, blocks);
  if (workers == 1) {
    run_to_the_end(*make(watch, stopping, queue));
    return queue.rest();
  }
  Stopping own = stopping;
  own.threads = 1;
  const auto interrupted = [&] {
    if (watch.progress) watch.progress(queue.ended());
    return watch.interrupted && watch.interrupted();
  };
  run_together(workers, interrupted, [&](std::int64_t, const Stopped& stopped) {
    run_to_the_end(*make({stopped, nullptr, nullptr}, own, queue));
  });
  return queue.rest();
}

}  // namespace

NotBegun descend(const Program& program, const Step& step, const Kernels& kernels,
                 const Starts& starts, const Stopping& stopping, const Endings& endings,
                 const Watch& watch) {
  if (starts.k == 0) return {};
  const Machine machine = machine_for(program, kernels, starts);
  return share(starts, lanes_of(program, kernels, machine.wide), stopping, watch,
               [&](const Watch& own, const Stopping& stop, Queue& queue) {
                 return std::make_unique<Descent>(program, step, machine, starts, stop, endings,
                                                  own, &queue);
               });
}

NotBegun descend(const Setup& setup, const Sources& sources, const Kernels& kernels,
                 const Starts& starts, const Stopping& stopping, const Endings& endings,
                 const Watch& watch) {
  if (starts.k == 0) return {};
  const Machine machine = machine_for(*sources.values, kernels, starts);
  return share(starts, lanes_of(*sources.values, kernels, machine.wide), stopping, watch,
               [&](const Watch& own, const Stopping& stop, Queue& queue) {
                 return std::make_unique<Descent>(setup, sources, machine, starts, stop, endings,
                                                  own, &queue);
               });
}

}  // namespace thalweg
