// What every queue owes the switch, run over each kind that has its peer behind a descriptor and
// over a guest's rings.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "alone.hpp"
#include "engine_rig.hpp"
#include "link_rig.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;
using spec::PortCounter;
using spec::PortKind;

namespace {

struct Guest {
    Guest() : rig("p") {}
    Port& base() { return rig.port; }
    void send(const Bytes& frame) { REQUIRE(rig.guest.send(frame)); }
    std::vector<Bytes> received() { return rig.guest.receive(); }
    PortRig rig;
};

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
    /// Everything that waits, in order.
    std::vector<Bytes> receive_all() {
        std::vector<Bytes> frames;
        while (receive() > 0) {
            for (size_t i = 0; i < batch->count; ++i) frames.push_back(bytes_of(*batch, i));
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

const std::vector<size_t> lengths{14, 15, 60, 115, 116, 117, 232, 1514};

}  // namespace

TEST_CASE_TEMPLATE("queue contract: receiving", Kind, Stream, Dgram, Tap, TapWithHeader, Guest) {
    Rig<Kind> rig;
    Queue& queue = rig.queue();

    SUBCASE("with nothing there, receive() is no work, and arm() lets the owner sleep") {
        CHECK(rig.receive() == 0);
        CHECK(rig.batch->count == 0);
        CHECK_FALSE(queue.arm());
    }
    SUBCASE("frames of every length are borrowed as they came") {
        std::vector<Bytes> frames;
        for (const size_t bytes : lengths) frames.push_back(frame_of(bytes, bytes % 200));
        for (const Bytes& frame : frames) rig.kind.send(frame);
        CHECK(rig.receive_all() == frames);
        CHECK(rig.receive() == 0);
    }
    SUBCASE("a batch has no more frames than the budget, with more off one") {
        for (unsigned i = 0; i < 5; ++i) rig.kind.send(frame_of(60, i));
        rig.kind.base().settings().budget.store(2);
        CHECK(rig.receive() == 2);
        CHECK(rig.batch->count == 2);
        queue.release(*rig.context);
        rig.kind.base().settings().more.store(false);
        CHECK(rig.receive() == 1);
        queue.release(*rig.context);
        rig.kind.base().settings().more.store(true);
        CHECK(rig.receive_all().size() == 2);
    }
    SUBCASE("an armed queue shows what comes, and what came before is seen by arm()") {
        REQUIRE_FALSE(queue.arm());
        pollfd state{queue.wait_fd(), POLLIN, 0};
        CHECK(poll(&state, 1, 0) == 0);
        rig.kind.send(frame_of(60));
        CHECK(poll(&state, 1, 0) == 1);
        queue.acknowledge(*rig.context);
        CHECK(queue.arm());
        queue.disarm();
        CHECK(rig.receive_all().size() == 1);
    }
    SUBCASE("a frame shorter than its header or longer than the port takes is counted") {
        rig.kind.base().settings().max_frame_bytes.store(100);
        rig.kind.send(frame_of(13));
        rig.kind.send(frame_of(101));
        rig.kind.send(frame_of(100));
        CHECK(rig.receive_all() == std::vector<Bytes>{frame_of(100)});
        CHECK(rig.count(DropReason::tx_too_short) == 1);
        CHECK(rig.count(DropReason::tx_too_long) == 1);
    }
}

TEST_CASE_TEMPLATE("queue contract: transmitting", Kind, Stream, Dgram, Tap, TapWithHeader, Guest) {
    Rig<Kind> rig;

    SUBCASE("frames are transmitted in order, whole, and counted") {
        std::vector<Bytes> frames;
        uint64_t bytes = 0;
        for (const size_t length : lengths) {
            frames.push_back(frame_of(length, length % 200));
            bytes += length;
        }
        rig.transmit(frames);
        CHECK(rig.kind.received() == frames);
        CHECK(rig.count(PortCounter::rx_frames) == frames.size());
        CHECK(rig.count(PortCounter::rx_bytes) == bytes);
        CHECK(rig.count(PortCounter::rx_batches) == 1);
    }
    SUBCASE("a peer that takes nothing costs counted frames, and no time") {
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
        CHECK(rig.kind.port.active_pairs == 0);
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
