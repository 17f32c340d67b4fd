// SPDX-License-Identifier: BSD-3-Clause
// Codes in the eyes of gdb, by its JIT interface ("JIT Compilation Interface" in the GDB manual):
// an object file in memory for each code, with its name and how to find the caller's frame.
#pragma once
#include <cstddef>

namespace thalweg::machine {

// With THALWEG_GDB=1, read once, tells a debugger of a code that begins as the assembler's do.
void tell_debugger(const void* code, std::size_t size);
// The code is gone.
void tell_debugger_gone(const void* code);

}  // namespace thalweg::machine
