// SPDX-License-Identifier: BSD-3-Clause
// Makes forks wait until no thread is inside, and threads wait outside until the forks are done.
#include "thalweg/graph/unforked.hpp"

#if __has_include(<pthread.h>)
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace thalweg {
namespace {

std::atomic<int> inside = 0;   // threads that have an Unforked
std::atomic<int> forking = 0;  // threads that are about to fork
thread_local int depth = 0;    // how many of this thread's Unforked are nested

int own() { return depth > 0 ? 1 : 0; }

void wait_a_little() { std::this_thread::sleep_for(std::chrono::microseconds(20)); }

void before_fork() {
  using Clock = std::chrono::steady_clock;
  ++forking;
  const auto latest = Clock::now() + std::chrono::seconds(5);
  while (inside > own() && Clock::now() < latest) wait_a_little();
}
void in_parent() { --forking; }
void in_child() {
  forking = 0;
  inside = own();
}

[[maybe_unused]] const int registered = pthread_atfork(before_fork, in_parent, in_child);

}  // namespace

void Unforked::enter() {
  if (depth++ > 0) return;
  for (++inside; forking > 0; ++inside) {
    --inside;
    wait_a_little();
  }
}
void Unforked::leave() {
  if (--depth == 0) --inside;
}

}  // namespace thalweg
#else

namespace thalweg {

void Unforked::enter() {}
void Unforked::leave() {}

}  // namespace thalweg
#endif
