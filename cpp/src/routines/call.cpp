// SPDX-License-Identifier: BSD-3-Clause
// Calls from outside: products with the Jacobian, and one call for each lane.
#include "thalweg/routines/call.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {

NodeId Call::slopes(Graph& g, NodeId id) const {
  if (!jacobian_)
    throw std::invalid_argument(
        "tw.call: a derivative is needed that was not given: pass jac=, or, for second "
        "derivatives, use a method that needs only gradients");
  const Unforked waits;  // a child would wait for what nobody goes on to make
  std::call_once(made_, [this] {
    slope_ = std::make_shared<const Call>(jacobian_, Function(), arguments_, results_ * arguments_,
                                          owner_);
  });
  return g.routine(slope_, std::array{g.inputs(id)[0]}, {1, results_, arguments_});
}

std::vector<Expr> Call::reverse(Graph& g, NodeId id, NodeId adjoint,
                                const std::vector<bool>&) const {
  const NodeId x = g.inputs(id)[0], y = g.reshape(adjoint, {1, 1, results_});
  const NodeId product = g.matmul(y, slopes(g, id), false, false);
  return {Expr(g, g.reshape(product, Shape(g.shape(x))))};
}

Expr Call::forward(Graph& g, NodeId id, std::span<const Expr> tangents) const {
  const NodeId v = g.reshape(tangents[0].in(g), {1, arguments_, 1});
  const NodeId product = g.matmul(slopes(g, id), v, false, false);
  return {g, g.reshape(product, Shape(g.shape(id)))};
}

namespace {

class CallWork final : public RoutineWork {
 public:
  CallWork(std::shared_ptr<const Call> owner, const Call::Function& function,
           std::int64_t arguments, std::int64_t results, std::int64_t lanes, std::int64_t width)
      : owner_(std::move(owner)),
        function_(function),
        lanes_(lanes),
        width_(width),
        x_(index(arguments)),
        before_(index(arguments)),
        y_(index(results)) {}

  void run(const Linked& l) override {
    const std::int64_t step = l.stride_a == 1 ? 1 : lanes_;
    for (std::int64_t lane = 0; lane < lanes_; ++lane) {
      const double* const from = l.a + (step == 1 ? 0 : lane);
      for (std::size_t i = 0; i < x_.size(); ++i)
        x_[i] = from[static_cast<std::int64_t>(i) * (lanes_ == 1 ? 1 : step)];
      // Lanes that are not used repeat the last one.
      if (lane == 0 || !same()) function_(x_.data(), y_.data());
      std::swap(x_, before_);
      for (std::size_t i = 0; i < y_.size(); ++i)
        l.r[static_cast<std::int64_t>(i) * lanes_ + lane] = y_[i];
    }
    // In the layout Elements a number fills a batch.
    if (lanes_ == 1 && y_.size() == 1) std::fill_n(l.r + 1, width_ - 1, l.r[0]);
  }

 private:
  bool same() const {
    return std::equal(x_.begin(), x_.end(), before_.begin(), [](double a, double b) {
      return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
    });
  }
  const std::shared_ptr<const Call> owner_;
  const Call::Function& function_;
  const std::int64_t lanes_, width_;
  std::vector<double> x_, before_, y_;
};

}  // namespace

std::unique_ptr<RoutineWork> Call::work(const Kernels& kernels, Layout layout,
                                        std::int64_t lanes) const {
  return std::make_unique<CallWork>(shared_from_this(), function_, arguments_, results_,
                                    layout == Layout::Lanes ? lanes : 1, kernels.width);
}

}  // namespace thalweg
