// SPDX-License-Identifier: BSD-3-Clause
// Runs one thread's part of a loop over rows.
#include "running/rows_loop.hpp"

#include <algorithm>
#include <cstdlib>

namespace thalweg {
namespace {

double joined(Reduction kind, double a, double b) {
  switch (kind) {
    case Reduction::Sum:
      return a + b;
    case Reduction::Prod:
      return a * b;
    case Reduction::Max:
      return a != a ? a : b != b ? b : std::max(a, b);
    default:
      return a != a ? a : b != b ? b : std::min(a, b);
  }
}

}  // namespace

// ---- converted rows

RowAccess RowConversion::block(std::int32_t number) const {
  const bool by_columns = width > 1 && std::abs(row_stride) < std::abs(inner_stride);
  RowAccess a{number, 0, width, 1, width, true};
  if (by_columns) a.row_stride = 1, a.inner_stride = kBlockRows;
  return a;
}
void RowConversion::read(std::int64_t row, std::int64_t count, double* to) const {
  const std::int64_t first = offset + row * row_stride;
  const RowAccess at = block(0);
  if (at.inner_stride != 1)
    for (std::int64_t c = 0; c < width; ++c)
      numbers->read(first + c * inner_stride, row_stride, count, to + c * at.inner_stride);
  else if (width == 1) numbers->read(first, row_stride, count, to);
  else if (row_stride == width * inner_stride)
    numbers->read(first, inner_stride, count * width, to);
  else
    for (std::int64_t r = 0; r < count; ++r)
      numbers->read(first + r * row_stride, inner_stride, width, to + r * width);
}

namespace rows {

// ---- pairs

double* Pairs::next() {
  values_.resize(values_.size() + width_);
  levels_.push_back(0);
  return values_.data() + values_.size() - width_;
}
void Pairs::join_equals() {
  while (levels_.size() > 1 && levels_.back() == levels_[levels_.size() - 2]) join_last();
}
const double* Pairs::all() {
  while (levels_.size() > 1) join_last();
  return values_.data();
}
void Pairs::join_last() {
  double *b = values_.data() + values_.size() - width_, *a = b - width_;
  for (std::size_t i = 0; i < width_; ++i) a[i] = joined(kind_, a[i], b[i]);
  values_.resize(values_.size() - width_);
  levels_.pop_back();
  ++levels_.back();
}

// ---- a worker

namespace {

// Whether all additions are in the same order however many rows are processed at a time. Products
// of two values that lie with the lanes add the rows of a block among themselves.
bool any_block(const RowLoop& loop, std::int64_t batch) {
  return loop.any_block && std::ranges::all_of(loop.contractions, [&](const auto& c) {
           const auto* left = std::get_if<RowAccess>(&c.left);
           return left && left->inner_stride == 1 && c.m >= batch;
         });
}

// The most numbers of a row that are read in place.
std::int64_t longest_in_place(const RowLoop& loop) {
  std::int64_t longest = 0;
  for (const auto& input : loop.inputs)
    if (const auto* p = std::get_if<RowProduct>(&input)) longest = std::max(longest, p->rows.width);
  for (const RowLoop::Contraction& c : loop.contractions)
    if (std::holds_alternative<RowAccess>(c.left)) longest = std::max(longest, c.m);
  return longest;
}

// The rows of a block that has code, given those that handlers take. Rows that products read in
// place come from memory while a block's product is computed, and the memory idles during the rest
// of its work, so there are not too many of them: with 1e6 x 32, 64 rows take 1.06 to 1.15 times as
// long as 32, and with 1e5 x 100, 32 rows 1.05 times as long as 16 (AVX2) or as long (AVX-512).
std::int64_t rows_with_code(const RowLoop& loop, std::int64_t lanes, std::int64_t batch) {
  constexpr std::int64_t kInCache = 3072, kInPlace = 2000, kMostRows = 512, kFewestRows = 16;
  // Conversions have a room of their own.
  if (!any_block(loop, batch) || !loop.conversions.empty()) return lanes;
  std::int64_t each = 0;  // doubles of a row
  for (const auto* sizes : {&loop.program->input_sizes, &loop.program->output_sizes})
    for (const std::int64_t n : *sizes) each += n;
  const std::int64_t in_place = longest_in_place(loop);
  while (lanes > kFewestRows && lanes * in_place > kInPlace) lanes /= 2;
  while (lanes < kMostRows && lanes * 2 * each <= kInCache && lanes * 2 * in_place <= kInPlace)
    lanes *= 2;
  return lanes;
}

}  // namespace

BlockOfRows block_of_rows(const RowLoop& loop, const Kernels& kernels, bool coded) {
  const Program& program = *loop.program;
  BlockOfRows block{lanes_of(program, kernels, fits_wide(program, kernels)), nullptr, nullptr};
  if (!coded) return block;
  if (auto stream = stream_code(loop, kernels))
    return {lanes_of(program, kernels, false), nullptr, std::move(stream)};
  const std::int64_t lanes = rows_with_code(loop, block.lanes, kernels.width);
  if (auto code = machine::codes_of(program).code(program, kernels, lanes, {}))
    block = {lanes, std::move(code), nullptr};
  return block;
}

Worker::Worker(const RowLoop& loop, const Kernels& kernels, const BlockOfRows& block)
    : loop_(loop),
      rows_(kernels.rows),
      batch_(kernels.width),
      lanes_(block.lanes),
      block_(*loop.program, kernels, lanes_, block.code),
      zeroed_(loop.built.size(), 0) {
  // An input that only serves rows recomputed elsewhere is not read, and gets no room.
  const auto is_read = [&](std::size_t i) { return loop.program->input_sizes[i] > 0; };
  for (std::size_t i = 0; i < loop.inputs.size(); ++i) {
    if (!is_read(i)) continue;
    if (const auto* s = std::get_if<RowSpan>(&loop.inputs[i])) {
      uniform_.push_back({s, std::vector<double>(index(s->size))});
      block_.bind_uniform(i, uniform_.back().values.data());
    }
  }
  for (const RowConversion& c : loop.conversions) blocks_.push_back({&c, {}});
  block_.prepare();
  for (std::size_t i = 0; i < loop.inputs.size(); ++i) {
    if (!is_read(i)) continue;
    double* to = block_.input(i);
    if (const auto* a = std::get_if<RowAccess>(&loop.inputs[i])) {
      prepare(*a);
      if (a->row_stride == 1 && a->width == 1) direct_.push_back({a, to, block_.uses(to)});
      else reads_.push_back({a, to});
    } else if (const auto* p = std::get_if<RowProduct>(&loop.inputs[i])) {
      prepare(p->rows);
      products_.push_back({p, to, std::vector<double>(index(p->n * padded(p->rows.width)))});
    }
  }
  for (const RowLoop::Join& j : loop.joins) {
    joins_.emplace_back(j.width * kPartialSums, index(j.width), j.kind);
    partials_.push_back(joins_.back().partials.data());
    if (const auto* a = std::get_if<RowAccess>(&j.from)) prepare(*a);
  }
  for (const RowLoop::Contraction& c : loop.contractions) {
    contractions_.emplace_back(c.n * padded(c.m), index(c.m * c.n), Reduction::Sum);
    for (const RowLoop::Operand* o : {&c.left, &c.right})
      if (const auto* a = std::get_if<RowAccess>(o)) prepare(*a);
  }
  if (block.stream) stream_.emplace(loop, kernels, *block.stream);
}

// Allocates room for rows that must be converted before they are read.
void Worker::prepare(const RowAccess& a) {
  if (a.converted) blocks_[index(a.buffer)].values.resize(index(a.width * kBlockRows));
}

RowsAt Worker::at(const RowAccess& a, double* const* base, std::int64_t row) const {
  const double* first = a.converted ? blocks_[index(a.buffer)].values.data()
                                    : base[a.buffer] + a.offset + row * a.row_stride;
  return {first, a.row_stride, a.inner_stride};
}

RowsAt Worker::at(const RowLoop::Operand& o, double* const* base, std::int64_t row) const {
  if (const auto* a = std::get_if<RowAccess>(&o)) return at(*a, base, row);
  return {block_.output(std::get<std::size_t>(o)), 1, lanes_};
}

void Worker::begin(double* const* base) {
  for (Uniform& u : uniform_)
    std::copy_n(base[u.from->buffer] + u.from->offset, u.from->size, u.values.data());
  for (Product& p : products_) pack(p, base);
  block_.refresh();
  if (stream_) stream_->refresh(block_);
}

// Puts the weights of each result side by side, padded with zeros. If rows are read in batches, the
// last batch overlaps the one before, and its overlapping weights are zero.
void Worker::pack(Product& p, double* const* base) const {
  const RowProduct& from = *p.from;
  const std::int64_t k = from.rows.width, room = padded(k), full = k / batch_ * batch_;
  const bool overlaps = from.rows.inner_stride == 1 && k >= batch_;
  for (std::int64_t j = 0; j < from.n; ++j) {
    const double* w = base[from.weights.buffer] + from.weights.offset + j * from.n_stride;
    double* to = p.weights.data() + j * room;
    for (std::int64_t c = 0; c < (overlaps ? full : k); ++c) to[c] = w[c * from.k_stride];
    for (std::int64_t c = full; overlaps && c < room; ++c) {
      const std::int64_t at = k - batch_ + c - full;
      to[c] = at < full ? 0.0 : w[at * from.k_stride];
    }
  }
}

void Worker::start(Chunk& chunk) {
  for (Sum& s : joins_) s.tiles.clear();
  for (Sum& s : contractions_) s.tiles.clear();
  chunk.carried.resize(loop_.stores.size());
  for (std::size_t k = 0; k < loop_.built.size(); ++k)
    zeroed_[k] = chunk.first == 0 ? 0 : chunk.first * loop_.built[k].row_stride;
  if (stream_) stream_->start(chunk.first, chunk.end, chunk.last);
}

void Worker::take_tile(double* const* base, Chunk& chunk, std::int64_t tile) {
  const std::int64_t end = std::min(tile + kTile, chunk.end);
  for (Sum& c : contractions_) std::ranges::fill(c.partials, 0.0);
  std::int64_t row = tile;
  if (stream_ && tile < stream_->end()) {
    row = std::min(end, stream_->end());
    stream(base, tile, row);
  }
  if (!stream_ || end >= stream_->end()) {
    zero_ahead(base, chunk, end);
    if (row > tile && row == stream_->end()) stream_->flush(base);
    for (; row < end; row += lanes_)
      pass(base, chunk, row, row - tile, std::min(lanes_, end - row));
  }
  close_tile(end - tile);
}

void Worker::zero(double* const* base, std::size_t built, std::int64_t until) {
  std::int64_t& from = zeroed_[built];
  double* const array = base[loop_.built[built].buffer];
  if (until > from) std::fill(array + from, array + until, 0.0);
  from = std::max(from, until);
}

void Worker::zero_ahead(double* const* base, const Chunk& chunk, std::int64_t end) {
  for (std::size_t k = 0; k < loop_.built.size(); ++k) {
    const RowLoop::Built& b = loop_.built[k];
    const std::int64_t own = chunk.last ? b.size : chunk.end * b.row_stride;
    zero(base, k,
         chunk.last && end == chunk.end ? own : std::min(own, (end + b.reach) * b.row_stride));
  }
}

// What the stream makes needs no zeros.
void Worker::stream(double* const* base, std::int64_t row, std::int64_t until) {
  for (const StreamPlan::Array& a : stream_->plan().arrays)
    if (a.built >= 0) {
      zero(base, index(a.built), row + a.offset);
      zeroed_[index(a.built)] = until + a.offset;
    }
  stream_->run(base, row, until, partials_);
}

// Processes one block of rows, the first of them at `place` in its tile.
void Worker::pass(double* const* base, Chunk& chunk, std::int64_t row, std::int64_t place,
                  std::int64_t live) {
  for (Block& b : blocks_)
    if (!b.values.empty()) b.from->read(row, live, b.values.data());
  for (const Direct& d : direct_) {
    const RowsAt from = at(*d.from, base, row);
    // Products read their rows while the processor would notice that vectors are read in order.
    for (std::int64_t r = 0; !products_.empty() && r < lanes_; r += 8)
      __builtin_prefetch(from.p + 2 * lanes_ + r);
    if (live < lanes_) rows_.load(from, 1, live, lanes_, d.own);
    for (const Evaluator::Use& use : d.uses) use.point_at(live < lanes_ ? d.own : from.p);
  }
  block_.only(live);
  for (const Read& r : reads_)
    rows_.load(at(*r.from, base, row), r.from->width, live, lanes_, r.to);
  for (const Product& p : products_)
    rows_.product(at(p.from->rows, base, row), p.from->rows.width, p.weights.data(), p.from->n,
                  live, lanes_, p.to);
  block_.run();
  for (std::size_t k = 0; k < loop_.stores.size(); ++k) store(base, chunk, k, row, live);
  for (std::size_t k = 0; k < joins_.size(); ++k) {
    const RowLoop::Join& j = loop_.joins[k];
    const RowsAt from = at(j.from, base, row);
    for (std::int64_t c = 0; c < j.width; ++c)
      rows_.take(j.kind, from.p + c * from.inner_stride, place, live,
                 joins_[k].partials.data() + c * kPartialSums);
  }
  for (std::size_t k = 0; k < contractions_.size(); ++k) {
    const RowLoop::Contraction& c = loop_.contractions[k];
    rows_.contract(at(c.left, base, row), c.m, at(c.right, base, row), c.n, live,
                   contractions_[k].partials.data(), padded(c.m));
  }
}

void Worker::store(double* const* base, Chunk& chunk, std::size_t k, std::int64_t row,
                   std::int64_t live) {
  const RowLoop::Store& s = loop_.stores[k];
  const double* from = block_.output(s.output);
  const RowsAt to = at(s.to, base, row);
  const std::int64_t mine = chunk.last || s.reach == 0
                                ? live
                                : std::clamp<std::int64_t>(chunk.end - s.reach - row, 0, live);
  rows_.store(from, s.to.width, mine, lanes_, const_cast<double*>(to.p), to.row_stride,
              to.inner_stride, s.add);
  for (std::int64_t r = mine; r < live; ++r)  // rows of the next chunk
    for (std::int64_t c = 0; c < s.to.width; ++c) chunk.carried[k].push_back(from[c * lanes_ + r]);
}

void Worker::close_tile(std::int64_t live) {
  for (std::size_t k = 0; k < joins_.size(); ++k) {
    double* to = joins_[k].tiles.next();
    for (std::int64_t c = 0; c < loop_.joins[k].width; ++c)
      to[c] = rows_.join(loop_.joins[k].kind, joins_[k].partials.data() + c * kPartialSums, live);
    joins_[k].tiles.join_equals();
  }
  for (std::size_t k = 0; k < contractions_.size(); ++k) {
    const RowLoop::Contraction& c = loop_.contractions[k];
    double* to = contractions_[k].tiles.next();
    const auto* left = std::get_if<RowAccess>(&c.left);
    const bool overlaps = left && left->inner_stride == 1 && c.m >= batch_;
    const std::int64_t full = overlaps ? c.m / batch_ * batch_ : c.m, room = padded(c.m);
    for (std::int64_t i = 0; i < c.m; ++i)
      for (std::int64_t j = 0; j < c.n; ++j)
        to[i * c.n + j] =
            contractions_[k].partials[index(j * room + (i < full ? i : full + i - (c.m - batch_)))];
    contractions_[k].tiles.join_equals();
  }
}

void Worker::finish(Chunk& chunk) {
  chunk.results.clear();
  for (auto* sums : {&joins_, &contractions_})
    for (Sum& s : *sums) {
      const double* all = s.tiles.all();
      chunk.results.insert(chunk.results.end(), all, all + s.tiles.width());
    }
}

}  // namespace rows
}  // namespace thalweg
