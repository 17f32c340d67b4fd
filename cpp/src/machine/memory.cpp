// SPDX-License-Identifier: BSD-3-Clause
// Maps, fills and unmaps chunks of executable memory, and probes what the system allows.
#include "thalweg/machine/memory.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>

#if defined(__linux__) && defined(__x86_64__)
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace thalweg::machine {

namespace {

constexpr std::size_t kPage = 4096, kChunk = 16 * kPage;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

bool environment_is(const char* name, std::string_view value) {
  const char* set = std::getenv(name);
  return set && set == value;
}

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
  const int file = open(text, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (file < 0) return;
  const auto start = reinterpret_cast<std::uintptr_t>(code);
  const int n = std::snprintf(text, sizeof text, "%zx %zx thalweg_%zx\n", start, size, start);
  [[maybe_unused]] const auto written = write(file, text, static_cast<std::size_t>(n));
  close(file);
}

}  // namespace

// Pages that are filled from the first to the last and unmapped together.
class CodeMemory::Chunk {
 public:
  // Null if the system refuses.
  static std::shared_ptr<Chunk> of(std::size_t size, Way way) {
    auto chunk = std::make_shared<Chunk>(size);
    const bool mapped = way == Way::Private ? chunk->map_private() : chunk->map_file();
    return mapped ? chunk : nullptr;
  }

  explicit Chunk(std::size_t size) : size_(size) {}
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;
  ~Chunk() {
    if (start_) munmap(start_, size_);
    if (file_ >= 0) close(file_);
  }

  // Whether `bytes` more fit, and this process may write them.
  bool takes(std::size_t bytes) const {
    return whole_pages(bytes) <= size_ - used_ && (file_ < 0 || owner_ == getpid());
  }

  // The executable copy, or null if the system refuses.
  const std::uint8_t* add(std::span<const std::uint8_t> bytes) {
    const std::size_t pages = whole_pages(bytes.size());
    std::uint8_t* to = start_ + used_;
    if (file_ >= 0) {
      const auto n = pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(used_));
      if (n != static_cast<ssize_t>(bytes.size())) return nullptr;
    } else {
      std::memcpy(to, bytes.data(), bytes.size());
      if (mprotect(to, pages, PROT_READ | PROT_EXEC) != 0) return nullptr;
    }
    used_ += pages;
    return to;
  }

  // Those pages will not be read again.
  void drop(const std::uint8_t* code, std::size_t size) const {
    if (file_ < 0) madvise(start_ + (code - start_), whole_pages(size), MADV_DONTNEED);
  }

 private:
  bool map(int protection, int flags) {
    void* p = mmap(nullptr, size_, protection, flags, file_, 0);
    if (p == MAP_FAILED) return false;
    start_ = static_cast<std::uint8_t*>(p);
    return true;
  }
  bool map_private() { return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS); }
  bool map_file() {
    file_ = memory_file();
    return file_ >= 0 && ftruncate(file_, static_cast<off_t>(size_)) == 0 &&
           map(PROT_READ | PROT_EXEC, MAP_SHARED);
  }

  std::uint8_t* start_ = nullptr;
  const std::size_t size_;
  std::size_t used_ = 0;
  int file_ = -1;  // a memfd's descriptor, or none
  const pid_t owner_ = getpid();
};

void CodeMemory::Release::operator()(const std::uint8_t* code) const noexcept {
  chunk->drop(code, size);
}

// A code of more than half a chunk has a chunk of its own.
CodeMemory::Code CodeMemory::written(std::span<const std::uint8_t> bytes, Way way) {
  assert(!bytes.empty());
  static thread_local std::shared_ptr<Chunk> filling;
  std::shared_ptr<Chunk> chunk;
  if (bytes.size() > kChunk / 2) {
    chunk = Chunk::of(whole_pages(bytes.size()), way);
  } else {
    if (!filling || !filling->takes(bytes.size())) filling = Chunk::of(kChunk, way);
    chunk = filling;
  }
  const std::uint8_t* code = chunk ? chunk->add(bytes) : nullptr;
  if (!code) filling = nullptr;
  return {code, Release{code ? chunk : nullptr, bytes.size()}};
}

bool CodeMemory::runs(Way way) {
  static constexpr std::uint8_t bytes[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};  // mov eax, 42; ret
  const Code code = written(bytes, way);
  return code && reinterpret_cast<int (*)()>(code.get())() == 42;
}

CodeMemory::Way CodeMemory::way() {
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
