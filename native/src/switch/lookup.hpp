// The function that maps a batch of frames to destinations. Programmable: VALE's lookup, by batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "net/batch.hpp"
#include "stats/counters.hpp"

namespace valenic {

/// What to do with a frame: a port's slot, or one of these. Later: ids of longer action lists.
using Action = uint16_t;
inline constexpr Action action_flood = 0xfffe;
inline constexpr Action action_drop = 0xffff;

/// Where the batch came from.
struct LookupSource {
    uint8_t slot;
    uint8_t generation;
    uint32_t mac_limit;      ///< Most MACs this port may have learned.
    uint32_t now_s;          ///< Coarse monotonic seconds, for ageing.
    CounterBlock* counters;  ///< The source port's block of the calling worker.
    /// The VLAN of each frame, where the switch has VLANs; vlan_refused: of none, not to be learned
    /// from, and its action counts for nothing. Else nullptr: all frames are of one network.
    const uint16_t* vlans = nullptr;
    /// By slot: the first of the port's blocks; worker `worker` writes one of them.
    CounterBlock* const* books = nullptr;
    uint16_t worker = 0;

    /// Where something is counted that happened to another port.
    CounterBlock& books_of(uint8_t other) const noexcept { return books[other][worker]; }
};
inline constexpr uint16_t vlan_refused = 0xffff;

/// An address that one port sends from, and then another one.
struct AddressMoves {
    /// Less may be guests that move, and are not worth a word.
    static constexpr uint16_t many = 5;
    /// Moves with a longer pause between them have nothing to do with each other.
    static constexpr uint32_t pause_s = 10;

    MacAddress mac = 0;
    uint16_t vlan = 0;
    uint8_t other = 0;     ///< The slot of the other port.
    uint16_t count = 0;    ///< Without a pause in between; 0: nothing to report.
    uint16_t seconds = 0;  ///< In which that was.
    uint32_t last_s = 0;   ///< As LookupSource::now_s.
};

/// What may be told of a port's addresses.
struct AddressNews {
    bool whole = false;    ///< False: `moves` was being written just now.
    uint32_t evicted = 0;  ///< Addresses that were pushed out of a full table, ever.
    AddressMoves moves;    ///< The last one that moved often.
};

/// Several workers resolve at once. Reads only the stages of the batch. Whatever it answers: a port
/// gets no frame of a VLAN that it is not in.
class Lookup {
 public:
    virtual ~Lookup() = default;
    /// Writes one action for each frame of the batch.
    virtual void resolve(const Batch& batch, const LookupSource& source,
                         std::span<Action> actions) noexcept = 0;
    /// Header bytes that resolve() reads, at most stage_frame_bytes.
    virtual size_t header_bytes() const noexcept = 0;
    /// Forgets what leads to a slot (its port left or went down). Workers may be running.
    virtual void forget(uint8_t slot) noexcept = 0;
    /// The addresses that lead to `slot`: once for each VLAN that they were heard in. Not for
    /// workers: it looks through the whole table.
    virtual std::vector<MacAddress> addresses_of(uint8_t slot) const = 0;
    /// Any thread, at any time; no worker waits for it.
    virtual AddressNews news_of(uint8_t) const noexcept { return {true, 0, {}}; }
};

}  // namespace valenic
