// SPDX-License-Identifier: BSD-3-Clause
// Trains on minibatches: each epoch shuffles the rows and divides them into batches, and a rule
// makes one step per batch. The loss has one program for full batches and one for an incomplete
// last batch. Input 0 is the point, inputs 1, 2, … are the rows of each column, and all other
// inputs are the same in every batch.
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

// Reads the time between batches, less often if batches are short.
class Clock {
 public:
  Clock(std::function<bool()> interrupted, double max_time);
  // True once time is up or the user interrupts; then it stays true.
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

// Columns of the same length, and the rows of them that are divided into batches.
struct Table {
  std::span<const Column> columns;
  std::int64_t count = 0;
  std::span<const std::int64_t> chosen;  // `count` of them; if empty, 0, 1, …
};

// The programs for each size of batch. `uniform` holds, by input number, the inputs that are the
// same in every batch; the others are null.
struct Batched {
  const Program *full = nullptr, *rest = nullptr;  // rest: null if there is none, or it is skipped
  std::int64_t size = 1, rest_size = 0;            // rows
  std::vector<const double*> uniform;
  int threads = 1;  // threads share the rows of long batches
};

// An evaluator of one of the programs, with its rows.
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
  std::vector<double> row_;  // rows gathered here before they are copied to lanes
};

// Means over the rows of every output of the programs, such as a value and a gradient.
class Means {
 public:
  Means(const Batched& programs, const Table& table, const Kernels& kernels);
  // Computes the means at x and writes them one after another to `out`. Returns false if the clock
  // ended it. If a value is not finite, `culprit` holds the rows of the first such batch.
  bool at(const double* x, double* out, Clock& clock);
  std::vector<std::int64_t> culprit;

 private:
  const Table table_;
  const std::vector<std::int64_t> sizes_;  // of the outputs
  const int threads_;
  std::optional<Batch> full_, rest_;
};

// The state of a training, from which it can be continued.
struct Standing {
  std::vector<double> x;
  std::vector<std::vector<double>> memory;
  std::vector<double> average;  // of the iterates; empty if not requested
  std::vector<double> best;     // the point of the lowest held-out loss; empty before the first
  double best_loss = std::numeric_limits<double>::infinity();
  std::int64_t best_epoch = 0;
  // Completed epochs; completed batches of the current epoch and their part of its mean loss; all
  // steps.
  std::int64_t epoch = 0, batch = 0, step = 0;
  double sum = 0.0;
  double loss = std::numeric_limits<double>::quiet_NaN();  // of the last completed epoch
};

// Fills memory that `at` does not hold with the rule's initial values.
void begin_memory(const Step& step, const Batched& programs, Standing& at);

// The state after an epoch, for callbacks and histories. The first report is the initial state.
struct EpochReport {
  const Standing& at;    // its loss: the mean over the epoch's rows, each before its batch's step
  double gradient_norm;  // of the epoch's last batch
  double held_out;       // both are NaN if there is none
};

struct Training {
  const Step& step;  // for full batches; the other step's inputs and outputs have the same numbers
  Batched programs;
  Table table;
  Means* held_out = nullptr;
  std::uint64_t seed = 0;
  std::int64_t epochs = 1, patience = 10;
  bool shuffled = true;
  std::function<bool(const EpochReport&)> report = nullptr;  // true stops
};

struct TrainingEnd {
  Reason reason;
  double left, right;  // both sides of the inequality that ended it
  // The answer: the best held-out point, the average, or the last point. If the value there is not
  // finite, it is the point before.
  std::vector<double> x;
  std::vector<std::int64_t> culprit;  // the rows of the batch whose value was not finite
};

// Runs `epochs` more epochs. An epoch that had begun counts as the first.
TrainingEnd train(const Training& training, Standing& at, const Kernels& kernels, Clock& clock);

}  // namespace thalweg
