// SPDX-License-Identifier: BSD-3-Clause
// The core's test harness: TEST registers a case; CHECK, CHECK_NEAR and CHECK_THROWS record a
// failure and continue.
#pragma once
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace check {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

// The number of failures of the running case.
inline int& failures() {
  static int count = 0;
  return count;
}

struct Registration {
  Registration(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  ++failures();
  std::printf("%s:%d: %s\n", file, line, what.c_str());
}

inline void truth(const char* file, int line, const char* text, bool value) {
  if (!value) fail(file, line, std::string("not true: ") + text);
}

// |got - wanted| <= tolerance, or both are the same infinity, or both are NaN.
inline void near(const char* file, int line, const char* text, double got, double wanted,
                 double tolerance) {
  if (got == wanted || (std::isnan(got) && std::isnan(wanted))) return;
  if (std::abs(got - wanted) <= tolerance) return;
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, " is %.17g, wanted %.17g within %.3g", got, wanted,
                tolerance);
  fail(file, line, std::string(text) + numbers);
}

// Runs the cases whose names contain `filter`. Returns the exit status: 0 if at least one ran and
// none failed.
inline int run(std::string_view filter) {
  int passed = 0, failed = 0;
  for (const Case& c : cases()) {
    if (std::string_view(c.name).find(filter) == std::string_view::npos) continue;
    failures() = 0;
    try {
      c.body();
    } catch (const std::exception& e) {
      fail(c.name, 0, std::string("threw: ") + e.what());
    } catch (...) {
      fail(c.name, 0, "threw something that is no std::exception");
    }
    if (failures() == 0) {
      ++passed;
    } else {
      ++failed;
      std::printf("FAILED %s\n", c.name);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return passed > 0 && failed == 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                      \
  static void test_##name();                                            \
  static const check::Registration register_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(...) check::truth(__FILE__, __LINE__, #__VA_ARGS__, static_cast<bool>(__VA_ARGS__))

#define CHECK_NEAR(got, wanted, tolerance) \
  check::near(__FILE__, __LINE__, #got, (got), (wanted), (tolerance))

// CHECK_THROWS(std::invalid_argument, expression)
#define CHECK_THROWS(type, ...)                                                             \
  do {                                                                                      \
    bool thrown = false;                                                                    \
    try {                                                                                   \
      static_cast<void>(__VA_ARGS__);                                                       \
    } catch (const type&) {                                                                 \
      thrown = true;                                                                        \
    }                                                                                       \
    if (!thrown) check::fail(__FILE__, __LINE__, "did not throw " #type ": " #__VA_ARGS__); \
  } while (false)
