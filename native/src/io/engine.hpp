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
#include "port/kinds.hpp"
#include "stats/page.hpp"
#include "switch/vale.hpp"

namespace valenic {

/// Changed fields of a port's settings; absent = unchanged.
using SettingsChange = boundary::PortSettingsChange;

/// Who hears what the engine says unasked. Called from any thread of the datapath; must not block
/// for long.
struct EngineListener {
    std::function<void(const boundary::Event&)> on_event;
    /// Engine::housekeeping() is due at once: a device has to be closed.
    std::function<void()> on_housekeeping_due = [] {};
};

class Engine final : public PortHost, private PortEvents {
 public:
    /// @param stats_in_file  Another process can map the stats page: stats_fd().
    Engine(size_t ports_max, EngineListener listener, bool stats_in_file = false);
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
    /// Forgets them, sticky ones too. How many there were.
    Result<uint32_t, Refusal> forget_macs(uint32_t id);
    Done inject(uint32_t id, std::span<const uint8_t> frame);

    // What the commands of each kind of port need (port/<kind>/<kind>_commands.hpp).
    DevicePort* find_port(uint32_t id) noexcept override;
    [[nodiscard]] Done exclusive(const std::function<void(const Parked&)>& change) override;
    [[nodiscard]] Done change_port(Port& port,
                                   const std::function<void(const Parked&)>& change) override;

    /// About once a second, and when an event says that it is due: looks for truncated memory
    /// files, for drivers that write elsewhere, and for news about addresses.
    void housekeeping(uint64_t now_ns = monotonic_ns());

 private:
    struct PortEntry {
        std::unique_ptr<DevicePort> port;
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

    void tell(const boundary::Event& event) override { listener_.on_event(event); }
    void housekeeping_due() override { listener_.on_housekeeping_due(); }
    void worker_late(const Watchdog::Late& late);
    bool try_close_gate() noexcept;
    bool close_gate() noexcept;
    void give_up_late_devices();
    void wake_all() noexcept;
    PortEntry* find(uint32_t id) noexcept;
    std::optional<size_t> free_place() const noexcept;
    Done check_new_port(const NewPort& wanted) noexcept;
    void tell_addresses(uint32_t now_s);
    void in_turn(uint32_t& turn,
                 const std::function<bool(uint32_t, PortEntry&, const AddressNews&)>& tell);
    bool tell_moves(uint32_t id, PortEntry& entry, const AddressNews& news, uint32_t now_s);
    bool tell_evicted(uint32_t id, PortEntry& entry, const AddressNews& news);
    bool tell_refused(uint32_t id, PortEntry& entry, uint32_t now_s);
    std::optional<uint32_t> id_at(uint32_t switch_id, uint16_t slot) const noexcept;

    EngineListener listener_;
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
