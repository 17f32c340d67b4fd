// SPDX-License-Identifier: BSD-3-Clause
// One thread's part of a loop over rows: a block of rows, the loop's tape, and the results of
// reductions over rows, kept per tile and combined pairwise.
#pragma once
#include "running/rows_stream.hpp"

namespace thalweg::rows {

// Combines results pairwise as they arrive, in an order that depends only on their number.
class Pairs {
 public:
  Pairs(std::size_t width, Reduction kind) : width_(width), kind_(kind) {}
  void clear() { levels_.clear(), values_.clear(); }
  std::size_t width() const { return width_; }
  // The place for the next result. Call join_equals() after writing it.
  double* next();
  void join_equals();
  const double* all();

 private:
  void join_last();
  std::size_t width_;
  Reduction kind_;
  std::vector<double> values_;
  std::vector<int> levels_;
};

// The rows that one thread takes at a time: a power of two of whole tiles, so that their results
// form a branch of the tree of sums. Additions to rows outside the chunk are stored and made at the
// end, so sums do not depend on which thread makes them.
inline constexpr std::int64_t kChunk = 16 * kTile;

// The rows that a worker processes at a time, and the machine code for so many, if there is any. A
// loop that is a stream has blocks only for the rows that are left over.
struct BlockOfRows {
  std::int64_t lanes;
  std::shared_ptr<const machine::Code> code;
  std::shared_ptr<const StreamCode> stream;
};
// As many as handlers take; with code, which has no fixed number, as many as fit into the
// first-level cache.
BlockOfRows block_of_rows(const RowLoop& loop, const Kernels& kernels, bool coded);

class Worker {
 public:
  Worker(const RowLoop& loop, const Kernels& kernels, const BlockOfRows& block);
  // Prepares what is the same for all rows.
  void begin(double* const* base);
  // Rows [first, end) of a chunk. run() returns false if it was stopped.
  struct Chunk {
    std::int64_t first, end;
    bool last;
    std::vector<double> results;               // of joins, then of contractions
    std::vector<std::vector<double>> carried;  // by store
  };
  template <class Stop> bool run(double* const* base, Chunk& chunk, const Stop& stop) {
    start(chunk);
    for (std::int64_t tile = chunk.first; tile < chunk.end; tile += kTile) {
      if ((tile - chunk.first) % between_looks() == 0 && stop()) return false;
      take_tile(base, chunk, tile);
    }
    finish(chunk);
    return true;
  }

 private:
  // Contiguous rows of one number each are not copied: the tape's pointers are set to them.
  struct Direct {
    const RowAccess* from;
    double* own;                       // the block's memory, for the last rows
    std::vector<Evaluator::Use> uses;  // the tape's uses of its address
  };
  struct Block {
    const RowConversion* from;
    std::vector<double> values;  // empty if nothing reads them
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
  struct Sum {
    Sum(std::int64_t count, std::size_t width, Reduction kind)
        : room(static_cast<std::size_t>(count)),
          partials(room.get(), static_cast<std::size_t>(count)),
          tiles(width, kind) {}
    Aligned room;
    std::span<double> partials;
    Pairs tiles;
  };

  // The rows after which a run may be stopped. A stream takes some microseconds for a tile, and a
  // look at the clock is a hundredth of that.
  std::int64_t between_looks() const { return stream_ ? 4 * kTile : kTile; }
  std::int64_t padded(std::int64_t n) const { return (n + batch_ - 1) / batch_ * batch_; }
  void prepare(const RowAccess& a);
  RowsAt at(const RowAccess& a, double* const* base, std::int64_t row) const;
  RowsAt at(const RowLoop::Operand& o, double* const* base, std::int64_t row) const;
  void pack(Product& p, double* const* base) const;
  void start(Chunk& chunk);
  void take_tile(double* const* base, Chunk& chunk, std::int64_t tile);
  void zero(double* const* base, std::size_t built, std::int64_t until);
  void zero_ahead(double* const* base, const Chunk& chunk, std::int64_t end);
  void stream(double* const* base, std::int64_t row, std::int64_t until);
  void pass(double* const* base, Chunk& chunk, std::int64_t row, std::int64_t place,
            std::int64_t live);
  void store(double* const* base, Chunk& chunk, std::size_t k, std::int64_t row, std::int64_t live);
  void close_tile(std::int64_t live);
  void finish(Chunk& chunk);

  const RowLoop& loop_;
  const RowKernels& rows_;
  const std::int64_t batch_, lanes_;
  Evaluator block_;
  std::vector<Block> blocks_;
  std::vector<Direct> direct_;
  std::vector<Read> reads_;
  std::vector<Product> products_;
  std::vector<Uniform> uniform_;
  std::vector<Sum> joins_, contractions_;
  std::vector<std::int64_t> zeroed_;  // by array that is built here: how far it is zeroed or made
  std::optional<Stream> stream_;
  std::vector<double*> partials_;  // for the stream
};

}  // namespace thalweg::rows
