// SPDX-License-Identifier: BSD-3-Clause
// What is minimized, as every method takes it.
#pragma once
#include <memory>

#include "thalweg/graph/expression.hpp"

namespace thalweg {

// A node of one element in a graph whose input 0 is the point, x (n). Where f is none (-1), values
// and derivatives come from a driver.
struct Objective {
  std::shared_ptr<Graph> graph;
  NodeId f = -1;
  std::int64_t n = 0;
  int inputs = 1;  // x, and what the function is given besides
};

// Ends of an interval for each variable (n), infinite where there is none; null without bounds.
struct Bounds {
  const double *lower = nullptr, *upper = nullptr;
  explicit operator bool() const { return lower != nullptr; }
};

}  // namespace thalweg
