// The functions of the running kernel that a BPF program may call, by name.
#pragma once

namespace valenic {

/// Its number in the kernel's own type information; 0: it has no such function, or says nothing.
unsigned kernel_function(const char* name);

}  // namespace valenic
