// What every queue owes the switch: one suite over every kind of port.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <set>
#include <thread>

#include "alone.hpp"
#include "engine_rig.hpp"
#include "link_rig.hpp"
#include "port/host/host.hpp"
#include "port/kinds.hpp"
#include "port/packet/wire_rig.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;
using spec::PortKind;

namespace {

struct Guest : AtOnce {
    static constexpr PortKind kind = PortKind::vhost;
    Guest() : rig("p") {}
    Port& base() { return rig.port; }
    void send(const Bytes& frame) { REQUIRE(rig.guest.send(frame)); }
    std::vector<Bytes> received(size_t = 0) { return rig.guest.receive(); }
    PortRig rig;
};

/// The far end of a veth pair. The kernel hands on what is sent by a thread of its own, and it
/// neither sends less than an Ethernet header nor ever takes too little.
template <Io io>
struct Interface {
    static constexpr PortKind kind = PortKind::packet;
    static constexpr bool at_once = false;
    static Bytes frame(size_t bytes, unsigned seed = 0) { return plain(bytes, seed); }

    Interface() : rig(1500, 1, io) {}
    Port& base() { return rig.port; }
    void send(const Bytes& frame) { REQUIRE(rig.wire.send(frame) == 0); }
    std::vector<Bytes> received(size_t least) { return frames_of(rig.far_end(least)); }
    WireRig rig;
};
using OverPacket = Interface<Io::packet>;
using OverXdp = Interface<Io::xdp>;

/// A source that is not started, and a sink: nobody is behind it.
struct Host {
    static constexpr PortKind kind = PortKind::host;
    static Bytes frame(size_t bytes, unsigned seed = 0) { return frame_of(bytes, seed); }
    Host() : blocks(std::make_unique<CounterBlock[]>(workers_max)) {}
    Port& base() { return port; }

    std::unique_ptr<CounterBlock[]> blocks;
    RecordedFaults events;
    HostPort port{{"p", {blocks.get(), workers_max}, 1, events}};
};

template <typename... Kinds>
std::set<PortKind> kinds_of() {
    return {Kinds::kind...};
}

/// A queue, and one worker to drive it.
template <typename Kind>
struct Rig {
    Rig() : batch(std::make_unique<Batch>()), context(std::make_unique<WorkerContext>()) {}
    Queue& queue() { return *kind.base().queues()[0]; }
    uint64_t count(auto counter) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < workers_max; ++worker)
            sum += kind.base().counters(worker).read(counter);
        return sum;
    }
    size_t receive() {
        batch->clear();
        return queue().receive(*batch, *context);
    }
    /// Whether there is, or comes, something to take.
    bool comes() {
        pollfd state{queue().wait_fd(), POLLIN, 0};
        return queue().arm() || poll(&state, 1, static_cast<int>(hang_guard_ns / 1'000'000)) == 1;
    }
    /// The next `count` frames, and what waits behind them, in order. `sizes`: of the batches.
    std::vector<Bytes> receive_all(size_t count, std::vector<size_t>* sizes = nullptr) {
        std::vector<Bytes> frames;
        while (receive() > 0 || (frames.size() < count && comes())) {
            for (size_t i = 0; i < batch->count; ++i) frames.push_back(bytes_of(*batch, i));
            if (sizes != nullptr && batch->count > 0) sizes->push_back(batch->count);
            queue().release(*context);
        }
        return frames;
    }
    void transmit(const std::vector<Bytes>& frames) {
        batch->clear();
        for (const Bytes& frame : frames) REQUIRE(append_frame(*batch, frame));
        queue().transmit(*batch, first_indices(frames.size()), *context);
    }

    Kind kind;
    std::unique_ptr<Batch> batch;
    std::unique_ptr<WorkerContext> context;
};

template <typename Kind>
std::vector<Bytes> of_every_length() {
    std::vector<Bytes> frames;
    for (const size_t bytes : {14, 15, 60, 115, 116, 117, 232, 1514})
        frames.push_back(Kind::frame(bytes, bytes % 200));
    return frames;
}

/// For every kind.
template <typename Kind>
void rests() {
    Rig<Kind> rig;
    CHECK(rig.receive() == 0);
    CHECK(rig.batch->count == 0);
    CHECK_FALSE(rig.queue().arm());
    rig.queue().disarm();
    rig.queue().release(*rig.context);
    rig.queue().flush_calls(*rig.context);
}

template <typename Kind>
void counts() {
    Rig<Kind> rig;
    const std::vector<Bytes> frames = of_every_length<Kind>();
    uint64_t bytes = 0;
    for (const Bytes& frame : frames) bytes += frame.size();
    rig.transmit(frames);
    CHECK(rig.count(PortCounter::rx_frames) == frames.size());
    CHECK(rig.count(PortCounter::rx_bytes) == bytes);
    CHECK(rig.count(PortCounter::rx_batches) == 1);
}

/// For every kind with somebody behind it.
template <typename Kind>
void receives() {
    Rig<Kind> rig;
    Queue& queue = rig.queue();

    SUBCASE("frames of every length are borrowed as they came") {
        const std::vector<Bytes> frames = of_every_length<Kind>();
        for (const Bytes& frame : frames) rig.kind.send(frame);
        CHECK(rig.receive_all(frames.size()) == frames);
        CHECK(rig.receive() == 0);
    }
    SUBCASE("a batch has no more frames than the budget, with more off one") {
        constexpr size_t count = 5;
        for (const bool more : {true, false}) {
            CAPTURE(more);
            rig.kind.base().settings().budget.store(2);
            rig.kind.base().settings().more.store(more);
            for (unsigned i = 0; i < count; ++i) rig.kind.send(Kind::frame(60, i));
            std::vector<size_t> sizes;
            CHECK(rig.receive_all(count, &sizes).size() == count);
            for (const size_t size : sizes) CHECK(size <= (more ? 2 : 1));
            if (Kind::at_once) CHECK(sizes.size() == (more ? 3 : count));
        }
    }
    SUBCASE("an armed queue shows what comes, and what came before is seen by arm()") {
        REQUIRE_FALSE(queue.arm());
        pollfd state{queue.wait_fd(), POLLIN, 0};
        CHECK(poll(&state, 1, 0) == 0);
        rig.kind.send(Kind::frame(60));
        const int patience_ms = Kind::at_once ? 0 : static_cast<int>(hang_guard_ns / 1'000'000);
        CHECK(poll(&state, 1, patience_ms) == 1);
        queue.acknowledge(*rig.context);
        CHECK(queue.arm());
        queue.disarm();
        CHECK(rig.receive_all(1).size() == 1);
    }
    SUBCASE("a frame that is longer than the port takes is counted") {
        rig.kind.base().settings().max_frame_bytes.store(100);
        rig.kind.send(Kind::frame(101));
        rig.kind.send(Kind::frame(100));
        CHECK(rig.receive_all(1) == std::vector<Bytes>{Kind::frame(100)});
        CHECK(rig.count(DropReason::tx_too_long) == 1);
    }
}

template <typename Kind>
void transmits() {
    Rig<Kind> rig;
    const std::vector<Bytes> frames = of_every_length<Kind>();
    rig.transmit(frames);
    CHECK(rig.kind.received(frames.size()) == frames);
}

const auto needs_root = doctest::skip(!may_make_interfaces());

}  // namespace

TEST_SUITE("queue contract") {
    TEST_CASE("is tried on every kind of the table") {
        const std::vector<PortKind> rows = built_in_kinds();
        const std::set<PortKind> each(rows.begin(), rows.end());
        CHECK(each.size() == rows.size());
        CHECK((each == kinds_of<Stream, Dgram, Tap, Guest, Host, OverPacket>()));
    }
    TEST_CASE_TEMPLATE("with nothing there, receive() is no work, and arm() lets the owner sleep",
                       Kind, Stream, Dgram, Tap, TapWithHeader, Guest, Host) {
        rests<Kind>();
    }
    TEST_CASE_TEMPLATE("what is transmitted is counted: frames, bytes, a batch", Kind, Stream,
                       Dgram, Tap, TapWithHeader, Guest, Host) {
        counts<Kind>();
    }
    TEST_CASE_TEMPLATE("what arrives is borrowed in order, whole, within the budget", Kind, Stream,
                       Dgram, Tap, TapWithHeader, Guest) {
        receives<Kind>();
    }
    TEST_CASE_TEMPLATE("frames are transmitted in order, whole", Kind, Stream, Dgram, Tap,
                       TapWithHeader, Guest) {
        transmits<Kind>();
    }
    TEST_CASE_TEMPLATE("a frame that is shorter than its header is counted", Kind, Stream, Dgram,
                       Tap, TapWithHeader, Guest) {
        Rig<Kind> rig;
        rig.kind.send(frame_of(13));
        rig.kind.send(frame_of(14));
        CHECK(rig.receive_all(1) == std::vector<Bytes>{frame_of(14)});
        CHECK(rig.count(DropReason::tx_too_short) == 1);
    }
    TEST_CASE_TEMPLATE("a peer that takes nothing costs counted frames, and no time", Kind, Stream,
                       Dgram, Tap, TapWithHeader, Guest) {
        Rig<Kind> rig;
        constexpr size_t batches = 100;
        const Bytes frame = frame_of(1514);
        for (size_t i = 0; i < batches; ++i) rig.transmit(std::vector(64, frame));
        const uint64_t delivered = rig.count(PortCounter::rx_frames);
        uint64_t dropped = rig.count(DropReason::rx_backlog_full);
        dropped += rig.count(DropReason::rx_no_buffer);
        CHECK(dropped > 0);
        CHECK(delivered + dropped == batches * 64);
        size_t got = 0;
        for (unsigned quiet = 0; quiet < 3; ++quiet) {
            for (const Bytes& one : rig.kind.received()) {
                CHECK(one == frame);
                ++got;
                quiet = 0;
            }
            rig.receive();  // What the owner does when it is woken.
        }
        CHECK(got == delivered);
    }
}

TEST_SUITE("queue contract: interfaces of the host" * needs_root) {
    TEST_CASE_TEMPLATE("with nothing there, receive() is no work, and arm() lets the owner sleep",
                       Kind, OverPacket, OverXdp) {
        rests<Kind>();
    }
    TEST_CASE_TEMPLATE("what is transmitted is counted: frames, bytes, a batch", Kind, OverPacket,
                       OverXdp) {
        counts<Kind>();
    }
    TEST_CASE_TEMPLATE("what arrives is borrowed in order, whole, within the budget", Kind,
                       OverPacket, OverXdp) {
        receives<Kind>();
    }
    TEST_CASE_TEMPLATE("frames are transmitted in order, whole", Kind, OverPacket, OverXdp) {
        transmits<Kind>();
    }
}

TEST_SUITE("link ports") {
    TEST_CASE_TEMPLATE("several workers transmit at once: each frame arrives once, whole", Kind,
                       Stream, Dgram) {
        constexpr unsigned workers = 3;
        constexpr unsigned rounds = 300 / traffic_share;
        Rig<Kind> rig;
        std::atomic<unsigned> running{workers};
        std::vector<std::thread> threads;
        for (unsigned worker = 0; worker < workers; ++worker) {
            threads.emplace_back([&, worker] {
                const auto batch = std::make_unique<Batch>();
                const auto context = std::make_unique<WorkerContext>();
                context->worker = static_cast<uint16_t>(worker);
                const Bytes frame = frame_of(1000 + worker, worker);
                for (unsigned i = 0; i < 16; ++i) append_frame(*batch, frame);
                for (unsigned round = 0; round < rounds; ++round)
                    rig.queue().transmit(*batch, first_indices(16), *context);
                running.fetch_sub(1);
            });
        }
        std::vector<uint64_t> got(workers);
        rig.context->worker = workers;
        const auto take = [&] {
            bool any = false;
            for (const Bytes& frame : rig.kind.received()) {
                const size_t from = frame.size() - 1000;
                REQUIRE(from < workers);
                REQUIRE(frame == frame_of(frame.size(), static_cast<unsigned>(from)));
                ++got[from];
                any = true;
            }
            rig.receive();
            return any;
        };
        while (running.load() > 0) take();
        for (std::thread& thread : threads) thread.join();
        // A worker that held the sender kept take() from emptying the backlog: it is done
        // afterwards.
        for (unsigned quiet = 0; quiet < 2;) quiet = take() ? 0 : quiet + 1;
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < workers; ++worker) {
            CHECK(got[worker] == rig.kind.base().counters(worker).read(PortCounter::rx_frames));
            sum += got[worker];
        }
        CHECK(sum + rig.count(DropReason::rx_backlog_full) == workers * rounds * 16);
    }
    TEST_CASE("a peer that leaves is told once, and what is sent to it is counted") {
        Rig<Stream> rig;
        rig.kind.peer.reset();
        CHECK(rig.receive() == 0);
        CHECK(rig.receive() == 0);
        CHECK_FALSE(rig.queue().arm());
        rig.transmit({frame_of(60)});
        CHECK(rig.kind.events.said == std::vector{Fault::none});
        CHECK(rig.count(DropReason::rx_not_connected) == 1);
        rig.kind.port.detach(alone());
        CHECK(rig.queue().wait_fd() == -1);
        CHECK(rig.kind.port.active_pairs() == 0);
    }
    TEST_CASE("while the socket is full its owner is woken when there is room again") {
        Rig<Stream> rig;
        const Bytes frame = frame_of(1514);
        while (rig.count(DropReason::rx_backlog_full) == 0) rig.transmit(std::vector(64, frame));
        pollfd state{rig.queue().wait_fd(), POLLIN, 0};
        CHECK(poll(&state, 1, 0) == 0);
        CHECK_FALSE(rig.queue().arm());
        CHECK_FALSE(rig.kind.received().empty());
        CHECK(poll(&state, 1, 0) == 1);
        CHECK(rig.queue().arm());
    }
}
