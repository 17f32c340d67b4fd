// SPDX-License-Identifier: BSD-3-Clause
// Converts whole arrays of numbers to doubles.
#include "thalweg/graph/numbers.hpp"

#include "thalweg/graph/unforked.hpp"

namespace thalweg {

const double* Numbers::doubles() const {
  const Unforked unforked;
  std::call_once(made_, [this] {
    std::size_t size = 1;
    for (const std::int64_t n : shape_) size *= static_cast<std::size_t>(n);
    doubles_.resize(size);
    const std::int64_t row = shape_.back(), step = strides_.back();
    Shape at(shape_.size() - 1, 0);  // indices of all axes but the last
    std::int64_t offset = 0;
    for (std::size_t done = 0; done < size; done += static_cast<std::size_t>(row)) {
      read(offset, step, row, doubles_.data() + done);
      for (std::size_t d = at.size(); d-- > 0;) {
        offset += strides_[d];
        if (++at[d] < shape_[d]) break;
        offset -= at[d] * strides_[d];
        at[d] = 0;
      }
    }
  });
  return doubles_.data();
}

}  // namespace thalweg
