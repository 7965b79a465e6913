// The guest as a whole: what it is, what it counted, and its end.
#include <linux/reboot.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "counters.hpp"
#include "ops.hpp"

namespace valenic::agent {
namespace {

/// Goes up when an existing operation changes its meaning.
constexpr unsigned protocol_version = 1;

Json end_system(int how) {
    // Answer first: the host then knows that a connection which ends now was meant to.
    std::thread([how] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        sync();
        ::reboot(how);
    }).detach();
    return Json::object();
}

}  // namespace

Json op_hello(const Args&, OpContext& context) {
    context.jobs.stop_all();  // A new host may have come before the old one's end was noticed.
    utsname system{};
    uname(&system);
    return {{"version", protocol_version},
            {"kernel", system.release},
            {"cpus", sysconf(_SC_NPROCESSORS_ONLN)},
            {"memoryBytes", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)},
            {"interfaces", list_interfaces()}};
}

/// -> {interfaces: {eth0: {rx_packets …}}, interrupts: [{irq, name, count}], cpu: {busy, idle …}}
Json op_counters(const Args&, OpContext&) {
    namespace fs = std::filesystem;
    Json interfaces = Json::object();
    for (const auto& entry : fs::directory_iterator("/sys/class/net")) {
        Json& counters = interfaces[entry.path().filename().string()] = Json::object();
        std::error_code error;
        for (const auto& file : fs::directory_iterator(entry.path() / "statistics", error)) {
            uint64_t value = 0;
            std::ifstream(file.path()) >> value;
            counters[file.path().filename().string()] = value;
        }
    }
    Json interrupts = Json::array();
    std::ifstream table("/proc/interrupts");
    for (const Interrupt& row : parse_interrupts(table)) {
        if (row.count == 0) continue;
        interrupts.push_back({{"irq", row.irq}, {"name", row.name}, {"count", row.count}});
    }
    std::ifstream stat("/proc/stat");
    const CpuTimes cpu = parse_cpu_times(stat);
    return {{"interfaces", std::move(interfaces)},
            {"interrupts", std::move(interrupts)},
            {"cpu", {{"busy", cpu.busy}, {"idle", cpu.idle}, {"softirq", cpu.softirq}}}};
}

Json op_shutdown(const Args&, OpContext&) { return end_system(RB_POWER_OFF); }
Json op_reboot(const Args&, OpContext&) { return end_system(RB_AUTOBOOT); }

}  // namespace valenic::agent
