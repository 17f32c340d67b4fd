// SPDX-License-Identifier: BSD-3-Clause
// Builds the stages of a plan over rows that compute whole arrays, each by its own program.
#include <map>

#include "lowering/rows/arrays.hpp"
#include "thalweg/graph/copy.hpp"

namespace thalweg::rows {
namespace {

// Builds a graph of the nodes that are computed all at once.
class WholeBuilder {
 public:
  WholeBuilder(Arrays& arrays, int time) : a_(arrays), time_(time) {}

  void build(const std::vector<NodeId>& nodes) {
    std::vector<NodeId> outputs;
    for (NodeId id : nodes) {
      const NodeId made = copy(id);
      if (!a_.of(id).stored) continue;
      outputs.push_back(made);
      stage_.outputs.push_back(a_.buffer(id));
    }
    if (outputs.empty()) return;
    stage_.program = lower(graph_, outputs,
                           {std::vector<bool>(stage_.inputs.size(), true), Layout::Elements, true});
    a_.plan->stages.emplace_back(std::move(stage_));
  }

 private:
  NodeId cut(NodeId id) {
    if (const auto known = made_.find(id); known != made_.end()) return known->second;
    const Node n = a_.g[id];
    if (n.kind == Kind::Constant) return made_[id] = graph_->constant(n.value);
    if (n.kind == Kind::Data) return made_[id] = graph_->data(a_.g.data_of(id));
    const auto s = a_.span(id);
    if (a_.of(id).how == How::View && (!s || made_here(id))) return copy(id);
    stage_.inputs.push_back(s ? *s : RowSpan{a_.buffer(id), 0, a_.size(id)});
    return made_[id] = input(a_.g.shape(id));
  }
  // The stage's last input, as a node of its graph.
  NodeId input(const Shape& shape) {
    return graph_->input(position(stage_.inputs.size() - 1, "inputs"), shape);
  }
  NodeId copy(NodeId id) {
    const Node n = a_.g[id];
    const Graph& g = a_.g;
    if (n.kind == Kind::Input) {
      stage_.inputs.push_back({input_buffer(n.op, a_.size(id)), 0, a_.size(id)});
      return made_[id] = input(g.shape(id));
    }
    std::vector<NodeId> in;
    for (NodeId v : g.inputs(id)) in.push_back(cut(v));
    return made_[id] = copied(*graph_, g, id, in);
  }
  // Whether it is a view of an array that this stage computes.
  bool made_here(NodeId id) const {
    while (a_.of(id).how == How::View) id = a_.g.inputs(id)[0];
    return a_.of(id).how == How::Whole && a_.of(id).done == time_;
  }
  // Handles an input that is returned unchanged.
  std::int32_t input_buffer(std::int32_t number, std::int64_t size) {
    a_.plan->buffers.push_back({RowBuffer::From::Input, number, size});
    return position(a_.plan->buffers.size() - 1, "arrays");
  }

  Arrays& a_;
  int time_;
  WholeStage stage_;
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  std::map<NodeId, NodeId> made_;
};

}  // namespace

void build_whole(Arrays& arrays, int time, const std::vector<NodeId>& nodes) {
  WholeBuilder(arrays, time).build(nodes);
}

}  // namespace thalweg::rows
