// A worker's rounds beside queues that cost more than others. The clock is the test's own.
#include <memory>

#include "alone.hpp"
#include "base/limits.hpp"
#include "io/worker.hpp"
#include "lookup/learning.hpp"
#include "lookup_rig.hpp"
#include "switch/vale.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PortCounter;

namespace {

uint64_t fake_now = 1'000'000;
constexpr TickClock fake_clock{[]() noexcept { return fake_now; }, 1000};

/// Always has frames, and each costs what the test says.
class PricedQueue final : public Queue {
 public:
    uint64_t frame_ns = 40;
    bool empty = false;
    size_t waiting = SIZE_MAX;  ///< Frames; what is not taken waits on.
    uint64_t taken = 0;
    unsigned asked = 0;

    explicit PricedQueue(uint32_t number) : frame_(frame_between(addresses(0xffff, number))) {}
    size_t receive(Batch& batch, WorkerContext& context) override {
        ++asked;
        if (empty) return 0;
        const size_t most = std::min(context.turn_frames, batch_frames_default);
        const size_t frames = std::min(most, waiting);
        batch.drained = frames < most;
        waiting -= frames;
        for (size_t i = 0; i < frames; ++i) append_frame(batch, frame_);
        fake_now += frames * frame_ns;
        taken += frames;
        return frames;
    }
    void release(WorkerContext&) override {}
    void transmit(const Batch&, std::span<const uint8_t>, WorkerContext&) override {}
    void flush_calls(WorkerContext&) override {}
    bool arm() override { return true; }
    void disarm() override {}
    int wait_fd() const noexcept override { return -1; }
    void acknowledge(WorkerContext&) override {}

 private:
    Bytes frame_;
};

class PricedPort final : public Port {
 public:
    PricedPort(uint32_t number, size_t pairs)
        : PricedPort(number, pairs, std::make_unique<CounterBlock[]>(workers_max)) {}
    std::vector<std::unique_ptr<PricedQueue>> own;

 private:
    PricedPort(uint32_t number, size_t pairs, std::unique_ptr<CounterBlock[]> blocks)
        : Port("p" + std::to_string(number), {blocks.get(), workers_max}, 1),
          memory_(std::move(blocks)) {
        for (size_t pair = 0; pair < pairs; ++pair) {
            own.push_back(std::make_unique<PricedQueue>(number));
            add_queue(*own.back());
        }
        settings().polling.store(spec::PollingMode::busy);
    }
    std::unique_ptr<CounterBlock[]> memory_;
};

struct Rig {
    Gate gate;
    CounterBlock counters{};
    ValeSwitch vale{"vale0", std::make_unique<LearningLookup>(LearningOptions{})};
    std::vector<std::unique_ptr<PricedPort>> ports;
    Worker worker{gate, 0, counters, fake_clock};

    PricedPort& add(uint64_t frame_ns, size_t pairs = 1) {
        ports.push_back(std::make_unique<PricedPort>(static_cast<uint32_t>(ports.size()), pairs));
        PricedPort& port = *ports.back();
        REQUIRE(vale.attach(alone(), port));
        for (const auto& queue : port.own) {
            queue->frame_ns = frame_ns;
            worker.add(alone(), port, *queue);
        }
        return port;
    }
    void rounds(unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            worker.round();
            fake_now += 50;
        }
    }
};

uint64_t count(PricedPort& port, PortCounter counter) { return port.counters(0).read(counter); }

double share_of(Rig& rig, PricedPort& port) {
    uint64_t sum = 0;
    for (const auto& one : rig.ports) sum += count(*one, PortCounter::turn_ns);
    return static_cast<double>(count(port, PortCounter::turn_ns)) / static_cast<double>(sum);
}

}  // namespace

TEST_SUITE("a worker shares its time by cost") {
    TEST_CASE("an honest port beside a dear one has half of it") {
        Rig rig;
        PricedPort& honest = rig.add(40);
        rig.add(8'000);
        rig.rounds(20'000);
        CHECK(share_of(rig, honest) > 0.45);
    }
    TEST_CASE("beside eight dear ones it has its ninth") {
        Rig rig;
        for (int i = 0; i < 4; ++i) rig.add(8'000);
        PricedPort& honest = rig.add(40);
        for (int i = 0; i < 4; ++i) rig.add(2'000);
        rig.rounds(50'000);
        CHECK(share_of(rig, honest) > 0.9 / 9);
    }
    TEST_CASE("a port with sixteen queues has no more than one with one") {
        Rig rig;
        PricedPort& wide = rig.add(40, 16);
        PricedPort& one = rig.add(40);
        rig.rounds(20'000);
        CHECK(share_of(rig, one) == doctest::Approx(0.5).epsilon(0.05));
        for (const auto& queue : wide.own)
            CHECK(static_cast<double>(queue->taken) ==
                  doctest::Approx(static_cast<double>(wide.own[0]->taken)).epsilon(0.1));
    }
    TEST_CASE("a queue that gave all that waited is not asked again in its turn") {
        Rig rig;
        PricedPort& port = rig.add(40);
        PricedQueue& queue = *port.own[0];
        queue.waiting = 8;
        rig.rounds(1);
        CHECK(queue.taken == 8);
        CHECK(queue.asked == 1);
        queue.waiting = batch_frames_default;  // Perhaps more: but its turn is over.
        rig.rounds(1);
        CHECK(queue.taken == 8 + batch_frames_default);
        CHECK(queue.asked == 2);
        port.settings().budget.store(2 * batch_frames_default);
        queue.waiting = batch_frames_default + 8;
        rig.rounds(1);
        CHECK(queue.taken == 16 + 2 * batch_frames_default);
        CHECK(queue.asked == 4);
    }
    TEST_CASE("turns are counted, and those in which there was nothing") {
        Rig rig;
        PricedPort& port = rig.add(40);
        rig.rounds(10);
        port.own[0]->empty = true;
        rig.rounds(5);
        port.own[0]->empty = false;
        rig.rounds(10);
        CHECK(count(port, PortCounter::turns) == 25);
        CHECK(count(port, PortCounter::turns_empty) == 5);
        CHECK(count(port, PortCounter::turn_ns) == 20 * 64 * 40);
    }
}
