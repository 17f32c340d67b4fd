// SPDX-License-Identifier: BSD-3-Clause
// Prints a tape for people: one line per instruction.
#include <cstdio>

#include "thalweg/graph/routine.hpp"
#include "thalweg/lowering/rows.hpp"
#include "thalweg/lowering/tape.hpp"

namespace thalweg {
namespace {

template <class... Fs> constexpr auto names(OperationList<Fs...>) {
  return std::array{Fs::name...};
}
constexpr auto kNames = names(Elementary{});
constexpr const char* kBulkNames[] = {"sincos", "faddeeva", "sum",     "dot",  "max",
                                      "min",    "prod",     "matmul",  "move", "add_move",
                                      "scan",   "lookup",   "routine", "end"};

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  double back;
  char brief[32];
  std::snprintf(brief, sizeof brief, "%.15g", x);
  return std::sscanf(brief, "%lf", &back) == 1 && back == x ? brief : text;
}

// Prints a plan for rows, stage by stage.
class RowPrinter {
 public:
  explicit RowPrinter(const RowPlan& plan) : plan_(plan) {}

  std::string print() {
    for (const auto& stage : plan_.stages) std::visit([this](const auto& s) { add(s); }, stage);
    return std::move(out_);
  }

 private:
  std::string array(std::int32_t b) const {
    static constexpr const char* kLetter[] = {"x", "out", "data", "array"};
    const RowBuffer& buffer = plan_.buffers[static_cast<std::size_t>(b)];
    const auto number = buffer.from == RowBuffer::From::Own ? b : buffer.index;
    return kLetter[static_cast<int>(buffer.from)] + std::to_string(number);
  }
  std::string access(const RowAccess& a) const {
    std::string text = a.converted ? "rows" + std::to_string(a.buffer) : array(a.buffer);
    text.append("[").append(std::to_string(a.offset)).append(" + row ");
    text.append(std::to_string(a.row_stride));
    if (a.width > 1)
      text.append(" + ")
          .append(std::to_string(a.width))
          .append(" by ")
          .append(std::to_string(a.inner_stride));
    return text.append("]");
  }
  std::string span(const RowSpan& s) const {
    return array(s.buffer)
        .append("[")
        .append(std::to_string(s.offset))
        .append(":")
        .append(std::to_string(s.offset + s.size))
        .append("]");
  }
  static std::string numbered(const char* name, std::size_t k) {
    return std::string(name).append(std::to_string(k));
  }
  void line(const std::string& text, const std::string& more) {
    out_.append("  ").append(text).append(more).append("\n");
  }

  void add(const WholeStage& w) {
    out_.append("whole:\n");
    for (std::size_t k = 0; k < w.inputs.size(); ++k)
      line(numbered("x", k).append(" = "), span(w.inputs[k]));
    out_.append(w.program->print());
    for (std::size_t k = 0; k < w.outputs.size(); ++k)
      line(array(w.outputs[k]).append(" = "), numbered("out", k));
  }
  void add(const PatchStage& p) {
    line(array(p.to).append(p.add ? " += " : " = "), array(p.from).append(" in its place"));
  }
  void add(const RowLoop& l) {
    out_.append(std::to_string(l.rows)).append(" rows:\n");
    for (std::size_t k = 0; k < l.conversions.size(); ++k)
      line(numbered("rows", k).append(" = "),
           std::to_string(l.conversions[k].width).append(" numbers a row, as doubles"));
    for (std::size_t k = 0; k < l.inputs.size(); ++k) {
      const std::string name = numbered("x", k).append(" = ");
      if (const auto* s = std::get_if<RowSpan>(&l.inputs[k])) line(name, span(*s));
      else if (const auto* a = std::get_if<RowAccess>(&l.inputs[k])) line(name, access(*a));
      else {
        const auto& product = std::get<RowProduct>(l.inputs[k]);
        line(name, access(product.rows).append(" @ ").append(span(product.weights)));
      }
    }
    out_.append(l.program->print());
    add_results(l);
  }
  void add_results(const RowLoop& l) {
    static constexpr const char* kNames[] = {" = sum of ", " = max of ", " = min of ",
                                             " = prod of "};
    const auto side = [&](const RowLoop::Operand& o) {
      const auto* a = std::get_if<RowAccess>(&o);
      return a ? access(*a) : numbered("out", std::get<std::size_t>(o));
    };
    for (const auto& s : l.stores)
      line(access(s.to).append(s.add ? " += " : " = "), numbered("out", s.output));
    for (const auto& j : l.joins)
      line(array(j.buffer).append(kNames[static_cast<int>(j.kind)]), side(j.from));
    for (const auto& c : l.contractions)
      line(array(c.buffer).append(" = sum of "), side(c.left).append(" x ").append(side(c.right)));
  }

  const RowPlan& plan_;
  std::string out_;
};

}  // namespace

std::string Tape::print() const {
  std::string out;
  const auto place = [this](const Place& p, std::int64_t n) {
    static constexpr const char* kLetter[] = {"", "@", "x", "out", "", "u"};
    if (p.space == Space::Number) return number(numbers[static_cast<std::size_t>(p.index)]);
    std::string text(kLetter[static_cast<int>(p.space)]);
    text.append(std::to_string(p.index));
    if (p.offset || n > 1) {
      text.append("[").append(std::to_string(p.offset));
      if (n > 1) text.append(":").append(std::to_string(p.offset + n));
      text.append("]");
    }
    return text;
  };
  const auto routine = [&](const Instruction& i) {
    return extents[static_cast<std::size_t>(i.extent)].routine->name();
  };
  for (const Instruction& i : code) {
    const auto c = static_cast<std::size_t>(i.code);
    std::string line = i.store ? place(i.r, i.n) : std::string("_");
    const bool pair = i.code == thalweg::code(Bulk::SinCos);
    if (pair) line.append(", ").append(place(i.in[2], i.n));
    line += " = ";
    line += c < kNames.size()                        ? kNames[c]
            : i.code == thalweg::code(Bulk::Routine) ? routine(i)
                                                     : kBulkNames[c - kNames.size()];
    line += "(";
    for (int k = 0; k < (pair ? 1 : 3) && i.in[k].space != Space::None; ++k)
      line.append(k ? ", " : "")
          .append(i.mode[k] == Mode::Register
                      ? "_"
                      : place(i.in[k], i.whole[k] && c < kNames.size() ? i.n : 1));
    out.append(line).append(")\n");
  }
  return out;
}

std::string Program::print() const {
  if (rows) return rows->print();
  std::string out;
  if (prologue) out.append("once:\n").append(prologue->print()).append("each lane:\n");
  return out.append(body.print());
}

std::string RowPlan::print() const { return RowPrinter(*this).print(); }

}  // namespace thalweg
