// The function that maps a batch of frames to destinations. Programmable: VALE's lookup, by batch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/parked.hpp"
#include "net/batch.hpp"
#include "stats/counters.hpp"
#include "switch/action.hpp"
#include "switch/action_list.hpp"

namespace valenic {

/// Where the batch came from.
struct LookupSource {
    uint16_t slot;
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
    CounterBlock& books_of(uint16_t other) const noexcept { return books[other][worker]; }
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
    uint16_t other = 0;    ///< The slot of the other port.
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
    /// Writes one action for each of these frames, which an action list sends through once more; of
    /// the batch's other frames nothing may be read. For lookups that answer such lists.
    ///
    /// @param id  As the list said it.
    virtual void resolve_again(const Batch&, std::span<const uint8_t> indices, const LookupSource&,
                               uint32_t /*id*/, std::span<Action> actions) noexcept {
        for (size_t i = 0; i < indices.size(); ++i)
            actions[i] = Action::drop(spec::DropReason::tx_no_destination);
    }
    /// The action list with this number; none: drop. Good until the end of the batch.
    virtual ActionSteps steps_of(uint16_t /*number*/) const noexcept { return {}; }
    /// Header bytes that resolve() reads, at most stage_frame_bytes.
    virtual size_t header_bytes() const noexcept = 0;
    /// How many ports a switch with it may have, at most Port::slots_max.
    virtual size_t ports_max() const noexcept { return 254; }
    /// Whether what was learned of a slot stays there, for as long as its port does: a frame from
    /// such an address on another port is dropped as tx_mac_claimed.
    virtual void set_sticky(const Parked&, uint16_t /*slot*/, bool /*sticky*/) noexcept {}
    /// Forgets what leads to a slot (its port left or went down). Workers may be running.
    virtual void forget(uint16_t slot) noexcept = 0;
    /// The addresses that lead to `slot`: once for each VLAN that they were heard in. Not for
    /// workers: it looks through the whole table.
    virtual std::vector<MacAddress> addresses_of(uint16_t slot) const = 0;
    /// Any thread, at any time; no worker waits for it.
    virtual AddressNews news_of(uint16_t) const noexcept { return {true, 0, {}}; }
};

}  // namespace valenic
