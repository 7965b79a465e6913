#include "driver/vhost_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.hpp"
#include "spec/virtio_features.hpp"

namespace valenic::driver {

using spec::VhostUserRequest;

namespace {

constexpr size_t fds_max = 8;
constexpr uint64_t ns_per_ms = 1'000'000;

template <typename T>
std::span<const uint8_t> bytes_of(const T& value) {
    return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}
template <typename T>
std::span<uint8_t> room_of(T& value) {
    return {reinterpret_cast<uint8_t*>(&value), sizeof value};
}

}  // namespace

OwnedFd connect_unix(const std::string& path, int timeout_ms) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return OwnedFd();
    std::memcpy(address.sun_path, path.data(), path.size());
    const uint64_t deadline = monotonic_ns() + static_cast<uint64_t>(timeout_ms) * ns_per_ms;
    do {
        OwnedFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!socket.valid()) return OwnedFd();
        const auto* where = reinterpret_cast<const sockaddr*>(&address);
        if (::connect(socket.get(), where, sizeof address) == 0) return socket;
        usleep(10'000);
    } while (monotonic_ns() < deadline);
    return OwnedFd();
}

std::optional<VhostClient> VhostClient::connect(const std::string& path, int timeout_ms) {
    OwnedFd socket = connect_unix(path, timeout_ms);
    if (!socket.valid()) return std::nullopt;
    return VhostClient(std::move(socket));
}

bool VhostClient::fail(const char* what, VhostUserRequest request) {
    error_ = std::string(what) + " at request " + std::to_string(static_cast<uint32_t>(request)) +
             (errno != 0 ? std::string(": ") + std::strerror(errno) : "");
    return false;
}

bool VhostClient::send(VhostUserRequest request, std::span<const uint8_t> payload,
                       std::span<const int> fds, uint32_t flags) {
    const spec::VhostUserHeader header{static_cast<uint32_t>(request), flags,
                                       static_cast<uint32_t>(payload.size())};
    iovec parts[2] = {{const_cast<spec::VhostUserHeader*>(&header), sizeof header},
                      {const_cast<uint8_t*>(payload.data()), payload.size()}};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * fds_max)] = {};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = payload.empty() ? 1 : 2;
    if (!fds.empty() && fds.size() <= fds_max) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
    }
    errno = 0;
    const ssize_t sent = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent == static_cast<ssize_t>(sizeof header + payload.size())) return true;
    return fail("sendmsg", request);
}

bool VhostClient::receive(VhostUserRequest request, std::span<uint8_t> payload) {
    spec::VhostUserHeader header{};
    const auto read_all = [this](std::span<uint8_t> room) {
        while (!room.empty()) {
            pollfd wait{socket_.get(), POLLIN, 0};
            errno = 0;
            if (poll(&wait, 1, timeout_ms_) <= 0) return false;
            const ssize_t count = read(socket_.get(), room.data(), room.size());
            if (count <= 0) return false;
            room = room.subspan(static_cast<size_t>(count));
        }
        return true;
    };
    if (!read_all(room_of(header))) return fail("no answer", request);
    if (header.request != static_cast<uint32_t>(request) || header.size != payload.size())
        return fail("wrong answer", request);
    return read_all(payload) || fail("short answer", request);
}

bool VhostClient::tell(VhostUserRequest request, std::span<const uint8_t> payload,
                       std::span<const int> fds) {
    const bool acknowledged =
        (protocol_features_ & spec::feature_mask(spec::protocol_feature_reply_ack)) != 0;
    const uint32_t flags =
        spec::vhost_user_version | (acknowledged ? spec::vhost_user_need_reply : 0);
    if (!send(request, payload, fds, flags)) return false;
    if (!acknowledged) return true;
    uint64_t refused = 0;
    if (!receive(request, room_of(refused))) return false;
    return refused == 0 || fail("refused", request);
}

bool VhostClient::tell_u64(VhostUserRequest request, uint64_t value, std::span<const int> fds) {
    return tell(request, bytes_of(value), fds);
}

std::optional<uint64_t> VhostClient::ask_u64(VhostUserRequest request) {
    uint64_t value = 0;
    if (!send(request, {}, {}) || !receive(request, room_of(value))) return std::nullopt;
    return value;
}

bool VhostClient::negotiate(uint64_t wanted_features, uint64_t wanted_protocol_features) {
    const auto offered = ask_u64(VhostUserRequest::get_features);
    if (!offered) return false;
    features_ = *offered & wanted_features;
    const uint64_t protocol = spec::feature_mask(spec::vhost_user_feature_protocol_features);
    if ((features_ & protocol) != 0) {
        const auto extra = ask_u64(VhostUserRequest::get_protocol_features);
        if (!extra) return false;
        const uint64_t chosen = *extra & wanted_protocol_features;
        if (!tell_u64(VhostUserRequest::set_protocol_features, chosen)) return false;
        protocol_features_ = chosen;
    }
    return tell(VhostUserRequest::set_owner, {}) &&
           tell_u64(VhostUserRequest::set_features, features_);
}

std::optional<uint64_t> VhostClient::queue_number() {
    return ask_u64(VhostUserRequest::get_queue_num);
}

bool VhostClient::set_memory(const GuestMemory& memory) {
    struct {
        spec::MemoryTable table;
        spec::MemoryRegionRow region;
    } payload{};
    payload.table.num_regions = 1;
    payload.region = {GuestMemory::guest_base, memory.bytes(), memory.user_base(), 0};
    const int fd = memory.fd();
    return tell(VhostUserRequest::set_mem_table, bytes_of(payload), {&fd, 1});
}

bool VhostClient::start_ring(const RingSetup& ring) {
    const spec::VringState number{ring.index, ring.size};
    const spec::VringState base{ring.index, ring.base};
    spec::VringAddr addresses{};
    addresses.index = ring.index;
    addresses.descriptor = reinterpret_cast<uint64_t>(ring.desc);
    addresses.available = reinterpret_cast<uint64_t>(ring.avail);
    addresses.used = reinterpret_cast<uint64_t>(ring.used);
    const auto notifier = [&](VhostUserRequest request, const int& fd) {
        const uint64_t value = ring.index | (fd < 0 ? uint64_t{spec::vring_fd_none} : 0);
        return tell_u64(request, value, {&fd, fd < 0 ? 0u : 1u});
    };
    return tell(VhostUserRequest::set_vring_num, bytes_of(number)) &&
           tell(VhostUserRequest::set_vring_base, bytes_of(base)) &&
           tell(VhostUserRequest::set_vring_addr, bytes_of(addresses)) &&
           notifier(VhostUserRequest::set_vring_call, ring.call_fd) &&
           notifier(VhostUserRequest::set_vring_kick, ring.kick_fd);
}

bool VhostClient::enable_ring(unsigned index, bool enabled) {
    const spec::VringState state{index, enabled ? 1u : 0u};
    return tell(VhostUserRequest::set_vring_enable, bytes_of(state));
}

std::optional<uint16_t> VhostClient::stop_ring(unsigned index) {
    spec::VringState state{index, 0};
    if (!send(VhostUserRequest::get_vring_base, bytes_of(state), {}) ||
        !receive(VhostUserRequest::get_vring_base, room_of(state)))
        return std::nullopt;
    return static_cast<uint16_t>(state.num);
}

}  // namespace valenic::driver
