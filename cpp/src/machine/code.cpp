// SPDX-License-Identifier: BSD-3-Clause
// Makes code and keeps it.
#include "thalweg/machine/code.hpp"

#include "machine/environment.hpp"
#include "machine/interleave.hpp"
#include "machine/scheduler.hpp"

namespace thalweg::machine {
namespace {

std::shared_ptr<const Code> make(const std::optional<Translation>& translation, std::int64_t lanes,
                                 std::size_t buffers, const Kernels& kernels, bool rounds) {
  if (!translation) return nullptr;
  auto operations = translation->operations;
  const int batches = lanes % (2 * kernels.width) == 0 && interleaving_pays(operations) ? 2 : 1;
  if (rounds) operations = scheduled(std::move(operations), kernels.width);
  if (batches == 2) operations = interleaved(operations);
  auto [bytes, pool] = assemble(operations, lanes, batches, static_cast<int>(buffers), kernels);
  if (bytes.empty()) return nullptr;
  auto memory = CodeMemory::holding(bytes);
  if (!memory) return nullptr;
  return std::make_shared<const Code>(
      Code{std::move(*memory), std::move(pool), translation->uniforms, batches});
}

}  // namespace

std::int64_t Codes::enough(std::int64_t instructions) {
  static const bool always = environment_is("THALWEG_MACHINE", "always");
  return always ? 0 : 50'000 + 500 * instructions;
}

template <class Make>
std::shared_ptr<const Code> Codes::kept(const Key& key, const Make& make) {
  const int width = std::get<0>(key)->width;
  if (!code_allowed() || (width != 4 && width != 8)) return nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = made_.find(key); known != made_.end()) return known->second;
  }
  // Made without the lock, so that no thread and no fork waits for it. Of two threads that make the
  // same code, both go on with that of the first.
  auto code = make();
  const std::scoped_lock lock(mutex_);
  return made_.try_emplace(key, std::move(code)).first->second;
}

std::shared_ptr<const Code> Codes::code(const Program& program, const Kernels& kernels,
                                        std::int64_t lanes, const RoundTest& test) {
  const auto buffers = program.input_sizes.size() + program.output_sizes.size() +
                       static_cast<std::size_t>(TestBuffer::Count);
  return kept({&kernels, lanes, test}, [&] {
    return make(translate(program, kernels.width, test), lanes, buffers, kernels, test.f >= 0);
  });
}

std::shared_ptr<const Code> Codes::code(const Program& program, const Kernels& kernels,
                                        const RowStream& stream) {
  return kept({&kernels, kStream, RoundTest{}}, [&] {
    return make(translate(program, kernels.width, stream), kernels.width, stream.buffers(program),
                kernels, false);
  });
}

Codes& codes_of(const Program& program) {
  const Unforked unforked;
  std::call_once(program.coded,
                 [&] { program.codes = std::make_shared<Codes>(std::ssize(program.body.code)); });
  return *program.codes;
}

}  // namespace thalweg::machine
