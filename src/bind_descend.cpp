// SPDX-License-Identifier: BSD-3-Clause
// The methods, and running a descent with the GIL released.
#include <optional>

#include "dialogue.hpp"

using namespace thalweg;

namespace {

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
    d["hyper"] = describe_hyper(m.hyper);
    d["memory"] = memory;
    out.append(d);
  }
  return out;
}

// One step of a method on one objective, lowered for each choice of what differs between lanes,
// once.
class Stepper {
 public:
  Stepper(const std::string& method, std::shared_ptr<Graph> graph, NodeId f, std::int64_t n,
          int inputs, bool bounds, bool norm, bool change, bool value,
          const std::vector<std::pair<int, py::object>>& hyper)
      : method_(method_named(method)),
        step_(step_of(method_, graph, f, n, inputs, {bounds, norm, change, value}, hyper)),
        inputs_(inputs),
        programs_(step_.graph, step_.outputs) {
    method_.memory = step_.memory;
  }

  py::dict run(const Array& x0, const std::vector<std::optional<Array>>& args,
               const std::vector<bool>& varying_args, const std::vector<Array>& hyper,
               const std::vector<Array>& bounds, const std::vector<std::optional<Array>>& memory,
               const Stopping& stopping, bool record, py::object callback, py::object function,
               const Throng& throng = {}) {
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
    const auto [varying, starts, first] = prepared(x0, args, varying_args, hyper, bounds, memory);
    Outcome outcome(k, n);
    if (stopping.count_rises) outcome.count_rises();
    Conversation talk(std::move(callback), function, record, n, throng.progress);
    bool begin = true;
    if (!throng.many)
      for (std::size_t m = 0; m < step_.memory.size(); ++m)
        begin &= outcome.remember(step_.remembered(m), [&] { return talk.interrupted(); });
    const Watch watch = talk.watch();
    const Kernels& isa = kernels();
    NotBegun rest{.from = k};
    if (begin) {
      const py::gil_scoped_release nogil;
      const Program& p = programs_.for_lanes(varying, isa.width, k);
      if (function.is_none()) {
        rest = descend(p, step_, method_, isa, starts, stopping, outcome.endings, watch);
      } else {
        Descent descent(p, step_, method_, isa, false, starts, stopping, outcome.endings, watch);
        talk.drive(descent);
      }
    }
    outcome.not_begun(x0, rest, [&](std::int64_t i) {
      for (std::size_t m = 0; m < outcome.memory.size(); ++m) {
        const auto size = outcome.memory[m].size() / k;
        double* to = outcome.endings.memory[m] + i * size;
        if (first[m]) std::copy_n(first[m]->data() + i * size, size, to);
        else std::fill_n(to, size, step_.memory[m].initial);
      }
    });
    return outcome.told(talk);
  }

  // Told from Python.
  std::unique_ptr<Dialogue> start(const Array& x0, const std::vector<Array>& hyper,
                                  const std::vector<Array>& bounds,
                                  const std::vector<std::optional<Array>>& memory,
                                  const Stopping& stopping) {
    const auto [varying, starts, first] =
        prepared(x0, {std::nullopt}, {true}, hyper, bounds, memory);
    std::vector<Array> kept = hyper;
    kept.insert(kept.end(), bounds.begin(), bounds.end());
    for (const auto& m : first)
      if (m) kept.push_back(*m);
    const Program& p = program_of(varying, x0.shape(0));
    const bool wide = x0.shape(0) > kernels().width && fits_wide(p, kernels());
    return std::make_unique<Dialogue>(
        x0, Needs::Gradient, std::move(kept), [&, &starts = starts](const Endings& endings) {
          return std::make_unique<Descent>(p, step_, method_, kernels(), wide, starts, stopping,
                                           endings, Watch{});
        });
  }

  std::size_t memories() const { return step_.memory.size(); }
  const std::vector<NodeId>& outputs() const { return step_.outputs; }

 private:
  // What differs between lanes, what every start begins with, and the memory behind it.
  struct Prepared {
    std::vector<bool> varying;
    Starts starts;
    std::vector<std::optional<Array>> first;
  };
  Prepared prepared(const Array& x0, const std::vector<std::optional<Array>>& args,
                    const std::vector<bool>& varying_args, const std::vector<Array>& hyper,
                    const std::vector<Array>& bounds,
                    const std::vector<std::optional<Array>>& memory) const {
    std::vector<bool> varying(static_cast<std::size_t>(step_.at.inputs), false);
    const std::int64_t k = x0.shape(0);
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
      const std::int64_t size = k * step_.remembered(m);
      if (first[m] && first[m]->size() != size)
        throw py::value_error("memory " + std::to_string(m) + " must hold " + std::to_string(size) +
                              " numbers, got " + std::to_string(first[m]->size()));
      if (!first[m] && step_.initial[m] >= 0) first[m] = initial(m, k, hyper);
      starts.memory.push_back(first[m] ? first[m]->data() : nullptr);
    }
    return {std::move(varying), std::move(starts), std::move(first)};
  }
  const Program& program_of(const std::vector<bool>& varying, std::int64_t k) {
    const py::gil_scoped_release nogil;
    return programs_.for_lanes(varying, kernels().width, k);
  }
  // Memory that begins as a hyper-parameter: a row a start.
  Array initial(std::size_t m, std::int64_t k, const std::vector<Array>& hyper) const {
    const Array& from = hyper[static_cast<std::size_t>(step_.initial[m] - step_.at.hyper)];
    const std::int64_t size = step_.remembered(m);
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

py::list describe_hyper(std::span<const rules::Hyper> hyper) {
  py::list out;
  for (const rules::Hyper& h : hyper)
    out.append(py::make_tuple(
        h.name, h.value == h.value ? py::object(py::float_(h.value)) : py::object(py::none()),
        h.meaning,
        py::make_tuple(h.accepted.lower, h.accepted.upper, h.accepted.lower_open,
                       h.accepted.upper_open),
        h.whole));
  return out;
}

const Method& method_named(const std::string& name) {
  if (const Method* m = find_method(name)) return *m;
  throw py::value_error("no method '" + name + "'");
}

namespace {

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

}  // namespace

Step step_of(const Method& method, const std::shared_ptr<Graph>& graph, NodeId f, std::int64_t n,
             int inputs, const StepParts& parts,
             const std::vector<std::pair<int, py::object>>& hyper) {
  const auto hold = held(*graph);
  return build_step(method, graph, f, n, inputs, parts, settings_of(*graph, hyper));
}

void bind_descend(py::module_& m) {
  m.def("methods", &describe_methods,
        "Every method: name, class name, hyper-parameters (name, default or None, meaning, bounds, "
        "open), memory.");
  m.def(
      "options", [] { return describe_hyper(options()); },
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
      .def_property_readonly("outputs", &Stepper::outputs,
                             "The step's nodes in its graph: value, next point, memory, tests.")
      .def(
          "run",
          [](Stepper& s, const Array& x0, const std::vector<std::optional<Array>>& args,
             const std::vector<bool>& varying, const std::vector<Array>& hyper,
             const std::vector<Array>& bounds, const std::vector<std::optional<Array>>& memory,
             const Stopping& stopping, bool record, py::object callback, py::object function) {
            return s.run(x0, args, varying, hyper, bounds, memory, stopping, record,
                         std::move(callback), std::move(function));
          },
          py::arg("x0"), py::arg("args"), py::arg("varying"), py::arg("hyper"), py::arg("bounds"),
          py::arg("memory"), py::arg("stopping"), py::arg("record"), py::arg("callback"),
          py::arg("function"))
      .def(
          "run_many",
          [](Stepper& s, const Array& x0, const std::vector<std::optional<Array>>& args,
             const std::vector<bool>& varying, const std::vector<Array>& hyper,
             const std::vector<Array>& bounds, const Stopping& stopping, py::object progress) {
            return s.run(x0, args, varying, hyper, bounds,
                         std::vector<std::optional<Array>>(s.memories()), stopping, false,
                         py::none(), py::none(), {true, std::move(progress)});
          },
          py::arg("x0"), py::arg("args"), py::arg("varying"), py::arg("hyper"), py::arg("bounds"),
          py::arg("stopping"), py::arg("progress") = py::none(),
          "Many starts, shared by threads: where and why each ended, without memory.")
      .def(
          "start",
          [](Stepper& s, const Array& x0, const std::vector<Array>& hyper,
             const std::vector<Array>& bounds, const std::vector<std::optional<Array>>& memory,
             const Stopping& stopping) { return s.start(x0, hyper, bounds, memory, stopping); },
          py::keep_alive<0, 1>(), py::arg("x0"), py::arg("hyper"), py::arg("bounds"),
          py::arg("memory"), py::arg("stopping"));
}
