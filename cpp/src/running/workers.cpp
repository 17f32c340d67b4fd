// SPDX-License-Identifier: BSD-3-Clause
// Starts threads, checks for interrupts while it waits for them, and rethrows their exceptions.
#include "thalweg/running/workers.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace thalweg {

bool run_together(std::int64_t count, const std::function<bool()>& stop,
                  const std::function<void(std::int64_t, const Stopped&)>& work) {
  std::atomic<bool> stopped = false;
  const Stopped others_stop = [&] { return stopped.load(); }, callers_stop = [&] {
    if (!stopped && stop && stop()) stopped = true;
    return stopped.load();
  };
  if (count == 1) {
    work(0, callers_stop);
    return !stopped;
  }
  std::mutex mutex;
  std::condition_variable ended;
  std::int64_t running = 0;
  std::exception_ptr failure;
  const auto attempt = [&](std::int64_t w, const Stopped& is_stopped) {
    std::exception_ptr thrown;
    try {
      work(w, is_stopped);
    } catch (...) {
      thrown = std::current_exception();
      stopped = true;
    }
    const std::scoped_lock lock(mutex);
    if (thrown) failure = thrown;
    --running;
    ended.notify_all();
  };
  {
    std::vector<std::jthread> others;
    others.reserve(static_cast<std::size_t>(count));
    for (std::int64_t w = 1; w < count; ++w) {
      {
        const std::scoped_lock lock(mutex);
        ++running;
      }
      try {
        others.emplace_back([&, w] { attempt(w, others_stop); });
      } catch (const std::system_error&) {
        const std::scoped_lock lock(mutex);
        --running;
        break;
      }
    }
    {
      const std::scoped_lock lock(mutex);
      ++running;
    }
    attempt(0, callers_stop);
    for (std::unique_lock lock(mutex); running > 0;) {
      ended.wait_for(lock, std::chrono::duration<double>(kPatience));
      lock.unlock();
      callers_stop();
      lock.lock();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return !stopped;
}

}  // namespace thalweg
