// valenic-datapath: the datapath as a program without Node, behind a UNIX socket.
#include <signal.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "process/server.hpp"

namespace valenic::process {

namespace {

using Limits = boundary::DatapathLimits;

constexpr char usage[] =
    "usage: valenic-datapath --socket FD | --listen PATH [--ports N]\n"
    "  --socket FD    serve the connected UNIX stream socket that is inherited as FD; end with it\n"
    "  --listen PATH  serve one connection after the other there; SIGTERM ends it\n"
    "  --ports N      most ports, 1 to %u (%u)\n";
constexpr int exit_usage = 2;

struct Words {
    std::optional<int> socket;
    const char* listen = nullptr;
    uint32_t ports = Limits::ports_default;
};

template <typename Number>
bool read_number(const char* text, Number lowest, Number highest, Number& out) {
    const char* const end = text + std::strlen(text);
    const auto [at, error] = std::from_chars(text, end, out);
    return error == std::errc{} && at == end && out >= lowest && out <= highest;
}

std::optional<Words> read_words(int count, char** words) {
    Words said;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view name = words[i];
        const char* const value = words[i + 1];
        int socket = -1;
        if (name == "--socket" && read_number(value, 0, INT32_MAX, socket)) {
            said.socket = socket;
        } else if (name == "--listen" && *value != '\0') {
            said.listen = value;
        } else if (name != "--ports" || !read_number(value, 1u, Limits::ports_most, said.ports)) {
            return std::nullopt;
        }
    }
    const bool one = said.socket.has_value() != (said.listen != nullptr);
    return count % 2 == 1 && one ? std::optional(said) : std::nullopt;
}

/// Ctrl-C reaches the whole group of processes, and whoever started this one decides when it ends.
/// Every thread starts with this mask; faults of a thread itself must still reach it.
void block_signals() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, own);
    sigprocmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

int run(int count, char** words) {
    const auto said = read_words(count, words);
    if (!said) {
        std::fprintf(stderr, usage, Limits::ports_most, Limits::ports_default);
        return exit_usage;
    }
    block_signals();
    Server server(said->ports);
    return said->socket ? server.serve(OwnedFd(*said->socket)) : server.serve_at(said->listen);
}

}  // namespace valenic::process

int main(int count, char** words) { return valenic::process::run(count, words); }
