// SPDX-License-Identifier: BSD-3-Clause
// Training on minibatches: epoch after epoch the rows are shuffled and dealt out, and a rule steps
// once for each batch. The loss is one program for full batches and one for the incomplete last
// batch; input 0 is the point, inputs 1, 2, … the rows of each column, all others the same in every
// batch.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "thalweg/descent/descend.hpp"
#include "thalweg/training/columns.hpp"

namespace thalweg {

// Looks at the clock between batches, the more rarely the shorter these are.
class Clock {
 public:
  Clock(std::function<bool()> interrupted, double max_time);
  // Ended the time or the patience of the user? Once it did, it stays so.
  bool over() { return over_ || (--check_in_ <= 0 && look()); }
  bool look();
  Reason reason() const { return reason_; }
  double passed() const { return checked_ - began_; }
  double max_time() const { return max_time_; }

 private:
  std::function<bool()> interrupted_;
  double max_time_, began_, checked_;
  std::int64_t check_in_ = 1, check_every_ = 1;
  bool over_ = false;
  Reason reason_ = Reason::MaxTime;
};

// The rows that are dealt out, of columns of one length.
struct Rows {
  std::span<const Column> columns;
  std::int64_t count = 0;
  std::span<const std::int64_t> chosen;  // `count` of them; empty: 0, 1, …
};

// The programs for batches of each size; what is the same in every batch by input number, else
// null.
struct Batched {
  const Program *full = nullptr, *rest = nullptr;  // rest: null where there is none, or none wanted
  std::int64_t size = 1, rest_size = 0;            // rows
  std::vector<const double*> uniform;
  int threads = 1;  // that share the rows of long batches
};

// An evaluator of one of the programs, and its rows.
class Batch {
 public:
  Batch(const Program& program, const Kernels& kernels, const Batched& all, std::int64_t size);
  std::int64_t size() const { return size_; }
  std::int64_t variables() const { return program_.input_sizes[0]; }
  void gather(std::span<const Column> columns, const std::int64_t* rows);
  void put(double* to, const double* values, std::int64_t n) const;
  Evaluator block;

 private:
  const Program& program_;
  std::int64_t size_;
  std::vector<double> row_;  // what was gathered, where it goes to lanes
};

// Means over rows of every output of the programs: a value, a gradient.
class Means {
 public:
  Means(const Batched& programs, const Rows& rows, const Kernels& kernels);
  // At x, one after the other into `out`; false where the clock ended it. Where a value is not
  // finite, `culprit` holds the rows of the first such batch.
  bool at(const double* x, double* out, Clock& clock);
  std::vector<std::int64_t> culprit;

 private:
  const Rows rows_;
  const std::vector<std::int64_t> sizes_;  // of the outputs
  const int threads_;
  std::optional<Batch> full_, rest_;
};

// Where a training stands: what it begins and ends with, and is continued from.
struct Standing {
  std::vector<double> x;
  std::vector<std::vector<double>> memory;
  std::vector<double> average;  // of the iterates; empty where not asked for
  std::vector<double> best;     // the point of the lowest held-out loss; empty before the first
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;
  // Epochs finished; of the one begun, batches and their part of the mean loss; steps in all.
  std::int64_t epoch = 0, batch = 0, step = 0;
  double sum = 0.0;
  double loss = std::numeric_limits<double>::quiet_NaN();  // of the last epoch finished
};

// Memory that `at` does not hold, as the rule begins it.
void begin_memory(const Step& step, const Batched& programs, Standing& at);

// The state after an epoch, for callbacks and histories; the first is that at the beginning.
struct EpochReport {
  const Standing& at;    // its loss: the mean over the epoch's rows, each before its batch's step
  double gradient_norm;  // of the epoch's last batch
  double held_out;       // these are NaN where there is none
};

struct Training {
  const Step& step;  // of full batches; the other's inputs and outputs are numbered alike
  Batched programs;
  Rows rows;
  Means* held_out = nullptr;
  std::uint64_t seed = 0;
  std::int64_t epochs = 1, patience = 10;
  bool shuffled = true;
  std::function<bool(const EpochReport&)> report = nullptr;  // true stops
};

struct TrainingEnd {
  Reason reason;
  double left, right;  // both sides of the inequality that decided
  // The answer: the best held-out point, the average, or the last point; where the value there is
  // not finite, the one before.
  std::vector<double> x;
  std::vector<std::int64_t> culprit;  // the rows of the batch whose value was not finite
};

// Goes on for `epochs` epochs, one begun before counting as the first.
TrainingEnd train(const Training& training, Standing& at, const Kernels& kernels, Clock& clock);

}  // namespace thalweg
