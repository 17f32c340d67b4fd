// SPDX-License-Identifier: BSD-3-Clause
// Locks that no fork leaves closed. A forked process has only the thread that forked: what another
// thread had locked would stay locked there, and half made. So a fork waits until every thread has
// left what these locks protect.
#pragma once

namespace thalweg {

// No fork happens while a thread has one of these. They may be nested. It must not wait for a
// thread that forks; should it do so all the same, the fork goes on after five seconds.
class Unforked {
 public:
  Unforked() { enter(); }
  ~Unforked() { leave(); }
  Unforked(const Unforked&) = delete;
  Unforked& operator=(const Unforked&) = delete;

  static void enter();
  static void leave();
};

// A mutex that is Unforked while it is locked, or waited for.
template <class Mutex> class UnforkedMutex {
 public:
  void lock() {
    Unforked::enter();
    mutex_.lock();
  }
  bool try_lock() {
    Unforked::enter();
    const bool locked = mutex_.try_lock();
    if (!locked) Unforked::leave();
    return locked;
  }
  void unlock() {
    mutex_.unlock();
    Unforked::leave();
  }

 private:
  Mutex mutex_;
};

}  // namespace thalweg
