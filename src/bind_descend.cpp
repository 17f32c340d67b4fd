// SPDX-License-Identifier: BSD-3-Clause
// The methods, and running a descent with the GIL released.
#include <exception>
#include <optional>

#include "bind.hpp"
#include "thalweg/descend.hpp"

using namespace thalweg;

namespace {

py::list describe(std::span<const rules::Hyper> hyper) {
  py::list out;
  for (const rules::Hyper& h : hyper)
    out.append(py::make_tuple(
        h.name, h.value == h.value ? py::object(py::float_(h.value)) : py::object(py::none()),
        h.meaning,
        py::make_tuple(h.accepted.lower, h.accepted.upper, h.accepted.lower_open,
                       h.accepted.upper_open)));
  return out;
}

py::list describe_methods() {
  py::list out;
  for (const Method& m : methods()) {
    py::list memory;
    for (const rules::Memory& s : m.memory)
      memory.append(py::make_tuple(s.name, s.initial, s.per_variable, s.from_hyper));
    py::dict d;
    d["name"] = m.name;
    d["class_name"] = m.class_name;
    d["summary"] = m.summary;
    d["source"] = m.source;
    d["hyper"] = describe(m.hyper);
    d["memory"] = memory;
    out.append(d);
  }
  return out;
}

// Python's side of a running descent: callbacks, signals, and the exception that one of them
// raised.
class Conversation {
 public:
  Conversation(py::object callback, py::object function, bool record, std::int64_t n)
      : callback_(std::move(callback)), function_(std::move(function)), record_(record), n_(n) {}

  bool interrupted() {
    const py::gil_scoped_acquire gil;
    return guarded([] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return false;
    });
  }
  bool report(const Report& r) {
    if (error_) return true;
    if (record_) {
      for (std::int64_t i = 0; i < n_; ++i) xs_.push_back(r.x[i * r.stride]);
      fs_.push_back(r.f[0]);
      norms_.push_back(r.gradient_norm ? r.gradient_norm[0] : NAN);
    }
    if (callback_.is_none() || r.iteration == 0) return false;
    const py::gil_scoped_acquire gil;
    return guarded([&] {
      Array x(std::vector<py::ssize_t>{n_});
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = r.x[i * r.stride];
      return callback_(r.iteration, x, r.f[0], r.gradient_norm ? r.gradient_norm[0] : NAN)
          .cast<bool>();
    });
  }
  // Asks the user's function; NaN where it fails, and the exception ends the descent at the next
  // review.
  void answer(const Question& q) {
    const py::gil_scoped_acquire gil;
    for (std::size_t l = 0; l < q.start.size(); ++l) {
      if (q.start[l] < 0) continue;
      Array x(std::vector<py::ssize_t>{n_}), g(std::vector<py::ssize_t>{n_});
      const auto at = [&](std::int64_t i) { return i * q.stride + static_cast<std::int64_t>(l); };
      for (std::int64_t i = 0; i < n_; ++i) x.mutable_at(i) = q.x[at(i)];
      guarded([&] {
        if (error_) return true;
        const py::tuple fg = function_(x);
        q.f[l] = fg[0].cast<double>();
        g = fg[1].cast<Array>();
        if (g.size() != n_)
          throw py::value_error("jac must return " + std::to_string(n_) + " values, got " +
                                std::to_string(g.size()));
        return false;
      });
      if (error_) q.f[l] = NAN;
      else
        for (std::int64_t i = 0; i < n_; ++i) q.g[at(i)] = g.data()[i];
    }
  }
  bool listens() const { return !callback_.is_none(); }
  py::object error() const {
    if (!error_) return py::none();
    if (error_->trace()) PyException_SetTraceback(error_->value().ptr(), error_->trace().ptr());
    return error_->value();
  }
  py::object path() const {
    if (!record_) return py::none();
    const auto rows = static_cast<py::ssize_t>(fs_.size());
    Array x({rows, static_cast<py::ssize_t>(n_)}), f(rows), g(rows);
    std::copy(xs_.begin(), xs_.end(), x.mutable_data());
    std::copy(fs_.begin(), fs_.end(), f.mutable_data());
    std::copy(norms_.begin(), norms_.end(), g.mutable_data());
    return py::make_tuple(x, f, g);
  }

 private:
  // true: end the descent.
  template <class F> bool guarded(F f) {
    try {
      return f();
    } catch (py::error_already_set& e) {
      error_.emplace(e);
    } catch (const std::exception& e) {
      py::set_error(PyExc_ValueError, e.what());
      error_.emplace();
    }
    return true;
  }
  py::object callback_, function_;
  bool record_;
  std::int64_t n_;
  std::vector<double> xs_, fs_, norms_;
  std::optional<py::error_already_set> error_;
};

// One step of a method on one objective, lowered for each choice of what differs between lanes,
// once.
class Stepper {
 public:
  Stepper(const std::string& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
          int inputs, bool bounds, bool norm, bool change, bool value,
          const std::vector<std::pair<int, py::object>>& hyper)
      : method_(find(method)),
        step_(build_step(method_, graph, f, n, inputs, {bounds, norm, change, value},
                         settings_of(*graph, hyper))),
        inputs_(inputs),
        programs_(step_.graph, step_.outputs) {
    method_.memory = step_.memory;
  }

  py::dict run(const Array& x0, const std::vector<std::optional<Array>>& args,
               const std::vector<bool>& varying_args, const std::vector<Array>& hyper,
               const std::vector<Array>& bounds, const std::vector<std::optional<Array>>& memory,
               const Stopping& stopping, bool record, py::object callback, py::object function) {
    const std::int64_t k = x0.shape(0), n = step_.n;
    if (x0.ndim() != 2 || x0.shape(1) != n || args.size() != static_cast<std::size_t>(inputs_) ||
        varying_args.size() != args.size() || memory.size() != step_.memory.size() ||
        hyper.size() != static_cast<std::size_t>(step_.at.hyper_inputs) ||
        (step_.at.lower >= 0 && bounds.size() != 2))
      throw py::value_error(
          "the step does not fit what it is run on. This is a bug in thalweg; please report it");
    if ((stopping.gtol > 0 && step_.at.gradient_norm < 0) ||
        (stopping.xtol > 0 && step_.at.change < 0))
      throw py::value_error("this step was made without what gtol or xtol test");
    std::vector<bool> varying(static_cast<std::size_t>(step_.at.inputs), false);
    Starts starts{k, x0.data(), std::vector<const double*>(varying.size(), nullptr), {}};
    const auto bind = [&](int input, const Array& a, bool per_lane) {
      starts.values[static_cast<std::size_t>(input)] = a.data();
      varying[static_cast<std::size_t>(input)] = per_lane;
    };
    varying[0] = true;
    for (std::size_t j = 1; j < args.size(); ++j)
      bind(static_cast<int>(j), args[j].value(), varying_args[j]);
    for (std::size_t j = 0; j < hyper.size(); ++j)
      bind(step_.at.hyper + static_cast<int>(j), hyper[j], k > 1 && hyper[j].size() == k);
    if (step_.at.told_f >= 0)
      varying[static_cast<std::size_t>(step_.at.told_f)] =
          varying[static_cast<std::size_t>(step_.at.told_g)] = true;
    for (std::size_t m = 0; m < step_.memory.size(); ++m)
      varying[static_cast<std::size_t>(step_.at.memory) + m] = true;
    if (step_.at.lower >= 0)
      bind(step_.at.lower, bounds[0], false), bind(step_.at.upper, bounds[1], false);
    std::vector<std::optional<Array>> first = memory;  // none: the method's own number
    for (std::size_t m = 0; m < first.size(); ++m) {
      if (!first[m] && step_.initial[m] >= 0) first[m] = initial(m, k, hyper);
      starts.memory.push_back(first[m] ? first[m]->data() : nullptr);
    }

    Array x({k, n}), last_x({k, n}), fun(k), last_fun(k), left(k), right(k);
    py::array_t<std::int64_t> iterations(k);
    py::array_t<std::int8_t> reason(k);
    std::vector<Array> memory_out;
    Endings endings{x.mutable_data(),        last_x.mutable_data(),     fun.mutable_data(),
                    last_fun.mutable_data(), iterations.mutable_data(), reason.mutable_data(),
                    left.mutable_data(),     right.mutable_data(),      {}};
    for (const rules::Memory& m : step_.memory) {
      memory_out.emplace_back(std::vector<py::ssize_t>{k, m.per_variable ? n : 1});
      endings.memory.push_back(memory_out.back().mutable_data());
    }
    Conversation talk(std::move(callback), function, record, n);
    Watch watch;
    watch.interrupted = [&] { return talk.interrupted(); };
    if (record || !function.is_none() || talk.listens())
      watch.report = [&](const Report& r) { return talk.report(r); };
    const Kernels& isa = kernels();
    const Program& p = programs_.for_lanes(varying, isa.width, k);
    std::int64_t begun = 0;
    {
      const py::gil_scoped_release nogil;
      if (function.is_none()) {
        begun = descend(p, step_, method_, isa, starts, stopping, endings, watch);
      } else {
        Descent descent(p, step_, method_, isa, false, starts, stopping, endings, watch);
        Question q{};
        while (descent.ask(q)) {
          talk.answer(q);
          descent.tell();
        }
        begun = descent.begun();
      }
    }
    for (std::int64_t i = begun; i < k; ++i) {  // interrupted before they were begun
      std::copy_n(x0.data() + i * n, n, endings.x + i * n);
      std::copy_n(x0.data() + i * n, n, endings.last_x + i * n);
      for (std::size_t m = 0; m < first.size(); ++m) {
        const auto size = memory_out[m].size() / k;
        if (first[m]) std::copy_n(first[m]->data() + i * size, size, endings.memory[m] + i * size);
        else std::fill_n(endings.memory[m] + i * size, size, step_.memory[m].initial);
      }
      endings.fun[i] = endings.last_fun[i] = NAN;
      endings.iterations[i] = 0, endings.left[i] = endings.right[i] = 0;
      endings.reason[i] = static_cast<std::int8_t>(Reason::Interrupted);
    }
    py::dict out;
    out["x"] = x, out["last_x"] = last_x, out["fun"] = fun, out["last_fun"] = last_fun;
    out["nit"] = iterations, out["reason"] = reason, out["left"] = left, out["right"] = right;
    out["memory"] = memory_out, out["path"] = talk.path(), out["error"] = talk.error();
    return out;
  }

 private:
  static const Method& find(const std::string& name) {
    if (const Method* m = find_method(name)) return *m;
    throw py::value_error("no method '" + name + "'");
  }
  // Memory that begins as a hyper-parameter: a row a start.
  Array initial(std::size_t m, std::int64_t k, const std::vector<Array>& hyper) const {
    const Array& from = hyper[static_cast<std::size_t>(step_.initial[m] - step_.at.hyper)];
    const std::int64_t size = step_.memory[m].per_variable ? step_.n : 1;
    Array rows({k, size});
    for (std::int64_t i = 0; i < k; ++i)
      std::fill_n(rows.mutable_data() + i * size, size, from.data()[from.size() == k ? i : 0]);
    return rows;
  }
  Method method_;  // its memory as the step has it
  Step step_;
  int inputs_;
  Programs programs_;
};

}  // namespace

std::vector<Setting> settings_of(Graph& g, const std::vector<std::pair<int, py::object>>& hyper) {
  std::vector<Setting> out;
  for (const auto& [inputs, function] : hyper) {
    out.push_back({inputs});
    if (!function.is_none())
      out.back().formula = [&g, &function](Expr t, std::span<const Expr> parameters) {
        std::vector<NodeId> nodes;
        for (const Expr& p : parameters) nodes.push_back(p.in(g));
        return Expr(g, function(t.in(g), nodes).cast<NodeId>());
      };
  }
  return out;
}

void bind_descend(py::module_& m) {
  m.def("methods", &describe_methods,
        "Every method: name, class name, hyper-parameters (name, default or None, meaning, bounds, "
        "open), memory.");
  m.def(
      "options", [] { return describe(options()); },
      "What every rule takes besides its own hyper-parameters: as these, the default None.");
  py::class_<Stepper, std::shared_ptr<Stepper>>(m, "Stepper",
                                                "One step of a method on one objective.")
      .def(py::init<const std::string&, std::shared_ptr<Graph>, NodeId, std::int64_t, int, bool,
                    bool, bool, bool, const std::vector<std::pair<int, py::object>>&>(),
           py::arg("method"), py::arg("graph"), py::arg("f"), py::arg("n"), py::arg("inputs"),
           py::arg("bounds"), py::arg("gradient_norm"), py::arg("change"), py::arg("value"),
           py::arg("hyper") = std::vector<std::pair<int, py::object>>{},
           "hyper: how each hyper-parameter, then each option, enters: the number of its inputs, "
           "and None or what makes its node from those of t and of the inputs.")
      .def(
          "run",
          [](Stepper& s, const Array& x0, const std::vector<std::optional<Array>>& args,
             const std::vector<bool>& varying, const std::vector<Array>& hyper,
             const std::vector<Array>& bounds, const std::vector<std::optional<Array>>& memory,
             double gtol, double xtol, double ftol, std::int64_t max_iter, std::int64_t max_nfev,
             double max_time, bool record, py::object callback, py::object function, int threads) {
            return s.run(x0, args, varying, hyper, bounds, memory,
                         {gtol, xtol, ftol, max_iter, max_nfev, max_time, threads}, record,
                         std::move(callback), std::move(function));
          },
          py::arg("x0"), py::arg("args"), py::arg("varying"), py::arg("hyper"), py::arg("bounds"),
          py::arg("memory"), py::arg("gtol"), py::arg("xtol"), py::arg("ftol"), py::arg("max_iter"),
          py::arg("max_nfev"), py::arg("max_time"), py::arg("record"), py::arg("callback"),
          py::arg("function"), py::arg("threads") = 1);
}
