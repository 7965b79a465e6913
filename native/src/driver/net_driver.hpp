// A poll-mode network driver over one queue pair: bursts out, bursts in, buffers in place.
//
// Every table entry keeps the buffer of its own number, so a descriptor is written once and a
// buffer goes back by its id alone: what poll-mode drivers do to keep descriptor lines clean.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/lines.hpp"
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

/// A frame that came, in place until the call that hands it over returns.
struct Received {
    const uint8_t* data;
    uint32_t bytes;
};

/// Most frames that receive_bursts() hands over together.
inline constexpr size_t receive_burst_max = 64;
/// What send_indirect() needs for each head: two descriptors, of 16 bytes in both kinds of ring.
inline constexpr uint32_t indirect_table_bytes = 2 * sizeof(spec::SplitDesc);

/// For one kind of ring. NetDriver is what programs use.
template <typename Queue>
class QueuePair {
 public:
    static constexpr size_t burst_max = receive_burst_max;

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
    /// Frames that send() takes now.
    size_t tx_room() const noexcept { return tx_.free_count(); }
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
    /// Takes back up to `count` sent buffers, and begins to fetch their first lines: they are
    /// written soon. Returns how many.
    size_t reclaim(size_t count) noexcept {
        const size_t waiting = std::min<size_t>(count, tx_.used_waiting(count));
        uint8_t* const buffers = tx_buffers_.data;
        const size_t stride = tx_buffers_.stride_bytes;
        tx_.take_back(static_cast<uint32_t>(waiting),
                      [&](uint16_t head) { own_line(buffers + head * stride); });
        return waiting;
    }
    /// From now on, sends by indirect tables (VIRTIO_F_INDIRECT_DESC): the net header and the frame
    /// are a buffer each. Before the first send.
    void send_indirect(BufferArea tables) {
        CHECK(tables.stride_bytes >= indirect_table_bytes);
        tx_tables_ = std::move(tables);
        table_frame_bytes_.assign(tx_.size(), 0);
    }
    /// Sends up to `count` frames of `frame_bytes`; `write(frame)` fills each. Publishes once.
    template <typename Write>
    size_t send(size_t count, uint32_t frame_bytes, Write write) noexcept {
        const auto room = static_cast<uint32_t>(std::min<size_t>(count, tx_.free_count()));
        uint8_t* const frames = tx_buffers_.data + header_bytes_;
        const size_t stride = tx_buffers_.stride_bytes;
        for (uint32_t i = 0; i < room; ++i) write(frames + tx_.next_head(i) * stride);
        if (room == 0) return 0;
        if (tx_tables_.data == nullptr) {
            tx_.add_same_run(room, tx_buffers_.addresses.data(), header_bytes_ + frame_bytes, 0);
        } else {
            write_tables(room, frame_bytes);
            tx_.add_same_run(room, tx_tables_.addresses.data(), indirect_table_bytes,
                             spec::desc_f_indirect);
        }
        tx_.publish();
        return room;
    }
    /// Looks for what was received and begins to fetch up to `count` frames: other work fits
    /// between this and receive().
    void look_ahead(size_t count) noexcept {
        const size_t waiting = std::min<size_t>(count, rx_.used_waiting(count));
        for (size_t i = ahead_; i < waiting; ++i)
            fetch_line(rx_buffers_.at(rx_.peek_used(static_cast<uint32_t>(i)).head));
        ahead_ = std::max(ahead_, waiting);
    }
    /// Hands up to `count` received frames to `see(frame, bytes)` and offers their buffers again.
    /// Returns how many buffers they filled.
    template <typename See>
    size_t receive(size_t count, See see) {
        return receive_bursts(count, [&](std::span<const Received> frames) {
            for (const Received& frame : frames) see(frame.data, frame.bytes);
        });
    }
    /// As receive(), by the burst. `see(frames)` gets up to burst_max at a time.
    template <typename See>
    size_t receive_bursts(size_t count, See see) {
        const size_t waiting = std::min<size_t>(count, rx_.used_waiting(count));
        size_t taken = 0;
        while (taken < waiting) {
            const auto wanted = static_cast<uint32_t>(std::min(burst_max, waiting - taken));
            const uint32_t whole = take_burst(wanted, see);
            taken += whole;
            if (whole < wanted) taken += take_merged(see);
        }
        ahead_ -= std::min(ahead_, taken);
        if (taken > 0) rx_.publish();
        return taken;
    }

 private:
    /// Frames of one buffer each, up to `wanted`, or up to the first that has more.
    template <typename See>
    uint32_t take_burst(uint32_t wanted, See& see) {
        std::array<uint16_t, burst_max> heads;
        std::array<Received, burst_max> frames;
        const uint8_t* const buffers = rx_buffers_.data;
        const size_t stride = rx_buffers_.stride_bytes;
        const uint32_t header = header_bytes_;
        for (uint32_t i = 0; i < wanted; ++i) {
            const UsedChain used = rx_.peek_used(i);
            const uint8_t* buffer = buffers + used.head * stride;
            if (i >= ahead_) fetch_line(buffer);
            heads[i] = used.head;
            // Less than a header, or more than we gave: nothing to see.
            const bool sound = used.len_bytes >= header && used.len_bytes <= stride;
            frames[i] = {buffer + header, sound ? used.len_bytes - header : 0};
        }
        uint32_t whole = 0;
        while (whole < wanted && buffers_of(frames[whole].data) <= 1) ++whole;
        see(std::span<const Received>(frames.data(), whole));
        rx_.skip_used(whole);
        rx_.offer_again(std::span<const uint16_t>(heads.data(), whole));
        return whole;
    }
    /// How many buffers a frame fills; num_buffers ends the header. virtio 1.2, 5.1.6.
    uint16_t buffers_of(const uint8_t* frame) const noexcept {
        if (header_bytes_ != 12) return 1;
        uint16_t buffers = 0;
        std::memcpy(&buffers, frame - sizeof buffers, sizeof buffers);
        return buffers;
    }
    /// One frame of several buffers, put together.
    template <typename See>
    size_t take_merged(See& see) {
        const uint16_t buffers = buffers_of(rx_buffers_.at(rx_.peek_used(0).head) + header_bytes_);
        assembled_.clear();
        // All buffers of a merged frame are used at once. virtio 1.2, 5.1.6.4.
        CHECK(rx_.used_waiting(buffers) >= buffers);
        for (uint16_t i = 0; i < buffers; ++i) {
            const UsedChain part = rx_.take_used();
            CHECK(part.len_bytes <= rx_buffers_.stride_bytes);
            const uint8_t* data = rx_buffers_.at(part.head);
            assembled_.insert(assembled_.end(), data, data + part.len_bytes);
            rx_.offer_again(part.head);
        }
        const auto bytes = static_cast<uint32_t>(assembled_.size());
        const uint32_t header = std::min(bytes, header_bytes_);
        const Received frame{assembled_.data() + header, bytes - header};
        see(std::span<const Received>(&frame, 1));
        return buffers;
    }
    /// The tables of the next heads; each is written only when the length changed.
    void write_tables(uint32_t count, uint32_t frame_bytes) noexcept {
        for (uint32_t i = 0; i < count; ++i) {
            const uint16_t head = tx_.next_head(i);
            if (table_frame_bytes_[head] == frame_bytes) continue;
            table_frame_bytes_[head] = frame_bytes;
            const uint64_t addr = tx_buffers_.addresses[head];
            const Buffer chain[] = {{addr, header_bytes_}, {addr + header_bytes_, frame_bytes}};
            Queue::write_indirect(tx_tables_.at(head), chain);
        }
    }

    Queue tx_;
    Queue rx_;
    BufferArea tx_buffers_;
    BufferArea rx_buffers_;
    uint32_t header_bytes_;
    BufferArea tx_tables_;  ///< One for each head, when we send by indirect tables.
    std::vector<uint32_t> table_frame_bytes_;
    size_t ahead_ = 0;  ///< Frames that wait whose lines are asked for already.
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
    size_t tx_room() const noexcept {
        return with([](auto& pair) { return pair.tx_room(); });
    }
    size_t reclaim(size_t count = SIZE_MAX) noexcept {
        return with([&](auto& pair) { return pair.reclaim(count); });
    }
    void send_indirect(BufferArea tables) {
        with([&](auto& pair) { pair.send_indirect(std::move(tables)); });
    }
    void look_ahead(size_t count) noexcept {
        with([&](auto& pair) { pair.look_ahead(count); });
    }
    template <typename Write>
    size_t send(size_t count, uint32_t frame_bytes, Write write) noexcept {
        return with([&](auto& pair) { return pair.send(count, frame_bytes, write); });
    }
    template <typename See>
    size_t receive(size_t count, See see) {
        return with([&](auto& pair) { return pair.receive(count, see); });
    }
    template <typename See>
    size_t receive_bursts(size_t count, See see) {
        return with([&](auto& pair) { return pair.receive_bursts(count, see); });
    }
    /// As kick_wanted() without the fence; see SplitQueue.
    bool kick_wanted_already() noexcept {
        return with([](auto& pair) { return pair.tx().kick_wanted_already(); });
    }
    /// Whether the device wants a kick for what was sent since this was last asked.
    bool kick_wanted() noexcept {
        return with([](auto& pair) { return pair.tx().kick_wanted(); });
    }
    /// Whether it wants one for the buffers that were offered since this was last asked.
    bool rx_kick_wanted() noexcept {
        return with([](auto& pair) { return pair.rx().kick_wanted(); });
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
