// SPDX-License-Identifier: BSD-3-Clause
// Examines a point from which a solver found no lower one, whichever solver it was. In the
// problem's own units it decides whether the point is a minimum to rounding, a kink, a point that
// is not a minimum, or none of these. It requests values and gradients at nearby points.
#pragma once
#include <array>
#include <cmath>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "thalweg/descent/solver.hpp"

namespace thalweg {

// A part of an examination: a coroutine that awaits probes and other parts.
class [[nodiscard]] Inquiry {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;
  struct Return {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle ended) const noexcept;
    void await_resume() const noexcept {}
  };
  struct promise_type {
    std::coroutine_handle<> then = std::noop_coroutine();
    Inquiry get_return_object() { return Inquiry(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Return final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const { std::terminate(); }
  };
  explicit Inquiry(Handle handle) : handle_(handle) {}
  Inquiry(Inquiry&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Inquiry& operator=(Inquiry&&) = delete;
  ~Inquiry() {
    if (handle_) handle_.destroy();
  }
  std::coroutine_handle<> handle() const { return handle_; }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> then) const noexcept {
    handle_.promise().then = then;
    return handle_;
  }
  void await_resume() const noexcept {}

 private:
  Handle handle_;
};
inline std::coroutine_handle<> Inquiry::Return::await_suspend(Handle ended) const noexcept {
  return ended.promise().then;
}

class Examination {
 public:
  using Point = std::vector<double>;
  struct Place {
    Point x;
    double f;
    Point g;
  };
  struct Finding {
    Verdict verdict;     // Going: at a clearly lower point, from which the solver may continue
    double left, right;  // both sides of the inequality that decided it
  };

  // Settings. Lengths and slopes are in the variables' units; slopes are relative to f.
  struct Sight {
    double steep;        // a gradient counts as zero if no component is larger
    bool expected;       // the solver's model promises no more than rounding
    double step = 1e-8;  // the first step along the steepest slope
    std::array<double, 4> radii{1e-5, 1e-7, 1e-9, 1e-11};  // how far around to look for kinks
    double slopes = 0.0;   // the error of slopes, as a share of the longest gradient
    bool blurred = false;  // the gradients are finite differences
    double noise = 0.0;    // differences of f below this are noise
  };
  // Settings for gradients that are finite differences.
  static Sight blurred() { return {0.0, true, 1e-4, {1e-3, 1e-4, 1e-5, 1e-6}, 1e-6, true}; }
  static constexpr double kApart = 1e-8;  // the step of these differences

  // Begins at a point that a descent reached from `start`.
  Examination(Place place, const double* start, const double* lower, const double* upper,
              const Sight& sight);
  Examination(Examination&&) = delete;

  void begin(const Point& g);  // g: the gradient at that point
  // The point where value and gradient are needed next; null once the examination is over.
  const double* asks() const { return found_ ? nullptr : asked_.data(); }
  void tell(double f, const Point& g);
  // Adds a value that was found elsewhere.
  void also(const Point& x, double f) {
    if (std::isfinite(f) && f < lowest_.f) lowest_ = {x, f, lowest_.g};
  }
  const Finding& finding() const { return *found_; }
  const Point& units() const { return units_; }
  bool asks_slope() const { return steep_; }  // otherwise only the value
  // The lowest point known.
  const Place& place() const { return found_ || !(lowest_.f < here_.f) ? here_ : lowest_; }

 private:
  struct Probe {
    Examination& examination;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> asks) const noexcept { examination.waiting_ = asks; }
    void await_resume() const noexcept {}
  };

  Inquiry examine();
  Inquiry examine_by_values();
  Inquiry look_for_a_kinked_axis();
  Inquiry look_further();
  Inquiry look_along_the_slope();
  Inquiry solve_the_model();
  Inquiry measure_noise();
  Inquiry measure_steps_of_the_value(double most);
  Inquiry look_for_a_kink();
  Inquiry surround(double radius);
  Inquiry look_around(double radius);
  Inquiry descend(Point direction, double step);
  Probe probe(Point at);
  Probe along(const Point& direction, double step);
  void conclude(Verdict verdict, double left, double right);

  double by_slopes() const;
  bool lower() const;      // whether the probe is lower by more than the rounding of values
  double visible() const;  // the smallest change of f that is not rounding
  // In the variables' units: from here to the probe; the gradient here; v without components into
  // bounds.
  Point way() const;
  Point slopes() const;
  Point free_part(Point v) const;
  bool held(std::size_t i, double slope) const;
  std::vector<Point> pulling(std::vector<Point> all) const;
  Place probed() const;

  std::size_t n_;
  const double *lower_, *upper_;
  const Sight sight_;
  Point units_;
  Place here_, lowest_;
  double first_f_;
  // The probe, and what was received for it (the gradient in units).
  Point asked_, g_;
  double f_ = 0.0;
  bool finite_ = false;
  std::int64_t probes_ = 0, most_probes_;
  bool steep_ = true;
  // What was found along the slope: the most by which f would fall, the last step, and whether the
  // slope turned gradually, as a smooth function's does, or abruptly.
  Point down_;
  double gain_ = 0.0, step_ = 0.0, noise_ = 0.0;
  bool bends_ = false, kinked_ = false;
  bool moved_ = false;  // a lower point was found
  // Of the gradients nearby: the length of the shortest in their convex hull, and the limit up to
  // which that counts as zero; how far f could still fall if it were convex, and the least fall
  // that is visible.
  double shortest_ = 0.0, limit_ = 0.0, deeper_ = 0.0, clear_ = 0.0;
  bool surrounded_ = false;
  std::optional<Finding> found_;
  std::coroutine_handle<> waiting_;
  Inquiry course_;
};

}  // namespace thalweg
