// SPDX-License-Identifier: BSD-3-Clause
// Runs a program: holds the memory for one block of lanes, and the tape linked to it for one
// instruction set. Belongs to one thread.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "thalweg/lowering/tape.hpp"
#include "thalweg/machine/run.hpp"

namespace thalweg {

class RowRun;

// A buffer of zeros, aligned to a cache line and to the widest batch. It never shrinks.
class Aligned {
 public:
  explicit Aligned(std::size_t doubles);
  double* get() const { return first_; }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> memory_;
  double* first_ = nullptr;
};

class Evaluator {
 public:
  // `wide`: blocks of 8 batches instead of one. The layout Elements has one lane.
  Evaluator(const Program& program, const Kernels& kernels, bool wide);
  // A block of any number of batches of lanes, for machine code made for that many, or for handlers
  // alone.
  Evaluator(const Program& program, const Kernels& kernels, std::int64_t lanes,
            std::shared_ptr<const machine::Code> code);
  ~Evaluator();

  // The number of lanes in a block.
  std::int64_t lanes() const { return lanes_; }
  // The distance between elements of an input or output, in doubles.
  std::int64_t step() const { return program_.body.layout == Layout::Lanes ? lanes_ : 1; }
  // Pointers to inputs and outputs that belong to no ring.
  double* input(std::size_t k) { return inputs_[k]; }
  bool reads(std::size_t k) const { return program_.input_sizes[k] > 0; }
  double* output(std::size_t k) const { return outputs_[k]; }
  void bind_uniform(std::size_t k, const double* values);
  // Makes an output the input of the next run (or of none: kNoInput) and keeps it for one run more.
  // Call before prepare().
  static constexpr std::size_t kNoInput = static_cast<std::size_t>(-1);
  std::size_t ring(std::size_t input, std::size_t output);
  // A ring's values: age 0 is the output of the latest run, 1 that of the run before (the latest
  // run's input), 2 that of the run before that.
  double* ring_at(std::size_t ring, std::size_t age) const {
    return rings_[ring].buffers[(phase_ + 4 - age) % 3];
  }
  std::size_t phase() const { return phase_; }
  void rotate() { phase_ = (phase_ + 1) % 3; }
  void rotate_back() { phase_ = (phase_ + 2) % 3; }
  // Computes the uniform values. Call after every change of a uniform input and before the first
  // run.
  void prepare();
  // Returns false if it was stopped, which happens only with long arrays. The outputs are then
  // incomplete.
  bool run() {
    if (rows_) return run_rows();
    if (machine_) return (*machine_)(phase_, 1) > 0;
    handlers_.run(code_[phase_].data());
    if ((work_ += cost_) >= kReport) report_work();
    return true;
  }
  // What ends rounds that are made in one go. Before prepare().
  struct Test {
    machine::RoundTest outputs;
    std::size_t f_ring, change_ring;
    double* limit;
    double slack, gtol, xtol;
  };
  void test(const Test& test) { test_ = test; }
  // Whether rounds can be made in one go.
  bool in_one_go() const { return machine_ && test_; }
  // Runs and rotates up to `most` times, until a lane has to be looked at. Returns how many runs
  // were made; the last is not followed by a rotation.
  std::int64_t run(std::int64_t most) {
    const std::int64_t made = (*machine_)(phase_, most);
    phase_ = (phase_ + static_cast<std::size_t>(made - 1)) % 3;
    return made;
  }
  // For long arrays: sets the number of threads, and the function that says whether to stop.
  void share(int threads, std::function<bool()> stop);
  // A place where the linked tape, or code made for this block, finds an address, so that it can be
  // redirected. Only after prepare(), and not with rings.
  struct Use {
    const double** address;
    std::int64_t offset;
    void point_at(const double* values) const { *address = values + offset; }
  };
  // Code made for this block runs only the first lanes from now on; handlers always run all.
  void only(std::int64_t lanes) {
    if (!own_code_) return;
    const std::int64_t width = kernels_.width * own_code_->batches;
    machine_->limit((lanes + width - 1) / width * width * 8);
  }
  // All uses of the addresses of `count` doubles.
  std::vector<Use> uses(const double* first, std::int64_t count = 1);
  // Recomputes after uniform inputs changed in place.
  void refresh();
  double uniform_number(const machine::UniformNumber& number) const;

 private:
  const double* uniform(std::size_t k) const;
  bool run_rows();
  void link();
  void turn_to(std::size_t phase);
  std::int64_t room(std::int64_t n) const;
  std::vector<Linked> linked() const;
  const double* address(const Place& place) const;
  void link_array(const Instruction& i, Linked& l) const;
  void report_work();
  void take_machine();
  void take(std::shared_ptr<const machine::Code> code);
  void refresh_machine();

  const Program& program_;
  const Kernels& kernels_;
  const Handlers& handlers_;
  std::int64_t lanes_;
  std::unique_ptr<Aligned> memory_;
  std::vector<std::unique_ptr<Aligned>> ring_memory_;
  std::vector<double*> inputs_, outputs_;
  std::vector<const double*> uniform_inputs_;
  std::vector<double*> slots_;
  std::unique_ptr<Evaluator> prologue_;
  std::unique_ptr<RowRun> rows_;
  int threads_ = 1;
  std::function<bool()> stop_;
  struct Ring {
    std::size_t input, output;
    std::array<double*, 3> buffers;
  };
  std::vector<Ring> rings_;
  std::size_t phase_ = 0;
  std::vector<Extent> extents_;
  std::vector<std::unique_ptr<RoutineWork>> routines_;
  struct Operand {
    const double* at;
    const double** address;
  };
  std::vector<Operand> operands_;            // for uses()
  std::array<std::vector<Linked>, 3> code_;  // one for each phase of the rings
  // Machine code, once the program has earned it, and the work that was done without.
  static constexpr std::int64_t kReport = 4096;
  std::shared_ptr<const machine::Code> own_code_;  // what the block was made for, if it was
  std::optional<Test> test_;
  std::unique_ptr<machine::Run> machine_;
  std::unique_ptr<Aligned> pool_;
  bool may_be_coded_ = false;
  std::int64_t work_ = 0, cost_ = 0;
};

// Whether a wide block fits in the second-level cache.
bool fits_wide(const Program& program, const Kernels& kernels);
// The number of lanes in a block.
std::int64_t lanes_of(const Program& program, const Kernels& kernels, bool wide);

// Evaluates the outputs at k points. inputs[j] has k rows of the input's size if it varies, else
// one; outputs[j] has k rows. Long arrays are shared between threads. Returns false if `stop` ended
// it.
bool evaluate(const Program& program, const Kernels& kernels, std::span<const double* const> inputs,
              std::span<double* const> outputs, std::int64_t k, int threads = 1,
              const std::function<bool()>& stop = {});

// Copies rows [first, first + count) into lanes (`lanes` of them, `step` doubles between elements),
// repeating the last row in unused lanes; and copies lanes back to rows.
void scatter_lanes(const double* rows, std::int64_t size, std::int64_t first, std::int64_t count,
                   std::int64_t lanes, double* to);
void gather_lanes(const double* from, std::int64_t size, std::int64_t first, std::int64_t count,
                  std::int64_t lanes, double* rows);

}  // namespace thalweg
