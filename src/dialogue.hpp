// SPDX-License-Identifier: BSD-3-Clause
// Ask and tell from Python: a descent that gets its values from the caller and stays open between
// calls.
#pragma once
#include <memory>

#include "outcome.hpp"

// "value", "gradient", "hessian", "hessian_vector".
const char* name_of(thalweg::Needs needs);

class Dialogue {
 public:
  // `kept`: what the descent references besides x0. `make` creates it from the endings' arrays.
  template <class Make>
  Dialogue(const Array& x0, thalweg::Needs needs, std::shared_ptr<const void> kept, Make make)
      : needs_(needs),
        x_(std::vector<py::ssize_t>{x0.shape(0), x0.shape(1)}),
        kept_(std::move(kept)),
        x0_(x0),
        outcome_(x0.shape(0), x0.shape(1)) {
    std::copy_n(x0.data(), x0.size(), x_.mutable_data());
    std::fill_n(outcome_.endings.x, x0.size(), NAN);
    std::fill_n(outcome_.endings.fun, x0.shape(0), NAN);
    std::fill_n(outcome_.endings.iterations, x0.shape(0), 0);
    std::fill_n(outcome_.endings.evaluations, x0.shape(0), 0);
    descent_ = make(outcome_.endings);
  }

  const char* needs() const { return name_of(needs_); }
  // Returns (x, live, values, curvature, v or None), or None once all starts have ended.
  py::object ask();
  void tell(const Array& f, const std::optional<Array>& g, const std::optional<Array>& h);
  py::dict endings() const;

 private:
  template <class F> void each_live(F f) const;
  mutable std::mutex mutex_;  // one call at a time
  thalweg::Needs needs_;
  Array x_;  // (k, n): where each start is or ended
  std::shared_ptr<const void> kept_;
  Array x0_;
  Outcome outcome_;
  std::unique_ptr<thalweg::Descent> descent_;
  thalweg::Question question_{};
  bool open_ = false;
};
