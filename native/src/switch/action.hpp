// What a lookup answers for a frame.
#pragma once
#include <cstdint>
#include <cstring>

#include "boundary/names.hpp"

namespace valenic {

/// One of: a port, every other port, nowhere (and why), the number of an action list. A word, so
/// that those of a batch are compared many at once.
class Action {
 public:
    enum class Kind : uint8_t {
        output,         ///< To one port.
        list,           ///< What Lookup::steps_of() has under a number.
        flood,          ///< To all ports but the source: a group's address.
        flood_unknown,  ///< The same, because nobody knows where the address is.
        drop,
    };
    static constexpr uint16_t number_max = 0x1fff;

    /// Of an array whose elements are written before they are read.
    Action() noexcept = default;
    static constexpr Action output(uint16_t slot) noexcept { return {Kind::output, slot}; }
    static constexpr Action list(uint16_t number) noexcept { return {Kind::list, number}; }
    static constexpr Action flood() noexcept { return {Kind::flood, 0}; }
    static constexpr Action flood_unknown() noexcept { return {Kind::flood_unknown, 0}; }
    static constexpr Action drop(spec::DropReason why) noexcept {
        return {Kind::drop, static_cast<uint16_t>(why)};
    }

    constexpr Kind kind() const noexcept { return static_cast<Kind>(word_ >> kind_shift); }
    /// Of output() the port's slot, of list() its number.
    constexpr uint16_t number() const noexcept { return word_ & number_max; }
    constexpr spec::DropReason reason() const noexcept {
        return static_cast<spec::DropReason>(number());
    }
    constexpr bool operator==(const Action&) const noexcept = default;
    /// Spreads what one batch may have over 256 places.
    constexpr uint8_t place() const noexcept { return static_cast<uint8_t>(word_ ^ word_ >> 8); }

 private:
    static constexpr unsigned kind_shift = 13;

    constexpr Action(Kind kind, uint16_t number) noexcept
        : word_(static_cast<uint16_t>(static_cast<unsigned>(kind) << kind_shift |
                                      (number & number_max))) {}

    uint16_t word_;
};
static_assert(sizeof(Action) == 2);

}  // namespace valenic
