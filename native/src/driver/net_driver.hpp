// A poll-mode network driver over one queue pair: bursts out, bursts in, buffers in place.
//
// Every table entry keeps the buffer of its own number, so a descriptor is written once and a
// buffer goes back by its id alone: what poll-mode drivers do to keep descriptor lines clean.
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "driver/packed_queue.hpp"
#include "driver/split_queue.hpp"

namespace valenic::driver {

/// Equal buffers, one for each table entry.
struct BufferArea {
    uint8_t* data = nullptr;  ///< Buffer i begins at data + i * stride.
    uint32_t stride_bytes = 0;
    std::vector<uint64_t> addresses;  ///< Of each buffer, as the device sees it.

    uint8_t* at(uint32_t index) const noexcept { return data + size_t{index} * stride_bytes; }
};

/// For one kind of ring. NetDriver is what programs use.
template <typename Queue>
class QueuePair {
 public:
    QueuePair(Queue tx, Queue rx, BufferArea tx_buffers, BufferArea rx_buffers,
              uint32_t header_bytes)
        : tx_(std::move(tx)),
          rx_(std::move(rx)),
          tx_buffers_(std::move(tx_buffers)),
          rx_buffers_(std::move(rx_buffers)),
          header_bytes_(header_bytes) {}

    Queue& tx() noexcept { return tx_; }
    Queue& rx() noexcept { return rx_; }
    uint32_t header_bytes() const noexcept { return header_bytes_; }
    /// Largest frame one buffer holds.
    uint32_t frame_bytes_max() const noexcept { return tx_buffers_.stride_bytes - header_bytes_; }

    /// Lets `prepare(frame)` write what is the same in every frame, once for each TX buffer.
    template <typename Prepare>
    void prepare_frames(Prepare prepare) {
        for (uint32_t i = 0; i < tx_.size(); ++i) prepare(tx_buffers_.at(i) + header_bytes_);
    }
    /// Offers every receive buffer.
    void fill_rx() {
        while (rx_.free_count() > 0) {
            const uint16_t head = rx_.next_head();
            rx_.add_one(rx_buffers_.addresses[head], rx_buffers_.stride_bytes, true);
        }
        rx_.publish();
    }
    /// Takes back sent buffers. Returns how many.
    size_t reclaim() noexcept {
        const uint16_t count = tx_.used_waiting();
        for (uint16_t i = 0; i < count; ++i) tx_.free_chain(tx_.take_used().head);
        return count;
    }
    /// Sends up to `count` frames of `frame_bytes`; `write(frame)` fills each. Publishes once.
    template <typename Write>
    size_t send(size_t count, uint32_t frame_bytes, Write write) noexcept {
        const size_t room = std::min<size_t>(count, tx_.free_count());
        for (size_t i = 0; i < room; ++i) {
            const uint16_t head = tx_.next_head();
            write(tx_buffers_.at(head) + header_bytes_);
            tx_.add_same(head, tx_buffers_.addresses[head], header_bytes_ + frame_bytes);
        }
        if (room > 0) tx_.publish();
        return room;
    }
    /// Hands up to `count` received frames to `see(frame, bytes)` and offers their buffers again.
    template <typename See>
    size_t receive(size_t count, See see) {
        const size_t waiting = std::min<size_t>(count, rx_.used_waiting());
        size_t taken = 0;
        while (taken < waiting) {
            const size_t buffers = take_frame(see);
            if (buffers == 0) break;
            taken += buffers;
        }
        if (taken > 0) rx_.publish();
        return taken;
    }

 private:
    template <typename See>
    size_t take_frame(See& see) {
        const UsedChain used = rx_.take_used();
        uint8_t* buffer = rx_buffers_.at(used.head);
        uint16_t buffers = 1;
        if (header_bytes_ == 12) std::memcpy(&buffers, buffer + 10, sizeof buffers);
        if (buffers <= 1) [[likely]] {
            see(buffer + header_bytes_, used.len_bytes - header_bytes_);
            rx_.offer_again(used.head);
            return 1;
        }
        assembled_.assign(buffer + header_bytes_, buffer + used.len_bytes);
        rx_.offer_again(used.head);
        // All buffers of a merged frame are used at once. virtio 1.2, 5.1.6.4.
        for (uint16_t i = 1; i < buffers; ++i) {
            CHECK(rx_.used_waiting() > 0);
            const UsedChain part = rx_.take_used();
            const uint8_t* data = rx_buffers_.at(part.head);
            assembled_.insert(assembled_.end(), data, data + part.len_bytes);
            rx_.offer_again(part.head);
        }
        see(assembled_.data(), static_cast<uint32_t>(assembled_.size()));
        return buffers;
    }

    Queue tx_;
    Queue rx_;
    BufferArea tx_buffers_;
    BufferArea rx_buffers_;
    uint32_t header_bytes_;
    std::vector<uint8_t> assembled_;
};

/// Split or packed, decided once a burst.
class NetDriver {
 private:
    template <typename Self, typename Do>
    static auto pick(Self& pair, Do what) {
        if (auto* split = std::get_if<QueuePair<SplitQueue>>(&pair)) return what(*split);
        return what(*std::get_if<QueuePair<PackedQueue>>(&pair));
    }
    template <typename Do>
    auto with(Do what) {
        return pick(pair_, what);
    }
    template <typename Do>
    auto with(Do what) const {
        return pick(pair_, what);
    }

 public:
    template <typename Queue>
    NetDriver(Queue tx, Queue rx, BufferArea tx_buffers, BufferArea rx_buffers,
              uint32_t header_bytes)
        : pair_(std::in_place_type<QueuePair<Queue>>, std::move(tx), std::move(rx),
                std::move(tx_buffers), std::move(rx_buffers), header_bytes) {}

    /// The queues of a pair that is split: for tests of that.
    SplitQueue& tx() { return std::get<QueuePair<SplitQueue>>(pair_).tx(); }
    SplitQueue& rx() { return std::get<QueuePair<SplitQueue>>(pair_).rx(); }

    uint32_t header_bytes() const noexcept {
        return with([](auto& pair) { return pair.header_bytes(); });
    }
    uint32_t frame_bytes_max() const noexcept {
        return with([](auto& pair) { return pair.frame_bytes_max(); });
    }
    template <typename Prepare>
    void prepare_frames(Prepare prepare) {
        with([&](auto& pair) { pair.prepare_frames(prepare); });
    }
    void fill_rx() {
        with([](auto& pair) { pair.fill_rx(); });
    }
    size_t reclaim() noexcept {
        return with([](auto& pair) { return pair.reclaim(); });
    }
    template <typename Write>
    size_t send(size_t count, uint32_t frame_bytes, Write write) noexcept {
        return with([&](auto& pair) { return pair.send(count, frame_bytes, write); });
    }
    template <typename See>
    size_t receive(size_t count, See see) {
        return with([&](auto& pair) { return pair.receive(count, see); });
    }
    /// Whether the device wants a kick for what was sent since this was last asked.
    bool kick_wanted() noexcept {
        return with([](auto& pair) { return pair.tx().kick_wanted(); });
    }
    /// Sent and not reclaimed.
    size_t tx_in_flight() noexcept {
        return with([](auto& pair) { return size_t{pair.tx().in_flight()}; });
    }
    size_t rx_waiting() noexcept {
        return with([](auto& pair) { return size_t{pair.rx().used_waiting()}; });
    }
    /// Returns true when frames wait already.
    bool ask_for_rx_call() noexcept {
        return with([](auto& pair) { return pair.rx().ask_for_call(); });
    }
    void ask_for_no_rx_call() noexcept {
        with([](auto& pair) { pair.rx().ask_for_no_call(); });
    }

 private:
    std::variant<QueuePair<SplitQueue>, QueuePair<PackedQueue>> pair_;
};

}  // namespace valenic::driver
