// Serves a datapath to whoever is at the other end of a socket: one connection at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/fd.hpp"
#include "control/control.hpp"
#include "process/channel.hpp"

namespace valenic::process {

/// The thread that calls it is the datapath's control thread.
class Server final : private control::EventSink {
 public:
    explicit Server(uint32_t ports_max);
    ~Server() override = default;

    /// Until the other side is gone. Returns the exit code of the process.
    int serve(OwnedFd socket);
    /// Listens at `path` and serves one connection after the other: what a connection made stays.
    /// Until SIGTERM, which is to be blocked.
    int serve_at(const char* path);

 private:
    using Clock = std::chrono::steady_clock;
    /// Events that wait for somebody to hear them; what is told above that is lost.
    static constexpr size_t events_max = 4096;

    void event(std::vector<uint8_t> message) override;
    void housekeeping_due() override;

    void converse(Channel& channel, int end);
    bool wait(Channel& channel, int end);
    bool take_commands(Channel& channel);
    bool speak(Channel& channel);
    void look_after(bool at_once);
    bool take_look_now();
    void greet(Channel& channel);
    int end(const std::string& reason);

    OwnedFd wake_;
    std::mutex mutex_;
    std::vector<std::vector<uint8_t>> events_;  ///< Under it.
    bool look_now_ = false;                     ///< Under it: housekeeping before the next command.
    Clock::time_point next_look_;
    control::Control control_;  ///< Last: its threads reach what stands above.
};

}  // namespace valenic::process
