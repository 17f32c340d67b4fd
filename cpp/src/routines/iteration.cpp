// SPDX-License-Identifier: BSD-3-Clause
// Loops as nodes, and their derivatives as loops. The adjoint of what is carried runs backward in
// time, over the rows of c, x and the adjoints of y. That of k is summed in what is carried. The
// tangents of what is carried run beside it.
#include "thalweg/routines/iteration.hpp"

#include <algorithm>

#include "graph/sweep.hpp"

namespace thalweg {
namespace {

std::int64_t total(const Graph& g, std::span<const NodeId> nodes) {
  std::int64_t n = 0;
  for (const NodeId id : nodes) n += size_of(g.shape(id));
  return n;
}

std::vector<NodeId> joined(std::vector<NodeId> a, const std::vector<NodeId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A derived loop under construction.
class Derived {
 public:
  explicit Derived(const Iteration::Form& from, std::int32_t next)
      : form{from.body, {}, {}, {}, from.length, from.backward, -1}, next_(next) {}

  // The inputs of the original, of which what was carried is now read from rows.
  void read(const std::vector<Iteration::Input>& inputs) {
    for (const Iteration::Role role :
         {Iteration::Role::Carry, Iteration::Role::Each, Iteration::Role::Same})
      for (Iteration::Input input : inputs)
        if (input.role == role) {
          if (role == Iteration::Role::Carry) input.role = Iteration::Role::Each;
          form.inputs.push_back(std::move(input));
        }
  }
  // New inputs, each in the shape of a node.
  std::vector<NodeId> add(const std::vector<NodeId>& like, Iteration::Role role) {
    std::vector<NodeId> out;
    for (const NodeId id : like) {
      const Shape shape = form.body->shape(id);
      form.inputs.push_back({next_, shape, role});
      out.push_back(form.body->input(next_++, shape));
    }
    return out;
  }

  Iteration::Form form;

 private:
  std::int32_t next_;
};

// Arrays side by side in each of `rows` rows.
NodeId beside(Graph& g, std::int64_t rows, const std::vector<NodeId>& parts) {
  std::int64_t width = 0, at = 0;
  std::vector<NodeId> flat;
  std::vector<Placement> where;
  for (const NodeId p : parts) width += size_of(g.shape(p)) / rows;
  for (const NodeId p : parts) {
    const std::int64_t n = size_of(g.shape(p)) / rows;
    if (n == 0) continue;
    flat.push_back(g.reshape(p, {rows, n}));
    where.push_back({at, {width, 1}, {}});
    at += n;
  }
  if (flat.size() == 1) return flat[0];
  return g.assemble({rows, width}, flat, std::move(where), false);
}

NodeId slice(Graph& g, NodeId x, std::int64_t from, const Shape& shape) {
  return g.view(x, shape, from, contiguous_strides(shape));
}

}  // namespace

Iteration::Iteration(Form form)
    : form_(std::move(form)), programs_(form_.body, joined(form_.carried, form_.given)) {
  for (const Input& i : form_.inputs) sizes_[static_cast<std::size_t>(i.role)] += size_of(i.shape);
  given_ = total(*form_.body, form_.given);
}

NodeId Iteration::node(Graph& graph, Form form, std::span<const NodeId> inputs) {
  const auto hold = form.body->hold();
  auto loop = std::make_shared<const Iteration>(std::move(form));
  const Form& f = loop->form_;
  std::vector<Shape> before, after;
  for (const Input& i : f.inputs)
    if (i.role == Role::Carry) before.push_back(i.shape);
  for (const NodeId id : f.carried) after.push_back(f.body->shape(id));
  if (before != after) throw ShapeError("scan: what is carried changes its shape");
  if (f.length < 1) throw ShapeError("scan: there must be at least one step");
  if (f.carries_at >= 0 && f.carries_at > loop->given_ - loop->size(Role::Carry))
    throw ShapeError("scan: a row has no such place");
  const std::array sizes{loop->size(Role::Carry), loop->size(Role::Each) * f.length,
                         loop->size(Role::Same)};
  std::size_t k = 0;
  for (const std::int64_t size : sizes) {
    if (size == 0) continue;
    if (k == inputs.size() || size_of(graph.shape(inputs[k++])) != size)
      throw ShapeError("scan: an input must have " + std::to_string(size) + " elements");
  }
  if (k != inputs.size()) throw ShapeError("scan: there are too many inputs");
  const std::int64_t n = loop->size(Role::Carry) + f.length * loop->given_;
  return graph.routine(std::move(loop), inputs, {n});
}

std::size_t Iteration::place(Role role) const {
  std::size_t at = 0;
  for (int r = 0; r < static_cast<int>(role); ++r) at += sizes_[static_cast<std::size_t>(r)] > 0;
  return at;
}

bool Iteration::equals(const Routine& other) const {
  const auto* o = dynamic_cast<const Iteration*>(&other);
  return o && o->form_ == form_;
}

std::uint64_t Iteration::hash() const {
  auto h =
      static_cast<std::uint64_t>(form_.length) ^ reinterpret_cast<std::uintptr_t>(form_.body.get());
  for (const NodeId id : joined(form_.carried, form_.given))
    h = (h ^ static_cast<std::uint64_t>(id)) * 0x9E3779B97F4A7C15u, h ^= h >> 31;
  return h;
}

std::int32_t Iteration::count() const {
  std::int32_t n = 0;
  for (const Input& i : form_.inputs) n = std::max(n, i.number + 1);
  return n;
}

std::vector<NodeId> Iteration::nodes_of(Role role) const {
  std::vector<NodeId> out;
  for (const Input& i : form_.inputs)
    if (i.role == role) out.push_back(form_.body->input(i.number, i.shape));
  return out;
}

const Program& Iteration::program(const Kernels& kernels, Layout layout) const {
  const std::vector<bool> varying(static_cast<std::size_t>(count()), true);
  if (layout == Layout::Lanes) return programs_.with(varying, layout);
  return programs_.for_lanes(varying, kernels.width, 1);
}

// The values of c before each step: rows of this loop's result, or of a loop that returns them too.
NodeId Iteration::carries(Graph& g, NodeId id) const {
  const std::int64_t c = size(Role::Carry);
  std::int64_t row = given_, at = form_.carries_at;
  NodeId from = id;
  if (at < 0) {
    Form with = form_;
    with.given = joined(form_.given, nodes_of(Role::Carry));
    with.carries_at = at = given_;
    row += c;
    const std::vector<NodeId> in(g.inputs(id).begin(), g.inputs(id).end());
    from = node(g, std::move(with), in);
  }
  return g.view(from, {form_.length, c}, c + at, {row, 1});
}

std::vector<Expr> Iteration::reverse(Graph& g, NodeId id, NodeId adjoint,
                                     const std::vector<bool>& needed) const {
  const std::vector<NodeId> in(g.inputs(id).begin(), g.inputs(id).end());
  const std::int64_t c = size(Role::Carry), n = form_.length;
  const auto wanted = [&](Role role) { return size(role) > 0 && needed[place(role)]; };
  const auto hold = form_.body->hold();
  Graph& b = *form_.body;
  Derived d(form_, count());
  d.form.backward = !form_.backward;
  d.read(form_.inputs);
  const std::vector<NodeId> of_carry = d.add(form_.carried, Role::Carry),
                            of_rows = d.add(form_.given, Role::Each);
  const std::vector<NodeId> same =
                                wanted(Role::Same) ? nodes_of(Role::Same) : std::vector<NodeId>{},
                            each =
                                wanted(Role::Each) ? nodes_of(Role::Each) : std::vector<NodeId>{},
                            carry = nodes_of(Role::Carry);
  const std::vector<NodeId> sums = d.add(same, Role::Carry);
  const std::vector<NodeId> slopes =
      vector_jacobian_product(b, joined(form_.carried, form_.given), joined(of_carry, of_rows),
                              joined(joined(carry, same), each));
  const auto at = [&](std::size_t k) { return slopes.begin() + static_cast<std::ptrdiff_t>(k); };
  d.form.carried = {at(0), at(carry.size())};
  for (std::size_t k = 0; k < same.size(); ++k)
    d.form.carried.push_back((Expr(b, sums[k]) + Expr(b, slopes[carry.size() + k])).in(b));
  d.form.given = {at(carry.size() + same.size()), slopes.end()};

  std::vector<NodeId> rows, from;
  if (c > 0) rows.push_back(carries(g, id));
  if (size(Role::Each) > 0) rows.push_back(in[place(Role::Each)]);
  if (given_ > 0) rows.push_back(slice(g, adjoint, c, {n, given_}));
  const std::int64_t k = wanted(Role::Same) ? size(Role::Same) : 0;
  std::vector<NodeId> begun;
  if (c > 0) begun.push_back(slice(g, adjoint, 0, {c}));
  if (k > 0) begun.push_back(zeros(g, {k}));
  if (!begun.empty()) from.push_back(beside(g, 1, begun));
  if (!rows.empty()) from.push_back(beside(g, n, rows));
  if (size(Role::Same) > 0) from.push_back(in[place(Role::Same)]);
  const NodeId made = node(g, std::move(d.form), from);

  std::vector<Expr> out(in.size());
  const auto give = [&](Role role, std::int64_t first) {
    const std::size_t p = place(role);
    if (size(role) > 0 && needed[p]) out[p] = Expr(g, slice(g, made, first, Shape(g.shape(in[p]))));
  };
  give(Role::Carry, 0);
  give(Role::Same, c);
  give(Role::Each, c + k);
  return out;
}

Expr Iteration::forward(Graph& g, NodeId id, std::span<const Expr> tangents) const {
  const std::vector<NodeId> in(g.inputs(id).begin(), g.inputs(id).end());
  const std::int64_t c = size(Role::Carry), n = form_.length;
  const auto moves = [&](Role role) { return size(role) > 0 && !tangents[place(role)].is_zero(); };
  const auto hold = form_.body->hold();
  Derived d(form_, count());
  d.read(form_.inputs);
  std::vector<NodeId> wrt = nodes_of(Role::Carry), along = d.add(wrt, Role::Carry);
  for (const Role role : {Role::Each, Role::Same})
    if (moves(role)) {
      const std::vector<NodeId> these = nodes_of(role);
      wrt = joined(wrt, these);
      along = joined(along, d.add(these, role));
    }
  if (wrt.empty()) return 0.0;
  const std::vector<NodeId> slopes =
      jacobian_vector_product(*form_.body, joined(form_.carried, form_.given), wrt, along);
  const auto middle = slopes.begin() + std::ssize(form_.carried);
  d.form.carried = {slopes.begin(), middle};
  d.form.given = {middle, slopes.end()};
  d.form.carries_at = form_.carries_at;

  std::vector<NodeId> from, rows, same;
  if (c > 0) {
    from.push_back(moves(Role::Carry) ? tangents[place(Role::Carry)].in(g) : zeros(g, {c}));
    rows.push_back(carries(g, id));
  }
  if (size(Role::Each) > 0) rows.push_back(in[place(Role::Each)]);
  if (moves(Role::Each)) rows.push_back(tangents[place(Role::Each)].in(g));
  if (size(Role::Same) > 0) same.push_back(in[place(Role::Same)]);
  if (moves(Role::Same)) same.push_back(tangents[place(Role::Same)].in(g));
  if (!rows.empty()) from.push_back(beside(g, n, rows));
  if (!same.empty()) from.push_back(beside(g, 1, same));
  return {g, node(g, std::move(d.form), from)};
}

}  // namespace thalweg
