// SPDX-License-Identifier: BSD-3-Clause
// Maps, fills and unmaps chunks of executable memory, and probes what the system allows.
#include "thalweg/machine/memory.hpp"

#include "machine/environment.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstring>

#include "thalweg/graph/unforked.hpp"
#include "thalweg/machine/debugger.hpp"

#if defined(__linux__) && defined(__x86_64__)
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

namespace thalweg::machine {

namespace {

constexpr std::size_t kPage = 4096, kChunk = 16 * kPage;
// A chunk takes up to two mappings, so these take half of what a process may have.
constexpr std::size_t kMostChunks = 16384;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// Linux 6.3 wants to be told that the file will be executed; before, the flag is unknown.
int memory_file() {
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC
  const int file = memfd_create("thalweg", MFD_CLOEXEC | kExecutable);
  return file >= 0 ? file : memfd_create("thalweg", MFD_CLOEXEC);
}

// One line: start, size (both hexadecimal), name. Opened anew each time: a fork has its own file.
void name_for_perf(const void* code, std::size_t size) {
  static const bool wanted = environment_is("THALWEG_PERF", "1");
  if (!wanted) return;
  char text[80];
  std::snprintf(text, sizeof text, "/tmp/perf-%d.map", getpid());
  const int file = ::open(text, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (file < 0) return;
  const auto start = reinterpret_cast<std::uintptr_t>(code);
  const int n = std::snprintf(text, sizeof text, "%zx %zx thalweg_%zx\n", start, size, start);
  [[maybe_unused]] const auto written = write(file, text, static_cast<std::size_t>(n));
  close(file);
}

}  // namespace

// Pages that several codes share, unmapped with the last of them.
class CodeMemory::Chunk {
 public:
  // Of private memory, or of a file if there is one. start() is null if the system refuses.
  Chunk(std::size_t size, int file) : is_private_(file < 0), size_(size) {
    if (++alive_ > kMostChunks) return;
    void* p = is_private_
                  ? mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                  : mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (p != MAP_FAILED) start_ = static_cast<std::uint8_t*>(p);
  }
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  ~Chunk() {
    if (start_) munmap(start_, size_);
    --alive_;
  }

  std::uint8_t* start() const { return start_; }
  std::size_t size() const { return size_; }

  // Gives back the pages of one code. A fork may still need those of a file.
  void drop(const std::uint8_t* code, std::size_t size) const {
    if (is_private_) madvise(start_ + (code - start_), whole_pages(size), MADV_DONTNEED);
  }

 private:
  static inline std::atomic<std::size_t> alive_ = 0;
  const bool is_private_;
  const std::size_t size_;
  std::uint8_t* start_ = nullptr;
};

// Fills a chunk from its first page to its last.
class CodeMemory::Filler {
 public:
  Filler(std::size_t size, Way way) {
    if (way == Way::File) {
      file_ = memory_file();
      if (file_ < 0 || ftruncate(file_, static_cast<off_t>(size)) != 0) return;
    }
    chunk_ = std::make_shared<const Chunk>(size, file_);
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  ~Filler() {
    if (file_ >= 0) close(file_);
  }

  // Whether `bytes` more fit, and this process may write them.
  bool takes(std::size_t bytes) const {
    return chunk_ && whole_pages(bytes) <= chunk_->size() - used_ &&
           (file_ < 0 || owner_ == getpid());
  }

  // An executable copy; null if the system refuses.
  Code add(std::span<const std::uint8_t> bytes) {
    if (!chunk_ || !chunk_->start()) return {};
    std::uint8_t* to = chunk_->start() + used_;
    const std::size_t pages = whole_pages(bytes.size());
    if (file_ >= 0) {
      const auto n = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(used_));
      if (n != static_cast<ssize_t>(bytes.size())) return {};
    } else {
      std::memcpy(to, bytes.data(), bytes.size());
      if (mprotect(to, pages, PROT_READ | PROT_EXEC) != 0) return {};
    }
    used_ += pages;
    return {to, Release{chunk_, bytes.size()}};
  }

 private:
  std::shared_ptr<const Chunk> chunk_;
  std::size_t used_ = 0;
  int file_ = -1;  // a memfd's descriptor, or none
  const pid_t owner_ = getpid();
};

void CodeMemory::Release::operator()(const std::uint8_t* code) const noexcept {
  tell_debugger_gone(code);
  chunk->drop(code, size);
}

// A code of more than half a chunk has a chunk of its own.
CodeMemory::Code CodeMemory::written(std::span<const std::uint8_t> bytes, Way way) {
  assert(!bytes.empty());
  if (bytes.size() > kChunk / 2) return Filler(whole_pages(bytes.size()), way).add(bytes);
  static thread_local std::optional<Filler> filler;
  if (!filler || !filler->takes(bytes.size())) filler.emplace(kChunk, way);
  Code code = filler->add(bytes);
  if (!code) filler.reset();
  return code;
}

// Calls a small function: mov eax, 42; ret.
bool CodeMemory::runs(Way way) {
  static constexpr std::uint8_t bytes[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};
  const Code code = written(bytes, way);
  return code && reinterpret_cast<int (*)()>(code.get())() == 42;
}

CodeMemory::Way CodeMemory::way() {
  const Unforked unforked;
  static const Way found = environment_is("THALWEG_MACHINE", "0") ? Way::None
                           : runs(Way::Private)                   ? Way::Private
                           : runs(Way::File)                      ? Way::File
                                                                  : Way::None;
  return found;
}

bool code_allowed() { return CodeMemory::way() != CodeMemory::Way::None; }

std::optional<CodeMemory> CodeMemory::holding(std::span<const std::uint8_t> bytes) {
  if (way() == Way::None) return std::nullopt;
  Code code = written(bytes, way());
  if (!code) return std::nullopt;
  name_for_perf(code.get(), bytes.size());
  tell_debugger(code.get(), bytes.size());
  return CodeMemory(std::move(code));
}

}  // namespace thalweg::machine

#else

namespace thalweg::machine {

class CodeMemory::Chunk {};
void CodeMemory::Release::operator()(const std::uint8_t*) const noexcept {}
bool code_allowed() { return false; }
std::optional<CodeMemory> CodeMemory::holding(std::span<const std::uint8_t>) { return {}; }

}  // namespace thalweg::machine
#endif
