// SPDX-License-Identifier: BSD-3-Clause
// A block of lanes under a rule: every round runs the step's tape and is one iteration. Point,
// memory and value rotate, so that the best point is copied only when a value rises.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "thalweg/descent/block.hpp"

namespace thalweg {
namespace {

// The limit of a lane that has no best point yet; only infinite values are above it.
constexpr double kNoLimit = std::numeric_limits<double>::max();

class RuleBlock final : public Block {
 public:
  RuleBlock(const Program& program, const Step& step, const Machine& machine, const Starts& starts,
            const Stopping& stopping, std::function<bool()> interrupted)
      : Block(lanes_of(program, machine.kernels, machine.wide), step.n),
        program_(program),
        step_(step),
        kernels_(machine.kernels),
        starts_(starts),
        block_(program, machine.kernels, machine.wide),
        gtol_(stopping.gtol),
        xtol_(stopping.xtol),
        some_(lanes()),
        padded_((lanes() + kernels_.width - 1) / kernels_.width * kernels_.width),
        limits_(static_cast<std::size_t>(padded_)) {
    for (std::size_t j = 0; j < starts_.values.size(); ++j)
      if (starts_.values[j] && !program_.varying[j]) block_.bind_uniform(j, starts_.values[j]);
      else if (starts_.values[j] && j > 0) per_start_.push_back(j);
    const StepLayout& at = step_.at;
    x_ring_ = block_.ring(0, static_cast<std::size_t>(at.x));
    f_ring_ = block_.ring(Evaluator::kNoInput, static_cast<std::size_t>(at.f));
    for (std::size_t m = 0; m < step_.memory.size(); ++m)
      memory_rings_.push_back(block_.ring(static_cast<std::size_t>(at.memory) + m,
                                          static_cast<std::size_t>(at.memory_out) + m));
    if (at.change >= 0)
      change_ring_ = block_.ring(Evaluator::kNoInput, static_cast<std::size_t>(at.change));
    if (at.gradient_norm >= 0)
      norm_ring_ = block_.ring(Evaluator::kNoInput, static_cast<std::size_t>(at.gradient_norm));
    block_.share(stopping.threads, std::move(interrupted));
    limit_ = limits_.get();
    std::fill_n(limit_, padded_, kNoLimit);
    block_.test({{.f = at.f,
                  .gradient_norm = stopping.gtol > 0 ? at.gradient_norm : -1,
                  .change = stopping.xtol > 0},
                 f_ring_,
                 change_ring_,
                 limit_,
                 kSlack,
                 stopping.gtol,
                 stopping.xtol});
    block_.prepare();
    find_buffers();
    for (auto* numbers : {&saved_f_, &saved_norm_, &first_norm_})
      numbers->assign(static_cast<std::size_t>(lanes()), NAN);
    saved_x_.assign(static_cast<std::size_t>(lanes() * n()), 0.0);
    if (stopping.count_rises) {
      half_ = static_cast<double>(stopping.max_iter / 2);
      for (auto* count : {&not_falls_, &late_rises_, &late_from_})
        count->assign(static_cast<std::size_t>(padded_), 0.0);
    }
  }

  void load(std::int64_t lane, std::int64_t start) override {
    const Places& now = here();
    const std::size_t age = ran_ ? 0 : 1;  // the input of the next run, before or after turn()
    const auto put = [&](double* to, const double* row, std::int64_t size) {
      for (std::int64_t i = 0; i < size; ++i) to[i * lanes() + lane] = row[i];
    };
    put(now.x[age], starts_.x + start * n(), n());
    limit_[lane] = kNoLimit;
    if (step_.at.gradient_norm >= 0) loaded_.push_back(lane);
    if (!late_from_.empty()) {
      not_falls_[static_cast<std::size_t>(lane)] = late_rises_[static_cast<std::size_t>(lane)] = 0;
      late_from_[static_cast<std::size_t>(lane)] = runs_ + half_;
    }
    now.f[age][lane] = kNoLimit;  // there is no value before the first
    for (std::size_t m = 0; m < memory_rings_.size(); ++m) {
      const std::int64_t size = step_.remembered(m);
      double* to = block_.ring_at(memory_rings_[m], age);
      for (std::int64_t i = 0; i < size; ++i)
        to[i * lanes() + lane] = m < starts_.memory.size() && starts_.memory[m]
                                     ? starts_.memory[m][start * size + i]
                                     : step_.memory[m].initial;
    }
    for (const std::size_t j : per_start_) {
      const std::int64_t size = program_.input_sizes[j];
      put(block_.input(j), starts_.values[j] + start * size, size);
    }
  }

  void ask(Question& question) override {
    question.x = here().x[1];
    question.stride = lanes();
    if (step_.at.told_f >= 0) {
      question.f = block_.input(static_cast<std::size_t>(step_.at.told_f));
      question.g = block_.input(static_cast<std::size_t>(step_.at.told_g));
    }
  }

  std::int64_t run(std::int64_t most) override {
    // Whether something precedes or follows each round.
    const bool alone = !loaded_.empty() || !late_from_.empty() || step_.at.told_f >= 0;
    std::int64_t made = 1;
    if (!alone && block_.in_one_go()) {
      if (!lowered_) lower_limits();
      made = block_.run(most);
      while (made < most && only_rose()) {
        block_.rotate();
        made += block_.run(most - made);
      }
      ran_ = true;
    } else {
      ran_ = block_.run();
      lowered_ = false;
    }
    if (ran_ && !loaded_.empty()) meet_starts();
    if (ran_ && !late_from_.empty())
      kernels_.count_rises(here().f[0], here().f[1], runs_++, late_from_.data(), not_falls_.data(),
                           late_rises_.data(), static_cast<std::int64_t>(late_from_.size()));
    return ran_ ? made : 0;
  }
  void turn() override {
    ran_ = false;
    block_.rotate();
  }
  void turn_back() override { block_.rotate_back(); }

  bool wants_look(const Stopping& stopping, Marks& marks) override {
    bool some = rises(marks);
    const auto at_most = [&](const double* values, double tolerance) {
      if (lanes() > 1) some |= kernels_.at_most(values, lanes(), tolerance, marks.data());
      else if (*values <= tolerance) some = true, marks.all();
    };
    if (stopping.ftol > 0) some = true, marks.all();
    if (stopping.gtol > 0) at_most(here().norm[0], stopping.gtol);
    if (stopping.xtol > 0) at_most(here().change[1], stopping.xtol);
    return some;
  }

  Position look(std::int64_t lane, std::int64_t rounds) override {
    const auto l = static_cast<std::size_t>(lane);
    const Places& now = here();
    const double f = now.f[0][lane], before = now.f[1][lane];
    const bool good = std::isfinite(f) && f <= limit_[lane];
    if (!good && rounds > 0 && before <= limit_[lane]) keep_earlier(lane);
    const StepLayout& at = step_.at;
    const double best = good || rounds == 0 ? NAN : saved_f_[l];
    return {f,
            before,
            at.gradient_norm < 0 ? NAN : now.norm[0][lane],
            at.change < 0 ? NAN : now.change[1][lane],
            rounds,
            rounds + 1,
            0,
            !(best < f - kRounding * std::abs(best)),  // else no test holds, as f may return
            Verdict::Going,
            0.0,
            0.0,
            first_norm_[l],
            best,
            saved_norm_[l]};
  }

  void finish(std::int64_t lane, std::int64_t start, const Position& at,
              const Endings& endings) override {
    const auto l = static_cast<std::size_t>(lane);
    const bool last_is_best = (std::isfinite(at.f) && at.f <= limit_[lane]) || at.iterations == 0;
    // Loops, as a row is short.
    const double *last = here().x[1] + lane, *saved = &saved_x_[l * static_cast<std::size_t>(n())];
    for (std::int64_t i = 0; i < n(); ++i) {
      const double element = last[i * lanes()];
      if (endings.last_x) endings.last_x[start * n() + i] = element;
      endings.x[start * n() + i] = last_is_best ? element : saved[i];
    }
    if (endings.last_fun) endings.last_fun[start] = at.f;
    endings.fun[start] = last_is_best ? at.f : saved_f_[l];
    if (endings.not_falls) endings.not_falls[start] = static_cast<std::int64_t>(not_falls_[l]);
    if (endings.late_rises) endings.late_rises[start] = static_cast<std::int64_t>(late_rises_[l]);
    for (std::size_t m = 0; m < endings.memory.size(); ++m) {
      const std::int64_t size = step_.remembered(m);
      const double* from = block_.ring_at(memory_rings_[m], 1);
      for (std::int64_t i = 0; i < size; ++i)
        endings.memory[m][start * size + i] = from[i * lanes() + lane];
    }
  }

  bool report(std::int64_t rounds, Report& report) override {
    report = {
        rounds, here().x[1],
        step_.at.value < 0 ? here().f[0] : block_.output(static_cast<std::size_t>(step_.at.value)),
        step_.at.gradient_norm < 0 ? nullptr : here().norm[0], lanes()};
    return true;
  }

 private:
  // By age, as of rings: points, values, and what the tests read.
  struct Places {
    std::array<double*, 3> x, f, norm, change;
  };

  // The previous point was the best.
  void keep_earlier(std::int64_t lane) {
    const auto l = static_cast<std::size_t>(lane);
    const Places& now = here();
    saved_f_[l] = now.f[1][lane];
    if (step_.at.gradient_norm >= 0) saved_norm_[l] = now.norm[1][lane];
    for (std::int64_t i = 0; i < n(); ++i)
      saved_x_[l * static_cast<std::size_t>(n()) + static_cast<std::size_t>(i)] =
          now.x[2][i * lanes() + lane];
  }
  // Whether rounds were left only because f rose in some lanes, as it does all the time under
  // momentum. Such lanes need no look: their best points are kept here.
  bool only_rose() {
    const Places& now = here();
    if (gtol_ > 0 && kernels_.at_most(now.norm[0], lanes(), gtol_, some_.data())) return false;
    if (xtol_ > 0 && kernels_.at_most(now.change[1], lanes(), xtol_, some_.data())) return false;
    some_.clear();
    rises(some_);
    bool finite = true;
    some_.each([&](std::int64_t lane) {
      if (std::isfinite(now.f[0][lane])) keep_earlier(lane);
      else finite = false;
    });
    some_.clear();
    return finite;
  }
  // Records the gradient norm at the starts of lanes, as the scale of a descent's gradients.
  void meet_starts() {
    if (step_.at.gradient_norm >= 0)
      for (const std::int64_t lane : loaded_)
        first_norm_[static_cast<std::size_t>(lane)] = here().norm[0][lane];
    loaded_.clear();
  }
  // Where the rings' values lie in each phase: each lane that ends asks for many of them.
  void find_buffers() {
    for (std::size_t phase = 0; phase < 3; ++phase, block_.rotate())
      for (std::size_t age = 0; age < 3; ++age) {
        Places& p = places_[block_.phase()];
        p.x[age] = block_.ring_at(x_ring_, age);
        p.f[age] = block_.ring_at(f_ring_, age);
        if (step_.at.gradient_norm >= 0) p.norm[age] = block_.ring_at(norm_ring_, age);
        if (step_.at.change >= 0) p.change[age] = block_.ring_at(change_ring_, age);
      }
  }
  const Places& here() const { return places_[block_.phase()]; }
  // Rounds in one go keep the limits at the lowest value so far; others leave that to `rises`, for
  // as long as values fall.
  void lower_limits() {
    lowered_ = true;
    kernels_.lower_limits(here().f[1], limit_, padded_, kSlack);
  }
  bool rises(Marks& marks) {
    return kernels_.rises(here().f[0], here().f[1], limit_, padded_, kSlack, marks.data());
  }

  const Program& program_;
  const Step& step_;
  const Kernels& kernels_;
  const Starts& starts_;
  Evaluator block_;
  std::array<Places, 3> places_{};
  const double gtol_, xtol_;
  Marks some_;
  bool ran_ = false, lowered_ = false;
  std::size_t x_ring_ = 0, f_ring_ = 0, change_ring_ = 0, norm_ring_ = 0;
  std::vector<std::size_t> memory_rings_, per_start_;  // inputs with one row per start
  // By lane: the f above which a point is worse than the best, in full batches even for one lane;
  // the best earlier point; the gradient norm at the start.
  std::int64_t padded_;
  Aligned limits_;
  double* limit_;
  std::vector<double> saved_x_, saved_f_, saved_norm_, first_norm_;
  std::vector<std::int64_t> loaded_;  // lanes that have not run since they were loaded
  // If rises are counted, by lane: how often f did not fall; how often it rose after the run
  // `late_from_`; and that run.
  std::vector<double> not_falls_, late_rises_, late_from_;
  double runs_ = 0.0, half_ = 0.0;
};

}  // namespace

std::unique_ptr<Block> rule_block(const Program& program, const Step& step, const Machine& machine,
                                  const Starts& starts, const Stopping& stopping,
                                  std::function<bool()> interrupted) {
  return std::make_unique<RuleBlock>(program, step, machine, starts, stopping,
                                     std::move(interrupted));
}

}  // namespace thalweg
