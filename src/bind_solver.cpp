// SPDX-License-Identifier: BSD-3-Clause
// The solvers, and running one with the GIL released.
#include <algorithm>
#include <mutex>

#include "dialogue.hpp"
#include "thalweg/graph/differentiate.hpp"

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
    out.append(d);
  }
  return out;
}

// A solver on one objective, its tapes lowered for each choice of what differs between lanes, once.
class Minimizer {
 public:
  Minimizer(const std::string& method, const std::shared_ptr<Graph>& graph, NodeId f,
            std::int64_t n, int inputs, const std::vector<NodeId>& derivatives)
      : solver_(find(method)), n_(n), inputs_(inputs) {
    if (f < 0) return;
    Graph& g = *graph;
    const auto hold = held(g);
    const NodeId x = g.input(0, {n});
    std::vector<NodeId> outputs{g.reshape(f, {})};
    if (!derivatives.empty()) {
      outputs.insert(outputs.end(), derivatives.begin(), derivatives.end());
      values_.emplace(graph, std::move(outputs));
      told_all_ = true;
      return;
    }
    if (solver_.needs != Needs::Value) outputs.push_back(gradient(g, f, x));
    if (solver_.needs == Needs::Hessian || solver_.needs == Needs::HessianVector) {
      const NodeId slope = outputs[1], v = g.input(inputs, {n});
      product_.emplace(graph,
                       jacobian_vector_product(g, std::array{slope}, std::array{x}, std::array{v}));
    }
    values_.emplace(graph, outputs);
    make_joint_ = [this, graph, outputs, x] {
      std::vector<NodeId> all = outputs;
      all.push_back(hessian(*graph, outputs[1], x));
      joint_.emplace(graph, std::move(all));
    };
  }

  py::dict run(const Array& x0, const std::vector<std::optional<Array>>& args,
               const std::vector<bool>& varying_args, std::vector<double> hyper,
               const std::vector<Array>& bounds, const std::optional<Array>& scale,
               const std::optional<Array>& state, const Stopping& stopping, bool record,
               py::object callback, py::object function, const Throng& throng = {}) {
    const std::int64_t k = x0.shape(0);
    if (x0.ndim() != 2 || x0.shape(1) != n_ || hyper.size() != solver_.hyper.size() ||
        (!bounds.empty() && bounds.size() != 2) ||
        (values_ &&
         (args.size() != static_cast<std::size_t>(inputs_) || varying_args.size() != args.size())))
      throw py::value_error(
          "the solver does not fit what it is run on. This is a bug in thalweg; please report it");
    Starts starts{k, x0.data(), std::vector<const double*>(args.size(), nullptr), {}};
    for (std::size_t j = 1; j < args.size(); ++j) starts.values[j] = args[j].value().data();
    Setup setup{&solver_, n_, std::move(hyper)};
    if (!bounds.empty()) setup.lower = bounds[0].data(), setup.upper = bounds[1].data();
    if (scale) setup.scale = scale->data();
    const Kernels& isa = kernels();
    const Sources sources = sources_of(varying_args, k, isa.width);
    if (state) starts.memory.push_back(state->data());

    Outcome outcome(k, n_);
    outcome.want_slopes();
    // Least squares have no state to go on from, and three matrices would be much to copy.
    const std::int64_t size =
        k == 1 && !throng.many && !solver_.settles ? remembered(setup, sources, isa) : 0;
    if (state && state->size() != size)
      throw py::value_error("the state holds " + std::to_string(state->size()) + " numbers, not " +
                            std::to_string(size));
    Conversation talk(std::move(callback), function, record, n_, throng.progress);
    const bool begin = size == 0 || outcome.remember(size, [&] { return talk.interrupted(); });
    const Watch watch = talk.watch();
    NotBegun rest{.from = k};
    if (begin) {
      const py::gil_scoped_release nogil;
      if (function.is_none()) {
        rest = descend(setup, sources, isa, starts, stopping, outcome.endings, watch);
      } else {
        Descent descent(setup, sources, isa, false, starts, stopping, outcome.endings, watch);
        talk.drive(descent);
      }
    }
    outcome.not_begun(x0, rest, [](std::int64_t) {});
    return outcome.told(talk);
  }

  // Told from Python.
  std::unique_ptr<Dialogue> start(const Array& x0, std::vector<double> hyper,
                                  const std::vector<Array>& bounds,
                                  const Stopping& stopping) const {
    const std::int64_t k = x0.shape(0);
    return std::make_unique<Dialogue>(
        x0, solver_.needs, std::vector<Array>{}, [&](const Endings& endings) {
          Setup setup{&solver_, n_, std::move(hyper)};
          if (!bounds.empty()) setup.lower = bounds[0].data(), setup.upper = bounds[1].data();
          return std::make_unique<Descent>(setup, Sources{.told_lanes = k}, kernels(), false,
                                           Starts{k, x0.data(), {}, {}}, stopping, endings,
                                           Watch{});
        });
  }

 private:
  // The tapes for k starts: the Hessian with every value where it is small, else by its products.
  Sources sources_of(const std::vector<bool>& varying, std::int64_t k, int width) {
    const py::gil_scoped_release nogil;
    Sources sources;
    if (!values_) {
      sources.told_lanes = k;
      return sources;
    }
    if (told_all_) {
      sources.values = &values_->for_lanes(varying, width, k);
      return sources;
    }
    std::vector<bool> with_v = varying;
    with_v.push_back(true);
    if (solver_.needs == Needs::Hessian && n_ <= kJointHessian) {
      std::call_once(joint_made_, make_joint_);
      sources.values = &joint_->for_lanes(varying, width, k);
      return sources;
    }
    sources.values = &values_->for_lanes(varying, width, k);
    if (solver_.needs == Needs::Hessian && k == 1) {  // the unit vectors are the lanes
      with_v[0] = false;
      sources.product = &product_->for_lanes(with_v, width, n_);
    } else if (solver_.needs == Needs::Hessian || solver_.needs == Needs::HessianVector) {
      sources.product = &laid_as(sources.values->body.layout, with_v, width, k);
    }
    return sources;
  }
  // The products, in a layout in which points and lanes lie as in the values'.
  const Program& laid_as(Layout values, const std::vector<bool>& varying, int width,
                         std::int64_t k) {
    if (values == Layout::Lanes) return product_->with(varying, Layout::Lanes);
    const Program& own = product_->for_lanes(varying, width, k);
    return own.body.layout == Layout::Lanes ? product_->with(varying, Layout::Elements) : own;
  }
  static const Solver& find(const std::string& name) {
    if (const Solver* s = find_solver(name)) return *s;
    throw py::value_error("no solver '" + name + "'");
  }
  const Solver& solver_;
  std::int64_t n_;
  int inputs_;
  bool told_all_ = false;  // were all derivatives given?
  std::optional<Programs> values_, joint_, product_;
  std::once_flag joint_made_;
  std::function<void()> make_joint_;
};

}  // namespace

void bind_solver(py::module_& m) {
  m.def("solvers", &describe_solvers, "Every solver, as `methods`.");
  py::class_<Minimizer, std::shared_ptr<Minimizer>>(m, "Minimizer", "A solver on one objective.")
      .def(py::init<const std::string&, const std::shared_ptr<Graph>&, NodeId, std::int64_t, int,
                    const std::vector<NodeId>&>(),
           py::arg("method"), py::arg("graph"), py::arg("f"), py::arg("n"), py::arg("inputs"),
           py::arg("derivatives") = std::vector<NodeId>{},
           "f: -1 where values are told; derivatives: its gradient and what a solver needs "
           "besides, where they are not to be made from f.")
      .def(
          "run",
          [](Minimizer& s, const Array& x0, const std::vector<std::optional<Array>>& args,
             const std::vector<bool>& varying, std::vector<double> hyper,
             const std::vector<Array>& bounds, const std::optional<Array>& state,
             const Stopping& stopping, bool record, py::object callback, py::object function,
             const std::optional<Array>& scale) {
            return s.run(x0, args, varying, std::move(hyper), bounds, scale, state, stopping,
                         record, std::move(callback), std::move(function));
          },
          py::arg("x0"), py::arg("args"), py::arg("varying"), py::arg("hyper"), py::arg("bounds"),
          py::arg("state"), py::arg("stopping"), py::arg("record"), py::arg("callback"),
          py::arg("function"), py::arg("scale") = py::none())
      .def(
          "run_many",
          [](Minimizer& s, const Array& x0, const std::vector<std::optional<Array>>& args,
             const std::vector<bool>& varying, std::vector<double> hyper,
             const std::vector<Array>& bounds, const Stopping& stopping,
             const std::optional<Array>& scale, py::object progress) {
            return s.run(x0, args, varying, std::move(hyper), bounds, scale, std::nullopt, stopping,
                         false, py::none(), py::none(), {true, std::move(progress)});
          },
          py::arg("x0"), py::arg("args"), py::arg("varying"), py::arg("hyper"), py::arg("bounds"),
          py::arg("stopping"), py::arg("scale") = py::none(), py::arg("progress") = py::none(),
          "Many starts, shared by threads: where and why each ended.")
      .def(
          "start",
          [](const Minimizer& s, const Array& x0, std::vector<double> hyper,
             const std::vector<Array>& bounds,
             const Stopping& stopping) { return s.start(x0, std::move(hyper), bounds, stopping); },
          py::arg("x0"), py::arg("hyper"), py::arg("bounds"), py::arg("stopping"));
}
