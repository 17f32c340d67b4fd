// SPDX-License-Identifier: BSD-3-Clause
// Computes a Hessian row by row, by products with unit vectors.
#include "descent/hessian_rows.hpp"

#include <algorithm>

namespace thalweg {

HessianRows::HessianRows(const Program& product, const Kernels& kernels, std::int64_t n,
                         const Starts& starts, int threads, std::function<bool()> interrupted)
    : product_(product),
      kernels_(kernels),
      n_(n),
      threads_(threads),
      interrupted_(std::move(interrupted)),
      x_(static_cast<std::size_t>(n)),
      inputs_(starts.values.begin(), starts.values.end()) {
  inputs_.resize(product.input_sizes.size(), nullptr);
  inputs_[0] = x_.data();
  if (product.body.layout == Layout::Lanes) {
    block_.emplace(product, kernels, n > kernels.width && fits_wide(product, kernels));
    for (std::size_t j = 0; j + 1 < inputs_.size(); ++j) block_->bind_uniform(j, inputs_[j]);
    block_->prepare();
  } else {
    units_.assign(static_cast<std::size_t>(n * n), 0.0);
    for (std::int64_t i = 0; i < n; ++i) units_[static_cast<std::size_t>(i * (n + 1))] = 1.0;
    inputs_.back() = units_.data();
  }
}

bool HessianRows::run(const double* x, double* h) {
  std::copy_n(x, n_, x_.data());
  if (!block_) {
    double* to[] = {h};
    return evaluate(product_, kernels_, inputs_, to, n_, threads_, interrupted_);
  }
  block_->refresh();
  const std::int64_t lanes = block_->lanes();
  double* v = block_->input(inputs_.size() - 1);
  for (std::int64_t first = 0; first < n_; first += lanes) {
    if (patience_.over()) return false;
    const std::int64_t count = std::min(lanes, n_ - first);
    std::fill_n(v, n_ * lanes, 0.0);
    for (std::int64_t l = 0; l < count; ++l) v[(first + l) * lanes + l] = 1.0;
    block_->run();
    gather_lanes(block_->output(0), n_, first, count, lanes, h);
  }
  return true;
}

}  // namespace thalweg
