// SPDX-License-Identifier: BSD-3-Clause
// Moves steps that are the same in every lane to a list of their own, which runs once. This is done
// after products are fused, so that rounding does not depend on which inputs vary: a start has the
// same bits alone with shared arguments as it has among others with arguments of their own.
#include <algorithm>

#include "lowering/intermediate.hpp"

namespace thalweg::intermediate {
namespace {

class Hoisting {
 public:
  explicit Hoisting(List& list) : list_(list), same_(list.steps.size(), false) {}

  std::optional<List> run(std::span<const std::int32_t> input_of) {
    find();
    if (std::ranges::none_of(same_, [](bool s) { return s; })) return {};
    List once{.steps = list_.steps,
              .parts = list_.parts,
              .numbers = list_.numbers,
              .extents = list_.extents,
              .inputs = list_.inputs,
              .uniform = {},
              .outputs = {}};
    hand_over(once);
    keep_apart(once);
    read_inputs(once, input_of);
    return once;
  }

 private:
  bool same(const Place& p) const {
    return p.space != Space::Input &&
           (p.space != Space::Scratch || same_[static_cast<std::size_t>(p.index)]);
  }
  template <class Visit> static void each_operand(List& list, Step& s, const Visit& visit) {
    for (int k = 0; k < s.arity; ++k) visit(s.in[k]);
    if (s.parts >= 0)
      for (Part& p : list.parts[static_cast<std::size_t>(s.parts)]) visit(p.from);
  }

  // Operands come before the steps that use them.
  void find() {
    for (std::size_t i = 0; i < list_.steps.size(); ++i) {
      Step& s = list_.steps[i];
      if (s.dead) continue;
      bool all = true;
      each_operand(list_, s, [&](const Place& p) { all &= same(p); });
      same_[i] = all;
    }
  }

  // Results that varying steps and outputs read become outputs of the list that runs once.
  void hand_over(List& once) {
    std::vector<std::int32_t> handed(list_.steps.size(), -1);
    const auto replace = [&](Place& p) {
      if (p.space != Space::Scratch || !same_[static_cast<std::size_t>(p.index)]) return;
      const auto u = static_cast<std::size_t>(p.index);
      if (handed[u] < 0) {
        handed[u] = position(once.outputs.size(), "values");
        once.outputs.push_back(
            {{{Space::Scratch, p.index, 0}, list_.steps[u].n, true, {0, {}, {}}, {}}});
      }
      p = {Space::Uniform, position(list_.uniform.size(), "values") + handed[u], p.offset};
    };
    for (std::size_t i = 0; i < list_.steps.size(); ++i)
      if (!list_.steps[i].dead && !same_[i]) each_operand(list_, list_.steps[i], replace);
    for (auto& parts : list_.outputs)
      for (Part& p : parts) replace(p.from);
  }

  void keep_apart(List& once) {
    for (std::size_t i = 0; i < list_.steps.size(); ++i)
      (same_[i] ? list_ : once).steps[i].dead = true;
  }

  // In that list, an input that does not vary is read as an input.
  void read_inputs(List& once, std::span<const std::int32_t> input_of) {
    std::vector<std::int32_t> moved(list_.uniform.size(), -1);
    const auto replace = [&](Place& p) {
      if (p.space != Space::Uniform) return;
      const auto u = static_cast<std::size_t>(p.index);
      if (input_of[u] >= 0) {
        p = {Space::Input, input_of[u], p.offset};
        return;
      }
      if (moved[u] < 0) {
        moved[u] = position(once.uniform.size(), "values");
        once.uniform.push_back(list_.uniform[u]);
      }
      p.index = moved[u];
    };
    for (std::size_t i = 0; i < once.steps.size(); ++i)
      if (same_[i]) each_operand(once, once.steps[i], replace);
  }

  List& list_;
  std::vector<bool> same_;  // by step: whether it is the same in every lane
};

}  // namespace

std::optional<List> hoist(List& list, std::span<const std::int32_t> input_of) {
  return Hoisting(list).run(input_of);
}

}  // namespace thalweg::intermediate
