// SPDX-License-Identifier: BSD-3-Clause
// A program's machine code: made once it has earned its making, kept with the program, used by
// every block of the same size.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "thalweg/machine/assemble.hpp"
#include "thalweg/machine/memory.hpp"
#include "thalweg/machine/translate.hpp"

namespace thalweg::machine {

struct Code {
  CodeMemory memory;
  std::vector<PoolEntry> pool;
  std::vector<UniformNumber> uniforms;
  int batches;  // made at once
  Function function() const {
    return reinterpret_cast<Function>(const_cast<void*>(memory.start()));
  }
};

// The codes of one program. Any thread may ask.
class Codes {
 public:
  // For a tape of so many instructions.
  explicit Codes(std::int64_t instructions) : enough_(enough(instructions)) {}
  // Counts a run of the tape over some batches. True once so much was run that code would have paid
  // for itself.
  bool earned(std::int64_t batches) {
    return work_.fetch_add(batches, std::memory_order_relaxed) + batches >= enough_;
  }
  // The code for blocks of `lanes` lanes, made at the first call; null if there can be none.
  std::shared_ptr<const Code> code(const Program& program, const Kernels& kernels,
                                   std::int64_t lanes, const RoundTest& test);
  // The same for rows. A program belongs to one loop, so it has one stream.
  std::shared_ptr<const Code> code(const Program& program, const Kernels& kernels,
                                   const RowStream& stream);

 private:
  static constexpr std::int64_t kStream = 0;  // in place of a number of lanes
  // Batches of one instruction each: about as long as it takes to make the code, or 0 with
  // THALWEG_MACHINE=always.
  static std::int64_t enough(std::int64_t instructions);
  using Key = std::tuple<const Kernels*, std::int64_t, RoundTest>;
  template <class Make> std::shared_ptr<const Code> kept(const Key& key, const Make& make);

  const std::int64_t enough_;
  std::atomic<std::int64_t> work_{0};
  UnforkedMutex<std::mutex> mutex_;
  std::map<Key, std::shared_ptr<const Code>> made_;
};

Codes& codes_of(const Program& program);

}  // namespace thalweg::machine
