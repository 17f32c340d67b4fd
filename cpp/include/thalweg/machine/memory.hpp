// SPDX-License-Identifier: BSD-3-Clause
// Executable memory. No address is ever writable and executable at once, nor is a page written
// again once it holds code.
//
// Codes fill a chunk of 64 KB one after another, each from a new page on. A chunk is unmapped when
// its last code is gone and no thread fills it. So 16 small codes share a mapping of the process,
// which may have 65,530 of them (vm.max_map_count). While 16,384 chunks are in use, there is no
// further code, as everything else in the process needs mappings too. There are two kinds of chunk:
// * private memory: written, then made executable by mprotect; the pages of a code that is dropped
//   are given back at once (made and dropped: 5 us);
// * where mprotect refuses that (PR_SET_MDWE, SELinux's execmem, seccomp): a memfd, mapped as
//   executable from the beginning and written through its descriptor. A forked child shares such
//   pages, so it begins a memfd of its own; as no page is written again, what it has inherited
//   stays what it was, whatever its parent does. Pages are given back with their whole chunk.
// Each thread fills its own chunk: there is no lock, and so none that a fork could leave closed.
// Where both are refused, a probe finds that out once, and there is no code.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace thalweg::machine {

// Whether code can be made and run here: on Linux and x86-64, if the system allows it. The
// environment variable THALWEG_MACHINE=0, read once, forbids it.
bool code_allowed();

// A copy of a code that can be run. Move-only; the memory is free at its end.
class CodeMemory {
 public:
  // Nothing where code is not allowed, or memory is short. With THALWEG_PERF=1, read once, also
  // adds a line to /tmp/perf-<process>.map, from which `perf` names the samples within the code.
  // With THALWEG_GDB=1, a debugger is told of it, too (debugger.hpp).
  static std::optional<CodeMemory> holding(std::span<const std::uint8_t> bytes);

  const void* start() const { return code_.get(); }
  std::size_t size() const { return code_.get_deleter().size; }

 private:
  class Chunk;
  class Filler;
  struct Release {
    std::shared_ptr<const Chunk> chunk;
    std::size_t size;
    void operator()(const std::uint8_t* code) const noexcept;
  };
  using Code = std::unique_ptr<const std::uint8_t, Release>;

  explicit CodeMemory(Code code) : code_(std::move(code)) {}
  friend bool code_allowed();
  enum class Way : std::uint8_t { None, Private, File };
  static Way way();       // how memory is made executable here, found out once
  static bool runs(Way);  // whether a small function can be made and called
  static Code written(std::span<const std::uint8_t> bytes, Way);

  Code code_;
};

}  // namespace thalweg::machine
