// SPDX-License-Identifier: BSD-3-Clause
// Builds the stages of a plan over rows in order of time: whole arrays, parts of assembled arrays,
// and loops. Each stage has its own graph, cut from the original one at the nodes that are arrays
// by then.
#include <algorithm>
#include <functional>
#include <map>

#include "lowering/rows/arrays.hpp"

namespace thalweg::rows {
namespace {

// Builds the program of one row, and records where its values go.
class LoopBuilder {
 public:
  LoopBuilder(Arrays& arrays, int time, std::int64_t rows) : a_(arrays), time_(time) {
    loop_.rows = rows;
  }

  void make(NodeId id) { made_[id] = copy(id); }
  void store(NodeId id) {
    const std::int64_t width = a_.size(id) / loop_.rows;
    loop_.stores.push_back({output(made_.at(id)), {a_.buffer(id), 0, width, 1, width}, false});
  }
  // Stores a part of an assembled array; returns false if it is not a run of rows there.
  bool lay(NodeId part, NodeId whole, const Placement& at, bool add) {
    const Info& p = a_.of(part);
    const Shape& shape = a_.g.shape(part);
    const int axis = static_cast<int>(shape.size()) - 1 - p.lead.axis;
    if (!at.table.empty()) return false;
    const auto inner = one_axis(shape, at.strides, axis);
    if (!inner) return false;
    const RowAccess to{a_.buffer(whole), at.offset, at.strides[index(axis)], inner->first,
                       inner->second};
    loop_.stores.push_back({output(made_.at(part)), to, add});
    return true;
  }
  // Sets an array to zero that only this loop adds to.
  void zero(NodeId whole) { zeroed_.push_back(a_.buffer(whole)); }
  void result(NodeId id) {
    const Node n = a_.g[id];
    const auto in = a_.g.inputs(id);
    const auto a = a_.g.attributes(id);
    if (n.kind == Kind::Reduce) {
      const Lead lead = lead_of(a_.g.shape(in[0]));
      const std::int64_t each = a[1] / loop_.rows, width = a[2];
      const auto kind = static_cast<Reduction>(n.op);
      if (!a_.in_loop(in[0], lead, time_)) {
        const RowAccess from = rows_of(in[0], lead);
        if (from.row_stride == 1 && from.width == 1) {  // reduced in place
          loop_.joins.push_back({from, kind, a_.buffer(id), width});
          return;
        }
      }
      const NodeId x = operand(in[0], lead);
      const NodeId row = each > 1 ? g_->reduce_folded(kind, x, {1, each, width}, {width})
                                  : g_->reshape(x, {width});
      loop_.joins.push_back({output(row), kind, a_.buffer(id), width});
      return;
    }
    const auto at = a_.leads(id);
    const auto side = [&](std::size_t k) -> RowLoop::Operand {
      if (a_.in_loop(in[k], at[k], time_)) return output(operand(in[k], at[k]));
      return rows_of(in[k], at[k]);
    };
    const Shape& shape = a_.g.shape(id);
    loop_.contractions.push_back({side(0), side(1), shape[1], shape[2], a_.buffer(id)});
  }
  void build() {
    if (outputs_.empty() && loop_.contractions.empty() && loop_.joins.empty())
      return;  // recomputed where it is used
    std::vector<bool> varying;
    for (const auto& input : loop_.inputs)
      varying.push_back(!std::holds_alternative<RowSpan>(input));
    loop_.program = lower(g_, outputs_, {varying, Layout::Lanes});
    find_reaches();
    a_.plan->stages.emplace_back(std::move(loop_));
  }

 private:
  // How far rows add beyond themselves, relative to those of the first part. What reaches furthest
  // is added first, so that an element receives its terms in the order of rows, however many rows
  // are processed at a time.
  void find_reaches() {
    constexpr std::int64_t kFar = 4096;
    std::ranges::stable_sort(loop_.stores, std::greater<>{},
                             [](const RowLoop::Store& s) { return s.to.offset; });
    std::map<std::int32_t, std::vector<RowLoop::Store*>> added;
    for (RowLoop::Store& s : loop_.stores)
      if (s.add) added[s.to.buffer].push_back(&s);
    for (auto& [buffer, stores] : added) {
      const std::int64_t stride = stores[0]->to.row_stride;
      for (RowLoop::Store* s : stores) {
        if (stride > 0) s->reach = (s->to.offset + stride - 1) / stride;
        loop_.in_order |= s->to.row_stride != stride || stride <= 0 || s->reach > kFar;
      }
    }
    for (auto& [buffer, stores] : added) {
      const bool side_by_side = std::ranges::all_of(stores, [](const RowLoop::Store* s) {
        return (s->to.width - 1) * s->to.inner_stride < s->to.row_stride;
      });
      loop_.any_block &= side_by_side && !loop_.in_order;
      if (loop_.in_order || !side_by_side || std::ranges::find(zeroed_, buffer) == zeroed_.end())
        continue;
      RowBuffer& b = a_.plan->buffers[index(buffer)];
      b.zero = false;
      const auto* last = std::ranges::max(stores, {}, [](const auto* s) { return s->reach; });
      loop_.built.push_back({buffer, last->to.row_stride, last->reach, b.size});
    }
  }
  std::size_t output(NodeId made) {
    const auto [known, fresh] = output_of_.try_emplace(made, outputs_.size());
    if (fresh) outputs_.push_back(made);
    return known->second;
  }
  template <class Source> NodeId input(Source from, const Shape& shape) {
    loop_.inputs.emplace_back(std::move(from));
    return g_->input(position(loop_.inputs.size() - 1, "inputs"), shape);
  }
  static Shape row_shape(Shape shape, Lead lead) {
    shape[shape.size() - 1 - static_cast<std::size_t>(lead.axis)] = 1;
    return shape;
  }

  RowAccess rows_of(NodeId v, Lead lead) { return a_.access(v, lead, loop_.conversions); }
  // One row of v: computed in this loop, or read.
  NodeId operand(NodeId v, Lead lead) {
    if (a_.in_loop(v, lead, time_)) {
      if (const auto known = made_.find(v); known != made_.end()) return known->second;
      return made_[v] = copy(v);  // the same in every row, or recomputed
    }
    const auto key = std::pair(v, lead.axis);
    if (const auto known = read_.find(key); known != read_.end()) return known->second;
    const Shape shape = row_shape(a_.g.shape(v), lead);
    const RowAccess from = rows_of(v, lead);
    const auto [same, fresh] = accesses_.try_emplace(
        {from.buffer, from.offset, from.row_stride, from.inner_stride, from.width, from.converted});
    if (fresh) same->second = input(from, shape);
    return read_[key] = g_->reshape(same->second, shape);
  }
  // v as a whole, the same for all rows.
  NodeId uniform(NodeId v) {
    const Node n = a_.g[v];
    if (n.kind == Kind::Constant) return g_->constant(n.value);
    if (const auto known = uniform_.find(v); known != uniform_.end()) return known->second;
    if (const auto s = a_.span(v)) {
      const auto [same, fresh] = spans_.try_emplace({s->buffer, s->offset, s->size});
      if (fresh) same->second = input(*s, a_.g.shape(v));
      return uniform_[v] = g_->reshape(same->second, a_.g.shape(v));
    }
    const auto a = a_.g.attributes(v);  // a strided view
    return uniform_[v] = g_->view(uniform(a_.g.inputs(v)[0]), a_.g.shape(v), a[0],
                                  Shape(a.begin() + 1, a.end()));
  }

  NodeId copy(NodeId id) {
    const Node n = a_.g[id];
    const Info& u = a_.of(id);
    const auto in = a_.g.inputs(id);
    const Shape shape = row_shape(a_.g.shape(id), u.lead);
    switch (n.kind) {
      case Kind::Elementwise: {
        std::vector<NodeId> operands;
        for (NodeId v : in)
          operands.push_back(a_.repeats(v, u.lead) ? uniform(v) : operand(v, u.lead));
        return g_->elementwise(n.op, operands);
      }
      case Kind::Lookup:
        return g_->lookup(operand(in[0], u.lead), a_.g.table_of(id));
      case Kind::Reduce: {
        const auto a = a_.g.attributes(id);
        return g_->reduce_folded(static_cast<Reduction>(n.op),
                                 operand(in[0], lead_of(a_.g.shape(in[0]))),
                                 {a[0] / loop_.rows, a[1], a[2]}, shape);
      }
      case Kind::View: {
        const auto a = a_.g.attributes(id);
        const NodeId x = u.spread ? uniform(in[0]) : operand(in[0], a_.of(in[0]).lead);
        return g_->view(x, shape, a[0], Shape(a.begin() + 1, a.end()));
      }
      default:
        return product(id, shape);
    }
  }
  NodeId product(NodeId id, const Shape& shape) {
    const Info& u = a_.of(id);
    const auto a = a_.g.attributes(id);
    const bool ta = a[0] != 0, tb = a[1] != 0, left = u.lead.axis == 1;
    const NodeId rows = a_.g.inputs(id)[left ? 0 : 1], weights = a_.g.inputs(id)[left ? 1 : 0];
    const Lead lead = a_.leads(id)[left ? 0 : 1];
    const auto w = a_.span(weights);
    if (w && !a_.in_loop(rows, lead, time_)) {
      const Shape& s = a_.g.shape(weights);
      RowProduct p{rows_of(rows, lead), *w, 1, 1, 1};
      if (left) p.n = s[tb ? 1 : 2], p.k_stride = tb ? 1 : s[2], p.n_stride = tb ? s[2] : 1;
      return input(p, shape);
    }
    const NodeId r = operand(rows, lead), q = uniform(weights);
    return left ? g_->matmul(r, q, ta, tb) : g_->matmul(q, r, ta, tb);
  }

  Arrays& a_;
  int time_;
  RowLoop loop_;
  std::shared_ptr<Graph> g_ = std::make_shared<Graph>();
  std::vector<NodeId> outputs_;
  std::map<NodeId, std::size_t> output_of_;
  std::map<NodeId, NodeId> made_, uniform_;
  std::map<std::pair<NodeId, int>, NodeId> read_;
  // Different nodes may be views of the same memory, so the keys are all fields of an access or
  // span.
  std::map<std::array<std::int64_t, 6>, NodeId> accesses_;
  std::map<std::array<std::int64_t, 3>, NodeId> spans_;
  std::vector<std::int32_t> zeroed_;
};

class Building {
 public:
  Building(Graph& g, std::span<const NodeId> outputs) : a_(g, outputs) {}

  std::unique_ptr<RowPlan> run() {
    int end = 0;
    for (const Info& i : a_.info)
      if (i.reached) end = std::max(end, i.done);
    at_.resize(index(end + 1));
    for (NodeId id = 0; id < a_.g.size(); ++id) {
      const Info& u = a_.of(id);
      if (!u.reached) continue;
      if (u.how == How::Whole || u.kept) at_[index(u.done)].whole.push_back(id);
      if (u.how == How::Row || u.how == How::Result) at_[index(u.time)].looped.push_back(id);
      if (u.how == How::Built) begin(id);
    }
    for (int time = 0; time <= end; ++time) {
      const Moment& now = at_[index(time)];
      if (!now.whole.empty()) build_whole(a_, time, now.whole);
      for (const PatchStage& patch : now.patches) a_.plan->stages.emplace_back(patch);
      loops(time);
    }
    share_memory(*a_.plan);
    return std::move(a_.plan);
  }

 private:
  // Decides which of its parts a loop stores, and which none does.
  void begin(NodeId id) {
    const auto& where = a_.g.placements(id);
    const auto parts = a_.g.inputs(id);
    const bool add = a_.g[id].accumulate;
    a_.plan->buffers[index(a_.buffer(id))].zero = add;
    const auto is_laid = [&](std::size_t k) {
      const Info& p = a_.of(parts[k]);
      const Shape& shape = a_.g.shape(parts[k]);
      const int axis = static_cast<int>(shape.size()) - 1 - p.lead.axis;
      return p.how == How::Row && where[k].table.empty() &&
             one_axis(shape, where[k].strides, axis).has_value();
    };
    bool alone = add;
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const Info &p = a_.of(parts[k]), &first = a_.of(parts[0]);
      alone &= is_laid(k) && p.time == first.time && p.lead.rows == first.lead.rows;
    }
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const Info& p = a_.of(parts[k]);
      if (is_laid(k)) {
        at_[index(p.time)].laid.push_back({parts[k], id, k, alone});
      } else {
        a_.of(parts[k]).stored = true;
        at_[index(p.done)].patches.push_back(
            {a_.buffer(parts[k]), a_.buffer(id), a_.g.shape(parts[k]), where[k], add});
      }
    }
  }

  void loops(int time) {
    std::map<std::int64_t, LoopBuilder> loops;
    const auto loop = [&](std::int64_t rows) -> LoopBuilder& {
      return loops.try_emplace(rows, a_, time, rows).first->second;
    };
    for (NodeId id : at_[index(time)].looped) {
      const Info& u = a_.of(id);
      if (u.how == How::Result) {
        loop(u.lead.rows).result(id);
      } else if (!u.spread || u.stored) {
        loop(u.lead.rows).make(id);
        if (u.stored) loop(u.lead.rows).store(id);
      }
    }
    for (const Laid& l : at_[index(time)].laid) {
      const Info& p = a_.of(l.part);
      LoopBuilder& b = loop(p.lead.rows);
      if (p.spread && !p.stored) b.make(l.part);
      b.lay(l.part, l.whole, a_.g.placements(l.whole)[l.which], a_.g[l.whole].accumulate);
      if (l.alone) b.zero(l.whole);
    }
    for (auto& [rows, builder] : loops) builder.build();
  }

  struct Laid {
    NodeId part, whole;
    std::size_t which;
    bool alone;  // whether only this loop adds to the array
  };
  // What is computed or stored once everything before a time is available.
  struct Moment {
    std::vector<NodeId> whole, looped;
    std::vector<Laid> laid;
    std::vector<PatchStage> patches;
  };
  Arrays a_;
  std::vector<Moment> at_;
};

}  // namespace
}  // namespace thalweg::rows

namespace thalweg {

std::unique_ptr<RowPlan> plan_rows(Graph& graph, std::span<const NodeId> outputs) {
  return rows::Building(graph, outputs).run();
}

}  // namespace thalweg
