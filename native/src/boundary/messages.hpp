// GENERATED from native/boundary by `npm run spec`. Do not edit.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "boundary/names.hpp"
#include "boundary/reader.hpp"
#include "boundary/writer.hpp"

namespace valenic::boundary {

/// VLANs from the first to the last.
struct VlanRange {
    static constexpr NumberRange first_range{1, 4094};
    static constexpr NumberRange last_range{1, 4094};
    /// The first.
    uint16_t first = 0;
    /// The last.
    uint16_t last = 0;
};
bool decode(Reader& in, VlanRange& out);
void encode(Writer& to, const VlanRange& value);

/// The VLANs of a port (docs/decisions/0013-vlans.md). `none`: it takes part in none, reaches the
/// ports that are like it, and frames stay as they are. `access`: untagged frames, of one VLAN.
/// `trunk`: tagged frames of these VLANs, and untagged ones of `native`. `tunnel`: frames with or
/// without tags, in one VLAN, behind a tag of a provider's.
struct PortVlan {
    static constexpr NumberRange vlan_range{1, 4094};
    static constexpr size_t vlans_max = 4094;
    static constexpr NumberRange native_range{1, 4094};
    /// How it takes part.
    spec::VlanMode mode = spec::VlanMode::none;
    /// Of an access or tunnel port.
    std::optional<uint16_t> vlan;
    /// Of a trunk.
    std::optional<std::vector<VlanRange>> vlans;
    /// Of a trunk's untagged frames.
    std::optional<uint16_t> native;
};
bool decode(Reader& in, PortVlan& out);
void encode(Writer& to, const PortVlan& value);

/// A station that may be behind a port.
struct AllowedStation {
    static constexpr size_t ips_max = 64;
    /// Its address; not a group's.
    Mac mac;
    /// Its IPv4 and IPv6 addresses; none: any.
    std::vector<std::string> ips;
};
bool decode(Reader& in, AllowedStation& out);
void encode(Writer& to, const AllowedStation& value);

/// Settings of a port. They can change under traffic. What is absent stays as it is.
struct PortSettingsChange {
    static constexpr NumberRange spin_us_range{0, 1000000, 4294967295};
    static constexpr uint32_t spin_us_default = 4294967295;
    static constexpr NumberRange moderation_frames_range{1, 1024};
    static constexpr uint32_t moderation_frames_default = 1;
    static constexpr NumberRange moderation_us_range{0, 1000000};
    static constexpr uint32_t moderation_us_default = 0;
    static constexpr NumberRange budget_range{1, 256};
    static constexpr uint32_t budget_default = 64;
    static constexpr NumberRange mac_limit_range{0, 65536};
    static constexpr uint32_t mac_limit_default = 1024;
    static constexpr NumberRange max_frame_bytes_range{60, 65550};
    static constexpr uint32_t max_frame_bytes_default = 65550;
    static constexpr NumberRange mtu_range{68, 65535, 0};
    static constexpr uint32_t mtu_default = 0;
    static constexpr size_t allow_max = 64;
    static constexpr NumberRange storm_broadcast_range{0, 100000000, 4294967295};
    static constexpr uint32_t storm_broadcast_default = 4294967295;
    static constexpr NumberRange storm_multicast_range{0, 100000000, 4294967295};
    static constexpr uint32_t storm_multicast_default = 4294967295;
    static constexpr NumberRange storm_unknown_unicast_range{0, 100000000, 4294967295};
    static constexpr uint32_t storm_unknown_unicast_default = 4294967295;
    /// How the worker waits for work.
    std::optional<spec::PollingMode> polling;
    /// Adaptive mode: microseconds to spin without work before sleeping. `auto`: the worker learns
    /// it from the gaps in each queue's traffic (native/src/io/spin_tuner.hpp).
    std::optional<uint32_t> spin_us;
    /// `false`: every frame is its own transaction, published and notified alone.
    std::optional<bool> more;
    /// Notification moderation: a call is sent after this many frames, 1 = at once...
    std::optional<uint32_t> moderation_frames;
    /// ...or this many microseconds after the first of them, 0 = at once.
    std::optional<uint32_t> moderation_us;
    /// Most frames taken from one queue per round: the size of a batch.
    std::optional<uint32_t> budget;
    /// Most MAC addresses learned on this port.
    std::optional<uint32_t> mac_limit;
    /// Largest Ethernet frame the port may send, without FCS.
    std::optional<uint32_t> max_frame_bytes;
    /// Longest IP packet the port gets; big frames are measured cut. 0: any length.
    std::optional<uint32_t> mtu;
    /// Administrative state. A down port neither sends nor receives; its MACs are forgotten.
    std::optional<bool> up;
    /// The VLANs of the port.
    std::optional<PortVlan> vlan;
    /// Whether frames for 01:80:c2:00:00:00 to :0f (LACP, LLDP, STP ...) pass, from this port and
    /// to it. A bridge keeps them; a wire does not.
    std::optional<bool> link_local;
    /// Who may be behind the port; none: anybody. Nobody behind another port may say that he is one
    /// of these (docs/decisions/0019-port-security.md).
    std::optional<std::vector<AllowedStation>> allow;
    /// Addresses that were learned here stay here: no frame from them may come from another port.
    std::optional<bool> sticky_macs;
    /// `true`: IPv6 router advertisements and redirects are dropped.
    std::optional<bool> ra_guard;
    /// `true`: it reaches no other port that is isolated, and none of those reaches it.
    std::optional<bool> isolate;
    /// Whether the port gets frames for addresses that nobody was seen with.
    std::optional<bool> unknown_unicast;
    /// Most broadcasts that the port may send.
    std::optional<uint32_t> storm_broadcast;
    /// Most multicasts that the port may send.
    std::optional<uint32_t> storm_multicast;
    /// Most frames for addresses that nobody was seen with that the port may send.
    std::optional<uint32_t> storm_unknown_unicast;
    /// Whether TCP segments that follow each other reach the port as one big frame, where it takes
    /// such. Off: each frame as it was sent, for what counts or forwards them.
    std::optional<bool> coalesce;
};
bool decode(Reader& in, PortSettingsChange& out);
void encode(Writer& to, const PortSettingsChange& value);

/// One memory region as the front-end described it. Addresses are 64-bit: bigint.
struct MemoryRegion {
    /// Guest-physical.
    uint64_t guest_addr = 0;
    /// The front-end's.
    uint64_t user_addr = 0;
    /// Of the region.
    uint64_t size_bytes = 0;
    /// Where it begins in the file.
    uint64_t offset_bytes = 0;
    /// The file. It moves to the datapath, also when the command fails.
    Descriptor fd;
};
bool decode(Reader& in, MemoryRegion& out);
void encode(Writer& to, const MemoryRegion& value);

/// What starts one ring. Addresses are the front-end's user addresses, as in SET_VRING_ADDR.
struct RingStart {
    /// Slots.
    uint16_t size = 0;
    /// Position of the next chain to take. Split: an index that counts on. Packed: the index in the
    /// ring, and the wrap counter in bit 15.
    uint16_t base = 0;
    /// A ring of ours stopped there: nobody else's word, so a packed ring is not asked for proof.
    bool resumed = false;
    /// Of the descriptors.
    uint64_t desc_addr = 0;
    /// Packed: of the driver's event suppression structure.
    uint64_t avail_addr = 0;
    /// Packed: of the device's.
    uint64_t used_addr = 0;
};
bool decode(Reader& in, RingStart& out);
void encode(Writer& to, const RingStart& value);

/// One ring as it is.
struct RingState {
    /// Virtqueue number.
    uint32_t ring = 0;
    /// It was started.
    bool running = false;
    /// As the front-end said last.
    bool enabled = false;
    /// Slots.
    uint16_t size = 0;
    /// Position of the next chain to take.
    uint16_t avail_index = 0;
    /// Position of the next chain to hand back.
    uint16_t used_index = 0;
    /// Why it was stopped.
    spec::Fault fault = spec::Fault::none;
};
bool decode(Reader& in, RingState& out);
void encode(Writer& to, const RingState& value);

/// A stream of probe frames that a host port sends. See native/src/net/probe.hpp.
struct HostSource {
    static constexpr NumberRange frame_bytes_range{60, 9014};
    /// Number of the stream.
    uint32_t stream = 0;
    /// Whole Ethernet frame.
    uint32_t frame_bytes = 0;
    /// Frames per second; 0 = as fast as they are taken.
    uint32_t rate_pps = 0;
    /// Frames to send; 0n = until stopped.
    uint64_t count = 0;
    /// Twelve hexadecimal digits with colons.
    Mac destination;
    /// Of one station.
    Mac source;
};
bool decode(Reader& in, HostSource& out);
void encode(Writer& to, const HostSource& value);

/// One-way delay in nanoseconds, from log-linear buckets.
struct HostLatency {
    /// Half of the frames took no longer.
    uint64_t p50 = 0;
    /// 99 %.
    uint64_t p99 = 0;
    /// 99.9 %.
    uint64_t p999 = 0;
};
bool decode(Reader& in, HostLatency& out);
void encode(Writer& to, const HostLatency& value);

/// What a host port's sink saw of one stream. It copied every frame and checked it.
struct HostSinkReport {
    /// Number of the stream.
    uint32_t stream = 0;
    /// Good probes.
    uint64_t frames = 0;
    /// Of whole frames.
    uint64_t bytes = 0;
    /// The first number seen.
    uint64_t first_sequence = 0;
    /// One more than the highest seen.
    uint64_t next_sequence = 0;
    /// Numbers that were skipped, less those that came late.
    uint64_t gaps = 0;
    /// Came after a higher number (or twice).
    uint64_t reordered = 0;
    /// Others.
    uint64_t corrupt = 0;
    /// Where the sender shares our clock.
    HostLatency latency_ns;
};
bool decode(Reader& in, HostSinkReport& out);
void encode(Writer& to, const HostSinkReport& value);

/// Why there is no answer.
struct Failure {
    static constexpr uint32_t error_number_default = 0;
    /// A name of commandErrors or of faults.
    std::string code;
    /// One sentence.
    std::string text;
    /// What the operating system said; 0: it was not asked.
    uint32_t error_number = 0;
    /// What was being done then, e.g. a system call.
    std::string doing;
};
bool decode(Reader& in, Failure& out);
void encode(Writer& to, const Failure& value);

/// The answer to worker.add.
struct WorkerAddAnswer {
    /// Its number.
    uint32_t worker = 0;
    /// The number that the system has for its thread.
    uint32_t tid = 0;
};
bool decode(Reader& in, WorkerAddAnswer& out);
void encode(Writer& to, const WorkerAddAnswer& value);

/// worker.add: Starts a worker.
struct WorkerAdd {
    static constexpr uint32_t command_number = 1;
    using Answer = WorkerAddAnswer;
    static constexpr NumberRange cpu_range{0, 1023};
    /// The CPU that it is bound to.
    std::optional<uint32_t> cpu;
};
bool decode(Reader& in, WorkerAdd& out);
void encode(Writer& to, const WorkerAdd& value);

/// The answer to switch.create.
struct SwitchCreateAnswer {
    /// Its number.
    uint32_t switch_id = 0;
};
bool decode(Reader& in, SwitchCreateAnswer& out);
void encode(Writer& to, const SwitchCreateAnswer& value);

/// switch.create: Makes a switch without ports.
struct SwitchCreate {
    static constexpr uint32_t command_number = 2;
    using Answer = SwitchCreateAnswer;
    static constexpr NumberRange ageing_seconds_range{1, 1000000};
    static constexpr uint32_t ageing_seconds_default = 300;
    static constexpr NumberRange mac_table_size_range{64, 1048576};
    static constexpr uint32_t mac_table_size_default = 8192;
    /// Its name.
    std::string name;
    /// An address that was silent for so long is forgotten.
    uint32_t ageing_seconds = 300;
    /// Addresses that it can hold.
    uint32_t mac_table_size = 8192;
};
bool decode(Reader& in, SwitchCreate& out);
void encode(Writer& to, const SwitchCreate& value);

/// The answer to switch.remove.
struct SwitchRemoveAnswer {};
bool decode(Reader& in, SwitchRemoveAnswer& out);
void encode(Writer& to, const SwitchRemoveAnswer& value);

/// switch.remove: Removes a switch that has no port.
struct SwitchRemove {
    static constexpr uint32_t command_number = 3;
    using Answer = SwitchRemoveAnswer;
    /// Its number.
    uint32_t switch_id = 0;
};
bool decode(Reader& in, SwitchRemove& out);
void encode(Writer& to, const SwitchRemove& value);

/// The answer to port.create.
struct PortCreateAnswer {
    /// Its number.
    uint32_t port = 0;
    /// Its place on the switch.
    uint32_t slot = 0;
    /// First block in the stats page; one block for each worker follows from there.
    uint32_t stats_block = 0;
};
bool decode(Reader& in, PortCreateAnswer& out);
void encode(Writer& to, const PortCreateAnswer& value);

/// port.create: Makes a port on a switch.
struct PortCreate {
    static constexpr uint32_t command_number = 4;
    using Answer = PortCreateAnswer;
    static constexpr NumberRange queues_range{1, 16};
    static constexpr size_t workers_max = 16;
    /// Number of the switch.
    uint32_t switch_id = 0;
    /// Its name, which no other port of the switch has.
    std::string name;
    /// What is at its other end.
    spec::PortKind kind = spec::PortKind::vhost;
    /// Queue pairs.
    uint8_t queues = 0;
    /// Worker of queue pair i is workers[i % workers.length].
    std::vector<uint32_t> workers;
    /// Those that are not as by default.
    std::optional<PortSettingsChange> settings;
};
bool decode(Reader& in, PortCreate& out);
void encode(Writer& to, const PortCreate& value);

/// The answer to port.remove.
struct PortRemoveAnswer {};
bool decode(Reader& in, PortRemoveAnswer& out);
void encode(Writer& to, const PortRemoveAnswer& value);

/// port.remove: Removes a port.
struct PortRemove {
    static constexpr uint32_t command_number = 5;
    using Answer = PortRemoveAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, PortRemove& out);
void encode(Writer& to, const PortRemove& value);

/// The answer to port.set.
struct PortSetAnswer {};
bool decode(Reader& in, PortSetAnswer& out);
void encode(Writer& to, const PortSetAnswer& value);

/// port.set: Changes settings of a port.
struct PortSet {
    static constexpr uint32_t command_number = 6;
    using Answer = PortSetAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Those that change.
    PortSettingsChange settings;
};
bool decode(Reader& in, PortSet& out);
void encode(Writer& to, const PortSet& value);

/// The answer to queue.move.
struct QueueMoveAnswer {};
bool decode(Reader& in, QueueMoveAnswer& out);
void encode(Writer& to, const QueueMoveAnswer& value);

/// queue.move: Another worker owns the queue pair from here on; answers when it does. No frame is
/// lost by it and none overtakes another.
struct QueueMove {
    static constexpr uint32_t command_number = 7;
    using Answer = QueueMoveAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Number of the queue pair.
    uint32_t pair = 0;
    /// Number of the worker.
    uint32_t worker = 0;
};
bool decode(Reader& in, QueueMove& out);
void encode(Writer& to, const QueueMove& value);

/// The answer to port.macs.
struct PortMacsAnswer {
    static constexpr size_t macs_max = 131072;
    /// All of them.
    std::vector<Mac> macs;
};
bool decode(Reader& in, PortMacsAnswer& out);
void encode(Writer& to, const PortMacsAnswer& value);

/// port.macs: The addresses learned on a port.
struct PortMacs {
    static constexpr uint32_t command_number = 8;
    using Answer = PortMacsAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, PortMacs& out);
void encode(Writer& to, const PortMacs& value);

/// The answer to vhost.memory.
struct VhostMemoryAnswer {};
bool decode(Reader& in, VhostMemoryAnswer& out);
void encode(Writer& to, const VhostMemoryAnswer& value);

/// vhost.memory: Replaces all regions. Rings that run are re-resolved in the new map without losing
/// a frame.
struct VhostMemory {
    static constexpr uint32_t command_number = 9;
    using Answer = VhostMemoryAnswer;
    static constexpr size_t regions_max = 512;
    /// Number of the port.
    uint32_t port = 0;
    /// The whole memory.
    std::vector<MemoryRegion> regions;
};
bool decode(Reader& in, VhostMemory& out);
void encode(Writer& to, const VhostMemory& value);

/// The answer to vhost.features.
struct VhostFeaturesAnswer {};
bool decode(Reader& in, VhostFeaturesAnswer& out);
void encode(Writer& to, const VhostFeaturesAnswer& value);

/// vhost.features: Feature bits the driver acknowledged. Only while no ring runs.
struct VhostFeatures {
    static constexpr uint32_t command_number = 10;
    using Answer = VhostFeaturesAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtio feature bits.
    uint64_t features = 0;
};
bool decode(Reader& in, VhostFeatures& out);
void encode(Writer& to, const VhostFeatures& value);

/// The answer to vhost.ring.start.
struct VhostRingStartAnswer {
    /// Where it begins. A split ring begins at the used index in guest memory.
    uint16_t base = 0;
};
bool decode(Reader& in, VhostRingStartAnswer& out);
void encode(Writer& to, const VhostRingStartAnswer& value);

/// vhost.ring.start: Starts a ring.
struct VhostRingStart {
    static constexpr uint32_t command_number = 11;
    using Answer = VhostRingStartAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
    /// Where it is.
    RingStart start;
    /// The kick eventfd. It moves to the datapath. -1: the ring is polled.
    Descriptor kick_fd;
    /// The call eventfd. It moves to the datapath. -1: the guest polls.
    Descriptor call_fd;
    /// Whether frames go through it.
    bool enabled = false;
};
bool decode(Reader& in, VhostRingStart& out);
void encode(Writer& to, const VhostRingStart& value);

/// The answer to vhost.ring.stop.
struct VhostRingStopAnswer {
    /// Next available index not taken.
    uint16_t base = 0;
};
bool decode(Reader& in, VhostRingStopAnswer& out);
void encode(Writer& to, const VhostRingStopAnswer& value);

/// vhost.ring.stop: Answers only after every worker let go of the ring.
struct VhostRingStop {
    static constexpr uint32_t command_number = 12;
    using Answer = VhostRingStopAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
};
bool decode(Reader& in, VhostRingStop& out);
void encode(Writer& to, const VhostRingStop& value);

/// The answer to vhost.ring.enable.
struct VhostRingEnableAnswer {};
bool decode(Reader& in, VhostRingEnableAnswer& out);
void encode(Writer& to, const VhostRingEnableAnswer& value);

/// vhost.ring.enable: Says whether frames go through a ring.
struct VhostRingEnable {
    static constexpr uint32_t command_number = 13;
    using Answer = VhostRingEnableAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
    /// Whether.
    bool enabled = false;
};
bool decode(Reader& in, VhostRingEnable& out);
void encode(Writer& to, const VhostRingEnable& value);

/// The answer to vhost.ring.call.
struct VhostRingCallAnswer {};
bool decode(Reader& in, VhostRingCallAnswer& out);
void encode(Writer& to, const VhostRingCallAnswer& value);

/// vhost.ring.call: New call descriptor for a running ring.
struct VhostRingCall {
    static constexpr uint32_t command_number = 14;
    using Answer = VhostRingCallAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
    /// It moves to the datapath. -1: the guest polls.
    Descriptor call_fd;
};
bool decode(Reader& in, VhostRingCall& out);
void encode(Writer& to, const VhostRingCall& value);

/// The answer to vhost.ring.kick.
struct VhostRingKickAnswer {};
bool decode(Reader& in, VhostRingKickAnswer& out);
void encode(Writer& to, const VhostRingKickAnswer& value);

/// vhost.ring.kick: New kick descriptor for a running ring.
struct VhostRingKick {
    static constexpr uint32_t command_number = 15;
    using Answer = VhostRingKickAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
    /// It moves to the datapath. -1: the ring is polled.
    Descriptor kick_fd;
};
bool decode(Reader& in, VhostRingKick& out);
void encode(Writer& to, const VhostRingKick& value);

/// The answer to vhost.ring.addresses.
struct VhostRingAddressesAnswer {};
bool decode(Reader& in, VhostRingAddressesAnswer& out);
void encode(Writer& to, const VhostRingAddressesAnswer& value);

/// vhost.ring.addresses: New addresses for a running ring; its indices stay.
struct VhostRingAddresses {
    static constexpr uint32_t command_number = 16;
    using Answer = VhostRingAddressesAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number: even = RX (to the guest), odd = TX.
    uint32_t ring = 0;
    /// Where it is now.
    RingStart start;
};
bool decode(Reader& in, VhostRingAddresses& out);
void encode(Writer& to, const VhostRingAddresses& value);

/// The answer to vhost.rings.
struct VhostRingsAnswer {
    static constexpr size_t rings_max = 64;
    /// All of them.
    std::vector<RingState> rings;
};
bool decode(Reader& in, VhostRingsAnswer& out);
void encode(Writer& to, const VhostRingsAnswer& value);

/// vhost.rings: The rings of a port as they are.
struct VhostRings {
    static constexpr uint32_t command_number = 17;
    using Answer = VhostRingsAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, VhostRings& out);
void encode(Writer& to, const VhostRings& value);

/// The answer to port.inject.
struct PortInjectAnswer {};
bool decode(Reader& in, PortInjectAnswer& out);
void encode(Writer& to, const PortInjectAnswer& value);

/// port.inject: Sends one frame from a port into its switch (SEND_RARP).
struct PortInject {
    static constexpr uint32_t command_number = 18;
    using Answer = PortInjectAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// The whole frame, without FCS.
    std::vector<uint8_t> frame;
};
bool decode(Reader& in, PortInject& out);
void encode(Writer& to, const PortInject& value);

/// The answer to host.start.
struct HostStartAnswer {};
bool decode(Reader& in, HostStartAnswer& out);
void encode(Writer& to, const HostStartAnswer& value);

/// host.start: A host port begins to send.
struct HostStart {
    static constexpr uint32_t command_number = 19;
    using Answer = HostStartAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// What it sends.
    HostSource source;
};
bool decode(Reader& in, HostStart& out);
void encode(Writer& to, const HostStart& value);

/// The answer to host.stop.
struct HostStopAnswer {
    /// Frames.
    uint64_t sent = 0;
    /// The same. A side of version 1 reads no answer without it.
    uint64_t attempts = 0;
};
bool decode(Reader& in, HostStopAnswer& out);
void encode(Writer& to, const HostStopAnswer& value);

/// host.stop: A host port sends no more.
struct HostStop {
    static constexpr uint32_t command_number = 20;
    using Answer = HostStopAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, HostStop& out);
void encode(Writer& to, const HostStop& value);

/// The answer to host.report.
struct HostReportAnswer {
    static constexpr size_t streams_max = 512;
    /// Frames that it sent.
    uint64_t sent = 0;
    /// What it got.
    std::vector<HostSinkReport> streams;
};
bool decode(Reader& in, HostReportAnswer& out);
void encode(Writer& to, const HostReportAnswer& value);

/// host.report: What a host port saw.
struct HostReport {
    static constexpr uint32_t command_number = 21;
    using Answer = HostReportAnswer;
    /// Number of the port.
    uint32_t port = 0;
    /// Start again from zero.
    bool reset = false;
};
bool decode(Reader& in, HostReport& out);
void encode(Writer& to, const HostReport& value);

/// The answer to link.attach.
struct LinkAttachAnswer {};
bool decode(Reader& in, LinkAttachAnswer& out);
void encode(Writer& to, const LinkAttachAnswer& value);

/// link.attach: Gives a link port its descriptors. They move to the datapath in every case.
struct LinkAttach {
    static constexpr uint32_t command_number = 22;
    using Answer = LinkAttachAnswer;
    static constexpr size_t fds_max = 16;
    static constexpr size_t shared_fds_max = 16;
    /// Number of the port.
    uint32_t port = 0;
    /// One for each queue.
    std::vector<Descriptor> fds;
    /// Where an unconnected datagram socket sends to, a path.
    std::string peer;
    /// What stands before each frame.
    spec::NetHeaderUse net_header = spec::NetHeaderUse::none;
    /// What the queues of the port have together.
    std::vector<Descriptor> shared_fds;
};
bool decode(Reader& in, LinkAttach& out);
void encode(Writer& to, const LinkAttach& value);

/// The answer to link.detach.
struct LinkDetachAnswer {};
bool decode(Reader& in, LinkDetachAnswer& out);
void encode(Writer& to, const LinkDetachAnswer& value);

/// link.detach: Closes the port's descriptors. Answers after every worker let go of them.
struct LinkDetach {
    static constexpr uint32_t command_number = 23;
    using Answer = LinkDetachAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, LinkDetach& out);
void encode(Writer& to, const LinkDetach& value);

/// The answer to probe.placement.
struct ProbePlacementAnswer {
    /// Nanoseconds.
    double ns = 0;
};
bool decode(Reader& in, ProbePlacementAnswer& out);
void encode(Writer& to, const ProbePlacementAnswer& value);

/// probe.placement: One-way cache-line ping-pong between two CPUs: are the cores near or far?
struct ProbePlacement {
    static constexpr uint32_t command_number = 24;
    using Answer = ProbePlacementAnswer;
    static constexpr NumberRange cpu_a_range{0, 1023};
    static constexpr NumberRange cpu_b_range{0, 1023};
    /// The one.
    uint32_t cpu_a = 0;
    /// The other.
    uint32_t cpu_b = 0;
};
bool decode(Reader& in, ProbePlacement& out);
void encode(Writer& to, const ProbePlacement& value);

/// The answer to port.forget.
struct PortForgetAnswer {
    /// How many.
    uint32_t forgotten = 0;
};
bool decode(Reader& in, PortForgetAnswer& out);
void encode(Writer& to, const PortForgetAnswer& value);

/// port.forget: Forgets the addresses learned on a port, sticky ones too.
struct PortForget {
    static constexpr uint32_t command_number = 25;
    using Answer = PortForgetAnswer;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, PortForget& out);
void encode(Writer& to, const PortForget& value);

/// A peer broke a rule of a ring, which was stopped.
struct RingFaultEvent {
    static constexpr uint32_t event_number = 1;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number.
    uint32_t ring = 0;
    /// What was wrong.
    spec::Fault fault = spec::Fault::none;
};
bool decode(Reader& in, RingFaultEvent& out);
void encode(Writer& to, const RingFaultEvent& value);

/// A peer did what closes its device.
struct DeviceFaultEvent {
    static constexpr uint32_t event_number = 2;
    /// Number of the port.
    uint32_t port = 0;
    /// What was wrong.
    spec::Fault fault = spec::Fault::none;
};
bool decode(Reader& in, DeviceFaultEvent& out);
void encode(Writer& to, const DeviceFaultEvent& value);

/// A worker sleeps inside a batch. Port 0, act `nothing`: nobody's.
struct WorkerLateEvent {
    static constexpr uint32_t event_number = 3;
    /// Number of the port.
    uint32_t port = 0;
    /// Number of the worker.
    uint32_t worker = 0;
    /// Which queue of the port.
    uint32_t queue = 0;
    /// What it does for it.
    spec::WorkerAct act = spec::WorkerAct::nothing;
    /// For how long.
    uint32_t asleep_ms = 0;
};
bool decode(Reader& in, WorkerLateEvent& out);
void encode(Writer& to, const WorkerLateEvent& value);

/// A descriptor of link.attach is of no more use; `none`: the peer just left.
struct LinkDownEvent {
    static constexpr uint32_t event_number = 4;
    /// Number of the port.
    uint32_t port = 0;
    /// Which queue of the port.
    uint32_t queue = 0;
    /// What was wrong.
    spec::Fault fault = spec::Fault::none;
};
bool decode(Reader& in, LinkDownEvent& out);
void encode(Writer& to, const LinkDownEvent& value);

/// Kicks came but the available index never left 0: the guest's memory is not the one we mapped.
struct MemoryNotSharedEvent {
    static constexpr uint32_t event_number = 5;
    /// Number of the port.
    uint32_t port = 0;
    /// Virtqueue number.
    uint32_t ring = 0;
};
bool decode(Reader& in, MemoryNotSharedEvent& out);
void encode(Writer& to, const MemoryNotSharedEvent& value);

/// An address was seen behind this port and behind another, in turn, `moves` times in `seconds`: a
/// loop, or two hosts with one address. Told once, until `mac_rests`. All all address events
/// together are a few a second, independent of the guests.
struct MacMovesEvent {
    static constexpr uint32_t event_number = 6;
    /// Number of the port.
    uint32_t port = 0;
    /// Number of the other port.
    uint32_t other = 0;
    /// The address.
    Mac mac;
    /// Its VLAN; 0: in none.
    uint32_t vlan = 0;
    /// How often.
    uint32_t moves = 0;
    /// In what time.
    uint32_t seconds = 0;
};
bool decode(Reader& in, MacMovesEvent& out);
void encode(Writer& to, const MacMovesEvent& value);

/// No address of the port has moved for a while.
struct MacRestsEvent {
    static constexpr uint32_t event_number = 7;
    /// Number of the port.
    uint32_t port = 0;
};
bool decode(Reader& in, MacRestsEvent& out);
void encode(Writer& to, const MacRestsEvent& value);

/// The address table was full: so many addresses of this port were pushed out since last told.
struct MacsEvictedEvent {
    static constexpr uint32_t event_number = 8;
    /// Number of the port.
    uint32_t port = 0;
    /// How many.
    uint32_t evicted = 0;
};
bool decode(Reader& in, MacsEvictedEvent& out);
void encode(Writer& to, const MacsEvictedEvent& value);

/// The first that a datapath in a process of its own says to a new connection.
struct ReadyEvent {
    static constexpr uint32_t event_number = 9;
    /// Length of the stats page.
    uint64_t stats_bytes = 0;
    /// The memory file of the stats page; it cannot shrink.
    Descriptor stats;
};
bool decode(Reader& in, ReadyEvent& out);
void encode(Writer& to, const ReadyEvent& value);

/// Frames that the port sent were dropped by port security or storm control. Told of a port once a
/// minute at most.
struct FramesRefusedEvent {
    static constexpr uint32_t event_number = 10;
    /// Number of the port.
    uint32_t port = 0;
    /// How many since last told; the most there can be.
    uint32_t frames = 0;
};
bool decode(Reader& in, FramesRefusedEvent& out);
void encode(Writer& to, const FramesRefusedEvent& value);

/// What the datapath says unasked, whichever event it is.
using Event = std::variant<RingFaultEvent, DeviceFaultEvent, WorkerLateEvent, LinkDownEvent,
                           MemoryNotSharedEvent, MacMovesEvent, MacRestsEvent, MacsEvictedEvent,
                           ReadyEvent, FramesRefusedEvent>;

/// Reads the argument of a command and gives it to `take`. False: it is refused.
template <typename Take>
bool read_command(uint32_t number, Reader& in, Take&& take) {
    switch (number) {
        case WorkerAdd::command_number:
            return with<WorkerAdd>(in, take);
        case SwitchCreate::command_number:
            return with<SwitchCreate>(in, take);
        case SwitchRemove::command_number:
            return with<SwitchRemove>(in, take);
        case PortCreate::command_number:
            return with<PortCreate>(in, take);
        case PortRemove::command_number:
            return with<PortRemove>(in, take);
        case PortSet::command_number:
            return with<PortSet>(in, take);
        case QueueMove::command_number:
            return with<QueueMove>(in, take);
        case PortMacs::command_number:
            return with<PortMacs>(in, take);
        case VhostMemory::command_number:
            return with<VhostMemory>(in, take);
        case VhostFeatures::command_number:
            return with<VhostFeatures>(in, take);
        case VhostRingStart::command_number:
            return with<VhostRingStart>(in, take);
        case VhostRingStop::command_number:
            return with<VhostRingStop>(in, take);
        case VhostRingEnable::command_number:
            return with<VhostRingEnable>(in, take);
        case VhostRingCall::command_number:
            return with<VhostRingCall>(in, take);
        case VhostRingKick::command_number:
            return with<VhostRingKick>(in, take);
        case VhostRingAddresses::command_number:
            return with<VhostRingAddresses>(in, take);
        case VhostRings::command_number:
            return with<VhostRings>(in, take);
        case PortInject::command_number:
            return with<PortInject>(in, take);
        case HostStart::command_number:
            return with<HostStart>(in, take);
        case HostStop::command_number:
            return with<HostStop>(in, take);
        case HostReport::command_number:
            return with<HostReport>(in, take);
        case LinkAttach::command_number:
            return with<LinkAttach>(in, take);
        case LinkDetach::command_number:
            return with<LinkDetach>(in, take);
        case ProbePlacement::command_number:
            return with<ProbePlacement>(in, take);
        case PortForget::command_number:
            return with<PortForget>(in, take);
        default:
            return in.refuse_number(number);
    }
}

/// Reads the answer to a command.
template <typename Take>
bool read_answer(uint32_t number, Reader& in, Take&& take) {
    switch (number) {
        case WorkerAdd::command_number:
            return with<WorkerAddAnswer>(in, take);
        case SwitchCreate::command_number:
            return with<SwitchCreateAnswer>(in, take);
        case SwitchRemove::command_number:
            return with<SwitchRemoveAnswer>(in, take);
        case PortCreate::command_number:
            return with<PortCreateAnswer>(in, take);
        case PortRemove::command_number:
            return with<PortRemoveAnswer>(in, take);
        case PortSet::command_number:
            return with<PortSetAnswer>(in, take);
        case QueueMove::command_number:
            return with<QueueMoveAnswer>(in, take);
        case PortMacs::command_number:
            return with<PortMacsAnswer>(in, take);
        case VhostMemory::command_number:
            return with<VhostMemoryAnswer>(in, take);
        case VhostFeatures::command_number:
            return with<VhostFeaturesAnswer>(in, take);
        case VhostRingStart::command_number:
            return with<VhostRingStartAnswer>(in, take);
        case VhostRingStop::command_number:
            return with<VhostRingStopAnswer>(in, take);
        case VhostRingEnable::command_number:
            return with<VhostRingEnableAnswer>(in, take);
        case VhostRingCall::command_number:
            return with<VhostRingCallAnswer>(in, take);
        case VhostRingKick::command_number:
            return with<VhostRingKickAnswer>(in, take);
        case VhostRingAddresses::command_number:
            return with<VhostRingAddressesAnswer>(in, take);
        case VhostRings::command_number:
            return with<VhostRingsAnswer>(in, take);
        case PortInject::command_number:
            return with<PortInjectAnswer>(in, take);
        case HostStart::command_number:
            return with<HostStartAnswer>(in, take);
        case HostStop::command_number:
            return with<HostStopAnswer>(in, take);
        case HostReport::command_number:
            return with<HostReportAnswer>(in, take);
        case LinkAttach::command_number:
            return with<LinkAttachAnswer>(in, take);
        case LinkDetach::command_number:
            return with<LinkDetachAnswer>(in, take);
        case ProbePlacement::command_number:
            return with<ProbePlacementAnswer>(in, take);
        case PortForget::command_number:
            return with<PortForgetAnswer>(in, take);
        default:
            return in.refuse_number(number);
    }
}

/// Reads an event.
template <typename Take>
bool read_event(uint32_t number, Reader& in, Take&& take) {
    switch (number) {
        case RingFaultEvent::event_number:
            return with<RingFaultEvent>(in, take);
        case DeviceFaultEvent::event_number:
            return with<DeviceFaultEvent>(in, take);
        case WorkerLateEvent::event_number:
            return with<WorkerLateEvent>(in, take);
        case LinkDownEvent::event_number:
            return with<LinkDownEvent>(in, take);
        case MemoryNotSharedEvent::event_number:
            return with<MemoryNotSharedEvent>(in, take);
        case MacMovesEvent::event_number:
            return with<MacMovesEvent>(in, take);
        case MacRestsEvent::event_number:
            return with<MacRestsEvent>(in, take);
        case MacsEvictedEvent::event_number:
            return with<MacsEvictedEvent>(in, take);
        case ReadyEvent::event_number:
            return with<ReadyEvent>(in, take);
        case FramesRefusedEvent::event_number:
            return with<FramesRefusedEvent>(in, take);
        default:
            return in.refuse_number(number);
    }
}

}  // namespace valenic::boundary
