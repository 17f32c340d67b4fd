// SPDX-License-Identifier: BSD-3-Clause
// The parts of an examination, each written as a sequence of probes. Every variable is measured in
// a unit of its own: its size, or the distance from its start.
//
// Rounding: take longer and longer steps along the steepest slope until the slope turns. The secant
// then gives the most by which f would fall (and conjugate gradients on differences of gradients,
// the fall in all directions). Where f does not change as its slopes predict, differences over
// shorter and shorter steps measure its noise (after J. J. Moré and S. M. Wild 2011, SIAM J. Sci.
// Comput. 33(3), 1292-1314); where it does not change at all, longer steps, until it does. Kinks:
// at a minimum, the shortest vector in the convex hull of gradients near the point is zero.
// Elsewhere it leads down, or to a gradient that makes it shorter (P. Wolfe 1975, Math. Program.
// Study 3, 145-173; as a stopping test, A. S. Lewis and M. L. Overton 2013, Math. Program. 141,
// 135-163, section 6.3).
#include "thalweg/descent/examination.hpp"

#include <algorithm>
#include <cmath>

#include "thalweg/descent/block.hpp"

#include "descent/hull.hpp"

namespace thalweg {
namespace {

constexpr double kEpsilon = 2.220446049250313e-16;
constexpr double kVisible = 1e3 * kEpsilon;  // of |f|: changes that are not rounding
constexpr double kRounded = 16 * kEpsilon;   // of x
constexpr double kDeeper = 100.0;            // a kink may be too high by this many visible falls
constexpr double kFurther = 100.0;           // the largest growth of a step
constexpr double kFelt = 1e-2, kFar = 1e30;  // in units: a step that usually changes f; the longest
constexpr double kAgrees = 0.1;              // the relative difference of f and its slopes
constexpr std::size_t kModel = 20;           // the most steps of conjugate gradients
constexpr std::size_t kMostSlopes = 80;      // the most gradients in a hull
constexpr std::size_t kFewAxes = 12, kOthers = 8;  // the number of directions to try

double largest(const Point& v) {
  double most = 0.0;
  for (const double a : v) most = std::max(most, std::abs(a));
  return most;
}
double length(const Point& v) { return std::sqrt(dot(v, v)); }
Point scaled(double a, Point v) {
  for (double& e : v) e *= a;
  return v;
}
Point minus(Point a, const Point& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}
Point times(Point a, const Point& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] *= b[i];
  return a;
}
// In [-0.5, 0.5), by D. E. Knuth's MMIX.
double random(std::uint64_t& seed) {
  seed = seed * 6364136223846793005U + 1442695040888963407U;
  return static_cast<double>(seed >> 11) / 9007199254740992.0 - 0.5;
}

}  // namespace

Examination::Examination(Place place, const double* start, const double* lower, const double* upper,
                         const Sight& sight)
    : n_(place.x.size()),
      lower_(lower),
      upper_(upper),
      sight_(sight),
      units_(place.x),
      here_(std::move(place)),
      lowest_(here_),
      first_f_(here_.f),
      asked_(here_.x),
      g_(n_),
      most_probes_(100 + 20 * static_cast<std::int64_t>(std::min<std::size_t>(n_, 20))),
      course_(examine()) {
  for (std::size_t i = 0; i < n_; ++i)
    units_[i] = std::max(std::abs(here_.x[i]), std::abs(here_.x[i] - start[i]));
  const double most = largest(units_);
  for (double& unit : units_)
    if (!(unit > 0.0)) unit = most > 0.0 ? most : 1.0;
}

void Examination::begin(const Point& g) {
  here_.g = lowest_.g = g;
  course_.handle().resume();
}

void Examination::tell(double f, const Point& g) {
  f_ = f, g_ = times(g, units_);
  ++probes_;
  finite_ = std::isfinite(f_) && std::ranges::all_of(g_, [](double a) { return std::isfinite(a); });
  if (finite_ && f_ < lowest_.f) lowest_ = {asked_, f_, g};
  waiting_.resume();
}

// ---- the sequence of probes

Inquiry Examination::examine() {
  if (sight_.blurred) co_return co_await examine_by_values();
  while (probes_ < most_probes_) {
    moved_ = false;
    co_await look_along_the_slope();
    if (!moved_ && bends_ && gain_ <= visible() && !sight_.expected && n_ > 1)
      co_await solve_the_model();
    if (!moved_ && bends_ && gain_ <= visible())
      co_return conclude(Verdict::PrecisionLimit, gain_, visible());
    if (!moved_ && !kinked_) {
      co_await measure_noise();
      if (gain_ <= noise_) co_return conclude(Verdict::PrecisionLimit, gain_, noise_);
    }
    if (!moved_) co_await look_for_a_kink();
    if (found_) co_return;
    if (!moved_) break;
    if (first_f_ - here_.f > visible()) co_return conclude(Verdict::Going, here_.f, first_f_);
  }
  const double limit = std::max(visible(), noise_);
  conclude(gain_ > limit ? Verdict::Stuck : Verdict::PrecisionLimit, gain_, limit);
}

// Slopes from differences are too inaccurate at a smooth place, so the method's own verdict stands.
Inquiry Examination::examine_by_values() {
  while (probes_ < most_probes_) {
    moved_ = kinked_ = false;
    co_await look_for_a_kinked_axis();
    if (!kinked_) co_await look_further();
    if (!kinked_ && !moved_) co_return conclude(Verdict::PrecisionLimit, 0.0, visible());
    if (moved_) co_return conclude(Verdict::Going, here_.f, first_f_);
    steep_ = true;
    co_await probe(here_.x);
    here_ = probed();
    co_await look_for_a_kink();
    if (found_) co_return;
    if (!moved_) break;
    if (first_f_ - here_.f > visible()) co_return conclude(Verdict::Going, here_.f, first_f_);
  }
  conclude(Verdict::Stuck, std::max(length(slopes()), 2 * visible()), visible());
}

// Second differences of a smooth function shrink with the square of the step.
Inquiry Examination::look_for_a_kinked_axis() {
  steep_ = false;
  for (std::size_t i = 0; i < n_ && !kinked_; ++i) {
    Point axis(n_, 0.0);
    axis[i] = 1.0;
    double wide = 0.0;
    for (const double step : {sight_.step, sight_.step / 8}) {
      double bend = -2.0 * here_.f;
      bool cut = false;  // at a bound
      for (const double side : {step, -step}) {
        co_await along(axis, side);
        bend += f_;
        cut = cut || length(way()) < 0.5 * step;
      }
      if (cut) break;
      if (step == sight_.step) wide = bend;
      else kinked_ = bend > wide / 24 && bend > visible();
    }
  }
}

// If f does not change, since units are unknown at 0, take longer steps along the axis.
Inquiry Examination::look_further() {
  for (std::size_t i = 0; i < std::min(n_, kFewAxes); ++i)
    for (const double side : {1.0, -1.0}) {
      Point axis(n_, 0.0);
      axis[i] = side;
      for (double step = kFelt; step < kFar; step *= kFurther) {
        co_await along(axis, step);
        if (finite_ && f_ < here_.f - visible()) co_return co_await descend(axis, step);
        if (!(std::abs(f_ - here_.f) <= visible()) || length(way()) < 0.5 * step) break;
      }
    }
}

void Examination::conclude(Verdict verdict, double left, double right) {
  if (lowest_.f < here_.f - kSlack * std::max(1.0, std::abs(here_.f))) here_ = lowest_;
  found_ = {verdict, left, right};
}

// Takes steps along the steepest slope, from a short one on, until the slope has turned.
Inquiry Examination::look_along_the_slope() {
  bends_ = kinked_ = false, gain_ = noise_ = step_ = 0.0;
  const Point slope = free_part(slopes());
  const double size = length(slope);
  if (!(size > 0.0)) {
    bends_ = true;
    co_return;
  }
  down_ = scaled(-1.0 / size, slope);
  double step = sight_.step;
  double shorter_bend = INFINITY;
  for (int tries = 0; tries < 40; ++tries) {
    co_await along(down_, step);
    if (finite_ && lower()) co_return co_await descend(down_, step);
    if (!finite_) {
      step *= 0.1;
      continue;
    }
    const double promised = -dot(slopes(), way()), bend = 1.0 + dot(g_, way()) / promised;
    if (!(promised > 0.0)) break;  // bounds prevent any step
    step_ = step;
    if (bend < 0.5) {
      gain_ = promised * (1.0 - 0.5 * std::max(bend, 0.0));
      if (gain_ > visible()) co_return;  // f did not fall as its slopes predict
      shorter_bend = bend;
      step *= bend > 1.0 / kFurther ? 1.0 / bend : kFurther;
      continue;
    }
    gain_ = 0.5 * promised / bend;
    if (gain_ > visible()) {
      co_await along(down_, step / bend);
      if (finite_ && lower()) co_return co_await descend(down_, step / bend);
    }
    if (!(shorter_bend < INFINITY)) {
      co_await along(down_, step / 8);
      if (finite_ && lower()) co_return co_await descend(down_, step / 8);
      shorter_bend = finite_ ? 1.0 - dot(g_, way()) / dot(slopes(), way()) : 0.0;
    }
    // The slope of a smooth function changes in proportion to the step.
    kinked_ = !(shorter_bend < 0.5 * bend);
    bends_ = !kinked_;
    co_return;
  }
  // No step had a finite value, or none changed f.
  bends_ = shorter_bend < INFINITY || gain_ > 0.0;
  if (!bends_) gain_ = size * step;
}

// Computes how far f would fall if its gradients continued to change as they do nearby: by
// conjugate gradients, with products of the Hessian computed by central differences: with one-sided
// ones, cg ended in Meyer's valley with a fall of 2e-5 ahead.
Inquiry Examination::solve_the_model() {
  Point rest = scaled(-1.0, free_part(slopes())), direction = rest, step(n_, 0.0);
  double squares = dot(rest, rest), gain = 0.0;
  const double first = squares, apart = std::max(step_, 10 * sight_.step);
  for (std::size_t k = 0; k < std::min(n_, kModel) && squares > 1e-12 * first; ++k) {
    const double size = length(direction);
    co_await along(scaled(1.0 / size, direction), apart);
    if (finite_ && lower()) co_return co_await descend(scaled(1.0 / size, direction), apart);
    if (!finite_) break;
    const Point ahead = g_, gone = way();
    co_await along(scaled(1.0 / size, direction), -apart);
    if (finite_ && lower()) co_return co_await descend(scaled(1.0 / size, direction), -apart);
    if (!finite_) break;
    const Point product = free_part(scaled(size / length(minus(gone, way())), minus(ahead, g_)));
    const double bent = dot(direction, product);
    if (!(bent > 0.0)) break;
    const double t = squares / bent;
    gain += 0.5 * t * squares;
    for (std::size_t i = 0; i < n_; ++i) {
      step[i] += t * direction[i];
      rest[i] -= t * product[i];
    }
    const double left = dot(rest, rest);
    for (std::size_t i = 0; i < n_; ++i) direction[i] = rest[i] + left / squares * direction[i];
    squares = left;
  }
  gain_ = std::max(gain_, gain);
  const double far = length(step);
  if (!(gain > visible()) || !(far > 0.0)) co_return;
  co_await along(scaled(1.0 / far, step), far);
  if (finite_ && lower()) co_await descend(scaled(1.0 / far, step), far);
}

// A difference between f and its slopes that does not shrink with the step is noise.
Inquiry Examination::measure_noise() {
  double most = 0.0, last = 0.0;
  double step = step_;
  bool flat = true;
  for (int k = 0; k < 8; ++k, step *= 0.25) {
    co_await along(down_, step);
    if (!finite_ || !(largest(way()) > 0.0)) break;
    const double differs = std::abs(f_ - here_.f - by_slopes());
    flat = flat && f_ == here_.f;
    most = std::max(most, differs);
    if (k >= 4) last = std::max(last, differs);
  }
  noise_ = last > 0.05 * most ? 2.0 * most : 0.0;
  if (flat && most > 0.0) co_await measure_steps_of_the_value(most);
}

// f is the same at all points where slopes say that it is not: rounded, if it agrees with them
// further away. Otherwise the slopes are wrong.
Inquiry Examination::measure_steps_of_the_value(double most) {
  for (double step = 4.0 * step_; probes_ < most_probes_; step *= 4.0) {
    co_await along(down_, step);
    if (!finite_ || !(step < kFar)) co_return;
    const double change = f_ - here_.f, differs = std::abs(change - by_slopes());
    if (differs < kAgrees * std::abs(change)) {
      noise_ = 2.0 * most;
      co_return;
    }
    most = std::max(most, differs);
  }
}

Inquiry Examination::look_for_a_kink() {
  bool sure = false;
  for (const double radius : sight_.radii) {
    co_await surround(radius);
    if (!moved_ && surrounded_) co_await look_around(radius);
    if (moved_) co_return;
    if (!surrounded_) break;
    sure = deeper_ <= kDeeper * clear_;
    if (deeper_ <= clear_) break;
  }
  if (sure) conclude(Verdict::Kink, std::min(shortest_, limit_), limit_);
}

// Gathers gradients within the radius until the shortest vector in their convex hull is zero, or a
// lower point is found. If f were convex, it could be lower elsewhere by at most `deeper_`.
Inquiry Examination::surround(double radius) {
  surrounded_ = false;
  std::vector<Point> gradients{slopes()};
  std::vector<double> errors{0.0};
  while (gradients.size() < kMostSlopes && probes_ < most_probes_) {
    std::vector<double> weights;
    const Point shortest = shortest_in_hull(pulling(gradients), weights);
    double longest = 0.0;
    for (const Point& g : gradients) longest = std::max(longest, length(g));
    shortest_ = length(shortest);
    limit_ = std::max(visible(), sight_.slopes * longest);
    clear_ = visible() + sight_.slopes * longest * radius;
    bool none = true;
    for (std::size_t i = 0; i < n_; ++i)
      none = none && std::abs(shortest[i]) <= sight_.steep * units_[i];
    if (shortest_ <= limit_ || none) {
      limit_ = std::max(limit_, shortest_);
      deeper_ = dot(weights, errors);
      surrounded_ = longest > 100 * limit_;  // equally small slopes are no kink
      co_return;
    }
    if (!(shortest_ > 0.0)) co_return;
    const Point down = scaled(-1.0 / shortest_, shortest);
    bool cut = false;
    for (double step = radius; !cut && step > radius / 1e4; step /= 16) {
      co_await along(down, step);
      if (finite_ && lower()) co_return co_await descend(down, step);
      cut = finite_ && -dot(g_, down) < 0.5 * shortest_;
    }
    if (!cut) co_return;
    gradients.push_back(g_);
    errors.push_back(std::abs(here_.f - f_ + dot(g_, way())));
  }
}

// Looks for a lower point nearby: along each axis if there are few, and along other directions.
Inquiry Examination::look_around(double radius) {
  std::uint64_t seed = 1;
  const std::size_t axes = n_ <= kFewAxes ? n_ : 0, others = n_ > 1 ? kOthers : 0;
  for (std::size_t k = 0; k < axes + others; ++k) {
    Point direction(n_, 0.0);
    if (k < axes) direction[k] = 1.0;
    else
      for (double& d : direction) d = random(seed);
    direction = scaled(1.0 / length(direction), std::move(direction));
    for (const double side : {radius, -radius}) {
      co_await along(direction, side);
      if (finite_ && lower()) co_return co_await descend(direction, side);
    }
  }
}

// The last probe is lower: take longer steps as long as f falls.
Inquiry Examination::descend(Point direction, double step) {
  const Point from = here_.x;
  do {
    here_ = probed();
    step *= 4;
    Point to = from;
    for (std::size_t i = 0; i < n_; ++i) to[i] += step * direction[i] * units_[i];
    co_await probe(std::move(to));
  } while (finite_ && lower() && probes_ < most_probes_);
  moved_ = true;
}

// ---- vocabulary

Examination::Probe Examination::probe(Point at) {
  if (!std::ranges::all_of(at, [](double a) { return std::isfinite(a); })) at = here_.x;
  if (lower_)
    for (std::size_t i = 0; i < n_; ++i) at[i] = std::clamp(at[i], lower_[i], upper_[i]);
  asked_ = std::move(at);
  return {*this};
}
Examination::Probe Examination::along(const Point& direction, double step) {
  Point at = here_.x;
  for (std::size_t i = 0; i < n_; ++i) at[i] += step * direction[i] * units_[i];
  return probe(std::move(at));
}
// The change of f to the probe by the slopes at both ends.
double Examination::by_slopes() const { return 0.5 * (dot(slopes(), way()) + dot(g_, way())); }
bool Examination::lower() const { return f_ < here_.f - kSlack * std::abs(here_.f) - sight_.noise; }
// The rounding of f, plus the change of f caused by rounding x; or the noise of f, if it is known.
double Examination::visible() const {
  double of_x = 0.0;
  for (std::size_t i = 0; i < n_; ++i) of_x += std::abs(here_.g[i] * here_.x[i]);
  return std::max(kVisible * std::abs(here_.f) + kRounded * of_x, sight_.noise);
}
Point Examination::way() const {
  Point gone = minus(asked_, here_.x);
  for (std::size_t i = 0; i < n_; ++i) gone[i] /= units_[i];
  return gone;
}
Point Examination::slopes() const { return times(here_.g, units_); }
Examination::Place Examination::probed() const {
  Place place{asked_, f_, g_};
  for (std::size_t i = 0; i < n_; ++i) place.g[i] /= units_[i];
  return place;
}

// Whether a bound stops a variable that the slope would move beyond it.
bool Examination::held(std::size_t i, double slope) const {
  return lower_ &&
         ((here_.x[i] <= lower_[i] && slope > 0) || (here_.x[i] >= upper_[i] && slope < 0));
}
Point Examination::free_part(Point v) const {
  for (std::size_t i = 0; i < n_; ++i)
    if (held(i, here_.g[i])) v[i] = 0.0;
  return v;
}
// The slopes without the components that a bound cancels in all of them.
std::vector<Point> Examination::pulling(std::vector<Point> all) const {
  for (std::size_t i = 0; i < n_; ++i)
    if (std::ranges::all_of(all, [&](const Point& g) { return held(i, g[i]) || g[i] == 0.0; }))
      for (Point& g : all) g[i] = 0.0;
  return all;
}

}  // namespace thalweg
