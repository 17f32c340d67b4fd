// SPDX-License-Identifier: BSD-3-Clause
// Makes code and keeps it.
#include "thalweg/machine/code.hpp"

#include <cstdlib>
#include <cstring>

namespace thalweg::machine {
namespace {

std::shared_ptr<const Code> make(const Program& program, const Kernels& kernels, std::int64_t lanes,
                                 const RoundTest& test) {
  if (!code_allowed() || (kernels.width != 4 && kernels.width != 8)) return nullptr;
  auto translation = translate(program, kernels.width, test);
  if (!translation) return nullptr;
  const auto buffers = program.input_sizes.size() + program.output_sizes.size() +
                       static_cast<std::size_t>(TestBuffer::Count);
  auto [bytes, pool] = assemble(translation->operations, lanes, static_cast<int>(buffers), kernels);
  if (bytes.empty()) return nullptr;
  auto memory = CodeMemory::holding(bytes);
  if (!memory) return nullptr;
  return std::make_shared<const Code>(
      Code{std::move(*memory), std::move(pool), std::move(translation->uniforms)});
}

}  // namespace

std::int64_t Codes::enough(std::int64_t instructions) {
  static const bool always = [] {
    const char* set = std::getenv("THALWEG_MACHINE");
    return set && std::strcmp(set, "always") == 0;
  }();
  return always ? 0 : 50'000 + 500 * instructions;
}

std::shared_ptr<const Code> Codes::code(const Program& program, const Kernels& kernels,
                                        std::int64_t lanes, const RoundTest& test) {
  const Key key{&kernels, lanes, test};
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = made_.find(key); known != made_.end()) return known->second;
  }
  // Made without the lock, so that no thread and no fork waits for it. Of two threads that make the
  // same code, both go on with that of the first.
  auto code = make(program, kernels, lanes, test);
  const std::scoped_lock lock(mutex_);
  return made_.try_emplace(key, std::move(code)).first->second;
}

Codes& codes_of(const Program& program) {
  const Unforked unforked;
  std::call_once(program.coded,
                 [&] { program.codes = std::make_shared<Codes>(std::ssize(program.body.code)); });
  return *program.codes;
}

}  // namespace thalweg::machine
