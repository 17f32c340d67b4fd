// SPDX-License-Identifier: BSD-3-Clause
// Discrete Fourier transforms. Each is linear, and its adjoint is a transform of the same lengths,
// with the other sign in the exponent.
#include <algorithm>
#include <array>

#include "thalweg/routines/all.hpp"
#include "thalweg/routines/fourier_plan.hpp"

namespace thalweg {
namespace {

// Batches of lanes are as fast as single arrays as long as they stay in cache.
constexpr std::int64_t kAlone = 512;

class Transform : public Numeric {
 public:
  std::int64_t length() const { return sizes()[1]; }
  bool alone() const override { return length() > kAlone; }

  Expr forward(Graph& g, NodeId id, std::span<const Expr> tangents) const override {
    const bool moves = std::ranges::any_of(tangents, [](const Expr& t) { return !t.is_zero(); });
    if (!moves) return {0.0, &g};
    std::vector<NodeId> in;
    for (std::size_t k = 0; k < tangents.size(); ++k)
      in.push_back(g.broadcast_to(tangents[k].in(g), Shape(g.shape(g.inputs(id)[k]))));
    return {g, numeric(g, name(), in, sizes(), Shape(g.shape(id)))};
  }

 protected:
  Transform(RoutineCode code, Sizes sizes) : Numeric(code, std::move(sizes)) {
    if (length() < 1) throw ShapeError("a Fourier transform needs at least one element");
  }
  // The real or the imaginary part of `packed`, which has `n` of each for every array of the batch.
  Expr part_of(Graph& g, NodeId packed, std::int64_t which, std::int64_t n, const Shape& as) const {
    return {g, g.reshape(g.view(packed, {batch(), n}, which * n, {2 * n, 1}), as)};
  }
  std::vector<Expr> parts_of(Graph& g, NodeId id, NodeId packed, std::int64_t n,
                             const std::vector<bool>& needed) const {
    std::vector<Expr> out(2);
    for (std::size_t k = 0; k < 2; ++k)
      if (needed[k])
        out[k] =
            part_of(g, packed, static_cast<std::int64_t>(k), n, Shape(g.shape(g.inputs(id)[k])));
    return out;
  }
};

// Sizes: batch, length, whether the sign in the exponent is +. Inputs: real and imaginary part.
// Packed: (2, n).
class Fft final : public Transform {
 public:
  explicit Fft(Sizes sizes) : Transform(RoutineCode::Fft, std::move(sizes)) {}

  std::string name() const override { return "fft"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t) const override { return length(); }
  std::int64_t output_size() const override { return 2 * length(); }
  std::int64_t work_size() const override { return plan_work(length()); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const std::int64_t n = length();
    const Shape each{batch(), n};
    const std::array in{part_of(g, adjoint, 0, n, each).in(g),
                        part_of(g, adjoint, 1, n, each).in(g)};
    const NodeId back = numeric(g, "fft", in, {batch(), n, !sizes()[2]}, {batch(), 2, n});
    return parts_of(g, id, back, n, needed);
  }

 protected:
  std::vector<double> make_table() const override {
    std::vector<double> table;
    append_plan(length(), table);
    return table;
  }
};

// A transform between n real numbers and n / 2 + 1 complex ones, of which the others are mirror
// images. Sizes: batch, n.
class RealTransform : public Transform {
 public:
  std::int64_t work_size() const override {
    const std::int64_t n = length();
    return n % 2 ? 3 * n + plan_work(n) : 2 * n + plan_work(n / 2);
  }

 protected:
  // How often a frequency counts: `middle` times, once the first and, of an even length, the last.
  RealTransform(RoutineCode code, Sizes sizes, double middle) : Transform(code, std::move(sizes)) {
    counts_.assign(static_cast<std::size_t>(half()), middle);
    counts_.front() = 1.0;
    if (length() % 2 == 0) counts_.back() = 1.0;
  }
  std::vector<double> make_table() const override {
    std::vector<double> table;
    const std::int64_t n = length();
    if (n % 2 == 0) append_circle(n, n / 2, 0.5, table);
    append_plan(n % 2 ? n : n / 2, table);
    return table;
  }
  std::int64_t half() const { return length() / 2 + 1; }
  Expr counts(Graph& g) const {
    return {g, g.data({shared_from_this(), counts_.data(), {half()}})};
  }

 private:
  std::vector<double> counts_;
};

// Packed: (2, n / 2 + 1).
class Rfft final : public RealTransform {
 public:
  explicit Rfft(Sizes sizes) : RealTransform(RoutineCode::Rfft, std::move(sizes), 0.5) {}

  std::string name() const override { return "rfft"; }
  std::size_t inputs() const override { return 1; }
  std::int64_t input_size(std::size_t) const override { return length(); }
  std::int64_t output_size() const override { return 2 * half(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>&) const override {
    const Shape each{batch(), half()};
    std::array<NodeId, 2> in{};
    for (std::size_t k = 0; k < 2; ++k)
      in[k] = (part_of(g, adjoint, static_cast<std::int64_t>(k), half(), each) * counts(g)).in(g);
    return {{g, numeric(g, "irfft", in, sizes(), Shape(g.shape(g.inputs(id)[0])))}};
  }
};

// Inputs: real and imaginary part of n / 2 + 1 numbers.
class Irfft final : public RealTransform {
 public:
  explicit Irfft(Sizes sizes) : RealTransform(RoutineCode::Irfft, std::move(sizes), 2.0) {}

  std::string name() const override { return "irfft"; }
  std::size_t inputs() const override { return 2; }
  std::int64_t input_size(std::size_t) const override { return half(); }
  std::int64_t output_size() const override { return length(); }

  std::vector<Expr> reverse(Graph& g, NodeId id, NodeId adjoint,
                            const std::vector<bool>& needed) const override {
    const NodeId spectrum = numeric(g, "rfft", std::array{adjoint}, sizes(), {batch(), 2, half()});
    const Expr weighted = Expr(g, spectrum) * counts(g);
    return parts_of(g, id, weighted.in(g), half(), needed);
  }
};

}  // namespace

std::shared_ptr<const Numeric> make_fft(Numeric::Sizes sizes) {
  return std::make_shared<Fft>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_rfft(Numeric::Sizes sizes) {
  return std::make_shared<Rfft>(std::move(sizes));
}
std::shared_ptr<const Numeric> make_irfft(Numeric::Sizes sizes) {
  return std::make_shared<Irfft>(std::move(sizes));
}

}  // namespace thalweg
