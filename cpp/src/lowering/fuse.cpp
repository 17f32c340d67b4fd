// SPDX-License-Identifier: BSD-3-Clause
// Fuses products into the only sum that uses them, and removes unused steps.
#include "lowering/intermediate.hpp"

namespace thalweg::intermediate {
namespace {

class Fusion {
 public:
  explicit Fusion(List& list) : list_(list) {}
  void run() {
    count_uses();
    fuse();
  }

 private:
  void use(const Place& p) {
    if (p.space == Space::Scratch) ++list_.steps[static_cast<std::size_t>(p.index)].uses;
  }
  void count_uses() {  // of steps that outputs need
    std::vector<bool> reached(list_.steps.size(), false);
    const auto reach = [&](const Place& p) {
      if (p.space == Space::Scratch) reached[static_cast<std::size_t>(p.index)] = true;
      use(p);
    };
    for (const auto& parts : list_.outputs)
      for (const Part& p : parts) reach(p.from);
    for (std::size_t i = list_.steps.size(); i-- > 0;) {
      const Step& s = list_.steps[i];
      if (!reached[i]) continue;
      if (s.partner >= 0)
        reached[static_cast<std::size_t>(s.partner)] = true;  // a use of either needs the pair
      for (int k = 0; k < s.arity; ++k) reach(s.in[k]);
      if (s.parts >= 0)
        for (const Part& p : list_.parts[static_cast<std::size_t>(s.parts)]) reach(p.from);
    }
    for (std::size_t i = 0; i < list_.steps.size(); ++i) list_.steps[i].dead = !reached[i];
  }

  // The product that only `user` uses, with all its elements: it can be fused.
  Step* lone_product(const Place& p, std::int64_t n, bool whole_operand) {
    if (p.space != Space::Scratch || p.offset != 0 || !whole_operand) return nullptr;
    Step& s = list_.steps[static_cast<std::size_t>(p.index)];
    return s.code == code_of<ops::Multiply>() && s.uses == 1 && s.n == n && !s.dead ? &s : nullptr;
  }

  void fuse() {
    for (Step& s : list_.steps) {
      if (s.dead) continue;
      if (s.code == code_of<ops::Add>()) {
        if (Step* m = lone_product(s.in[0], s.n, s.whole[0]))
          absorb(s, *m, code_of<fused::MultiplyAdd>(), 1);
        else if (Step* q = lone_product(s.in[1], s.n, s.whole[1]))
          absorb(s, *q, code_of<fused::MultiplyAdd>(), 0);
      } else if (s.code == code_of<ops::Subtract>()) {
        if (Step* m = lone_product(s.in[1], s.n, s.whole[1]))
          absorb(s, *m, code_of<fused::NegativeMultiplyAdd>(), 0);
        else if (Step* q = lone_product(s.in[0], s.n, s.whole[0]))
          absorb(s, *q, code_of<fused::MultiplySubtract>(), 1);
      } else if (s.code == static_cast<std::int16_t>(code(Bulk::Sum))) {
        const OwnedExtent& e = list_.extents[static_cast<std::size_t>(s.extent)];
        const std::int64_t n = e.sizes.outer * e.sizes.length * e.sizes.inner;
        Step* m = lone_product(s.in[0], n, true);
        if (m && m->whole[0] && m->whole[1]) {
          s.code = static_cast<std::int16_t>(code(Bulk::Dot));
          s.in[0] = m->in[0], s.in[1] = m->in[1];
          s.arity = 2;
          m->dead = true;
        }
      }
    }
  }
  void absorb(Step& s, Step& product, std::int16_t code, int rest) {
    const Place kept = s.in[rest];
    const bool kept_whole = s.whole[rest];
    s.code = code;
    s.arity = 3;
    for (int k = 0; k < 2; ++k) s.in[k] = product.in[k], s.whole[k] = product.whole[k];
    s.in[2] = kept, s.whole[2] = kept_whole;
    product.dead = true;
  }

  List& list_;
};

}  // namespace

void fuse(List& list) { Fusion(list).run(); }

}  // namespace thalweg::intermediate
