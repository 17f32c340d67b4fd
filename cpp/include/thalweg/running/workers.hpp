// SPDX-License-Identifier: BSD-3-Clause
// Runs one piece of work on several threads, which end with it. There is no thread pool.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

namespace thalweg {

// Seconds between checks for an interrupt.
inline constexpr double kPatience = 0.02;

// Calls `stop` at most once per interval, even if each run takes less.
class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Patience(const std::function<bool()>& stop, Time& checked) : stop_(stop), checked_(checked) {}
  bool over() {
    if (!stop_) return false;
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - checked_).count() < kPatience) return false;
    checked_ = now;
    return stop_();
  }

 private:
  const std::function<bool()>& stop_;
  Time& checked_;
};

// Calls work(w, stopped) for w in [0, count), each in its own thread and the first in the caller's.
// Only the caller's thread calls `stop`, also while it waits for the others. `stopped` returns true
// once `stop` did or one call failed; the work should then end. Returns false if stopped; an
// exception in `work` is rethrown here. If too few threads can be started, fewer share the work, so
// each call must be able to do all of it.
using Stopped = std::function<bool()>;
bool run_together(std::int64_t count, const std::function<bool()>& stop,
                  const std::function<void(std::int64_t, const Stopped&)>& work);

}  // namespace thalweg
