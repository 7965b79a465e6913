// The cheapest vhost-user backend there can be, to see what a front-end is able to drive: two
// ports, what one sends the other receives, without a check, a table or a counter. It trusts its
// front-end with everything, so it is for measuring only.
//
//   null_backend SOCKET SOCKET [COPY]
//
// COPY: bytes of each frame that are copied, 64 by default; with 0 payloads do not move at all.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/atomic.hpp"
#include "base/check.hpp"
#include "base/fd.hpp"
#include "base/lines.hpp"
#include "spec/vhost_user.hpp"
#include "spec/virtio_features.hpp"
#include "spec/virtio_ring.hpp"

using namespace valenic;
using spec::VhostUserRequest;

namespace {

constexpr uint32_t batch = 64;
constexpr uint32_t net_header_bytes = 12;
/// Rounds between looks at the sockets.
constexpr unsigned rounds_per_look = 4096;

struct Region {
    spec::MemoryRegionRow row;
    uint8_t* data;
};

struct Ring {
    uint16_t mask = 0;
    uint16_t avail_seen = 0, next = 0;
    bool ready = false;
    const spec::SplitDesc* table = nullptr;
    const spec::SplitAvail* avail = nullptr;
    spec::SplitUsed* used = nullptr;

    /// Chains that wait; looks only when fewer than a batch are known.
    uint32_t waiting() {
        if (static_cast<uint16_t>(avail_seen - next) < batch) avail_seen = load_acquire(avail->idx);
        return static_cast<uint16_t>(avail_seen - next);
    }
    uint16_t head(uint32_t ahead) const {
        const auto* ring = reinterpret_cast<const uint16_t*>(avail + 1);
        return load_once(ring[(next + ahead) & mask]) & mask;
    }
    void use(uint32_t ahead, uint32_t id, uint32_t len_bytes) {
        auto* ring = reinterpret_cast<spec::SplitUsedElem*>(used + 1);
        ring[(next + ahead) & mask] = {id, len_bytes};
    }
    void publish(uint32_t count) {
        next = static_cast<uint16_t>(next + count);
        store_release(used->idx, next);
    }
};

class Device {
 public:
    explicit Device(const char* path) {
        listener_ = OwnedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
        unlink(path);
        CHECK(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
              listen(listener_.get(), 1) == 0);
    }
    /// Accepts and answers what waits. False when nothing did.
    bool serve() {
        const int fd = socket_.valid() ? socket_.get() : listener_.get();
        pollfd wait{fd, POLLIN, 0};
        if (poll(&wait, 1, 0) != 1) return false;
        if (!socket_.valid()) {
            socket_ = OwnedFd(accept(listener_.get(), nullptr, nullptr));
        } else if (!answer()) {
            rings = {};
            for (const Region& region : regions_) munmap(region.data, region.row.size);
            regions_.clear();
            socket_.reset();
        }
        return true;
    }
    bool ready() const { return rings[0].ready && rings[1].ready; }
    uint8_t* at(uint64_t guest_addr) const {
        for (const Region& region : regions_)
            if (guest_addr - region.row.guest_address < region.row.size)
                return region.data + (guest_addr - region.row.guest_address);
        std::abort();
    }

    std::array<Ring, 2> rings;

 private:
    uint8_t* at_user(uint64_t user_addr) const {
        for (const Region& region : regions_)
            if (user_addr - region.row.user_address < region.row.size)
                return region.data + (user_addr - region.row.user_address);
        std::abort();
    }
    bool answer() {
        spec::VhostUserHeader header{};
        std::vector<int> fds(8, -1);
        alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int) * 8)] = {};
        iovec part{&header, sizeof header};
        msghdr message{nullptr, 0, &part, 1, control, sizeof control, 0};
        if (recvmsg(socket_.get(), &message, MSG_WAITALL) != sizeof header) return false;
        const cmsghdr* passed = CMSG_FIRSTHDR(&message);
        if (passed != nullptr)
            std::memcpy(fds.data(), CMSG_DATA(passed), passed->cmsg_len - CMSG_LEN(0));
        std::vector<uint8_t> payload(header.size);
        if (header.size > 0 && recv(socket_.get(), payload.data(), payload.size(), MSG_WAITALL) !=
                                   static_cast<ssize_t>(payload.size()))
            return false;
        payload.resize(std::max<size_t>(payload.size(), sizeof(spec::VringAddr)));
        handle(header, payload.data(), fds);
        for (const int fd : fds)
            if (fd >= 0) close(fd);
        return true;
    }
    void handle(const spec::VhostUserHeader& header, const uint8_t* payload,
                const std::vector<int>& fds) {
        spec::VringState state{};
        std::memcpy(&state, payload, sizeof state);
        Ring& ring = rings[state.index & 1];
        switch (static_cast<VhostUserRequest>(header.request)) {
            case VhostUserRequest::get_features:
                return reply(header,
                             spec::feature_mask(spec::feature_version_1) |
                                 spec::feature_mask(spec::vhost_user_feature_protocol_features));
            case VhostUserRequest::get_protocol_features:
                return reply(header, 0);
            case VhostUserRequest::set_mem_table:
                return map(payload, fds);
            case VhostUserRequest::set_vring_num:
                ring.mask = static_cast<uint16_t>(state.num - 1);
                return;
            case VhostUserRequest::set_vring_base:
                ring.next = ring.avail_seen = static_cast<uint16_t>(state.num);
                return;
            case VhostUserRequest::set_vring_addr:
                return set_addresses(payload);
            case VhostUserRequest::set_vring_enable:
                ring.ready = state.num != 0;
                return;
            case VhostUserRequest::get_vring_base:
                ring.ready = false;
                return reply(header, state.index | uint64_t{ring.next} << 32);
            default:
                return;
        }
    }
    void reply(const spec::VhostUserHeader& header, uint64_t value) {
        struct {
            spec::VhostUserHeader header;
            uint64_t value;
        } __attribute__((packed))
        answer{{header.request, spec::vhost_user_version | spec::vhost_user_reply, sizeof value},
               value};
        CHECK(write(socket_.get(), &answer, sizeof answer) == sizeof answer);
    }
    void map(const uint8_t* payload, const std::vector<int>& fds) {
        spec::MemoryTable table{};
        std::memcpy(&table, payload, sizeof table);
        for (uint32_t i = 0; i < table.num_regions && i < fds.size(); ++i) {
            Region region{};
            std::memcpy(&region.row, payload + sizeof table + i * sizeof region.row,
                        sizeof region.row);
            void* data =
                mmap(nullptr, region.row.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                     fds[i], static_cast<off_t>(region.row.mmap_offset));
            CHECK(data != MAP_FAILED);
            region.data = static_cast<uint8_t*>(data);
            regions_.push_back(region);
        }
    }
    void set_addresses(const uint8_t* payload) {
        spec::VringAddr addr{};
        std::memcpy(&addr, payload, sizeof addr);
        Ring& ring = rings[addr.index & 1];
        ring.table = reinterpret_cast<spec::SplitDesc*>(at_user(addr.descriptor));
        ring.avail = reinterpret_cast<spec::SplitAvail*>(at_user(addr.available));
        ring.used = reinterpret_cast<spec::SplitUsed*>(at_user(addr.used));
        store_once(ring.used->flags, uint16_t{spec::used_f_no_notify});
    }

    OwnedFd listener_;
    OwnedFd socket_;
    std::vector<Region> regions_;
};

/// What `from` sends, `to` receives: as much as both rings have.
void forward(Device& from, Device& to, uint32_t copy_bytes) {
    Ring& tx = from.rings[1];
    Ring& rx = to.rings[0];
    const uint32_t count = std::min({tx.waiting(), rx.waiting(), batch});
    if (count == 0) return;
    std::array<const uint8_t*, batch> sources;
    std::array<uint8_t*, batch> targets;
    for (uint32_t i = 0; i < count; ++i) {
        const uint16_t head = tx.head(i);
        const uint16_t target = rx.head(i);
        sources[i] = from.at(tx.table[head].addr);
        targets[i] = to.at(rx.table[target].addr);
        if (copy_bytes > 0) {
            fetch_line(sources[i]);
            own_line(targets[i]);
        }
        tx.use(i, head, 0);
        rx.use(i, target, tx.table[head].len);
    }
    for (uint32_t i = 0; i < count && copy_bytes > 0; ++i) {
        std::memcpy(targets[i], sources[i], copy_bytes);
        const uint16_t one_buffer = 1;
        std::memcpy(targets[i] + net_header_bytes - sizeof one_buffer, &one_buffer,
                    sizeof one_buffer);
    }
    rx.publish(count);
    tx.publish(count);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: null_backend SOCKET SOCKET [COPY]\n");
        return 2;
    }
    const uint32_t copy_bytes = argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 64;
    Device a(argv[1]);
    Device b(argv[2]);
    for (unsigned round = 0;; ++round) {
        if (round % rounds_per_look == 0 || !a.ready() || !b.ready())
            while (a.serve() || b.serve()) {
            }
        if (!a.ready() || !b.ready()) continue;
        if (copy_bytes == 64) {  // A constant, so that the copy is a single move of one line.
            forward(a, b, 64);
            forward(b, a, 64);
        } else {
            forward(a, b, copy_bytes);
            forward(b, a, copy_bytes);
        }
    }
}
