// SPDX-License-Identifier: BSD-3-Clause
// What fits say of their parameters.
#include <optional>

#include "bind.hpp"
#include "thalweg/covariance.hpp"

void bind_fit(py::module_& m) {
  m.def(
      "covariance",
      [](const Array& columns,
         const std::optional<py::array_t<bool, py::array::c_style | py::array::forcecast>>& held) {
        if (columns.ndim() != 2 || (held && held->size() != columns.shape(0)))
          throw py::value_error(
              "the Jacobian must be (n, m). This is a bug in thalweg; please report it");
        const py::ssize_t n = columns.shape(0), rows = columns.shape(1);
        std::vector<double> copy(columns.data(), columns.data() + n * rows);
        Array out({n, n});
        const std::int64_t rank = thalweg::covariance(
            copy.data(), n, rows, held ? held->data() : nullptr, out.mutable_data());
        return py::make_tuple(out, rank);
      },
      py::arg("columns"), py::arg("held") = py::none(),
      "The inverse of J'J from J's columns (n, m), NaN where they are held; and their rank.");
}
