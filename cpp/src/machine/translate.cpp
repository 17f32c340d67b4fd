// SPDX-License-Identifier: BSD-3-Clause
// Runs a tape with recordings in place of batches: places hold the numbers of results, arrays are
// taken apart.
#include "thalweg/machine/translate.hpp"

#include "machine/needed.hpp"
#include "machine/recordings.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "thalweg/kernels/limits.hpp"
#include "thalweg/machine/recorded.hpp"
#include "thalweg/sizes.hpp"

namespace thalweg::machine {
namespace {

// More operations than this leave the first-level cache of instructions; handlers with loops are
// better then.
constexpr std::size_t kMostOperations = 5000;
constexpr std::int64_t kMostElements = 128;     // of an array that is taken apart
constexpr std::int64_t kMostTerms = 1024;       // of the sums or products of one instruction
constexpr std::int64_t kLastElement = 1 << 20;  // in reach of an instruction's displacement

// The tape, or a part of it, has no primitive operations.
struct Untranslatable {};

class Translator {
 public:
  Translator(const Program& program, int batch)
      : program_(program), tape_(program.body), batch_(batch) {
    for (const std::int64_t n : tape_.slots) scratch_.emplace_back(index(n), kNone);
    for (const std::int64_t n : program.output_sizes) outputs_.emplace_back(index(n), kNone);
    waits_.resize(outputs_.size());
  }

  Translation run(const RoundTest& test) {
    record_tape();
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      for (std::size_t e = 0; e < outputs_[k].size(); ++e) store(inputs() + k, e, outputs_[k][e]);
    if (test.f >= 0) batch_ == 8 ? leave<8>(test) : leave<4>(test);
    return {needed(recording_.operations, last_stored_), std::move(uniforms_)};
  }

  Translation run(const RowStream& stream) {
    record_tape();
    const std::size_t sums = inputs() + stream.arrays.size(), waiting = sums + stream.joins.size();
    std::vector<Value> elements;
    for (std::size_t k = 0; k < stream.arrays.size(); ++k)
      elements.push_back(written(stream.arrays[k], inputs() + k, waiting));
    for (std::size_t k = 0; k < stream.joins.size(); ++k) {
      const auto& [output, kind] = stream.joins[k];
      const Value sum = load(sums + k, 0, Lies::InRing);
      store(sums + k, 0, joined(code_of(kind), sum, outputs_[output][0]), Lies::InRing);
    }
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      if (waits_[k]) store(waiting + k, 0, outputs_[k][0], Lies::InPlace);
    for (std::size_t k = 0; k < elements.size(); ++k) store(inputs() + k, 0, elements[k]);
    if (stream.in_place >= 0) last_stored_ = inputs() + index(stream.in_place);
    return {needed(recording_.operations, last_stored_), std::move(uniforms_)};
  }

 private:
  void record_tape() {
    Recording::current = &recording_;
    for (const Instruction& i : tape_.code) {
      if (i.code < kElementary) elementwise(i);
      else bulk(i);
      if (recording_.operations.size() > kMostOperations) throw Untranslatable{};
    }
  }

  // ---- rows

  // The element that the terms add up to.
  Value written(const RowStream::Array& array, std::size_t buffer, std::size_t waiting) {
    Value sum = array.start == RowStream::Start::Zero  ? recording_.constant(0.0)
                : array.start == RowStream::Start::Old ? load(buffer, 0)
                                                       : kNone;
    for (const auto& [output, before] : array.terms) {
      const Value term = before ? earlier(output, before, waiting) : outputs_[output][0];
      sum = sum == kNone ? term : record(Primitive::Add, sum, term);
    }
    return sum;
  }
  // An output of the rows `before` rows before: the end of the last batch and the beginning of
  // this.
  Value earlier(std::size_t output, std::int64_t before, std::size_t waiting) {
    waits_[output] = true;
    const Value last = load(waiting + output, 0, Lies::InPlace), now = outputs_[output][0];
    if (before == batch_) return last;
    if (batch_ == 8)
      return record(Primitive::Spliced, now, last, kNone, 8 - static_cast<int>(before));
    const Value middle = record(Primitive::Halves, last, now);
    return before == 2   ? middle
           : before == 1 ? record(Primitive::Uneven, middle, now)
                         : record(Primitive::Uneven, last, middle);
  }

  std::size_t inputs() const { return program_.input_sizes.size(); }
  std::size_t buffer(TestBuffer b) const {
    return inputs() + outputs_.size() + static_cast<std::size_t>(b);
  }

  // ---- places

  Value load(std::size_t from, std::int64_t element, Lies lies = Lies::WithLanes) {
    if (element > kLastElement) throw Untranslatable{};
    return recording_.add({.what = Primitive::Load,
                           .which = static_cast<std::int16_t>(lies),
                           .buffer = static_cast<std::int32_t>(from),
                           .bits = static_cast<std::uint64_t>(element)});
  }
  void store(std::size_t to, std::size_t element, Value v, Lies lies = Lies::WithLanes) {
    if (v == kNone || element > static_cast<std::size_t>(kLastElement)) throw Untranslatable{};
    recording_.add({.what = Primitive::Store,
                    .which = static_cast<std::int16_t>(lies),
                    .buffer = static_cast<std::int32_t>(to),
                    .in = {v, kNone, kNone, kNone, kNone},
                    .bits = element});
  }
  Value uniform(UniformNumber number) {
    const auto found = std::ranges::find(uniforms_, number);
    const auto where = static_cast<std::uint64_t>(found - uniforms_.begin());
    if (found == uniforms_.end()) uniforms_.push_back(number);
    return recording_.add({.what = Primitive::Uniform, .bits = where});
  }
  Value& written(const Place& p, std::int64_t e) {
    auto& values = p.space == Space::Scratch ? scratch_ : outputs_;
    return values[index(p.index)].at(index(p.offset + e));
  }
  Value read(const Place& p, std::int64_t e) {
    switch (p.space) {
      case Space::Input:
        return load(index(p.index), p.offset + e);
      case Space::Scratch:
      case Space::Output:
        if (written(p, e) == kNone) throw Untranslatable{};
        return written(p, e);
      case Space::Number:
        return recording_.constant(tape_.numbers[index(p.index)]);
      case Space::Uniform:
        return uniform({p.index, p.offset + e});
      default:
        return kNone;
    }
  }

  // ---- instructions

  void elementwise(const Instruction& i) {
    if (i.n > kMostElements) throw Untranslatable{};
    for (std::int64_t e = 0; e < i.n; ++e) {
      std::array<Value, 3> in{kNone, kNone, kNone};
      for (std::size_t k = 0; k < 3; ++k)
        in[k] = i.mode[k] == Mode::Register ? last_ : read(i.in[k], i.whole[k] ? e : 0);
      const Value y = operate(i.code, batch_, in);
      if (i.chained) last_ = y;
      if (i.store) written(i.r, e) = y;
    }
  }

  void bulk(const Instruction& i) {
    const Extent e = i.extent < 0 ? Extent{} : tape_.extents[index(i.extent)].linked();
    switch (static_cast<Bulk>(i.code - kElementary)) {
      case Bulk::SinCos:
        return sines(i);
      case Bulk::Sum:
        return reduce(i, e, code_of(Reduction::Sum));
      case Bulk::Max:
        return reduce(i, e, code_of(Reduction::Max));
      case Bulk::Min:
        return reduce(i, e, code_of(Reduction::Min));
      case Bulk::Prod:
        return reduce(i, e, code_of(Reduction::Prod));
      case Bulk::Dot:
        return dot(i, e);
      case Bulk::MatMul:
        return product(i, e);
      case Bulk::Move:
      case Bulk::AddMove:
        return move(i, e);
      case Bulk::Scan:
        return scan(i, e);
      default:
        throw Untranslatable{};
    }
  }

  void sines(const Instruction& i) {
    if (i.n > kMostElements) throw Untranslatable{};
    for (std::int64_t e = 0; e < i.n; ++e) {
      const auto [sine, cosine] = sine_cosine(batch_, read(i.in[0], e));
      written(i.r, e) = sine;
      written(i.in[2], e) = cosine;
    }
  }

  static int code_of(Reduction r) {
    switch (r) {
      case Reduction::Max:
        return kCode<ops::Maximum>;
      case Reduction::Min:
        return kCode<ops::Minimum>;
      case Reduction::Prod:
        return kCode<ops::Multiply>;
      default:
        return kCode<ops::Add>;
    }
  }
  Value joined(int code, Value a, Value b) { return operate(code, batch_, {a, b, kNone}); }

  // Of n parts those at j, j + step, j + 2 step, …, joined in halves: the order in trees.inl.hpp.
  template <class Part>
  Value halves(int code, std::int64_t step, std::int64_t j, std::int64_t n, const Part& part) {
    if (step >= kPartialSums) return part(j);
    const Value low = halves(code, step * 2, j, n, part);
    return j + step < n ? joined(code, low, halves(code, step * 2, j + step, n, part)) : low;
  }
  // Elements [0, n), n at least 1: `first` begins a partial result, `next` continues it.
  template <class First, class Next>
  Value tree(int code, std::int64_t n, const First& first, const Next& next) {
    if (n > kTile) throw Untranslatable{};
    if (n <= kPartialSums) return halves(code, 1, 0, n, first);
    std::vector<Value> partial;
    for (std::int64_t j = 0; j < kPartialSums; ++j) {
      partial.push_back(first(j));
      for (std::int64_t i = j + kPartialSums; i < n; i += kPartialSums)
        partial.back() = next(partial.back(), i);
    }
    return halves(code, 1, 0, kPartialSums, [&](std::int64_t j) { return partial[index(j)]; });
  }
  template <class Each> static void over(const Extent& e, const Each& each) {
    if (e.length == 0 || e.outer * e.length * e.inner > kMostTerms) throw Untranslatable{};
    for (std::int64_t o = 0; o < e.outer; ++o)
      for (std::int64_t k = 0; k < e.inner; ++k) each(o * e.length * e.inner + k, o * e.inner + k);
  }

  void reduce(const Instruction& i, const Extent& e, int code) {
    over(e, [&](std::int64_t from, std::int64_t to) {
      const auto element = [&](std::int64_t j) { return read(i.in[0], from + j * e.inner); };
      written(i.r, to) = tree(code, e.length, element,
                              [&](Value s, std::int64_t j) { return joined(code, s, element(j)); });
    });
  }
  void dot(const Instruction& i, const Extent& e) {
    over(e, [&](std::int64_t from, std::int64_t to) {
      const auto a = [&](std::int64_t j) { return read(i.in[0], from + j * e.inner); };
      const auto b = [&](std::int64_t j) { return read(i.in[1], from + j * e.inner); };
      written(i.r, to) = tree(
          kCode<ops::Add>, e.length,
          [&](std::int64_t j) { return record(Primitive::Multiply, a(j), b(j)); },
          [&](Value s, std::int64_t j) { return record(Primitive::MultiplyAdd, a(j), b(j), s); });
    });
  }

  // C (m, n) = A (m, k) B (k, n).
  void product(const Instruction& i, const Extent& e) {
    if (e.k == 0 || e.k > kTile || e.batch * e.m * e.n * e.k > kMostTerms) throw Untranslatable{};
    for (std::int64_t s = 0; s < e.batch; ++s)
      for (std::int64_t row = 0; row < e.m; ++row)
        for (std::int64_t column = 0; column < e.n; ++column) {
          const auto a = [&](std::int64_t k) {
            return read(i.in[0], s * e.m * e.k + row * e.a_m + k * e.a_k);
          };
          const auto b = [&](std::int64_t k) {
            return read(i.in[1], s * e.k * e.n + column * e.b_n + k * e.b_k);
          };
          const auto chain = [&](std::int64_t from, std::int64_t end, std::int64_t step) {
            Value sum = recording_.constant(-0.0);
            for (; from < end; from += step)
              sum = record(Primitive::MultiplyAdd, a(from), b(from), sum);
            return sum;
          };
          written(i.r, (s * e.m + row) * e.n + column) = e.k >= kFewest && (e.m == 1 || e.n == 1)
                                                             ? partial_chains(e.k, chain)
                                                             : runs(e.k, chain);
        }
  }
  template <class Chain> Value partial_chains(std::int64_t k, const Chain& chain) {
    std::array<Value, kPartials> sums;
    for (std::int64_t j = 0; j < kPartials; ++j) sums[index(j)] = chain(j, k, kPartials);
    for (std::size_t n = kPartials / 2; n > 0; n /= 2)
      for (std::size_t j = 0; j < n; ++j) sums[j] = record(Primitive::Add, sums[j], sums[j + n]);
    return sums[0];
  }
  template <class Chain> Value runs(std::int64_t k, const Chain& chain) {
    Value sum = chain(0, std::min(k, kRun), 1);
    for (std::int64_t from = kRun; from < k; from += kRun)
      sum = record(Primitive::Add, sum, chain(from, std::min(k, from + kRun), 1));
    return sum;
  }

  void move(const Instruction& i, const Extent& e) {
    if (i.n > 2 * kMostElements) throw Untranslatable{};
    const bool adds = i.code == code(Bulk::AddMove);
    each_element(e, i.n, [&](std::int64_t from, std::int64_t to) {
      const Value x = read(i.in[0], from);
      written(i.r, to) = adds ? record(Primitive::Add, read(i.r, to), x) : x;
    });
  }

  void scan(const Instruction& i, const Extent& e) {
    over(e, [&](std::int64_t from, std::int64_t) {
      Value s = kNone;
      for (std::int64_t k = 0; k < e.length; ++k) {
        const std::int64_t element = from + (e.reverse ? e.length - 1 - k : k) * e.inner;
        const Value b = read(i.in[1], element);
        s = k ? record(Primitive::MultiplyAdd, read(i.in[0], element), s, b) : b;
        written(i.r, element) = s;
      }
    });
  }

  // ---- the test of a round

  // As `rises` and `at_most` in kernels.inl.hpp; the limit is lowered at every round here, which
  // gives the same.
  template <int Batch> void leave(const RoundTest& test) {
    using R = Recorded<Batch>;
    const auto here = [&](TestBuffer b) { return R::of(load(buffer(b), 0)); };
    const R f = R::of(outputs_[index(test.f)][0]), before = here(TestBuffer::FBefore),
            limit = here(TestBuffer::Limit), size = abs(f);
    std::vector reasons{(before <= limit) & not_at_most(f, limit),
                        not_at_most(size, R(std::numeric_limits<double>::max()))};
    if (test.gradient_norm >= 0)
      reasons.push_back(R::of(outputs_[index(test.gradient_norm)][0]) <=
                        R::of(uniform({kGradientNumber, 0})));
    if (test.change)
      reasons.push_back(here(TestBuffer::ChangeBefore) <= R::of(uniform({kStepNumber, 0})));
    leave_if(reasons);
    last_stored_ = buffer(TestBuffer::Limit);
    const R slack = R::of(uniform({kSlackNumber, 0}));
    store(buffer(TestBuffer::Limit), 0, lowered_limit(limit, f, slack).id);
  }

  // Masks in registers of their own take longer to be joined than to be tested one by one.
  void leave_if(std::vector<RecordedMask<8>>& reasons) {
    for (const auto& some : reasons) leave_if(some.id);
  }
  void leave_if(std::vector<RecordedMask<4>>& reasons) {
    RecordedMask<4> any = reasons[0];
    for (std::size_t k = 1; k < reasons.size(); ++k) any = any | reasons[k];
    leave_if(any.id);
  }
  void leave_if(Value mask) {
    recording_.add({.what = Primitive::Leave, .in = {mask, kNone, kNone, kNone, kNone}});
  }

  const Program& program_;
  const Tape& tape_;
  int batch_;
  Recording recording_;
  std::vector<UniformNumber> uniforms_;
  std::vector<std::vector<Value>> scratch_, outputs_;
  std::vector<bool> waits_;                 // by output: whether later rows need it
  std::optional<std::size_t> last_stored_;  // the buffer whose store comes after all else
  Value last_ = kNone;
};

}  // namespace

template <class What>
static std::optional<Translation> translated(const Program& program, int batch, const What& what) {
  if (program.body.layout != Layout::Lanes || program.rows) return std::nullopt;
  try {
    return Translator(program, batch).run(what);
  } catch (const Untranslatable&) {
    return std::nullopt;
  }
}
std::optional<Translation> translate(const Program& program, int batch, const RoundTest& test) {
  return translated(program, batch, test);
}
std::optional<Translation> translate(const Program& program, int batch, const RowStream& stream) {
  return translated(program, batch, stream);
}

}  // namespace thalweg::machine
