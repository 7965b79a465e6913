// Several workers deliver into one ring at once: exact counts, whole frames, no call lost, and
// nobody waits for a worker that was stopped in the middle of its copy.
#include <poll.h>

#include <thread>

#include "base/clock.hpp"
#include "base/eventfd.hpp"
#include "held_page.hpp"
#include "net/sink.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::Fault;

namespace {

constexpr int hang_guard_ms = 20'000;

/// One delivering thread's frames: numbered and checksummed.
struct Sender {
    explicit Sender(uint32_t stream, uint32_t frame_bytes) : stream(stream), buffer(64) {
        for (Bytes& bytes : buffer) bytes = frame_of(frame_bytes, stream);
    }
    void fill(Batch& batch, size_t count) {
        batch.clear();
        for (size_t i = 0; i < count; ++i) {
            write_probe(buffer[i].data() + probe_offset_bytes,
                        static_cast<uint32_t>(buffer[i].size()) - probe_offset_bytes, stream,
                        sequence++, monotonic_ns());
            append_frame(batch, buffer[i]);
        }
    }
    uint32_t stream;
    std::vector<Bytes> buffer;
    uint64_t sequence = 0;
    CounterBlock counters{};
    uint64_t delivered = 0;
};

/// Takes every frame that waits, checks it, and offers its buffers again.
template <typename Rig>
class Consumer {
 public:
    Consumer(Rig& rig, uint32_t buffer_bytes) : rig_(rig) {
        for (uint32_t i = 0; i < rig.queue.size(); ++i) {
            buffers_.push_back(rig.space.take(buffer_bytes));
            rig.queue.add_one(rig.space.addr(buffers_.back()), buffer_bytes, true);
        }
        rig.queue.publish();
    }
    size_t take() {
        size_t frames = 0;
        while (rig_.queue.used_waiting() > 0) {
            auto used = rig_.queue.take_used();
            const uint8_t* data = buffers_[used.head];
            uint16_t count;
            std::memcpy(&count, data + 10, sizeof count);
            whole_.assign(data + 12, data + used.len_bytes);
            rig_.queue.offer_again(used.head);
            for (uint16_t i = 1; i < count; ++i) {
                while (rig_.queue.used_waiting() == 0) std::this_thread::yield();
                used = rig_.queue.take_used();
                whole_.insert(whole_.end(), buffers_[used.head],
                              buffers_[used.head] + used.len_bytes);
                rig_.queue.offer_again(used.head);
            }
            sink.check(whole_.data(), static_cast<uint32_t>(whole_.size()), monotonic_ns());
            ++frames;
        }
        rig_.queue.publish();
        return frames;
    }
    ProbeSink sink;

 private:
    Rig& rig_;
    std::vector<uint8_t*> buffers_;
    Bytes whole_;
};

/// Until this many frames have arrived, so that every stream meets the others.
void deliver_rounds(RxRing& ring, Sender& sender, uint64_t enough) {
    auto batch = std::make_unique<Batch>();
    for (int i = 0; sender.delivered < enough; ++i) {
        sender.fill(*batch, 1 + static_cast<size_t>(i) % 64);
        sender.delivered +=
            ring.deliver(*batch, first_indices(batch->count), sender.counters).frames;
        std::this_thread::yield();
    }
}

}  // namespace

TEST_SUITE("RX: several workers") {
    TEST_CASE_TEMPLATE("sent = received + named drops, each frame whole, each stream in order",
                       Kind, Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint64_t features : {modern, mergeable}) {
            RxRig rig({256, features, 65'000, 8 << 20});
            Consumer<RxRig> consumer(rig, 2048);
            std::vector<std::unique_ptr<Sender>> senders;
            for (uint32_t i = 0; i < 4; ++i)
                senders.push_back(std::make_unique<Sender>(
                    i, i % 2 == 0 ? 100 : (features == mergeable ? 5000 : 1500)));
            std::atomic<int> running{4};
            std::vector<std::thread> threads;
            for (auto& sender : senders)
                threads.emplace_back([&] {
                    deliver_rounds(*rig.ring, *sender, 2000);
                    --running;
                });
            while (running.load() > 0)
                if (consumer.take() == 0) std::this_thread::yield();
            for (auto& thread : threads) thread.join();
            consumer.take();
            for (const auto& sender : senders) {
                const StreamReport* report = consumer.sink.report_for(sender->stream);
                REQUIRE(report != nullptr);
                CHECK(report->corrupt == 0);
                CHECK(report->reordered == 0);
                CHECK(report->frames == sender->delivered);
                CHECK(sender->sequence ==
                      sender->delivered + sender->counters.read(DropReason::rx_no_buffer));
            }
            CHECK(rig.ring->fault() == Fault::none);
            CHECK(rig.ring->used_index() == rig.ring->next_avail());
        }
    }

    TEST_CASE_TEMPLATE("no call is lost between deliverers and a driver that sleeps", Kind, Split,
                       Packed) {
        using RxRig = BasicRxRig<Kind>;
        for (const uint64_t features : {modern, with_events}) {
            RxRig rig({64, features, 65'500, 4 << 20});
            Consumer<RxRig> consumer(rig, 2048);
            OwnedFd call = create_eventfd();
            std::vector<std::unique_ptr<Sender>> senders;
            for (uint32_t i = 0; i < 3; ++i) senders.push_back(std::make_unique<Sender>(i, 60));
            std::atomic<uint64_t> delivered{0};
            std::atomic<int> running{3};
            std::vector<std::thread> threads;
            for (auto& sender : senders)
                threads.emplace_back([&] {
                    auto batch = std::make_unique<Batch>();
                    for (int i = 0; i < 2000; ++i) {
                        sender->fill(*batch, 1 + static_cast<size_t>(i) % 3);
                        const auto delivery = rig.ring->deliver(*batch, first_indices(batch->count),
                                                                sender->counters);
                        delivered += delivery.frames;
                        if (delivery.published && rig.ring->call_wanted())
                            signal_eventfd(call.get());
                        if (i % 8 == 0) std::this_thread::yield();
                    }
                    --running;
                });
            uint64_t received = 0;
            bool lost = false;
            while (!lost && (running.load() > 0 || received < delivered.load())) {
                rig.queue.ask_for_no_call();
                received += consumer.take();
                if (rig.queue.ask_for_call()) continue;
                // Asleep: frames that come now must bring a call.
                pollfd wait{call.get(), POLLIN, 0};
                while (poll(&wait, 1, 5) == 0) {
                    if (rig.queue.used_waiting() == 0) {
                        if (running.load() == 0) break;
                        continue;
                    }
                    lost = poll(&wait, 1, hang_guard_ms) == 0;
                    break;
                }
                drain_eventfd(call.get());
            }
            CHECK_FALSE(lost);
            for (auto& thread : threads) thread.join();
            received += consumer.take();
            CHECK(received == delivered.load());
        }
    }
}

TEST_SUITE("RX: a worker that is stopped in the middle of a copy") {
    /// Delivers one frame whose last bytes lie in the held page.
    struct Stopped {
        explicit Stopped(RxRing& ring)
            : thread([this, &ring] {
                  auto batch = std::make_unique<Batch>();
                  const Bytes start = frame_of(stage_frame_bytes, 50);
                  append_frame(*batch, start);
                  batch->segments[0] = {page.data(), 100};
                  batch->segment_count = 1;
                  batch->frames[0] = {stage_frame_bytes + 100, stage_frame_bytes, 0, 1};
                  published = ring.deliver(*batch, first_indices(1), counters).published;
              }) {
            page.wait_reached();
        }
        void go_on() {
            page.release();
            thread.join();
        }
        HeldPage page;
        CounterBlock counters{};
        bool published = false;
        std::thread thread;
    };

    TEST_CASE_TEMPLATE(
        "others go on delivering, many times over, and all is published when it is done", Kind,
        Split, Packed) {
        using RxRig = BasicRxRig<Kind>;
        RxRig rig({4096, modern, 65'000, 16 << 20});
        for (int i = 0; i < 1000; ++i) rig.offer(256);
        rig.deliver({frame_of(60)});
        Stopped stopped(*rig.ring);
        for (unsigned i = 0; i < 998; ++i) {
            const Delivery delivery = rig.deliver({frame_of(60, i)});
            REQUIRE(delivery.frames == 1);
            REQUIRE_FALSE(delivery.published);
        }
        CHECK(rig.queue.used_waiting() == 1);
        stopped.go_on();
        CHECK(stopped.published);
        CHECK(rig.queue.used_waiting() == 1000);
        for (unsigned i = 0; i < 1000; ++i) CHECK(rig.queue.take_used().head == i);
        CHECK(rig.deliver({frame_of(60)}).frames == 0);
        CHECK(rig.ring->fault() == Fault::none);
    }

    TEST_CASE("avail_index_jumped: a driver may not offer again what has not come back") {
        RxRig rig({8});
        for (int i = 0; i < 8; ++i) rig.offer(256);
        Stopped stopped(*rig.ring);
        CHECK(rig.deliver(std::vector<Bytes>(7, frame_of(60))).frames == 7);
        rig.offer_raw(1);  // Filled, but not published.
        CHECK(rig.deliver({frame_of(60)}).frames == 0);
        CHECK(rig.ring->fault() == Fault::avail_index_jumped);
        stopped.go_on();
        CHECK(rig.queue.used_waiting() == 8);
    }
}

TEST_SUITE("RX: a worker that is stopped before the guest sees what it delivered") {
    /// The byte that shows the frame at `slot` to the driver, in the driver's own view.
    uint8_t* shows(BasicRxRig<Split> & rig, uint16_t /*slot*/) {
        return reinterpret_cast<uint8_t*>(&rig.queue.used()->idx);
    }
    uint8_t* shows(BasicRxRig<Packed> & rig, uint16_t slot) {
        return reinterpret_cast<uint8_t*>(&rig.queue.slots()[slot].rest);
    }

    // Its frames must not be taken for published yet: another worker's question whether to call
    // would stand for them as well, before the driver could see them, and then nobody called.
    TEST_CASE_TEMPLATE("asks for its call itself, although another worker asks meanwhile", Kind,
                       Split, Packed) {
        // The used entries of a split ring lie in another page than its index, from 600 on.
        constexpr uint16_t base = 600;
        BasicRxRig<Kind> rig({1024, with_events, base, 8 << 20});
        for (int i = 0; i < 4; ++i) rig.offer(256);
        rig.queue.ask_for_no_call();
        rig.deliver({frame_of(60)});
        rig.ring->call_wanted();
        rig.deliver({frame_of(60)});
        HeldPage page(rig.space.device_view(shows(rig, base + 2)));
        CounterBlock counters{};
        std::thread stopped([&] {
            auto batch = std::make_unique<Batch>();
            const Bytes frame = frame_of(60);
            append_frame(*batch, frame);
            rig.ring->deliver(*batch, first_indices(1), counters);
        });
        page.wait_reached();
        CHECK_FALSE(rig.ring->call_wanted());
        while (rig.queue.used_waiting() > 0) rig.queue.take_used();
        CHECK_FALSE(rig.queue.ask_for_call());  // The driver sees no more, and sleeps.
        page.release();
        stopped.join();
        CHECK(rig.ring->call_wanted());
        CHECK(rig.queue.used_waiting() == 1);
    }
}
