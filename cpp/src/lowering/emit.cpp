// SPDX-License-Identifier: BSD-3-Clause
// Writes steps as a tape: in an order in which a result is used as soon as it is computed (and
// stays in registers), directly into outputs and assembled arrays, and in slots that are reused
// after their last read.
#include <algorithm>
#include <map>
#include <numeric>

#include "lowering/intermediate.hpp"

namespace thalweg::intermediate {
namespace {

constexpr std::int16_t kCopy = static_cast<std::int16_t>(kCode<fused::Copy>);

bool is_elementary(const Step& s) { return s.code >= 0 && s.code < kElementary; }

template <class... Fs> constexpr auto light_codes(OperationList<Fs...>) {
  constexpr auto light = []<class F>() {
    if constexpr (requires { F::light; }) return F::light;
    else return true;
  };
  return std::array<bool, sizeof...(Fs)>{light.template operator()<Fs>()...};
}
constexpr auto kLight = light_codes(Elementary{});

class Emission {
 public:
  Emission(List& list, Layout layout) : list_(list) { tape_.layout = layout; }

  Tape run() {
    tape_.numbers = std::move(list_.numbers);
    tape_.extents = std::move(list_.extents);
    for (const auto& parts : list_.outputs)
      output_sizes_.push_back(
          std::accumulate(parts.begin(), parts.end(), std::int64_t{0},
                          [](std::int64_t n, const Part& p) { return n + p.n; }));
    for (std::size_t k = 0; k < list_.outputs.size(); ++k)
      for (const Part& p : list_.outputs[k]) pin(p, {Space::Output, position(k, "outputs"), 0});
    for (std::size_t i = list_.steps.size(); i-- > 0;) {
      const Step& s = list_.steps[i];
      if (s.dead || s.parts < 0 || s.accumulate) continue;
      for (const Part& p : list_.parts[static_cast<std::size_t>(s.parts)])
        pin(p, {Space::Scratch, position(i, "steps"), 0});
    }
    recompute();
    schedule();
    count_readers();
    homes_.assign(list_.steps.size(), {});
    for (std::int32_t i : order_) write(i);
    for (std::size_t k = 0; k < list_.outputs.size(); ++k)
      for (const Part& p : list_.outputs[k])
        if (!is_pinned_to(p, {Space::Output, position(k, "outputs"), p.at.offset}))
          copy_part(p, {Space::Output, position(k, "outputs"), 0}, false);
    shared_.resize(tape_.code.size(), false);
    keep_in_registers();
    return std::move(tape_);
  }

 private:
  Step& step(const Place& p) { return list_.steps[static_cast<std::size_t>(p.index)]; }
  bool lanes() const { return tape_.layout == Layout::Lanes; }

  // ---- the places of results

  static bool contiguous(const Part& p) {
    return p.at.table.empty() &&
           (p.n == 1 || p.at.strides.empty() || p.at.strides == contiguous_strides(p.shape));
  }
  // A result that is computed for this place alone is written there directly. (In the layout
  // Elements a number fills a whole batch, so it cannot be written inside an array.)
  void pin(const Part& p, Place to) {
    if (p.from.space != Space::Scratch || p.from.offset != 0 || !contiguous(p)) return;
    Step& s = step(p.from);
    if (s.n != p.n || s.pinned.space != Space::None || s.code == kCosine || s.partner >= 0) return;
    const std::int64_t room =
        to.space == Space::Scratch ? step(to).n : output_sizes_[static_cast<std::size_t>(to.index)];
    if (!lanes() && s.n == 1 && room != 1) return;
    to.offset += p.at.offset;
    s.pinned = to;
  }
  bool is_pinned_to(const Part& p, const Place& to) {
    return p.from.space == Space::Scratch && p.from.offset == 0 && step(p.from).pinned == to &&
           step(p.from).n == p.n;
  }

  // ---- cheap steps are repeated

  // Cheap steps, such as x + c, take less time to recompute in registers than to store and load.
  bool is_cheap(const Step& s) const {
    if (s.n != 1 || s.uses < 2 || s.pinned.space != Space::None) return false;
    if (s.code != kCode<ops::Add> && s.code != kCode<ops::Subtract>) return false;
    const auto is = [&s](Space a, Space b) { return s.in[0].space == a && s.in[1].space == b; };
    return is(Space::Input, Space::Number) || is(Space::Number, Space::Input);
  }
  void recompute() {
    if (!lanes()) return;
    const std::size_t count = list_.steps.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (list_.steps[i].dead || list_.steps[i].partner >= 0) continue;
      std::int32_t from = -1, copy = -1;
      for (int k = 0; k < list_.steps[i].arity; ++k) {
        const Place p = list_.steps[i].in[k];
        if (p.space != Space::Scratch || p.offset != 0) continue;
        if (p.index != from) {
          if (!is_cheap(step(p))) continue;
          from = p.index;
          copy = position(list_.steps.size(), "steps");
          list_.steps.push_back(Step(step(p)));
        }
        list_.steps[i].in[k].index = copy;
      }
    }
  }

  // ---- order

  void schedule() {
    std::vector<std::uint8_t> state(list_.steps.size(),
                                    0);  // 0 new, 1 operands in progress, 2 written
    std::vector<std::int32_t> stack;
    const auto want = [&](const Place& p) {
      if (p.space == Space::Scratch && state[static_cast<std::size_t>(p.index)] == 0)
        stack.push_back(p.index);
    };
    const auto drain = [&] {
      while (!stack.empty()) {
        const std::int32_t i = stack.back();
        const auto u = static_cast<std::size_t>(i);
        if (state[u] != 0) {
          stack.pop_back();
          if (state[u] == 1) {
            state[u] = 2;
            order_.push_back(i);
          }
          continue;
        }
        state[u] = 1;
        const Step& s = list_.steps[u];
        if (s.code == kCosine) {
          want({Space::Scratch, s.partner, 0});
          continue;
        }
        if (s.parts >= 0) {
          const auto& parts = list_.parts[static_cast<std::size_t>(s.parts)];
          for (std::size_t k = parts.size(); k-- > 0;) want(parts[k].from);
        }
        for (int k = s.arity; k-- > 0;) want(s.in[k]);
      }
    };
    for (const auto& parts : list_.outputs)
      for (const Part& p : parts) {
        want(p.from);
        drain();
      }
  }

  // ---- slots

  void count_readers() {
    readers_.assign(list_.steps.size(), 0);
    const auto read = [&](const Place& p) {
      if (p.space == Space::Scratch) ++readers_[static_cast<std::size_t>(p.index)];
    };
    for (std::int32_t i : order_) {
      const Step& s = list_.steps[static_cast<std::size_t>(i)];
      if (s.code == kCosine) continue;
      for (int k = 0; k < s.arity; ++k) read(s.in[k]);
      if (s.parts >= 0)
        for (const Part& p : list_.parts[static_cast<std::size_t>(s.parts)]) read(p.from);
      if (s.pinned.space == Space::Scratch)
        read(s.pinned);  // the whole must be kept while a part in it is read
    }
    for (const auto& parts : list_.outputs)
      for (const Part& p : parts) read(p.from);
  }

  std::int32_t take_slot(std::int64_t n) {
    // The smallest free slot that holds n elements, unless it is more than twice too large.
    if (const auto best = free_.lower_bound(n); best != free_.end() && best->first <= 2 * n) {
      const std::int32_t slot = best->second.back();
      best->second.pop_back();
      if (best->second.empty()) free_.erase(best);
      return slot;
    }
    tape_.slots.push_back(n);
    return position(tape_.slots.size() - 1, "slots");
  }

  void give_slot(std::int32_t slot) {
    free_[tape_.slots[static_cast<std::size_t>(slot)]].push_back(slot);
  }

  // The slot (or output) of a step's result, which is allocated at the first request. A result
  // pinned into an array that is itself pinned into another, and so on, is in the place of the last
  // one.
  Place home(std::int32_t index) {
    auto u = static_cast<std::size_t>(index);
    std::vector<std::size_t> within;
    while (homes_[u].space == Space::None && list_.steps[u].pinned.space == Space::Scratch) {
      within.push_back(u);
      u = static_cast<std::size_t>(list_.steps[u].pinned.index);
    }
    if (homes_[u].space == Space::None) {
      const Step& last = list_.steps[u];
      homes_[u] = last.pinned.space == Space::None ? Place{Space::Scratch, take_slot(last.n), 0}
                                                   : last.pinned;
    }
    for (; !within.empty(); within.pop_back()) {
      const std::size_t part = within.back();
      homes_[part] = homes_[u];
      homes_[part].offset += list_.steps[part].pinned.offset;
      u = part;
    }
    return homes_[u];
  }
  void release(Place p) {
    while (p.space == Space::Scratch) {
      const auto u = static_cast<std::size_t>(p.index);
      if (--readers_[u] > 0) return;
      p = list_.steps[u].pinned;
      if (p.space == Space::None) give_slot(homes_[u].index);
    }
  }
  Place located(const Place& p) {
    if (p.space != Space::Scratch) return p;
    Place at = home(p.index);
    at.offset += p.offset;
    return at;
  }

  // ---- instructions

  // In the layout Elements, one element of an array is read as a number; a separate number fills a
  // batch.
  Mode mode(const Place& p, bool whole_operand, std::int64_t n) {
    if (p.space == Space::Number) return Mode::Number;
    if (lanes()) return p.space == Space::Uniform ? Mode::Number : Mode::Memory;
    if (n > 1 && whole_operand) return Mode::Memory;
    return p.space == Space::Scratch && step(p).n == 1 && step(p).pinned.space == Space::None
               ? Mode::Memory
               : Mode::Number;
  }

  void write(std::int32_t index) {
    const auto u = static_cast<std::size_t>(index);
    Step& s = list_.steps[u];
    if (s.code == kCosine) return;
    if (s.code == kAssemble) return assemble(index, s);
    Instruction i{.code = s.code, .n = s.n, .extent = s.extent};
    for (int k = 0; k < s.arity; ++k) {
      i.mode[k] = mode(s.in[k], s.whole[k], s.n);
      i.whole[k] = s.whole[k];
      i.in[k] = located(s.in[k]);
    }
    if (s.code == kCode<ops::Multiply> && i.in[0] == i.in[1] && s.whole[0] == s.whole[1]) {
      i.code = static_cast<std::int16_t>(kCode<ops::Square>);  // the same bits with one read
      i.in[1] = {};
      i.mode[1] = Mode::Number;
    }
    const bool numbers = i.mode[0] == Mode::Number && i.mode[1] == Mode::Number;
    i.chained = is_elementary(s) && kLight[static_cast<std::size_t>(s.code)] && s.n == 1;
    const bool pair = s.code == static_cast<std::int16_t>(code(Bulk::SinCos));
    Place loaded;
    if (numbers && (i.chained || pair)) {  // no handler takes them: the first goes to memory
      loaded = {Space::Scratch, take_slot(1), 0};
      tape_.code.push_back({.code = kCopy, .mode = {Mode::Number}, .r = loaded, .in = {i.in[0]}});
      i.in[0] = loaded;
      i.mode[0] = Mode::Memory;
    }
    // An elementwise result may overwrite an operand that is last used here, unless the operand is
    // one element that is read repeatedly, or the result is inside an assembled array (whose slot
    // might be the operand's, shifted).
    const bool own = s.pinned.space != Space::Scratch;
    const auto gives_place = [&](int k) {
      return own && is_elementary(s) && (s.whole[k] || s.n == 1);
    };
    release_operands(s, gives_place);
    i.r = home(index);
    if (pair) {
      i.in[2] = home(s.partner);
      i.mode[2] = Mode::Memory;
      if (readers_[u] == 0) ++readers_[u], unread_.push_back(index);
      if (readers_[static_cast<std::size_t>(s.partner)] == 0)
        ++readers_[static_cast<std::size_t>(s.partner)], unread_.push_back(s.partner);
    }
    if (const std::int64_t room = waiting_room(s, numbers)) {  // for this instruction only
      i.in[2] = {Space::Scratch, take_slot(room), 0};
      i.mode[2] = Mode::Memory;
      give_slot(i.in[2].index);
    }
    release_operands(s, [&](int k) { return !gives_place(k); });
    if (loaded.space != Space::None) give_slot(loaded.index);
    shared_.resize(tape_.code.size(), false);
    shared_.push_back(s.pinned.space != Space::None);
    tape_.code.push_back(i);
    for (std::int32_t k : unread_) release({Space::Scratch, k, 0});
    unread_.clear();
  }
  // Products of elements need it: those of the layout Elements, and of numbers in every layout.
  std::int64_t waiting_room(const Step& s, bool of_numbers) const {
    const bool product = s.code == static_cast<std::int16_t>(code(Bulk::MatMul));
    return product && (!lanes() || of_numbers)
               ? thalweg::waiting_room(tape_.extents[static_cast<std::size_t>(s.extent)].sizes)
               : 0;
  }
  template <class Which> void release_operands(const Step& s, const Which& which) {
    for (int k = 0; k < s.arity; ++k)
      if (which(k)) release(s.in[k]);
  }

  void assemble(std::int32_t index, const Step& s) {
    const Place r = home(index);
    const auto& parts = list_.parts[static_cast<std::size_t>(s.parts)];
    bool begun = !s.accumulate;
    if (s.accumulate && !(parts[0].n == s.n && contiguous(parts[0]))) {
      fill(r, s.n);
      begun = true;
    }
    for (const Part& p : parts) {
      const bool there = p.from.space == Space::Scratch && p.from.offset == 0 &&
                         step(p.from).pinned == Place{Space::Scratch, index, p.at.offset} &&
                         step(p.from).n == p.n;
      if (!there) copy_part(p, r, s.accumulate && begun);
      begun = true;
      release(p.from);
    }
  }

  void fill(const Place& r, std::int64_t n) {
    tape_.numbers.push_back(0.0);
    const Place zero{Space::Number, position(tape_.numbers.size() - 1, "numbers"), 0};
    OwnedExtent e;
    e.shape = {n}, e.from = {0}, e.to = {1};
    move(zero, r, n, std::move(e), false);
  }
  void copy_part(const Part& p, Place to, bool add) {
    OwnedExtent e;
    if (!p.at.table.empty()) {
      e.to_table = p.at.table;
    } else {
      e.shape = p.shape.empty() ? Shape{p.n} : p.shape;
      e.to = p.at.strides.empty() ? Shape{1} : p.at.strides;
      e.from = p.whole ? contiguous_strides(e.shape) : Shape(e.shape.size(), 0);
      to.offset += p.at.offset;
    }
    move(located(p.from), to, p.n, std::move(e), add);
  }
  void move(const Place& from, const Place& to, std::int64_t n, OwnedExtent e, bool add) {
    const bool number = from.space == Space::Number || (lanes() && from.space == Space::Uniform);
    tape_.extents.push_back(std::move(e));
    tape_.code.push_back({.code = static_cast<std::int16_t>(code(add ? Bulk::AddMove : Bulk::Move)),
                          .mode = {number ? Mode::Number : Mode::Memory},
                          .r = to,
                          .in = {from},
                          .n = n,
                          .extent = position(tape_.extents.size() - 1, "moves")});
  }

  // If the next instruction uses a chained result, it stays in registers. If nothing else reads it,
  // it is not stored.
  void keep_in_registers() {
    auto& code = tape_.code;
    for (std::size_t i = 0; i + 1 < code.size(); ++i) {
      if (!code[i].chained || !code[i + 1].chained) continue;
      for (int k = 0; k < 3; ++k)
        if (Instruction& next = code[i + 1];
            next.mode[k] == Mode::Memory && next.in[k] == code[i].r &&
            (k < 2 || takes_chained(next.code, next.mode[0], next.mode[1], Mode::Register)))
          next.mode[k] = Mode::Register;
    }
    std::vector<bool> read_later(tape_.slots.size(), false);
    for (std::size_t i = code.size(); i-- > 0;) {
      Instruction& now = code[i];
      if (now.chained && now.r.space == Space::Scratch && !shared_[i]) {
        now.store = read_later[static_cast<std::size_t>(now.r.index)];
        read_later[static_cast<std::size_t>(now.r.index)] = false;
      }
      for (int k = 0; k < 3; ++k)
        if (now.in[k].space == Space::Scratch && now.mode[k] != Mode::Register)
          read_later[static_cast<std::size_t>(now.in[k].index)] = true;
    }
  }

  List& list_;
  Tape tape_;
  std::vector<std::int32_t> order_, readers_, unread_;
  std::map<std::int64_t, std::vector<std::int32_t>> free_;  // by capacity
  std::vector<std::int64_t> output_sizes_;
  std::vector<Place> homes_;
  std::vector<bool> shared_;  // by instruction: whether its result is in an assembled slot
};

}  // namespace

Tape emit(List& list, Layout layout) { return Emission(list, layout).run(); }

}  // namespace thalweg::intermediate
