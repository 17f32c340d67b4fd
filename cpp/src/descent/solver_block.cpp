// SPDX-License-Identifier: BSD-3-Clause
// A block of lanes under a solver: a round evaluates what the lanes wait for and passes it to the
// solver, batch by batch. A round allocates nothing.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "descent/closing.hpp"
#include "descent/solver_values.hpp"

namespace thalweg {
namespace {

using standing::Row;

// If an earlier point is lower by this much, relative to f, a converged descent continues from it.
constexpr double kWorthwhile = 1e-8;
// How often it may do so; and how often if the gain is smaller, or no end is in sight.
constexpr int kMostReturns = 1000, kReturns = 3;

// What a state says of the iterate: what the solver published, the verdict that was being examined,
// or 0, and how often the descent returned to a lower point.
struct Kept {
  double f, least, norm, judged, left, right, noise, returns;
};
constexpr std::int64_t kKept = sizeof(Kept) / sizeof(double);

// From this many variables on, a single start with a driver has its elements in the batches.
constexpr std::int64_t kManyElements = 64;

bool lanes_across(const Setup& setup, const Sources& sources) {
  if (sources.values) return sources.values->body.layout == Layout::Lanes;
  return sources.told_lanes > 1 || setup.n < kManyElements;
}

const SolverKernels& kernels_of(const Setup& setup, const Sources& sources, const Kernels& isa) {
  const SolverPair& pair = isa.solvers[setup.solver->index];
  if (!lanes_across(setup, sources)) return pair.elements;
  return pair.few && setup.n <= kFewVariables ? pair.few[setup.n - 1] : pair.lanes;
}

class SolverBlock final : public Block {
 public:
  SolverBlock(const Setup& setup, const Sources& sources, const Machine& machine,
              const Starts& starts, const Stopping& stopping, std::function<bool()> interrupted)
      : Block(lanes_for(setup, sources, machine), setup.n),
        isa_(machine.kernels),
        starts_(starts),
        stopping_(stopping),
        values_alone_(setup.solver->needs == Needs::Value),
        scale_free_(setup.solver->needs == Needs::Normal),
        models_(setup.solver->models),
        hyper_(setup.hyper),
        across_(lanes_across(setup, sources)),
        kernels_(kernels_of(setup, sources, isa_)),
        interrupted_(std::move(interrupted)),
        values_(setup, sources, machine, across_, lanes(), starts, stopping, interrupted_),
        question_(values_.question()) {
    const std::int64_t width = isa_.width;
    call_.n = n();
    call_.together = starts.k == 1;
    if (setup.scale) {
      scale_.assign(static_cast<std::size_t>(n() + 2 * width), 1.0);
      std::copy_n(setup.scale, n(), scale_.begin());
      call_.scale = scale_.data();
    }
    call_.ftol = stopping.ftol;
    if (interrupted_ && n() >= kManyElements) call_.worked = &worked, call_.watcher = this;
    call_.hyper = hyper_.data();
    row_ = padded(lanes(), width);
    standing_ = std::make_unique<Aligned>(static_cast<std::size_t>(row_ * Row::Count));
    call_.row = row_;
    if (setup.bounds) set_bounds(setup.bounds);
    reported_.resize(static_cast<std::size_t>(n()));
    closings_.resize(static_cast<std::size_t>(lanes()));
    returns_.assign(static_cast<std::size_t>(lanes()), 0);
    origins_.resize(static_cast<std::size_t>(lanes()));
    call_.joint = values_.joint();
    call_.step = question_.stride;
    memory_size_ = padded(kernels_.size(call_), 8);
    memory_ = std::make_unique<Aligned>(
        static_cast<std::size_t>(memory_size_ * (across_ ? row_ / width : 1)));
  }

  void load(std::int64_t lane, std::int64_t start) override {
    closings_[static_cast<std::size_t>(lane)].reset();
    returns_[static_cast<std::size_t>(lane)] = 0;
    origins_[static_cast<std::size_t>(lane)] = starts_.x + start * n();
    ask_at(lane, starts_.x + start * n());
    if (own_.each)
      for (std::int64_t i = 0; i < n(); ++i) {
        const std::int64_t at = i * call_.bound_step + lane;
        lower_->get()[at] = own_.lower[start * n() + i];
        upper_->get()[at] = own_.upper[start * n() + i];
      }
    for (int r = 0; r < Row::Count; ++r) set(lane, static_cast<Row>(r), 0.0);
    set(lane, Row::Fresh, kNew);
    values_.load(lane, start);
    if (!starts_.memory.empty() && starts_.memory[0]) restore(lane, starts_.memory[0]);
  }

  void ask(Question& question) override {
    question = question_;
    question.asks = row(Row::Asks);
    if (!values_.traced()) return;
    question.f = question.g = question.h = nullptr;
  }

  std::int64_t run(std::int64_t) override {
    if (any(Wants::Values) && !values_.evaluate()) return 0;
    if (any(Wants::Curvature) && !values_.curve(patience_)) return 0;
    each_examined([this](Closing& closing) { answer(closing); });
    const bool alone = examining_ && call_.together && closings_[0] && !closings_[0]->over;
    const std::int64_t width = isa_.width;
    try {
      for (std::int64_t first = 0; first < lanes() && !alone; first += width)
        kernels_.tell(call_of(first));
    } catch (const Abandoned&) {
      return 0;
    }
    each_examined([this](Closing& closing) { examine_on(closing); });
    return 1;
  }

  bool wants_look(const Stopping& stopping, Marks& marks) override {
    if (lanes() == 1 || stopping.ftol > 0) {
      marks.all();
      return true;
    }
    bool some = isa_.at_most(row(Row::Judged), lanes(), -1.0, marks.data());
    // A solver that knows values alone takes -inf for the lowest of all, and would go on from
    // there.
    if (values_alone_) some |= isa_.at_most(row(Row::F), lanes(), -INFINITY, marks.data());
    if (stopping.gtol > 0)
      some |= isa_.at_most(row(Row::Norm), lanes(), stopping.gtol, marks.data());
    if (stopping.xtol > 0)
      some |= isa_.at_most(row(Row::Change), lanes(), stopping.xtol, marks.data());
    return some;
  }

  Position look(std::int64_t lane, std::int64_t) override {
    const auto count = [&](Row r) { return static_cast<std::int64_t>(row(r)[lane]); };
    // An iteration that leads elsewhere counts once f is known there.
    const bool leaves = row(Row::Fresh)[lane] == kNew && !closings_[static_cast<std::size_t>(lane)];
    return {row(Row::F)[lane],
            row(Row::Before)[lane],
            row(Row::Norm)[lane],
            row(Row::Change)[lane],
            count(Row::Iterations) - (leaves && count(Row::Evaluations) > 0),
            count(Row::Evaluations),
            count(Row::Curvatures),
            row(Row::Moved)[lane] != 0.0,
            static_cast<Verdict>(-count(Row::Judged)),
            row(Row::Left)[lane],
            row(Row::Right)[lane],
            scale_free_ ? INFINITY : row(Row::Steepest)[lane],
            !scale_free_ && lower_elsewhere(lane) ? row(Row::Best)[lane] : NAN};
  }

  void finish(std::int64_t lane, std::int64_t start, const Position& at,
              const Endings& endings) override {
    const SolverCall c = call_of(lane);
    double *best = endings.x + start * n(), *last = endings.last_x + start * n();
    const bool elsewhere = lower_elsewhere(lane);
    Closing* const closing = closings_[static_cast<std::size_t>(lane)].get();
    if (closing) put_back(*closing);
    if (elsewhere) kernels_.point(c, within(lane), Which::Best, best);
    else if (closing) std::ranges::copy(closing->place().x, best);
    else iterate(lane, best);
    if (endings.last_x) iterate(lane, last);
    if (double* const slope = endings.slope ? endings.slope + start * n() : nullptr) {
      if (elsewhere) std::fill_n(slope, n(), NAN);
      else if (closing && !values_alone_) std::ranges::copy(closing->place().g, slope);
      else kernels_.point(c, within(lane), Which::Slope, slope);
    }
    const double there = closing ? closing->place().f : at.f,
                 f = closing && !closing->over ? closing->rows[Row::F] : there;
    if (endings.last_fun) endings.last_fun[start] = f;
    endings.fun[start] = elsewhere ? row(Row::Best)[lane] : there;
    ended_f_ = f;
    if (!endings.memory.empty() && endings.memory[0]) save(lane, f, endings.memory[0]);
  }

  void state(double* to) override { save(0, ended_f_, to); }

  bool goes_on(std::int64_t lane, bool doubtful, bool steep) override {
    const auto l = static_cast<std::size_t>(lane);
    if (closings_[l]) return false;  // it was already examined
    if (lower_elsewhere(lane)) {
      const double f = row(Row::F)[lane], best = row(Row::Best)[lane];
      const bool worthwhile = best < f - kWorthwhile * std::max(1.0, std::abs(f));
      if (scale_free_ && !worthwhile) return false;
      if (returns_[l] < (worthwhile && !doubtful ? kMostReturns : kReturns)) {
        ++returns_[l];
        kernels_.point(call_of(lane), within(lane), Which::Best, reported_.data());
        set_out_from(lane, reported_.data());
        return true;
      }
      if (worthwhile) return false;
      // As good as the best: what is found here is true there.
    }
    if (scale_free_ || !(doubtful || (steep && values_alone_))) return false;
    begin_examination(lane);
    return true;
  }

  bool report(std::int64_t, Report& report) override {
    if (row(Row::Moved)[0] == 0.0) return false;
    iterate(0, reported_.data());
    report = {static_cast<std::int64_t>(row(Row::Iterations)[0]), reported_.data(), row(Row::F),
              row(Row::Norm), 1};
    return true;
  }

 private:
  // For lanes, a bound is a batch: one that all batches of lanes share, or each lane's own.
  void set_bounds(const Bounds& bounds) {
    own_ = bounds;
    if (!bounds.each) {
      box_[0].assign(bounds.lower, bounds.lower + n());
      box_[1].assign(bounds.upper, bounds.upper + n());
    }
    const std::int64_t width = isa_.width, step = !across_      ? std::int64_t{1}
                                                  : bounds.each ? row_
                                                                : width;
    const auto room = static_cast<std::size_t>(step * n() + 2 * width);
    lower_ = std::make_unique<Aligned>(room), upper_ = std::make_unique<Aligned>(room);
    std::fill_n(lower_->get(), room, -INFINITY), std::fill_n(upper_->get(), room, INFINITY);
    for (std::int64_t i = 0; i < n() && !bounds.each; ++i) {
      std::fill_n(lower_->get() + i * step, step, bounds.lower[i]);
      std::fill_n(upper_->get() + i * step, step, bounds.upper[i]);
    }
    call_.lower = lower_->get(), call_.upper = upper_->get(), call_.bound_step = step;
  }

  // A state, of a single start: the solver's memory, where the descent began, and the iterate.
  void save(std::int64_t lane, double f, double* state) {
    const SolverCall c = call_of(lane);
    const auto l = static_cast<std::size_t>(lane);
    const Closing* const closing = closings_[l].get();
    const bool examined = closing && !closing->over;
    const auto of = [&](Row r) { return examined ? closing->rows[r] : row(r)[lane]; };
    const Kept kept{f,
                    row(Row::Best)[lane],
                    of(Row::Norm),
                    examined ? of(Row::Judged) : 0.0,
                    of(Row::Left),
                    of(Row::Right),
                    examined ? of(Row::Noise) : 0.0,
                    static_cast<double>(returns_[l])};
    double* const own = state + kernels_.exchange(c, 0, nullptr, true);
    kernels_.exchange(c, within(lane), state, true);
    std::copy_n(origins_[l], n(), own);
    std::memcpy(own + n(), &kept, sizeof kept);
  }
  // A user's state may hold any numbers.
  void restore(std::int64_t lane, const double* state) {
    const SolverCall c = call_of(lane);
    const auto l = static_cast<std::size_t>(lane);
    kernels_.exchange(c, within(lane), const_cast<double*>(state), false);
    const double* const own = state + kernels_.exchange(c, 0, nullptr, false);
    if (std::all_of(own, own + n(), [](double x) { return std::isfinite(x); })) origins_[l] = own;
    Kept kept;
    std::memcpy(&kept, own + n(), sizeof kept);
    set(lane, Row::F, kept.f), set(lane, Row::Best, kept.least), set(lane, Row::Norm, kept.norm);
    for (const Verdict v : {Verdict::PrecisionLimit, Verdict::Stuck})
      if (kept.judged == -static_cast<double>(v)) set(lane, Row::Judged, kept.judged);
    set(lane, Row::Left, kept.left), set(lane, Row::Right, kept.right);
    if (kept.noise > 0.0) set(lane, Row::Noise, kept.noise);
    if (kept.returns >= 0.0 && kept.returns <= kMostReturns)
      returns_[l] = static_cast<int>(kept.returns);
    set(lane, Row::Fresh, kResumed);
  }

  // Most rounds examine no lane.
  template <class F> void each_examined(F f) {
    if (!examining_) return;
    examining_ = false;
    for (const auto& closing : closings_)
      if (closing && !closing->over) {
        examining_ = true;
        f(*closing);
      }
  }
  // During the examination, the lane's numbers do not change, except for the count of evaluations.
  void begin_examination(std::int64_t lane) {
    Examination::Place place{Examination::Point(static_cast<std::size_t>(n())), row(Row::F)[lane],
                             Examination::Point(static_cast<std::size_t>(n()))};
    const SolverCall c = call_of(lane);
    kernels_.point(c, within(lane), Which::Iterate, place.x.data());
    kernels_.point(c, within(lane), Which::Slope, place.g.data());
    const double judged = -row(Row::Judged)[lane];
    Examination::Sight sight = values_alone_ ? Examination::blurred() : Examination::Sight{};
    sight.noise = noise_of_two(lane);
    sight.steep = stopping_.small_gradient(row(Row::Steepest)[lane]);
    sight.expected |= models_ && judged == static_cast<double>(Verdict::PrecisionLimit);
    auto& closing = closings_[static_cast<std::size_t>(lane)];
    closing =
        std::make_unique<Closing>(lane, std::move(place), origins_[static_cast<std::size_t>(lane)],
                                  bound(0), bound(1), sight, values_alone_);
    for (int r = 0; r < Row::Count; ++r)
      closing->rows[static_cast<std::size_t>(r)] = row(static_cast<Row>(r))[lane];
    if (!call_.together) {
      closing->memory.resize(static_cast<std::size_t>(kernels_.exchange(c, 0, nullptr, true)));
      kernels_.exchange(c, within(lane), closing->memory.data(), true);
    }
    examining_ = true;
    inquire(*closing);
  }
  // Requests the next probe, or uses the finding.
  void inquire(Closing& closing) {
    const std::int64_t lane = closing.lane;
    if (const double* x = closing.asks()) {
      set(lane, Row::Fresh, kNew);
      set(lane, Row::Judged, 0.0), set(lane, Row::Moved, 0.0), set(lane, Row::Asks, 0.0);
      return ask_at(lane, x);
    }
    const auto [verdict, left, right] = closing.finding();
    const Examination::Place& place = closing.place();
    if (verdict == Verdict::Going) {
      const Examination::Point from = place.x;
      put_back(closing);
      closings_[static_cast<std::size_t>(lane)].reset();
      return set_out_from(lane, from.data());
    }
    closing.over = true;
    put_back(closing);
    const bool lower = row(Row::F)[lane] != place.f;
    if (lower) {  // only slightly: one more iterate
      set(lane, Row::Before, row(Row::F)[lane]), set(lane, Row::F, place.f);
      set(lane, Row::Norm, norm(place)), set(lane, Row::Change, INFINITY);
      set(lane, Row::Iterations, row(Row::Iterations)[lane] + 1);
    }
    // Otherwise the verdict of a solver without gradients stands.
    if (values_alone_ && verdict == Verdict::PrecisionLimit && !lower) return;
    set(lane, Row::Moved, lower ? 1.0 : 0.0);
    set(lane, Row::Judged, -static_cast<double>(verdict));
    set(lane, Row::Left, left), set(lane, Row::Right, right);
  }
  void answer(Closing& closing) {
    const double* g = question_.g ? question_.g + closing.lane : nullptr;
    closing.tell(question_.f[closing.lane],
                 [&](std::int64_t i) { return g[i * question_.stride]; });
    closing.rows[Row::Evaluations] += 1;
  }
  void examine_on(Closing& closing) {
    for (int r = 0; r < Row::Count; ++r)
      set(closing.lane, static_cast<Row>(r), closing.rows[static_cast<std::size_t>(r)]);
    inquire(closing);
  }
  void put_back(Closing& closing) {
    set(closing.lane, Row::Fresh, 0.0);
    if (closing.memory.empty()) return;
    kernels_.exchange(call_of(closing.lane), within(closing.lane), closing.memory.data(), false);
    closing.memory.clear();
  }
  // The lower or upper bounds (n) that all lanes share, or null.
  const double* bound(std::size_t side) const {
    return box_[side].empty() ? nullptr : box_[side].data();
  }
  double norm(const Examination::Place& place) const {
    if (values_alone_) return INFINITY;
    double most = 0.0;
    for (std::size_t i = 0; i < place.x.size(); ++i) {
      const double slope =
          call_.lower ? std::clamp(place.g[i], place.x[i] - box_[1][i], place.x[i] - box_[0][i])
                      : place.g[i];
      most = std::max(most, std::abs(slope));
    }
    return most;
  }

  void iterate(std::int64_t lane, double* to) const {
    const auto& closing = closings_[static_cast<std::size_t>(lane)];
    if (closing && closing->over) std::ranges::copy(closing->place().x, to);
    else kernels_.point(call_of(lane), within(lane), Which::Iterate, to);
  }
  // Continues from x as from a start, one iteration later.
  void set_out_from(std::int64_t lane, const double* x) {
    ask_at(lane, x);
    set(lane, Row::Iterations, row(Row::Iterations)[lane] + 1);
    set(lane, Row::Judged, 0.0), set(lane, Row::Asks, 0.0);
    set(lane, Row::Fresh, kNew);
  }
  // A single start is the same in every lane.
  void ask_at(std::int64_t lane, const double* from) {
    double* const x = values_.x();
    for (std::int64_t i = 0; i < n(); ++i) {
      if (call_.together && across_)
        for (std::int64_t l = 0; l < lanes(); ++l) x[i * question_.stride + l] = from[i];
      else x[i * question_.stride + lane] = from[i];
    }
  }

  // What a difference of two values may be by noise, where that ended the descent; else 0.
  double noise_of_two(std::int64_t lane) const { return 2.0 * row(Row::Noise)[lane]; }

  // An earlier point replaces the last only if it is lower by more than rounding, or than the noise
  // of both.
  bool lower_elsewhere(std::int64_t lane) const {
    const double f = row(Row::F)[lane], best = row(Row::Best)[lane],
                 slack = std::max(kSlack * std::max(1.0, std::abs(f)), noise_of_two(lane));
    return best < f - slack || (std::isnan(f) && std::isfinite(best));
  }
  static std::int64_t lanes_for(const Setup& setup, const Sources& sources,
                                const Machine& machine) {
    if (sources.values) return lanes_of(*sources.values, machine.kernels, machine.wide);
    if (sources.told_lanes == 1 && setup.n >= kManyElements) return 1;
    return padded(sources.told_lanes, machine.kernels.width);
  }

  // See SolverCall. The clock is read after some tenths of a millisecond.
  static void worked(void* block, std::int64_t numbers) {
    constexpr std::int64_t kSome = 1 << 18;
    auto& self = *static_cast<SolverBlock*>(block);
    if ((self.worked_ += numbers) < kSome) return;
    self.worked_ = 0;
    if (self.patience_.over()) throw Abandoned{};
  }

  double* row(Row r) const { return standing_->get() + r * row_; }
  // If batches hold the elements of a single lane, its numbers fill a batch each.
  void set(std::int64_t lane, Row r, double value) {
    if (across_ && !call_.together) row(r)[lane] = value;
    else std::fill_n(row(r), row_, value);
  }
  bool any(Wants wants) const {
    if (!values_.curved()) return wants == Wants::Values && values_.traced();
    const double* asks = row(Row::Asks);
    return std::any_of(asks, asks + lanes(),
                       [&](double a) { return a == static_cast<double>(wants); });
  }
  std::int64_t within(std::int64_t lane) const { return across_ ? lane & (isa_.width - 1) : 0; }

  SolverCall call_of(std::int64_t lane) const {
    SolverCall c = call_;
    const std::int64_t batch = across_ ? lane >> width_bits_ : 0, first = batch << width_bits_;
    const auto shifted = [first](auto* p) { return p ? p + first : p; };
    c.x = const_cast<double*>(question_.x) + first;
    c.v = const_cast<double*>(shifted(question_.v));
    c.f = shifted(question_.f), c.g = shifted(question_.g), c.h = shifted(question_.h);
    c.memory = memory_->get() + batch * memory_size_;
    c.standing = standing_->get() + first;
    if (own_.each) c.lower += first, c.upper += first;
    return c;
  }

  const Kernels& isa_;
  const Starts& starts_;
  const Stopping stopping_;
  const bool values_alone_, scale_free_, models_;  // receives no gradients; its norm is a cosine
  std::vector<double> hyper_;
  bool across_;
  const int width_bits_ = std::countr_zero(static_cast<std::uint64_t>(isa_.width));
  const SolverKernels& kernels_;
  const std::function<bool()> interrupted_;
  Patience::Time asked_ = std::chrono::steady_clock::now();
  Patience patience_{interrupted_, asked_};
  std::int64_t worked_ = 0;
  std::vector<double> scale_, box_[2];  // box_: bounds (n), if all lanes share them
  Bounds own_;
  std::unique_ptr<Aligned> lower_, upper_;
  SolverValues values_;
  const Question& question_;  // for values
  std::unique_ptr<Aligned> standing_, memory_;
  std::int64_t row_ = 0, memory_size_ = 0;
  SolverCall call_{};
  std::vector<double> reported_;
  double ended_f_ = 0.0;  // the value at the last point of the lane that ended last
  // By lane: the examination of its end, how often it returned to a lower point, where it began.
  std::vector<std::unique_ptr<Closing>> closings_;
  bool examining_ = false;  // false if no lane is examined
  std::vector<int> returns_;
  std::vector<const double*> origins_;
};

}  // namespace

std::int64_t remembered(const Setup& setup, const Sources& sources, const Kernels& isa) {
  SolverCall call{};
  call.n = setup.n;
  call.hyper = setup.hyper.data();
  call.lower = setup.bounds.lower, call.upper = setup.bounds.upper;
  return kernels_of(setup, sources, isa).exchange(call, 0, nullptr, true) + setup.n + kKept;
}

std::unique_ptr<Block> solver_block(const Setup& setup, const Sources& sources,
                                    const Machine& machine, const Starts& starts,
                                    const Stopping& stopping, std::function<bool()> interrupted) {
  return std::make_unique<SolverBlock>(setup, sources, machine, starts, stopping,
                                       std::move(interrupted));
}

}  // namespace thalweg
