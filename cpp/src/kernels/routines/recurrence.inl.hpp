// SPDX-License-Identifier: BSD-3-Clause

// y_t = x_t - sum over j = 1 … p of a_j y_{t-j}: the recursive part of a digital filter. `in` is a
// (p numbers) and x (n numbers); with sizes[3] != 0 time runs backward.
struct Recurrence {
  template <class T> static void run(const std::int64_t* sizes, const double*, const T* const* in,
                                     T* out, T*) {
    const std::int64_t p = sizes[1], n = sizes[2], by = sizes[3] ? -1 : 1;
    const T *a = in[0], *x = in[1];
    std::int64_t at = sizes[3] ? n - 1 : 0;
    for (std::int64_t t = 0; t < n; ++t, at += by) {
      T y = x[at];
      for (std::int64_t j = std::min(t, p); j-- > 0;) y = fnma(a[j], out[at - by * (j + 1)], y);
      out[at] = y;
    }
  }
};
