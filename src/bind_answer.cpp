// SPDX-License-Identifier: BSD-3-Clause
// Binds methods that are bound to an objective, and the endings of single descents.
#include "answer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

using namespace thalweg;

Answer::Answer(std::int64_t n)
    : x({std::int64_t{1}, n}), last_x({std::int64_t{1}, n}), slope({std::int64_t{1}, n}) {
  std::fill_n(slope.mutable_data(), n, NAN);
  endings = {x.mutable_data(),
             last_x.mutable_data(),
             &fun,
             &last_fun,
             &iterations,
             &reason,
             &left,
             &right,
             {},
             &evaluations,
             &curvatures,
             slope.mutable_data()};
}

// Checks for an interrupt a last time, as `Outcome::as_dict`.
void Answer::conclude(Conversation& talk) {
  path = talk.path();
  talk.interrupted();
  error = talk.error();
}

void Answer::keep(std::unique_ptr<Descent> descent, StartArrays start,
                  std::shared_ptr<const void> method, std::int64_t size) {
  start_ = std::move(start), method_ = std::move(method), size_ = size;
  descent_ = std::move(descent);
}

const std::vector<Array>& Answer::states() {
  const auto lock = locked(mutex_);
  if (descent_) {
    remember(1, size_, [] { return false; });
    descent_->state(endings.memory.back());
    descent_.reset();
  }
  return memory;
}

bool Answer::plain() const {
  const auto why = static_cast<Reason>(reason);
  const auto finite = [](double v) { return std::isfinite(v); };
  return why != Reason::Diverged && why != Reason::LeftDomain && why != Reason::NonFinite &&
         iterations > 0 && finite(fun) &&
         std::equal(x.data(), x.data() + x.size(), last_x.data()) &&
         std::all_of(slope.data(), slope.data() + slope.size(), finite);
}

std::unique_ptr<Answer> Bound::descend(StartArrays start, const Hooks& hooks) {
  auto answer = std::make_unique<Answer>(start.n());
  Conversation talk(hooks, start.n());
  run(start, hooks, *answer, talk);
  if (gradient_ && !talk.failed() && std::isnan(answer->slope.data()[0])) {
    double value = NAN;
    double* const slope = answer->slope.mutable_data();
    const std::array to{&value, slope};
    if (!gradient_->at(answer->x.data(), start.args, to, threads_,
                       [&] { return talk.interrupted(); }))
      value = NAN, std::fill_n(slope, start.n(), NAN);
    if (std::isnan(answer->fun)) answer->fun = value;  // else rounded as in the descent
  }
  answer->conclude(talk);
  return answer;
}

namespace {

using Arrays = std::vector<Array>;
using Memory = std::vector<std::optional<Array>>;

// The answer of a descent from x (1, n) that was interrupted before it began.
std::unique_ptr<Answer> not_begun(const Array& x) {
  auto answer = std::make_unique<Answer>(x.size());
  answer->not_begun(x, {}, [](std::int64_t) {});
  return answer;
}

}  // namespace

void bind_answer(py::module_& m) {
  py::class_<Answer>(m, "Answer", "How one descent ended.")
      .def(py::init(&not_begun), py::arg("x"), "Of one that was interrupted before it began.")
      .def_property_readonly("plain", &Answer::plain,
                             "Whether it ended at its best point, with a known gradient, for a "
                             "reason that needs neither another evaluation nor a warning.")
      .def_readonly("x", &Answer::x)
      .def_readonly("last_x", &Answer::last_x)
      .def_readonly("fun", &Answer::fun)
      .def_readonly("last_fun", &Answer::last_fun)
      .def_readonly("jac", &Answer::slope, "NaN where the method has no gradient.")
      .def_readonly("reason", &Answer::reason)
      .def_readonly("left", &Answer::left)
      .def_readonly("right", &Answer::right)
      .def_readonly("nit", &Answer::iterations)
      .def_readonly("nfev", &Answer::evaluations)
      .def_readonly("nhev", &Answer::curvatures)
      .def_property_readonly("memory", &Answer::states)
      .def_readonly("path", &Answer::path)
      .def(
          "take_error", [](Answer& a) { return std::exchange(a.error, py::none()); },
          "The exception that ended it, or None. It is given up, since its traceback may refer to "
          "the answer.");
  py::class_<Bound>(m, "Bound", "A method with its settings on one objective.")
      .def(
          "__call__",
          [](Bound& b, Array x, Arrays args, Memory memory, const Hooks& hooks) {
            return b.descend({std::move(x), std::move(args), {}, std::move(memory)}, hooks);
          },
          py::arg("x"), py::arg("args") = Arrays{}, py::arg("memory") = Memory{},
          py::arg("hooks") = Hooks{},
          "Descend from x (1, n); args and memory as in Starts, none of them varying.");
}
