// SPDX-License-Identifier: BSD-3-Clause
// Sorting, and moving elements to places that are known only then. Always alone. Included inside an
// instruction set's namespace.

// Input: n numbers; sizes: batch, n. Packed: the sorted numbers, NaN last, and where each of them
// stood. A radix sort from the last byte to the first, which keeps the order of equal numbers;
// bytes that are the same in all numbers are left out (Knuth, The Art of Computer Programming
// 3, 5.2.5).
struct Sort {
  template <class T>
  static void run(const std::int64_t* sizes, const double*, const T* const* in, T* out, T* work) {
    if constexpr (std::is_same_v<T, double>) sort(sizes[1], in[0], out, work);
  }

 private:
  static constexpr std::size_t kBytes = 8, kValues = 256;

  // Unsigned numbers in the order of the doubles; -0 is 0.
  static std::uint64_t key(double x) {
    constexpr std::uint64_t kSign = 1ULL << 63;
    if (x != x) return ~0ULL;
    const std::uint64_t b = __builtin_bit_cast(std::uint64_t, x + 0.0);
    return b & kSign ? ~b : b | kSign;
  }
  static std::size_t byte(double key, std::size_t k) {
    return __builtin_bit_cast(std::uint64_t, key) >> (8 * k) & (kValues - 1);
  }
  static void sort(std::int64_t n, const double* x, double* out, double* work) {
    // Keys and positions lie in `from` and `to` in turn.
    double *from = work, *to = work + 2 * n;
    std::int64_t counts[kBytes][kValues] = {};
    for (std::int64_t i = 0; i < n; ++i) {
      from[i] = __builtin_bit_cast(double, key(x[i]));
      from[n + i] = static_cast<double>(i);
      for (std::size_t k = 0; k < kBytes; ++k) ++counts[k][byte(from[i], k)];
    }
    for (std::size_t k = 0; k < kBytes; ++k) {
      if (counts[k][byte(from[0], k)] == n) continue;
      std::int64_t first = 0;
      for (std::int64_t& count : counts[k]) {
        const std::int64_t here = count;
        count = first;
        first += here;
      }
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t at = counts[k][byte(from[i], k)]++;
        to[at] = from[i];
        to[n + at] = from[n + i];
      }
      std::swap(from, to);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      out[n + i] = from[n + i];
      out[i] = x[static_cast<std::int64_t>(from[n + i])];
    }
  }
};

// Inputs: n positions, each of which occurs once, and n numbers; sizes: batch, n, whether the
// numbers go to the positions or are taken from there.
struct Permute {
  template <class T>
  static void run(const std::int64_t* sizes, const double*, const T* const* in, T* out, T*) {
    if constexpr (std::is_same_v<T, double>)
      for (std::int64_t i = 0; i < sizes[1]; ++i) {
        const auto at = static_cast<std::int64_t>(in[0][i]);
        if (sizes[2]) out[at] = in[1][i];
        else out[i] = in[1][at];
      }
  }
};
