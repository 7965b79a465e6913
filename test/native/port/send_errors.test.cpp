// Whose fault it is that the kernel does not take a frame: the table, and every kind that uses it.
#include "port/send_errors.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "alone.hpp"
#include "link_rig.hpp"
#include "switch_rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;

namespace {

/// A guest that sends what lies in a file which it can cut off, and a port with a peer behind a
/// descriptor, on one switch.
template <typename Kind>
struct Rig {
    Rig() : source("source", {}, false), honest("honest", {}, false) {
        source.port.set_memory(alone(), cut.map());
        honest.port.set_memory(alone(), whole.map());
        context->now_ns = 1'000'000'000;  // Broadcasts have a limit, which needs a time.
        REQUIRE(vale.attach(alone(), source.port));
        REQUIRE(vale.attach(alone(), kind.port));
        REQUIRE(vale.attach(alone(), honest.port));
    }
    ~Rig() {
        for (Port* port : {&source.base(), &kind.base(), &honest.base()})
            vale.detach(alone(), *port);
    }
    struct Sender : PortRig {
        using PortRig::PortRig;
        Port& base() { return port; }
    };

    static uint8_t* memory_of(const GuestSpace& space) { return space.map()->regions()[0].host; }
    /// A broadcast whose bytes behind the stage lie at `at` of the guest's memory.
    void put(const GuestSpace& space, size_t at, size_t bytes) {
        Bytes frame = frame_of(bytes);
        std::fill_n(frame.begin(), 6, uint8_t{0xff});
        const size_t index = batch->count;
        REQUIRE(append_frame(*batch, frame));
        batch->segments[batch->frames[index].first_segment].data = memory_of(space) + at;
    }
    void forward(Sender& from) {
        vale.forward(*batch, from.port, *context);
        batch->clear();
    }
    uint64_t count(DropReason reason) {
        uint64_t sum = 0;
        for (unsigned worker = 0; worker < workers_max; ++worker)
            sum += kind.port.counters(worker).read(reason);
        return sum;
    }
    uint64_t all_drops() {
        uint64_t sum = 0;
        for (unsigned reason = 0; reason < static_cast<unsigned>(DropReason::count); ++reason)
            sum += count(static_cast<DropReason>(reason));
        return sum;
    }
    void truncate() { REQUIRE(ftruncate(cut.memory().fd(), page_bytes) == 0); }

    GuestSpace cut{1 << 20};
    GuestSpace whole{1 << 20};
    Kind kind;
    Sender source;
    Sender honest;
    ValeSwitch vale{"v", std::make_unique<LearningLookup>(LearningOptions{})};
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::unique_ptr<WorkerContext> context = std::make_unique<WorkerContext>();
};

}  // namespace

TEST_SUITE("errors of a send") {
    TEST_CASE("each has one to whom it belongs, and a name for its frames") {
        struct Row {
            int error;
            Blame blame;
            DropReason reason;
        };
        const std::vector<Row> rows{
            {EFAULT, Blame::source, DropReason::tx_memory_unreadable},
            {EMSGSIZE, Blame::frame, DropReason::rx_too_long},
            {EINVAL, Blame::frame, DropReason::rx_too_long},
            {EAGAIN, Blame::full, DropReason::rx_backlog_full},
            {ENOBUFS, Blame::full, DropReason::rx_backlog_full},
            {EINTR, Blame::full, DropReason::rx_backlog_full},
            {ENOMEM, Blame::host, DropReason::rx_refused_by_host},
            {EPERM, Blame::host, DropReason::rx_refused_by_host},
            {ENETDOWN, Blame::link_down, DropReason::rx_link_down},
            {EIO, Blame::link_down, DropReason::rx_link_down},
            {EPIPE, Blame::absent, DropReason::rx_not_connected},
            {ECONNRESET, Blame::absent, DropReason::rx_not_connected},
            {ECONNREFUSED, Blame::absent, DropReason::rx_not_connected},
            {ECONNABORTED, Blame::absent, DropReason::rx_not_connected},
            {ENOTCONN, Blame::absent, DropReason::rx_not_connected},
            {EDESTADDRREQ, Blame::absent, DropReason::rx_not_connected},
            {EACCES, Blame::absent, DropReason::rx_not_connected},
            {ENOENT, Blame::absent, DropReason::rx_not_connected},
            {ENOTDIR, Blame::absent, DropReason::rx_not_connected},
            {ELOOP, Blame::absent, DropReason::rx_not_connected},
            {EPROTOTYPE, Blame::absent, DropReason::rx_not_connected},
            {ETIMEDOUT, Blame::absent, DropReason::rx_not_connected},
            {EHOSTUNREACH, Blame::absent, DropReason::rx_not_connected},
            {EHOSTDOWN, Blame::absent, DropReason::rx_not_connected},
            {ENETUNREACH, Blame::absent, DropReason::rx_not_connected},
            {ENXIO, Blame::gone, DropReason::rx_not_connected},
            {ENODEV, Blame::gone, DropReason::rx_not_connected},
            {EBADFD, Blame::gone, DropReason::rx_not_connected},
            {EBADF, Blame::gone, DropReason::rx_not_connected},
            {EDOM, Blame::unknown, DropReason::rx_refused_by_host},
        };
        for (const Row& row : rows) {
            CAPTURE(row.error);
            CHECK(send_error(row.error).blame == row.blame);
            CHECK(send_error(row.error).reason == row.reason);
        }
    }
    TEST_CASE("memory that is our own blames no port") {
        PortRig guest("guest", {}, false);
        WorkerContext context;
        CHECK(charge_send_error(EFAULT, context).blame == Blame::host);
        context.source = &guest.port;
        guest.port.close_device(alone());
        CHECK(charge_send_error(EFAULT, context).blame == Blame::host);
    }
}

TEST_CASE_TEMPLATE("a frame in a file that was cut off", Kind, Stream, Dgram, Tap, TapWithHeader) {
    Rig<Kind> rig;
    const size_t lost = 8 * page_bytes;

    SUBCASE("is its source's fault: the receiver keeps its peer and loses nothing") {
        rig.truncate();
        rig.put(rig.cut, lost, 1514);
        rig.put(rig.cut, lost, 1514);
        rig.forward(rig.source);
        CHECK(rig.source.count(DropReason::tx_memory_unreadable) == 2);
        CHECK(rig.source.port.memory_lost());
        CHECK(rig.kind.events.said.empty());
        CHECK(rig.all_drops() == 0);
        rig.put(rig.whole, lost, 1514);
        rig.forward(rig.honest);
        CHECK(rig.kind.received().size() == 1);
        CHECK_FALSE(rig.honest.port.memory_lost());
    }
    SUBCASE("takes along what is behind it in its batch, and nothing that was before it") {
        rig.truncate();
        rig.put(rig.cut, 0, 1514);
        rig.put(rig.cut, lost, 1514);
        rig.put(rig.cut, 0, 1514);
        rig.forward(rig.source);
        const size_t received = rig.kind.received().size();
        CHECK(received + rig.source.count(DropReason::tx_memory_unreadable) == 3);
        CHECK(received <= 1);
        CHECK(rig.kind.events.said.empty());
    }
    SUBCASE("cannot come again: nothing of that source is tried any more") {
        rig.truncate();
        for (int turn = 1; turn <= 3; ++turn) {
            rig.put(rig.cut, turn == 1 ? lost : 0, 1514);
            rig.forward(rig.source);
            CHECK(rig.source.count(DropReason::tx_memory_unreadable) == turn);
        }
        CHECK(rig.kind.received().empty());
    }
    SUBCASE("that has its old length again when we look is blamed too") {
        rig.truncate();
        rig.put(rig.cut, lost, 1514);
        // The kernel returns an error; no access of ours ever fails.
        CHECK(charge_send_error(EFAULT, *rig.context).blame == Blame::host);
        rig.context->source = &rig.source.port;
        REQUIRE(ftruncate(rig.cut.memory().fd(), 1 << 20) == 0);
        CHECK(charge_send_error(EFAULT, *rig.context).blame == Blame::source);
        CHECK(rig.source.port.memory_lost());
    }
}

TEST_SUITE("a stream whose source's file is cut off") {
    TEST_CASE("amid a frame: it gets as many bytes as it was told, and goes on") {
        Rig<Stream> rig;
        rig.kind.limit_sends(8192);  // The kernel takes a frame in pieces of as much.
        const size_t readable = 5 * page_bytes;
        REQUIRE(ftruncate(rig.cut.memory().fd(), static_cast<off_t>(readable)) == 0);
        std::fill_n(Rig<Stream>::memory_of(rig.cut), readable, uint8_t{0xab});
        rig.put(rig.cut, 0, 60'000);
        rig.forward(rig.source);
        std::vector<Bytes> frames;
        const auto take = [&] {
            for (Bytes& frame : rig.kind.received()) frames.push_back(std::move(frame));
            rig.kind.port.queues()[0]->receive(*rig.batch, *rig.context);
        };
        for (int turn = 0; turn < 100 && frames.empty(); ++turn) take();
        REQUIRE(frames.size() == 1);
        CHECK(frames[0].size() == 60'000);
        CHECK(frames[0][116] == 0xab);
        CHECK(frames[0].back() == 0);
        CHECK(rig.source.port.memory_lost());
        CHECK(rig.kind.events.said.empty());
        rig.put(rig.whole, 0, 1514);
        rig.forward(rig.honest);
        for (int turn = 0; turn < 100 && frames.size() < 2; ++turn) take();
        REQUIRE(frames.size() == 2);
        CHECK(frames[1].size() == 1514);
    }
    TEST_CASE("while others wait in the backlog: what waits stays whole, the frame is not begun") {
        Rig<Stream> rig;
        rig.kind.limit_sends(4096);
        rig.put(rig.whole, 0, 30'000);  // More than the socket takes: its rest waits.
        rig.forward(rig.honest);
        rig.truncate();
        rig.put(rig.cut, 8 * page_bytes, 1514);
        rig.forward(rig.source);
        CHECK(rig.source.count(DropReason::tx_memory_unreadable) == 1);
        rig.put(rig.whole, 0, 600);
        rig.forward(rig.honest);
        std::vector<size_t> lengths;
        for (int turn = 0; turn < 100 && lengths.size() < 2; ++turn) {
            for (const Bytes& frame : rig.kind.received()) lengths.push_back(frame.size());
            rig.kind.port.queues()[0]->receive(*rig.batch, *rig.context);
        }
        CHECK(lengths == std::vector<size_t>{30'000, 600});
        CHECK(rig.kind.events.said.empty());
    }
}
