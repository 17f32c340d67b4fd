// SPDX-License-Identifier: BSD-3-Clause
// core_tests [part of a name]: runs every case, or those whose names contain the part.
#include "check.hpp"

int main(int argc, char** argv) { return check::run(argc > 1 ? argv[1] : ""); }
