#include "io/engine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/break_signal.hpp"
#include "base/clock.hpp"
#include "io/settings.hpp"

namespace valenic {

using spec::CommandError;

namespace {

using namespace std::chrono_literals;

/// How long a closed gate waits for a worker that sleeps inside a batch before the others go on.
/// They are stopped in the meantime.
constexpr uint64_t gate_patience_ns = 100'000'000;
/// Then the others go on for as long, and the gate is closed again, until a command has waited for
/// so long. A worker that merely gets no CPU is waited for.
constexpr auto gate_pause = 50ms;
constexpr uint64_t command_patience_ns = 5'000'000'000;
/// How long the end of everything waits for a worker.
constexpr uint64_t stop_patience_ns = 5'000'000'000;

}  // namespace

Engine::Engine(size_t ports_max, EngineListener listener, bool stats_in_file)
    : listener_(std::move(listener)),
      watchdog_([this](const Watchdog::Late& late) { worker_late(late); }),
      page_(ports_max, stats_in_file),
      ports_max_(ports_max),
      places_(ports_max),
      own_context_(std::make_unique<WorkerContext>()) {
    own_context_->worker = control_worker;
}

Engine::~Engine() {
    release_this_thread();
    // Joins what close() gave up on: memory that a thread may still reach cannot go before it.
    for (auto& worker : workers_) watchdog_.forget(worker->watched());
    workers_.clear();
}

void Engine::adopt_this_thread() {
    break_signal::admit();
    Whereabouts::adopt(&own_context_->whereabouts);
    own_watched_.thread_id = gettid();
    own_watched_.worker = control_worker;
    own_watched_.whereabouts = &own_context_->whereabouts;
    // What it does between calls is its own affair; only the calls are broken.
    own_watched_.inside = [] { return false; };
    own_watched_.rounds = [] { return uint64_t{0}; };
    watchdog_.watch(own_watched_);
}

void Engine::release_this_thread() {
    if (own_watched_.thread_id != gettid()) return;
    watchdog_.forget(own_watched_);
    own_watched_.thread_id = 0;
    Whereabouts::adopt(nullptr);
}

bool Engine::close() {
    for (auto& worker : workers_) worker->ask_to_stop();
    const uint64_t give_up_ns = monotonic_ns() + stop_patience_ns;
    for (auto& worker : workers_)
        while (!worker->ended()) {
            if (monotonic_ns() > give_up_ns) return false;
            std::this_thread::sleep_for(1ms);
        }
    for (auto& worker : workers_) watchdog_.forget(worker->watched());
    workers_.clear();
    ports_.clear();
    switches_.clear();
    places_.assign(ports_max_, false);
    watchdog_.rest();
    return true;
}

// ---- How workers are kept out of what changes.

/// One batch at most; sleepers are out already. False: a worker sleeps inside its batch, and the
/// gate is open again.
bool Engine::try_close_gate() noexcept {
    gate_.close();
    for (const auto& worker : workers_) {
        while (!worker->parked()) {
            sched_yield();
            if (Watchdog::asleep_ns(worker->watched()) < gate_patience_ns) continue;
            gate_.open();
            return false;
        }
    }
    return true;
}

/// False: a worker is stuck.
bool Engine::close_gate() noexcept {
    const uint64_t give_up_ns = monotonic_ns() + command_patience_ns;
    while (!try_close_gate()) {
        const bool stalled = std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
            return worker->watched().stalled.load(std::memory_order_relaxed);
        });
        // Commands do not wait again for a worker that is known to be stuck.
        if (stalled || monotonic_ns() > give_up_ns) return false;
        std::this_thread::sleep_for(gate_pause);
    }
    return true;
}

/// Runs `change` while every worker is parked between two batches, or says that it cannot.
Done Engine::exclusive(const std::function<void(const Parked&)>& change) {
    if (!close_gate()) return CommandError::worker_busy;
    change(gate_.parked());
    gate_.open();
    wake_all();
    return std::nullopt;
}

/// As exclusive(), for changes of a port's rings and descriptors.
Done Engine::change_port(Port& port, const std::function<void(const Parked&)>& change) {
    return exclusive([&](const Parked& parked) {
        for (auto& worker : workers_) worker->suspend(parked, port);
        change(parked);
        for (auto& worker : workers_) worker->refresh(parked, port);
    });
}

void Engine::wake_all() noexcept {
    for (const auto& worker : workers_) worker->wake();
}

// ---- Finding things.

Engine::PortEntry* Engine::find(uint32_t id) noexcept {
    const auto found = ports_.find(id);
    return found == ports_.end() ? nullptr : &found->second;
}

DevicePort* Engine::find_port(uint32_t id) noexcept {
    PortEntry* entry = find(id);
    return entry == nullptr ? nullptr : entry->port.get();
}

std::optional<size_t> Engine::free_place() const noexcept {
    for (size_t place = 0; place < places_.size(); ++place)
        if (!places_[place]) return place;
    return std::nullopt;
}

// ---- Workers, switches, ports.

Result<Engine::AddedWorker, Refusal> Engine::add_worker(std::optional<int> cpu) {
    if (workers_.size() == control_worker) return Refusal(CommandError::limit_reached);
    const auto index = static_cast<uint16_t>(workers_.size());
    auto worker = std::make_unique<Worker>(gate_, index, page_.worker_block(index));
    if (!worker->start(cpu)) return Refusal(CommandError::system, errno, "starting a worker");
    watchdog_.watch(worker->watched());
    const int thread_id = worker->thread_id();
    workers_.push_back(std::move(worker));
    return AddedWorker{index, thread_id};
}

Result<uint32_t, Refusal> Engine::create_switch(std::string name, const LearningOptions& options) {
    for (const auto& [id, entry] : switches_)
        if (entry.vale->name() == name) return Refusal(CommandError::name_in_use);
    const uint32_t id = next_id_++;
    switches_[id].vale =
        std::make_unique<ValeSwitch>(std::move(name), std::make_unique<LearningLookup>(options));
    return id;
}

Done Engine::remove_switch(uint32_t id) {
    const auto found = switches_.find(id);
    if (found == switches_.end()) return CommandError::unknown_switch;
    if (found->second.vale->port_count() != 0) return CommandError::switch_not_empty;
    switches_.erase(found);
    return std::nullopt;
}

Done Engine::check_new_port(const NewPort& wanted) noexcept {
    const auto home = switches_.find(wanted.switch_id);
    if (home == switches_.end()) return CommandError::unknown_switch;
    if (wanted.pairs < 1 || wanted.pairs > Port::queues_max || wanted.workers.empty())
        return Refusal(CommandError::invalid_argument,
                       "queues, workers: give 1..16 of the one, and at least one of the other");
    for (const uint32_t worker : wanted.workers)
        if (worker >= workers_.size()) return CommandError::unknown_worker;
    for (const auto& [id, entry] : ports_)
        if (entry.switch_id == wanted.switch_id && entry.port->name() == wanted.name)
            return CommandError::name_in_use;
    if (home->second.vale->is_full()) return CommandError::switch_full;
    return check_settings(wanted.settings);
}

Result<Engine::CreatedPort, Refusal> Engine::create_port(const NewPort& wanted) {
    if (const Done refusal = check_new_port(wanted)) return *refusal;
    const auto place = free_place();
    if (!place) return Refusal(CommandError::limit_reached);
    const uint32_t id = next_id_++;
    PortEntry entry;
    entry.place = *place;
    entry.switch_id = wanted.switch_id;
    entry.port = make_port(wanted.kind, {wanted.name, page_.fresh_port_blocks(entry.place),
                                         wanted.pairs, static_cast<PortEvents&>(*this), id});
    if (entry.port == nullptr)
        return Refusal(CommandError::invalid_argument, "kind: it is not built in");
    Port& port = *entry.port;
    apply(wanted.settings, port.settings());
    apply_rules(wanted.settings, entry.rules);
    for (size_t pair = 0; pair < port.queues().size(); ++pair)
        entry.owners.push_back(wanted.workers[pair % wanted.workers.size()]);
    const Done busy = exclusive([&](const Parked& parked) {
        switches_[wanted.switch_id].vale->attach(parked, port);
        switches_[wanted.switch_id].vale->set_rules(parked, port, entry.rules);
        for (size_t pair = 0; pair < port.queues().size(); ++pair)
            workers_[entry.owners[pair]]->add(parked, port, *port.queues()[pair]);
    });
    if (busy) return *busy;
    places_[*place] = true;
    ports_[id] = std::move(entry);
    return CreatedPort{id, port.slot, StatsPage::first_block_of(*place)};
}

Done Engine::remove_port(uint32_t id) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return CommandError::unknown_port;
    const Done busy = exclusive([&](const Parked& parked) {
        for (auto& worker : workers_) worker->remove(parked, *entry->port);
        forget_in(parked, *own_context_, *entry->port);
        entry->port->home->detach(parked, *entry->port);
    });
    if (busy) return busy;
    places_[entry->place] = false;
    ports_.erase(id);
    return std::nullopt;
}

Done Engine::set_port(uint32_t id, const SettingsChange& change) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return CommandError::unknown_port;
    if (const Done refusal = check_settings(change)) return refusal;
    apply(change, entry->port->settings());
    const bool ruled = apply_rules(change, entry->rules);
    // Its addresses go after the last frame that could teach them again.
    Done busy;
    if (change.up == false || ruled)
        busy = exclusive([&](const Parked& parked) {
            entry->port->home->set_rules(parked, *entry->port, entry->rules);
        });
    wake_all();
    return busy;
}

Done Engine::move_queue(uint32_t id, unsigned pair, uint32_t worker) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return CommandError::unknown_port;
    if (pair >= entry->owners.size())
        return Refusal(CommandError::invalid_argument, "pair: the port has fewer queue pairs");
    if (worker >= workers_.size()) return CommandError::unknown_worker;
    const uint32_t before = entry->owners[pair];
    if (before == worker) return std::nullopt;
    Queue& queue = *entry->port->queues()[pair];
    // Between two batches nothing is borrowed: the next owner resumes where this one stopped.
    return exclusive([&](const Parked& parked) {
        workers_[before]->remove(parked, queue);
        workers_[worker]->add(parked, *entry->port, queue);
        entry->owners[pair] = worker;
    });
}

Done Engine::inject(uint32_t id, std::span<const uint8_t> frame) {
    PortEntry* entry = find(id);
    if (entry == nullptr) return CommandError::unknown_port;
    if (frame.size() < ethernet_header_bytes || frame.size() > largest_frame_bytes)
        return Refusal(CommandError::invalid_argument, "frame: not as long as a frame can be");
    auto batch = std::make_unique<Batch>();
    append_frame(*batch, frame);
    return exclusive([&](const Parked&) {
        own_context_->now_ns = monotonic_ns();
        entry->port->home->forward(*batch, *entry->port, *own_context_);
        run_timers(UINT64_MAX, *own_context_);
    });
}

}  // namespace valenic
