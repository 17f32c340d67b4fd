// SPDX-License-Identifier: BSD-3-Clause
// Training on minibatches with the GIL released: data arrays as columns, where it stands as a
// dictionary.
#include <numeric>
#include <optional>

#include "bind.hpp"
#include "thalweg/training/epochs.hpp"

using namespace thalweg;

namespace {

using RowNumbers = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

// What is run on batches of one size: outputs of a graph whose inputs are the point, the rows of
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

// Data arrays of one length, and which of their rows.
class Table {
 public:
  Table(const std::vector<py::array>& data, const std::optional<RowNumbers>& rows)
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
                             " cannot be read where it lies");
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
  Rows rows() const {
    if (chosen_) return {columns_, chosen_->size(), {chosen_->data(), size(chosen_->size())}};
    return {columns_, data_.front().shape(0), {}};
  }

 private:
  // Of each element of a row, in bytes.
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

// The programs of both sizes of batch, and the numbers that they share, from input `first` on.
Batched batched(const OnRows& full, const OnRows* rest, std::size_t first,
                const std::vector<Array>& shared, int threads) {
  Batched b{&full.program(),
            rest ? &rest->program() : nullptr,
            full.rows(),
            rest ? rest->rows() : 0,
            std::vector<const double*>(full.program().varying.size(), nullptr),
            threads};
  for (std::size_t j = 0; j < shared.size(); ++j) b.uniform.at(first + j) = shared[j].data();
  return b;
}

// Signals, the callback, and the exception that one of them raised.
class Listener {
 public:
  explicit Listener(py::object callback) : callback_(std::move(callback)) {}
  bool interrupted() {
    return guarded([] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return false;
    });
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
  // true: end.
  template <class F> bool guarded(F f) {
    const py::gil_scoped_acquire gil;
    try {
      return error_.has_value() || f();
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

// Memory at the beginning: what the standing holds, or the method's own.
void begin_memory(const OnRows& full, const Batched& b, Standing& at) {
  for (std::size_t m = at.memory.size(); m < full.step().memory.size(); ++m) {
    const rules::Memory& own = full.step().memory[m];
    const int from = full.step().initial[m];
    at.memory.emplace_back(full.step().remembered(m),
                           from < 0 ? own.initial : *b.uniform[static_cast<std::size_t>(from)]);
  }
}

// What a standing holds, or may leave out, is of the step's sizes.
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
  constexpr std::int64_t kMost = std::int64_t{1} << 62;  // counting on does not overflow
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

// Programs for two sizes of batch, data, and which rows: what a mean is taken over.
using Over = std::tuple<std::shared_ptr<OnRows>, std::shared_ptr<OnRows>, std::vector<py::array>,
                        std::optional<RowNumbers>>;

py::dict run_training(const Over& over, const std::vector<Array>& args,
                      const std::vector<Array>& hyper, const std::vector<Array>& bounds,
                      const py::dict& standing, const std::optional<Over>& held_out,
                      std::uint64_t seed, std::int64_t epochs, std::int64_t patience, bool shuffled,
                      double max_time, int threads, py::object callback) {
  const auto& [full, rest, data, chosen] = over;
  const Step& step = full->step();
  const Table table(data, chosen);
  Training t{step, batched(*full, rest.get(), 1 + data.size(), args, threads), table.rows()};
  const auto bind = [&](int first, const std::vector<Array>& values) {
    for (std::size_t j = 0; j < values.size(); ++j)
      t.programs.uniform.at(static_cast<std::size_t>(first) + j) = values[j].data();
  };
  bind(step.at.hyper, hyper);
  if (step.at.lower >= 0) bind(step.at.lower, bounds);
  Standing at = standing_of(standing);
  begin_memory(*full, t.programs, at);
  check(at, step);
  std::optional<Table> apart;
  std::optional<Means> means;
  if (held_out) {
    const auto& [whole, part, kept, rows] = *held_out;
    apart.emplace(kept, rows);
    means.emplace(batched(*whole, part.get(), 1 + kept.size(), args, threads), apart->rows(),
                  kernels());
    t.held_out = &*means;
  }
  t.seed = seed, t.epochs = epochs, t.patience = patience, t.shuffled = shuffled;
  Listener listener(callback);
  if (!callback.is_none()) t.report = [&](const EpochReport& r) { return listener.report(r); };
  std::optional<TrainingEnd> end;
  {
    const py::gil_scoped_release nogil;
    Clock clock([&] { return listener.interrupted(); }, max_time);
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

py::tuple mean_over(const Over& over, const std::vector<Array>& args, const Array& x, int threads) {
  const auto& [full, rest, data, chosen] = over;
  const Table table(data, chosen);
  Means means(batched(*full, rest.get(), 1 + data.size(), args, threads), table.rows(), kernels());
  std::vector<std::int64_t> sizes = full->program().output_sizes;
  Array out(std::accumulate(sizes.begin(), sizes.end(), py::ssize_t{0}));
  Listener listener{py::none()};
  double* to = out.mutable_data();
  bool whole = false;
  {
    const py::gil_scoped_release nogil;
    Clock clock([&] { return listener.interrupted(); }, 1e300);
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
          [](const std::string& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
             int inputs, int columns, std::int64_t rows, bool bounds, bool gradient_norm,
             const std::vector<std::pair<int, py::object>>& hyper) {
            return std::make_shared<OnRows>(step_of(method_named(method), graph, f, n, inputs,
                                                    {bounds, gradient_norm, false, false}, hyper),
                                            columns, rows);
          },
          py::arg("method"), py::arg("graph"), py::arg("f"), py::arg("n"), py::arg("inputs"),
          py::arg("columns"), py::arg("rows"), py::arg("bounds"), py::arg("gradient_norm"),
          py::arg("hyper"), "A step of a method; hyper as Stepper has it.");
  m.def("train", &run_training, py::arg("over"), py::arg("args"), py::arg("hyper"),
        py::arg("bounds"), py::arg("standing"), py::arg("held_out"), py::arg("seed"),
        py::arg("epochs"), py::arg("patience"), py::arg("shuffled"), py::arg("max_time"),
        py::arg("threads"), py::arg("callback"),
        "Train for some epochs. over, held_out: (full batch, incomplete batch or None, data, row "
        "numbers or None). callback(epoch, x, loss, gradient_norm, held_out) -> stop?");
  m.def("mean_over", &mean_over, py::arg("over"), py::arg("args"), py::arg("x"), py::arg("threads"),
        "Means over rows of every output, one after the other; and the rows of the first batch "
        "whose value is not finite.");
  m.def("permutation", &permutation, py::arg("seed"), py::arg("epoch"), py::arg("n"),
        "The order in which an epoch, counted from 1, takes n rows; 0 chooses those held out.");
}
