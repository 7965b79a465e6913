#include "guest.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "spec/virtio_features.hpp"

namespace valenic::synthetic {

namespace {

constexpr int connect_timeout_ms = 5'000;
constexpr uint32_t net_header_bytes = 12;  // VERSION_1 is always asked for.

OwnedFd new_eventfd() { return OwnedFd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

uint32_t stride_for(const Options& options, bool receive) {
    const uint32_t whole = net_header_bytes + options.frame_bytes;
    return spread_stride(receive && options.mergeable ? 2048 : std::max(2048u, whole));
}

bool has(uint64_t features, unsigned bit) { return (features & spec::feature_mask(bit)) != 0; }

/// A queue as it was negotiated, without calls.
template <typename Queue>
Queue new_queue(uint8_t* ring, uint16_t size, uint64_t features) {
    Queue queue(ring, size, has(features, spec::feature_ring_event_idx),
                has(features, spec::feature_in_order));
    queue.ask_for_no_call();
    return queue;
}

uint64_t features_for(const Options& options) {
    uint64_t features = spec::feature_mask(spec::feature_version_1) |
                        spec::feature_mask(spec::feature_ring_indirect_desc) |
                        spec::feature_mask(spec::vhost_user_feature_protocol_features);
    if (options.mergeable) features |= spec::feature_mask(spec::net_feature_mrg_rxbuf);
    if (options.event_index) features |= spec::feature_mask(spec::feature_ring_event_idx);
    if (options.packed) features |= spec::feature_mask(spec::feature_ring_packed);
    if (options.in_order) features |= spec::feature_mask(spec::feature_in_order);
    return features;
}

}  // namespace

std::unique_ptr<Guest> Guest::start(const Options& options, const std::string& path,
                                    std::string& error) {
    auto client = driver::VhostClient::connect(path, connect_timeout_ms);
    if (!client) {
        error = path + ": nobody listens on this socket";
        return nullptr;
    }
    const size_t rings = 2 * std::max(driver::SplitQueue::parts_of(options.ring_size).bytes,
                                      driver::PackedQueue::parts_of(options.ring_size).bytes);
    const size_t buffers =
        size_t{options.ring_size} * (stride_for(options, false) + stride_for(options, true));
    const size_t tables = size_t{options.ring_size} * driver::indirect_table_bytes;
    auto memory = driver::GuestMemory::create(
        (rings + buffers + tables + (1 << 20)) / 4096 * 4096,
        options.huge_pages ? driver::GuestMemory::Pages::huge : driver::GuestMemory::Pages::normal);
    if (!memory) {
        error = "no memory for the guest of " + path;
        if (options.huge_pages) error += ": too few huge pages are free (vm.nr_hugepages)";
        return nullptr;
    }
    std::unique_ptr<Guest> guest(new Guest(std::move(*memory), std::move(*client)));
    if (guest->set_up(options)) return guest;
    error = path + ": " + (guest->error_.empty() ? guest->client_.error() : guest->error_);
    return nullptr;
}

bool Guest::set_up(const Options& options) {
    const uint64_t protocol = spec::feature_mask(spec::protocol_feature_reply_ack) |
                              spec::feature_mask(spec::protocol_feature_mq);
    if (!client_.negotiate(features_for(options), protocol) || !client_.set_memory(memory_))
        return false;
    negotiated_ = client_.features();
    for (const unsigned bit : {spec::feature_ring_packed, spec::feature_in_order}) {
        if (!has(features_for(options), bit) || has(negotiated_, bit)) continue;
        error_ = bit == spec::feature_ring_packed ? "packed rings are not offered"
                                                  : "IN_ORDER is not offered";
        return false;
    }
    return options.packed ? start_rings<driver::PackedQueue>(options)
                          : start_rings<driver::SplitQueue>(options);
}

template <typename Queue>
bool Guest::start_rings(const Options& options) {
    const size_t ring_bytes = Queue::parts_of(options.ring_size).bytes;
    uint8_t* rx_ring = memory_.take(ring_bytes);
    uint8_t* tx_ring = memory_.take(ring_bytes);
    net_ = std::make_unique<driver::NetDriver>(
        new_queue<Queue>(tx_ring, options.ring_size, negotiated_),
        new_queue<Queue>(rx_ring, options.ring_size, negotiated_),
        take_buffers(options.ring_size, stride_for(options, false)),
        take_buffers(options.ring_size, stride_for(options, true)), net_header_bytes);
    if (options.indirect) {
        if ((client_.features() & spec::feature_mask(spec::feature_ring_indirect_desc)) == 0)
            return refuse("the backend does not offer indirect descriptors");
        net_->send_indirect(take_buffers(options.ring_size, driver::indirect_table_bytes));
    }
    net_->fill_rx();
    tx_kick_ = new_eventfd();
    tx_call_ = new_eventfd();
    rx_kick_ = new_eventfd();
    rx_call_ = new_eventfd();
    return start_ring<Queue>(0, rx_ring, options) && start_ring<Queue>(1, tx_ring, options);
}

bool Guest::refuse(const char* why) {
    error_ = why;
    return false;
}

template <typename Queue>
bool Guest::start_ring(unsigned index, const uint8_t* ring, const Options& options) {
    const auto parts = Queue::parts_of(options.ring_size);
    const bool rx = index % 2 == 0;
    return client_.start_ring({index, options.ring_size, Queue::first_position, ring + parts.desc,
                               ring + parts.avail, ring + parts.used,
                               (rx ? rx_kick_ : tx_kick_).get(),
                               (rx ? rx_call_ : tx_call_).get()}) &&
           client_.enable_ring(index, true);
}

driver::BufferArea Guest::take_buffers(uint16_t count, uint32_t stride) {
    driver::BufferArea area;
    area.stride_bytes = stride;
    area.data = memory_.take(size_t{count} * stride);
    for (uint32_t i = 0; i < count; ++i) area.addresses.push_back(memory_.guest_addr(area.at(i)));
    return area;
}

Guest::~Guest() {
    if (!net_) return;
    client_.set_timeout_ms(2'000);
    client_.stop_ring(0);
    client_.stop_ring(1);
}

void Guest::kick_if_wanted(bool may_wait) noexcept {
    if (!(may_wait ? net_->kick_wanted_already() : net_->kick_wanted())) return;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(tx_kick_.get(), &one, sizeof one);
    ++kicks_;
}

void Guest::drain_calls() noexcept {
    uint64_t count = 0;
    if (read(rx_call_.get(), &count, sizeof count) == sizeof count) calls_ += count;
}

bool Guest::backend_gone() const noexcept {
    pollfd state{client_.fd(), POLLIN, 0};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR | POLLIN)) != 0;
}

}  // namespace valenic::synthetic
