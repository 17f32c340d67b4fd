// SPDX-License-Identifier: BSD-3-Clause
// Fills the pool and the call's argument.
#include "thalweg/machine/run.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace thalweg::machine {

Run::Run(std::shared_ptr<const Code> code, std::vector<const double*> tables, std::size_t phases,
         double* room, int width, std::int64_t bytes)
    : code_(std::move(code)),
      function_(code_->function()),
      tables_(std::move(tables)),
      buffers_(tables_.size() / phases),
      pool_(room),
      width_(width) {
  rounds_.begin = tables_.data();
  rounds_.end = tables_.data() + tables_.size();
  rounds_.pool = pool_;
  rounds_.bytes = bytes;
  for (std::size_t k = 0; k < code_->pool.size(); ++k) {
    const PoolEntry& e = code_->pool[k];
    if (e.what == Primitive::Constant) repeat(k, std::bit_cast<double>(e.bits));
    else if (e.what == Primitive::Table)
      std::memcpy(pool_ + k * static_cast<std::size_t>(width_),
                  reinterpret_cast<const void*>(static_cast<std::uintptr_t>(e.bits)),
                  static_cast<std::size_t>(width_) * sizeof(double));
  }
}

const double** Run::place_of(const double* buffer) { return &*std::ranges::find(tables_, buffer); }

void Run::repeat(std::size_t entry, double number) {
  std::fill_n(pool_ + entry * static_cast<std::size_t>(width_), width_, number);
}

}  // namespace thalweg::machine
