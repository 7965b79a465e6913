#include "replay.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/clock.hpp"
#include "driver/vhost_client.hpp"
#include "net/stream_framing.hpp"
#include "replay_kinds.hpp"
#include "spec/virtio_features.hpp"
#include "traffic.hpp"

namespace valenic::synthetic {

namespace {

constexpr int connect_timeout_ms = 5'000;
constexpr uint64_t say_at_most_ns = 2'000'000'000;
constexpr uint32_t hello_bytes = 12 + 60;
/// Turns between fences for the question whether the backend wants a kick.
constexpr unsigned turns_per_fence = 64;

bool gone(int fd) noexcept {
    pollfd state{fd, POLLIN, 0};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR | POLLIN)) != 0;
}

uint64_t features_for(const Options& options, const ReplayKind& kind) noexcept {
    uint64_t features = spec::feature_mask(spec::feature_version_1) |
                        spec::feature_mask(spec::vhost_user_feature_protocol_features) |
                        kind.features;
    if (options.packed)
        features |= spec::feature_mask(spec::feature_ring_packed) |
                    spec::feature_mask(spec::feature_ring_indirect_desc);
    return features;
}

/// A guest with one kind of ring.
template <typename Ring>
class ReplayGuest final : public Replay {
 public:
    ReplayGuest(const ReplaySpec& spec, const ReplayShape& shape, driver::GuestMemory memory,
                driver::VhostClient client)
        : Replay(spec),
          shape_(shape),
          memory_(std::move(memory)),
          client_(std::move(client)),
          rx_(place_of(rx_ring_size(shape), rx_memory_), rx_ring_size(shape)),
          tx_(place_of(tx_ring_size(shape), tx_memory_), tx_ring_size(shape)),
          rx_kick_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          tx_kick_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
          call_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

    ~ReplayGuest() override {
        client_.set_timeout_ms(2'000);
        client_.stop_ring(0);
        client_.stop_ring(1);
    }

    /// Negotiates, starts both rings, and says its address to all.
    bool set_up(const Options& options, std::string& error) {
        const uint64_t wanted = features_for(options, *spec_.kind);
        const uint64_t protocol = spec::feature_mask(spec::protocol_feature_reply_ack) |
                                  spec::feature_mask(spec::protocol_feature_mq);
        if (!client_.negotiate(wanted, protocol) || !client_.set_memory(memory_)) {
            error = client_.error();
            return false;
        }
        if (client_.features() != wanted) {
            error = "the backend does not offer the features that this kind needs";
            return false;
        }
        if (start_ring(0, rx_ring_size(shape_), rx_memory_, rx_kick_.get()) &&
            start_ring(1, tx_ring_size(shape_), tx_memory_, tx_kick_.get())) {
            if (say_address()) return true;
            error = "nobody took its first frame";
            return false;
        }
        error = client_.error();
        return false;
    }

    bool begin(std::string&) override {
        rx_.write(rx_chains(shape_, memory_), memory_);
        kick(rx_kick_);
        const std::vector<Chain> chains = tx_chains(shape_, memory_);
        sends_ = !chains.empty();
        if (!sends_) return true;
        tx_.write(chains, memory_);
        if (shape_.role == ReplayRole::churn) each_from_another(chains);
        kick(tx_kick_);
        return true;
    }

    void turn() noexcept override {
        count_.received += shape_.role == ReplayRole::sink ? count_honest() : rx_.again();
        if (!sends_) return;
        count_.sent += frames_.empty()
                           ? tx_.again()
                           : tx_.again([this](uint32_t place, uint32_t) { name_anew(place); });
        const bool fence = ++turns_ % turns_per_fence == 0;
        if (fence) full_fence();
        if (tx_.kick_wanted()) kick(tx_kick_);
    }

    bool backend_gone() const noexcept override { return gone(client_.fd()); }

 private:
    uint8_t* place_of(uint16_t size, uint8_t*& place) {
        return place = memory_.take(Ring::Queue::parts_of(size).bytes);
    }
    bool start_ring(unsigned index, uint16_t size, const uint8_t* ring, int kick_fd) {
        const auto parts = Ring::Queue::parts_of(size);
        return client_.start_ring({index, size, Ring::Queue::first_position, ring + parts.desc,
                                   ring + parts.avail, ring + parts.used, kick_fd, call_.get()}) &&
               client_.enable_ring(index, true);
    }
    bool say_address() noexcept {
        uint8_t* data = memory_.take(hello_bytes);
        std::memset(data + 12, 0xff, 6);
        std::memcpy(data + 12 + 6, &shape_.from_mac, 6);
        tx_.say({memory_.guest_addr(data), hello_bytes});
        kick(tx_kick_);
        const uint64_t give_up_ns = monotonic_ns() + say_at_most_ns;
        while (!tx_.said_came_back()) {
            if (monotonic_ns() > give_up_ns) return false;
            sched_yield();
        }
        tx_.take_said();
        return true;
    }
    /// Returns how many chains came back, of which some hold an honest frame.
    uint32_t count_honest() noexcept {
        const uint32_t wanted = shape_.frame_bytes + 12;
        uint64_t honest = 0;
        const uint32_t count = rx_.again(
            [&honest, wanted](uint32_t, uint32_t bytes) { honest += bytes == wanted ? 1 : 0; });
        count_.honest += honest;
        return count;
    }
    /// Each frame is in a buffer of its own: its source can be written while others are under way.
    void each_from_another(const std::vector<Chain>& chains) {
        for (uint32_t i = 0; i < tx_ring_size(shape_); ++i) {
            const uint64_t addr = chains[i % chains.size()][0].addr;
            uint8_t* frame = memory_.data() + (addr - driver::GuestMemory::guest_base) + 12;
            frame[6] = 0x56;  // Nobody's, and of each guest others.
            frame[7] = static_cast<uint8_t>(shape_.from_mac >> 40);
            frames_.push_back(frame);
        }
    }
    void name_anew(uint32_t place) noexcept {
        const uint32_t number = ++named_;
        std::memcpy(frames_[place] + 8, &number, sizeof number);
    }
    void kick(const OwnedFd& to) noexcept {
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(to.get(), &one, sizeof one);
    }

    ReplayShape shape_;
    driver::GuestMemory memory_;
    driver::VhostClient client_;
    uint8_t* rx_memory_ = nullptr;
    uint8_t* tx_memory_ = nullptr;
    Ring rx_;
    Ring tx_;
    OwnedFd rx_kick_, tx_kick_, call_;
    bool sends_ = false;
    unsigned turns_ = 0;
    uint32_t named_ = 0;
    std::vector<uint8_t*> frames_;  ///< By place, where each is from another MAC.
};

/// The peer of a stream port: bytes of frames of one byte, as many as the socket takes.
class ReplayStream final : public Replay {
 public:
    ReplayStream(const ReplaySpec& spec, OwnedFd socket)
        : Replay(spec), socket_(std::move(socket)) {}

    bool begin(std::string&) override {
        // QEMU's framing: the length in four bytes, big-endian, then the frame.
        for (uint32_t i = 0; i < records; ++i) bytes_[i * record_bytes + 3] = 1;
        begun_ = true;
        return true;
    }
    void turn() noexcept override {
        if (!begun_) return;
        const ssize_t sent =
            ::send(socket_.get(), bytes_ + at_, sizeof bytes_ - at_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) return;
        at_ += static_cast<size_t>(sent);
        sent_bytes_ += static_cast<uint64_t>(sent);
        count_.sent = sent_bytes_ / record_bytes;
        if (at_ == sizeof bytes_) at_ = 0;
    }
    bool backend_gone() const noexcept override {
        pollfd state{socket_.get(), 0, 0};
        return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
    }

 private:
    static constexpr size_t record_bytes = stream_header_bytes + 1;
    static constexpr size_t records = 8192;

    OwnedFd socket_;
    bool begun_ = false;
    size_t at_ = 0;
    uint64_t sent_bytes_ = 0;
    uint8_t bytes_[records * record_bytes] = {};
};

template <typename Ring>
std::unique_ptr<Replay> start_guest(const Options& options, const ReplaySpec& spec,
                                    const ReplayShape& shape, driver::VhostClient client,
                                    std::string& error) {
    constexpr size_t page = 4096;
    const size_t bytes = Ring::Queue::parts_of(rx_ring_size(shape)).bytes +
                         Ring::Queue::parts_of(tx_ring_size(shape)).bytes + content_bytes(shape);
    auto memory = driver::GuestMemory::create((bytes + page - 1) / page * page);
    if (!memory) {
        error = "no memory for the guest";
        return nullptr;
    }
    auto guest =
        std::make_unique<ReplayGuest<Ring>>(spec, shape, std::move(*memory), std::move(client));
    if (!guest->set_up(options, error)) return nullptr;
    return guest;
}

}  // namespace

std::unique_ptr<Replay> Replay::start(const Options& options, const ReplaySpec& spec,
                                      unsigned index, std::string& error) {
    OwnedFd socket = driver::connect_unix(spec.path, connect_timeout_ms);
    if (!socket.valid()) {
        error = "nobody listens on this socket";
        return nullptr;
    }
    if (spec.kind->role == ReplayRole::stream)
        return std::make_unique<ReplayStream>(spec, std::move(socket));
    driver::VhostClient client(std::move(socket));
    const auto address_of = [&](unsigned number) { return mac_of(options.station + number); };
    const uint64_t from = address_of(index);
    const uint64_t to = spec.to_mac.value_or(spec.to ? address_of(*spec.to) : from);
    const ReplayShape shape{spec.kind->role, from, to, options.frame_bytes, options.chain};
    return options.packed
               ? start_guest<PackedReplay>(options, spec, shape, std::move(client), error)
               : start_guest<SplitReplay>(options, spec, shape, std::move(client), error);
}

}  // namespace valenic::synthetic
