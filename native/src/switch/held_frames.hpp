// Frames that go on later: copies, in the hands of the worker that took them.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "net/batch.hpp"
#include "switch/action.hpp"
#include "switch/rules.hpp"
#include "switch/timed.hpp"

namespace valenic {

class Port;

/// Its memory is touched where frames are held, and nowhere else. Their times stand among the
/// worker's own (WorkerTimers).
class HeldFrames final : public Timed {
 public:
    static constexpr uint32_t chunk_bytes = 2048;
    static constexpr uint16_t chunks = 4096;  ///< 8 MiB.
    static constexpr uint16_t frames_max = 2048;

    /// One frame's way on.
    struct Way {
        Port* source;
        Action then;
        uint16_t recirculations;  ///< So far.
        FrameVlan vlan;           ///< Of a switch whose ports have rules.
    };

    HeldFrames();
    /// Copies a frame. False: there is no room.
    bool hold(const Batch& batch, size_t index, const Way& way, uint64_t due_ns,
              WorkerContext& context) noexcept;
    uint16_t count() const noexcept { return static_cast<uint16_t>(frames_max - free_count_); }
    void on_time(uint32_t token, WorkerContext& context) override;
    /// What on_time() put together goes on. After the last of those that are due.
    void send_due(WorkerContext& context);
    /// Forgets the frames of a port that goes.
    void forget(const Port& source, WorkerContext& context) noexcept;

 private:
    static constexpr uint16_t none = UINT16_MAX;

    struct Held {
        Way way;
        uint32_t len_bytes;
        uint16_t stage_len;
        uint16_t first_chunk;  ///< Of what follows the stage; none: nothing.
        FrameOffload offload;
        FrameStage stage;
    };

    struct Freed {
        void operator()(Held* held) const noexcept {
            std::allocator<Held>().deallocate(held, frames_max);
        }
    };

    bool copy_rest(const Batch& batch, size_t index, Held& held) noexcept;
    void append(uint16_t slot) noexcept;
    void give_back(uint16_t slot) noexcept;
    uint8_t* bytes_of(uint16_t chunk) noexcept {
        return bytes_.get() + size_t{chunk} * chunk_bytes;
    }

    std::unique_ptr<uint8_t[]> bytes_;
    std::array<uint16_t, chunks> next_chunk_;  ///< In a frame, or among the free ones.
    uint16_t free_chunk_ = 0;
    uint16_t free_chunks_ = chunks;
    /// Made where a frame is held: until then their memory is not touched.
    std::unique_ptr<Held[], Freed> held_;
    std::array<uint16_t, frames_max> free_;  ///< Slots, the first free_count_ of them.
    uint16_t free_count_ = frames_max;
    Batch due_;  ///< Of one source, on one way.
    std::array<uint16_t, batch_frames> due_slots_;
};

}  // namespace valenic
