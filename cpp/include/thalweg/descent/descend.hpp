// SPDX-License-Identifier: BSD-3-Clause
// The descent loop, shared by every method and every source of values. It holds a block of lanes,
// requests values at points, and receives them. Counting, stopping tests, reasons and the queue of
// starts are all here.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "thalweg/descent/block.hpp"

namespace thalweg {

// Why a lane ended. Results store its number.
enum class Reason : std::int8_t {
  GradientSmall,
  StepSmall,
  ValueSettled,
  PrecisionLimit,
  MaxIterations,
  MaxEvaluations,
  MaxTime,
  Diverged,
  LeftDomain,
  NonFinite,
  StoppedByCallback,
  Interrupted,
  Stuck,
  Kink,
};

std::span<const char* const> reason_names();  // the names that users read

struct Watch {
  std::function<bool()> interrupted;  // called a few times per 100 ms; true ends all lanes
  std::function<bool(const Report&)>
      report;  // called after every iteration, and at the start; true stops
  std::function<void(std::int64_t)> progress;  // how many starts have ended, as often
};

// Starts that never began because the whole descent was stopped. Nothing is written to their
// endings. Those from `from` on, possibly millions, were not even looked at.
struct NotBegun {
  Reason why = Reason::Interrupted;
  std::int64_t from = 0;
};

// The waiting starts. Each is given once, to any of the workers.
class Queue {
 public:
  explicit Queue(std::int64_t k) : k_(k) {}
  // Takes at most `some` starts, [first, second). `ended` of this worker's starts have ended since.
  std::pair<std::int64_t, std::int64_t> take(std::int64_t some, std::int64_t ended);
  void close(Reason why) { why_ = why, closed_ = true; }
  NotBegun rest() const { return {why_, std::min<std::int64_t>(next_, k_)}; }
  std::int64_t ended() const { return ended_; }

 private:
  const std::int64_t k_;
  std::atomic<std::int64_t> next_{0}, ended_{0};
  std::atomic<Reason> why_{Reason::Interrupted};
  std::atomic<bool> closed_{false};
};

class Descent {
 public:
  Descent(const Program& program, const Step& step, const Machine& machine, Starts starts,
          Stopping stopping, Endings endings, Watch watch, Queue* shared = nullptr);
  Descent(const Setup& setup, const Sources& sources, const Machine& machine, Starts starts,
          Stopping stopping, Endings endings, Watch watch, Queue* shared = nullptr);

  // Requests what is needed next; returns false once every start has ended. With a traced objective
  // nothing is needed, since the block evaluates it.
  bool ask(Question& question);
  void tell();

  // The starts that never began, of a descent with a queue of its own.
  NotBegun rest() const { return queue_.rest(); }
  // Writes the state in which a single start ended, for a solver: `remembered` numbers. It is there
  // until the descent is destroyed, so nobody has to copy a state that may not be asked for.
  void state(double* to) const { block_->state(to); }

 private:
  struct Ending {
    Reason reason;
    double left, right;
  };
  void begin();
  std::int64_t next();  // a start, or -1
  void close(Reason why);
  std::int64_t unwatched() const;
  void review();
  void look_at(std::int64_t lane);
  void run_along(std::int64_t lane);
  void settle(const Position& at, Ending& ending) const;
  std::optional<Ending> judge(const Position& at) const;
  void finish(std::int64_t lane, const Position& at, const Ending& ending);
  void finish_all(const Ending& ending);
  void check_clock();
  void abandon();
  bool over();
  Position look(std::int64_t lane) {
    return block_->look(lane, round_ - since_[static_cast<std::size_t>(lane)]);
  }

  const Starts starts_;
  const Stopping stopping_;
  const Endings endings_;
  const Watch watch_;
  std::unique_ptr<Block> block_;
  Marks wanted_;
  std::unique_ptr<Queue> own_;
  Queue& queue_;
  std::int64_t next_ = 0, end_ = 0, ended_ = 0;  // of the starts taken from the queue
  std::int64_t active_ = 0, round_ = 0, deadline_ = 0;
  std::vector<std::int64_t> start_, since_;  // by lane: its start, and the round it was loaded in
  std::int64_t check_in_ = 1, check_every_ = 1;
  double began_, checked_;
  bool overtime_ = false;
};

// Asks and tells until every start has ended, with a traced objective.
void run_to_the_end(Descent& descent);

// Descends from every start with a traced objective.
NotBegun descend(const Program& program, const Step& step, const Kernels& kernels,
                 const Starts& starts, const Stopping& stopping, const Endings& endings,
                 const Watch& watch);
NotBegun descend(const Setup& setup, const Sources& sources, const Kernels& kernels,
                 const Starts& starts, const Stopping& stopping, const Endings& endings,
                 const Watch& watch);

}  // namespace thalweg
