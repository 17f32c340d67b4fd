// SPDX-License-Identifier: BSD-3-Clause
// Binds the stopping limits as one object: created by keyword, read by name, passed to every run.
#include "bind.hpp"
#include "thalweg/descent/block.hpp"

using namespace thalweg;

namespace {

// Calls f(name, member) for each limit that users set, then for each other field: the only list of
// their names.
template <class F> void each_limit(F f) {
  f("gtol", &Stopping::gtol);
  f("xtol", &Stopping::xtol);
  f("ftol", &Stopping::ftol);
  f("max_iter", &Stopping::max_iter);
  f("max_nfev", &Stopping::max_nfev);
  f("max_time", &Stopping::max_time);
}
template <class F> void each_field(F f) {
  each_limit(f);
  f("threads", &Stopping::threads);
  f("count_rises", &Stopping::count_rises);
}

Stopping with(Stopping stopping, const py::kwargs& changes) {
  for (const auto& [key, value] : changes) {
    const auto name = key.cast<std::string>();
    bool known = false;
    each_field([&](const char* field, auto member) {
      if (name != field) return;
      using Value = std::remove_cvref_t<decltype(stopping.*member)>;
      stopping.*member = py::handle(value).cast<Value>();
      known = true;
    });
    if (!known) throw py::type_error("Stopping has no '" + name + "'");
  }
  return stopping;
}

}  // namespace

void bind_stopping(py::module_& m) {
  const Stopping own;
  py::class_<Stopping> bound(m, "Stopping",
                             "When descents stop, and how many threads share them. A tolerance of "
                             "0 switches its test off.");
  bound.def(py::init([](double gtol, double xtol, double ftol, std::int64_t max_iter,
                        std::int64_t max_nfev, double max_time, int threads, bool count_rises) {
              return Stopping{gtol, xtol, ftol, max_iter, max_nfev, max_time, threads, count_rises};
            }),
            py::kw_only(), py::arg("gtol") = own.gtol, py::arg("xtol") = own.xtol,
            py::arg("ftol") = own.ftol, py::arg("max_iter") = own.max_iter,
            py::arg("max_nfev") = own.max_nfev, py::arg("max_time") = own.max_time,
            py::arg("threads") = own.threads, py::arg("count_rises") = own.count_rises);
  bound.def("replace", &with, "A copy in which what is named has other values.");
  each_field([&](const char* name, auto member) { bound.def_readonly(name, member); });
  py::list limits;
  each_limit([&](const char* name, auto) { limits.append(name); });
  bound.attr("limits") = py::tuple(limits);
}
