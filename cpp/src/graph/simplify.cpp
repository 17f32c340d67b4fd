// SPDX-License-Identifier: BSD-3-Clause
// The operations at run time, access to elements of assembled arrays, and Expr's arithmetic, which
// simplifies the expressions of derivatives.
#include <algorithm>
#include <array>
#include <cmath>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

namespace {
template <class Op> void partials_of(const Expr* in, Expr y, Expr* out) {
  const auto p = [&] {
    if constexpr (Op::arity == 1) return Op::partials(in[0], y);
    else if constexpr (Op::arity == 2) return Op::partials(in[0], in[1], y);
    else return Op::partials(in[0], in[1], in[2], y);
  }();
  std::copy(p.begin(), p.end(), out);
}
template <class... Ops> constexpr auto describe(OperationList<Ops...>) {
  return std::array{OperationInfo{Ops::name, Ops::arity, Ops::light, Ops::boolean,
                                  Ops::domain.data(), &partials_of<Ops>}...};
}
constexpr auto kOperations = describe(Operations{});
}  // namespace

std::span<const OperationInfo> operations() { return kOperations; }

int find_operation(std::string_view name) {
  for (std::size_t i = 0; i < kOperations.size(); ++i)
    if (kOperations[i].name == name) return static_cast<int>(i);
  return -1;
}

// ---- Graph

// The position of a part's element e in the whole array.
static std::int64_t position(const Placement& at, const Shape& part, std::int64_t e) {
  if (!at.table.empty()) return at.table[static_cast<std::size_t>(e)];
  std::int64_t where = at.offset;
  for (std::size_t d = part.size(); d-- > 0; e /= part[d]) where += e % part[d] * at.strides[d];
  return where;
}

// The part of a small assembled array that holds the element at `offset`, and the position in that
// part; -1 if there is none.
std::pair<NodeId, std::int64_t> Graph::part_at(NodeId x, std::int64_t offset) const {
  constexpr std::int64_t kSmall = 256;
  std::pair<NodeId, std::int64_t> found{-1, 0};
  if ((*this)[x].kind != Kind::Assemble || (*this)[x].accumulate || size_of(shape(x)) > kSmall)
    return found;
  const auto parts = inputs(x);
  for (std::size_t k = 0; k < parts.size(); ++k)
    for (std::int64_t e = 0; e < size_of(shape(parts[k])); ++e) {
      if (position(placements(x)[k], shape(parts[k]), e) != offset) continue;
      if (found.first >= 0) return {-1, 0};
      found = {parts[k], e};
    }
  return found;
}

// ---- Expr

Expr::Expr(Graph& g, NodeId node) {
  home = &g;
  if (g[node].kind == Kind::Constant) number = g[node].value;
  else graph = &g, id = node;
}

const Shape& Expr::shape() const {
  static const Shape scalar;
  return is_number() ? scalar : graph->shape(id);
}

Expr elementwise(int opcode, std::span<const Expr> inputs) {
  Graph* graph = nullptr;
  for (const Expr& e : inputs)
    if (Graph* of = e.graph ? e.graph : e.home) graph = of;
  if (!graph)
    throw std::logic_error(
        "an operation on numbers alone was not expected. This is a bug in thalweg; please report "
        "it");
  std::array<NodeId, 3> ids{};
  for (std::size_t i = 0; i < inputs.size(); ++i) ids[i] = inputs[i].in(*graph);
  return {*graph, graph->elementwise(opcode, std::span(ids).first(inputs.size()))};
}

namespace {
// The operands of e if it is Op applied to them, else nothing.
struct Operands {
  std::array<Expr, 3> in;
  bool found = false;
  bool empty() const { return !found; }
  const Expr& operator[](std::size_t i) const { return in[i]; }
};
template <class Op> Operands operands(const Expr& e) {
  Operands out;
  if (e.is_number() || (*e.graph)[e.id].kind != Kind::Elementwise ||
      (*e.graph)[e.id].op != kOpcode<Op>)
    return out;
  out.found = true;
  std::size_t i = 0;
  for (NodeId id : e.graph->inputs(e.id)) out.in[i++] = Expr(*e.graph, id);
  return out;
}
Graph* home_of(const Expr& a, const Expr& b) { return a.home ? a.home : b.home; }
bool same(const Expr& a, const Expr& b) {
  return a.graph == b.graph && a.id == b.id && a.number == b.number;
}

// Signs and constants are taken only from an operand itself, not from its own operands: a user's
// loop may have nested thousands of them, and every further product would search them all again.
// Derivatives nest one at most.

// If e = -a, sets a.
bool negated(const Expr& e, Expr& a) {
  const auto in = operands<ops::Negative>(e);
  if (in.empty()) return false;
  a = in[0];
  return true;
}

// If y = c / b, sets `product` to y^2 / c, which is y / b without a division. c is of moderate
// size, so y^2 overflows only if the quotient is within a factor of 2^64 of overflowing.
bool divided_again(const Expr& y, const Expr& b, Expr& product) {
  const auto in = operands<ops::Divide>(y);
  if (in.empty() || !same(in[1], b) || !in[0].is_number()) return false;
  const Expr& c = in[0];
  const double size = c.number < 0 ? -c.number : c.number;
  if (!(size > 0x1p-64 && size < 0x1p64)) return false;
  product = Expr(1.0 / c.number) * apply<ops::Square>(y);
  return true;
}

// If a = c / b, sets c. The slope of a shift that cancels, as in log-sum-exp, is then exactly 0.
bool divides_away(const Expr& a, const Expr& b, Expr& c) {
  const auto in = operands<ops::Divide>(a);
  if (in.empty() || !same(in[1], b) || !in[0].is_number()) return false;
  c = in[0];
  return true;
}
bool cancels(const Expr& a, const Expr& b, Expr& c) {
  return divides_away(a, b, c) || divides_away(b, a, c);
}

Expr opposite(const Expr& p) {
  if (Expr n; negated(p, n)) return n;
  if (const auto in = operands<ops::Subtract>(p); !in.empty())
    return apply<ops::Subtract>(in[1], in[0]);
  return apply<ops::Negative>(p);
}

Expr scaled(double c, Expr p) {
  if (p.is_number()) return {c * p.number, p.home};
  if (Expr n; negated(p, n)) c = -c, p = n;
  if (c == 1.0) return p;
  return c == -1.0 ? opposite(p) : apply<ops::Multiply>(Expr(c), p);
}

// Combines adjacent constants, c1 (c2 p) = (c1 c2) p, unless their product overflows or loses bits.
// A constant is moved past an unknown factor, (c1 p) (c2 q) = ((c1 c2) p) q, only if it is within
// 2^10 of 1. Otherwise the constants of an unrolled loop, collected over a long product, would
// overflow long before the product as written does.
bool constants_joined(const Expr& a, const Expr& b, Expr& product) {
  const auto right = operands<ops::Multiply>(b);
  if (right.empty() || !right[0].is_number()) return false;
  if (a.is_number()) {
    const double c = a.number * right[0].number;
    if (std::isnormal(c)) product = scaled(c, right[1]);
    return std::isnormal(c);
  }
  const auto left = operands<ops::Multiply>(a);
  if (left.empty() || !left[0].is_number()) return false;
  const double c1 = left[0].number, c2 = right[0].number;
  const auto moderate = [](double c) { return std::abs(c) >= 0x1p-10 && std::abs(c) <= 0x1p10; };
  if (!std::isnormal(c1 * c2) || !(moderate(c1) || moderate(c2))) return false;
  if (Expr c; cancels(left[1], right[1], c)) product = scaled(c1 * c2, c);
  else if (moderate(c2)) product = apply<ops::Multiply>(scaled(c1 * c2, left[1]), right[1]);
  else product = apply<ops::Multiply>(left[1], scaled(c1 * c2, right[1]));
  return true;
}
}  // namespace

Expr operator+(Expr a, Expr b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  if (a.is_number() && b.is_number()) return {a.number + b.number, home_of(a, b)};
  Expr n;
  if (negated(b, n)) return apply<ops::Subtract>(a, n);
  if (negated(a, n)) return apply<ops::Subtract>(b, n);
  return apply<ops::Add>(a, b);
}

Expr operator-(Expr a, Expr b) {
  if (b.is_zero()) return a;
  if (a.is_number() && b.is_number()) return {a.number - b.number, home_of(a, b)};
  if (a.is_zero()) return -b;
  Expr n;
  if (negated(b, n)) return apply<ops::Add>(a, n);
  return apply<ops::Subtract>(a, b);
}

Expr operator*(Expr a, Expr b) {
  if (a.is_zero() || b.is_zero()) return {0.0, home_of(a, b)};
  if (a.is_number() && b.is_number()) return {a.number * b.number, home_of(a, b)};
  if (b.is_number()) std::swap(a, b);
  if (a.is(1.0)) return b;
  if (a.is(-1.0)) return -b;
  Expr n;
  if (cancels(a, b, n)) return n;
  bool minus = false;
  if (negated(a, n)) a = n, minus = !minus;
  if (negated(b, n)) b = n, minus = !minus;
  if (minus && a.is_number()) a = Expr(-a.number), minus = false;
  if (!cancels(a, b, n) && !constants_joined(a, b, n))
    n = a.is_number() ? scaled(a.number, b) : apply<ops::Multiply>(a, b);
  return minus ? -n : n;
}

Expr operator/(Expr a, Expr b) {
  if (a.is_zero()) return {0.0, home_of(a, b)};
  if (b.is(1.0)) return a;
  if (a.is_number() && b.is_number()) return {a.number / b.number, home_of(a, b)};
  if (Expr product; divided_again(a, b, product)) return product;
  return apply<ops::Divide>(a, b);
}

Expr divided(Expr a, Expr b) {
  if (b.is_number() || size_of(b.shape()) >= size_of(a.shape())) return a / b;
  return a * (Expr(1.0) / b);
}

Expr operator-(Expr a) {
  if (a.is_number()) return {-a.number, a.home};
  if (const auto in = operands<ops::Multiply>(a); !in.empty() && in[0].is_number())
    return scaled(-in[0].number, in[1]);
  return opposite(a);
}

Expr operator<(Expr a, Expr b) { return apply<ops::Less>(a, b); }
Expr operator>(Expr a, Expr b) { return apply<ops::Greater>(a, b); }

Expr operator==(Expr a, Expr b) {
  if (a.is_number() && b.is_number()) return {a.number == b.number ? 1.0 : 0.0, home_of(a, b)};
  return apply<ops::Equal>(a, b);
}

Expr select(Expr condition, Expr a, Expr b) {
  if (condition.is_number()) {
    Expr chosen = condition.number != 0.0 ? a : b;
    if (!chosen.home) chosen.home = home_of(condition, home_of(a, b) == a.home ? a : b);
    return chosen;
  }
  if (a.is_number() && b.is_number() && a.number == b.number) return a;
  return elementwise(kOpcode<ops::Where>, std::array{condition, a, b});
}

}  // namespace thalweg
