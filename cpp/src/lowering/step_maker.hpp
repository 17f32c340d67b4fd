// SPDX-License-Identifier: BSD-3-Clause
// A list of steps under construction: each number and each step is stored once, powers become
// products, and sine and cosine of the same angle become one step. select.cpp decides which steps
// are needed.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>

#include "lowering/intermediate.hpp"

namespace thalweg::intermediate {

class StepMaker {
 protected:
  Place number(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto [at, fresh] = numbers_.try_emplace(bits, position(list_.numbers.size(), "numbers"));
    if (fresh) list_.numbers.push_back(x);
    return {Space::Number, at->second, 0};
  }
  bool is_number(const Place& p) const { return p.space == Space::Number; }
  double number_at(const Place& p) const {
    return list_.numbers[static_cast<std::size_t>(p.index)];
  }

  std::int32_t extent(OwnedExtent e) {
    list_.extents.push_back(std::move(e));
    return position(list_.extents.size() - 1, "steps");
  }
  Place append(Step s) {
    list_.steps.push_back(s);
    return {Space::Scratch, position(list_.steps.size() - 1, "steps"), 0};
  }
  Place assembled(Step s, std::vector<Part> parts) {
    s.parts = position(list_.parts.size(), "joined arrays");
    list_.parts.push_back(std::move(parts));
    return append(s);
  }

  static std::uint64_t hash(const Step& s) {
    std::uint64_t h =
        static_cast<std::uint64_t>(s.code) * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(s.n);
    for (int k = 0; k < s.arity; ++k)
      h = (h ^ (static_cast<std::uint64_t>(s.in[k].space) << 56 ^
                static_cast<std::uint64_t>(s.in[k].index) << 24 ^
                static_cast<std::uint64_t>(s.in[k].offset))) *
          0xBF58476D1CE4E5B9u,
      h ^= h >> 31;
    return h;
  }
  static std::int16_t unpaired(std::int16_t c) {
    return c == kCosine                      ? code_of<ops::Cos>()
           : c == code16(code(Bulk::SinCos)) ? code_of<ops::Sin>()
                                             : c;
  }
  // An equal step that exists, or -1.
  std::int32_t find(const Step& s) const {
    const auto [from, to] = known_.equal_range(hash(s));
    for (auto it = from; it != to; ++it) {
      const Step& o = list_.steps[static_cast<std::size_t>(it->second)];
      if (unpaired(o.code) == s.code && o.n == s.n && o.extent == s.extent &&
          std::equal(s.in, s.in + s.arity, o.in) && std::equal(s.whole, s.whole + s.arity, o.whole))
        return it->second;
    }
    return -1;
  }
  // Adds a step unless an equal one exists.
  Place step(const Step& s) {
    if (const std::int32_t known = find(s); known >= 0) return {Space::Scratch, known, 0};
    const Place p = append(s);
    known_.emplace(hash(s), p.index);
    return p;
  }
  template <class Form> Place one(Place a, Place b = {}, Place c = {}) {
    return step(
        {.code = code_of<Form>(), .arity = static_cast<std::int8_t>(Form::arity), .in = {a, b, c}});
  }

  Place operation(int op, int arity, const Place* p, std::int64_t n, const bool* whole_operand) {
    Step s{.code = code16(op), .arity = fitted<std::int8_t>(arity), .n = n};
    for (int k = 0; k < arity; ++k) {
      s.in[k] = p[k];
      s.whole[k] = !whole_operand || whole_operand[k];
    }
    const auto product = [&](Place a, Place b) {
      Step m = s;
      m.code = code_of<ops::Multiply>();
      m.arity = 2;
      m.in[0] = a, m.in[1] = b;
      m.whole[0] = m.whole[1] = true;
      return step(m);
    };
    if (op == kOpcode<ops::Square>) return product(p[0], p[0]);
    if (op == kOpcode<ops::Power> && is_number(p[1]) && s.whole[0]) {
      const double e = number_at(p[1]);
      if (e == 1.0) return p[0];
      if (std::abs(e) <= kLargestPower && e == std::rint(e) && e != 0.0 &&
          e >= -kLargestPower / 2) {
        Place base = p[0];
        if (e < 0) {  // the powers of 1 / a, so that small results do not overflow on the way
          Step r = s;
          r.code = code_of<ops::Reciprocal>();
          r.arity = 1;
          base = step(r);
        }
        return whole_power(base, static_cast<int>(std::abs(e)), product);
      }
    }
    if (op == kOpcode<ops::Divide> && is_number(p[1])) {  // exact if the divisor is a power of two
      int exponent;
      const double d = number_at(p[1]);
      if (std::isnormal(d) && std::abs(std::frexp(d, &exponent)) == 0.5 && std::isnormal(1.0 / d)) {
        s.code = code_of<ops::Multiply>();
        s.in[1] = number(1.0 / d);
      }
    }
    if (op == kOpcode<ops::Logaddexp>)
      for (const int k : {0, 1})
        if (is_number(p[k]) && number_at(p[k]) == 0.0) {
          s.code = code_of<fused::Softplus>(), s.arity = 1;
          s.in[0] = s.in[1 - k], s.whole[0] = s.whole[1 - k];
          return step(s);
        }
    if (const int part = part_of_faddeeva(op); part >= 0) return faddeeva(s, part);
    if (op == kOpcode<ops::Sin> || op == kOpcode<ops::Cos>)
      return angle(s, op == kOpcode<ops::Cos>);
    return step(s);
  }

  // Products up to this power have an error of at most 4 ulp, the limit for np.power; negative
  // powers up to half of it.
  static constexpr int kLargestPower = 8;
  template <class Product> Place whole_power(Place a, int e, const Product& product) {
    if (e == 1) return a;
    const Place half = whole_power(a, e / 2, product), square = product(half, half);
    return e % 2 ? product(square, a) : square;
  }

  // Which of the results of Bulk::Faddeeva an operation is, or -1.
  template <class F> static constexpr int part_of_faddeeva() {
    if constexpr (requires { F::part_of_faddeeva; }) return F::part_of_faddeeva;
    else return -1;
  }
  template <class... Fs> static int part_of_faddeeva(OperationList<Fs...>, int op) {
    static constexpr int kPart[] = {part_of_faddeeva<Fs>()...};
    return kPart[op];
  }
  static int part_of_faddeeva(int op) { return part_of_faddeeva(Operations{}, op); }
  // One step gives all parts, one array after another.
  Place faddeeva(Step s, int part) {
    const std::int64_t n = s.n;
    s.code = code16(code(Bulk::Faddeeva));
    s.n = kFaddeevaParts * n;
    Place p = step(s);
    p.offset += part * n;
    return p;
  }

  // When sine and cosine of one angle are both needed, the second changes the first to a step for
  // both.
  Place angle(const Step& s, bool cosine) {
    Step other = s;
    other.code = cosine ? code_of<ops::Sin>() : code_of<ops::Cos>();
    const std::int32_t twin = find(other);
    const Place mine = step(s);
    if (twin < 0 || list_.steps[static_cast<std::size_t>(twin)].partner >= 0) return mine;
    const std::int32_t first = cosine ? twin : mine.index, second = cosine ? mine.index : twin;
    Step &sine = list_.steps[static_cast<std::size_t>(first)],
         &cos = list_.steps[static_cast<std::size_t>(second)];
    sine.code = code16(code(Bulk::SinCos));
    sine.partner = second;
    cos.code = kCosine;
    cos.partner = first;
    return mine;
  }

  // The tree of kernels.inl.hpp, for fewer elements than it has partial sums.
  template <class Element> Place joined(Reduction kind, std::int64_t n, std::int64_t j,
                                        std::int64_t by, const Element& element) {
    if (by >= n) return element(j);
    const Place low = joined(kind, n, j, by * 2, element);
    if (j + by >= n) return low;
    const Place high = joined(kind, n, j + by, by * 2, element);
    switch (kind) {
      case Reduction::Sum:
        return one<ops::Add>(low, high);
      case Reduction::Max:
        return one<ops::Maximum>(low, high);
      case Reduction::Min:
        return one<ops::Minimum>(low, high);
      default:
        return one<ops::Multiply>(low, high);
    }
  }

  Place sum(Place a, Place b) {
    if (is_number(a) && is_number(b)) return number(number_at(a) + number_at(b));
    return one<ops::Add>(a, b);
  }

  List list_;

 private:
  std::unordered_map<std::uint64_t, std::int32_t> numbers_;
  std::unordered_multimap<std::uint64_t, std::int32_t> known_;
};

}  // namespace thalweg::intermediate
