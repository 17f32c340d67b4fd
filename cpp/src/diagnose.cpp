// SPDX-License-Identifier: BSD-3-Clause
// Every node is evaluated and kept, what the outputs really use is marked from the end, and the
// first bad node is named.
#include "thalweg/diagnose.hpp"

#include <algorithm>
#include <cmath>

#include "thalweg/evaluate.hpp"

namespace thalweg {
namespace {

class Inquiry {
 public:
  Inquiry(std::shared_ptr<Graph> graph, NodeId output)
      : graph_(std::move(graph)), g_(*graph_), output_(output) {
    std::vector<bool> reached(static_cast<std::size_t>(output) + 1, false);
    reached[static_cast<std::size_t>(output)] = true;
    for (NodeId id = output + 1; id-- > 0;)
      if (reached[static_cast<std::size_t>(id)])
        for (NodeId i : g_.inputs(id)) reached[static_cast<std::size_t>(i)] = true;
    for (NodeId id = 0; id <= output; ++id)
      if (reached[static_cast<std::size_t>(id)]) nodes_.push_back(id);
  }

  std::optional<Culprit> run(std::span<const double* const> inputs, int input_count) {
    evaluate_all(inputs, input_count);
    mark_used();
    for (NodeId id : nodes_)
      if (const auto found = examine(id)) return found;
    return std::nullopt;
  }

 private:
  std::vector<double>& values(NodeId id) { return values_[static_cast<std::size_t>(id)]; }
  std::vector<char>& used(NodeId id) { return used_[static_cast<std::size_t>(id)]; }

  void evaluate_all(std::span<const double* const> inputs, int input_count) {
    Lowering how{std::vector<bool>(static_cast<std::size_t>(input_count), true), Layout::Elements,
                 true};
    const auto program = lower(graph_, nodes_, how);
    values_.resize(static_cast<std::size_t>(output_) + 1);
    std::vector<double*> to;
    for (NodeId id : nodes_) {
      values(id).resize(static_cast<std::size_t>(size_of(g_.shape(id))));
      to.push_back(values(id).data());
    }
    evaluate(*program, kernels(), inputs, to, 1);
  }

  // Element of an operand that element e of a node is made of.
  static std::size_t source(std::size_t e, const Shape& shape, const Shape& of) {
    if (of == shape) return e;
    const Shape strides = contiguous_strides(of);
    std::int64_t flat = static_cast<std::int64_t>(e), index = 0;
    const std::size_t shift = shape.size() - of.size();
    for (std::size_t d = shape.size(); d-- > 0;) {
      const std::int64_t i = flat % shape[d];
      flat /= shape[d];
      if (d >= shift && of[d - shift] != 1) index += i * strides[d - shift];
    }
    return static_cast<std::size_t>(index);
  }

  void mark_used() {
    used_.resize(values_.size());
    for (NodeId id : nodes_) used(id).assign(values(id).size(), 0);
    std::ranges::fill(used(output_), 1);
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      const NodeId id = *it;
      if (std::ranges::none_of(used(id), [](char c) { return c != 0; })) continue;
      const auto in = g_.inputs(id);
      if (g_[id].kind !=
          Kind::Elementwise) {  // an array that is used at all is taken as used in full
        for (NodeId i : in) std::ranges::fill(used(i), 1);
        continue;
      }
      const bool choice = g_[id].op == kOpcode<ops::Where>;
      for (std::size_t e = 0; e < used(id).size(); ++e) {
        if (!used(id)[e]) continue;
        for (std::size_t k = 0; k < in.size(); ++k) {
          if (choice && k > 0) {
            const double c = values(in[0])[source(e, g_.shape(id), g_.shape(in[0]))];
            if ((c != 0.0) != (k == 1)) continue;
          }
          used(in[k])[source(e, g_.shape(id), g_.shape(in[k]))] = 1;
        }
      }
    }
  }

  std::optional<Culprit> examine(NodeId id) {
    const Node& n = g_[id];
    const auto in = g_.inputs(id);
    if (in.empty()) return std::nullopt;
    for (std::size_t e = 0; e < values(id).size(); ++e) {
      if (!used(id)[e] || std::isfinite(values(id)[e])) continue;
      if (n.kind == Kind::Elementwise) {
        const OperationInfo& op = operations()[static_cast<std::size_t>(n.op)];
        Culprit c{op.name, {}, values(id)[e], false};
        bool finite = true;
        for (std::size_t k = 0; k < in.size(); ++k) {
          const double x = values(in[k])[source(e, g_.shape(id), g_.shape(in[k]))];
          finite &= std::isfinite(x);
          c.inputs.push_back(x);
          const Domain& d = op.domain[k];
          c.outside_domain |= x < d.lower || x > d.upper || (d.lower_open && x == d.lower) ||
                              (d.upper_open && x == d.upper);
        }
        if (!finite) continue;
        if (std::string_view(op.name) == "power" && c.inputs[1] == std::rint(c.inputs[1]))
          c.outside_domain = false;
        return c;
      }
      const auto all_finite = [this](NodeId i) {
        return std::ranges::all_of(values(i), [](double x) { return std::isfinite(x); });
      };
      if (std::ranges::all_of(in, all_finite)) {
        static constexpr const char* kReductions[] = {"sum", "max", "min", "prod"};
        return Culprit{n.kind == Kind::Reduce   ? kReductions[n.op]
                       : n.kind == Kind::MatMul ? "matmul"
                                                : "an array operation",
                       {},
                       values(id)[e],
                       false};
      }
    }
    return std::nullopt;
  }

  std::shared_ptr<Graph> graph_;
  Graph& g_;
  NodeId output_;
  std::vector<NodeId> nodes_;
  std::vector<std::vector<double>> values_;
  std::vector<std::vector<char>> used_;
};

}  // namespace

std::optional<Culprit> diagnose(std::shared_ptr<Graph> graph, NodeId output,
                                std::span<const double* const> inputs, int input_count) {
  return Inquiry(std::move(graph), output).run(inputs, input_count);
}

}  // namespace thalweg
