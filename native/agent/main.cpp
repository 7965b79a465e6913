// valenic-agent: does in the guest what tests and measurements on the host ask for.
#include <csignal>
#include <cstdio>

#include "port.hpp"
#include "server.hpp"

int main() {
    using namespace valenic::agent;
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGCHLD, SIG_IGN);  // As process 1 we inherit orphans; ignored, they vanish.
    HostPort port;
    if (!port.open()) {
        std::fprintf(stderr, "valenic-agent: %s\n", port.error().c_str());
        return 1;
    }
    std::printf("valenic-agent: ready\n");
    std::fflush(stdout);
    Server server([&port](const std::string& line) { port.send(line); });
    LineReader lines;
    std::string bytes;
    for (;;) {
        const bool usable =
            port.wait(bytes) == HostPort::Event::bytes &&
            lines.feed(bytes, [&server](std::string_view line) { server.handle(line); });
        if (usable) continue;
        server.disconnect();
        lines.clear();
    }
}
