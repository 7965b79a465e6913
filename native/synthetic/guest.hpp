// One guest without a VM: memory, one queue pair, and a vhost-user connection to the backend.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "driver/guest_memory.hpp"
#include "driver/net_driver.hpp"
#include "driver/vhost_client.hpp"
#include "options.hpp"

namespace valenic::synthetic {

class Guest {
 public:
    /// Connects and starts both rings. On failure `error` says why.
    static std::unique_ptr<Guest> start(const Options& options, const std::string& path,
                                        std::string& error);
    /// Stops both rings.
    ~Guest();

    driver::NetDriver& net() noexcept { return *net_; }
    /// Kicks the TX ring when the backend asked for it. `may_wait`: this is asked again, without
    /// it, before we wait for the backend; so the fence can be spared now.
    void kick_if_wanted(bool may_wait = false) noexcept;
    uint64_t kicks() const noexcept { return kicks_; }
    uint64_t calls() const noexcept { return calls_; }
    /// Readable when the backend called for the RX ring.
    int call_fd() const noexcept { return rx_call_.get(); }
    void drain_calls() noexcept;
    /// Virtio features both sides agreed on.
    uint64_t features() const noexcept { return negotiated_; }
    bool backend_gone() const noexcept;

 private:
    Guest(driver::GuestMemory memory, driver::VhostClient client)
        : memory_(std::move(memory)), client_(std::move(client)) {}
    bool set_up(const Options& options);
    bool refuse(const char* why);
    template <typename Queue>
    bool start_rings(const Options& options);
    template <typename Queue>
    bool start_ring(unsigned index, const uint8_t* ring, const Options& options);
    driver::BufferArea take_buffers(uint16_t count, uint32_t stride);

    driver::GuestMemory memory_;
    driver::VhostClient client_;
    uint64_t negotiated_ = 0;  ///< Feature bits.
    std::string error_;        ///< Why set_up() failed, when the client does not know.
    OwnedFd tx_kick_, tx_call_, rx_kick_, rx_call_;
    std::unique_ptr<driver::NetDriver> net_;
    uint64_t kicks_ = 0;
    uint64_t calls_ = 0;
};

}  // namespace valenic::synthetic
