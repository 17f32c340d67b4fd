// SPDX-License-Identifier: BSD-3-Clause
// Runs the quick start for authors who embed the core, as printed on its page.
#include "check.hpp"

#define main embedding_main
#include "../../docs/quick_starts/embedding/main.cpp"
#undef main

TEST(the_embedding_quick_start_reaches_its_minimum) { CHECK(embedding_main() == 0); }
