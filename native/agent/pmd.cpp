// The poll-mode driver inside the guest: takes a virtio-net device from the kernel and drives it.
#include <sstream>
#include <thread>

#include "address.hpp"
#include "base/clock.hpp"
#include "driver/dma_memory.hpp"
#include "driver/net_driver.hpp"
#include "driver/virtio_pci.hpp"
#include "net/sink.hpp"
#include "ops.hpp"
#include "pacer.hpp"
#include "probe_traffic.hpp"
#include "spec/virtio_features.hpp"

namespace valenic::agent {
namespace {

constexpr uint16_t ring_size_max = 256;  // Each part of the ring then lies within one page.
constexpr uint32_t buffer_bytes = 2048;
constexpr uint32_t net_header_bytes = 12;
constexpr uint16_t rx_queue = 0;
constexpr uint16_t tx_queue = 1;
constexpr size_t burst = 64;
constexpr uint64_t drain_at_most_ns = 2'000'000'000;

struct Sending {
    Mac destination;
    Mac source;
    uint32_t frame_bytes;
    uint32_t stream;
    PaceLimits pace;
};

driver::BufferArea take_buffers(driver::DmaMemory& memory, uint16_t count) {
    driver::BufferArea area;
    area.stride_bytes = buffer_bytes;
    area.data = memory.take(size_t{count} * buffer_bytes);
    for (uint32_t i = 0; i < count; ++i) area.addresses.push_back(memory.physical(area.at(i)));
    return area;
}

/// @tparam Queue  SplitQueue or PackedQueue, whose parts have the same names in the device.
template <typename Queue>
Queue take_queue(driver::DmaMemory& memory, driver::VirtioPci& device, uint16_t queue,
                 uint16_t size, bool event_index) {
    const auto parts = Queue::parts_of(size);
    uint8_t* ring = memory.take(parts.bytes);
    const driver::PciQueue where{memory.physical(ring + parts.desc),
                                 memory.physical(ring + parts.avail),
                                 memory.physical(ring + parts.used), size};
    if (!device.set_up_queue(queue, where)) throw OpError("the device refuses a queue");
    return {ring, size, event_index};
}

/// The device, its rings, and the thread that polls them until it is stopped.
class PollModeDriver final : public Job {
 public:
    PollModeDriver(driver::VirtioPci device, driver::DmaMemory memory,
                   std::optional<Sending> sending, bool packed)
        : device_(std::move(device)), memory_(std::move(memory)), sending_(std::move(sending)) {
        packed ? set_up<driver::PackedQueue>() : set_up<driver::SplitQueue>();
        thread_ = std::thread([this] { run(); });
    }
    ~PollModeDriver() override { stop(); }

    Json report(bool reset) override {
        const std::lock_guard guard(mutex_);
        Json streams = Json::array();
        for (StreamReport& stream : sink_->reports()) {
            if (!stream.used) continue;
            streams.push_back({{"stream", stream.stream},
                               {"frames", stream.frames},
                               {"bytes", stream.bytes},
                               {"firstSequence", stream.first_sequence},
                               {"nextSequence", stream.next_sequence},
                               {"gaps", stream.gaps},
                               {"reordered", stream.reordered},
                               {"corrupt", stream.corrupt}});
        }
        if (reset) sink_->clear();
        return {{"sent", sent_},
                {"received", received_},
                {"features", (std::ostringstream() << "0x" << std::hex << features_).str()},
                {"kicks", kicks_},
                {"rounds", rounds_},
                {"busySeconds", double(busy_ns_) * 1e-9},
                {"seconds", double(monotonic_ns() - started_ns_) * 1e-9},
                {"done", finished_.load()},
                {"streams", streams}};
    }
    bool done() const override { return finished_; }
    void stop() override {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }

 private:
    using StreamReport = valenic::StreamReport;

    template <typename Queue>
    void set_up() {
        constexpr bool packed = std::is_same_v<Queue, driver::PackedQueue>;
        constexpr uint64_t packed_mask = spec::feature_mask(spec::feature_ring_packed);
        const auto features = device_.negotiate(spec::feature_mask(spec::feature_version_1) |
                                                spec::feature_mask(spec::feature_ring_event_idx) |
                                                (packed ? packed_mask : 0));
        if (!features) throw OpError(features.error());
        if (packed && (features.value() & packed_mask) == 0)
            throw OpError("the device does not offer packed rings");
        features_ = features.value();
        const uint64_t event_idx = spec::feature_mask(spec::feature_ring_event_idx);
        const bool event_index = (features.value() & event_idx) != 0;
        const uint16_t size = std::min(
            {ring_size_max, device_.queue_size_max(rx_queue), device_.queue_size_max(tx_queue)});
        if (size == 0) throw OpError("the device has no queue pair");
        auto rx = take_queue<Queue>(memory_, device_, rx_queue, size, event_index);
        auto tx = take_queue<Queue>(memory_, device_, tx_queue, size, event_index);
        rx.ask_for_no_call();
        tx.ask_for_no_call();
        auto tx_buffers = take_buffers(memory_, size);
        auto rx_buffers = take_buffers(memory_, size);
        net_ =
            std::make_unique<driver::NetDriver>(std::move(tx), std::move(rx), std::move(tx_buffers),
                                                std::move(rx_buffers), net_header_bytes);
        if (sending_) net_->prepare_frames([this](uint8_t* frame) { write_ethernet(frame); });
        device_.start();
        net_->fill_rx();
        device_.kick(rx_queue);
    }

    void write_ethernet(uint8_t* frame) const noexcept {
        std::memcpy(frame, sending_->destination.data(), 6);
        std::memcpy(frame + 6, sending_->source.data(), 6);
        frame[12] = probe_ethertype >> 8;
        frame[13] = probe_ethertype & 0xff;
    }

    void run() {
        started_ns_ = monotonic_ns();
        const Pacer pacer(sending_ ? sending_->pace : PaceLimits{}, started_ns_);
        while (!stopping_) {
            const std::lock_guard guard(mutex_);  // Uncontended, except for a rare report.
            for (int i = 0; i < 16; ++i) round(pacer);
        }
        drain();
    }

    /// A round that moved frames was busy from its begin to that of the next one.
    void round(const Pacer& pacer) {
        ++rounds_;
        const uint64_t now_ns = monotonic_ns();
        if (moved_) busy_ns_ += now_ns - round_ns_;
        round_ns_ = now_ns;
        const bool sent = sending_ && !finished_ && send(pacer, now_ns);
        moved_ = receive() || sent;
    }

    /// What was offered to the device is sent, and what it delivered is counted, before the reset
    /// takes the rings away.
    void drain() {
        const std::lock_guard guard(mutex_);
        const uint64_t give_up_ns = monotonic_ns() + drain_at_most_ns;
        do {
            net_->reclaim();
            receive();
        } while ((net_->tx_in_flight() > 0 || net_->rx_waiting() > 0) &&
                 monotonic_ns() < give_up_ns);
    }

    /// Returns whether there was room for a frame that was due.
    bool send(const Pacer& pacer, uint64_t now_ns) {
        net_->reclaim();
        if (pacer.finished(sent_, now_ns)) {
            finished_ = true;
            return false;
        }
        const uint64_t due = pacer.due(sent_, now_ns, burst);
        const uint32_t payload = sending_->frame_bytes - probe_offset_bytes;
        const size_t count = net_->send(due, sending_->frame_bytes, [&](uint8_t* frame) {
            write_probe(frame + probe_offset_bytes, payload, sending_->stream, sent_++, now_ns);
        });
        if (count > 0 && net_->kick_wanted()) {
            device_.kick(tx_queue);
            ++kicks_;
        }
        return count > 0;
    }

    /// Returns whether there was a frame. A device that ran out of buffers may sleep until it is
    /// told of new ones: QEMU's own does.
    bool receive() {
        const size_t count = net_->receive(burst, [&](const uint8_t* frame, uint32_t bytes) {
            if (sink_->check(frame, bytes, 0) == ProbeCheck::good) ++received_;
        });
        if (count > 0 && net_->rx_kick_wanted()) {
            device_.kick(rx_queue);
            ++kicks_;
        }
        return count > 0;
    }

    driver::VirtioPci device_;
    driver::DmaMemory memory_;
    std::optional<Sending> sending_;
    std::unique_ptr<driver::NetDriver> net_;
    std::unique_ptr<ProbeSink> sink_ = std::make_unique<ProbeSink>();
    std::mutex mutex_;
    uint64_t sent_ = 0, received_ = 0, kicks_ = 0, rounds_ = 0, started_ns_ = monotonic_ns();
    uint64_t features_ = 0;
    uint64_t busy_ns_ = 0, round_ns_ = 0;
    bool moved_ = false;  ///< By the last round.
    std::atomic<bool> stopping_{false};
    std::atomic<bool> finished_{false};
    std::thread thread_;
};

Mac mac_of(const Args& args, const char* key) {
    const auto mac = parse_mac(args.text(key));
    if (!mac) throw OpError(std::string(key) + ": \"" + args.text(key) + "\" is not a MAC address");
    return *mac;
}

/// `ring`: which kind; split when absent.
bool wants_packed(const Args& args) {
    const std::string ring = args.has("ring") ? args.text("ring") : "split";
    if (ring != "split" && ring != "packed") throw OpError("ring must be split or packed");
    return ring == "packed";
}

std::optional<Sending> sending_of(const Args& args) {
    if (!args.has("destination")) return std::nullopt;
    return Sending{mac_of(args, "destination"), mac_of(args, "source"),
                   static_cast<uint32_t>(args.whole("frameBytes", 60, 1514)),
                   static_cast<uint32_t>(args.whole("stream", 0, UINT32_MAX, 1)),
                   pace_limits(args)};
}

}  // namespace

/// {interface | pci, ring?, destination?, source?, frameBytes?, stream?, count|seconds?, ratePps?}
/// -> {job} Without a destination it only receives. The interface comes back when the job is
/// stopped.
Json op_pmd_start(const Args& args, OpContext& context) {
    const std::optional<Sending> sending = sending_of(args);
    const bool packed = wants_packed(args);
    const std::string address =
        args.has("pci") ? args.text("pci") : driver::pci_address_of(args.text("interface"));
    // DmaMemory cuts off whole pages.
    constexpr size_t page = 4096;
    const size_t ring_bytes = std::max(driver::SplitQueue::parts_of(ring_size_max).bytes,
                                       driver::PackedQueue::parts_of(ring_size_max).bytes);
    const size_t rings = 2 * ((ring_bytes + page - 1) / page * page);
    auto memory = driver::DmaMemory::create(rings + 2 * size_t{ring_size_max} * buffer_bytes);
    if (!memory) throw OpError(memory.error());
    auto device = driver::VirtioPci::open(address);
    if (!device) throw OpError(device.error());
    return context.jobs.add(std::make_unique<PollModeDriver>(
        std::move(device.value()), std::move(memory.value()), sending, packed));
}

/// {job, reset?}
Json op_pmd_report(const Args& args, OpContext& context) {
    return context.jobs.report(args.whole("job", 0, UINT64_MAX), args.boolean("reset", false));
}

/// {job}
Json op_pmd_stop(const Args& args, OpContext& context) {
    return context.jobs.stop(args.whole("job", 0, UINT64_MAX));
}

}  // namespace valenic::agent
