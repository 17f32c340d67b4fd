// SPDX-License-Identifier: BSD-3-Clause
// The interface between tapes and instruction sets: a table of handlers. A linked tape is an array
// of records. Each handler does its work and jumps to the handler of the next record, with the last
// result in registers (direct threading; Bell 1973, CACM 16(6), 370-372).
#pragma once
#include <cstdint>
#include <span>

#include "thalweg/lowering/fused.hpp"

namespace thalweg {

// Every opcode: the operations, then the fused forms, then the instructions that move or combine
// whole arrays.
template <class A, class B> struct Joined;
template <class... As, class... Bs> struct Joined<OperationList<As...>, OperationList<Bs...>> {
  using type = OperationList<As..., Bs...>;
};
using FusedForms = OperationList<fused::MultiplyAdd, fused::MultiplySubtract,
                                 fused::NegativeMultiplyAdd, fused::Softplus, fused::Copy>;
using Elementary = Joined<Operations, FusedForms>::type;

enum class Bulk : std::uint8_t {
  SinCos,
  Faddeeva,  // its four parts, one array after another
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
  Routine,
  End,
  Count
};
inline constexpr std::int64_t kFaddeevaParts = 4;
inline constexpr int kElementary = Elementary::size;
inline constexpr int kCodes = kElementary + static_cast<int>(Bulk::Count);
template <class Form> inline constexpr int kCode = index_in<Form>(Elementary{});
inline constexpr int kBulks = static_cast<int>(Bulk::Count);
constexpr int code(Bulk b) { return kElementary + static_cast<int>(b); }

// Where a handler finds an operand: in registers, in memory (one batch per element), or as one
// number for all lanes.
enum class Mode : std::uint8_t { Register, Memory, Number };
inline constexpr int kModes = 3;
inline constexpr int kVariants =
    kModes * kModes * kModes * 2;  // three operands; result stored or not
constexpr int variant(Mode a, Mode b, Mode c, bool store) {
  return ((static_cast<int>(a) * kModes + static_cast<int>(b)) * kModes + static_cast<int>(c)) * 2 +
         store;
}
// Which operands a chained operation takes. Each kind is a function to compile, so there is none
// where the first two are numbers (one goes to memory then), or for a third one in registers beside
// another there (it is read from memory).
constexpr bool takes_chained(int code, Mode a, Mode b, Mode c) {
  const bool beside = a == Mode::Register || b == Mode::Register;
  return code == kCode<fused::Copy> ||
         !((a == Mode::Number && b == Mode::Number) || (c == Mode::Register && beside));
}
// Array handlers read each operand from memory or use a single number: one bit per operand.
inline constexpr int kArrayVariants = 8;

using AnyFunction = void (*)();

// The number of partial sums in a sum, and the number of elements in a tile; tiles are added
// pairwise. The order of additions depends only on these two and on the element's index. 32 is four
// AVX-512 batches, enough to hide an addition's latency.
inline constexpr std::int64_t kPartialSums = 32;
inline constexpr std::int64_t kTile = 4096;

// The order of every sum in a product of matrices depends only on the shape. Along k, tiles of
// kTile elements are added pairwise. If the result is a vector (m or n is 1), a tile of at least
// kFewest elements has kPartials partial sums: element k belongs to number k mod kPartials, and
// they are added in halves. Any other tile is cut into runs of kRun elements, which are added one
// after another. Each partial sum and each run is a chain of fused multiply-adds that starts with a
// product or, equivalently, with -0, as adding a product to -0 leaves it unchanged.
inline constexpr std::int64_t kPartials = 8, kFewest = 32, kRun = 256;

struct RoutineWork;

// Sizes and strides for instructions on whole arrays, in elements.
struct Extent {
  std::int64_t outer = 1, length = 1, inner = 1;  // reductions and scans
  bool reverse = false;
  std::int64_t batch = 1, m = 1, k = 1, n = 1;  // products: C (m, n) = A (m, k) B (k, n)
  std::int64_t a_m = 0, a_k = 0, b_k = 0, b_n = 0;
  // Moves: to[i] = from[i] over a box, or through tables of positions.
  std::int64_t rank = 0;
  const std::int64_t *shape = nullptr, *from = nullptr, *to = nullptr, *from_table = nullptr,
                     *to_table = nullptr;
  // Piecewise linear lookups.
  const double *breaks = nullptr, *c0 = nullptr, *c1 = nullptr;
  double below = 0.0;
  RoutineWork* routine = nullptr;
};

// Calls visit(from, to) for each element of a move.
template <class F> void each_element(const Extent& e, std::int64_t n, F visit) {
  if (e.from_table || e.to_table) {
    for (std::int64_t i = 0; i < n; ++i)
      visit(e.from_table ? e.from_table[i] : i, e.to_table ? e.to_table[i] : i);
    return;
  }
  std::int64_t index[64] = {};
  std::int64_t from = 0, to = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    visit(from, to);
    for (std::int64_t d = e.rank; d-- > 0;) {
      from += e.from[d], to += e.to[d];
      if (++index[d] < e.shape[d]) break;
      index[d] = 0;
      from -= e.from[d] * e.shape[d], to -= e.to[d] * e.shape[d];
    }
  }
}

// A product sums over k in tiles and combines them for this many rows and columns of C at a time.
// In the layout Elements, tiles that still wait to be combined are kept in memory that the tape
// reserves.
inline constexpr std::int64_t kJoinedRows = 512, kJoinedColumns = 256;
constexpr std::int64_t waiting_room(const Extent& e) {
  const std::int64_t each =
      (e.m < kJoinedRows ? e.m : kJoinedRows) * (e.n < kJoinedColumns ? e.n : kJoinedColumns);
  std::int64_t depth = 0;
  for (std::int64_t joined = kTile; joined < e.k; joined *= 2) ++depth;
  return each * depth;
}

// An elementwise operation on whole arrays, of `unroll` batches for each element.
struct Linked;
using Loop = void (*)(const Linked*, std::int64_t unroll);

// One linked instruction, the size of a cache line. A stride counts doubles between elements and is
// 0, 1, a batch, or a block's lanes, whatever the array sizes, so a few bits are enough.
struct Linked {
  AnyFunction handler;
  double* r;
  const double *a, *b, *c;
  std::int64_t n;  // elements (Lanes) or whole batches (Elements)
  std::int16_t stride_a, stride_b, stride_c;
  std::int16_t tail;  // elements after the last full batch
  union {
    const Extent* extent;
    Loop loop;  // of elementwise operations
  };
};
static_assert(sizeof(Linked) == 64);

// What does the work of a routine for the evaluator that it belongs to. A stride of 1 in a layout
// of lanes says that an operand is the same in all of them.
struct RoutineWork {
  virtual ~RoutineWork();
  virtual void run(const Linked& instruction) = 0;
};

// Calls a function of doubles for each of n elements of `size` lanes, and for those of the tail.
// `numbers` has a bit for each operand that is one number for all lanes.
void call_each(const Linked& at, std::int64_t size, std::size_t numbers, double (*f)(double));
void call_each(const Linked& at, std::int64_t size, std::size_t numbers,
               double (*f)(double, double));
void call_each(const Linked& at, std::int64_t size, std::size_t numbers,
               double (*f)(double, double, double));

// How values are laid out. Lanes: element i of a value is `unroll` batches, one double per lane.
// Elements: a value is a plain array of one lane, and numbers are repeated over a batch. Rows: one
// lane whose long arrays are processed tile by tile.
enum class Layout : std::uint8_t { Lanes, Elements, Rows };

// The handlers for blocks of `unroll` batches.
struct Handlers {
  int unroll;
  const AnyFunction*
      chained;  // [code][variant], for light operations on single elements; null if not available
  // [code][which operands are numbers], and what runs such a loop. Loops are the same for all
  // numbers of batches.
  const Loop* loops;
  AnyFunction elementwise;
  // [bulk code][which operands are numbers], in both layouts
  const AnyFunction *lanes, *elements;
  void (*run)(const Linked*);

  // Links operation `code` on whole arrays; `numbers` has a bit for each operand.
  void link(Linked& l, std::int64_t code, std::size_t numbers, Layout layout) const {
    const auto at = [numbers](std::int64_t row) {
      return static_cast<std::size_t>(row) * kArrayVariants + numbers;
    };
    if (code >= kElementary)
      l.handler = (layout == Layout::Lanes ? lanes : elements)[at(code - kElementary)];
    else if ((l.loop = loops[at(code)])) l.handler = elementwise;
  }
  AnyFunction end() const { return lanes[static_cast<int>(Bulk::End) * kArrayVariants]; }
};

// Element c of row i at p[i row_stride + c inner_stride].
struct RowsAt {
  const double* p;
  std::int64_t row_stride, inner_stride;
};

// The work of row loops outside their tapes. `lanes` rows are stored side by side as
// [element][lane]. The first `live` are rows of the array; the others repeat its last row.
struct RowKernels {
  void (*load)(RowsAt from, std::int64_t width, std::int64_t live, std::int64_t lanes, double* to);
  // to[j][lane] = sum over k of row(k) weights[j][k]; weights are padded with zeros to full
  // batches.
  void (*product)(RowsAt rows, std::int64_t k, const double* weights, std::int64_t n,
                  std::int64_t live, std::int64_t lanes, double* to);
  void (*store)(const double* from, std::int64_t width, std::int64_t live, std::int64_t lanes,
                double* to, std::int64_t row_stride, std::int64_t inner_stride, bool add);
  // Accumulates rows into kPartialSums partial sums (or products, or extremes) and combines them:
  // the order of additions within one tile. `row` is the number of the first row in its tile.
  void (*take)(Reduction kind, const double* values, std::int64_t row, std::int64_t live,
               double* partials);
  double (*join)(Reduction kind, const double* partials, std::int64_t live);
  // sums[j][i] += sum over rows of left(i) right(j), in the order of rows. Consecutive j are `room`
  // doubles apart.
  void (*contract)(RowsAt left, std::int64_t m, RowsAt right, std::int64_t n, std::int64_t live,
                   double* sums, std::int64_t room);
};

struct SolverPair;
struct RoutineKernel;

struct Kernels {
  const char* name;
  int width;  // doubles in a batch
  Handlers wide, narrow;
  // Whether f is above the limit or not finite in any of n lanes (a multiple of width). A limit is
  // the least f + slack max(1, |f|) so far. It is updated only when a lane rises above its previous
  // value, since until then the previous value is the least. Marks the lanes where f rises above
  // the limit and the previous value did not, or where f is not finite.
  bool (*rises)(const double* f, const double* before, double* limit, std::int64_t n, double slack,
                std::uint64_t* marks);
  // Lowers the limits by the values f, as if they had risen.
  void (*lower_limits)(const double* f, double* limit, std::int64_t n, double slack);
  // Compares the values f of iteration `run` with the previous ones. For each lane it counts the
  // iterations in which f did not fall, and those after `late_from` in which it rose.
  void (*count_rises)(const double* f, const double* before, double run, const double* late_from,
                      double* not_falls, double* late_rises, std::int64_t n);
  // Whether any of n values (a multiple of width) is at most `bound`. Marks them: value i is bit i
  // % 64 of word i / 64.
  bool (*at_most)(const double* values, std::int64_t n, double bound, std::uint64_t* marks);
  RowKernels rows;
  const SolverPair* solvers;
  const RoutineKernel* routines;
};

// The kernels that this build and this processor support, best last. The best is used unless the
// environment variable THALWEG_ISA names another.
std::span<const Kernels* const> supported_kernels();
const Kernels& kernels();
const Kernels* find_kernels(const char* name);

}  // namespace thalweg
