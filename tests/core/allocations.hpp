// SPDX-License-Identifier: BSD-3-Clause
// How often the test program took memory so far: what runs in rounds is to take none.
#pragma once
#include <cstdint>

std::int64_t allocations();
