// SPDX-License-Identifier: BSD-3-Clause
// A program from outputs: steps selected, tape emitted, and what is the same in every lane given a
// prologue of its own.
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

// A plan instead of a tape; every input an array of its own.
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

std::unique_ptr<Program> lower(std::shared_ptr<Graph> graph, std::span<const NodeId> outputs,
                               Lowering how) {
  const auto hold = graph->hold();
  if (how.layout == Layout::Rows) return lower_rows(std::move(graph), outputs, how);
  auto program = std::make_unique<Program>();
  intermediate::List list = intermediate::select(*graph, outputs, how.varying, how.everything);
  const std::vector<NodeId> uniform = std::move(list.uniform);
  program->body = intermediate::emit(list, how.layout);
  program->varying = how.varying;
  program->input_sizes.assign(how.varying.size(), 0);
  for (NodeId id : list.inputs)
    program->input_sizes[static_cast<std::size_t>((*graph)[id].op)] = size_of(graph->shape(id));
  for (NodeId o : outputs) program->output_sizes.push_back(size_of(graph->shape(o)));

  std::vector<NodeId> computed;
  for (NodeId id : uniform) {
    const Node& n = (*graph)[id];
    if (n.kind == Kind::Input) {
      program->uniform.push_back({UniformSource::From::Input, n.op});
    } else if (n.kind == Kind::Data) {
      program->uniform.push_back(
          {UniformSource::From::Data, position(program->data.size(), "arrays of data")});
      program->data.push_back(graph->data_of(id));
    } else {
      program->uniform.push_back(
          {UniformSource::From::Prologue, position(computed.size(), "values")});
      computed.push_back(id);
    }
  }
  if (!computed.empty()) {
    Lowering inner{std::vector<bool>(how.varying.size(), false), Layout::Elements, true};
    for (std::size_t k = 0; k < how.varying.size(); ++k) inner.varying[k] = !how.varying[k];
    program->prologue = lower(graph, computed, std::move(inner));
  }
  program->graph = std::move(graph);
  return program;
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
