// SPDX-License-Identifier: BSD-3-Clause
// The types in which vector mathematics and kernels are written: a batch of doubles, a mask, and
// the batch's bits. A thin layer over xsimd. `Where` is a type local to one translation unit, so
// that everything instantiated with a Vec has internal linkage and no two instruction sets can
// share a symbol.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <xsimd/xsimd.hpp>

#if defined(__GNUC__)
#define THALWEG_INLINED __attribute__((always_inline))  // for lambdas
#else
#define THALWEG_INLINED
#endif
#define THALWEG_INLINE inline THALWEG_INLINED

namespace thalweg {

// Marks the upper halves of the vector registers as unused. The compiler does not do so at the end
// of a function that takes vectors as arguments. Without it, the next instruction in the older SSE
// encoding, in any code, waits for the upper halves (350 cycles per round on Zen 3).
static THALWEG_INLINE void drop_upper_halves() {
#ifdef __AVX__
  _mm256_zeroupper();
#endif
}

template <class Arch, class Where> struct Vec;

// True or false in each lane.
template <class Arch, class Where> struct Mask {
  using VecType = Vec<Arch, Where>;
  xsimd::batch_bool<double, Arch> m;
  friend THALWEG_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
  friend THALWEG_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
  friend THALWEG_INLINE Mask operator!(Mask a) { return {!a.m}; }
  friend THALWEG_INLINE Mask operator!=(Mask a, Mask b) { return {a.m ^ b.m}; }
  friend THALWEG_INLINE bool any(Mask a) { return xsimd::any(a.m); }
  friend THALWEG_INLINE bool all(Mask a) { return xsimd::all(a.m); }
  // Lane k as bit k.
  friend THALWEG_INLINE std::uint64_t lanes(Mask a) { return a.m.mask(); }
};

// The bit patterns of a Vec: unsigned 64-bit integers, with logical shifts.
template <class Arch, class Where> struct Bits {
  xsimd::batch<std::uint64_t, Arch> b;
  THALWEG_INLINE Bits(xsimd::batch<std::uint64_t, Arch> x) : b(x) {}
  THALWEG_INLINE Bits(std::uint64_t x) : b(x) {}
  friend THALWEG_INLINE Bits operator+(Bits x, Bits y) { return {x.b + y.b}; }
  friend THALWEG_INLINE Bits operator-(Bits x, Bits y) { return {x.b - y.b}; }
  friend THALWEG_INLINE Bits operator&(Bits x, Bits y) { return {x.b & y.b}; }
  friend THALWEG_INLINE Bits operator|(Bits x, Bits y) { return {x.b | y.b}; }
  friend THALWEG_INLINE Bits operator^(Bits x, Bits y) { return {x.b ^ y.b}; }
  friend THALWEG_INLINE Bits operator<<(Bits x, int n) { return {x.b << n}; }
  friend THALWEG_INLINE Bits operator>>(Bits x, int n) { return {x.b >> n}; }
  friend THALWEG_INLINE Mask<Arch, Where> nonzero(Bits x) {
    return {xsimd::batch_bool_cast<double>(x.b != xsimd::batch<std::uint64_t, Arch>(0))};
  }
};

// One batch of doubles. Arithmetic rounds as in IEEE 754, independently in each lane.
template <class Arch, class Where> struct Vec {
  using Batch = xsimd::batch<double, Arch>;
  using Register = typename Batch::register_type;
  using MaskType = Mask<Arch, Where>;
  using BitsType = Bits<Arch, Where>;
  static constexpr std::size_t kSize = Batch::size;
  // Whether fma() rounds once. If not, it is a product followed by a sum.
  static constexpr bool kFused = !std::is_same_v<Arch, xsimd::sse2>;
  // The number of vector registers: 16 with SSE and AVX; 32 with AVX-512 and NEON.
  static constexpr int kRegisters =
      (std::is_base_of_v<xsimd::sse2, Arch> || std::is_base_of_v<xsimd::avx, Arch>) ? 16 : 32;

  Batch v;

  THALWEG_INLINE Vec() = default;
  THALWEG_INLINE Vec(Batch x) : v(x) {}
  THALWEG_INLINE Vec(double x) : v(x) {}
  static THALWEG_INLINE Vec load(const double* p) { return Batch::load_unaligned(p); }
  THALWEG_INLINE void store(double* p) const { v.store_unaligned(p); }
  // Loads or stores the first n < kSize elements; on loading, the others become 0.
  static THALWEG_INLINE Vec load(const double* p, std::int64_t n) {
#if defined(__AVX512F__)
    if constexpr (kSize == 8)
      return Batch(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << n) - 1), p));
#endif
#if defined(__AVX__)
    if constexpr (kSize == 4) {
      const MaskType there = count() < Vec(static_cast<double>(n));
      return Batch(_mm256_maskload_pd(p, _mm256_castpd_si256(there.m)));
    }
#endif
    return each_lane([&]<std::size_t... I>(std::index_sequence<I...>) {
      return Vec(Batch((static_cast<std::int64_t>(I) < n ? p[I] : 0.0)...));
    });
  }
  THALWEG_INLINE void store(double* p, std::int64_t n) const { store_some(Register(v), p, n); }
  // 0, 1, 2, …
  static THALWEG_INLINE Vec count() {
    return each_lane([]<std::size_t... I>(std::index_sequence<I...>) {
      return Vec(Batch(static_cast<double>(I)...));
    });
  }

  friend THALWEG_INLINE Vec operator+(Vec a, Vec b) { return a.v + b.v; }
  friend THALWEG_INLINE Vec operator-(Vec a, Vec b) { return a.v - b.v; }
  friend THALWEG_INLINE Vec operator*(Vec a, Vec b) { return a.v * b.v; }
  friend THALWEG_INLINE Vec operator/(Vec a, Vec b) { return a.v / b.v; }
  friend THALWEG_INLINE MaskType operator<(Vec a, Vec b) { return {a.v < b.v}; }
  friend THALWEG_INLINE MaskType operator<=(Vec a, Vec b) { return {a.v <= b.v}; }
  friend THALWEG_INLINE MaskType operator>(Vec a, Vec b) { return {a.v > b.v}; }
  friend THALWEG_INLINE MaskType operator>=(Vec a, Vec b) { return {a.v >= b.v}; }
  friend THALWEG_INLINE MaskType operator==(Vec a, Vec b) { return {a.v == b.v}; }
  friend THALWEG_INLINE MaskType operator!=(Vec a, Vec b) { return {a.v != b.v}; }

  // a * b + c
  friend THALWEG_INLINE Vec fma(Vec a, Vec b, Vec c) {
    if constexpr (kFused) return xsimd::fma(a.v, b.v, c.v);
    else return a.v * b.v + c.v;
  }
  // a * b - c
  friend THALWEG_INLINE Vec fms(Vec a, Vec b, Vec c) {
    if constexpr (kFused) return xsimd::fms(a.v, b.v, c.v);
    else return a.v * b.v - c.v;
  }
  // c - a * b
  friend THALWEG_INLINE Vec fnma(Vec a, Vec b, Vec c) {
    if constexpr (kFused) return xsimd::fnma(a.v, b.v, c.v);
    else return c.v - a.v * b.v;
  }
  // The smaller, or the larger, of the two; a if either is NaN.
  friend THALWEG_INLINE Vec smaller(Vec a, Vec b) { return xsimd::min(a.v, b.v); }
  friend THALWEG_INLINE Vec larger(Vec a, Vec b) { return xsimd::max(a.v, b.v); }
  friend THALWEG_INLINE Vec select(MaskType m, Vec a, Vec b) {
    return xsimd::select(m.m, a.v, b.v);
  }
  friend THALWEG_INLINE Vec sqrt(Vec a) { return xsimd::sqrt(a.v); }
  // Rounds to the nearest integer, ties to even. Like floor and ceil, it keeps -0, infinities and
  // NaN.
  friend THALWEG_INLINE Vec rint(Vec a) {
    if constexpr (kFused) {
      return xsimd::nearbyint(a.v);
    } else {  // adding 2^52 with the sign of a leaves no bits for a fraction
      const Vec magic = copysign(Vec(4503599627370496.0), a);
      return select(abs(a) < Vec(4503599627370496.0), copysign((a + magic) - magic, a), a);
    }
  }
  friend THALWEG_INLINE BitsType bits(Vec a) { return xsimd::bitwise_cast<std::uint64_t>(a.v); }
  static THALWEG_INLINE Vec from_bits(BitsType b) { return xsimd::bitwise_cast<double>(b.b); }

#if defined(__AVX512F__)
  // p 2^floor(n), rounded once if it is subnormal; the exponent of a, as a number, and the rest of
  // a in [0.75, 1.5), which is NaN where a is negative.
  friend THALWEG_INLINE Vec scaled(Vec p, Vec n) { return Batch(_mm512_scalef_pd(p.v, n.v)); }
  friend THALWEG_INLINE Vec exponent(Vec a) { return Batch(_mm512_getexp_pd(a.v)); }
  friend THALWEG_INLINE Vec mantissa(Vec a) {
    return Batch(_mm512_getmant_pd(a.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan));
  }
  // table[i & 15] for each lane's i, in registers.
  static THALWEG_INLINE Vec entry(const std::array<double, 16>& table, BitsType i) {
    return Batch(_mm512_permutex2var_pd(_mm512_loadu_pd(table.data()), i.b,
                                        _mm512_loadu_pd(table.data() + 8)));
  }
#endif
  // Transposes kSize rows of kSize elements, exchanging corners of blocks of size 1, 2, 4, …
  friend THALWEG_INLINE void transpose(Vec* rows) { exchange<1>(rows); }

  // y, but f(x) in the lanes of m, one lane at a time: for arguments too rare for a vector path.
  template <class F>
  static THALWEG_INLINE Vec patch(MaskType m, Vec x, Vec y, F f) {
    if (!any(m)) return y;
    return patch_lanes(lanes(m), x, y, f);
  }
  template <class F>
  static THALWEG_INLINE Vec patch(MaskType m, Vec a, Vec b, Vec y, F f) {
    if (!any(m)) return y;
    return patch_lanes(lanes(m), a, b, y, f);
  }

 private:
  template <class F> static THALWEG_INLINE auto each_lane(const F& f) {
    return f(std::make_index_sequence<kSize>{});
  }
  // Stores the first n < size elements of r, by halves.
  template <class R> static THALWEG_INLINE void store_some(R r, double* p, std::int64_t n) {
    constexpr std::size_t half = sizeof(R) / sizeof(double) / 2;
    constexpr auto size = static_cast<std::int64_t>(half);
    if constexpr (half == 1) {
      if (n & 1) *p = r[0];
    } else {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        const auto low = __builtin_shufflevector(r, r, I...),
                   high = __builtin_shufflevector(r, r, (half + I)...);
        if (n & size) __builtin_memcpy(p, &low, sizeof low);
        store_some(n & size ? high : low, n & size ? p + half : p, n);
      }(std::make_index_sequence<half>{});
    }
  }
  template <std::size_t By> static THALWEG_INLINE void exchange(Vec* rows) {
    if constexpr (By < kSize) {
      exchange_all<By>(rows, std::make_index_sequence<kSize>{}, std::make_index_sequence<kSize>{});
      exchange<By * 2>(rows);
    }
  }
  template <std::size_t By, std::size_t... Row, std::size_t... Lane>
  static THALWEG_INLINE void exchange_all(Vec* rows, std::index_sequence<Row...>,
                                          std::index_sequence<Lane...> lanes) {
    ((Row & By ? void() : exchange_pair<By>(rows[Row], rows[(Row + By) % kSize], lanes)), ...);
  }
  template <std::size_t By, std::size_t... Lane>
  static THALWEG_INLINE void exchange_pair(Vec& low, Vec& high, std::index_sequence<Lane...>) {
    const Register a = low.v, b = high.v;
    low = Batch(Register(__builtin_shufflevector(a, b, (Lane & By ? kSize + Lane - By : Lane)...)));
    high =
        Batch(Register(__builtin_shufflevector(a, b, (Lane & By ? kSize + Lane : Lane + By)...)));
  }
  template <class F>
  static __attribute__((noinline)) Vec patch_lanes(std::uint64_t m, Vec x, Vec y, F f) {
    alignas(64) double xs[kSize], ys[kSize];
    x.store(xs);
    y.store(ys);
    for (std::size_t k = 0; k < kSize; ++k)
      if (m >> k & 1) ys[k] = f(xs[k]);
    return load(ys);
  }
  template <class F>
  static __attribute__((noinline)) Vec patch_lanes(std::uint64_t m, Vec a, Vec b, Vec y, F f) {
    alignas(64) double as[kSize], bs[kSize], ys[kSize];
    a.store(as);
    b.store(bs);
    y.store(ys);
    for (std::size_t k = 0; k < kSize; ++k)
      if (m >> k & 1) ys[k] = f(as[k], bs[k]);
    return load(ys);
  }
};

// ---- what follows from the operations of a batch, whichever it is

// A batch: Vec, or one that records (thalweg/machine/recorded.hpp).
template <class V>
concept AnyBatch = requires { typename V::BitsType; };

template <AnyBatch V> THALWEG_INLINE V operator-(V a) {
  return V::from_bits(bits(a) ^ typename V::BitsType(std::uint64_t{1} << 63));
}
template <AnyBatch V> THALWEG_INLINE V abs(V a) {
  return V::from_bits(bits(a) & typename V::BitsType(~(std::uint64_t{1} << 63)));
}
template <AnyBatch V> THALWEG_INLINE V copysign(V magnitude, V sign) {
  const typename V::BitsType top(std::uint64_t{1} << 63);
  return V::from_bits((bits(sign) & top) | bits(abs(magnitude)));
}
template <AnyBatch V> THALWEG_INLINE auto is_nan(V a) { return a != a; }
template <AnyBatch V> THALWEG_INLINE auto is_finite(V a) {
  return abs(a) < V(std::numeric_limits<double>::infinity());
}
template <AnyBatch V> THALWEG_INLINE V floor(V a) {
  const V r = rint(a);
  return select(r > a, r - V(1.0), r);
}
template <AnyBatch V> THALWEG_INLINE V ceil(V a) {
  const V r = rint(a);
  return select(r < a, copysign(r + V(1.0), a), r);
}
// 2^n for whole numbers n in [-1022, 1023]: the exponent field is written directly.
template <AnyBatch V> THALWEG_INLINE V pow2(V n) {
  const V shifted = n + V(6755399441055744.0 + 1023.0);  // 1.5 * 2^52: low bits hold n + 1023
  return V::from_bits(bits(shifted) << 52);
}

}  // namespace thalweg
