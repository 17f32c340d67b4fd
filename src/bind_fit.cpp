// SPDX-License-Identifier: BSD-3-Clause
// Binds fits: least squares of traced residuals and the covariance of the parameters, in one call.
#include <algorithm>
#include <optional>

#include "starts.hpp"
#include "thalweg/fit/fit.hpp"
#include "thalweg/fit/refine.hpp"

using namespace thalweg;

namespace {

using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

py::tuple covariance_of(const Array& columns, const std::optional<Flags>& held, double cost,
                        std::int64_t data) {
  if (columns.ndim() != 2 || (held && held->size() != columns.shape(0)))
    throw py::value_error(
        "the Jacobian must be (n, m). This is a bug in thalweg; please report it");
  const py::ssize_t n = columns.shape(0), m = columns.shape(1);
  std::vector<double> copy(columns.data(), columns.data() + n * m);
  Array out({n, n});
  py::array_t<bool> loose(n);
  const Determined found = covariance(copy.data(), n, m, held ? held->data() : nullptr,
                                      {cost, data}, out.mutable_data(), loose.mutable_data());
  return py::make_tuple(out, found.rank, found.least, loose);
}

// Likewise for k fits, one after another.
py::tuple covariances_of(const Array& columns, const std::optional<Flags>& held, const Array& costs,
                         const py::array_t<std::int64_t, py::array::c_style>& data) {
  const py::ssize_t k = costs.size(), n = columns.ndim() == 3 ? columns.shape(1) : 0;
  if (columns.ndim() != 3 || columns.shape(0) != k || data.size() != k ||
      (held && held->size() != k * n))
    throw py::value_error(
        "the Jacobians must be (k, n, m). This is a bug in thalweg; please report it");
  const py::ssize_t m = columns.shape(2);
  std::vector<double> copy(static_cast<std::size_t>(n * m));
  Array out({k, n, n}), least(k);
  py::array_t<bool> loose({k, n});
  for (py::ssize_t i = 0; i < k; ++i) {
    check_signals();
    std::copy_n(columns.data() + i * n * m, n * m, copy.begin());
    least.mutable_data()[i] =
        covariance(copy.data(), n, m, held ? held->data() + i * n : nullptr,
                   {costs.data()[i], data.data()[i]}, out.mutable_data() + i * n * n,
                   loose.mutable_data() + i * n)
            .least;
  }
  return py::make_tuple(out, least, loose);
}

// `at` maps x to the cost, the residuals (m) and J's columns (n, m).
py::tuple refined(const Array& x0, const std::vector<Array>& bounds, std::int64_t budget,
                  const py::function& at) {
  const py::ssize_t n = x0.size();
  const Bounds box = bounds_of(bounds, n);
  Array x(n);
  std::copy_n(x0.data(), n, x.mutable_data());
  const auto linearize = [&](const double* point, Linear& there) {
    const auto [cost, r, columns] = at(Array(n, point)).cast<std::tuple<double, Array, Array>>();
    if (columns.size() != n * r.size())
      throw py::value_error(
          "the Jacobian must be (n, m). This is a bug in thalweg; please report it");
    there.cost = cost;
    there.residuals.assign(r.data(), r.data() + r.size());
    there.columns.assign(columns.data(), columns.data() + columns.size());
  };
  const Refined end = refine(x.mutable_data(), n, box.lower, box.upper, budget, linearize);
  return py::make_tuple(x, end.cost, end.settled, end.left, end.right, end.evaluations,
                        end.iterations);
}

// Likewise for the rows of x: `at` maps which of them are needed, and a point (a, n) of each, to
// costs (a), residuals (a, m) and J's columns (a, n, m).
py::tuple refined_many(const Array& x0, const std::vector<Array>& bounds,
                       const py::array_t<std::int64_t, py::array::c_style>& budgets,
                       const py::function& at) {
  const py::ssize_t k = x0.shape(0), n = x0.shape(1);
  const Bounds box = bounds_of(bounds, n, k);
  Array x({k, n});
  std::copy_n(x0.data(), k * n, x.mutable_data());
  const auto linearize = [&, n = n](std::span<const std::int64_t> which, const double* points,
                                    std::span<Linear> there) {
    const auto a = static_cast<py::ssize_t>(which.size());
    const py::array_t<std::int64_t> rows(a, which.data());
    const auto [cost, r, columns] =
        at(rows, Array({a, n}, points)).cast<std::tuple<Array, Array, Array>>();
    const py::ssize_t m = r.size() / a;
    if (cost.size() != a || columns.size() != n * r.size())
      throw py::value_error(
          "the Jacobians must be (k, n, m). This is a bug in thalweg; please report it");
    for (py::ssize_t i = 0; i < a; ++i) {
      Linear& to = there[static_cast<std::size_t>(i)];
      to.cost = cost.data()[i];
      to.residuals.assign(r.data() + i * m, r.data() + (i + 1) * m);
      to.columns.assign(columns.data() + i * n * m, columns.data() + (i + 1) * n * m);
    }
  };
  const std::span<const std::int64_t> most(budgets.data(), static_cast<std::size_t>(k));
  const std::vector<Refined> ends = refine_many(x.mutable_data(), n, box, most, linearize);
  Array cost(k), left(k), right(k);
  py::array_t<bool> settled(k);
  py::array_t<std::int64_t> nfev(k), nit(k);
  for (py::ssize_t i = 0; i < k; ++i) {
    const Refined& end = ends[static_cast<std::size_t>(i)];
    cost.mutable_data()[i] = end.cost, settled.mutable_data()[i] = end.settled;
    left.mutable_data()[i] = end.left, right.mutable_data()[i] = end.right;
    nfev.mutable_data()[i] = end.evaluations, nit.mutable_data()[i] = end.iterations;
  }
  return py::make_tuple(x, cost, settled, left, right, nfev, nit);
}

std::unique_ptr<Fit> fit_of(const std::shared_ptr<Graph>& graph, NodeId residuals, NodeId x,
                            int inputs) {
  const auto hold = held(*graph);
  return std::make_unique<Fit>(graph, residuals, x, inputs);
}

// Returns the parameters; their covariance, its rank, the last pivot, and which parameters are
// dependent; half the sum of squares; and how the fit ended.
py::tuple run_fit(Fit& fit, const StartArrays& starts, const std::vector<Array>& bounds,
                  const Stopping& stopping, const std::optional<Array>& scale, std::int64_t data,
                  double factor) {
  const std::int64_t n = fit.n();
  if (starts.k() != 1 || starts.n() != n || starts.args.size() + 1 != fit.inputs())
    throw py::value_error(
        "the fit does not fit what it is run on. This is a bug in thalweg; please report it");
  FitStart start{starts.x.data(), {nullptr}, bounds_of(bounds, n), scale ? scale->data() : nullptr,
                 factor,          data};
  for (const Array& a : starts.args) start.values.push_back(a.data());
  Array x(n), covariance({n, n});
  py::array_t<bool> loose(n);
  const FitRoom room{x.mutable_data(), covariance.mutable_data(), loose.mutable_data()};
  const auto interrupted = [] {
    const py::gil_scoped_acquire gil;
    return PyErr_CheckSignals() != 0;
  };
  std::optional<Fitted> end;
  {
    const py::gil_scoped_release nogil;
    end = fit.run(start, stopping, room, interrupted);
  }
  if (!end) throw py::error_already_set();
  return py::make_tuple(x, covariance, end->found.rank, end->found.least, loose, end->cost,
                        static_cast<int>(end->reason), end->left, end->right, end->evaluations,
                        end->iterations);
}

}  // namespace

void bind_fit(py::module_& m) {
  m.def("covariance", &covariance_of, py::arg("columns"), py::arg("held") = py::none(),
        py::arg("cost") = 0.0, py::arg("data") = 0,
        "The inverse of J'J from J's columns (n, m), NaN for held columns, scaled by the residual "
        "variance of a fit with this cost and number of data (0: not scaled). Returns it, the rank "
        "(-1 without degrees of freedom), the last pivot, and which columns are dependent.");
  m.def("covariances", &covariances_of, py::arg("columns"), py::arg("held"), py::arg("costs"),
        py::arg("data"),
        "The same for k fits, from columns (k, n, m): covariances (k, n, n), the last pivots (k,), "
        "and which columns are dependent (k, n).");
  m.def("refine", &refined, py::arg("x"), py::arg("bounds"), py::arg("budget"), py::arg("at"),
        "Least squares by QR of J from x; at(x) returns (cost, residuals, J's columns (n, m)). "
        "Returns (x, cost, settled, left, right, nfev, nit).");
  m.def("refine_many", &refined_many, py::arg("x"), py::arg("bounds"), py::arg("budgets"),
        py::arg("at"),
        "The same for k fits, from x (k, n), with a budget of each; at(which (a,), x (a, n)) "
        "returns costs (a,), residuals (a, m) and J's columns (a, n, m). Returns arrays.");
  py::class_<Fit, std::shared_ptr<Fit>>(m, "Fit", "Least squares of traced residuals.")
      .def(py::init(&fit_of), py::arg("graph"), py::arg("residuals"), py::arg("x"),
           py::arg("inputs"))
      .def("run", &run_fit, py::arg("starts"), py::arg("bounds"), py::arg("stopping"),
           py::arg("scale"), py::arg("data"), py::arg("factor") = 1.0,
           "(x, covariance, rank, pivot, dependent, cost, reason, left, right, nfev, nit); cost "
           "and data scale the covariance as in `covariance`.");
}
