// SPDX-License-Identifier: BSD-3-Clause
// What the bridge shares that runs descents: Python's side of one, and where results go.
#pragma once
#include <exception>
#include <optional>

#include "bind.hpp"
#include "thalweg/descent/descend.hpp"

// Numbers that come one by one, perhaps millions of them: in pieces, so that none is ever copied
// here.
class Recorded {
 public:
  void push(double value) {
    if (pieces_.empty() || pieces_.back().size() == kPiece) {
      pieces_.emplace_back();
      pieces_.back().reserve(kPiece);
    }
    pieces_.back().push_back(value);
  }
  // The pieces as arrays, which take them over.
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

// Python's side of a running descent: callbacks, signals, and the exception that one of them
// raised.
class Conversation {
 public:
  Conversation(py::object callback, py::object function, bool record, std::int64_t n,
               py::object progress = py::none())
      : callback_(std::move(callback)),
        function_(std::move(function)),
        progress_(std::move(progress)),
        record_(record),
        n_(n) {}

  bool interrupted() {
    const py::gil_scoped_acquire gil;
    return error_ || guarded([] {
             if (PyErr_CheckSignals() != 0) throw py::error_already_set();
             return false;
           });
  }
  void progress(std::int64_t ended) {
    if (error_) return;
    const py::gil_scoped_acquire gil;
    guarded([&] { return progress_(ended), false; });
  }
  bool report(const thalweg::Report& r) {
    if (error_) return true;
    if (record_) {
      for (std::int64_t i = 0; i < n_; ++i) xs_.push(r.x[i * r.stride]);
      fs_.push(r.f[0]);
      norms_.push(r.gradient_norm ? r.gradient_norm[0] : NAN);
    }
    if (callback_.is_none() || r.iteration == 0) return false;
    const py::gil_scoped_acquire gil;
    return guarded([&] {
      Array x(std::vector<py::ssize_t>{n_});
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = r.x[i * r.stride];
      return callback_(r.iteration, x, r.f[0], r.gradient_norm ? r.gradient_norm[0] : NAN)
          .cast<bool>();
    });
  }
  // Asks the user's function; NaN where it fails, and the exception ends the descent at the next
  // review.
  void answer(const thalweg::Question& q) {
    const py::gil_scoped_acquire gil;
    for (std::size_t l = 0; l < q.start.size(); ++l) {
      if (q.start[l] < 0) continue;
      Array x(std::vector<py::ssize_t>{n_}), g(std::vector<py::ssize_t>{n_});
      const auto at = [&](std::int64_t i) { return i * q.stride + static_cast<std::int64_t>(l); };
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = q.x[at(i)];
      guarded([&] {
        if (error_) return true;
        const py::tuple fg = function_(x);
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
    if (!progress_.is_none()) w.progress = [this](std::int64_t ended) { progress(ended); };
    if (record_ || !function_.is_none() || !callback_.is_none())
      w.report = [this](const thalweg::Report& r) { return report(r); };
    return w;
  }
  // Answers what the descent asks until all of it has ended.
  void drive(thalweg::Descent& descent) {
    thalweg::Question q{};
    while (descent.ask(q)) {
      answer(q);
      descent.tell();
    }
  }
  py::object error() const {
    if (!error_) return py::none();
    if (error_->trace()) PyException_SetTraceback(error_->value().ptr(), error_->trace().ptr());
    return error_->value();
  }
  // Points, values and norms, each in pieces.
  py::object path() {
    if (!record_) return py::none();
    return py::make_tuple(xs_.arrays(), fs_.arrays(), norms_.arrays());
  }

 private:
  template <class At> void tell_matrix(const thalweg::Question& q, At at, const Array& h) {
    for (std::int64_t i = 0; i < n_ * n_; ++i) q.h[at(i)] = h.data()[i];
  }
  // true: end the descent.
  template <class F> bool guarded(F f) {
    try {
      return f();
    } catch (py::error_already_set& e) {
      error_.emplace(e);
    } catch (const std::exception& e) {
      py::set_error(PyExc_ValueError, e.what());
      error_.emplace();
    }
    return true;
  }
  py::object callback_, function_, progress_;
  bool record_;
  std::int64_t n_;
  Recorded xs_, fs_, norms_;
  std::optional<py::error_already_set> error_;
};

// How many starts are run: told of together, without memory.
struct Throng {
  bool many = false;
  py::object progress = py::none();  // called with how many have ended
};

// Zeros; of many, memory that the system hands out as zeros when it is first read.
template <class T> py::array_t<T> zeros(std::int64_t k) {
  constexpr std::int64_t kMany = 4096;
  if (k >= kMany)
    return py::module_::import("numpy")
        .attr("zeros")(k, py::dtype::of<T>())
        .template cast<py::array_t<T>>();
  py::array_t<T> out(k);
  std::fill_n(out.mutable_data(), k, T{});
  return out;
}

// The arrays of k endings. Of starts that were not begun, the point and what is NaN is written by
// whoever asks (`begun` says how many there are in front of those that were not even looked at):
// there may be millions, and an interrupt does not wait for them.
struct Outcome {
  Outcome(std::int64_t k, std::int64_t n)
      : x({k, n}),
        last_x({k, n}),
        fun(k),
        last_fun(k),
        left(zeros<double>(k)),
        right(zeros<double>(k)),
        iterations(zeros<std::int64_t>(k)),
        evaluations(zeros<std::int64_t>(k)),
        curvatures(zeros<std::int64_t>(k)),
        reason(k),
        endings{x.mutable_data(),           last_x.mutable_data(),     fun.mutable_data(),
                last_fun.mutable_data(),    iterations.mutable_data(), reason.mutable_data(),
                left.mutable_data(),        right.mutable_data(),      {},
                evaluations.mutable_data(), curvatures.mutable_data()} {
    std::fill_n(endings.reason, k, kNotBegun);
  }

  // Room for memory of so many numbers each, zeros. Of matrices, pages are made now, where an
  // interrupt is heard, not when a descent that was interrupted is told of.
  template <class Stop> bool remember(std::int64_t size, Stop stop) {
    memory.push_back(zeros<double>(fun.size() * size).reshape({fun.size(), size}));
    double* const first = memory.back().mutable_data();
    endings.memory.push_back(first);
    constexpr std::int64_t kPage = 512, kSome = 1 << 20;  // doubles
    for (std::int64_t at = 0; size > kSome && at < memory.back().size(); at += kPage) {
      if (at % kSome == 0 && stop()) return false;
      *static_cast<volatile double*>(first + at) = 0.0;
    }
    return true;
  }
  // Room for the gradients; NaN where a method has none.
  void want_slopes() {
    slope = Array({x.shape(0), x.shape(1)});
    endings.slope = slope->mutable_data();
  }
  void count_rises() {
    for (auto* counts : {&not_falls, &late_rises}) *counts = zeros<std::int64_t>(fun.size());
    endings.not_falls = not_falls->mutable_data();
    endings.late_rises = late_rises->mutable_data();
  }

  // Starts that were not begun, and why; `initial` fills memory.
  template <class F> void not_begun(const Array& x0, const thalweg::NotBegun& rest, F initial) {
    const std::int64_t n = x.shape(1), k = fun.size();
    const auto why = static_cast<std::int8_t>(rest.why);
    begun = rest.from;
    std::fill(endings.reason + begun, endings.reason + k, why);
    for (std::int64_t i = 0; i < begun; ++i) {
      if (endings.reason[i] != kNotBegun) continue;
      std::copy_n(x0.data() + i * n, n, endings.x + i * n);
      std::copy_n(x0.data() + i * n, n, endings.last_x + i * n);
      endings.fun[i] = endings.last_fun[i] = NAN;
      if (slope) std::fill_n(endings.slope + i * n, n, NAN);
      endings.reason[i] = why;
      initial(i);
    }
  }

  // The last look for an interrupt is here, so that none can come between the core and whoever
  // keeps what it told.
  py::dict told(Conversation& talk) const {
    py::dict out;
    out["x"] = x, out["last_x"] = last_x, out["fun"] = fun, out["last_fun"] = last_fun;
    out["nit"] = iterations, out["nfev"] = evaluations, out["nhev"] = curvatures;
    out["jac"] = slope, out["reason"] = reason, out["left"] = left, out["right"] = right;
    out["memory"] = memory, out["path"] = talk.path();
    out["not_falls"] = not_falls, out["late_rises"] = late_rises;
    out["begun"] = begun;
    talk.interrupted();
    out["error"] = talk.error();
    return out;
  }

  static constexpr std::int8_t kNotBegun = -1;
  using Counts = py::array_t<std::int64_t>;
  std::int64_t begun = 0;
  Array x, last_x, fun, last_fun, left, right;
  Counts iterations, evaluations, curvatures;
  py::array_t<std::int8_t> reason;
  std::optional<Array> slope;
  std::optional<Counts> not_falls, late_rises;
  std::vector<Array> memory;
  thalweg::Endings endings;
};
