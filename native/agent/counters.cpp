#include "counters.hpp"

#include <cctype>
#include <sstream>

namespace valenic::agent {
namespace {

/// Splits one line after its "IRQ:" into the counts of at most `cpus` CPUs and the rest.
Interrupt parse_line(const std::string& irq, std::istringstream& line, unsigned cpus) {
    Interrupt interrupt{irq, {}, 0};
    std::string word;
    unsigned cpu = 0;
    for (; cpu < cpus && line >> word; ++cpu) {
        if (!std::isdigit(static_cast<unsigned char>(word[0]))) break;
        interrupt.count += std::strtoull(word.c_str(), nullptr, 10);
        word.clear();
    }
    // "PCI-MSI 65536-edge      virtio1-input.0": chip and pin, then the action's name.
    std::string rest = word;
    std::string tail;
    std::getline(line, tail);
    rest += tail;
    const size_t last = rest.find_last_not_of(' ');
    if (last == std::string::npos) return interrupt;
    rest.erase(last + 1);
    const size_t gap = rest.rfind("  ");
    interrupt.name = gap == std::string::npos ? rest : rest.substr(gap + 2);
    return interrupt;
}

}  // namespace

std::vector<Interrupt> parse_interrupts(std::istream& text) {
    std::vector<Interrupt> interrupts;
    std::string line;
    if (!std::getline(text, line)) return interrupts;
    unsigned cpus = 0;
    std::istringstream header(line);
    for (std::string word; header >> word;) cpus += word.starts_with("CPU");
    while (std::getline(text, line)) {
        std::istringstream words(line);
        std::string irq;
        if (!(words >> irq) || irq.back() != ':') continue;
        irq.pop_back();
        interrupts.push_back(parse_line(irq, words, cpus));
    }
    return interrupts;
}

CpuTimes parse_cpu_times(std::istream& text) {
    std::string label;
    uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
    text >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
    if (label != "cpu") return {};
    return {user + nice + system + irq + softirq + steal, idle + iowait, softirq};
}

}  // namespace valenic::agent
