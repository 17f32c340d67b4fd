// SPDX-License-Identifier: BSD-3-Clause
// Writes the object files that gdb reads, and links them into the list that it finds by name.
#include "thalweg/machine/debugger.hpp"

#if defined(__linux__) && defined(__x86_64__)
#include <elf.h>

#include "machine/allocator.hpp"
#include "machine/environment.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>

#include "thalweg/graph/unforked.hpp"

// ---- what gdb looks for; the names and layouts are the interface's. Each library may have its
// own; a program that is linked with another compiler's shares its.

extern "C" {
struct jit_code_entry {
  jit_code_entry *next_entry, *prev_entry;
  const char* symfile_addr;
  std::uint64_t symfile_size;
};
struct jit_descriptor {
  std::uint32_t version, action_flag;
  jit_code_entry *relevant_entry, *first_entry;
};
[[gnu::weak, gnu::visibility("protected")]] jit_descriptor __jit_debug_descriptor = {1, 0, nullptr,
                                                                                     nullptr};
// gdb has a breakpoint here.
[[gnu::weak, gnu::visibility("protected"), gnu::noinline]] void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}
}

namespace thalweg::machine {
namespace {

constexpr std::uint32_t kRegister = 1, kUnregister = 2;  // action flags

using Bytes = std::string;

template <class T> void append(Bytes& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}
void append_bytes(Bytes& to, std::initializer_list<int> bytes) {
  for (const int b : bytes) to.push_back(static_cast<char>(b));
}
void align(Bytes& to) { to.resize((to.size() + 7) / 8 * 8); }

// DWARF numbers registers in an order of its own (System V ABI, AMD64 supplement, figure 3.36).
int in_dwarf(Gpr r) {
  constexpr int low[] = {0, 2, 1, 3, 7, 6, 4, 5};
  const int number = static_cast<int>(r);
  return number < 8 ? low[number] : number;
}

// A length, then the contents, filled with DW_CFA_nop.
void append_entry(Bytes& to, const Bytes& contents) {
  Bytes padded = contents;
  while ((padded.size() + 4) % 8 != 0) padded.push_back(0);
  append(to, static_cast<std::uint32_t>(padded.size()));
  to += padded;
}

// The section .eh_frame (DWARF 4, section 6.4; Linux Standard Base, "Exception Frames"): where the
// caller's registers are while the code saves them, and from then on.
Bytes frames(std::uint64_t start, std::uint64_t size) {
  constexpr int kCfa = 0x0c, kCfaRegister = 0x0d, kCfaOffset = 0x0e, kAdvance = 0x40,
                kSavedAt = 0x80, kReturn = 16;
  Bytes common, own, out;
  append(common, std::uint32_t{0});
  // Version 1; the form of addresses follows; units of 1 and of -8 bytes.
  append_bytes(common, {1, 'z', 'R', 0, 1, 0x78, kReturn, 1, 0});
  append_bytes(common, {kCfa, in_dwarf(Gpr::rsp), 8, kSavedAt | kReturn, 1});
  append_entry(out, common);

  append(own, static_cast<std::uint32_t>(out.size() + 4));  // back to the common entry
  append(own, start);
  append(own, size);
  own.push_back(0);
  int slot = 1;  // of 8 bytes below the caller's frame; the first is the return address
  for (const Gpr r : kSaved) {
    const int push = static_cast<int>(r) < 8 ? 1 : 2;  // bytes
    ++slot;
    append_bytes(own, {kAdvance | push, kCfaOffset, 8 * slot, kSavedAt | in_dwarf(r), slot});
  }
  constexpr int kMove = 3;  // bytes of mov rbp, rsp
  append_bytes(own, {kAdvance | kMove, kCfaRegister, in_dwarf(kFrame)});
  append_entry(out, own);
  append(out, std::uint64_t{0});
  return out;
}

// A relocatable file whose sections lie where they lie.
Bytes object_file(const void* code, std::uint64_t size) {
  enum Section : std::uint16_t { Null, Text, Frames, Symbols, Names, Count };
  const auto start = reinterpret_cast<std::uintptr_t>(code);
  Bytes names(1, '\0');
  const auto name = [&names](const char* text) {
    const auto at = static_cast<Elf64_Word>(names.size());
    names.append(text, std::strlen(text) + 1);
    return at;
  };
  Elf64_Shdr sections[Count]{};
  Bytes file(sizeof(Elf64_Ehdr), '\0');
  const auto place = [&](Section which, Elf64_Word text, Elf64_Word type, const Bytes& contents) {
    align(file);
    Elf64_Shdr& s = sections[which];
    s.sh_name = text, s.sh_type = type, s.sh_offset = file.size(), s.sh_size = contents.size();
    s.sh_addralign = 8;
    file += contents;
  };
  Elf64_Shdr& text = sections[Text];
  text.sh_name = name(".text"), text.sh_type = SHT_NOBITS,
  text.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
  text.sh_addr = start, text.sh_size = size, text.sh_addralign = 16;
  place(Frames, name(".eh_frame"), SHT_PROGBITS, frames(start, size));
  sections[Frames].sh_flags = SHF_ALLOC;

  char label[40];
  std::snprintf(label, sizeof label, "thalweg_%zx", static_cast<std::size_t>(start));
  Bytes symbols;
  append(symbols, Elf64_Sym{});
  append(symbols, Elf64_Sym{name(label), ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, Text, 0, size});
  place(Symbols, name(".symtab"), SHT_SYMTAB, symbols);
  sections[Symbols].sh_link = Names, sections[Symbols].sh_info = 1;
  sections[Symbols].sh_entsize = sizeof(Elf64_Sym);
  const Elf64_Word own_name = name(".strtab");
  place(Names, own_name, SHT_STRTAB, names);

  align(file);
  Elf64_Ehdr head{};
  std::memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64, head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_ident[EI_VERSION] = EV_CURRENT;
  head.e_type = ET_REL, head.e_machine = EM_X86_64, head.e_version = EV_CURRENT;
  head.e_shoff = file.size(), head.e_ehsize = sizeof(Elf64_Ehdr);
  head.e_shentsize = sizeof(Elf64_Shdr), head.e_shnum = Count, head.e_shstrndx = Names;
  std::memcpy(file.data(), &head, sizeof head);
  for (const Elf64_Shdr& s : sections) append(file, s);
  return file;
}

struct Entry {
  jit_code_entry links{};
  Bytes file;
};
UnforkedMutex<std::mutex> mutex;
// By code. Never destroyed, as codes may live until the process ends.
std::map<const void*, Entry>& entries() {
  static auto& all = *new std::map<const void*, Entry>;
  return all;
}

bool wanted() {
  static const bool asked = environment_is("THALWEG_GDB", "1");
  return asked;
}

void tell(std::uint32_t action, jit_code_entry& entry) {
  __jit_debug_descriptor.relevant_entry = &entry;
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_register_code();
}

}  // namespace

void tell_debugger(const void* code, std::size_t size) {
  if (!wanted()) return;
  const std::scoped_lock lock(mutex);
  Entry& entry = entries()[code];
  entry.file = object_file(code, size);
  entry.links = {__jit_debug_descriptor.first_entry, nullptr, entry.file.data(), entry.file.size()};
  if (entry.links.next_entry) entry.links.next_entry->prev_entry = &entry.links;
  __jit_debug_descriptor.first_entry = &entry.links;
  tell(kRegister, entry.links);
}

void tell_debugger_gone(const void* code) {
  if (!wanted()) return;
  const std::scoped_lock lock(mutex);
  const auto found = entries().find(code);
  if (found == entries().end()) return;
  jit_code_entry& links = found->second.links;
  (links.prev_entry ? links.prev_entry->next_entry : __jit_debug_descriptor.first_entry) =
      links.next_entry;
  if (links.next_entry) links.next_entry->prev_entry = links.prev_entry;
  tell(kUnregister, links);
  entries().erase(found);
}

}  // namespace thalweg::machine

#else

namespace thalweg::machine {

void tell_debugger(const void*, std::size_t) {}
void tell_debugger_gone(const void*) {}

}  // namespace thalweg::machine
#endif
