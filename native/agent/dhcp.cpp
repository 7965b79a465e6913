// Asks for an address by DHCP: busybox does it, its script leaves what it got in a file.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "ops.hpp"

namespace valenic::agent {

namespace {

constexpr const char* lease_path = "/tmp/lease";

/// Runs a program of the image to its end. Its status is not to be had: the agent ignores SIGCHLD,
/// so that nothing it inherits as process 1 stays a zombie.
void run_program(std::array<const char*, 14> words) {
    pid_t pid = 0;
    auto* argv = const_cast<char* const*>(words.data());
    const int error = ::posix_spawn(&pid, words[0], nullptr, nullptr, argv, environ);
    if (error != 0) fail_errno(words[0], error);
    while (::waitpid(pid, nullptr, 0) < 0)
        if (errno == ECHILD) return;
}

}  // namespace

/// {interface}: answers when there is an address, or fails after ten attempts.
Json op_dhcp(const Args& args, OpContext&) {
    const std::string name = args.text("interface");
    ::unlink(lease_path);
    run_program({"/bin/busybox", "udhcpc", "-i", name.c_str(), "-n", "-q", "-f", "-t", "10", "-T",
                 "2", "-s", "/bin/dhcp-lease", nullptr});
    std::ifstream lease(lease_path);
    std::string address;
    std::string router;
    if (!(lease >> address >> router)) throw OpError(name + ": no DHCP server gave it an address");
    Json servers = Json::array();
    for (std::string server; lease >> server;) servers.push_back(server);
    return {{"address", address}, {"router", router}, {"nameservers", servers}};
}

}  // namespace valenic::agent
