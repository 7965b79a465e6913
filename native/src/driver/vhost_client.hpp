// The front-end's half of vhost-user: what a VMM does, blocking, for one device.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "driver/guest_memory.hpp"
#include "spec/vhost_user.hpp"

namespace valenic::driver {

/// One virtqueue, as described to the backend.
struct RingSetup {
    unsigned index;
    uint16_t size;
    uint16_t base;
    const uint8_t* desc;
    const uint8_t* avail;
    const uint8_t* used;
    int kick_fd;  ///< -1 = the backend polls.
    int call_fd;  ///< -1 = we poll.
};

/// A UNIX socket's other end, tried again until `timeout_ms` passed; invalid: nobody listens.
OwnedFd connect_unix(const std::string& path, int timeout_ms);

/// Every call returns false when the backend refused or went away; error() then says at what.
class VhostClient {
 public:
    /// Connects, trying again until `timeout_ms` passed.
    static std::optional<VhostClient> connect(const std::string& path, int timeout_ms);
    /// Takes a connected socket.
    explicit VhostClient(OwnedFd socket) : socket_(std::move(socket)) {}

    /// Acknowledges `wanted` as far as offered, protocol features likewise.
    bool negotiate(uint64_t wanted_features, uint64_t wanted_protocol_features);
    uint64_t features() const noexcept { return features_; }
    uint64_t protocol_features() const noexcept { return protocol_features_; }
    std::optional<uint64_t> queue_number();
    bool set_memory(const GuestMemory& memory);
    bool start_ring(const RingSetup& ring);
    bool enable_ring(unsigned index, bool enabled);
    /// GET_VRING_BASE: stops the ring.
    std::optional<uint16_t> stop_ring(unsigned index);

    /// One request as given; for tests that break rules as well.
    bool send(spec::VhostUserRequest request, std::span<const uint8_t> payload,
              std::span<const int> fds, uint32_t flags = spec::vhost_user_version);
    /// Waits for the answer to `request` and copies its payload out.
    bool receive(spec::VhostUserRequest request, std::span<uint8_t> payload);
    const std::string& error() const noexcept { return error_; }
    int fd() const noexcept { return socket_.get(); }
    void set_timeout_ms(int timeout_ms) noexcept { timeout_ms_ = timeout_ms; }

 private:
    /// Sends, and with REPLY_ACK waits for the acknowledgement.
    bool tell(spec::VhostUserRequest request, std::span<const uint8_t> payload,
              std::span<const int> fds = {});
    bool tell_u64(spec::VhostUserRequest request, uint64_t value, std::span<const int> fds = {});
    std::optional<uint64_t> ask_u64(spec::VhostUserRequest request);
    bool fail(const char* what, spec::VhostUserRequest request);

    OwnedFd socket_;
    uint64_t features_ = 0;
    uint64_t protocol_features_ = 0;
    int timeout_ms_ = 10'000;
    std::string error_;
};

}  // namespace valenic::driver
