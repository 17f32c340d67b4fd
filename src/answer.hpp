// SPDX-License-Identifier: BSD-3-Clause
// One descent: a method that is bound to an objective with its settings, and what it answers.
#pragma once
#include <memory>

#include "function.hpp"
#include "outcome.hpp"

// The ending of one start: like `Outcome`, but without an array for each number.
struct Answer : Room {
  explicit Answer(std::int64_t n);
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  template <class F> void not_begun(const Array& x0, const thalweg::NotBegun& rest, F initial) {
    if (reason != kNotBegun) return;
    for (Array* to : {&x, &last_x}) std::copy_n(x0.data(), x0.size(), to->mutable_data());
    reason = static_cast<std::int8_t>(rest.why);
    initial(0);
  }
  void conclude(Conversation& talk);
  // The method's memory, which is written when it is first asked for if the descent was kept.
  const std::vector<Array>& states();
  // Keeps a descent and what it references, for a state of `size` numbers.
  void keep(std::unique_ptr<thalweg::Descent> descent, StartArrays start,
            std::shared_ptr<const void> method, std::int64_t size);
  // Whether the descent ended at its best point, with a known gradient, for a reason that needs
  // neither another evaluation nor a warning.
  bool plain() const;

  Array x, last_x, slope;  // (1, n)
  double fun = NAN, last_fun = NAN, left = 0.0, right = 0.0;
  std::int64_t iterations = 0, evaluations = 0, curvatures = 0;
  std::int8_t reason = kNotBegun;
  py::object path = py::none(), error = py::none();

 private:
  std::mutex mutex_;  // one thread writes the state
  std::optional<StartArrays> start_;
  std::shared_ptr<const void> method_;
  std::unique_ptr<thalweg::Descent> descent_;  // destroyed before what it references
  std::int64_t size_ = 0;
};

// A method with its settings on one objective. Any number of threads may descend at once.
class Bound {
 public:
  // gradient: the objective's value and gradient, if the method has no gradient of its own where it
  // ends; else null. `threads` share its rows.
  Bound(std::shared_ptr<Function> gradient, int threads)
      : gradient_(std::move(gradient)), threads_(threads) {}
  virtual ~Bound() = default;

  std::unique_ptr<Answer> descend(StartArrays start, const Hooks& hooks);

 private:
  virtual void run(StartArrays& start, const Hooks& hooks, Answer& answer, Conversation& talk) = 0;

  const std::shared_ptr<Function> gradient_;
  const int threads_;
};
