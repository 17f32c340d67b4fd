// SPDX-License-Identifier: BSD-3-Clause
// Runs epochs: shuffles rows, gathers batches and makes steps, then evaluates held-out rows.
#include "thalweg/training/epochs.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "thalweg/running/workers.hpp"
#include "thalweg/training/philox.hpp"

namespace thalweg {
namespace {

// Rows that are shuffled between two checks: less than a millisecond of work, in cache or not.
constexpr std::size_t kShuffled = 16384;
// The average of the iterates x_1 … x_t is the average of x_1 … x_t-1 moved toward x_t by (eta + 1)
// / (t + eta). Weights grow as t**eta, so that the start is forgotten and the length need not be
// known in advance. O. Shamir and T. Zhang 2013, ICML, "Stochastic gradient descent for non-smooth
// optimization", section 4, recommend 3: the last half of the iterates has 94 % of the weight.
constexpr double kEta = 3.0;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void deal(std::span<std::int64_t> order, std::span<const std::int64_t> rows) {
  if (rows.empty()) std::iota(order.begin(), order.end(), 0);
  else std::copy(rows.begin(), rows.end(), order.begin());
}

bool shuffle(std::span<std::int64_t> order, std::span<const std::int64_t> rows, std::uint64_t seed,
             std::uint64_t epoch, const std::function<bool()>& stop) {
  Philox numbers(seed, epoch);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto j = static_cast<std::size_t>(numbers.below(i + 1));
    order[i] = order[j];
    order[j] = rows.empty() ? static_cast<std::int64_t>(i) : rows[i];
    if (stop && i % kShuffled == kShuffled - 1 && stop()) return false;
  }
  return true;
}

Clock::Clock(std::function<bool()> interrupted, double max_time)
    : interrupted_(std::move(interrupted)), max_time_(max_time), began_(now()), checked_(began_) {}

bool Clock::look() {
  const double time = now(), passed = time - checked_;
  if (passed < kPatience / 8 && check_every_ < 65536) check_every_ *= 2;
  else if (passed > kPatience / 2) check_every_ = std::max<std::int64_t>(check_every_ / 4, 1);
  check_in_ = check_every_;
  checked_ = time;
  if (time - began_ >= max_time_) {
    over_ = true;
  } else if (interrupted_ && interrupted_()) {
    reason_ = Reason::Interrupted;
    over_ = true;
  }
  return over_;
}

Batch::Batch(const Program& program, const Kernels& kernels, const Batched& all, std::int64_t size)
    : block(program, kernels, false), program_(program), size_(size) {
  for (std::size_t k = 0; k < all.uniform.size(); ++k)
    if (all.uniform[k] && !program.varying[k]) block.bind_uniform(k, all.uniform[k]);
}

void Batch::gather(std::span<const Column> columns, const std::int64_t* rows) {
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const std::int64_t n = program_.input_sizes[k + 1];
    if (n == 0) continue;  // the loss does not read this column
    double* to = block.input(k + 1);
    if (block.step() == 1) {
      columns[k].read(rows, size_, to);
    } else {
      row_.resize(static_cast<std::size_t>(n));
      columns[k].read(rows, size_, row_.data());
      put(to, row_.data(), n);
    }
  }
}

// Copies values into every lane: unused lanes then compute the same and raise no warnings of their
// own.
void Batch::put(double* to, const double* values, std::int64_t n) const {
  scatter_lanes(values, n, 0, 1, block.step(), to);
}

Means::Means(const Batched& programs, const Table& table, const Kernels& kernels)
    : table_(table), sizes_(programs.full->output_sizes), threads_(programs.threads) {
  full_.emplace(*programs.full, kernels, programs, programs.size);
  if (programs.rest) rest_.emplace(*programs.rest, kernels, programs, programs.rest_size);
  for (auto* b : {&full_, &rest_})
    if (*b) (*b)->block.prepare();
}

bool Means::at(const double* x, double* out, Clock& clock) {
  std::fill_n(out, std::accumulate(sizes_.begin(), sizes_.end(), std::int64_t{0}), 0.0);
  culprit.clear();
  std::vector<std::int64_t> range;
  for (auto* b : {&full_, &rest_}) {
    if (!*b) continue;
    (*b)->put((*b)->block.input(0), x, (*b)->variables());
    (*b)->block.share(threads_, [&] { return clock.look(); });
  }
  for (std::int64_t first = 0; first < table_.count;) {
    Batch& b = table_.count - first >= full_->size() ? *full_ : *rest_;
    const std::int64_t* chosen = table_.chosen.data() + first;
    if (table_.chosen.empty()) {
      range.resize(static_cast<std::size_t>(b.size()));
      std::iota(range.begin(), range.end(), first);
      chosen = range.data();
    }
    b.gather(table_.columns, chosen);
    if (!b.block.run()) return false;
    const double share = static_cast<double>(b.size()) / static_cast<double>(table_.count);
    double* to = out;
    for (std::size_t k = 0; k < sizes_.size(); ++k)
      for (std::int64_t i = 0; i < sizes_[k]; ++i)
        *to++ += share * b.block.output(k)[i * b.block.step()];
    if (culprit.empty() && !std::isfinite(*out)) culprit.assign(chosen, chosen + b.size());
    first += b.size();
    if (clock.over()) return false;
  }
  return true;
}

namespace {

class Trainer {
 public:
  Trainer(const Training& training, Standing& at, const Kernels& kernels, Clock& clock)
      : t_(training),
        at_(at),
        clock_(clock),
        full_(*t_.programs.full, kernels, t_.programs, t_.programs.size),
        batches_(t_.table.count / full_.size()),
        used_(batches_ * full_.size()) {
    if (t_.programs.rest) {
      rest_.emplace(*t_.programs.rest, kernels, t_.programs, t_.programs.rest_size);
      ++batches_;
      used_ += rest_->size();
    }
    turn(full_);
    if (rest_) turn(*rest_);
    full_.put(x(2), at_.x.data(), t_.step.n);
    full_.put(x(1), at_.x.data(), t_.step.n);
    for (std::size_t m = 0; m < at_.memory.size(); ++m)
      full_.put(full_.block.ring_at(m + 1, 1), at_.memory[m].data(), t_.step.remembered(m));
  }

  TrainingEnd run() {
    const bool fresh = at_.step == 0;
    measure();
    if (fresh && !end_) keep_best();
    tell();
    for (const std::int64_t last = at_.epoch + t_.epochs; !end_ && at_.epoch < last;) epoch();
    const auto epochs = static_cast<double>(t_.epochs);
    if (!end_) end(Reason::MaxIterations, epochs, epochs);
    save();
    for (std::size_t m = 0; m < at_.memory.size(); ++m)
      take(now_->block.ring_at(m + 1, 1), at_.memory[m]);
    end_->x = t_.held_out && !at_.best.empty() ? at_.best : candidate();
    if (end_->reason == Reason::NonFinite && at_.average.empty() && at_.best.empty())
      take(x(2), end_->x);
    return *std::move(end_);
  }

 private:
  // Rotates point and memory through rings: 0, and 1, 2, ….
  void turn(Batch& b) {
    const StepLayout& io = t_.step.at;
    b.block.ring(0, static_cast<std::size_t>(io.x));
    for (std::size_t m = 0; m < t_.step.memory.size(); ++m)
      b.block.ring(static_cast<std::size_t>(io.memory) + m,
                   static_cast<std::size_t>(io.memory_out) + m);
    b.block.share(t_.programs.threads, [this] { return clock_.look(); });
    b.block.prepare();
  }
  double* x(std::size_t age) const { return now_->block.ring_at(0, age); }
  void take(const double* from, std::vector<double>& to) const {
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = from[static_cast<std::int64_t>(i) * now_->block.step()];
  }
  void save() { take(x(1), at_.x); }
  void end(Reason reason, double left, double right) {
    end_.emplace(TrainingEnd{reason, left, right, std::vector<double>(at_.x.size()), {}});
  }
  void end_by_clock() { end(clock_.reason(), clock_.passed(), clock_.max_time()); }

  void epoch() {
    const auto number = static_cast<std::uint64_t>(at_.epoch) + 1;
    const auto stop = [this] { return clock_.over(); };
    order_.resize(static_cast<std::size_t>(t_.table.count));
    if (!t_.shuffled) deal(order_, t_.table.chosen);
    else if (!shuffle(order_, t_.table.chosen, t_.seed, number, stop)) return end_by_clock();
    while (at_.batch < batches_) {
      if (clock_.over()) return end_by_clock();
      if (!step()) return;
    }
    save();
    measure();
    if (end_) return;
    ++at_.epoch;
    at_.loss = at_.sum;
    at_.batch = 0, at_.sum = 0.0;
    keep_best();
    tell();
  }

  bool step() {
    const std::int64_t first = at_.batch * full_.size();
    Batch& b = t_.table.count - first >= full_.size() ? full_ : *rest_;
    pass_to(b);
    const std::int64_t* rows = order_.data() + first;
    b.gather(t_.table.columns, rows);
    if (!b.block.run()) {
      end_by_clock();
      return false;
    }
    const double f = *b.block.output(static_cast<std::size_t>(t_.step.at.f));
    if (!std::isfinite(f)) {
      end(Reason::NonFinite, f, 0);
      end_->culprit.assign(rows, rows + b.size());
      return false;
    }
    const int norm = t_.step.at.gradient_norm;
    if (norm >= 0) norm_ = *b.block.output(static_cast<std::size_t>(norm));
    b.block.rotate();
    at_.sum += f * (static_cast<double>(b.size()) / static_cast<double>(used_));
    ++at_.batch, ++at_.step;
    if (!at_.average.empty()) average();
    return true;
  }

  // Moves point and memory to the evaluator of the other batch size.
  void pass_to(Batch& b) {
    if (&b == now_) return;
    const auto pass = [&](std::size_t ring, std::size_t age, std::int64_t n) {
      row_.resize(static_cast<std::size_t>(n));
      take(now_->block.ring_at(ring, age), row_);
      b.put(b.block.ring_at(ring, age), row_.data(), n);
    };
    pass(0, 2, t_.step.n);
    pass(0, 1, t_.step.n);
    for (std::size_t m = 0; m < at_.memory.size(); ++m) pass(m + 1, 1, t_.step.remembered(m));
    now_ = &b;
  }

  void average() {
    const double share = (kEta + 1) / (static_cast<double>(at_.step) + kEta);
    const double* point = x(1);
    const std::int64_t stride = now_->block.step();
    for (double& a : at_.average) {
      a += share * (*point - a);
      point += stride;
    }
  }

  // The present answer. An average of points within the bounds is within them too, even after
  // rounding: it moves by at most 4/5 of the way, except at the first step, which moves it all the
  // way.
  const std::vector<double>& candidate() const {
    return at_.average.empty() || at_.step == 0 ? at_.x : at_.average;
  }

  void measure() {
    if (t_.held_out && !t_.held_out->at(candidate().data(), &held_out_, clock_)) end_by_clock();
  }
  void keep_best() {
    if (!t_.held_out) return;
    const std::int64_t since = at_.epoch - at_.best_epoch;
    if (held_out_ < at_.best_loss) {
      at_.best = candidate();
      at_.best_loss = held_out_;
      at_.best_epoch = at_.epoch;
    } else if (since >= t_.patience) {
      // If no epoch improved on the start, nothing was found.
      end(at_.best_epoch > 0 ? Reason::ValueSettled : Reason::Stuck, static_cast<double>(since),
          static_cast<double>(t_.patience));
    }
  }
  void tell() {
    if (t_.report && t_.report({at_, norm_, held_out_}) && !end_)
      end(Reason::StoppedByCallback, 0, 0);
  }

  const Training& t_;
  Standing& at_;
  Clock& clock_;
  Batch full_;
  std::optional<Batch> rest_;
  std::int64_t batches_, used_;  // batches per epoch, and the rows in them
  std::vector<std::int64_t> order_;
  Batch* now_ = &full_;  // the batch that holds point and memory
  double norm_ = NAN, held_out_ = NAN;
  std::vector<double> row_;
  std::optional<TrainingEnd> end_;
};

}  // namespace

void begin_memory(const Step& step, const Batched& programs, Standing& at) {
  for (std::size_t m = at.memory.size(); m < step.memory.size(); ++m) {
    const int from = step.initial[m];
    at.memory.emplace_back(
        step.remembered(m),
        from < 0 ? step.memory[m].initial : *programs.uniform[static_cast<std::size_t>(from)]);
  }
}

TrainingEnd train(const Training& training, Standing& at, const Kernels& kernels, Clock& clock) {
  return Trainer(training, at, kernels, clock).run();
}

}  // namespace thalweg
