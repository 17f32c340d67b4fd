// SPDX-License-Identifier: BSD-3-Clause
// Binds the rules, which run with the GIL released.
#include <optional>

#include "answer.hpp"
#include "dialogue.hpp"
#include "rule.hpp"
#include "thalweg/descent/rule_tapes.hpp"

using namespace thalweg;

namespace {

py::list describe_rules() {
  py::list out;
  for (const Rule& r : all_rules()) {
    py::list memory;
    for (const rules::Memory& s : r.memory)
      memory.append(py::make_tuple(s.name, s.initial, s.per_variable, s.from_hyper));
    py::dict d;
    d["name"] = r.name;
    d["class_name"] = r.class_name;
    d["summary"] = r.summary;
    d["source"] = r.source;
    d["hyper"] = describe_hyper(r.hyper);
    d["memory"] = memory;
    d["needs"] = name_of(Needs::Gradient);
    out.append(d);
  }
  return out;
}

std::vector<Setting> settings_of(Graph& g, const Settings& hyper) {
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

const Rule& rule_named(const std::string& name) {
  if (const Rule* r = find_rule(name)) return *r;
  throw py::value_error("no rule '" + name + "'");
}

// A rule on one objective.
class Stepper {
 public:
  Stepper(const std::string& rule, const Objective& objective, const StepParts& parts,
          const Settings& hyper)
      : tapes_(tapes_of(rule, objective, parts, hyper)) {}

  py::dict run(const StartArrays& starts, const std::vector<Array>& hyper,
               const std::vector<Array>& bounds, const Stopping& stopping, const Hooks& hooks,
               bool remember) {
    Outcome outcome(starts.k(), starts.n());
    outcome.endings.curvatures = nullptr;  // zeros, whose pages are not touched
    if (stopping.count_rises) outcome.count_rises();
    Conversation talk(hooks, starts.n());
    descend_from(starts, hyper, bounds, stopping, hooks, remember, outcome, talk);
    return outcome.as_dict(talk);
  }

  // Descends from each start, and writes the endings to an `Outcome` or `Answer`.
  template <class To>
  void descend_from(const StartArrays& starts, const std::vector<Array>& hyper,
                    const std::vector<Array>& bounds, const Stopping& stopping, const Hooks& hooks,
                    bool remember, To& to, Conversation& talk) {
    check_tests(stopping);
    const RuleRun run = tapes_.run(starts.k(), starts.x.data(), inputs_of(starts, hyper, bounds));
    const Step& step = tapes_.step();
    bool begin = true;
    for (std::size_t m = 0; remember && m < step.memory.size(); ++m)
      begin &= to.remember(starts.k(), step.remembered(m), [&] { return talk.interrupted(); });
    const Watch watch = talk.watch();
    const Kernels& isa = kernels();
    NotBegun rest{.from = starts.k()};
    if (begin) {
      const py::gil_scoped_release nogil;
      const Program& p = tapes_.program(run, isa.width);
      if (hooks.function.is_none()) {
        rest = descend(p, step, isa, run.starts, stopping, to.endings, watch);
      } else {
        Descent descent(p, step, {isa}, run.starts, stopping, to.endings, watch);
        talk.drive(descent);
      }
    }
    to.not_begun(starts.x, rest, [&](std::int64_t i) {
      for (std::size_t m = 0; m < to.memory.size(); ++m)
        tapes_.first_memory(run, m, i, to.endings.memory[m] + i * step.remembered(m));
    });
  }

  const Step& step() const { return tapes_.step(); }

  // A descent that gets its values from Python by ask and tell.
  std::unique_ptr<Dialogue> start(const StartArrays& starts, const std::vector<Array>& hyper,
                                  const std::vector<Array>& bounds, const Stopping& stopping) {
    struct Kept {
      StartArrays starts;
      std::vector<Array> hyper, bounds;
      RuleRun run;
    };
    auto kept = std::make_shared<Kept>(Kept{starts, hyper, bounds, {}});
    kept->run = tapes_.run(starts.k(), starts.x.data(), inputs_of(starts, hyper, bounds));
    const Program& p = program_of(kept->run);
    const Machine machine{kernels(), starts.k() > kernels().width && fits_wide(p, kernels())};
    return std::make_unique<Dialogue>(starts.x, Needs::Gradient, kept, [&](const Endings& endings) {
      return std::make_unique<Descent>(p, tapes_.step(), machine, kept->run.starts, stopping,
                                       endings, Watch{});
    });
  }

 private:
  static RuleTapes tapes_of(const std::string& rule, const Objective& objective,
                            const StepParts& parts, const Settings& hyper) {
    const auto hold = held(*objective.graph);
    return RuleTapes(rule_named(rule), objective, parts, settings_of(*objective.graph, hyper));
  }
  void check_tests(const Stopping& stopping) const {
    const StepLayout& at = tapes_.step().at;
    if ((stopping.gtol > 0 && at.gradient_norm < 0) || (stopping.xtol > 0 && at.change < 0))
      throw py::value_error("this step was built without the quantities that gtol or xtol test");
  }

  RuleInputs inputs_of(const StartArrays& starts, const std::vector<Array>& hyper,
                       const std::vector<Array>& bounds) const {
    const Step& step = tapes_.step();
    if (starts.n() != step.n || starts.args.size() != static_cast<std::size_t>(tapes_.args()) ||
        starts.memory.size() > step.memory.size() ||
        hyper.size() != static_cast<std::size_t>(step.at.hyper_inputs) ||
        (step.at.lower >= 0) == bounds.empty())
      throw py::value_error(
          "the step does not fit what it is run on. This is a bug in thalweg; please report it");
    RuleInputs inputs;
    for (std::size_t j = 0; j < starts.args.size(); ++j)
      inputs.args.push_back({starts.args[j].data(), starts.varying[j]});
    for (const Array& h : hyper)
      inputs.hyper.push_back({h.data(), starts.k() > 1 && h.size() == starts.k()});
    inputs.bounds = bounds_of(bounds, step.n);
    for (std::size_t m = 0; m < starts.memory.size(); ++m)
      inputs.memory.push_back(memory_of(starts, m, starts.k() * step.remembered(m)));
    return inputs;
  }
  static const double* memory_of(const StartArrays& starts, std::size_t m, std::int64_t size) {
    const std::optional<Array>& first = starts.memory[m];
    if (first && first->size() != size)
      throw py::value_error("memory " + std::to_string(m) + " must hold " + std::to_string(size) +
                            " numbers, got " + std::to_string(first->size()));
    return first ? first->data() : nullptr;
  }
  const Program& program_of(const RuleRun& run) {
    const py::gil_scoped_release nogil;
    return tapes_.program(run, kernels().width);
  }

  RuleTapes tapes_;
};

// A rule on one objective with its settings.
class BoundStepper final : public Bound {
 public:
  BoundStepper(std::shared_ptr<Stepper> stepper, std::vector<Array> hyper,
               std::vector<Array> bounds, const Stopping& stopping,
               std::shared_ptr<Function> gradient)
      : Bound(std::move(gradient), stopping.threads),
        stepper_(std::move(stepper)),
        hyper_(std::move(hyper)),
        bounds_(std::move(bounds)),
        stopping_(stopping) {}

 private:
  void run(StartArrays& start, const Hooks& hooks, Answer& answer, Conversation& talk) override {
    stepper_->descend_from(start, hyper_, bounds_, stopping_, hooks, true, answer, talk);
  }

  const std::shared_ptr<Stepper> stepper_;
  const std::vector<Array> hyper_, bounds_;
  const Stopping stopping_;
};

void bind_stepper(py::module_& m) {
  py::class_<Stepper, std::shared_ptr<Stepper>>(m, "Stepper", "A rule on one objective.")
      .def(py::init<const std::string&, const Objective&, const StepParts&, const Settings&>(),
           py::arg("rule"), py::arg("objective"), py::arg("parts"), py::arg("hyper") = Settings{},
           "hyper: how each hyper-parameter, then each option, enters: the number of its inputs, "
           "and None or a function from the nodes of t and of the inputs to its node.")
      .def_property_readonly(
          "outputs", [](const Stepper& s) { return s.step().outputs; },
          "The step's nodes in its graph: value, next point, memory, tests.")
      .def("run", &Stepper::run, py::arg("starts"), py::arg("hyper"), py::arg("bounds"),
           py::arg("stopping"), py::arg("hooks") = Hooks{}, py::arg("remember") = false,
           "Descends from many starts, shared by threads; returns where and why each ended, and "
           "the method's memory if it is to remember it.")
      .def(
          "bound",
          [](const std::shared_ptr<Stepper>& s, std::vector<Array> hyper, std::vector<Array> bounds,
             const Stopping& stopping,
             std::shared_ptr<Function> gradient) -> std::unique_ptr<Bound> {
            return std::make_unique<BoundStepper>(s, std::move(hyper), std::move(bounds), stopping,
                                                  std::move(gradient));
          },
          py::arg("hyper"), py::arg("bounds"), py::arg("stopping"),
          py::arg("gradient") = py::none(),
          "With these settings, for descents from single starts, which remember their state.")
      .def("start", &Stepper::start, py::keep_alive<0, 1>(), py::arg("starts"), py::arg("hyper"),
           py::arg("bounds"), py::arg("stopping"));
}

}  // namespace

Step step_of(const std::string& rule, const Objective& objective, const StepParts& parts,
             const Settings& hyper) {
  const auto hold = held(*objective.graph);
  return build_step(rule_named(rule), objective, parts, settings_of(*objective.graph, hyper));
}

void bind_rule(py::module_& m) {
  m.def("rules", &describe_rules,
        "Every rule: name, class name, hyper-parameters (name, default or None, meaning, bounds, "
        "open), memory, what it needs at a point.");
  m.def(
      "options", [] { return describe_hyper(options()); },
      "The options of every rule besides its own hyper-parameters, in the same form, with default "
      "None.");
  py::class_<StepParts>(m, "StepParts", "What a step computes besides the next point.")
      .def(py::init([](bool bounds, bool gradient_norm, bool change, bool value) {
             return StepParts{bounds, gradient_norm, change, value};
           }),
           py::arg("bounds") = false, py::arg("gradient_norm") = false, py::arg("change") = false,
           py::arg("value") = false);
  bind_stepper(m);
}
