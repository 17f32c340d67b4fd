// SPDX-License-Identifier: BSD-3-Clause
// Threads that share a piece of work and end with it. There is no pool.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

namespace thalweg {

// Seconds between looks for an interrupt.
inline constexpr double kPatience = 0.02;

// Asks `stop`, but not more often than that, also where each run takes less.
class Patience {
 public:
  using Time = std::chrono::steady_clock::time_point;
  Patience(const std::function<bool()>& stop, Time& asked) : stop_(stop), asked_(asked) {}
  bool over() {
    if (!stop_) return false;
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - asked_).count() < kPatience) return false;
    asked_ = now;
    return stop_();
  }

 private:
  const std::function<bool()>& stop_;
  Time& asked_;
};

// work(w, stopped) for w in [0, count), each in a thread, the first in the caller's: it alone asks
// `stop`, also while it waits for the others. What `stopped` answers tells all of them to end: that
// it was so, or that one of them failed. False where they were told to; what one threw is thrown
// here. Where no more threads are to be had, fewer share the work: each must be able to do all of
// it.
using Stopped = std::function<bool()>;
bool run_together(std::int64_t count, const std::function<bool()>& stop,
                  const std::function<void(std::int64_t, const Stopped&)>& work);

}  // namespace thalweg
