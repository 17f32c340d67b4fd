// SPDX-License-Identifier: BSD-3-Clause
// Saves memory, and the time to go through it: an array that a loop reads for the last time, row by
// row, to write an output in the same way, lies in the output's memory from the beginning.
#include "lowering/rows/arrays.hpp"

namespace thalweg::rows {
namespace {

// Calls visit(buffer) for all buffers that a stage reads or writes.
template <class Visit> void each_buffer(WholeStage& stage, const Visit& visit) {
  for (RowSpan& s : stage.inputs) visit(s.buffer);
  for (std::int32_t& b : stage.outputs) visit(b);
}
template <class Visit> void each_buffer(PatchStage& stage, const Visit& visit) {
  visit(stage.from);
  visit(stage.to);
}
template <class Visit> void each_buffer(RowLoop& loop, const Visit& visit) {
  const auto access = [&](RowAccess& a) {
    if (!a.converted) visit(a.buffer);
  };
  const auto operand = [&](RowLoop::Operand& o) {
    if (auto* a = std::get_if<RowAccess>(&o)) access(*a);
  };
  for (auto& input : loop.inputs) {
    if (auto* s = std::get_if<RowSpan>(&input)) visit(s->buffer);
    else if (auto* a = std::get_if<RowAccess>(&input)) access(*a);
    else {
      auto& p = std::get<RowProduct>(input);
      access(p.rows);
      visit(p.weights.buffer);
    }
  }
  for (RowLoop::Store& s : loop.stores) access(s.to);
  for (RowLoop::Built& b : loop.built) visit(b.buffer);
  for (RowLoop::Join& j : loop.joins) operand(j.from), visit(j.buffer);
  for (RowLoop::Contraction& c : loop.contractions)
    operand(c.left), operand(c.right), visit(c.buffer);
}

class Sharing {
 public:
  explicit Sharing(RowPlan& plan) : plan_(plan) {
    const std::size_t buffers = plan.buffers.size();
    uses_.resize(buffers, 0), last_.resize(buffers, 0), copied_.resize(buffers, false);
    for (std::size_t k = 0; k < plan.stages.size(); ++k)
      each([&](std::int32_t b) { ++uses_[index(b)], last_[index(b)] = k; }, k);
    for (const RowPlan::Copy& c : plan.copies) copied_[index(c.buffer)] = true;
  }
  void run() {
    for (std::size_t k = 0; k < plan_.stages.size(); ++k)
      if (auto* loop = std::get_if<RowLoop>(&plan_.stages[k])) share(*loop, k);
  }

 private:
  template <class Visit> void each(const Visit& visit, std::size_t stage) {
    std::visit([&](auto& s) { each_buffer(s, visit); }, plan_.stages[stage]);
  }
  RowBuffer& at(std::int32_t b) { return plan_.buffers[index(b)]; }
  bool is_all_of_it(const RowAccess& a, const RowLoop& loop) {
    return !a.converted && a.offset == 0 && a.row_stride == 1 && a.width == 1 &&
           at(a.buffer).size == loop.rows;
  }

  void share(RowLoop& loop, std::size_t stage) {
    for (std::size_t s = 0; s < loop.stores.size(); ++s) {
      const RowLoop::Store& store = loop.stores[s];
      if (store.add || at(store.to.buffer).from != RowBuffer::From::Output ||
          uses_[index(store.to.buffer)] != 1 || copied_[index(store.to.buffer)] ||
          !is_all_of_it(store.to, loop))
        continue;
      for (const auto& input : loop.inputs) {
        const auto* a = std::get_if<RowAccess>(&input);
        if (!a || !is_all_of_it(*a, loop) || !is_read_last(a->buffer, stage)) continue;
        loop.in_place = s;
        return replace(a->buffer, store.to.buffer);
      }
    }
  }
  // Whether this stage reads an intermediate array once, and no later one does.
  bool is_read_last(std::int32_t b, std::size_t stage) {
    int here = 0;
    each([&](std::int32_t used) { here += used == b; }, stage);
    return at(b).from == RowBuffer::From::Own && last_[index(b)] == stage && here == 1 &&
           !copied_[index(b)];
  }
  void replace(std::int32_t from, std::int32_t by) {
    at(by).zero |= at(from).zero;
    at(from).size = 0, at(from).zero = false;
    for (std::size_t k = 0; k < plan_.stages.size(); ++k)
      each(
          [&](std::int32_t& b) {
            if (b == from) b = by;
          },
          k);
  }

  RowPlan& plan_;
  // By buffer: how many accesses there are, the last stage that has one, whether it is an output's.
  std::vector<int> uses_;
  std::vector<std::size_t> last_;
  std::vector<bool> copied_;
};

}  // namespace

void share_memory(RowPlan& plan) { Sharing(plan).run(); }

}  // namespace thalweg::rows
