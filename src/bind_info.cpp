// SPDX-License-Identifier: BSD-3-Clause
// Binds the core's lists of instruction sets and operations.
#include "bind.hpp"
#include "thalweg/kernels/kernels.hpp"
#include "thalweg/machine/memory.hpp"

py::list describe_hyper(std::span<const thalweg::rules::Hyper> hyper) {
  py::list out;
  for (const thalweg::rules::Hyper& h : hyper)
    out.append(py::make_tuple(
        h.name, h.value == h.value ? py::object(py::float_(h.value)) : py::object(py::none()),
        h.meaning,
        py::make_tuple(h.accepted.lower, h.accepted.upper, h.accepted.lower_open,
                       h.accepted.upper_open),
        h.whole));
  return out;
}

void bind_info(py::module_& m) {
  m.def(
      "supported_isas",
      [] {
        std::vector<std::string> names;
        for (const thalweg::Kernels* k : thalweg::supported_kernels()) names.emplace_back(k->name);
        return names;
      },
      "The names of the instruction sets that this build and this processor support, best last.");
  m.def(
      "active_isa", [] { return std::string(thalweg::kernels().name); },
      "The name of the instruction set in use. The environment variable THALWEG_ISA selects one.");
  m.def(
      "machine_code",
      [] { return thalweg::machine::code_allowed() && thalweg::kernels().width >= 4; },
      "Whether tapes that have earned it run as machine code here: on x86-64 with AVX2 or AVX-512, "
      "where the system allows it and THALWEG_MACHINE is not 0.");
  m.def(
      "operations",
      [] {
        py::list out;
        for (const thalweg::OperationInfo& o : thalweg::operations()) {
          py::list domain;
          for (int k = 0; k < o.arity; ++k)
            domain.append(py::make_tuple(o.domain[k].lower, o.domain[k].upper,
                                         o.domain[k].lower_open, o.domain[k].upper_open));
          py::dict d;
          d["name"] = o.name;
          d["arity"] = o.arity;
          d["boolean"] = o.boolean;
          d["domain"] = domain;
          out.append(d);
        }
        return out;
      },
      "Every elementary operation: name, arity, whether it is a truth value, and the domain of "
      "each argument as "
      "(lower, upper, lower end open, upper end open). Its position in the list is its code.");
}
