// SPDX-License-Identifier: BSD-3-Clause
// Examines the end of one lane: hands out probes and takes in values. For a solver without
// gradients, gradients are made from differences of values.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "thalweg/descent/examination.hpp"
#include "thalweg/descent/solver.hpp"

namespace thalweg {

class Closing {
 public:
  using Point = Examination::Point;

  // `place` has a gradient, unless the solver receives values only.
  Closing(std::int64_t of_lane, Examination::Place place, const double* start, const double* lower,
          const double* upper, const Examination::Sight& sight, bool values_alone)
      : lane(of_lane),
        values_alone_(values_alone),
        upper_(upper),
        x_(place.x),
        g_(place.g),
        f_(place.f),
        examination_(std::move(place), start, lower, upper, sight) {
    if (values_alone_) g_.assign(x_.size(), 0.0);
    examination_.begin(g_);
  }

  const double* asks() const {
    if (values_alone_ && axis_ >= 0) return aside_.data();
    return examination_.asks();
  }
  // Takes f and, if there are gradients, g(i) for each element.
  template <class G> void tell(double f, G g) {
    if (values_alone_) return tell_value(f);
    for (std::size_t i = 0; i < g_.size(); ++i) g_[i] = g(static_cast<std::int64_t>(i));
    examination_.tell(f, g_);
  }
  const Examination::Finding& finding() const { return examination_.finding(); }
  const Examination::Place& place() const { return examination_.place(); }
  bool knows_slope() const { return !values_alone_; }

  const std::int64_t lane;
  // The lane's published numbers, which stay as they are except for the count of evaluations; and
  // what the solver knew, if that would be lost.
  std::array<double, standing::Count> rows{};
  std::vector<double> memory;
  bool over = false;

 private:
  void tell_value(double f) {
    if (axis_ < 0) {
      x_.assign(examination_.asks(), examination_.asks() + x_.size());
      f_ = f;
      if (!examination_.asks_slope()) {
        g_.assign(x_.size(), 0.0);
        return examination_.tell(f_, g_);
      }
      axis_ = 0;
      return step_aside();
    }
    const auto i = static_cast<std::size_t>(axis_);
    examination_.also(aside_, f);
    g_[i] = (f - f_) / (aside_[i] - x_[i]);
    if (++axis_ < static_cast<std::int64_t>(x_.size())) return step_aside();
    axis_ = -1;
    examination_.tell(f_, g_);
  }
  void step_aside() {
    const auto i = static_cast<std::size_t>(axis_);
    const double apart = Examination::kApart * examination_.units()[i];
    aside_ = x_;
    aside_[i] += upper_ && x_[i] + apart > upper_[i] ? -apart : apart;
  }

  const bool values_alone_;
  const double* upper_;
  Point x_, g_, aside_;
  double f_;
  std::int64_t axis_ = -1;
  Examination examination_;
};

}  // namespace thalweg
