// An engine with guests on it, as the control plane drives it: commands, real eventfds, threads.
#pragma once
#include <poll.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "io/engine.hpp"
#include "net_guest.hpp"
#include "port/vhost/vhost_commands.hpp"

namespace valenic::test {

/// How long a test waits for what must happen. It only keeps a hang from lasting for ever.
inline constexpr uint64_t hang_guard_ns = 60'000'000'000;

/// Sanitized programs are ten times slower: the same test with less traffic.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t traffic_share = 10;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr uint64_t traffic_share = 10;
#else
inline constexpr uint64_t traffic_share = 1;
#endif
#else
inline constexpr uint64_t traffic_share = 1;
#endif

/// Waits until `done()`; false when it hung.
template <typename Condition>
bool eventually(Condition done) {
    const uint64_t give_up_ns = monotonic_ns() + hang_guard_ns;
    while (!done()) {
        if (monotonic_ns() > give_up_ns) return false;
        std::this_thread::yield();
    }
    return true;
}

inline void pause_ms(int milliseconds) { poll(nullptr, 0, milliseconds); }

class EngineRig {
 public:
    explicit EngineRig(unsigned workers = 1, size_t ports_max = 64)
        : engine(ports_max, {[this](const boundary::Event& event) {
                                 const std::lock_guard guard(events_mutex_);
                                 events_.push_back(event);
                             },
                             [this] { housekeeping_due.fetch_add(1); }}) {
        for (unsigned i = 0; i < workers; ++i) {
            const auto added = engine.add_worker(std::nullopt);
            REQUIRE(added.ok());
            worker_ids.push_back(added.value().worker);
        }
        auto created = engine.create_switch("vale0", {});
        REQUIRE(created.ok());
        switch_id = created.value();
    }
    std::vector<boundary::Event> events() {
        const std::lock_guard guard(events_mutex_);
        return events_;
    }
    /// Those of one kind, in their order.
    template <typename Kind>
    std::vector<Kind> events_of() {
        std::vector<Kind> found;
        for (const boundary::Event& event : events())
            if (const Kind* one = std::get_if<Kind>(&event)) found.push_back(*one);
        return found;
    }
    uint64_t worker_count(spec::WorkerCounter counter, unsigned worker = 0) const {
        return load_once(engine.stats()[(1 + worker) * spec::stats_words_per_block +
                                        static_cast<unsigned>(counter)]);
    }
    Engine::NewPort new_port(const std::string& name, Engine::PortKind kind,
                             const SettingsChange& settings = {}, unsigned pairs = 1) const {
        return {switch_id, name, kind, pairs, worker_ids, settings};
    }

 private:
    std::mutex events_mutex_;
    std::vector<boundary::Event> events_;

 public:
    std::atomic<unsigned> housekeeping_due = 0;  ///< How often the engine asked for it.
    std::vector<uint32_t> worker_ids;
    uint32_t switch_id = 0;
    Engine engine;
};

/// A port of an engine and its counters.
class EnginePort {
 public:
    EnginePort(EngineRig& rig, const Engine::NewPort& wanted) : rig(rig) {
        auto created = rig.engine.create_port(wanted);
        REQUIRE(created.ok());
        id = created.value().port;
        slot = created.value().slot;
        block_ = created.value().stats_block;
    }
    uint64_t count(spec::PortCounter counter) const {
        return sum_of(static_cast<unsigned>(counter));
    }
    uint64_t count(spec::DropReason reason) const {
        return sum_of(spec::first_drop_word + static_cast<unsigned>(reason));
    }
    /// Everything that was not delivered, on this port, by whatever name.
    uint64_t drops() const {
        uint64_t sum = 0;
        for (unsigned reason = 0; reason < static_cast<unsigned>(spec::DropReason::count); ++reason)
            sum += count(static_cast<spec::DropReason>(reason));
        return sum;
    }
    void set(const SettingsChange& change) { REQUIRE_FALSE(rig.engine.set_port(id, change)); }
    void set_polling(spec::PollingMode mode) {
        SettingsChange change;
        change.polling = mode;
        set(change);
    }

    EngineRig& rig;
    uint32_t id = 0;
    uint16_t slot = 0;

 private:
    uint64_t sum_of(unsigned word) const {
        uint64_t sum = 0;
        for (size_t worker = 0; worker < workers_max; ++worker)
            sum += load_once(
                rig.engine.stats()[(block_ + worker) * spec::stats_words_per_block + word]);
        return sum;
    }
    size_t block_ = 0;
};

/// A guest on a port, set up as a front-end does it.
class EngineGuest : public EnginePort {
 public:
    EngineGuest(EngineRig& rig, const std::string& name, const GuestOptions& options = {},
                const SettingsChange& settings = {}, bool start_rings = true)
        : EnginePort(rig, rig.new_port(name, Engine::PortKind::vhost, settings, options.pairs)),
          guest(options) {
        REQUIRE_FALSE(VhostCommands(rig.engine).set_features(id, options.features));
        REQUIRE_FALSE(VhostCommands(rig.engine).set_memory(id, guest.space.regions()));
        for (unsigned ring = 0; start_rings && ring < guest.ring_count(); ++ring) start(ring);
    }
    void start(unsigned ring) { start(ring, guest.config(ring)); }
    void start(unsigned ring, const RingConfig& config) {
        const auto base = VhostCommands(rig.engine)
                              .start_ring(id, ring, config, duplicate(guest.ring(ring).kick.get()),
                                          duplicate(guest.ring(ring).call.get()), true);
        REQUIRE(base.ok());
    }
    /// Stops a ring and starts it where it stopped. Returns where.
    uint16_t restart(unsigned ring) {
        const auto base = VhostCommands(rig.engine).stop_ring(id, ring);
        REQUIRE(base.ok());
        RingConfig config = guest.config(ring);
        config.base = base.value();
        start(ring, config);
        return config.base;
    }
    /// Waits for a call on the RX ring; false when it hung.
    bool wait_call(unsigned pair = 0) {
        pollfd wait{guest.pair(pair).rx_ring.call.get(), POLLIN, 0};
        const bool came = poll(&wait, 1, static_cast<int>(hang_guard_ns / 1'000'000)) == 1;
        drain_eventfd(wait.fd);
        return came;
    }
    /// Sends a broadcast, so that the switch knows this address, and waits until it was taken.
    void introduce(uint32_t number) {
        REQUIRE(guest.send(frame_between({broadcast_mac, mac(number)})));
        REQUIRE(eventually([&] { return guest.net().tx().used_waiting() == 1; }));
        guest.net().reclaim();
    }

    NetGuest guest;
};

/// A guest program that sends numbered frames as fast as its ring takes them, on its own thread.
class SendingGuest {
 public:
    SendingGuest(NetGuest& guest, const Addresses& both, uint32_t stream, unsigned pair = 0)
        : guest_(guest), both_(both), stream_(stream), pair_(pair) {}

    /// Sends `frames` in bursts, kicking when asked to. Returns when all are in the ring, or false
    /// when `stop` came or the ring hung.
    bool run(uint64_t frames, uint32_t frame_bytes, const std::atomic<bool>& stop) {
        driver::NetDriver& net = guest_.net(pair_);
        const uint64_t last = sent_ + frames;
        uint64_t idle_since_ns = monotonic_ns();
        for (unsigned burst = 1; sent_ < last && !stop.load(); ++burst) {
            net.reclaim();
            const size_t wanted = std::min<uint64_t>(1 + burst % 40, last - sent_);
            const size_t taken = net.send(wanted, frame_bytes, [&](uint8_t* frame) {
                write_addresses(frame, both_);
                frame[12] = probe_ethertype >> 8;
                frame[13] = probe_ethertype & 0xff;
                write_probe(frame + probe_offset_bytes, frame_bytes - probe_offset_bytes, stream_,
                            sent_++, monotonic_ns());
            });
            if (taken > 0) {
                guest_.kick_if_wanted(pair_);
                idle_since_ns = monotonic_ns();
                if (burst % 8 == 0) std::this_thread::yield();
                continue;
            }
            if (monotonic_ns() - idle_since_ns > hang_guard_ns) return false;
            std::this_thread::yield();
        }
        return sent_ == last;
    }
    /// Waits until the backend handed back everything.
    bool drain() {
        driver::NetDriver& net = guest_.net(pair_);
        return eventually([&] {
            net.reclaim();
            return net.tx().in_flight() == 0;
        });
    }
    uint64_t sent() const noexcept { return sent_; }

 private:
    NetGuest& guest_;
    Addresses both_;
    uint32_t stream_;
    unsigned pair_;
    uint64_t sent_ = 0;
};

/// A guest program that checks what it receives, polling or sleeping until it is called.
class ReceivingGuest {
 public:
    explicit ReceivingGuest(NetGuest& guest, unsigned pair = 0) : guest_(guest), pair_(pair) {}

    size_t take() {
        return guest_.net(pair_).receive(SIZE_MAX, [&](const uint8_t* frame, uint32_t bytes) {
            if (sink.check(frame, bytes, monotonic_ns()) == ProbeCheck::not_probe) ++others;
            ++frames;
        });
    }
    /// Takes until `done` and nothing is left. With `sleeps`, waits for a call when nothing is
    /// there; false: the call never came.
    bool run(const std::atomic<bool>& done, bool sleeps) {
        driver::SplitQueue& rx = guest_.net(pair_).rx();
        const int call = guest_.pair(pair_).rx_ring.call.get();
        for (;;) {
            const bool last = done.load();
            if (take() > 0) continue;
            if (last) return true;
            if (!sleeps) {
                std::this_thread::yield();
                continue;
            }
            if (rx.ask_for_call()) continue;
            if (!sleep_until_called(rx, call, done)) return false;
            rx.ask_for_no_call();
        }
    }
    ProbeSink sink;
    uint64_t frames = 0;
    uint64_t others = 0;  ///< Frames that are no probes.

 private:
    static bool sleep_until_called(driver::SplitQueue& rx, int call,
                                   const std::atomic<bool>& done) {
        constexpr int look_ms = 5;
        pollfd wait{call, POLLIN, 0};
        while (poll(&wait, 1, look_ms) == 0) {
            if (done.load()) return true;
            if (rx.used_waiting() == 0) continue;
            // Something lies there: the call must be on its way.
            if (poll(&wait, 1, static_cast<int>(hang_guard_ns / 1'000'000)) == 0) return false;
        }
        drain_eventfd(call);
        return true;
    }

    NetGuest& guest_;
    unsigned pair_;
};

/// The name under which a command was refused, or "" when it was not.
inline std::string refused(const Done& done) { return done ? done->code() : ""; }
template <typename Value>
std::string refused(const Result<Value, Refusal>& result) {
    return result ? "" : result.error().code();
}

inline std::vector<RingState> states_of(const EngineGuest& guest) {
    auto states = VhostCommands(guest.rig.engine).ring_states(guest.id);
    REQUIRE(states.ok());
    return std::move(states.value());
}

}  // namespace valenic::test
