// SPDX-License-Identifier: BSD-3-Clause
// Evaluates every node and keeps its values. For each point it marks, from the end, the elements
// that the outputs use, and then names the first bad node.
#include "thalweg/graph/diagnose.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/reached.hpp"
#include "graph/sweep.hpp"
#include "thalweg/graph/routine.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {
namespace {

class Inquiry {
 public:
  Inquiry(std::shared_ptr<Graph> graph, NodeId output)
      : graph_(std::move(graph)), g_(*graph_), hold_(g_.hold()), output_(output) {
    const std::vector<bool> reached = reached_from(g_, std::array{output});
    for (NodeId id = 0; id <= output; ++id)
      if (reached[static_cast<std::size_t>(id)]) nodes_.push_back(id);
  }

  // Where a value went wrong: element e of a node.
  struct Place {
    NodeId id;
    std::size_t e;
    bool outside_domain;
  };
  // Calls visit for each of k points with what was found there, if anything.
  template <class Visit> void run(std::span<const double* const> inputs,
                                  const std::vector<bool>& varying, std::int64_t k, Visit visit,
                                  const std::function<void()>& between = {}) {
    const auto program =
        lower(graph_, nodes_, {varying, k == 1 ? Layout::Elements : Layout::Lanes, true});
    std::vector<const double*> in(inputs.begin(), inputs.end());
    const std::int64_t some = together();
    for (std::int64_t first = 0; first < k; first += some) {
      if (between) between();
      const std::int64_t count = std::min(some, k - first);
      evaluate_all(*program, in, count);
      for (std::size_t j = 0; j < in.size(); ++j)
        if (varying[j]) in[j] += count * program->input_sizes[j];
      for (lane_ = 0; lane_ < static_cast<std::size_t>(count); ++lane_)
        visit(static_cast<std::size_t>(first) + lane_, find());
    }
  }

  double result(const Place& at) const { return values(at.id)[at.e]; }
  Culprit culprit(const Place& at) const {
    const Node& n = g_[at.id];
    if (n.kind == Kind::Elementwise)
      return {operations()[static_cast<std::size_t>(n.op)].name, operands(at), result(at),
              at.outside_domain};
    if (n.kind == Kind::Routine) return routine(at);
    static constexpr const char* kReductions[] = {"sum", "max", "min", "prod"};
    return {n.kind == Kind::Reduce   ? kReductions[n.op]
            : n.kind == Kind::MatMul ? "matmul"
            : n.kind == Kind::Scan   ? "a running sum or product"
                                     : "an array operation",
            {},
            result(at),
            false};
  }

 private:
  Culprit routine(const Place& at) const {
    const Routine& r = *g_.routine_of(at.id);
    std::vector<std::span<const double>> inputs;
    for (const NodeId in : g_.inputs(at.id)) inputs.push_back(values(in));
    if (const auto inside = r.culprit(inputs)) return *inside;
    const std::string domain = r.undefined();
    const std::string name = domain.empty() ? r.name() : r.name() + " of " + domain;
    return {name, {}, result(at), !domain.empty()};
  }
  // The number of points to evaluate together: kSome, or fewer if the values of all nodes would
  // take more than 128 MiB.
  std::int64_t together() const {
    constexpr std::int64_t kSome = 512, kDoubles = std::int64_t{1} << 24;
    std::int64_t each = 1;
    for (NodeId id : nodes_) each = std::min(kDoubles, each + size_of(g_.shape(id)));
    return std::clamp<std::int64_t>(kDoubles / each, 1, kSome);
  }

  std::span<const double> values(NodeId id) const {
    const auto& all = values_[static_cast<std::size_t>(id)];
    const std::size_t size = used_[static_cast<std::size_t>(id)].size();
    return {all.data() + lane_ * size, size};
  }
  std::vector<char>& used(NodeId id) { return used_[static_cast<std::size_t>(id)]; }

  std::optional<Place> find() {
    mark_used();
    for (NodeId id : nodes_)
      if (const auto found = examine(id)) return found;
    return std::nullopt;
  }

  void evaluate_all(const Program& program, const std::vector<const double*>& inputs,
                    std::int64_t count) {
    values_.resize(static_cast<std::size_t>(output_) + 1);
    used_.resize(values_.size());
    std::vector<double*> to;
    for (NodeId id : nodes_) {
      used(id).resize(static_cast<std::size_t>(size_of(g_.shape(id))));
      auto& all = values_[static_cast<std::size_t>(id)];
      all.resize(used(id).size() * static_cast<std::size_t>(count));
      to.push_back(all.data());
    }
    evaluate(program, kernels(), inputs, to, count);
  }

  // The element of an operand that produces element e of a node.
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
    for (NodeId id : nodes_) std::ranges::fill(used(id), 0);
    std::ranges::fill(used(output_), 1);
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      const NodeId id = *it;
      if (std::ranges::none_of(used(id), [](char c) { return c != 0; })) continue;
      const auto in = g_.inputs(id);
      if (g_[id].kind !=
          Kind::Elementwise) {  // if an array is used at all, all of it counts as used
        for (NodeId i : in) std::ranges::fill(used(i), 1);
        continue;
      }
      const bool choice = g_[id].op == kOpcode<ops::Where>, extreme = picks(g_[id].op);
      for (std::size_t e = 0; e < used(id).size(); ++e) {
        if (!used(id)[e]) continue;
        for (std::size_t k = 0; k < in.size(); ++k) {
          if (choice && k > 0) {
            const double c = values(in[0])[source(e, g_.shape(id), g_.shape(in[0]))];
            if ((c != 0.0) != (k == 1)) continue;
          }
          if (extreme && !std::isnan(values(id)[e]) &&
              operand({id, e, false}, in[k]) != values(id)[e])
            continue;
          used(in[k])[source(e, g_.shape(id), g_.shape(in[k]))] = 1;
        }
      }
    }
  }

  double operand(const Place& at, NodeId in) const {
    return values(in)[source(at.e, g_.shape(at.id), g_.shape(in))];
  }
  std::vector<double> operands(const Place& at) const {
    std::vector<double> out;
    for (NodeId in : g_.inputs(at.id)) out.push_back(operand(at, in));
    return out;
  }

  std::optional<Place> examine(NodeId id) {
    const auto in = g_.inputs(id);
    if (in.empty()) return std::nullopt;
    const auto all_finite = [this](NodeId i) {
      return std::ranges::all_of(values(i), [](double x) { return std::isfinite(x); });
    };
    for (std::size_t e = 0; e < values(id).size(); ++e) {
      if (!used(id)[e] || std::isfinite(values(id)[e])) continue;
      Place at{id, e, false};
      if (g_[id].kind == Kind::Elementwise ? finite_operands(at)
                                           : std::ranges::all_of(in, all_finite)) {
        if (g_[id].kind == Kind::Routine) at.outside_domain = routine(at).outside_domain;
        return at;
      }
    }
    return std::nullopt;
  }
  // Whether all operands are finite. If so, records in `at` whether one is outside the domain.
  bool finite_operands(Place& at) const {
    const OperationInfo& op = operations()[static_cast<std::size_t>(g_[at.id].op)];
    const auto in = g_.inputs(at.id);
    for (std::size_t k = 0; k < in.size(); ++k) {
      const double x = operand(at, in[k]);
      if (!std::isfinite(x)) return false;
      const Domain& d = op.domain[k];
      at.outside_domain |= x < d.lower || x > d.upper || (d.lower_open && x == d.lower) ||
                           (d.upper_open && x == d.upper);
    }
    if (std::string_view(op.name) == "power") {
      const double exponent = operand(at, in[1]);
      if (exponent == std::rint(exponent)) at.outside_domain = false;
    }
    return true;
  }

  std::shared_ptr<Graph> graph_;
  Graph& g_;
  Graph::Hold hold_;  // held until all nodes have been read
  NodeId output_;
  std::vector<NodeId> nodes_;
  std::vector<std::vector<double>> values_;
  std::vector<std::vector<char>> used_;
  std::size_t lane_ = 0;  // the current point
};

}  // namespace

std::optional<Culprit> diagnose(std::shared_ptr<Graph> graph, NodeId output,
                                std::span<const double* const> inputs, int input_count) {
  Inquiry inquiry(std::move(graph), output);
  std::optional<Culprit> found;
  inquiry.run(inputs, std::vector<bool>(static_cast<std::size_t>(input_count), true), 1,
              [&](std::size_t, const std::optional<Inquiry::Place>& at) {
                if (at) found = inquiry.culprit(*at);
              });
  return found;
}

std::vector<Fault> faults(std::shared_ptr<Graph> graph, NodeId output,
                          std::span<const double* const> inputs, const std::vector<bool>& varying,
                          std::int64_t k, const std::function<void()>& between) {
  Inquiry inquiry(std::move(graph), output);
  std::vector<Fault> out(static_cast<std::size_t>(k), Fault::None);
  inquiry.run(
      inputs, varying, k,
      [&](std::size_t i, const std::optional<Inquiry::Place>& at) {
        if (!at) return;
        out[i] = at->outside_domain                ? Fault::OutsideDomain
                 : std::isinf(inquiry.result(*at)) ? Fault::Infinite
                                                   : Fault::NotFinite;
      },
      between);
  return out;
}

}  // namespace thalweg
