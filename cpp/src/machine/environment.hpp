// SPDX-License-Identifier: BSD-3-Clause
// What users ask of machine code by environment variables.
#pragma once
#include <cstdlib>
#include <string_view>

namespace thalweg::machine {

inline bool environment_is(const char* name, std::string_view value) {
  const char* set = std::getenv(name);
  return set && set == value;
}

}  // namespace thalweg::machine
