// SPDX-License-Identifier: BSD-3-Clause
// Counter-based random integers: Philox 4x32-10. Each depends only on the seed and on its position,
// so a stream has no state, and any part of it can be computed again. J. K. Salmon, M. A. Moraes,
// R. O. Dror and D. E. Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11.
#pragma once
#include <array>
#include <cstdint>

namespace thalweg {

using Counter = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

// Ten rounds. The multipliers and Weyl constants are the paper's.
constexpr Counter philox(Counter c, Key key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9, key[1] += 0xBB67AE85;
  }
  return c;
}

// The integers of one seed and one stream, from the first on.
class Philox {
 public:
  constexpr Philox(std::uint64_t seed, std::uint64_t stream)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        stream_(stream) {}

  constexpr std::uint64_t next() {
    if (used_ % 2 == 0) {
      const std::uint64_t block = used_ / 2;
      words_ =
          philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                  static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                 key_);
    }
    const std::size_t k = used_++ % 2 * 2;
    return words_[k] | std::uint64_t{words_[k + 1]} << 32;
  }

  // One of 0 … n - 1 with equal probability. D. Lemire 2019, ACM Trans. Model. Comput. Simul.
  // 29(1), 3: multiplies 64 random bits by n, and draws again where the product would bias the
  // result.
  constexpr std::uint64_t below(std::uint64_t n) {
    Wide product = Wide{next()} * n;
    if (static_cast<std::uint64_t>(product) < n)
      for (const std::uint64_t unfair = -n % n; static_cast<std::uint64_t>(product) < unfair;)
        product = Wide{next()} * n;
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  __extension__ typedef unsigned __int128 Wide;
  Key key_;
  std::uint64_t stream_, used_ = 0;
  Counter words_{};
};

}  // namespace thalweg
