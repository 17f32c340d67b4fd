// SPDX-License-Identifier: BSD-3-Clause

// A copy: a value whose derivatives are others than those of how it was computed.
struct Custom {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T*) {
    for (std::int64_t i = 0; i < sizes[1]; ++i) out[i] = in[0][i];
  }
};
