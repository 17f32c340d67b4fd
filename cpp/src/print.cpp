// SPDX-License-Identifier: BSD-3-Clause
// A tape for people: one line an instruction.
#include <cstdio>

#include "thalweg/tape.hpp"

namespace thalweg {
namespace {

template <class... Fs> constexpr auto names(OperationList<Fs...>) {
  return std::array{Fs::name...};
}
constexpr auto kNames = names(Elementary{});
constexpr const char* kBulkNames[] = {"sincos", "sum",  "dot",      "max",  "min",    "prod",
                                      "matmul", "move", "add_move", "scan", "lookup", "end"};

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  double back;
  char brief[32];
  std::snprintf(brief, sizeof brief, "%.15g", x);
  return std::sscanf(brief, "%lf", &back) == 1 && back == x ? brief : text;
}

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
  for (const Instruction& i : code) {
    const auto c = static_cast<std::size_t>(i.code);
    std::string line = i.store ? place(i.r, i.n) : std::string("_");
    const bool pair = i.code == thalweg::code(Bulk::SinCos);
    if (pair) line.append(", ").append(place(i.in[2], i.n));
    line += " = ";
    line += c < kNames.size() ? kNames[c] : kBulkNames[c - kNames.size()];
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
  std::string out;
  if (prologue) out.append("once:\n").append(prologue->body.print()).append("each lane:\n");
  return out.append(body.print());
}

}  // namespace thalweg
