// SPDX-License-Identifier: BSD-3-Clause
// Outputs of a graph, ready to be evaluated at k points.
#pragma once
#include <string>
#include <vector>

#include "bind.hpp"
#include "thalweg/running/evaluate.hpp"

// Lowered once for each choice of inputs that differ between points.
class Function {
 public:
  Function(const std::shared_ptr<thalweg::Graph>& graph,
           const std::vector<thalweg::NodeId>& outputs, std::size_t inputs);

  // values[j]: (k, *shape) if varying[j], else of the input's own shape. Returns (k, size) for each
  // output.
  std::vector<Array> operator()(const std::vector<Array>& values, const std::vector<bool>& varying,
                                std::int64_t k, int threads);
  // Evaluates at one point x, without the GIL. Returns false if `stop` ended it.
  bool at(const double* x, const std::vector<Array>& args, std::span<double* const> to, int threads,
          const std::function<bool()>& stop);
  std::string print(const std::vector<bool>& varying);

 private:
  std::size_t inputs_;
  std::vector<std::int64_t> sizes_;  // of the outputs
  thalweg::Programs programs_;
};
