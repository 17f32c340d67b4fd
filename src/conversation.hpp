// SPDX-License-Identifier: BSD-3-Clause
// Python's side of a running descent: callbacks, signals, and the exception that either raised.
#pragma once
#include <exception>
#include <optional>

#include "starts.hpp"
#include "thalweg/descent/descend.hpp"

// Stores numbers that arrive one by one, possibly millions, in pieces that are never copied.
class Recorded {
 public:
  void push(double value) {
    if (pieces_.empty() || pieces_.back().size() == kPiece) {
      pieces_.emplace_back();
      pieces_.back().reserve(kPiece);
    }
    pieces_.back().push_back(value);
  }
  // The pieces as arrays, which take ownership.
  py::list arrays() {
    py::list out;
    for (std::vector<double>& piece : pieces_) {
      auto* const kept = new std::vector<double>(std::move(piece));
      const py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<double>*>(p); });
      out.append(Array(static_cast<py::ssize_t>(kept->size()), kept->data(), owner));
    }
    pieces_.clear();
    return out;
  }

 private:
  static constexpr std::size_t kPiece = 1 << 16;
  std::vector<std::vector<double>> pieces_;
};

class Conversation {
 public:
  Conversation(const Hooks& hooks, std::int64_t n) : hooks_(hooks), n_(n) {}

  bool interrupted() {
    const py::gil_scoped_acquire gil;
    return error_ || guarded([] { return false; });
  }
  void progress(std::int64_t ended) {
    if (error_) return;
    const py::gil_scoped_acquire gil;
    guarded([&] { return hooks_.progress(ended), false; });
  }
  bool report(const thalweg::Report& r) {
    if (error_) return true;
    if (hooks_.record) {
      for (std::int64_t i = 0; i < n_; ++i) xs_.push(r.x[i * r.stride]);
      fs_.push(r.f[0]);
      norms_.push(r.gradient_norm ? r.gradient_norm[0] : NAN);
    }
    if (hooks_.callback.is_none() || r.iteration == 0) return false;
    const py::gil_scoped_acquire gil;
    return guarded([&] {
      Array x(std::vector<py::ssize_t>{n_});
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = r.x[i * r.stride];
      return hooks_.callback(r.iteration, x, r.f[0], r.gradient_norm ? r.gradient_norm[0] : NAN)
          .cast<bool>();
    });
  }
  // Calls the user's function. If it raises, the values are NaN and the exception ends the descent
  // at the next review.
  void answer(const thalweg::Question& q) {
    const py::gil_scoped_acquire gil;
    for (std::size_t l = 0; l < q.start.size(); ++l) {
      if (q.start[l] < 0) continue;
      Array x(std::vector<py::ssize_t>{n_}), g(std::vector<py::ssize_t>{n_});
      const auto at = [&](std::int64_t i) { return i * q.stride + static_cast<std::int64_t>(l); };
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = q.x[at(i)];
      guarded([&] {
        if (error_) return true;
        const py::tuple fg = hooks_.function(x);
        q.f[l] = fg[0].cast<double>();
        if (q.h && fg.size() > 2) tell_matrix(q, at, fg[2].cast<Array>());
        g = fg[1].cast<Array>();
        if (g.size() != n_)
          throw py::value_error("jac must return " + std::to_string(n_) + " values, got " +
                                std::to_string(g.size()));
        return false;
      });
      if (error_) q.f[l] = NAN;
      else
        for (std::int64_t i = 0; i < n_; ++i) q.g[at(i)] = g.data()[i];
    }
  }
  thalweg::Watch watch() {
    thalweg::Watch w;
    w.interrupted = [this] { return interrupted(); };
    if (!hooks_.progress.is_none()) w.progress = [this](std::int64_t ended) { progress(ended); };
    if (hooks_.record || !hooks_.function.is_none() || !hooks_.callback.is_none())
      w.report = [this](const thalweg::Report& r) { return report(r); };
    return w;
  }
  // Answers the descent's requests until all starts have ended.
  void drive(thalweg::Descent& descent) {
    thalweg::Question q{};
    while (descent.ask(q)) {
      answer(q);
      descent.tell();
    }
  }
  bool failed() const { return error_.has_value(); }
  py::object error() const {
    if (!error_) return py::none();
    if (error_->trace()) PyException_SetTraceback(error_->value().ptr(), error_->trace().ptr());
    return error_->value();
  }
  // Points, values and norms, each in pieces.
  py::object path() {
    if (!hooks_.record) return py::none();
    return py::make_tuple(xs_.arrays(), fs_.arrays(), norms_.arrays());
  }

 private:
  template <class At> void tell_matrix(const thalweg::Question& q, At at, const Array& h) {
    for (std::int64_t i = 0; i < n_ * n_; ++i) q.h[at(i)] = h.data()[i];
  }
  // Returns true to end the descent.
  template <class F> bool guarded(F f) {
    try {
      check_signals();
      return f();
    } catch (py::error_already_set& e) {
      error_.emplace(e);
    } catch (const std::exception& e) {
      py::set_error(PyExc_ValueError, e.what());
      error_.emplace();
    }
    return true;
  }
  const Hooks hooks_;
  std::int64_t n_;
  Recorded xs_, fs_, norms_;
  std::optional<py::error_already_set> error_;
};
