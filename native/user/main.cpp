// valenic-user: the NAT behind a user port, in a process without rights.
//
// It says one line on its standard output, `ready` or `refused ERRNO INDEX` of a forward, and ends
// with the stream of frames: so it never outlives the port or the daemon.
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "nat.hpp"

using valenic::user::Nat;
using valenic::user::Options;
using valenic::user::parse_options;

namespace {

constexpr int usage_status = 2;
/// "nobody": the overflow user, in every distribution.
constexpr uid_t nobody = 65'534;

/// Gives up root and every capability. False: some of it is left.
bool drop_rights() {
    if (::geteuid() == 0) {
        // In a user namespace without that user, root stays without capabilities.
        const bool changed = ::setgroups(0, nullptr) == 0 &&
                             ::setresgid(nobody, nobody, nobody) == 0 &&
                             ::setresuid(nobody, nobody, nobody) == 0;
        if (!changed && errno != EINVAL && errno != EPERM) return false;
    }
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    if (::syscall(SYS_capset, &header, none) != 0) return false;
    const rlimit no_core{0, 0};
    return ::setrlimit(RLIMIT_CORE, &no_core) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

int fail(const char* what) {
    std::fprintf(stderr, "valenic-user: %s: %s\n", what, std::strerror(errno));
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (const auto wrong = parse_options(words, options)) {
        std::fprintf(stderr, "valenic-user: %s\n", wrong->c_str());
        return usage_status;
    }
    // A terminal's signals are for the daemon, which ends us when it is done.
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    Nat nat(options);
    if (!nat.valid()) return fail("libslirp");
    for (size_t i = 0; i < options.forwards.size(); ++i) {
        const int number = nat.forward(options.forwards[i]);
        if (number == 0) continue;
        const char* name = ::strerrorname_np(number);
        std::printf("refused %s %zu\n", name != nullptr ? name : "EIO", i);
        return 1;
    }
    // Before the first frame; ports below 1024 are ours by now.
    if (!drop_rights()) return fail("dropping privileges");
    std::printf("ready\n");
    std::fflush(stdout);
    return nat.run() ? 0 : 1;
}
