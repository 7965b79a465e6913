// /proc/interrupts and /proc/stat as numbers.
#pragma once
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace valenic::agent {

struct Interrupt {
    std::string irq;   ///< "24", "LOC" …
    std::string name;  ///< "virtio1-input.0"; the last words of the line.
    uint64_t count;    ///< Over all CPUs.
};
/// Reads the table of proc(5), "/proc/interrupts"; lines that do not fit it are left out.
std::vector<Interrupt> parse_interrupts(std::istream& text);

/// Jiffies (1/100 s) since boot over all CPUs.
struct CpuTimes {
    uint64_t busy = 0;  ///< Everything that is neither idle nor waiting for I/O.
    uint64_t idle = 0;
    uint64_t softirq = 0;  ///< Part of busy: where the network stack runs.
};
CpuTimes parse_cpu_times(std::istream& text);

}  // namespace valenic::agent
