// SPDX-License-Identifier: BSD-3-Clause
// Finds a step that satisfies the Wolfe conditions, or the approximate ones, which use slopes and
// hold up to the limit of precision. W. W. Hager and H. Zhang 2005, SIAM J. Optim. 16(1), 170-192,
// section 4; comments name its steps by their letters.
#pragma once
#include "thalweg/line_searches/search.hpp"

namespace thalweg::line_searches {

template <class B, class K> class HagerZhang {
  using V = typename B::V;
  using Mask = typename B::Mask;
  using Scalar = typename K::Scalar;

 public:
  HagerZhang(K& k, double decrease, double slope)
      : alpha(k.scalar()),
        f0_(k.scalar()),
        slope0_(k.scalar()),
        longest_(k.scalar()),
        ceiling_(k.scalar()),
        low_{k.scalar(), k.scalar()},
        high_{k.scalar(), k.scalar()},
        width_(k.scalar()),
        stage_(k.scalar()),
        trials_(k.scalar()),
        delta_(decrease),
        sigma_(slope) {}

  Scalar alpha;  // the next trial

  void begin(Mask m, V f0, V slope0, V first, V longest) {
    const V zero(0.0);
    alpha.set(m, first), longest_.set(m, longest);
    f0_.set(m, f0), slope0_.set(m, slope0);
    ceiling_.set(m, f0 + V(kError) * abs(f0));
    low_.set(m, zero, slope0), high_.set(m, zero, zero);
    width_.set(m, zero), stage_.set(m, V(kBracketing)), trials_.set(m, zero);
  }

  Said<Mask> tell(Mask m, V f, V slope) {
    const V a = alpha, f0 = f0_, slope0 = slope0_, longest = longest_;
    const Mask finite = is_finite(f) & is_finite(slope);
    const Mask fits = finite & (f <= ceiling_), rising = finite & (slope >= V(0.0));
    const Mask steep = slope >= V(sigma_) * slope0;
    const Mask wolfe = finite & steep & (f - f0 <= V(delta_) * a * slope0);
    const Mask nearly = fits & steep & (slope <= V(2 * delta_ - 1) * slope0);
    const Mask at_end = fits & (a >= longest) & !rising;
    const Mask settled = (stage_ == V(kSettled)) & fits;
    Mask accepted = m & (wolfe | nearly | at_end | settled);
    trials_.set(m, trials_ + V(1.0));
    Mask open = m & !accepted;
    if (!any(open)) return {accepted, open};

    const Mask beyond = open & !finite;
    const V reach = low_.a + V(kRetreat) * (a - low_.a);
    longest_.set(beyond, reach);
    const Mask over = (open & ((trials_ >= V(kTrials)) | (stage_ == V(kSettled)))) |
                      (open & bracketed() & (high_.a - low_.a <= V(kNarrow) * high_.a)) |
                      (beyond & (reach <= V(kNarrow * kNarrow)));
    // A search that fails takes the furthest known point that is no higher.
    const Mask back = over & (low_.a > V(0.0)) & (stage_ != V(kSettled));
    stage_.set(back, V(kSettled));
    const Mask go = open & !over;
    if (any(go)) alpha.set(go, select(finite, next(go & finite, a, slope, fits, rising), reach));
    alpha.set(back, low_.a);
    return {accepted, over & !back};
  }

 private:
  static constexpr double kError = 1e-6;  // the share of |f| by which a value may appear to rise
  static constexpr double kLeast = 1.1, kGrowth = 5.0;  // growth of a step before a bracket
  static constexpr double kShrink = 0.66;  // an interval that shrinks by less is halved
  static constexpr double kTrials = 60.0;
  // The purpose of the current trial.
  static constexpr double kBracketing = 0, kNarrowing = 1, kSecant = 2, kSecantAgain = 3,
                          kHalving = 4, kSettled = 5;

  struct End {
    Scalar a, slope;
    void set(Mask m, V x, V y) { a.set(m, x), slope.set(m, y); }
  };
  Mask bracketed() const { return stage_ > V(kBracketing); }

  static V secant(V a, V slope_a, V b, V slope_b) {
    return (a * slope_b - b * slope_a) / (slope_b - slope_a);
  }

  // Updates the interval and sets the next trial.
  V next(Mask m, V a, V slope, Mask fits, Mask rising) {
    const V stage = stage_, low = low_.a, low_slope = low_.slope, high = high_.a,
            high_slope = high_.slope;
    const Mask bracketing = m & (stage == V(kBracketing)), first = m & (stage == V(kSecant));
    // U1 to U3, B1 to B3: a rising slope is the upper end of the interval and a low value the lower
    // end. A high value with a falling slope means that f rises before it, which halving finds.
    const Mask hidden = m & !(rising | fits);
    high_.set(m & (rising | hidden), a, slope);
    low_.set((m & fits) & !rising, a, slope);
    const Mask onward = (bracketing & fits) & !rising;
    stage_.set(hidden, V(kNarrowing));
    const Mask narrowing = hidden | ((m & (stage == V(kNarrowing))) & !rising);

    // S1 to S4: two secant steps, then halving if they did not shrink the interval enough.
    const Mask entered = m & !(onward | narrowing);
    const V again =
        select(rising, secant(high, high_slope, a, slope), secant(low, low_slope, a, slope));
    const Mask second = (entered & first) & inside(again);
    const V gap = high_.a - low_.a;
    const Mask slow =
        entered & ((stage == V(kSecantAgain)) | (first & !second)) & (gap > V(kShrink) * width_);
    const Mask anew = entered & !(second | slow);
    stage_.set(second, V(kSecantAgain));
    stage_.set(slow, V(kHalving));
    stage_.set(anew, V(kSecant));
    width_.set(anew, gap);

    const V middle = low_.a + V(0.5) * gap;
    const V through = secant(low_.a, low_.slope, high_.a, high_.slope);
    V to = select(narrowing | slow, middle, select(inside(through), through, middle));
    to = select(second, again, to);
    // No bracket yet: go to where the secant of the last two slopes is zero, within limits.
    const V ahead = secant(low, low_slope, a, slope);
    const V further =
        larger(V(kLeast) * a, select(ahead > a, smaller(ahead, V(kGrowth) * a), V(kGrowth) * a));
    return select(onward, smaller(further, longest_.get()), to);
  }
  Mask inside(V a) const { return (a > low_.a) & (a < high_.a); }

  Scalar f0_, slope0_, longest_, ceiling_;
  End low_, high_;
  Scalar width_, stage_, trials_;
  double delta_, sigma_;
};

}  // namespace thalweg::line_searches
