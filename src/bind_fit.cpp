// SPDX-License-Identifier: BSD-3-Clause
// Fits: least squares of traced residuals and what it says of the parameters, in one call.
#include <algorithm>
#include <limits>
#include <optional>

#include "bind.hpp"
#include "thalweg/descent/descend.hpp"
#include "thalweg/fit/covariance.hpp"
#include "thalweg/fit/refine.hpp"
#include "thalweg/graph/differentiate.hpp"

using namespace thalweg;

namespace {

using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

py::tuple covariance_of(const Array& columns, const std::optional<Flags>& held) {
  if (columns.ndim() != 2 || (held && held->size() != columns.shape(0)))
    throw py::value_error(
        "the Jacobian must be (n, m). This is a bug in thalweg; please report it");
  const py::ssize_t n = columns.shape(0), m = columns.shape(1);
  std::vector<double> copy(columns.data(), columns.data() + n * m);
  Array out({n, n});
  py::array_t<bool> loose(n);
  const Determined found = covariance(copy.data(), n, m, held ? held->data() : nullptr,
                                      out.mutable_data(), loose.mutable_data());
  return py::make_tuple(out, found.rank, found.least, loose);
}

// `at` (x) gives the cost, the residuals (m) and J's columns (n, m).
py::tuple refined(const Array& x0, const std::vector<Array>& bounds, std::int64_t budget,
                  const py::function& at) {
  const py::ssize_t n = x0.size();
  if (!bounds.empty() && (bounds.size() != 2 || bounds[0].size() != n || bounds[1].size() != n))
    throw py::value_error("the bounds must be (n). This is a bug in thalweg; please report it");
  Array x(n);
  std::copy_n(x0.data(), n, x.mutable_data());
  const auto linearize = [&](const double* point, Linear& there) {
    const auto told = at(Array(n, point)).cast<std::tuple<double, Array, Array>>();
    const Array &r = std::get<1>(told), &columns = std::get<2>(told);
    if (columns.size() != n * r.size())
      throw py::value_error(
          "the Jacobian must be (n, m). This is a bug in thalweg; please report it");
    there.cost = std::get<0>(told);
    there.residuals.assign(r.data(), r.data() + r.size());
    there.columns.assign(columns.data(), columns.data() + columns.size());
  };
  const bool boxed = !bounds.empty();
  const Refined told = refine(x.mutable_data(), n, boxed ? bounds[0].data() : nullptr,
                              boxed ? bounds[1].data() : nullptr, budget, linearize);
  return py::make_tuple(x, told.cost, told.settled, told.left, told.right, told.evaluations,
                        told.iterations);
}

// Residuals of parameters x (n) and of further inputs, none of which differs from fit to fit in
// anything but its numbers.
class Fit {
 public:
  Fit(const std::shared_ptr<Graph>& graph, NodeId residuals, NodeId x, int inputs)
      : varying_(static_cast<std::size_t>(inputs), false) {
    Graph& g = *graph;
    const auto hold = held(g);
    n_ = size_of(g.shape(x)), m_ = size_of(g.shape(residuals));
    varying_[0] = true;
    const NodeId r = g.reshape(residuals, {m_});
    const Expr squares(g, g.reduce(Reduction::Sum, (Expr(g, r) * Expr(g, r)).in(g), {0}, false));
    const auto [gradient, matrix] = normal_equations(g, r, r, -1, x);
    std::vector<NodeId> outputs{(Expr(0.5) * squares).in(g), gradient, matrix},
        ends{r, jacobian(g, r, x)};
    if (m_ < kLong) {
      outputs.insert(outputs.end(), ends.begin(), ends.end());
    } else {
      ends_.emplace(graph, std::move(ends));
    }
    values_.emplace(graph, std::move(outputs));
  }

  // The parameters; their covariance, its rank, the last pivot and which parameters are dependent;
  // half the sum of squares; how it ended. With
  // `rows` the covariance is scaled by the variance that is left to so many data; rank -1 where
  // there is none.
  py::tuple fit(const Array& x0, const std::vector<std::optional<Array>>& args,
                const std::vector<Array>& bounds, const Stopping& stopping,
                const std::optional<Array>& scale, std::int64_t rows, double factor) {
    if (x0.size() != n_ || args.size() != varying_.size() ||
        (!bounds.empty() && (bounds.size() != 2 || bounds[0].size() != n_)))
      throw py::value_error(
          "the fit does not fit what it is run on. This is a bug in thalweg; please report it");
    Array x(n_), pcov({n_, n_});
    double fun = 0.0, left = 0.0, right = 0.0;
    py::array_t<bool> loose(n_);
    Determined found{0, 0.0};
    std::int64_t iterations = 0, evaluations = 0, free = n_;
    std::int8_t reason = static_cast<std::int8_t>(Reason::Interrupted);
    Starts starts{1, x0.data(), std::vector<const double*>(args.size(), nullptr), {}};
    for (std::size_t j = 1; j < args.size(); ++j) starts.values[j] = args[j].value().data();
    Setup setup{find_solver("lm"), n_, {factor}};
    if (!bounds.empty()) setup.lower = bounds[0].data(), setup.upper = bounds[1].data();
    if (scale) setup.scale = scale->data();
    const Kernels& isa = kernels();
    const Endings endings{x.mutable_data(), nullptr, &fun,   nullptr, &iterations,
                          &reason,          &left,   &right, {},      &evaluations};
    const auto interrupted = [] {
      const py::gil_scoped_acquire gil;
      return PyErr_CheckSignals() != 0;
    };
    bool done = false;
    {
      const py::gil_scoped_release nogil;
      const Program& values = values_->for_lanes(varying_, isa.width, 1);
      const Program& ends = ends_ ? ends_->for_lanes(varying_, isa.width, 1) : values;
      Sources sources;
      sources.values = &values;
      descend(setup, sources, isa, starts, stopping, endings, {interrupted, nullptr, nullptr});
      done = reason != static_cast<std::int8_t>(Reason::Interrupted) &&
             finish(ends, isa, starts, x.data(), bounds, pcov.mutable_data(), loose.mutable_data(),
                    found, free, stopping.threads, interrupted);
    }
    if (!done) throw py::error_already_set();
    if (rows > 0 && found.rank == free) spread(pcov.mutable_data(), fun, rows - free, found.rank);
    return py::make_tuple(x, pcov, found.rank, found.least, loose, fun, static_cast<int>(reason),
                          left, right, evaluations, iterations);
  }

 private:
  // Data that are taken row by row: there the Jacobian is made at the end alone.
  static constexpr std::int64_t kLong = 256;

  bool finish(const Program& ends, const Kernels& isa, const Starts& starts, const double* x,
              const std::vector<Array>& bounds, double* pcov, bool* loose, Determined& found,
              std::int64_t& free, int threads, const std::function<bool()>& interrupted) {
    std::vector<std::vector<double>> out;
    std::vector<double*> to;
    for (const auto size : ends.output_sizes) {
      out.emplace_back(static_cast<std::size_t>(size));
      to.push_back(out.back().data());
    }
    std::vector<const double*> in = starts.values;
    in[0] = x;
    if (!evaluate(ends, isa, in, to, 1, threads, interrupted)) return false;
    std::unique_ptr<bool[]> held;
    if (!bounds.empty()) {
      held.reset(new bool[static_cast<std::size_t>(n_)]);
      for (std::int64_t i = 0; i < n_; ++i)
        held[static_cast<std::size_t>(i)] =
            x[i] <= bounds[0].data()[i] || x[i] >= bounds[1].data()[i];
    }
    found = covariance(out.back().data(), n_, m_, held.get(), pcov, loose);
    if (held) free -= std::count(held.get(), held.get() + n_, true);
    return true;
  }
  // Scaled by the variance that so many degrees of freedom leave; infinite where there are none.
  void spread(double* pcov, double fun, std::int64_t left, std::int64_t& rank) const {
    const double variance = 2.0 * fun / static_cast<double>(left);
    for (std::int64_t i = 0; i < n_ * n_; ++i)
      if (left > 0) pcov[i] *= variance;
      else if (pcov[i] == pcov[i]) pcov[i] = std::numeric_limits<double>::infinity(), rank = -1;
  }

  std::int64_t n_ = 0, m_ = 0;
  std::vector<bool> varying_;
  std::optional<Programs> values_, ends_;
};

}  // namespace

void bind_fit(py::module_& m) {
  m.def("covariance", &covariance_of, py::arg("columns"), py::arg("held") = py::none(),
        "The inverse of J'J from J's columns (n, m), NaN where they are held; their rank, the last "
        "pivot, and which take part in a dependence.");
  m.def("refine", &refined, py::arg("x"), py::arg("bounds"), py::arg("budget"), py::arg("at"),
        "Least squares by QR of J from x; at(x) gives (cost, residuals, J's columns (n, m)). "
        "(x, cost, settled, left, right, nfev, nit).");
  py::class_<Fit, std::shared_ptr<Fit>>(m, "Fit", "Least squares of traced residuals.")
      .def(py::init<const std::shared_ptr<Graph>&, NodeId, NodeId, int>(), py::arg("graph"),
           py::arg("residuals"), py::arg("x"), py::arg("inputs"))
      .def("fit", &Fit::fit, py::arg("x0"), py::arg("args"), py::arg("bounds"), py::arg("stopping"),
           py::arg("scale"), py::arg("rows"), py::arg("factor") = 1.0,
           "(x, covariance, rank, pivot, dependent, cost, reason, left, right, nfev, nit).");
}
