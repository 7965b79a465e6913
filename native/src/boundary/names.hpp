// GENERATED from native/boundary by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace valenic::spec {

/// Why a frame was not delivered.
enum class DropReason : uint8_t {
    tx_too_short,
    tx_too_long,
    tx_too_many_segments,
    tx_offload_not_negotiated,
    tx_csum_misplaced,
    tx_gso_headers_invalid,
    tx_gso_size_invalid,
    tx_vlan_refused,
    tx_link_local,
    tx_action_drop,
    tx_rewrite_refused,
    tx_recirculation_limit,
    tx_metered,
    tx_hold_full,
    tx_mac_refused,
    tx_mac_claimed,
    tx_ip_refused,
    tx_arp_refused,
    tx_nd_refused,
    tx_ra_guard,
    tx_isolated,
    tx_storm_broadcast,
    tx_storm_multicast,
    tx_storm_unknown_unicast,
    tx_no_destination,
    tx_reflected,
    tx_port_down,
    tx_ring_overflow,
    tx_memory_unreadable,
    rx_no_buffer,
    rx_overdrawn,
    rx_too_long,
    rx_above_mtu,
    rx_ring_stopped,
    rx_vlan_refused,
    rx_vlan_no_room,
    rx_link_local,
    rx_port_down,
    rx_ring_broken,
    rx_not_connected,
    rx_backlog_full,
    rx_link_down,
    rx_refused_by_host,
    count,
};

// clang-format off
inline constexpr const char* drop_reason_names[] = {
    "tx_too_short",
    "tx_too_long",
    "tx_too_many_segments",
    "tx_offload_not_negotiated",
    "tx_csum_misplaced",
    "tx_gso_headers_invalid",
    "tx_gso_size_invalid",
    "tx_vlan_refused",
    "tx_link_local",
    "tx_action_drop",
    "tx_rewrite_refused",
    "tx_recirculation_limit",
    "tx_metered",
    "tx_hold_full",
    "tx_mac_refused",
    "tx_mac_claimed",
    "tx_ip_refused",
    "tx_arp_refused",
    "tx_nd_refused",
    "tx_ra_guard",
    "tx_isolated",
    "tx_storm_broadcast",
    "tx_storm_multicast",
    "tx_storm_unknown_unicast",
    "tx_no_destination",
    "tx_reflected",
    "tx_port_down",
    "tx_ring_overflow",
    "tx_memory_unreadable",
    "rx_no_buffer",
    "rx_overdrawn",
    "rx_too_long",
    "rx_above_mtu",
    "rx_ring_stopped",
    "rx_vlan_refused",
    "rx_vlan_no_room",
    "rx_link_local",
    "rx_port_down",
    "rx_ring_broken",
    "rx_not_connected",
    "rx_backlog_full",
    "rx_link_down",
    "rx_refused_by_host",
};
// clang-format on
static_assert(std::size(drop_reason_names) == static_cast<size_t>(DropReason::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(DropReason value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(drop_reason_names) ? drop_reason_names[index] : "?";
}

// clang-format off
inline constexpr const char* drop_reason_texts[] = {
    "shorter than an Ethernet header (14 bytes)",
    "longer than the largest frame of the port",
    "spread over more buffers than one frame may use",
    "its virtio-net header asks for an offload that was not negotiated",
    "its virtio-net header puts the checksum beyond the frame or where there is none",
    "its headers do not match its virtio-net header",
    "its segment size is zero, too small, or gives more than 256 segments",
    "the sending port is not in its VLAN",
    "link-local (LACP, LLDP, STP), and the port drops these",
    "an action list of the lookup drops it",
    "an action list was to rewrite it: no room, or the header is beyond its first 116 bytes",
    "action lists looked it up again more than 6 times",
    "above the rate of a meter",
    "it was to be held, and no more frames can be",
    "its source address is not allowed on the port",
    "its source address belongs to another port",
    "its IP address is not allowed on the port",
    "ARP with an address that is not allowed on the port",
    "Neighbor Discovery with an address that is not allowed on the port, or hidden",
    "a router advertisement or redirect, and ra-guard is on",
    "both ports are isolated",
    "more broadcasts than the port may send",
    "more multicasts than the port may send",
    "more frames for unknown addresses than the port may send",
    "no other port is on the switch or in its VLAN",
    "its destination is behind the port it came from",
    "the sending port is administratively down",
    "it arrived at an interface whose ring was full",
    "its memory could not be read: the file was truncated",
    "the receiver has no free buffer in its ring",
    "the receiver's buffers cost more work than its share of the worker allows",
    "longer than the receiver's buffers can hold",
    "longer than the MTU of the receiving port",
    "the receiver has not started its ring",
    "the receiver is not in its VLAN, or would see a second tag",
    "it has no room for the VLAN tag it needs",
    "link-local (LACP, LLDP, STP), and the port drops these",
    "the receiving port is administratively down",
    "the receiver broke a rule of its ring and was stopped",
    "nobody is at the other end of the port",
    "the receiver reads too slowly and its backlog is full",
    "the interface of the port is down",
    "the kernel had no memory, or a rule forbade it",
};
// clang-format on
static_assert(std::size(drop_reason_texts) == static_cast<size_t>(DropReason::count));
/// The reason in words.
constexpr const char* text_of(DropReason value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(drop_reason_texts) ? drop_reason_texts[index] : "?";
}

/// What port security and storm control drop.
// clang-format off
inline constexpr DropReason refused_drops[] = {
    DropReason::tx_mac_refused,
    DropReason::tx_mac_claimed,
    DropReason::tx_ip_refused,
    DropReason::tx_arp_refused,
    DropReason::tx_nd_refused,
    DropReason::tx_ra_guard,
    DropReason::tx_storm_broadcast,
    DropReason::tx_storm_multicast,
    DropReason::tx_storm_unknown_unicast,
};
// clang-format on

/// Counters of one port, in one block for each worker.
enum class PortCounter : uint8_t {
    tx_frames,
    tx_bytes,
    tx_batches,
    rx_frames,
    rx_bytes,
    rx_batches,
    rx_flooded,
    rx_big_whole,
    rx_big_full,
    rx_big_cut,
    rx_segments_made,
    rx_checksums_made,
    rx_coalesced,
    kicks,
    calls,
    calls_suppressed,
    calls_moderated,
    macs_learned,
    macs_moved,
    macs_refused,
    macs_evicted,
    queue_faults,
    turns,
    turns_empty,
    turn_ns,
    count,
};

// clang-format off
inline constexpr const char* port_counter_names[] = {
    "tx_frames",
    "tx_bytes",
    "tx_batches",
    "rx_frames",
    "rx_bytes",
    "rx_batches",
    "rx_flooded",
    "rx_big_whole",
    "rx_big_full",
    "rx_big_cut",
    "rx_segments_made",
    "rx_checksums_made",
    "rx_coalesced",
    "kicks",
    "calls",
    "calls_suppressed",
    "calls_moderated",
    "macs_learned",
    "macs_moved",
    "macs_refused",
    "macs_evicted",
    "queue_faults",
    "turns",
    "turns_empty",
    "turn_ns",
};
// clang-format on
static_assert(std::size(port_counter_names) == static_cast<size_t>(PortCounter::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(PortCounter value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(port_counter_names) ? port_counter_names[index] : "?";
}

/// Counters of one worker.
enum class WorkerCounter : uint8_t {
    rounds,
    rounds_with_work,
    sleeps,
    wakeups,
    commands,
    busy_ns,
    kicks_missed,
    asleep_ns,
    count,
};

// clang-format off
inline constexpr const char* worker_counter_names[] = {
    "rounds",
    "rounds_with_work",
    "sleeps",
    "wakeups",
    "commands",
    "busy_ns",
    "kicks_missed",
    "asleep_ns",
};
// clang-format on
static_assert(std::size(worker_counter_names) == static_cast<size_t>(WorkerCounter::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(WorkerCounter value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(worker_counter_names) ? worker_counter_names[index] : "?";
}

// The stats page: blocks of 64-bit words, one writer for each; block 0 is the header.
inline constexpr uint64_t stats_page_magic = 0x56414c4553544154;
inline constexpr uint32_t stats_page_version = 5;
inline constexpr size_t stats_words_per_block = 128;
/// A port's drop reasons follow its counters in the block.
inline constexpr unsigned first_drop_word = static_cast<unsigned>(PortCounter::count);
static_assert(first_drop_word + unsigned(DropReason::count) <= stats_words_per_block);
static_assert(static_cast<unsigned>(WorkerCounter::count) <= stats_words_per_block);

/// How far a fault reaches.
enum class FaultLevel : uint8_t {
    queue,
    device,
    connection,
};

// clang-format off
inline constexpr const char* fault_level_names[] = {
    "queue",
    "device",
    "connection",
};
// clang-format on
/// Its name, as native/boundary spells it.
constexpr const char* name_of(FaultLevel value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(fault_level_names) ? fault_level_names[index] : "?";
}

/// What a peer did wrong.
enum class Fault : uint8_t {
    none,
    ring_size_invalid,
    ring_base_invalid,
    used_index_invalid,
    packed_position_lost,
    ring_address_unmapped,
    ring_address_misaligned,
    ring_memory_not_writable,
    avail_index_jumped,
    index_outside_table,
    chain_loops,
    chain_too_long,
    writable_in_send_chain,
    readable_in_receive_chain,
    address_outside_memory,
    memory_not_writable,
    indirect_not_negotiated,
    indirect_nested,
    indirect_size_invalid,
    indirect_with_next,
    header_incomplete,
    buffer_too_small,
    memory_truncated,
    notification_blocked,
    worker_stalled,
    stream_length_zero,
    stream_length_excessive,
    stream_truncated,
    interface_gone,
    count,
};

// clang-format off
inline constexpr const char* fault_names[] = {
    "none",
    "ring_size_invalid",
    "ring_base_invalid",
    "used_index_invalid",
    "packed_position_lost",
    "ring_address_unmapped",
    "ring_address_misaligned",
    "ring_memory_not_writable",
    "avail_index_jumped",
    "index_outside_table",
    "chain_loops",
    "chain_too_long",
    "writable_in_send_chain",
    "readable_in_receive_chain",
    "address_outside_memory",
    "memory_not_writable",
    "indirect_not_negotiated",
    "indirect_nested",
    "indirect_size_invalid",
    "indirect_with_next",
    "header_incomplete",
    "buffer_too_small",
    "memory_truncated",
    "notification_blocked",
    "worker_stalled",
    "stream_length_zero",
    "stream_length_excessive",
    "stream_truncated",
    "interface_gone",
};
// clang-format on
static_assert(std::size(fault_names) == static_cast<size_t>(Fault::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(Fault value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(fault_names) ? fault_names[index] : "?";
}

/// How a worker learns that there is work.
enum class PollingMode : uint8_t {
    busy,
    adaptive,
    event,
    count,
};

// clang-format off
inline constexpr const char* polling_mode_names[] = {
    "busy",
    "adaptive",
    "event",
};
// clang-format on
static_assert(std::size(polling_mode_names) == static_cast<size_t>(PollingMode::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(PollingMode value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(polling_mode_names) ? polling_mode_names[index] : "?";
}

/// What is at the other end of a port.
enum class PortKind : uint8_t {
    vhost,
    host,
    stream,
    dgram,
    tap,
    packet,
    count,
};

// clang-format off
inline constexpr const char* port_kind_names[] = {
    "vhost",
    "host",
    "stream",
    "dgram",
    "tap",
    "packet",
};
// clang-format on
static_assert(std::size(port_kind_names) == static_cast<size_t>(PortKind::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(PortKind value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(port_kind_names) ? port_kind_names[index] : "?";
}

/// How a port takes part in the VLANs of its switch.
enum class VlanMode : uint8_t {
    none,
    access,
    trunk,
    tunnel,
    count,
};

// clang-format off
inline constexpr const char* vlan_mode_names[] = {
    "none",
    "access",
    "trunk",
    "tunnel",
};
// clang-format on
static_assert(std::size(vlan_mode_names) == static_cast<size_t>(VlanMode::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(VlanMode value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(vlan_mode_names) ? vlan_mode_names[index] : "?";
}

/// What stands before the frames of a tap port.
enum class NetHeaderUse : uint8_t {
    none,
    plain,
    tso,
    uso,
    count,
};

// clang-format off
inline constexpr const char* net_header_use_names[] = {
    "none",
    "plain",
    "tso",
    "uso",
};
// clang-format on
static_assert(std::size(net_header_use_names) == static_cast<size_t>(NetHeaderUse::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(NetHeaderUse value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(net_header_use_names) ? net_header_use_names[index] : "?";
}

/// What a worker does for a port.
enum class WorkerAct : uint8_t {
    nothing,
    receive,
    transmit,
    release,
    notify,
    acknowledge,
    count,
};

// clang-format off
inline constexpr const char* worker_act_names[] = {
    "nothing",
    "receive",
    "transmit",
    "release",
    "notify",
    "acknowledge",
};
// clang-format on
static_assert(std::size(worker_act_names) == static_cast<size_t>(WorkerAct::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(WorkerAct value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(worker_act_names) ? worker_act_names[index] : "?";
}

// clang-format off
inline constexpr const char* fault_texts[] = {
    "no fault",
    "the ring size is zero, above 32768, or (split ring) not a power of two",
    "the base of a packed ring is outside the ring",
    "the used index in guest memory does not belong to the available index there",
    "a packed ring was in use before, and is not where the front-end says",
    "a ring is outside the shared guest memory",
    "a ring address is not aligned as virtio requires",
    "part of a ring that we write to is in read-only memory",
    "the available index moved by more than the ring size, or backwards",
    "a descriptor index is outside its table",
    "a descriptor chain is longer than its table, so it loops",
    "a descriptor chain is too long: more than 1024 to send or 64 to receive",
    "a send chain contains a buffer that the device may write",
    "a receive chain contains a buffer that the device may not write",
    "a buffer is outside the shared guest memory",
    "a receive buffer is in read-only memory",
    "an indirect table was used without its feature bit",
    "an indirect table contains an indirect table",
    "an indirect table is empty, not a multiple of 16 bytes, or longer than the ring",
    "a descriptor is both indirect and chained",
    "a chain is shorter than the virtio-net header",
    "a receive chain is too small for the virtio-net header",
    "the file behind the guest memory was truncated after it was mapped",
    "one of our threads waited on a full call descriptor that was made blocking again",
    "a worker was stuck for seconds, in the middle of a batch, on something of this device",
    "the stream announces a frame of 0 bytes",
    "the stream announces a frame longer than 65550 bytes",
    "the stream ended in the middle of a frame",
    "the interface was deleted",
};
// clang-format on
static_assert(std::size(fault_texts) == static_cast<size_t>(Fault::count));
/// The fault in words.
constexpr const char* text_of(Fault value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(fault_texts) ? fault_texts[index] : "?";
}

// clang-format off
inline constexpr FaultLevel fault_levels[] = {
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::queue,
    FaultLevel::device,
    FaultLevel::device,
    FaultLevel::device,
    FaultLevel::connection,
    FaultLevel::connection,
    FaultLevel::connection,
    FaultLevel::device,
};
// clang-format on
static_assert(std::size(fault_levels) == static_cast<size_t>(Fault::count));
/// The smallest thing that is closed when it happens.
constexpr FaultLevel closes(Fault fault) noexcept {
    return fault_levels[static_cast<size_t>(fault)];
}

/// Why a command was refused.
enum class CommandError : uint8_t {
    unknown_port,
    unknown_switch,
    unknown_worker,
    name_in_use,
    switch_full,
    switch_not_empty,
    limit_reached,
    invalid_argument,
    wrong_state,
    region_overlaps,
    region_overflows,
    region_invalid,
    fd_not_eventfd,
    worker_busy,
    system,
    closed,
    message_malformed,
    version_unknown,
    unknown_command,
    count,
};

// clang-format off
inline constexpr const char* command_error_names[] = {
    "unknown_port",
    "unknown_switch",
    "unknown_worker",
    "name_in_use",
    "switch_full",
    "switch_not_empty",
    "limit_reached",
    "invalid_argument",
    "wrong_state",
    "region_overlaps",
    "region_overflows",
    "region_invalid",
    "fd_not_eventfd",
    "worker_busy",
    "system",
    "closed",
    "message_malformed",
    "version_unknown",
    "unknown_command",
};
// clang-format on
static_assert(std::size(command_error_names) == static_cast<size_t>(CommandError::count));
/// Its name, as native/boundary spells it.
constexpr const char* name_of(CommandError value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(command_error_names) ? command_error_names[index] : "?";
}

// clang-format off
inline constexpr const char* command_error_texts[] = {
    "no port has this number",
    "no switch has this number",
    "no worker has this number",
    "the name is taken on this switch",
    "a switch has at most 254 ports",
    "the switch still has ports",
    "a limit of the datapath has been reached",
    "an argument is out of range",
    "the port or ring is not in a state for this command",
    "two memory regions overlap",
    "a memory region ends beyond the 64-bit address space or the file",
    "a memory region is empty, or its file cannot be mapped",
    "a kick or call descriptor is not an eventfd",
    "a worker is stuck in the middle of a batch; try again when the log says that it goes on",
    "the operating system refused",
    "the datapath is closed",
    "a message is cut off, too long, or not what a sender of this version makes",
    "a message is of a version that this side does not read",
    "no command has this number",
};
// clang-format on
static_assert(std::size(command_error_texts) == static_cast<size_t>(CommandError::count));
/// The refusal in words.
constexpr const char* text_of(CommandError value) noexcept {
    const auto index = static_cast<size_t>(value);
    return index < std::size(command_error_texts) ? command_error_texts[index] : "?";
}

}  // namespace valenic::spec
