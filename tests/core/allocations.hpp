// SPDX-License-Identifier: BSD-3-Clause
// Counts how often the test program has allocated memory: rounds must not allocate.
#pragma once
#include <cstdint>

std::int64_t allocations();
