// SPDX-License-Identifier: BSD-3-Clause
// Binds the solvers, which run with the GIL released.
#include "answer.hpp"
#include "dialogue.hpp"
#include "thalweg/descent/solver_tapes.hpp"

using namespace thalweg;

namespace {

py::list describe_solvers() {
  py::list out;
  for (const Solver& s : all_solvers()) {
    py::dict d;
    d["name"] = s.name;
    d["class_name"] = s.class_name;
    d["summary"] = s.summary;
    d["source"] = s.source;
    d["hyper"] = describe_hyper(s.hyper);
    d["needs"] = name_of(s.needs);
    d["squares"] = s.needs == Needs::Normal;
    d["matrices"] = matrices_of(s);
    out.append(d);
  }
  return out;
}

// A solver on one objective.
class Minimizer {
 public:
  Minimizer(const std::string& solver, const Objective& objective,
            const std::vector<NodeId>& derivatives)
      : tapes_(tapes_of(solver, objective, derivatives)) {}

  py::dict run(const StartArrays& starts, const Setup& setup, const Stopping& stopping,
               const Hooks& hooks) {
    check(starts);
    const Kernels& isa = kernels();
    const Sources sources = sources_of(starts, isa.width);
    const Starts begun = starts_of(starts, 0);
    Outcome outcome(starts.k(), starts.n());
    outcome.want_slopes();
    Conversation talk(hooks, starts.n());
    const Watch watch = talk.watch();
    NotBegun rest{.from = starts.k()};
    {
      const py::gil_scoped_release nogil;
      if (hooks.function.is_none()) {
        rest = descend(setup, sources, isa, begun, stopping, outcome.endings, watch);
      } else {
        Descent descent(setup, sources, {isa}, begun, stopping, outcome.endings, watch);
        talk.drive(descent);
      }
    }
    outcome.not_begun(starts.x, rest, [](std::int64_t) {});
    return outcome.as_dict(talk);
  }

  // A descent that gets its values from Python by ask and tell.
  std::unique_ptr<Dialogue> start(const StartArrays& starts, std::vector<double> hyper,
                                  const std::vector<Array>& bounds, const Stopping& stopping) {
    const std::int64_t k = starts.k();
    check(starts);
    const Setup setup = setup_of(std::move(hyper), bounds, std::nullopt);
    const auto make = [&](const Endings& endings) {
      return std::make_unique<Descent>(setup, Sources{.told_lanes = k}, Machine{kernels()},
                                       Starts{k, starts.x.data(), {}, {}}, stopping, endings,
                                       Watch{});
    };
    return std::make_unique<Dialogue>(starts.x, setup.solver->needs, nullptr, make);
  }

  Sources sources_of(const StartArrays& starts, int width) {
    std::vector<bool> varying{true};
    varying.insert(varying.end(), starts.varying.begin(), starts.varying.end());
    const py::gil_scoped_release nogil;
    return tapes_.sources(varying, starts.k(), width);
  }
  // `size`: how many numbers a state holds.
  static Starts starts_of(const StartArrays& starts, std::int64_t size) {
    Starts begun{starts.k(), starts.x.data(), {nullptr}, {}};
    for (const Array& a : starts.args) begun.values.push_back(a.data());
    if (starts.memory.empty() || !starts.memory[0]) return begun;
    const Array& state = *starts.memory[0];
    if (state.size() != size)
      throw py::value_error("the state must hold " + std::to_string(size) + " numbers, got " +
                            std::to_string(state.size()));
    begun.memory.push_back(state.data());
    return begun;
  }
  Setup setup_of(std::vector<double> hyper, const std::vector<Array>& bounds,
                 const std::optional<Array>& scale, std::int64_t k = 1) const {
    const Solver& solver = tapes_.solver();
    const Bounds box = bounds_of(bounds, tapes_.n(), k);
    // The end of a descent by gradients is examined within bounds that all starts share.
    if (hyper.size() != solver.hyper.size() || (box.each && solver.needs != Needs::Normal))
      misfit();
    return {&solver, tapes_.n(), std::move(hyper), box, scale ? scale->data() : nullptr};
  }
  void check(const StartArrays& starts) const {
    if (starts.n() != tapes_.n() || starts.memory.size() > 1 ||
        (!tapes_.driven() && starts.args.size() != static_cast<std::size_t>(tapes_.args())))
      misfit();
  }

 private:
  [[noreturn]] static void misfit() {
    throw py::value_error(
        "the solver does not fit what it is run on. This is a bug in thalweg; please report it");
  }
  static SolverTapes tapes_of(const std::string& name, const Objective& objective,
                              const std::vector<NodeId>& derivatives) {
    const Solver* solver = find_solver(name);
    if (!solver) throw py::value_error("no solver '" + name + "'");
    const auto hold = held(*objective.graph);
    return SolverTapes(*solver, objective, derivatives);
  }
  SolverTapes tapes_;
};

// A solver on one objective with its settings.
class BoundMinimizer final : public Bound {
 public:
  BoundMinimizer(std::shared_ptr<Minimizer> minimizer, std::vector<double> hyper,
                 std::vector<Array> bounds, const Stopping& stopping,
                 std::shared_ptr<Function> gradient)
      : Bound(std::move(gradient), stopping.threads),
        minimizer_(std::move(minimizer)),
        bounds_(std::move(bounds)),
        setup_(minimizer_->setup_of(std::move(hyper), bounds_, std::nullopt)),
        stopping_(stopping) {}

 private:
  // A longer state is not copied: the descent is kept, in case it is asked for.
  static constexpr std::int64_t kCopied = 4096;

  void run(StartArrays& start, const Hooks& hooks, Answer& answer, Conversation& talk) override {
    minimizer_->check(start);
    const Kernels& isa = kernels();
    const Sources sources = minimizer_->sources_of(start, isa.width);
    // Least squares have no state to resume from.
    const std::int64_t size = setup_.solver->settles ? 0 : remembered(setup_, sources, isa);
    if (size > kCopied) start.x = Array({std::int64_t{1}, start.n()}, start.x.data());
    else if (size > 0) answer.remember(1, size, [] { return false; });
    const Starts begin = minimizer_->starts_of(start, size);
    const Watch watch = talk.watch();
    std::unique_ptr<Descent> descent;
    {
      const py::gil_scoped_release nogil;
      descent = std::make_unique<Descent>(setup_, sources, Machine{isa}, begin, stopping_,
                                          answer.endings, watch);
      if (hooks.function.is_none()) run_to_the_end(*descent);
      else talk.drive(*descent);
    }
    const bool began = answer.reason != kNotBegun;
    answer.not_begun(start.x, descent->rest(), [](std::int64_t) {});
    if (size > kCopied && began) answer.keep(std::move(descent), start, minimizer_, size);
    else if (size > kCopied) answer.remember(1, size, [] { return false; });
  }

  const std::shared_ptr<Minimizer> minimizer_;
  const std::vector<Array> bounds_;
  const Setup setup_;
  const Stopping stopping_;
};

}  // namespace

void bind_solver(py::module_& m) {
  m.def(
      "solvers", &describe_solvers,
      "Every solver, as `rules`; whether it minimizes sums of squares alone, and how many matrices "
      "(n, n) it keeps, its inputs included.");
  py::class_<Minimizer, std::shared_ptr<Minimizer>>(m, "Minimizer", "A solver on one objective.")
      .def(py::init<const std::string&, const Objective&, const std::vector<NodeId>&>(),
           py::arg("solver"), py::arg("objective"), py::arg("derivatives") = std::vector<NodeId>{},
           "derivatives: nodes of the gradient and of the solver's other derivatives, if they are "
           "not to be derived from the objective.")
      .def(
          "run",
          [](Minimizer& s, const StartArrays& starts, std::vector<double> hyper,
             const std::vector<Array>& bounds, const Stopping& stopping, const Hooks& hooks,
             const std::optional<Array>& scale) {
            const Setup setup = s.setup_of(std::move(hyper), bounds, scale, starts.k());
            return s.run(starts, setup, stopping, hooks);
          },
          py::arg("starts"), py::arg("hyper"), py::arg("bounds"), py::arg("stopping"),
          py::arg("hooks") = Hooks{}, py::arg("scale") = py::none(),
          "Descends from many starts, shared by threads; returns where and why each ended. scale: "
          "(n), the unit of each variable.")
      .def(
          "bound",
          [](const std::shared_ptr<Minimizer>& s, std::vector<double> hyper,
             std::vector<Array> bounds, const Stopping& stopping,
             std::shared_ptr<Function> gradient) -> std::unique_ptr<Bound> {
            return std::make_unique<BoundMinimizer>(s, std::move(hyper), std::move(bounds),
                                                    stopping, std::move(gradient));
          },
          py::arg("hyper"), py::arg("bounds"), py::arg("stopping"),
          py::arg("gradient") = py::none(),
          "With these settings, for descents from single starts, which remember their state.")
      .def("start", &Minimizer::start, py::arg("starts"), py::arg("hyper"), py::arg("bounds"),
           py::arg("stopping"));
}
