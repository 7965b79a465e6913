// The virtio-serial port to the host.
#pragma once
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace valenic::agent {

inline constexpr const char* agent_port_name = "org.valenic.agent.0";

class HostPort {
 public:
    /// Finds the port by its name, waiting up to 10 s for it. False: there is none; see `error()`.
    bool open();
    const std::string& error() const { return error_; }

    enum class Event { bytes, disconnected };
    /// Waits for bytes from the host, or for its going away. While the host is away: looks again
    /// every 20 ms, because poll() cannot wait for a host.
    Event wait(std::string& bytes);
    /// Writes all of it, or drops it when the host is not there.
    void send(std::string_view text);

 private:
    OwnedFd fd_;
    std::string error_;
    bool connected_ = false;
};

}  // namespace valenic::agent
