// SPDX-License-Identifier: BSD-3-Clause
// Runs the body of a loop, step by step, with an evaluator of its own.
#include <algorithm>

#include "thalweg/routines/iteration.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {
namespace {

class IterationWork final : public RoutineWork {
 public:
  IterationWork(std::shared_ptr<const Iteration> loop, const Kernels& kernels, Layout layout,
                std::int64_t lanes)
      : loop_(std::move(loop)),
        body_(loop_->program(kernels, layout), kernels, lanes > kernels.width),
        lanes_(layout == Layout::Lanes ? lanes : 1),
        step_(body_.step()),
        width_(kernels.width) {
    body_.prepare();
    std::array<std::int64_t, Iteration::kRoles> at{};
    const auto hold = loop_->form().body->hold();
    std::size_t carried = 0;
    for (const Iteration::Input& i : loop_->form().inputs) {
      const std::int64_t n = size_of(i.shape);
      auto& first = at[static_cast<std::size_t>(i.role)];
      const bool carries = i.role == Iteration::Role::Carry;
      if (double* const to = place(i, carries)) parts_.push_back({i.role, to, carried, first, n});
      carried += carries;
      first += n;
    }
    for (const NodeId id : loop_->form().given)
      given_.push_back(size_of(loop_->form().body->shape(id)));
  }

  void run(const Linked& l) override {
    const Operand all[] = {{l.a, l.stride_a == 1}, {l.b, l.stride_b == 1}, {l.c, l.stride_c == 1}};
    const auto operand = [&](Iteration::Role role) { return all[loop_->place(role)]; };
    const Iteration::Form& f = loop_->form();
    const std::int64_t each = loop_->size(Iteration::Role::Each),
                       c = loop_->size(Iteration::Role::Carry);
    for (const Part& p : parts_)
      if (p.role != Iteration::Role::Each) read(operand(p.role), p.first, p);
    for (std::int64_t s = 0; s < f.length; ++s) {
      const std::int64_t t = f.backward ? f.length - 1 - s : s;
      for (const Part& p : parts_)
        if (p.role == Iteration::Role::Each) read(operand(p.role), t * each + p.first, p);
      body_.run();
      write_row(l.r + (c + t * loop_->given()) * lanes_);
      for (const Part& p : parts_)
        if (p.role == Iteration::Role::Carry)
          std::copy_n(body_.output(p.output), p.n * step_, p.to);
    }
    for (const Part& p : parts_)
      if (p.role == Iteration::Role::Carry) write(p.to, p.n, l.r + p.first * lanes_);
    // In the layout Elements a number fills a batch.
    if (lanes_ == 1 && c + f.length * loop_->given() == 1) std::fill_n(l.r + 1, width_ - 1, l.r[0]);
  }

 private:
  // Where the body finds an input; null if it does not read it. What is carried has a place anyway.
  double* place(const Iteration::Input& input, bool carries) {
    const auto k = static_cast<std::size_t>(input.number);
    if (body_.reads(k)) return body_.input(k);
    if (!carries) return nullptr;
    spare_.push_back(
        std::make_unique<Aligned>(static_cast<std::size_t>(size_of(input.shape) * step_)));
    return spare_.back()->get();
  }
  struct Operand {
    const double* p;
    bool same;  // in all lanes
  };
  // An input of the body: elements [first, first + n) of its role.
  struct Part {
    Iteration::Role role;
    double* to;
    std::size_t output;  // of the body, if it is carried
    std::int64_t first, n;
  };

  void read(const Operand& from, std::int64_t first, const Part& part) const {
    if (lanes_ > 1 && !from.same) {
      std::copy_n(from.p + first * lanes_, part.n * lanes_, part.to);
    } else if (step_ == 1) {
      std::copy_n(from.p + first, part.n, part.to);
    } else {
      for (std::int64_t i = 0; i < part.n; ++i)
        std::fill_n(part.to + i * step_, step_, from.p[first + i]);
    }
  }
  void write(const double* from, std::int64_t n, double* to) const {
    if (lanes_ == step_) std::copy_n(from, n * lanes_, to);
    else
      for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * step_];
  }
  void write_row(double* to) const {
    for (std::size_t k = 0; k < given_.size(); ++k) {
      write(body_.output(loop_->form().carried.size() + k), given_[k], to);
      to += given_[k] * lanes_;
    }
  }

  std::shared_ptr<const Iteration> loop_;
  Evaluator body_;
  const std::int64_t lanes_, step_, width_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<Aligned>> spare_;
  std::vector<std::int64_t> given_;  // the sizes of what a step returns
};

}  // namespace

std::unique_ptr<RoutineWork> Iteration::work(const Kernels& kernels, Layout layout,
                                             std::int64_t lanes) const {
  return std::make_unique<IterationWork>(shared_from_this(), kernels, layout, lanes);
}

}  // namespace thalweg
