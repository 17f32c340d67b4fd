// SPDX-License-Identifier: BSD-3-Clause
// Decides which nodes are computed row by row, in which loop, and what happens between the loops.
// Nodes of a loop may use each other at once; all others use a loop's results as arrays, after the
// loop has ended.
#include "lowering/rows/plan.hpp"

#include <algorithm>
#include <numeric>

namespace thalweg::rows {
namespace {

// The most operations that are recomputed rather than stored.
constexpr int kMostAgain = 3;
// Up to this many weights are read again for each row. More are used only with very many rows,
// where the whole product would take too much memory.
constexpr std::int64_t kFewWeights = 2048;
constexpr std::int64_t kMostWeights = std::int64_t{1} << 20, kMostSums = std::int64_t{1} << 16;

class Classification {
 public:
  Classification(const Graph& g, std::span<const NodeId> outputs) : g_(g) {
    reach(outputs);
    for (NodeId id = 0; id < g_.size(); ++id)
      if (at(id).reached) classify(id);
  }
  std::vector<Info> take() { return std::move(info_); }

 private:
  Info& at(NodeId id) { return info_[static_cast<std::size_t>(id)]; }
  const Shape& shape(NodeId id) const { return g_.shape(id); }

  void reach(std::span<const NodeId> outputs) {
    info_.resize(static_cast<std::size_t>(g_.size()));
    for (NodeId o : outputs) at(o).reached = true;
    for (NodeId id = g_.size(); id-- > 0;)
      if (at(id).reached)
        for (NodeId i : g_.inputs(id)) at(i).reached = true;
  }

  void classify(NodeId id) {
    Info& u = at(id);
    switch (g_[id].kind) {
      case Kind::Input:
      case Kind::Constant:
      case Kind::Data:
        u.how = How::External;
        return;
      case Kind::View:
        return view(id, u);
      case Kind::Elementwise:
      case Kind::Lookup:
        if (elementwise(id, u)) return;
        break;
      case Kind::Reduce:
        if (reduce(id, u)) return;
        break;
      case Kind::MatMul:
        if (product(id, u)) return;
        break;
      case Kind::Assemble:
        if (size_of(shape(id)) >= kLong) return built(id, u);
        break;
      default:
        break;
    }
    u.how = How::Whole;
    for (NodeId i : g_.inputs(id)) u.done = std::max(u.done, at(i).done);
  }

  void becomes_row(Info& u, Lead lead, int time) {
    u.how = How::Row;
    u.lead = lead;
    u.time = time;
    u.done = time + 1;
  }

  // Whether rows are processed one by one: only if there are many more of them than a row is long.
  // Otherwise, as in the layers of a network with a small batch, whole arrays are better.
  bool tall(const Shape& s) const {
    const Lead lead = lead_of(s);
    return size_of(s) > 0 && lead.rows >= kLong && size_of(s) / lead.rows * 4 <= lead.rows;
  }

  // ---- when an operand is available

  // Row by row along an axis (counted from the right) of this length: the time of the loop that
  // computes it, or from which it can be read. Below 0: never.
  int along(NodeId v, Lead lead) {
    const Info& i = at(v);
    if (i.how == How::Row && i.lead == lead) return i.time;
    return access_along(g_, info_, v, lead) ? i.done : -1;
  }

  // ---- kinds

  void view(NodeId id, Info& u) {
    const NodeId x = g_.inputs(id)[0];
    const Info& in = at(x);
    const Lead lead = lead_of(shape(id));
    if (in.how == How::Row && within_row(g_, id, in.lead, lead)) {
      becomes_row(u, lead, in.time);
      u.cost = in.cost;
      return;
    }
    if (tall(shape(id)) && size_of(shape(x)) < kLong && repeats_rows(g_, id, lead)) {
      becomes_row(u, lead, in.done);
      u.spread = true;
      return;
    }
    u.how = How::View;
    u.done = in.done;
    if (lead.rows >= kLong && !access_along(g_, info_, id, lead)) u.how = How::Whole;
  }

  bool elementwise(NodeId id, Info& u) {
    const Lead lead = lead_of(shape(id));
    if (!tall(shape(id))) return false;
    int time = 0;
    for (NodeId v : g_.inputs(id)) {
      const Shape& s = shape(v);
      const auto rank = static_cast<int>(s.size());
      const bool repeated =
          rank <= lead.axis || s[static_cast<std::size_t>(rank - 1 - lead.axis)] == 1;
      const int ready = repeated ? at(v).done : along(v, lead);
      if (ready < 0 || (repeated && size_of(s) > kMostWeights)) return false;
      time = std::max(time, ready);
    }
    becomes_row(u, lead, time);
    if (g_[id].kind == Kind::Elementwise) u.cost = cost(id);
    return true;
  }
  // A few light operations on at most one stored array take less time to recompute than to store
  // and load.
  int cost(NodeId id) {
    const OperationInfo& op = operations()[static_cast<std::size_t>(g_[id].op)];
    if (!op.light && !op.boolean) return 0;
    int cost = 1, stored = 0;
    for (NodeId v : g_.inputs(id)) {
      const Info& i = at(v);
      if (i.how != How::Row || i.spread) continue;
      if (i.cost == 0) ++stored;
      cost += i.cost;
    }
    return cost <= kMostAgain && stored <= 1 ? cost : 0;
  }

  bool reduce(NodeId id, Info& u) {
    const NodeId x = g_.inputs(id)[0];
    const Lead lead = lead_of(shape(x));
    const auto a = g_.attributes(id);
    if (!tall(shape(x))) return false;
    const int ready = along(x, lead);
    if (ready < 0) return false;
    if (a[0] % lead.rows == 0 && lead_of(shape(id)).rows == lead.rows) {
      becomes_row(u, lead_of(shape(id)), ready);
      return true;
    }
    if (a[0] != 1 || a[1] % lead.rows != 0 || a[2] > kMostSums) return false;
    u.how = How::Result;
    u.lead = lead;
    u.time = ready;
    u.done = ready + 1;
    return true;
  }

  bool product(NodeId id, Info& u) {
    const NodeId p = g_.inputs(id)[0], q = g_.inputs(id)[1];
    if (shape(id)[0] != 1) return false;
    const bool ta = g_.attributes(id)[0] != 0, tb = g_.attributes(id)[1] != 0;
    const std::int64_t m = shape(id)[1], n = shape(id)[2], k = shape(p)[ta ? 1 : 2];
    const auto result = [&] {
      const Lead left{k, ta ? 1 : 0}, right{k, tb ? 0 : 1};
      const std::int64_t longest = std::max(m, n);
      if (k < kLong || m * n > kMostSums || k < 4 * longest ||
          (m * n > kFewWeights && k < 16 * longest))
        return false;
      const int a = along(p, left), b = along(q, right);
      if (a < 0 || b < 0) return false;
      u.how = How::Result;
      u.lead = left;
      u.time = std::max(a, b);
      u.done = u.time + 1;
      return true;
    };
    const auto by_rows = [&](NodeId rows, Lead lead, NodeId weights, Lead out) {
      const std::int64_t size = size_of(shape(weights));
      if (!tall(shape(id)) || lead_of(shape(id)) != out || size > kMostWeights ||
          (size > kFewWeights && out.rows < 16 * std::max(k, size / k)))
        return false;
      const int ready = along(rows, lead);
      if (ready < 0) return false;
      becomes_row(u, out, std::max(ready, at(weights).done));
      return true;
    };
    return result() || by_rows(p, {m, ta ? 0 : 1}, q, {m, 1}) ||
           (m == 1 && by_rows(q, {n, tb ? 1 : 0}, p, {n, 0}));
  }

  void built(NodeId id, Info& u) {
    u.how = How::Built;
    for (NodeId part : g_.inputs(id)) u.done = std::max(u.done, at(part).done + 1);
  }

  const Graph& g_;
  std::vector<Info> info_;
};

}  // namespace

Lead lead_of(const Shape& shape) {
  const auto first = std::ranges::find_if(shape, [](std::int64_t n) { return n != 1; });
  if (first == shape.end()) return {};
  return {*first, static_cast<int>(shape.end() - first) - 1};
}

// ---- strided arrays

namespace {

// The positions of an array's elements in the flat array that it is a view of.
struct Strided {
  NodeId base;
  std::int64_t offset;
  Shape strides;
};

// The common stride of an array's flat elements, if there is one.
std::optional<std::int64_t> even_step(const Shape& shape, const Shape& strides) {
  const Shape flat = contiguous_strides(shape);
  std::int64_t step = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] == 1) continue;
    if (flat[d] == 1) step = strides[d];
    if (strides[d] != step * flat[d]) return std::nullopt;
  }
  return step;
}

// A view of a strided view: each of its strides must be a step along one axis of the latter.
std::optional<Strided> composed(const Strided& in, const Shape& shape, const Shape& view_shape,
                                std::span<const std::int64_t> a) {
  const Shape flat = contiguous_strides(shape);
  Strided out{in.base, in.offset, Shape(view_shape.size(), 0)};
  Shape room = shape;  // along each axis, the rest after the offset and the previous axes
  std::int64_t rest = a[0];
  for (std::size_t e = 0; e < shape.size(); ++e) {
    const std::int64_t step = flat[e] ? rest / flat[e] : 0;
    out.offset += step * in.strides[e];
    room[e] -= step;
    rest -= step * flat[e];
  }
  for (std::size_t d = 0; d < view_shape.size(); ++d) {
    const std::int64_t stride = a[1 + d];
    if (view_shape[d] <= 1 || stride == 0) continue;
    std::size_t e = 0;
    while (e < shape.size() && (shape[e] == 1 || stride % flat[e] != 0 || stride < 0)) ++e;
    if (e == shape.size() || (view_shape[d] - 1) * (stride / flat[e]) >= room[e])
      return std::nullopt;
    room[e] -= (view_shape[d] - 1) * (stride / flat[e]);
    out.strides[d] = stride / flat[e] * in.strides[e];
  }
  return out;
}

// Data of other numeric types is used in place, with strides in bytes, or as doubles.
std::optional<Strided> strided(const Graph& g, const std::vector<Info>& info, NodeId id,
                               bool as_it_lies) {
  std::vector<NodeId> views;
  NodeId base = id;
  for (; g[base].kind == Kind::View; base = g.inputs(base)[0]) {
    const Info& i = info[static_cast<std::size_t>(base)];
    if ((i.how == How::Row && !i.spread) || i.how == How::Whole) break;
    views.push_back(base);
  }
  const auto others = as_it_lies ? numbers_of(g, base) : nullptr;
  std::optional<Strided> s =
      Strided{base, 0, others ? others->strides() : contiguous_strides(g.shape(base))};
  for (; s && !views.empty(); views.pop_back()) {
    const NodeId v = views.back(), in = g.inputs(v)[0];
    const auto a = g.attributes(v);
    if (const auto step = even_step(g.shape(in), s->strides)) {
      s = Strided{s->base, s->offset + a[0] * *step, Shape(a.begin() + 1, a.end())};
      for (std::int64_t& stride : s->strides) stride *= *step;
    } else s = composed(*s, g.shape(in), g.shape(v), a);
  }
  return s;
}

}  // namespace

std::shared_ptr<const Numbers> numbers_of(const Graph& g, NodeId base) {
  return g[base].kind == Kind::Data ? g.data_of(base).others : nullptr;
}

std::optional<Access> access_along(const Graph& g, const std::vector<Info>& info, NodeId id,
                                   Lead lead) {
  const Shape& shape = g.shape(id);
  const auto rank = static_cast<int>(shape.size());
  const int rows = rank - 1 - lead.axis;
  if (rows < 0 || shape[static_cast<std::size_t>(rows)] != lead.rows) return std::nullopt;
  const auto s = strided(g, info, id, true);
  if (!s) return std::nullopt;
  const auto inner = one_axis(shape, s->strides, rows);
  if (!inner) return std::nullopt;
  return Access{s->base, s->offset, s->strides[static_cast<std::size_t>(rows)], inner->first,
                inner->second};
}

std::optional<std::pair<std::int64_t, std::int64_t>> one_axis(const Shape& shape,
                                                              const Shape& strides, int rows) {
  std::int64_t stride = 1, width = 1;
  for (auto d = static_cast<int>(shape.size()); d-- > 0;) {
    const auto u = static_cast<std::size_t>(d);
    if (d == rows || shape[u] == 1) continue;
    if (width == 1) stride = strides[u];
    else if (strides[u] != stride * width) return std::nullopt;
    width *= shape[u];
  }
  return std::pair(stride, width);
}

std::optional<Access> contiguous(const Graph& g, const std::vector<Info>& info, NodeId id) {
  const auto s = strided(g, info, id, false);
  const std::int64_t n = size_of(g.shape(id));
  if (!s) return std::nullopt;
  const auto all = one_axis(g.shape(id), s->strides, -1);
  if (!all || (n > 1 && all->first != 1)) return std::nullopt;
  return Access{s->base, s->offset, 1, 1, n};
}

bool within_row(const Graph& g, NodeId view, Lead in, Lead out) {
  if (in.rows != out.rows) return false;
  const auto a = g.attributes(view);
  const Shape& shape = g.shape(view);
  const std::int64_t row = size_of(g.shape(g.inputs(view)[0])) / in.rows;
  const auto axis = shape.size() - 1 - static_cast<std::size_t>(out.axis);
  if (a[0] < 0 || a[0] >= row || a[1 + axis] != row) return false;
  std::int64_t reach = a[0];
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (d != axis) {
      if (a[1 + d] < 0) return false;
      reach += (shape[d] - 1) * a[1 + d];
    }
  return reach < row;
}

bool repeats_rows(const Graph& g, NodeId view, Lead lead) {
  const auto axis = g.shape(view).size() - 1 - static_cast<std::size_t>(lead.axis);
  return g.attributes(view)[1 + axis] == 0;
}

std::vector<Info> classify(const Graph& g, std::span<const NodeId> outputs) {
  return Classification(g, outputs).take();
}

}  // namespace thalweg::rows

namespace thalweg {

bool has_rows(const Graph& graph, std::span<const NodeId> outputs) {
  const auto info = rows::classify(graph, outputs);
  return std::ranges::any_of(info, [](const rows::Info& i) {
    return (i.how == rows::How::Row && !i.spread) || i.how == rows::How::Result;
  });
}

}  // namespace thalweg
