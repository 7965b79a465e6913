// The datapath as one object: workers, switches, ports, and the commands that change them.
//
// One control thread calls everything here, one call at a time; calls block until what they ask for
// holds. Workers never wait for it longer than one change of the topology.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "io/gate.hpp"
#include "io/watchdog.hpp"
#include "io/worker.hpp"
#include "lookup/learning.hpp"
#include "port/host/host.hpp"
#include "port/link.hpp"
#include "port/vhost/vhost.hpp"
#include "stats/page.hpp"
#include "switch/vale.hpp"

namespace valenic {

/// Why a command was refused: our reasons, or a rule of the ring that a peer broke.
struct Refusal {
    spec::CommandError error = spec::CommandError::count;
    spec::Fault fault = spec::Fault::none;
    int error_number = 0;    ///< What the operating system said; 0: it was not asked.
    const char* doing = "";  ///< What was being done then.

    Refusal(spec::CommandError reason) : error(reason) {}  // NOLINT(google-explicit-constructor)
    Refusal(spec::Fault reason) : fault(reason) {}         // NOLINT(google-explicit-constructor)
    Refusal(spec::CommandError reason, int number, const char* what)
        : error(reason), error_number(number), doing(what) {}
    const char* code() const noexcept {
        return fault != spec::Fault::none ? spec::name_of(fault) : spec::name_of(error);
    }
    const char* text() const noexcept {
        return fault != spec::Fault::none ? spec::text_of(fault) : spec::text_of(error);
    }
};

/// Nothing, or why not.
using Done = std::optional<Refusal>;

/// As native/boundary, DatapathEvent.
struct EngineEvent {
    enum class Kind : uint8_t {
        ring_fault,
        device_fault,
        memory_not_shared,
        link_down,
        mac_moves,
        mac_rests,
        macs_evicted,
        frames_refused,
        worker_late,
        housekeeping_due,  ///< Only for the control thread: a device has to be closed at once.
    };
    Kind kind;
    uint32_t port;
    unsigned ring = 0;  ///< Of link_down and worker_late: the queue.
    spec::Fault fault = spec::Fault::none;
    AddressMoves moves = {};  ///< Of mac_moves.
    uint32_t other = 0;       ///< Of mac_moves: the other port.
    uint32_t evicted = 0;     ///< Of macs_evicted.
    uint32_t refused = 0;     ///< Of frames_refused.
    // Of worker_late:
    uint16_t worker = 0;
    Act act = Act::nothing;
    uint32_t asleep_ms = 0;
};

/// Changed fields of a port's settings; absent = unchanged.
using SettingsChange = boundary::PortSettingsChange;

class Engine final : private PortEvents, private LinkEvents {
 public:
    /// `on_event` is called from any thread of the datapath and must not block for long.
    ///
    /// @param stats_in_file  Another process can map the stats page: stats_fd().
    Engine(size_t ports_max, std::function<void(const EngineEvent&)> on_event,
           bool stats_in_file = false);
    ~Engine() override;

    /// Lives as long as the engine, also after close().
    std::span<const uint64_t> stats() const noexcept { return page_.words(); }
    /// The file behind it, as StatsPage::fd().
    int stats_fd() const noexcept { return page_.fd(); }
    /// The calling thread is the one that calls everything else from here on: the watchdog looks
    /// after it too, until release_this_thread().
    void adopt_this_thread();
    void release_this_thread();
    /// Stops and joins every worker and removes every port. Idempotent. False: a worker does not
    /// come to its boundary; all is left as it is, nothing must be freed, and the destructor waits
    /// for it.
    bool close();

    struct AddedWorker {
        uint32_t worker;
        int thread_id;
    };
    Result<AddedWorker, Refusal> add_worker(std::optional<int> cpu);

    Result<uint32_t, Refusal> create_switch(std::string name, const LearningOptions& options);
    Done remove_switch(uint32_t id);

    using PortKind = spec::PortKind;
    struct NewPort {
        uint32_t switch_id;
        std::string name;
        PortKind kind;
        unsigned pairs;
        std::vector<uint32_t> workers;
        SettingsChange settings;
    };
    struct CreatedPort {
        uint32_t port;
        uint16_t slot;
        size_t stats_block;
    };
    Result<CreatedPort, Refusal> create_port(const NewPort& wanted);
    Done remove_port(uint32_t id);
    Done set_port(uint32_t id, const SettingsChange& change);
    /// Another worker owns the queue pair from here on. No frame is lost, and none overtakes.
    Done move_queue(uint32_t id, unsigned pair, uint32_t worker);
    Result<std::vector<MacAddress>, Refusal> macs_of(uint32_t id);
    Done inject(uint32_t id, std::span<const uint8_t> frame);

    Done set_memory(uint32_t id, std::vector<RegionSpec> regions);
    Done set_features(uint32_t id, uint64_t features);
    /// Takes the descriptors in every case; -1 = none.
    Result<uint16_t, Refusal> start_ring(uint32_t id, unsigned ring, const RingConfig& config,
                                         OwnedFd kick, OwnedFd call, bool enabled);
    Result<uint16_t, Refusal> stop_ring(uint32_t id, unsigned ring);
    Done enable_ring(uint32_t id, unsigned ring, bool enabled);
    Done set_call(uint32_t id, unsigned ring, OwnedFd call);
    Done set_kick(uint32_t id, unsigned ring, OwnedFd kick);
    Done move_ring(uint32_t id, unsigned ring, const RingConfig& config);
    Result<std::vector<RingState>, Refusal> ring_states(uint32_t id);

    Done start_source(uint32_t id, const HostSource& source);
    Result<uint64_t, Refusal> stop_source(uint32_t id);
    struct HostReport {
        uint64_t sent;
        std::vector<StreamReport> streams;
    };
    Result<HostReport, Refusal> host_report(uint32_t id, bool reset);

    /// Takes the descriptors in every case: one for each queue, and what the queues share.
    /// `peer`: as in native/boundary.
    Done attach_link(uint32_t id, std::vector<OwnedFd> fds, std::vector<OwnedFd> shared,
                     const std::string& peer,
                     spec::NetHeaderUse net_header = spec::NetHeaderUse::none);
    Done detach_link(uint32_t id);

    /// About once a second, and when an event says that it is due: looks for truncated memory
    /// files, for drivers that write elsewhere, and for news about addresses.
    void housekeeping(uint64_t now_ns = monotonic_ns());

 private:
    struct PortEntry {
        std::unique_ptr<Port> port;
        VhostPort* vhost = nullptr;  ///< Set for ports of this kind.
        HostPort* host = nullptr;
        LinkPort* link = nullptr;
        size_t place = 0;  ///< In the stats page.
        uint32_t switch_id = 0;
        std::vector<uint32_t> owners;  ///< Worker of each queue pair.
        PortRules rules;               ///< As its switch has them.
        bool moves_told = false;       ///< mac_moves was, mac_rests was not since.
        uint32_t evicted_told = 0;
        uint64_t refused_told = 0;  ///< Frames, and when that was.
        uint32_t refused_told_s = 0;
    };
    struct SwitchEntry {
        std::unique_ptr<ValeSwitch> vale;
    };

    void ring_fault(const VhostPort& port, unsigned ring, spec::Fault fault) override;
    void memory_truncated(const VhostPort& port) override;
    void link_down(const LinkPort& port, unsigned queue, spec::Fault fault) override;
    void worker_late(const Watchdog::Late& late);
    void make_port(const NewPort& wanted, uint32_t id, PortEntry& entry);
    bool try_close_gate() noexcept;
    bool close_gate() noexcept;
    [[nodiscard]] Done exclusive(const std::function<void(Parked)>& change);
    [[nodiscard]] Done change_port(Port& port, const std::function<void(Parked)>& change);
    void give_up_late_devices();
    bool close_device(uint32_t id, VhostPort& port, spec::Fault fault);
    void wake_all() noexcept;
    PortEntry* find(uint32_t id) noexcept;
    Result<VhostPort*, Refusal> find_vhost(uint32_t id) noexcept;
    Result<VhostPort*, Refusal> find_ring(uint32_t id, unsigned ring) noexcept;
    Result<HostPort*, Refusal> find_host(uint32_t id) noexcept;
    Result<LinkPort*, Refusal> find_link(uint32_t id) noexcept;
    std::optional<size_t> free_place() const noexcept;
    Done check_new_port(const NewPort& wanted) noexcept;
    void look_after(uint32_t id, VhostPort& port);
    void tell_addresses(uint32_t now_s);
    void in_turn(uint32_t& turn,
                 const std::function<bool(uint32_t, PortEntry&, const AddressNews&)>& tell);
    bool tell_moves(uint32_t id, PortEntry& entry, const AddressNews& news, uint32_t now_s);
    bool tell_evicted(uint32_t id, PortEntry& entry, const AddressNews& news);
    bool tell_refused(uint32_t id, PortEntry& entry, uint32_t now_s);
    std::optional<uint32_t> id_at(uint32_t switch_id, uint16_t slot) const noexcept;

    std::function<void(const EngineEvent&)> on_event_;
    std::mutex late_mutex_;
    std::vector<Place> late_;  ///< Under its mutex: what workers wait for, to be given up.
    Watchdog watchdog_;        ///< After what it reports to, before what it looks after.
    Watched own_watched_;
    StatsPage page_;
    size_t ports_max_;
    Gate gate_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::map<uint32_t, SwitchEntry> switches_;
    std::map<uint32_t, PortEntry> ports_;
    std::vector<bool> places_;
    uint32_t next_id_ = 1;
    uint32_t moves_turn_ = 0;    ///< The port that had its turn last.
    uint32_t evicted_turn_ = 0;  ///< As moves_turn_.
    uint32_t refused_turn_ = 0;  ///< As moves_turn_.
    /// The control thread's own books, for frames it injects: the last worker's blocks.
    std::unique_ptr<WorkerContext> own_context_;
};

}  // namespace valenic
