// A switch with more ports than a byte can number, and the page that counts for them.
#include "alone.hpp"
#include "base/clock.hpp"
#include "rig.hpp"
#include "stats/page.hpp"
#include "switch/vale.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::DropReason;
using spec::PortCounter;

namespace {

constexpr size_t many = 1000;

/// The first two bytes of a frame's destination are the slot of the port that it is for.
class NumberLookup final : public Lookup {
 public:
    void resolve(const Batch& batch, const LookupSource&,
                 std::span<Action> actions) noexcept override {
        for (size_t i = 0; i < batch.count; ++i) {
            const uint8_t* bytes = batch.stages[i].bytes;
            const auto slot = static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
            actions[i] = slot == 0xffff ? Action::flood() : Action::output(slot);
        }
    }
    size_t header_bytes() const noexcept override { return 6; }
    size_t ports_max() const noexcept override { return many; }
    void forget(uint16_t) noexcept override {}
    std::vector<MacAddress> addresses_of(uint16_t) const override { return {}; }
};

Bytes frame_to(size_t slot, size_t bytes = 60) {
    Bytes frame = frame_of(bytes);
    frame[0] = static_cast<uint8_t>(slot >> 8);
    frame[1] = static_cast<uint8_t>(slot & 0xff);
    return frame;
}

/// Takes every frame and counts it.
class Counter final : public Port, public Queue {
 public:
    Counter(const std::string& name, std::span<CounterBlock> blocks) : Port(name, blocks, 1) {
        add_queue(*this);
    }
    size_t receive(Batch&, WorkerContext&) override { return 0; }
    void release(WorkerContext&) override {}
    void transmit(const Batch& batch, std::span<const uint8_t> indices,
                  WorkerContext& context) override {
        CounterBlock& block = counters(context.worker);
        block.add(PortCounter::rx_frames, indices.size());
        for (const uint8_t index : indices)
            block.add(PortCounter::rx_bytes, batch.frames[index].len_bytes);
    }
    void flush_calls(WorkerContext&) override {}
    bool arm() override { return false; }
    void disarm() override {}
    int wait_fd() const noexcept override { return -1; }
    void acknowledge(WorkerContext&) override {}
};

struct Crowd {
    explicit Crowd(bool in_file = false) : page(many, in_file) {
        context->worker = 3;
        context->now_ns = monotonic_ns();
        for (size_t place = 0; place < many; ++place) {
            ports.push_back(std::make_unique<Counter>("p" + std::to_string(place),
                                                      page.fresh_port_blocks(place)));
            ports.back()->settings().storm_broadcast.store(100'000'000);
            ports.back()->settings().storm_multicast.store(100'000'000);
            REQUIRE(vale.attach(alone(), *ports.back()));
            REQUIRE(ports.back()->slot == place);
        }
    }
    ~Crowd() {
        for (auto& port : ports)
            if (port->home != nullptr) vale.detach(alone(), *port);
    }
    void send(size_t from, const Bytes& frame) {
        batch->clear();
        REQUIRE(append_frame(*batch, frame));
        vale.forward(*batch, *ports[from], *context);
    }
    /// From the page alone, as a reader of it finds them.
    uint64_t read(size_t place, unsigned worker, PortCounter counter) const {
        const std::span<const uint64_t> words = page.words();
        const size_t block = words[5] + place * words[4] + worker;
        REQUIRE(block < words[3]);
        return words[block * words[2] + static_cast<size_t>(counter)];
    }
    uint64_t frames_of(size_t place) const { return read(place, 3, PortCounter::rx_frames); }

    StatsPage page;
    ValeSwitch vale{"v", std::make_unique<NumberLookup>()};
    std::vector<std::unique_ptr<Counter>> ports;
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::unique_ptr<WorkerContext> context = std::make_unique<WorkerContext>();
};

}  // namespace

TEST_SUITE("a switch with a thousand ports") {
    TEST_CASE("each frame is counted at the port it names, on the page of either carrier") {
        for (const bool in_file : {false, true}) {
            CAPTURE(in_file);
            Crowd crowd(in_file);
            for (size_t slot = 0; slot < many; ++slot)
                crowd.send((slot + 256) % many, frame_to(slot, 60 + slot));
            for (size_t place = 0; place < many; ++place) {
                CAPTURE(place);
                REQUIRE(crowd.frames_of(place) == 1);
                REQUIRE(crowd.read(place, 3, PortCounter::rx_bytes) == 60 + place);
                for (const unsigned other : {0u, 2u, 4u, 15u})
                    REQUIRE(crowd.read(place, other, PortCounter::rx_frames) == 0);
            }
        }
    }
    TEST_CASE("a flood reaches all but its source, once") {
        Crowd crowd;
        crowd.send(700, frame_to(0xffff));
        for (size_t place = 0; place < many; ++place) {
            CAPTURE(place);
            REQUIRE(crowd.frames_of(place) == (place == 700 ? 0 : 1));
        }
    }
    TEST_CASE("a batch is dealt to ports whose numbers differ in the upper byte alone") {
        Crowd crowd;
        crowd.batch->clear();
        for (unsigned i = 0; i < 64; ++i)
            REQUIRE(append_frame(*crowd.batch, frame_to(1 + 256 * (i % 3))));
        crowd.vale.forward(*crowd.batch, *crowd.ports[0], *crowd.context);
        CHECK(crowd.frames_of(1) == 22);
        CHECK(crowd.frames_of(257) == 21);
        CHECK(crowd.frames_of(513) == 21);
    }
    TEST_CASE("a place above 255 is given away again, with a generation and a block of its own") {
        Crowd crowd;
        crowd.send(0, frame_to(600));
        crowd.vale.detach(alone(), *crowd.ports[600]);
        crowd.send(0, frame_to(600));  // Nobody is there, and nobody else gets it.
        CHECK(crowd.frames_of(600 - 512) == 0);
        CHECK(crowd.frames_of(600 - 256) == 0);
        crowd.ports[600] = std::make_unique<Counter>("next", crowd.page.fresh_port_blocks(600));
        CHECK(crowd.frames_of(600) == 0);
        REQUIRE(crowd.vale.attach(alone(), *crowd.ports[600]));
        CHECK(crowd.ports[600]->slot == 600);
        CHECK(crowd.ports[600]->generation == 2);
        crowd.send(0, frame_to(600));
        CHECK(crowd.frames_of(600) == 1);
    }
    TEST_CASE("there is no place for one more than its lookup knows") {
        Crowd crowd;
        CHECK(crowd.vale.is_full());
        const auto blocks = std::make_unique<CounterBlock[]>(workers_max);
        Counter surplus("surplus", {blocks.get(), workers_max});
        CHECK_FALSE(crowd.vale.attach(alone(), surplus));
    }
    TEST_CASE("rules and storm limits are those of the port, also above 255") {
        Crowd crowd;
        PortRules isolated;
        isolated.security.isolated = true;
        crowd.vale.set_rules(alone(), *crowd.ports[900], isolated);
        crowd.vale.set_rules(alone(), *crowd.ports[901], isolated);
        crowd.send(900, frame_to(901));
        CHECK(crowd.frames_of(901) == 0);
        crowd.send(900 - 256, frame_to(901));
        CHECK(crowd.frames_of(901) == 1);
        crowd.ports[800]->settings().storm_broadcast.store(1);
        crowd.ports[800]->settings().storm_multicast.store(1);
        for (unsigned i = 0; i < 200; ++i) crowd.send(800, frame_to(0xffff));
        const uint64_t heard = crowd.frames_of(10);
        CHECK(heard < 200);
        crowd.send(800 - 512, frame_to(0xffff));
        CHECK(crowd.frames_of(10) == heard + 1);
    }
}
