// SPDX-License-Identifier: BSD-3-Clause
// Lowers outputs to a program: selects steps, emits the tape, and adds a prologue for everything
// that is the same in every lane.
#include <algorithm>
#include <cstdio>

#include "lowering/intermediate.hpp"
#include "thalweg/lowering/rows.hpp"

namespace thalweg {

Extent OwnedExtent::linked() const {
  Extent e = sizes;
  e.rank = static_cast<std::int64_t>(shape.size());
  e.shape = shape.data();
  e.from = from.data();
  e.to = to.data();
  e.from_table = from_table.empty() ? nullptr : from_table.data();
  e.to_table = to_table.empty() ? nullptr : to_table.data();
  if (table) {
    e.length = static_cast<std::int64_t>(table->breaks.size());
    e.breaks = table->breaks.data();
    e.c0 = table->c0.data();
    e.c1 = table->c1.data();
    e.below = table->below;
  }
  return e;
}

Program::Program() = default;
Program::~Program() = default;

// A plan in place of a tape; every input is an array of its own.
static std::unique_ptr<Program> lower_rows(std::shared_ptr<Graph> graph,
                                           std::span<const NodeId> outputs, const Lowering& how) {
  auto program = std::make_unique<Program>();
  program->rows = plan_rows(*graph, outputs);
  program->body.layout = Layout::Rows;
  program->varying = how.varying;
  program->input_sizes.assign(how.varying.size(), 0);
  for (const RowBuffer& b : program->rows->buffers)
    if (b.from == RowBuffer::From::Input)
      program->input_sizes[static_cast<std::size_t>(b.index)] = b.size;
  for (NodeId o : outputs) program->output_sizes.push_back(size_of(graph->shape(o)));
  program->graph = std::move(graph);
  return program;
}

namespace {

// Turns a list of steps into programs: the list's own, and the one that runs once before it.
class Assembly {
 public:
  Assembly(std::shared_ptr<Graph> graph, std::vector<bool> varying)
      : graph_(std::move(graph)), varying_(std::move(varying)) {}

  // The prologue is a program of its own, unless this list already is one that runs once.
  std::unique_ptr<Program> program(intermediate::List list, Layout layout, bool each_lane) const {
    auto made = std::make_unique<Program>();
    made->varying = varying_;
    made->input_sizes.assign(varying_.size(), 0);
    for (NodeId id : list.inputs)
      made->input_sizes[static_cast<std::size_t>((*graph_)[id].op)] = size_of(graph_->shape(id));
    std::vector<std::int32_t> input_of;
    for (NodeId id : list.uniform)
      input_of.push_back((*graph_)[id].kind == Kind::Input ? (*graph_)[id].op : -1);
    std::optional<intermediate::List> once;
    if (each_lane) once = intermediate::hoist(list, input_of);
    const std::size_t handed = once ? once->outputs.size() : 0;
    std::vector<NodeId> computed;  // from data alone
    for (NodeId id : list.uniform) made->uniform.push_back(source(*made, id, handed, computed));
    for (std::size_t k = 0; k < handed; ++k)
      made->uniform.push_back({UniformSource::From::Prologue, position(k, "values")});
    if (once) made->prologue = before(std::move(*once), computed);
    else if (!computed.empty()) made->prologue = of_data(computed);
    for (const auto& parts : list.outputs) made->output_sizes.push_back(elements(parts));
    made->body = intermediate::emit(list, layout);
    made->graph = graph_;
    return made;
  }

 private:
  static std::int64_t elements(const std::vector<intermediate::Part>& parts) {
    std::int64_t n = 0;
    for (const auto& p : parts) n += p.n;
    return n;
  }
  UniformSource source(Program& made, NodeId id, std::size_t handed,
                       std::vector<NodeId>& computed) const {
    const Node& n = (*graph_)[id];
    if (n.kind == Kind::Input) return {UniformSource::From::Input, n.op};
    if (n.kind == Kind::Data) {
      made.data.push_back(graph_->data_of(id));
      return {UniformSource::From::Data, position(made.data.size() - 1, "arrays of data")};
    }
    computed.push_back(id);
    return {UniformSource::From::Prologue, position(handed + computed.size() - 1, "values")};
  }
  std::vector<bool> others() const {
    std::vector<bool> inner = varying_;
    inner.flip();
    return inner;
  }
  // The prologue: its own results, followed by values computed from data alone.
  std::unique_ptr<Program> before(intermediate::List once,
                                  const std::vector<NodeId>& computed) const {
    for (NodeId id : computed) {
      const auto found = std::ranges::find(once.uniform, id);
      const auto at = position(static_cast<std::size_t>(found - once.uniform.begin()), "values");
      if (found == once.uniform.end()) once.uniform.push_back(id);
      once.outputs.push_back(
          {{{Space::Uniform, at, 0}, size_of(graph_->shape(id)), true, {0, {}, {}}, {}}});
    }
    return Assembly(graph_, others()).program(std::move(once), Layout::Elements, false);
  }
  std::unique_ptr<Program> of_data(const std::vector<NodeId>& computed) const {
    return lower(graph_, computed, {others(), Layout::Elements, true});
  }

  std::shared_ptr<Graph> graph_;
  std::vector<bool> varying_;
};

}  // namespace

std::unique_ptr<Program> lower(std::shared_ptr<Graph> graph, std::span<const NodeId> outputs,
                               Lowering how) {
  const auto hold = graph->hold();
  if (how.layout == Layout::Rows) return lower_rows(std::move(graph), outputs, how);
  intermediate::List list = intermediate::select(*graph, outputs, how.varying, how.everything);
  return Assembly(std::move(graph), std::move(how.varying))
      .program(std::move(list), how.layout, !how.everything);
}

const Program& Programs::with(const std::vector<bool>& varying, Layout layout) {
  const std::scoped_lock lock(mutex_);
  return made(varying, layout);
}

const Program& Programs::for_lanes(const std::vector<bool>& varying, int width, std::int64_t k) {
  const std::scoped_lock lock(mutex_);
  std::optional<Layout>& layout = k == 1 ? one_ : many_;
  if (!layout) layout = layout_for(*graph_, outputs_, width, k);
  return made(varying, *layout);
}

const Program& Programs::made(const std::vector<bool>& varying, Layout layout) {
  for (const auto& [which, laid, program] : made_)
    if (which == varying && laid == layout) return *program;
  auto program = lower(graph_, outputs_, {varying, layout});
  return *std::get<2>(made_.emplace_back(varying, layout, std::move(program)));
}

}  // namespace thalweg
