// What one turn of a stream port takes from the kernel, however much its peer has sent.
#include <sys/ioctl.h>

#include "link_rig.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

constexpr int roomy_bytes = 1 << 20;

/// A port whose peer may send much before anything is read.
struct Roomy : Stream {
    Roomy() {
        REQUIRE(setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &roomy_bytes, sizeof roomy_bytes) ==
                0);
    }
    int waiting() const {
        int bytes = 0;
        REQUIRE(ioctl(ours.get(), FIONREAD, &bytes) == 0);
        return bytes;
    }
    size_t receive() {
        batch->clear();
        return port.queues()[0]->receive(*batch, *context);
    }
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::unique_ptr<WorkerContext> context = std::make_unique<WorkerContext>();
};

}  // namespace

TEST_SUITE("stream: a turn") {
    TEST_CASE("takes no more than one largest frame from the kernel, however many wait") {
        Roomy kind;
        for (int i = 0; i < 150; ++i) kind.send(frame_of(1500));
        const int before = kind.waiting();
        CHECK(kind.receive() > 0);
        CHECK(before - kind.waiting() <= static_cast<int>(stream_unit_bytes));
        CHECK(kind.waiting() > 0);
    }
    TEST_CASE("and a largest frame behind another comes whole all the same") {
        Roomy kind;
        kind.send(frame_of(60));
        kind.send(frame_of(65'550));
        size_t frames = 0;
        for (int turn = 0; turn < 4; ++turn) frames += kind.receive();
        CHECK(frames == 2);
    }
}
