// SPDX-License-Identifier: BSD-3-Clause
// Running a plan over rows: blocks of rows through a loop's program, what they add up to kept by
// tiles that are joined pairwise.
#include <algorithm>
#include <bit>
#include <cstring>

#include "thalweg/evaluate.hpp"
#include "thalweg/rows.hpp"

namespace thalweg {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Results of tiles, joined pairwise as they come: a tree that depends on the number of tiles alone.
class Pairs {
 public:
  Pairs(std::size_t width, Reduction kind) : width_(width), kind_(kind) {}
  void clear() { levels_.clear(), values_.clear(); }
  // The place for the next tile's result.
  double* next() {
    values_.resize(values_.size() + width_);
    levels_.push_back(0);
    return values_.data() + values_.size() - width_;
  }
  void join_equals() {
    while (levels_.size() > 1 && levels_.back() == levels_[levels_.size() - 2]) join_last();
  }
  const double* all() {
    while (levels_.size() > 1) join_last();
    return values_.data();
  }

 private:
  void join_last() {
    double *b = values_.data() + values_.size() - width_, *a = b - width_;
    for (std::size_t i = 0; i < width_; ++i) a[i] = joined(a[i], b[i]);
    values_.resize(values_.size() - width_);
    levels_.pop_back();
    ++levels_.back();
  }
  double joined(double a, double b) const {
    switch (kind_) {
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
  std::size_t width_;
  Reduction kind_;
  std::vector<double> values_;
  std::vector<int> levels_;
};

}  // namespace

struct RowRun::Whole {
  const WholeStage& stage;
  Evaluator block;
  Whole(const WholeStage& s, const Kernels& k) : stage(s), block(*s.program, k, false) {
    block.prepare();
  }
  void run(double* const* base) {
    for (std::size_t k = 0; k < stage.inputs.size(); ++k) {
      const RowSpan& s = stage.inputs[k];
      std::copy_n(base[s.buffer] + s.offset, s.size, block.input(k));
    }
    block.run();
    for (std::size_t k = 0; k < stage.outputs.size(); ++k)
      std::copy_n(block.output(k), stage.program->output_sizes[k], base[stage.outputs[k]]);
  }
};

struct RowRun::Loop {
  const RowLoop& loop;
  const RowKernels& rows;
  const std::int64_t batch, lanes;
  Evaluator block;
  // Rows read one number each, side by side, are not copied: the tape is pointed at them.
  struct Direct {
    const RowAccess* from;
    const double* own;                 // the block's, for the last rows
    std::vector<const double**> uses;  // where the tape has its address
  };
  struct Read {
    const RowAccess* from;
    double* to;
  };
  struct Product {
    const RowProduct* from;
    double* to;
    std::vector<double> weights;
  };
  struct Uniform {
    const RowSpan* from;
    std::vector<double> values;
  };
  // Does its program read that input? One that only serves rows made again elsewhere has no room.
  bool reads_input(std::size_t i) const { return loop.program->input_sizes[i] > 0; }
  struct Sum {
    const double* values;  // of the block; none where a contraction reads memory
    std::vector<double> partials;
    Pairs tiles;
  };
  std::vector<Direct> direct;
  std::vector<Read> reads;
  std::vector<Product> products;
  std::vector<Uniform> uniform;
  std::vector<Sum> joins, contractions;

  Loop(const RowLoop& l, const Kernels& k)
      : loop(l),
        rows(k.rows),
        batch(k.width),
        lanes(
            static_cast<std::int64_t>(fits_wide(*l.program, k) ? k.wide.unroll : k.narrow.unroll) *
            k.width),
        block(*l.program, k, lanes > k.width) {
    for (std::size_t i = 0; i < l.inputs.size(); ++i) {
      if (!reads_input(i)) continue;
      if (const auto* s = std::get_if<RowSpan>(&l.inputs[i])) {
        uniform.push_back({s, std::vector<double>(index(s->size))});
        block.bind_uniform(i, uniform.back().values.data());
      }
    }
    block.prepare();
    for (std::size_t i = 0; i < l.inputs.size(); ++i) {
      if (!reads_input(i)) continue;
      double* to = block.input(i);
      if (const auto* a = std::get_if<RowAccess>(&l.inputs[i])) {
        if (a->row_stride == 1 && a->width == 1) direct.push_back({a, to, block.uses(to)});
        else reads.push_back({a, to});
      } else if (const auto* p = std::get_if<RowProduct>(&l.inputs[i])) {
        products.push_back({p, to, std::vector<double>(index(p->n * padded(p->rows.width)))});
      }
    }
    for (const RowLoop::Join& j : l.joins)
      joins.push_back({block.output(j.output), std::vector<double>(index(j.width * kPartialSums)),
                       Pairs(index(j.width), j.kind)});
    for (const RowLoop::Contraction& c : l.contractions)
      contractions.push_back({nullptr, std::vector<double>(index(c.n * padded(c.m))),
                              Pairs(index(c.m * c.n), Reduction::Sum)});
  }
  std::int64_t padded(std::int64_t n) const { return (n + batch - 1) / batch * batch; }

  void run(double* const* base) {
    begin(base);
    for (std::int64_t tile = 0; tile < loop.rows; tile += kTile) {
      const std::int64_t end = std::min(tile + kTile, loop.rows);
      for (Sum& c : contractions) std::ranges::fill(c.partials, 0.0);
      for (std::int64_t row = tile; row < end; row += lanes)
        pass(base, row, row - tile, std::min(lanes, end - row));
      close(end - tile);
    }
    for (std::size_t k = 0; k < joins.size(); ++k)
      std::copy_n(joins[k].tiles.all(), loop.joins[k].width, base[loop.joins[k].buffer]);
    for (std::size_t k = 0; k < contractions.size(); ++k)
      std::copy_n(contractions[k].tiles.all(), loop.contractions[k].m * loop.contractions[k].n,
                  base[loop.contractions[k].buffer]);
  }

 private:
  // What is the same for all rows.
  void begin(double* const* base) {
    for (Uniform& u : uniform)
      std::copy_n(base[u.from->buffer] + u.from->offset, u.from->size, u.values.data());
    for (Product& p : products) pack(p, base);
    block.refresh();
    for (Sum& s : joins) s.tiles.clear();
    for (Sum& s : contractions) s.tiles.clear();
  }
  // Weights of each result side by side, padded with zeros; where rows are read in batches, the
  // last batch overlaps the one before, with zeros there.
  void pack(Product& p, double* const* base) const {
    const RowProduct& from = *p.from;
    const std::int64_t k = from.rows.width, room = padded(k), full = k / batch * batch;
    const bool overlaps = from.rows.inner_stride == 1 && k >= batch;
    for (std::int64_t j = 0; j < from.n; ++j) {
      const double* w = base[from.weights.buffer] + from.weights.offset + j * from.n_stride;
      double* to = p.weights.data() + j * room;
      for (std::int64_t c = 0; c < (overlaps ? full : k); ++c) to[c] = w[c * from.k_stride];
      for (std::int64_t c = full; overlaps && c < room; ++c) {
        const std::int64_t at = k - batch + c - full;
        to[c] = at < full ? 0.0 : w[at * from.k_stride];
      }
    }
  }

  static RowsAt at(const RowAccess& a, double* const* base, std::int64_t row) {
    return {base[a.buffer] + a.offset + row * a.row_stride, a.row_stride, a.inner_stride};
  }

  // One block of rows, the first of them at `place` in its tile.
  void pass(double* const* base, std::int64_t row, std::int64_t place, std::int64_t live) {
    for (const Direct& d : direct) {
      const RowsAt from = at(*d.from, base, row);
      if (live < lanes) rows.load(from, 1, live, lanes, const_cast<double*>(d.own));
      for (const double** use : d.uses) *use = live < lanes ? d.own : from.p;
    }
    for (const Read& r : reads) rows.load(at(*r.from, base, row), r.from->width, live, lanes, r.to);
    for (const Product& p : products)
      rows.product(at(p.from->rows, base, row), p.from->rows.width, p.weights.data(), p.from->n,
                   live, lanes, p.to);
    block.run();
    for (const RowLoop::Store& s : loop.stores) {
      const RowsAt to = at(s.to, base, row);
      rows.store(block.output(s.output), s.to.width, live, lanes, const_cast<double*>(to.p),
                 to.row_stride, to.inner_stride, s.add);
    }
    for (std::size_t k = 0; k < joins.size(); ++k)
      for (std::int64_t c = 0; c < loop.joins[k].width; ++c)
        rows.take(loop.joins[k].kind, joins[k].values + c * lanes, place, live,
                  joins[k].partials.data() + c * kPartialSums);
    for (std::size_t k = 0; k < contractions.size(); ++k) {
      const RowLoop::Contraction& c = loop.contractions[k];
      const auto side = [&](const RowLoop::Operand& o) -> RowsAt {
        if (const auto* a = std::get_if<RowAccess>(&o)) return at(*a, base, row);
        return {block.output(std::get<std::size_t>(o)), 1, lanes};
      };
      rows.contract(side(c.left), c.m, side(c.right), c.n, live, contractions[k].partials.data(),
                    padded(c.m));
    }
  }

  // The end of a tile of so many rows.
  void close(std::int64_t live) {
    for (std::size_t k = 0; k < joins.size(); ++k) {
      double* to = joins[k].tiles.next();
      for (std::int64_t c = 0; c < loop.joins[k].width; ++c)
        to[c] = rows.join(loop.joins[k].kind, joins[k].partials.data() + c * kPartialSums, live);
      joins[k].tiles.join_equals();
    }
    for (std::size_t k = 0; k < contractions.size(); ++k) {
      const RowLoop::Contraction& c = loop.contractions[k];
      double* to = contractions[k].tiles.next();
      const auto* left = std::get_if<RowAccess>(&c.left);
      const bool overlaps = left && left->inner_stride == 1 && c.m >= batch;
      const std::int64_t full = overlaps ? c.m / batch * batch : c.m, room = padded(c.m);
      for (std::int64_t i = 0; i < c.m; ++i)
        for (std::int64_t j = 0; j < c.n; ++j)
          to[i * c.n + j] =
              contractions[k].partials[index(j * room + (i < full ? i : full + i - (c.m - batch)))];
      contractions[k].tiles.join_equals();
    }
  }
};

RowRun::RowRun(const RowPlan& plan, const Kernels& kernels)
    : plan_(plan), own_(plan.buffers.size()), base_(plan.buffers.size()) {
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const RowBuffer& buffer = plan.buffers[b];
    if (buffer.from == RowBuffer::From::Own) {
      own_[b].resize(index(buffer.size));
      base_[b] = own_[b].data();
    } else if (buffer.from == RowBuffer::From::Data) {
      base_[b] = const_cast<double*>(plan.data[index(buffer.index)].values);
    }
  }
  for (const auto& stage : plan.stages) {
    if (const auto* l = std::get_if<RowLoop>(&stage))
      loops_.push_back(std::make_unique<Loop>(*l, kernels));
    else if (const auto* w = std::get_if<WholeStage>(&stage))
      wholes_.push_back(std::make_unique<Whole>(*w, kernels));
  }
}
RowRun::~RowRun() = default;

RowPlan::RowPlan() = default;
RowPlan::~RowPlan() = default;

std::unique_ptr<RowRun> RowPlan::borrow(const Kernels& kernels) const {
  {
    const std::scoped_lock held(lock_);
    if (!idle_.empty()) {
      auto run = std::move(idle_.back());
      idle_.pop_back();
      return run;
    }
  }
  return std::make_unique<RowRun>(*this, kernels);
}
void RowPlan::give_back(std::unique_ptr<RowRun> run) const {
  const std::scoped_lock held(lock_);
  idle_.push_back(std::move(run));
}

static void lay(const PatchStage& p, const double* from, double* to) {
  const auto put = [&](std::int64_t at, double x) { to[at] = p.add ? to[at] + x : x; };
  const std::int64_t n = size_of(p.shape);
  for (std::int64_t e = 0; e < n; ++e) {
    if (!p.at.table.empty()) {
      put(p.at.table[index(e)], from[e]);
      continue;
    }
    std::int64_t at = p.at.offset, rest = e;
    for (std::size_t d = p.shape.size(); d-- > 0; rest /= p.shape[d])
      at += rest % p.shape[d] * p.at.strides[d];
    put(at, from[e]);
  }
}

void RowRun::run(std::span<const double* const> inputs, std::span<double* const> outputs) {
  for (std::size_t b = 0; b < base_.size(); ++b) {
    const RowBuffer& buffer = plan_.buffers[b];
    if (buffer.from == RowBuffer::From::Input)
      base_[b] = const_cast<double*>(inputs[index(buffer.index)]);
    else if (buffer.from == RowBuffer::From::Output) base_[b] = outputs[index(buffer.index)];
    if (buffer.zero) std::fill_n(base_[b], buffer.size, 0.0);
  }
  std::size_t loop = 0, whole = 0;
  for (const auto& stage : plan_.stages) {
    if (std::holds_alternative<RowLoop>(stage)) loops_[loop++]->run(base_.data());
    else if (std::holds_alternative<WholeStage>(stage)) wholes_[whole++]->run(base_.data());
    else {
      const auto& p = std::get<PatchStage>(stage);
      lay(p, base_[index(p.from)], base_[index(p.to)]);
    }
  }
  for (const RowPlan::Copy& c : plan_.copies)
    std::copy_n(base_[index(c.buffer)], plan_.buffers[index(c.buffer)].size, outputs[c.output]);
}

}  // namespace thalweg
