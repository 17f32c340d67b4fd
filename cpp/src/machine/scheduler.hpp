// SPDX-License-Identifier: BSD-3-Clause
// The order of the operations of a batch. The processor looks ahead past one batch, but its queues
// fill up with instructions that wait; so what a long chain waits for comes first.
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include "machine/latency.hpp"

#include "thalweg/machine/primitive.hpp"

namespace thalweg::machine {

// A list scheduler (Gibbons and Muchnick 1986, SIGPLAN Not. 21(7), 11-16): of the operations whose
// operands are there, the one with the longest way to the end is next, as long as registers are
// left; else the next of the given order.
class Scheduler {
 public:
  // `registers`: how many results may wait at once, if fewer do not suffice anyway.
  Scheduler(const std::vector<Operation>& operations, int registers, bool masks_apart)
      : list_(operations),
        registers_(registers),
        masks_apart_(masks_apart),
        users_(operations.size()),
        waits_for_(operations.size(), 0),
        uses_(operations.size(), 0),
        way_(operations.size(), 0),
        there_(operations.size(), 0),
        moved_(operations.size(), kNone) {
    connect();
  }

  std::vector<Operation> run() {
    for (std::size_t k = 0; k < list_.size(); ++k)
      if (is_work(k) && waits_for_[k] == 0) ready_.push_back(k);
    for (int now = 0; !ready_.empty(); ++now) take(next(now), now);
    return std::move(out_);
  }

 private:
  static std::size_t index(Value v) { return static_cast<std::size_t>(v); }
  bool is_work(std::size_t k) const { return !reads_memory(list_[k].what); }
  template <class Visit> void each_operand(std::size_t k, const Visit& visit) const {
    const auto& in = list_[k].in;
    for (std::size_t j = 0; j < in.size(); ++j)
      if (in[j] != kNone && std::find(in.begin(), in.begin() + j, in[j]) == in.begin() + j)
        visit(index(in[j]));
  }

  void connect() {
    for (std::size_t k = 0; k < list_.size(); ++k)
      each_operand(k, [&](std::size_t v) {
        ++uses_[v];
        if (is_work(v)) follows(v, k);
        else if (list_[v].what == Primitive::Load) readers_.emplace_back(list_[v].buffer, k);
      });
    // A buffer is read before it is written.
    for (std::size_t k = 0; k < list_.size(); ++k)
      if (list_[k].what == Primitive::Store)
        for (const auto& [buffer, reader] : readers_)
          if (buffer == list_[k].buffer && reader < k) follows(reader, k);
    for (std::size_t k = list_.size(); k-- > 0;) {
      for (const std::size_t user : users_[k]) way_[k] = std::max(way_[k], way_[user]);
      way_[k] += latency(list_[k].what);
    }
  }
  void follows(std::size_t first, std::size_t then) {
    users_[first].push_back(then);
    ++waits_for_[then];
  }

  // ---- registers

  // Constants are elsewhere; elements that are used once are read where they are used.
  bool takes_register(std::size_t v) const {
    const Operation& o = list_[v];
    return o.what >= Primitive::Load && !has_effect(o.what) && !(masks_apart_ && is_mask(o.what));
  }
  // By how many registers more are taken after operation k.
  int more(std::size_t k) const {
    int change = takes_register(k);
    each_operand(k, [&](std::size_t v) {
      if (!takes_register(v)) return;
      if (!is_work(v) && moved_[v] == kNone) ++change;  // an element is loaded
      if (uses_[v] == 1) --change;
    });
    return change;
  }

  // ---- the order

  std::size_t next(int now) {
    while (moved_[first_] != kNone || !is_work(first_)) ++first_;
    std::size_t best = list_.size();
    const auto is_better = [&](std::size_t a, std::size_t b) {
      const int late_a = std::max(0, there_[a] - now), late_b = std::max(0, there_[b] - now);
      return late_a != late_b ? late_a < late_b : way_[a] != way_[b] ? way_[a] > way_[b] : a < b;
    };
    for (const std::size_t k : ready_) {
      const int change = more(k);
      if (change > 0 && taken_ + change > registers_) continue;
      if (best == list_.size() || is_better(k, best)) best = k;
    }
    return best < list_.size() ? best : first_;
  }

  void take(std::size_t k, int now) {
    taken_ += more(k);
    ready_.erase(std::ranges::find(ready_, k));
    each_operand(k, [&](std::size_t v) {
      if (moved_[v] == kNone) put(v);
      --uses_[v];
    });
    put(k);
    for (const std::size_t user : users_[k]) {
      there_[user] = std::max(there_[user], now + latency(list_[k].what));
      if (--waits_for_[user] == 0) ready_.push_back(user);
    }
  }
  void put(std::size_t k) {
    moved_[k] = static_cast<Value>(out_.size());
    out_.push_back(list_[k]);
    for (Value& v : out_.back().in)
      if (v != kNone) v = moved_[index(v)];
  }

  const std::vector<Operation>& list_;
  const int registers_;
  const bool masks_apart_;
  std::vector<std::vector<std::size_t>> users_;
  std::vector<std::pair<std::int32_t, std::size_t>> readers_;  // a buffer, and who reads it
  // By operation: how many operands it waits for, uses that are left, cycles to the end, when its
  // operands are there, and its number in the new order.
  std::vector<int> waits_for_, uses_, way_, there_;
  std::vector<Value> moved_;
  std::vector<std::size_t> ready_;
  std::size_t first_ = 0;  // none before it in the given order is left
  int taken_ = 0;
  std::vector<Operation> out_;
};

// For a batch of so many doubles. As it is if compiled functions are called, around which all
// registers are saved, or if it is so long that ordering it takes longer than it saves.
inline std::vector<Operation> scheduled(std::vector<Operation> operations, int batch) {
  constexpr std::size_t kMost = 1000;
  const auto calls = [](const Operation& o) { return o.what == Primitive::Call; };
  if (operations.size() > kMost || std::ranges::any_of(operations, calls)) return operations;
  // The others hold constants, and what the estimate does not see.
  const int registers = batch == 8 ? 16 : 13;
  return Scheduler(operations, registers, batch == 8).run();
}

}  // namespace thalweg::machine
