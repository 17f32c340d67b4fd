// SPDX-License-Identifier: BSD-3-Clause
// What the tape asks of an instruction set: a table of handlers. A linked tape is an array of
// records, each handler doing its work and jumping to the next one's, with the last result in
// registers (direct threading; Bell 1973, CACM 16(6), 370-372).
#pragma once
#include <cstdint>
#include <span>

#include "thalweg/lowering/fused.hpp"

namespace thalweg {

// Every code an instruction may have: the operations, then the fused forms, then what moves and
// joins whole arrays.
template <class A, class B> struct Joined;
template <class... As, class... Bs> struct Joined<OperationList<As...>, OperationList<Bs...>> {
  using type = OperationList<As..., Bs...>;
};
using FusedForms = OperationList<fused::MultiplyAdd, fused::MultiplySubtract,
                                 fused::NegativeMultiplyAdd, fused::Copy>;
using Elementary = Joined<Operations, FusedForms>::type;

enum class Bulk : std::uint8_t {
  SinCos,
  Sum,
  Dot,
  Max,
  Min,
  Prod,
  MatMul,
  Move,
  AddMove,
  Scan,
  Lookup,
  End,
  Count
};
inline constexpr int kElementary = Elementary::size;
inline constexpr int kCodes = kElementary + static_cast<int>(Bulk::Count);
template <class Form> inline constexpr int kCode = index_in<Form>(Elementary{});
constexpr int code(Bulk b) { return kElementary + static_cast<int>(b); }

// Where a handler finds an operand: in the registers, in memory (a batch a lane), or one number for
// all lanes.
enum class Mode : std::uint8_t { Register, Memory, Number };
inline constexpr int kModes = 3;
inline constexpr int kVariants =
    kModes * kModes * kModes * 2;  // three operands, result stored or not
constexpr int variant(Mode a, Mode b, Mode c, bool store) {
  return ((static_cast<int>(a) * kModes + static_cast<int>(b)) * kModes + static_cast<int>(c)) * 2 +
         store;
}
// A handler over arrays has each operand in memory or a number: one bit each.
inline constexpr int kArrayVariants = 8;

using AnyFunction = void (*)();

// How many partial sums a sum keeps, and how many elements they run over before tiles are joined
// pairwise: the tree of every sum depends on these and the element's index alone. 32 is four
// AVX-512 batches, enough to hide an addition's latency.
inline constexpr std::int64_t kPartialSums = 32;
inline constexpr std::int64_t kTile = 4096;

// Sizes and strides of what works on whole arrays, in elements.
struct Extent {
  std::int64_t outer = 1, length = 1, inner = 1;  // reductions and scans
  bool reverse = false;
  std::int64_t batch = 1, m = 1, k = 1, n = 1;  // products: C (m, n) = A (m, k) B (k, n)
  std::int64_t a_m = 0, a_k = 0, b_k = 0, b_n = 0;
  // Moves: to[i] = from[i] over a box, or by tables of positions.
  std::int64_t rank = 0;
  const std::int64_t *shape = nullptr, *from = nullptr, *to = nullptr, *from_table = nullptr,
                     *to_table = nullptr;
  // Lookups.
  const double *breaks = nullptr, *c0 = nullptr, *c1 = nullptr;
  double below = 0.0;
};

// Sums over k of a product, in tiles, are joined for so many rows and columns of C at a time. In
// the layout Elements they wait for their partners in memory that the tape sets aside.
inline constexpr std::int64_t kJoinedRows = 512, kJoinedColumns = 256;
constexpr std::int64_t waiting_room(const Extent& e) {
  const std::int64_t each =
      (e.m < kJoinedRows ? e.m : kJoinedRows) * (e.n < kJoinedColumns ? e.n : kJoinedColumns);
  std::int64_t depth = 0;
  for (std::int64_t joined = kTile; joined < e.k; joined *= 2) ++depth;
  return each * depth;
}

// One linked instruction: a cache line. Strides are doubles from one element to the next: 0, 1, a
// batch or a block's lanes, whatever the size of arrays, so few bits hold them.
struct Linked {
  AnyFunction handler;
  double* r;
  const double *a, *b, *c;
  std::int64_t n;  // elements (Lanes) or whole batches (Elements)
  std::int16_t stride_a, stride_b, stride_c;
  std::int16_t tail;  // elements after the last whole batch
  const Extent* extent;
};
static_assert(sizeof(Linked) == 64);

// Lanes: element i of a value is `unroll` batches, a double a lane. Elements: a value is a plain
// array of one lane, numbers repeated over a batch. Rows: one lane whose long arrays are taken tile
// by tile.
enum class Layout : std::uint8_t { Lanes, Elements, Rows };

// The handlers for blocks of `unroll` batches.
struct Handlers {
  int unroll;
  const AnyFunction*
      chained;  // [code][variant], for light operations on single elements; null where not offered
  const AnyFunction* array;     // [code][operands that are numbers]
  const AnyFunction* elements;  // as array, for the bulk codes in the layout Elements
  void (*run)(const Linked*);
};

// Element c of row i at p[i row_stride + c inner_stride].
struct RowsAt {
  const double* p;
  std::int64_t row_stride, inner_stride;
};

// What loops over rows do beside their tapes. `lanes` rows stand side by side, [element][lane]; of
// them `live` are rows of the array, the others copies of its last.
struct RowKernels {
  void (*load)(RowsAt from, std::int64_t width, std::int64_t live, std::int64_t lanes, double* to);
  // to[j][lane] = sum over k of row(k) weights[j][k], weights padded with zeros to whole batches.
  void (*product)(RowsAt rows, std::int64_t k, const double* weights, std::int64_t n,
                  std::int64_t live, std::int64_t lanes, double* to);
  void (*store)(const double* from, std::int64_t width, std::int64_t live, std::int64_t lanes,
                double* to, std::int64_t row_stride, std::int64_t inner_stride, bool add);
  // Takes rows into kPartialSums partial sums (or products, extremes); `row`: the first's number
  // within its tile. And joins them: the tree of a sum over one tile.
  void (*take)(Reduction kind, const double* values, std::int64_t row, std::int64_t live,
               double* partials);
  double (*join)(Reduction kind, const double* partials, std::int64_t live);
  // sums[j][i] += sum over rows of left(i) right(j), in the order of rows; `room` doubles from one
  // j to the next.
  void (*contract)(RowsAt left, std::int64_t m, RowsAt right, std::int64_t n, std::int64_t live,
                   double* sums, std::int64_t room);
};

struct SolverPair;

struct Kernels {
  const char* name;
  int width;  // doubles in a batch
  Handlers wide, narrow;
  // Is any of n lanes (a multiple of width) above its limit, or not finite? A limit is the least
  // f + slack max(1, |f|) so far; it is brought up to date only when a lane rises above its value
  // before, since until then the value before is the least.
  // Lanes in which f is higher and the value before was not, or f is not finite, are marked.
  bool (*rises)(const double* f, const double* before, double* limit, std::int64_t n, double slack,
                std::uint64_t* marks);
  // Of the values f of run number `run`, and those before: counts, by lane, which did not fall, and
  // which rose where the run comes after `late_from`.
  void (*count_rises)(const double* f, const double* before, double run, const double* late_from,
                      double* not_falls, double* late_rises, std::int64_t n);
  // Is any of n values (a multiple of width) at most `bound`? Those are marked: bit i % 64 of word
  // i / 64.
  bool (*at_most)(const double* values, std::int64_t n, double bound, std::uint64_t* marks);
  RowKernels rows;
  const SolverPair* solvers;
};

// What this build and this processor offer, best last; the one in use is the best, or the one that
// the environment variable THALWEG_ISA names.
std::span<const Kernels* const> supported_kernels();
const Kernels& kernels();
const Kernels* find_kernels(const char* name);

}  // namespace thalweg
