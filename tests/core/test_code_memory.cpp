// SPDX-License-Identifier: BSD-3-Clause
// Tests memory for code: it runs, is never writable too, is given back, and survives threads and
// forks. All of it again in processes that are refused mprotect, or everything.
#if defined(__linux__) && defined(__x86_64__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "check.hpp"
#include "thalweg/machine/encoder.hpp"
#include "thalweg/machine/memory.hpp"

using namespace thalweg::machine;

namespace {

// A function that returns `value`, and fills `size` bytes or more.
CodeMemory returning(std::uint64_t value, std::size_t size = 0) {
  Encoder e(Form::Vex);
  while (e.size() < size) e.zero_upper();
  e.move(Gpr::rax, value);
  e.ret();
  std::optional<CodeMemory> code = CodeMemory::holding(e.finish());
  if (!code) throw std::runtime_error("no memory for code");
  return std::move(*code);
}

std::uint64_t called(const CodeMemory& code) {
  return reinterpret_cast<std::uint64_t (*)()>(const_cast<void*>(code.start()))();
}

// The lines of a file about this process.
std::vector<std::string> lines(const std::string& name) {
  std::ifstream file("/proc/self/" + name);
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// "start-end permissions offset device inode path"
std::string mapping_of(const void* p) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  for (const std::string& line : lines("maps")) {
    std::uintptr_t first = 0, end = 0;
    std::sscanf(line.c_str(), "%zx-%zx", &first, &end);
    if (first <= at && at < end) return line;
  }
  return "none";
}

// Mappings that may be executed and are no file's but a memfd's, and what of them is in memory.
// (What may not be executed changes with a sanitizer's own needs.)
struct Executable {
  std::size_t mappings = 0, kilobytes = 0;
};
Executable executable() {
  Executable out;
  bool counts = false;
  for (const std::string& line : lines("smaps")) {
    std::uintptr_t first = 0, end = 0;
    char permissions[8], path[64] = "";
    std::size_t rss = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx %7s %*s %*s %*s %63s", &first, &end, permissions,
                    path) >= 3) {
      counts = permissions[2] == 'x' && (!*path || contains(path, "memfd:thalweg"));
      out.mappings += counts;
    } else if (counts && std::sscanf(line.c_str(), "Rss: %zu", &rss) == 1) {
      out.kilobytes += rss;
    }
  }
  return out;
}

// How memory becomes executable: "private", "file" or "none". A test that refuses something says
// what is left; else it is what this system has.
std::string expected() {
  if (const char* set = std::getenv("THALWEG_TEST_CODE_MEMORY")) return set;
  if (!code_allowed()) return "none";
  return contains(mapping_of(returning(7).start()), "memfd:thalweg") ? "file" : "private";
}

std::size_t open_files() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Whether `body` holds in a fork of this process.
template <class F> bool holds_in_a_fork(F body) {
  std::fflush(stdout);  // else the fork prints it too
  const pid_t child = fork();
  if (child == 0) {
    bool good = false;
    try {
      good = body();
    } catch (...) {
    }
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0;
}

// Runs the cases of this file whose names contain `part` in a program of their own, after `before`,
// which returns whether it could do its work. They expect `kind`, if it is not null.
bool passes_in_a_program(const char* kind, bool (*before)(), const char* part = "code_memory_") {
  return holds_in_a_fork([&] {
    if (kind) setenv("THALWEG_TEST_CODE_MEMORY", kind, 1);
    if (!before()) return std::puts("   not seen: this system cannot refuse it"), true;
    std::fflush(stdout);
    execl("/proc/self/exe", "core_tests", part, nullptr);
    return false;
  });
}

// Refuses mprotect that makes memory executable and, if so wanted, memfd_create.
bool refuse(bool files_too) {
  const auto number = static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
  const auto third = static_cast<std::uint32_t>(offsetof(seccomp_data, args[2]));
  const sock_filter refused = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 13 /* EACCES */);
  std::array filter{
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, files_too ? SYS_memfd_create : ~0u, 3, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, third),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
      refused,
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{filter.size(), filter.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

TEST(code_memory_is_what_the_system_allows) {
  CHECK(code_allowed() == (expected() != "none"));
  if (!code_allowed()) return CHECK(!CodeMemory::holding(std::array<std::uint8_t, 1>{0xc3}));
  const CodeMemory code = returning(7);
  CHECK(contains(mapping_of(code.start()), "memfd:thalweg") == (expected() == "file"));
}

TEST(code_memory_runs_and_is_not_writable) {
  if (!code_allowed()) return;
  std::vector<CodeMemory> codes;
  for (std::uint64_t i = 0; i < 100; ++i) {
    codes.push_back(returning(i, i * 100));
    const std::string mapping = mapping_of(codes.back().start());
    CHECK(contains(mapping, expected() == "file" ? " r-xs " : " r-xp "));
  }
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(called(codes[i]) == i);
  for (const std::string& line : lines("maps")) CHECK(!contains(line, " rwx"));
}

TEST(code_memory_of_any_size) {
  if (!code_allowed()) return;
  for (std::size_t size : {1u, 4090u, 4096u, 4097u, 32768u, 32769u, 65536u, 65537u, 3000000u}) {
    CodeMemory code = returning(size, size);
    CHECK(code.size() >= size && called(code) == size);
    const CodeMemory moved = std::move(code);
    CHECK(called(moved) == size && code.start() == nullptr);
  }
}

TEST(code_memory_is_given_back) {
  if (!code_allowed()) return;
  const std::size_t before = executable().mappings, files = open_files();
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const CodeMemory code = returning(i);
    if (i % 1000 == 0) CHECK(called(code) == i);
  }
  CHECK(executable().mappings <= before + 4);
  std::vector<CodeMemory> kept;
  for (std::uint64_t i = 0; i < 10000; ++i) kept.push_back(returning(i));
  CHECK(open_files() <= files + 1);
  CHECK(executable().mappings <= before + 10000 / 16 + 100);
  for (std::uint64_t i = 0; i < 10000; i += 2) kept[i] = returning(i + 1);
  CHECK(executable().mappings <= before + 15000 / 16 + 100);
  for (std::uint64_t i = 0; i < 10000; ++i) CHECK(called(kept[i]) == i + (i + 1) % 2);
  kept.clear();
  CHECK(executable().mappings <= before + 4);
  CHECK(open_files() <= files + 1);
}

TEST(code_memory_of_one_code_in_sixteen_keeps_few_pages) {
  if (expected() != "private") return;
  std::vector<CodeMemory> kept;
  kept.reserve(1000);
  const std::size_t before = executable().kilobytes;
  for (std::uint64_t i = 0; i < 16000; ++i) {
    CodeMemory code = returning(i);
    if (i % 16 == 0) kept.push_back(std::move(code));
  }
  CHECK(executable().kilobytes <= before + 4 * 1000 + 64);
}

TEST(code_memory_leaves_half_of_the_mappings_to_the_process) {
  if (expected() != "private") return;
  const std::array<std::uint8_t, 1> ret{0xc3};
  std::vector<CodeMemory> kept;
  bool refused = false;
  for (int i = 0; i < 300'000 && !refused; ++i) {
    std::optional<CodeMemory> code = CodeMemory::holding(ret);
    refused = !code;
    if (code && i % 16 == 0) kept.push_back(std::move(*code));
  }
  CHECK(refused && kept.size() > 16'000);
  CHECK(executable().mappings <= 16'400);
  kept.clear();
  CHECK(called(returning(7)) == 7);
}

TEST(code_memory_of_threads_at_once) {
  if (!code_allowed()) return;
  std::array<bool, 4> good{};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < good.size(); ++t)
    threads.emplace_back([&good, t] {
      std::vector<CodeMemory> codes;
      good[t] = true;
      for (std::uint64_t i = 0; i < 5000; ++i) {
        if (codes.size() < 40) codes.push_back(returning(t << 32 | i));
        else codes[i % 40] = returning(t << 32 | i);
        good[t] = good[t] && called(codes[i % 40]) == (t << 32 | i);
      }
    });
  for (std::thread& t : threads) t.join();
  for (bool g : good) CHECK(g);
}

TEST(code_memory_made_in_one_thread_is_dropped_in_another) {
  if (!code_allowed()) return;
  std::vector<CodeMemory> codes;
  std::thread([&] {
    for (std::uint64_t i = 0; i < 40; ++i) codes.push_back(returning(i));
  }).join();
  for (std::uint64_t i = 0; i < 40; ++i) CHECK(called(codes[i]) == i);
  codes.clear();
}

// Both make codes while the other runs its own and those from before the fork.
TEST(code_memory_of_a_fork_is_its_own) {
  if (!code_allowed()) return;
  std::vector<CodeMemory> shared;
  for (std::uint64_t i = 0; i < 20; ++i) shared.push_back(returning(i));
  std::array<int, 2> to_child{}, to_parent{};
  CHECK(pipe(to_child.data()) == 0 && pipe(to_parent.data()) == 0);
  const auto wait = [](int end) {
    char c;
    return read(end, &c, 1) == 1;
  };
  const auto tell = [](int end) { return write(end, "x", 1) == 1; };
  const auto all_return = [](const std::vector<CodeMemory>& codes, std::uint64_t base) {
    for (std::size_t i = 0; i < codes.size(); ++i)
      if (codes[i].start() && called(codes[i]) != base + i) return false;
    return true;
  };
  const auto make = [](std::uint64_t base) {
    std::vector<CodeMemory> codes;
    for (std::uint64_t i = 0; i < 20; ++i) codes.push_back(returning(base + i));
    return codes;
  };
  const pid_t child = fork();
  if (child == 0) {
    const auto mine = make(1000);
    bool good = tell(to_parent[1]) && wait(to_child[0]);
    good = good && all_return(mine, 1000) && all_return(shared, 0) && all_return(make(3000), 3000);
    for (std::size_t i = 0; i < 10; ++i) shared[i] = returning(i);
    _exit(good && all_return(shared, 0) && all_return(mine, 1000) ? 0 : 1);
  }
  CHECK(wait(to_parent[0]));
  shared.erase(shared.begin(), shared.begin() + 10);
  const auto mine = make(2000);
  CHECK(all_return(mine, 2000) && tell(to_child[1]));
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(all_return(mine, 2000) && all_return(shared, 10));
  for (int end : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) close(end);
}

TEST(code_memory_is_named_for_perf_if_wanted) {
  if (!code_allowed()) return;
  const std::string file = "/tmp/perf-" + std::to_string(getpid()) + ".map";
  const CodeMemory code = returning(7);
  std::ifstream map(file);
  CHECK(map.is_open() == (std::getenv("THALWEG_PERF") != nullptr));
  if (!map.is_open()) return;
  std::size_t start = 0, size = 0;
  for (std::string line; std::getline(map, line);)
    CHECK(std::sscanf(line.c_str(), "%zx %zx thalweg_", &start, &size) == 2);
  CHECK(start == reinterpret_cast<std::uintptr_t>(code.start()) && size == code.size());
  unlink(file.c_str());
}

TEST(code_is_mapped_from_a_file_where_memory_may_not_become_executable) {
  constexpr int kSetRefusal = 65, kRefuseExecutableGain = 1;  // PR_SET_MDWE of Linux 6.3
  CHECK(passes_in_a_program(
      "file", [] { return prctl(kSetRefusal, kRefuseExecutableGain, 0, 0, 0) == 0; }));
  CHECK(passes_in_a_program("file", [] { return refuse(false); }));
}

TEST(code_is_not_made_where_the_system_or_the_user_refuses_it) {
  CHECK(passes_in_a_program("none", [] { return refuse(true); }));
  CHECK(passes_in_a_program("none", [] { return setenv("THALWEG_MACHINE", "0", 1) == 0; }));
}

TEST(code_is_named_for_perf) {
  CHECK(passes_in_a_program(
      nullptr, [] { return setenv("THALWEG_PERF", "1", 1) == 0; },
      "code_memory_is_named_for_perf"));
}
#endif
