// SPDX-License-Identifier: BSD-3-Clause
// Finds the step of a loop that first gave a value that is not finite, and in it the operation.
#include <algorithm>
#include <cmath>

#include "thalweg/kernels/kernels.hpp"
#include "thalweg/routines/iteration.hpp"
#include "thalweg/running/evaluate.hpp"

namespace thalweg {

std::optional<Culprit> Iteration::culprit(std::span<const std::span<const double>> in) const {
  const auto numbers = static_cast<std::size_t>(count());
  const Program& program = programs_.with(std::vector<bool>(numbers, true), Layout::Elements);
  const auto hold = form_.body->hold();  // after the programs' lock, as everywhere
  const auto part = [&](Role role) {
    return size(role) > 0 ? in[place(role)] : std::span<const double>{};
  };
  const auto first = part(Role::Carry), rows = part(Role::Each), same = part(Role::Same);
  std::vector<double> carry(first.begin(), first.end());
  std::vector<NodeId> outputs = form_.carried;
  outputs.insert(outputs.end(), form_.given.begin(), form_.given.end());
  Evaluator body(program, kernels(), false);
  body.prepare();
  const auto result = [&](std::size_t k) {
    return std::span(body.output(k), index(size_of(form_.body->shape(outputs[k]))));
  };
  for (std::int64_t s = 0; s < form_.length; ++s) {
    const std::int64_t t = form_.backward ? form_.length - 1 - s : s;
    const std::array<const double*, kRoles> from{carry.data(), rows.data() + t * size(Role::Each),
                                                 same.data()};
    std::array<std::int64_t, kRoles> at{};
    std::vector<const double*> values(numbers, nullptr);
    for (const Input& i : form_.inputs) {
      const auto r = static_cast<std::size_t>(i.role), k = static_cast<std::size_t>(i.number);
      values[k] = from[r] + at[r];
      if (body.reads(k)) std::copy_n(values[k], size_of(i.shape), body.input(k));
      at[r] += size_of(i.shape);
    }
    body.run();
    for (std::size_t k = 0; k < outputs.size(); ++k)
      if (std::ranges::any_of(result(k), [](double y) { return !std::isfinite(y); }))
        return diagnose(form_.body, outputs[k], values, static_cast<int>(numbers));
    auto next = carry.begin();
    for (std::size_t k = 0; k < form_.carried.size(); ++k)
      next = std::ranges::copy(result(k), next).out;
  }
  return std::nullopt;
}

}  // namespace thalweg
