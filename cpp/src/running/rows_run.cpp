// SPDX-License-Identifier: BSD-3-Clause
// Runs a plan over rows: its stages in order, with the chunks of a loop shared among threads.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "running/rows_loop.hpp"
#include "thalweg/running/workers.hpp"

namespace thalweg {
// Inputs are not copied: the tape's pointers are set to them.
struct RowRun::Whole {
  const WholeStage& stage;
  Evaluator block;
  std::vector<std::vector<Evaluator::Use>> uses;  // by input
  Whole(const WholeStage& s, const Kernels& k) : stage(s), block(*s.program, k, false) {
    block.prepare();
    for (std::size_t i = 0; i < s.inputs.size(); ++i)
      uses.push_back(block.uses(block.input(i), s.program->input_sizes[i]));
  }
  void run(double* const* base) {
    for (std::size_t k = 0; k < stage.inputs.size(); ++k) {
      const RowSpan& s = stage.inputs[k];
      for (const Evaluator::Use& use : uses[k]) use.point_at(base[s.buffer] + s.offset);
    }
    block.run();
    for (std::size_t k = 0; k < stage.outputs.size(); ++k)
      std::copy_n(block.output(k), stage.program->output_sizes[k], base[stage.outputs[k]]);
  }
};

// The workers of a loop, one per thread, and its chunks.
struct RowRun::Loop {
  const RowLoop& loop;
  const Kernels& kernels;
  std::vector<std::unique_ptr<rows::Worker>> workers;
  std::vector<rows::Worker::Chunk> chunks;
  rows::BlockOfRows block{0, nullptr, nullptr};
  bool coded = false;  // whether code was asked for

  Loop(const RowLoop& l, const Kernels& k) : loop(l), kernels(k) {
    for (std::int64_t first = 0; first < l.rows; first += rows::kChunk) {
      const std::int64_t end = std::min(first + rows::kChunk, l.rows);
      chunks.push_back({first, end, l.in_order || end == l.rows, {}, {}});
    }
  }

  bool run(double* const* base, int threads, Patience& patience) {
    const std::size_t count =
        loop.in_order
            ? 1
            : std::clamp<std::size_t>(static_cast<std::size_t>(threads), 1, chunks.size());
    take_code();
    while (workers.size() < count)
      workers.push_back(std::make_unique<rows::Worker>(loop, kernels, block));
    std::atomic<std::size_t> next = 0;
    const auto work = [&](std::int64_t w, const Stopped& stopped) {
      rows::Worker& worker = *workers[static_cast<std::size_t>(w)];
      worker.begin(base);
      for (std::size_t c = next++; c < chunks.size() && !stopped(); c = next++)
        if (!worker.run(base, chunks[c], stopped)) return;
    };
    if (!run_together(static_cast<std::int64_t>(count), [&] { return patience.over(); }, work))
      return false;
    add_carried(base);
    join(base);
    return true;
  }

  // Makes code for the loop's tape once it has earned it, and new workers for it.
  void take_code() {
    if (coded) return;
    const std::int64_t work =
        std::ssize(loop.program->body.code) * ((loop.rows + kernels.width - 1) / kernels.width);
    coded = loop.program->body.code.empty() || machine::codes_of(*loop.program).earned(work);
    if (!coded && block.lanes > 0) return;
    block = rows::block_of_rows(loop, kernels, coded);
    workers.clear();
  }

  void add_carried(double* const* base) {
    for (rows::Worker::Chunk& chunk : chunks)
      for (std::size_t k = 0; k < loop.stores.size(); ++k) {
        const RowLoop::Store& s = loop.stores[k];
        const auto rows_carried = static_cast<std::int64_t>(chunk.carried[k].size()) / s.to.width;
        const double* from = chunk.carried[k].data();
        for (std::int64_t r = chunk.end - rows_carried; r < chunk.end; ++r)
          for (std::int64_t c = 0; c < s.to.width; ++c)
            base[s.to.buffer][s.to.offset + r * s.to.row_stride + c * s.to.inner_stride] += *from++;
        chunk.carried[k].clear();
      }
  }

  void join(double* const* base) {
    std::size_t at = 0;
    const auto all = [&](std::size_t width, Reduction kind, std::int32_t buffer) {
      rows::Pairs pairs(width, kind);
      for (const rows::Worker::Chunk& chunk : chunks) {
        std::copy_n(chunk.results.data() + at, width, pairs.next());
        pairs.join_equals();
      }
      std::copy_n(pairs.all(), width, base[buffer]);
      at += width;
    };
    for (const auto& j : loop.joins) all(index(j.width), j.kind, j.buffer);
    for (const auto& c : loop.contractions) all(index(c.m * c.n), Reduction::Sum, c.buffer);
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
      base_[b] = const_cast<double*>(plan.data[index(buffer.index)].doubles());
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
  if (p.at.table.empty() && (n == 1 || p.at.strides == contiguous_strides(p.shape))) {
    double* first = to + p.at.offset;
    if (!p.add) std::copy_n(from, n, first);
    else
      for (std::int64_t e = 0; e < n; ++e) first[e] += from[e];
    return;
  }
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

bool RowRun::run(std::span<const double* const> inputs, std::span<double* const> outputs,
                 int threads, const std::function<bool()>& stop) {
  Patience patience(stop, asked_);
  for (std::size_t b = 0; b < base_.size(); ++b) {
    const RowBuffer& buffer = plan_.buffers[b];
    if (buffer.from == RowBuffer::From::Input)
      base_[b] = const_cast<double*>(inputs[index(buffer.index)]);
    else if (buffer.from == RowBuffer::From::Output) base_[b] = outputs[index(buffer.index)];
    if (buffer.zero) std::fill_n(base_[b], buffer.size, 0.0);
  }
  std::size_t loop = 0, whole = 0;
  for (const auto& stage : plan_.stages) {
    if (std::holds_alternative<RowLoop>(stage)) {
      if (!loops_[loop++]->run(base_.data(), threads, patience)) return false;
    } else if (std::holds_alternative<WholeStage>(stage)) wholes_[whole++]->run(base_.data());
    else {
      const auto& p = std::get<PatchStage>(stage);
      lay(p, base_[index(p.from)], base_[index(p.to)]);
    }
  }
  for (const RowPlan::Copy& c : plan_.copies)
    std::copy_n(base_[index(c.buffer)], plan_.buffers[index(c.buffer)].size, outputs[c.output]);
  return true;
}

}  // namespace thalweg
