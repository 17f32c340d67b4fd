// SPDX-License-Identifier: BSD-3-Clause
// Binds Starts and Hooks.
#include "starts.hpp"

using namespace thalweg;

StartArrays::StartArrays(Array points, std::vector<Array> given, std::vector<bool> by_start,
                         std::vector<std::optional<Array>> begun)
    : x(std::move(points)),
      args(std::move(given)),
      varying(std::move(by_start)),
      memory(std::move(begun)) {
  if (varying.empty()) varying.resize(args.size(), false);
  if (x.ndim() != 2 || varying.size() != args.size())
    throw py::value_error(
        "starts must be (k, n), and each of args vary or not. This is a bug in thalweg; please "
        "report it");
}

Bounds bounds_of(const std::vector<Array>& bounds, std::int64_t n, std::int64_t k) {
  if (bounds.empty()) return {};
  const auto each = [&](std::int64_t size) {
    return bounds.size() == 2 && bounds[0].size() == size && bounds[1].size() == size;
  };
  if (!each(n) && !each(k * n))
    throw py::value_error(
        "the bounds must be (n), or (k, n). This is a bug in thalweg; please report it");
  return {bounds[0].data(), bounds[1].data(), !each(n)};
}

void bind_starts(py::module_& m) {
  using Arrays = std::vector<Array>;
  using Memory = std::vector<std::optional<Array>>;
  py::class_<StartArrays>(m, "Starts", "Where descents begin, and what their objective is given.")
      .def(py::init<Array, Arrays, std::vector<bool>, Memory>(), py::arg("x"),
           py::arg("args") = Arrays{}, py::arg("varying") = std::vector<bool>{},
           py::arg("memory") = Memory{},
           "x: (k, n). args: the objective's inputs after x, with one row per start if they are "
           "`varying` (by default none are). memory: (k, size) each, or None.");
  py::class_<Hooks>(m, "Hooks", "What a running descent records, and what it calls.")
      .def(py::init([](bool record, py::object callback, py::object function, py::object progress) {
             return Hooks{record, std::move(callback), std::move(function), std::move(progress)};
           }),
           py::kw_only(), py::arg("record") = false, py::arg("callback") = py::none(),
           py::arg("function") = py::none(), py::arg("progress") = py::none());
}
