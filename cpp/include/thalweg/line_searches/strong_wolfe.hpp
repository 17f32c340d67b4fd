// SPDX-License-Identifier: BSD-3-Clause
// Finds a step with sufficient decrease and a small slope, by safeguarded cubic and quadratic steps
// in an interval that contains one. J. J. Moré and D. J. Thuente 1994, ACM Trans. Math. Softw.
// 20(3), 286-307, algorithm of section 2, trial values of section 4. Each case is a select over
// lanes.
#pragma once
#include "thalweg/line_searches/search.hpp"

namespace thalweg::line_searches {

template <class B, class K> class StrongWolfe {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Scalar = typename K::Scalar;

 public:
  // decrease and slope are c1 and c2 of f <= f0 + c1 a f0', |f'| <= c2 |f0'|.
  StrongWolfe(K& k, double decrease, double slope)
      : alpha(k.scalar()),
        f0_(k.scalar()),
        slope0_(k.scalar()),
        longest_(k.scalar()),
        best_{k.scalar(), k.scalar(), k.scalar()},
        other_{k.scalar(), k.scalar(), k.scalar()},
        bracketed_(k.scalar()),
        second_(k.scalar()),
        low_(k.scalar()),
        high_(k.scalar()),
        width_(k.scalar()),
        width_before_(k.scalar()),
        trials_(k.scalar()),
        settles_(k.scalar()),
        c1_(decrease),
        c2_(slope) {}

  Scalar alpha;  // the next trial

  void begin(Mask m, V f0, V slope0, V first, V longest) {
    const V zero(0.0);
    alpha.set(m, first), longest_.set(m, longest);
    f0_.set(m, f0), slope0_.set(m, slope0);
    for (End* e : {&best_, &other_}) e->a.set(m, zero), e->f.set(m, f0), e->slope.set(m, slope0);
    for (Scalar* s : {&bracketed_, &second_, &low_, &trials_, &settles_}) s->set(m, zero);
    high_.set(m, first + V(kLonger) * first);
    width_.set(m, longest), width_before_.set(m, longest + longest);
  }

  Mask begun_at(V f0, V slope0) const {
    return (f0_ == f0) & (slope0_ == slope0) & (trials_ >= V(0.0));
  }

  // Receives value and slope at alpha in the lanes m.
  Said<Mask> tell(Mask m, V f, V slope) {
    const V a = alpha, f0 = f0_, slope0 = slope0_, longest = longest_;
    const Mask finite = is_finite(f) & is_finite(slope);
    f = comparable(a, f0, slope0, f, slope);
    const V enough = V(c1_) * slope0;
    const Mask lower = finite & (f <= f0 + a * enough);
    const Mask flat = lower & (abs(slope) <= V(-c2_) * slope0),
               at_end = lower & (a >= longest) & (slope <= enough),
               settled = settles_.on() & finite & (f <= f0);
    Mask accepted = m & (flat | at_end | settled);
    trials_.set(m, trials_ + V(1.0));
    Mask open = m & !accepted;
    if (!any(open)) return {accepted, open};

    // If f is not finite at a trial, the step is shortened, and no longer one is tried again.
    const Mask beyond = open & !finite;
    const V reach = best_.a + V(kRetreat) * (a - best_.a);
    longest_.set(beyond, reach);
    alpha.set(beyond, reach), high_.set(beyond, reach);

    const Mask collapsed = open & finite & bracketed_.on() &
                           ((a <= low_) | (a >= high_) | (high_ - low_ <= V(kNarrow) * high_));
    const Mask over = collapsed | (open & (trials_ >= V(kTrials))) | (open & settles_.on()) |
                      (beyond & (a - best_.a <= V(kNarrow * kNarrow)));
    // A search that ends without success takes the lowest point that it met.
    const Mask here = over & lower & ((f <= best_.f) | (a == best_.a));
    const Mask back = over & !here & (best_.a > V(0.0)) & !settles_.on();
    alpha.set(back, best_.a), settles_.set(back, V(1.0));
    accepted = accepted | here;
    Mask failed = over & !here & !back;
    const Mask go = open & finite & !over;
    if (any(go)) failed = failed | refine(go, a, f, slope, lower, enough);
    return {accepted, failed};
  }

 private:
  static constexpr double kLonger = 4.0;  // largest growth, relative to the last increase
  static constexpr double kTrials = 40.0;

  struct End {
    Scalar a, f, slope;
    void set(Mask m, V x, V y, V z) { a.set(m, x), f.set(m, y), slope.set(m, z); }
  };

  // Updates the interval and sets the next trial, or the best endpoint, evaluated before, if the
  // interval has no point inside. Returns the lanes in which that is the start of the search.
  Mask refine(Mask m, V a, V f, V slope, Mask lower, V enough) {
    second_.set(m & lower & (slope >= V(0.0)), V(1.0));
    // Until a point has sufficient decrease, minimize f - a c1 f0' instead of f.
    const Mask shifted = m & !second_.on() & (f <= best_.f) & !lower;
    const V shift = select(shifted, enough, V(0.0));
    const V fa = f - a * shift, ga = slope - shift;
    const V x = best_.a, fx = best_.f - x * shift, gx = best_.slope - shift;
    const V y = other_.a, fy = other_.f - y * shift, gy = other_.slope - shift;

    const Mask higher = fa > fx, turned = (ga * gx < V(0.0)) & !higher,
               flatter = (abs(ga) < abs(gx)) & !(higher | turned);
    const V next = trial(m, {x, fx, gx}, {y, fy, gy}, {a, fa, ga}, higher, turned, flatter);
    other_.set(m & higher, a, f, slope);
    other_.set(m & turned, best_.a, best_.f, best_.slope);
    best_.set(m & !higher, a, f, slope);
    bracketed_.set(m & (higher | turned), V(1.0));

    // An interval that does not shrink is halved.
    const Mask bracketed = m & bracketed_.on();
    const V gap = abs(other_.a - best_.a);
    V step = select(bracketed & (gap >= V(0.66) * width_before_),
                    best_.a + V(0.5) * (other_.a - best_.a), next);
    width_before_.set(bracketed, width_), width_.set(bracketed, gap);
    low_.set(m, select(bracketed, smaller(best_.a.get(), other_.a.get()),
                       step + V(1.1) * (step - best_.a)));
    high_.set(m, select(bracketed, larger(best_.a.get(), other_.a.get()),
                        step + V(kLonger) * (step - best_.a)));
    step = larger(smaller(step, longest_.get()), V(0.0));
    const Mask none =
        bracketed & ((step <= low_) | (step >= high_) | (high_ - low_ <= V(kNarrow) * high_));
    alpha.set(m, select(none, best_.a, step));
    settles_.set(none, V(1.0));
    return none & (best_.a <= V(0.0));
  }

  struct Point {
    V a, f, slope;
  };
  // The four cases of section 4: p is the trial, x the best endpoint, y the other one.
  V trial(Mask m, Point x, Point y, Point p, Mask higher, Mask turned, Mask flatter) const {
    const V zero(0.0), half(0.5);
    const V step = p.a - x.a;
    const V secant = p.a + p.slope / (p.slope - x.slope) * (x.a - p.a);
    // The minimum of the cubic through x and p, in the form with the least cancellation.
    const V theta = V(3.0) * (x.f - p.f) / step + x.slope + p.slope;
    const V size = larger(abs(theta), larger(abs(x.slope), abs(p.slope)));
    const V under = (theta / size) * (theta / size) - (x.slope / size) * (p.slope / size);
    const V root = size * sqrt(larger(under, zero));
    const V gamma = select((step < zero) != higher, root, -root);
    // Measured from x in case 1, else from p.
    const V near = select(higher, x.slope, p.slope), far = select(higher, p.slope, x.slope);
    const V r = ((gamma - near) + theta) / (((gamma - near) + gamma) + far);
    V cubic = select(higher, x.a + r * step, p.a - r * step);
    const V quadratic = x.a + (x.slope / ((x.f - p.f) / step + x.slope)) * half * step;
    const Mask bracketed = bracketed_.on(), onward = p.a > x.a;
    const Mask away = flatter & !((r < zero) & (gamma != zero));
    cubic = select(away, select(onward, high_.get(), low_.get()), cubic);

    const Mask nearer = abs(cubic - p.a) < abs(secant - p.a);
    // 1: the value is higher. 2: the slope changed sign. 3: its size is smaller. 4: none of these.
    const V first =
        select(abs(cubic - x.a) < abs(quadratic - x.a), cubic, cubic + (quadratic - cubic) * half);
    const V second = select(nearer, secant, cubic);
    const V cautious = p.a + V(0.66) * (y.a - p.a);
    V third = select(nearer != bracketed, secant, cubic);
    third = select(bracketed, select(onward, smaller(cautious, third), larger(cautious, third)),
                   larger(low_.get(), smaller(high_.get(), third)));
    V next = select(higher, first, select(turned, second, third));
    const Mask fourth = m & !(higher | turned | flatter);
    if (any(fourth))
      next = select(
          fourth, select(bracketed, towards(y, p), select(onward, high_.get(), low_.get())), next);
    return next;
  }
  // The minimum of the cubic through p and y.
  V towards(Point y, Point p) const {
    const V step = y.a - p.a;
    const V theta = V(3.0) * (p.f - y.f) / step + y.slope + p.slope;
    const V size = larger(abs(theta), larger(abs(y.slope), abs(p.slope)));
    const V under = (theta / size) * (theta / size) - (y.slope / size) * (p.slope / size);
    const V root = size * sqrt(larger(under, V(0.0)));
    const V gamma = select(p.a > y.a, -root, root);
    const V r = ((gamma - p.slope) + theta) / (((gamma - p.slope) + gamma) + y.slope);
    return p.a + r * step;
  }

  Scalar f0_, slope0_, longest_;
  End best_, other_;
  Scalar bracketed_, second_, low_, high_, width_, width_before_, trials_, settles_;
  double c1_, c2_;
};

}  // namespace thalweg::line_searches
