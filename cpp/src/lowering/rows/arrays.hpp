// SPDX-License-Identifier: BSD-3-Clause
// The common data of a plan's stages: which nodes are arrays between stages, and where they are.
#pragma once
#include <algorithm>
#include <array>

#include "lowering/rows/plan.hpp"

namespace thalweg::rows {

// Which nodes are arrays between stages, and where they are.
class Arrays {
 public:
  Arrays(Graph& g, std::span<const NodeId> outputs)
      : g(g), info(classify(g, outputs)), buffers_(info.size(), -1) {
    for (NodeId o : outputs) {  // an output is an array of its own
      of(o).kept = of(o).how == How::View;
      if (of(o).how == How::External) of(o).how = How::Whole;
    }
    for (NodeId id = g.size(); id-- > 0;)
      if (of(id).how == How::Built)
        for (NodeId part : g.inputs(id)) of(part).kept = of(part).how == How::View;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const NodeId o = outputs[k];
      of(o).stored = true;
      if (buffers_[index(o)] >= 0) plan->copies.push_back({buffers_[index(o)], k});
      else buffers_[index(o)] = add({RowBuffer::From::Output, position(k, "outputs"), size(o)});
    }
    for (NodeId id = g.size(); id-- > 0;)
      if (of(id).reached) mark(id);
  }

  Info& of(NodeId id) { return info[index(id)]; }
  const Info& of(NodeId id) const { return info[index(id)]; }
  std::int64_t size(NodeId id) const { return size_of(g.shape(id)); }

  // Whether v is computed (or recomputed) row by row along that axis in the loop of that time.
  bool in_loop(NodeId v, Lead lead, int time) const {
    const Info& i = of(v);
    return i.how == How::Row && i.lead == lead &&
           (i.spread || i.time == time || (i.cost > 0 && i.time < time));
  }

  // Whether an operand has no axis of rows, or one of length 1.
  bool repeats(NodeId v, Lead lead) const {
    const Shape& s = g.shape(v);
    const auto rank = static_cast<int>(s.size());
    return rank <= lead.axis || s[index(rank - 1 - lead.axis)] == 1;
  }
  // The row axes of a product's operands; weights have none.
  std::array<Lead, 2> leads(NodeId id) const {
    const Info& u = of(id);
    const auto a = g.attributes(id);
    const bool ta = a[0] != 0, tb = a[1] != 0;
    if (u.how == How::Result) return {Lead{u.lead.rows, ta ? 1 : 0}, Lead{u.lead.rows, tb ? 0 : 1}};
    if (u.lead.axis == 1) return {Lead{u.lead.rows, ta ? 0 : 1}, Lead{}};
    return {Lead{}, Lead{u.lead.rows, tb ? 1 : 0}};
  }

  std::int32_t buffer(NodeId id) {
    std::int32_t& b = buffers_[index(id)];
    if (b >= 0) return b;
    const Node& n = g[id];
    if (n.kind == Kind::Data && of(id).how == How::External) {
      plan->data.push_back(g.data_of(id));
    } else if (n.kind == Kind::Constant && of(id).how == How::External) {
      const auto number = std::make_shared<double>(n.value);
      plan->data.push_back({number, number.get(), {}});
    } else {
      const bool input = n.kind == Kind::Input && of(id).how == How::External;
      return b = add({input ? RowBuffer::From::Input : RowBuffer::From::Own, n.op, size(id)});
    }
    return b = add({RowBuffer::From::Data, position(plan->data.size() - 1, "arrays"), size(id)});
  }
  // The rows of an array, which a loop may have to convert.
  RowAccess access(NodeId id, Lead lead, std::vector<RowConversion>& conversions) {
    const auto a = access_along(g, info, id, lead);
    if (!a)
      throw std::logic_error("no rows of node " + std::to_string(id) + " of shape " +
                             to_string(g.shape(id)) +
                             ". This is a bug in thalweg; please report it");
    const auto numbers = numbers_of(g, a->base);
    if (!numbers)
      return RowAccess{buffer(a->base), a->offset, a->row_stride, a->inner_stride, a->width};
    const RowConversion c{numbers, a->offset, a->row_stride, a->inner_stride, a->width};
    auto known = std::ranges::find(conversions, c);
    if (known == conversions.end()) known = conversions.insert(known, c);
    return c.block(position(index(known - conversions.begin()), "arrays"));
  }
  std::optional<RowSpan> span(NodeId id) {
    const auto a = contiguous(g, info, id);
    if (!a) return std::nullopt;
    return RowSpan{buffer(a->base), a->offset, a->width};
  }

  Graph& g;
  std::vector<Info> info;
  std::unique_ptr<RowPlan> plan = std::make_unique<RowPlan>();

 private:
  std::int32_t add(RowBuffer b) {
    plan->buffers.push_back(b);
    return position(plan->buffers.size() - 1, "arrays");
  }
  // Marks the operands that node id needs as arrays.
  void mark(NodeId id) {
    const Info& u = of(id);
    const auto inputs = g.inputs(id);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const Info& v = of(inputs[k]);
      const bool there = u.how == How::Whole   ? v.how == How::Whole && v.done == u.done
                         : u.how == How::Built ? v.how == How::Row
                         : u.how == How::View  ? false
                                               : in_its_loop(id, k);
      Info& operand = of(inputs[k]);
      if (!there || (u.late && !operand.spread && operand.cost == 0)) operand.stored = true;
      else if (u.how != How::Whole && u.how != How::Built && !operand.spread &&
               (u.late || operand.time < u.time))
        operand.late = true;
    }
  }
  // Whether operand k of a node in a loop is computed in the same loop.
  bool in_its_loop(NodeId id, std::size_t k) const {
    const Info& u = of(id);
    const NodeId v = g.inputs(id)[k];
    switch (g[id].kind) {
      case Kind::Elementwise:
        return !repeats(v, u.lead) && in_loop(v, u.lead, u.time);
      case Kind::Reduce:
        return in_loop(v, lead_of(g.shape(v)), u.time);
      case Kind::View:
        return !u.spread;
      case Kind::MatMul: {
        const auto at = leads(id);
        return at[k].axis >= 0 && in_loop(v, at[k], u.time);
      }
      default:
        return in_loop(v, u.lead, u.time);
    }
  }
  std::vector<std::int32_t> buffers_;
};

// Builds the stage that computes these nodes as whole arrays, all available at one time.
void build_whole(Arrays& arrays, int time, const std::vector<NodeId>& nodes);

// Lets intermediate arrays lie where outputs will, in a plan that is complete.
void share_memory(RowPlan& plan);

}  // namespace thalweg::rows
