// SPDX-License-Identifier: BSD-3-Clause
// A tape for people: one line an instruction.
#include <cstdio>

#include "thalweg/tape.hpp"

namespace thalweg {
namespace {

template <class... Fs> constexpr auto names(OperationList<Fs...>) { return std::array{Fs::name...}; }
constexpr auto kNames = names(Elementary{});
constexpr const char* kBulkNames[] = {"sincos", "sum", "dot", "max", "min", "prod", "matmul", "move", "add_move", "scan", "lookup", "end"};

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
    std::string text = kLetter[static_cast<int>(p.space)] + std::to_string(p.index);
    if (p.offset || n > 1) text += "[" + std::to_string(p.offset) + (n > 1 ? ":" + std::to_string(p.offset + n) : "") + "]";
    return text;
  };
  for (const Instruction& i : code) {
    const auto c = static_cast<std::size_t>(i.code);
    std::string line = i.store ? place(i.r, i.n) : std::string("_");
    const bool pair = i.code == thalweg::code(Bulk::SinCos);
    if (pair) line += ", " + place(i.in[2], i.n);
    line += " = ";
    line += c < kNames.size() ? kNames[c] : kBulkNames[c - kNames.size()];
    line += "(";
    for (int k = 0; k < (pair ? 1 : 3) && i.in[k].space != Space::None; ++k)
      line += (k ? ", " : "") + (i.mode[k] == Mode::Register ? "_" : place(i.in[k], i.whole[k] && c < kNames.size() ? i.n : 1));
    out += line + ")\n";
  }
  return out;
}

std::string Program::print() const {
  std::string out;
  if (prologue) out += "once:\n" + prologue->body.print() + "each lane:\n";
  return out + body.print();
}

}  // namespace thalweg
