// SPDX-License-Identifier: BSD-3-Clause
// Binds descents by ask and tell.
#include "dialogue.hpp"

using namespace thalweg;

template <class F> void Dialogue::each_live(F f) const {
  for (std::size_t l = 0; l < question_.start.size(); ++l)
    if (question_.start[l] >= 0) f(question_.start[l], static_cast<std::int64_t>(l));
}

const char* name_of(Needs needs) {
  switch (needs) {
    case Needs::Value:
      return "value";
    case Needs::Gradient:
      return "gradient";
    case Needs::Normal:
    case Needs::Hessian:
      return "hessian";
    default:
      return "hessian_vector";
  }
}

py::object Dialogue::ask() {
  const auto lock = locked(mutex_);
  const std::int64_t k = x_.shape(0), n = x_.shape(1);
  for (std::int64_t i = 0; i < k; ++i)
    if (outcome_.endings.reason[i] >= 0)
      std::copy_n(outcome_.endings.last_x + i * n, n, x_.mutable_data() + i * n);
  open_ = descent_->ask(question_);
  if (!open_) return py::none();
  using Flags = py::array_t<bool>;
  Flags live(k), values(k), curvature(k);
  for (Flags* flags : {&live, &values, &curvature}) std::fill_n(flags->mutable_data(), k, false);
  const bool products = needs_ == Needs::HessianVector;
  Array v(products ? std::vector<py::ssize_t>{k, n} : std::vector<py::ssize_t>{0, 0});
  std::fill_n(v.mutable_data(), v.size(), 0.0);
  each_live([&](std::int64_t i, std::int64_t l) {
    const bool curved =
        question_.asks && question_.asks[l] == static_cast<double>(Wants::Curvature);
    live.mutable_at(i) = true;
    values.mutable_at(i) = !curved;
    curvature.mutable_at(i) = curved;
    for (std::int64_t j = 0; j < n; ++j) {
      x_.mutable_at(i, j) = question_.x[j * question_.stride + l];
      if (products) v.mutable_at(i, j) = question_.v[j * question_.stride + l];
    }
  });
  return py::make_tuple(Array(py::array(x_).attr("copy")()), live, values, curvature,
                        products ? py::object(v) : py::object(py::none()));
}

void Dialogue::tell(const Array& f, const std::optional<Array>& g, const std::optional<Array>& h) {
  const auto lock = locked(mutex_);
  if (!open_)
    throw std::runtime_error("tell() was called before ask(), or after every descent had ended");
  const std::int64_t n = x_.shape(1);
  each_live([&](std::int64_t i, std::int64_t l) {
    const auto put = [&](double* to, const double* from, std::int64_t count) {
      for (std::int64_t j = 0; j < count; ++j) to[j * question_.stride + l] = from[i * count + j];
    };
    put(question_.f, f.data(), 1);
    if (g) put(question_.g, g->data(), n);
    if (h && question_.h) put(question_.h, h->data(), h->size() / x_.shape(0));
  });
  open_ = false;
  const py::gil_scoped_release nogil;
  descent_->tell();
}

py::dict Dialogue::endings() const {
  const auto lock = locked(mutex_);
  const auto copy = [](const py::array& a) { return a.attr("copy")(); };
  py::dict out;
  out["x"] = copy(outcome_.x), out["fun"] = copy(outcome_.fun);
  out["reason"] = copy(outcome_.reason), out["nit"] = copy(outcome_.iterations);
  out["nfev"] = copy(outcome_.evaluations);
  return out;
}

void bind_dialogue(py::module_& m) {
  m.def(
      "reasons",
      [] {
        const auto names = reason_names();
        return std::vector<std::string>(names.begin(), names.end());
      },
      "The names of the reasons for which descents end, by number.");
  py::class_<Dialogue>(m, "Dialogue", "Descents whose values come from elsewhere.")
      .def_property_readonly("needs", &Dialogue::needs)
      .def("ask", &Dialogue::ask,
           "Returns (x, live, values, curvature, v or None), or None once every descent has ended.")
      .def("tell", &Dialogue::tell, py::arg("f"), py::arg("g"), py::arg("h"))
      .def("endings", &Dialogue::endings, "x, fun, reason, nit, nfev of those that have ended.");
}
