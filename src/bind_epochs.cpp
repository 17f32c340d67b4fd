// SPDX-License-Identifier: BSD-3-Clause
// Binds training on minibatches, with the GIL released: data arrays become columns, and the state
// of a training is a dictionary.
#include <numeric>
#include <optional>

#include "rule.hpp"
#include "thalweg/training/epochs.hpp"

using namespace thalweg;

namespace {

using RowNumbers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

// A program for batches of one size: outputs of a graph whose inputs are the point, the rows of
// each column, and what is the same in every batch.
class OnRows {
 public:
  OnRows(std::shared_ptr<Graph> graph, const std::vector<NodeId>& outputs, int inputs, int columns,
         std::int64_t rows)
      : OnRows(std::nullopt, std::move(graph), outputs, inputs, columns, rows) {}
  OnRows(Step step, int columns, std::int64_t rows)
      : OnRows(step, step.graph, step.outputs, step.at.inputs, columns, rows) {}

  std::int64_t rows() const { return rows_; }
  const Program& program() const { return *program_; }
  const Step& step() const { return *step_; }

 private:
  OnRows(std::optional<Step> step, const std::shared_ptr<Graph>& graph,
         const std::vector<NodeId>& outputs, int inputs, int columns, std::int64_t rows)
      : step_(std::move(step)), rows_(rows) {
    std::vector<bool> varying(static_cast<std::size_t>(inputs), false);
    std::fill_n(varying.begin(), 1 + columns, true);
    if (step_) std::fill_n(varying.begin() + step_->at.memory, step_->memory.size(), true);
    const auto hold = held(*graph);
    program_ = lower(graph, outputs, {varying, layout_for(*graph, outputs, kernels().width, 1)});
  }

  std::optional<Step> step_;
  std::int64_t rows_;
  std::unique_ptr<Program> program_;
};

// Data arrays of one length, and the chosen rows.
class TableArrays {
 public:
  TableArrays(const std::vector<py::array>& data, const std::optional<RowNumbers>& rows)
      : data_(data), chosen_(rows) {
    for (const py::array& a : data_) {
      Column c{static_cast<const std::byte*>(a.data()),
               a.strides(0),
               1,
               a.itemsize(),
               {},
               reader_of(a.dtype())};
      if (!c.numbers)
        throw py::type_error("data of " + py::str(a.dtype()).cast<std::string>() +
                             " cannot be read in place");
      bool gaps = false;
      for (auto axis = a.ndim() - 1; axis > 0; --axis) {
        if (a.shape(axis) == 1) continue;
        if (c.size == 1) c.step = a.strides(axis);
        gaps |= a.strides(axis) != c.step * c.size;
        c.size *= a.shape(axis);
      }
      if (gaps) c.offsets = offsets(a);
      columns_.push_back(std::move(c));
    }
  }
  Table table() const {
    if (chosen_) return {columns_, chosen_->size(), {chosen_->data(), size(chosen_->size())}};
    return {columns_, data_.front().shape(0), {}};
  }

 private:
  // The offset of each element of a row, in bytes.
  static std::vector<std::int64_t> offsets(const py::array& a) {
    std::vector<std::int64_t> out{0};
    for (py::ssize_t axis = 1; axis < a.ndim(); ++axis) {
      std::vector<std::int64_t> next;
      for (const std::int64_t at : out)
        for (py::ssize_t i = 0; i < a.shape(axis); ++i) next.push_back(at + i * a.strides(axis));
      out = std::move(next);
    }
    return out;
  }
  static std::size_t size(py::ssize_t n) { return static_cast<std::size_t>(n); }
  std::vector<py::array> data_;
  std::optional<RowNumbers> chosen_;
  std::vector<Column> columns_;
};

// Signals, the callback, and the exception that either raised.
class Listener {
 public:
  explicit Listener(py::object callback) : callback_(std::move(callback)) {}
  bool interrupted() {
    return guarded([] { return false; });
  }
  bool report(const EpochReport& r) {
    return guarded([&] {
      return callback_(r.at.epoch, Array(static_cast<py::ssize_t>(r.at.x.size()), r.at.x.data()),
                       r.at.loss, r.gradient_norm, r.held_out)
          .cast<bool>();
    });
  }
  const std::optional<py::error_already_set>& error() const { return error_; }

 private:
  // Returns true to end the training.
  template <class F> bool guarded(F f) {
    const py::gil_scoped_acquire gil;
    try {
      if (error_) return true;
      check_signals();
      return f();
    } catch (py::error_already_set& e) {
      error_.emplace(e);
    }
    return true;
  }
  py::object callback_;
  std::optional<py::error_already_set> error_;
};

py::object error_of(const Listener& listener) {
  const auto& e = listener.error();
  if (!e) return py::none();
  if (e->trace()) PyException_SetTraceback(e->value().ptr(), e->trace().ptr());
  return e->value();
}

Array array_of(const std::vector<double>& v) {
  return Array(static_cast<py::ssize_t>(v.size()), v.data());
}
std::vector<double> vector_of(const py::handle& h) {
  const auto a = h.cast<Array>();
  return {a.data(), a.data() + a.size()};
}

// Checks that the parts of a state, some of which may be missing, have the step's sizes.
void check(const Standing& at, const Step& step) {
  const auto must_hold = [](const char* what, std::size_t got, std::int64_t wanted) {
    if (got != static_cast<std::size_t>(wanted))
      throw py::value_error("the state's " + std::string(what) + " must hold " +
                            std::to_string(wanted) + " numbers, got " + std::to_string(got));
  };
  must_hold("x", at.x.size(), step.n);
  if (!at.average.empty()) must_hold("average", at.average.size(), step.n);
  if (!at.best.empty()) must_hold("best", at.best.size(), step.n);
  for (std::size_t m = 0; m < at.memory.size(); ++m)
    must_hold("memory", at.memory[m].size(), m < step.memory.size() ? step.remembered(m) : 0);
  constexpr std::int64_t kMost = std::int64_t{1} << 62;  // counting on cannot overflow
  for (const auto& [what, count] : {std::pair{"epoch", at.epoch},
                                    {"batch", at.batch},
                                    {"step", at.step},
                                    {"best_epoch", at.best_epoch}})
    if (count < 0 || count > kMost)
      throw py::value_error("the state's " + std::string(what) + " must be between 0 and " +
                            std::to_string(kMost) + ", got " + std::to_string(count));
}

Standing standing_of(const py::dict& d) {
  Standing s;
  s.x = vector_of(d["x"]);
  for (const auto& m : d["memory"]) s.memory.push_back(vector_of(m));
  s.average = vector_of(d["average"]);
  s.best = vector_of(d["best"]);
  s.best_loss = d["best_loss"].cast<double>();
  s.best_epoch = d["best_epoch"].cast<std::int64_t>();
  s.epoch = d["epoch"].cast<std::int64_t>();
  s.batch = d["batch"].cast<std::int64_t>();
  s.step = d["step"].cast<std::int64_t>();
  s.sum = d["sum"].cast<double>();
  s.loss = d["loss"].cast<double>();
  return s;
}
py::dict dict_of(const Standing& s) {
  py::list memory;
  for (const auto& m : s.memory) memory.append(array_of(m));
  py::dict d;
  d["x"] = array_of(s.x), d["memory"] = memory;
  d["average"] = array_of(s.average), d["best"] = array_of(s.best);
  d["best_loss"] = s.best_loss, d["best_epoch"] = s.best_epoch;
  d["epoch"] = s.epoch, d["batch"] = s.batch, d["step"] = s.step, d["sum"] = s.sum;
  d["loss"] = s.loss;
  return d;
}

// Programs for two sizes of batch, the data, the chosen rows, and what is the same in every batch.
struct OnBatches {
  std::shared_ptr<OnRows> full, rest;  // rest: null if there is no incomplete batch
  TableArrays arrays;
  std::size_t columns;
  std::vector<Array> args;

  OnBatches(std::shared_ptr<OnRows> whole, std::shared_ptr<OnRows> part,
            const std::vector<py::array>& data, const std::optional<RowNumbers>& rows,
            std::vector<Array> shared)
      : full(std::move(whole)),
        rest(std::move(part)),
        arrays(data, rows),
        columns(data.size()),
        args(std::move(shared)) {}

  Batched programs(int threads) const {
    Batched b{&full->program(),
              rest ? &rest->program() : nullptr,
              full->rows(),
              rest ? rest->rows() : 0,
              std::vector<const double*>(full->program().varying.size(), nullptr),
              threads};
    for (std::size_t j = 0; j < args.size(); ++j) b.uniform.at(1 + columns + j) = args[j].data();
    return b;
  }
};

// The settings of a training, besides its data.
struct Plan {
  std::uint64_t seed;
  std::int64_t epochs, patience;
  bool shuffled;
};

py::dict run_training(const OnBatches& over, const std::vector<Array>& hyper,
                      const std::vector<Array>& bounds, const py::dict& standing,
                      const OnBatches* held_out, const Plan& plan, const Stopping& stopping,
                      py::object callback) {
  const Step& step = over.full->step();
  Training t{step, over.programs(stopping.threads), over.arrays.table()};
  const auto bind = [&](int first, const std::vector<Array>& values) {
    for (std::size_t j = 0; j < values.size(); ++j)
      t.programs.uniform.at(static_cast<std::size_t>(first) + j) = values[j].data();
  };
  bind(step.at.hyper, hyper);
  if (step.at.lower >= 0) bind(step.at.lower, bounds);
  Standing at = standing_of(standing);
  begin_memory(step, t.programs, at);
  check(at, step);
  std::optional<Means> apart;
  if (held_out)
    t.held_out =
        &apart.emplace(held_out->programs(stopping.threads), held_out->arrays.table(), kernels());
  t.seed = plan.seed, t.epochs = plan.epochs, t.patience = plan.patience;
  t.shuffled = plan.shuffled;
  Listener listener(callback);
  if (!callback.is_none()) t.report = [&](const EpochReport& r) { return listener.report(r); };
  std::optional<TrainingEnd> end;
  {
    const py::gil_scoped_release nogil;
    Clock clock([&] { return listener.interrupted(); }, stopping.max_time);
    end = train(t, at, kernels(), clock);
  }
  py::dict out;
  out["x"] = array_of(end->x);
  out["standing"] = dict_of(at);
  out["reason"] = static_cast<int>(end->reason), out["left"] = end->left, out["right"] = end->right;
  out["culprit"] = RowNumbers(static_cast<py::ssize_t>(end->culprit.size()), end->culprit.data());
  out["error"] = error_of(listener);
  return out;
}

py::tuple mean_over(const OnBatches& over, const Array& x, int threads) {
  Means means(over.programs(threads), over.arrays.table(), kernels());
  const std::vector<std::int64_t>& sizes = over.full->program().output_sizes;
  Array out(std::accumulate(sizes.begin(), sizes.end(), py::ssize_t{0}));
  Listener listener{py::none()};
  double* to = out.mutable_data();
  bool whole = false;
  {
    const py::gil_scoped_release nogil;
    Clock clock([&] { return listener.interrupted(); }, Stopping{}.max_time);
    whole = means.at(x.data(), to, clock);
  }
  if (!whole) throw py::error_already_set(*listener.error());
  return py::make_tuple(
      out, RowNumbers(static_cast<py::ssize_t>(means.culprit.size()), means.culprit.data()));
}

RowNumbers permutation(std::uint64_t seed, std::uint64_t epoch, std::int64_t n) {
  RowNumbers out(n);
  shuffle({out.mutable_data(), static_cast<std::size_t>(n)}, {}, seed, epoch);
  return out;
}

}  // namespace

void bind_epochs(py::module_& m) {
  py::class_<OnRows, std::shared_ptr<OnRows>>(m, "OnRows",
                                              "Outputs of a graph, or a step, on batches of rows.")
      .def(py::init<std::shared_ptr<Graph>, const std::vector<NodeId>&, int, int, std::int64_t>(),
           py::arg("graph"), py::arg("outputs"), py::arg("inputs"), py::arg("columns"),
           py::arg("rows"))
      .def_static(
          "step",
          [](const std::string& rule, const Objective& objective, const StepParts& parts,
             const Settings& hyper, int columns, std::int64_t rows) {
            return std::make_shared<OnRows>(step_of(rule, objective, parts, hyper), columns, rows);
          },
          py::arg("rule"), py::arg("objective"), py::arg("parts"), py::arg("hyper"),
          py::arg("columns"), py::arg("rows"), "A step of a rule; hyper as Stepper has it.");
  py::class_<OnBatches>(m, "OnBatches", "What a mean over rows of data is taken of.")
      .def(py::init<std::shared_ptr<OnRows>, std::shared_ptr<OnRows>, const std::vector<py::array>&,
                    const std::optional<RowNumbers>&, std::vector<Array>>(),
           py::arg("full"), py::arg("rest"), py::arg("data"), py::arg("rows"), py::arg("args"),
           "Full batches, the incomplete batch or None, columns of data, row numbers or None, and "
           "the inputs that are the same in every batch.")
      .def("mean", &mean_over, py::arg("x"), py::arg("threads"),
           "The means over rows of every output, one after another; and the rows of the first "
           "batch whose value is not finite.");
  py::class_<Plan>(m, "Plan",
                   "How a training divides its rows into batches, and for how long it runs.")
      .def(py::init([](std::uint64_t seed, std::int64_t epochs, std::int64_t patience,
                       bool shuffled) { return Plan{seed, epochs, patience, shuffled}; }),
           py::arg("seed"), py::arg("epochs"), py::arg("patience"), py::arg("shuffled"));
  m.def("train", &run_training, py::arg("over"), py::arg("hyper"), py::arg("bounds"),
        py::arg("standing"), py::arg("held_out"), py::arg("plan"), py::arg("stopping"),
        py::arg("callback"),
        "Train for some epochs. standing: the state of the training, by name. callback(epoch, x, "
        "loss, gradient_norm, held_out) returns whether to stop.");
  m.def("permutation", &permutation, py::arg("seed"), py::arg("epoch"), py::arg("n"),
        "The order of n rows in an epoch, counted from 1; epoch 0 chooses the held-out rows.");
}
