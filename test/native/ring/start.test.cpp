// Where a ring begins: what lies in guest memory is read there, and nothing of it is overwritten on
// the word of a front-end.
#include <random>

#include "rig.hpp"
#include "ring/packed_layout.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::Fault;

namespace {

using PackedTx = BasicTxRig<Packed>;
using PackedRx = BasicRxRig<Packed>;

constexpr uint64_t in_order = modern | features_of(spec::feature_in_order);

/// A split ring of 64 as the device before us left it, and how the next one finds it.
template <typename Rig>
struct LeftBehind {
    explicit LeftBehind(uint16_t used, uint64_t features = modern) : rig({64, features, used}) {}
    RingConfig told(uint16_t base) const {
        RingConfig config = rig.config();
        config.base = base;
        return config;
    }
    uint16_t used_index() { return rig.queue.used()->idx; }

    Rig rig;
};

Fault fault_of(const RingConfig& config, const GuestSpace& space) {
    const auto tx = make_tx_ring(config, space.map());
    const auto rx = make_rx_ring(config, space.map());
    REQUIRE(tx.ok() == rx.ok());
    return tx.ok() ? Fault::none : tx.error();
}

}  // namespace

TEST_SUITE("a split ring begins at the used index in guest memory") {
    TEST_CASE("receiving: what the driver offered is filled, whatever base the front-end says") {
        for (const auto& [base, used] : {std::pair{64, 0}, {0, 40}, {40, 40}, {65535, 65535}}) {
            CAPTURE(base);
            CAPTURE(used);
            LeftBehind<RxRig> left(static_cast<uint16_t>(used));
            for (int i = 0; i < 64; ++i) left.rig.offer(2048);
            auto made = make_rx_ring(left.told(static_cast<uint16_t>(base)), left.rig.space.map());
            REQUIRE(made.ok());
            left.rig.ring = std::move(made.value());
            CHECK(left.used_index() == used);
            CHECK(left.rig.ring->next_avail() == used);
            std::vector<Bytes> frames(64, frame_of(60));
            CHECK(left.rig.deliver(frames).frames == 64);
            CHECK(left.used_index() == static_cast<uint16_t>(used + 64));
        }
    }
    TEST_CASE("sending: each frame once, whatever base the front-end says") {
        for (const uint64_t features : {modern, in_order}) {
            for (const auto& [base, used] : {std::pair{0, 40}, {64, 0}, {64, 40}, {7, 65530}}) {
                CAPTURE(base);
                CAPTURE(used);
                LeftBehind<TxRig> left(static_cast<uint16_t>(used), features);
                for (unsigned i = 0; i < 64; ++i) left.rig.send(frame_of(60, i));
                auto made =
                    make_tx_ring(left.told(static_cast<uint16_t>(base)), left.rig.space.map());
                REQUIRE(made.ok());
                left.rig.ring = std::move(made.value());
                CHECK(left.used_index() == used);
                REQUIRE(left.rig.fetch() == 64);
                for (unsigned i = 0; i < 64; ++i)
                    CHECK((bytes_of(*left.rig.batch, i) == frame_of(60, i)));
                left.rig.ring->release();
                CHECK(left.rig.fetch() == 0);
                CHECK(left.used_index() == static_cast<uint16_t>(used + 64));
                CHECK(left.rig.ring->next_avail() == left.used_index());
            }
        }
    }
    TEST_CASE("a batch that an IN_ORDER device handed back with one entry is not taken again") {
        TxRig rig({64, in_order});
        for (unsigned i = 0; i < 40; ++i) rig.send(frame_of(60, i));
        REQUIRE(rig.fetch() == 40);
        rig.ring->release();
        for (unsigned i = 40; i < 50; ++i) rig.send(frame_of(60, i));
        RingConfig config = rig.config();
        config.base = 50;  // cloud-hypervisor: the available index.
        auto made = make_tx_ring(config, rig.space.map());
        REQUIRE(made.ok());
        rig.ring = std::move(made.value());
        REQUIRE(rig.fetch() == 10);
        CHECK((bytes_of(*rig.batch, 0) == frame_of(60, 40)));
    }
    TEST_CASE("used_index_invalid: further from the available index than the ring holds") {
        for (const uint16_t ahead : {1, 2, 0x7fff, 0x8000, 0xffff - 64}) {
            LeftBehind<RxRig> left(1000);
            left.rig.queue.used()->idx = static_cast<uint16_t>(1000 + ahead);
            CHECK(fault_of(left.told(1000), left.rig.space) == Fault::used_index_invalid);
            CHECK(left.used_index() == static_cast<uint16_t>(1000 + ahead));
        }
        for (const uint16_t behind : {0, 1, 64}) {
            LeftBehind<RxRig> left(1000);
            left.rig.queue.avail()->idx = static_cast<uint16_t>(1000 + behind);
            CHECK(fault_of(left.told(0), left.rig.space) == Fault::none);
        }
        LeftBehind<RxRig> left(1000);
        left.rig.queue.avail()->idx = 1065;
        CHECK(fault_of(left.told(1000), left.rig.space) == Fault::used_index_invalid);
    }
}

TEST_SUITE("a packed ring begins where it is told, unless its descriptors say otherwise") {
    TEST_CASE("a fresh ring: nothing offered, some, all; chains too, and one half written") {
        for (const uint16_t offered : {0, 1, 5, 8}) {
            PackedRx rig;
            RingConfig config = rig.config();
            config.resumed = false;
            for (int i = 0; i < offered; ++i) rig.offer(2048);
            CHECK(fault_of(config, rig.space) == Fault::none);
        }
        PackedTx rig;
        RingConfig config = rig.config();
        config.resumed = false;
        rig.send_chain(rig.scatter(rig.packet(frame_of(60)), {12, 20}));
        CHECK(fault_of(config, rig.space) == Fault::none);
        // A driver writes a chain from its second descriptor on, and its first last.
        rig.queue.slots()[0].rest = 0;
        CHECK(fault_of(config, rig.space) == Fault::none);
    }
    TEST_CASE("its true position is believed, the first one is not, in any state of traffic") {
        for (const uint64_t features : {modern, in_order}) {
            for (const uint16_t size : {7, 8, 256}) {
                std::mt19937 random(size);
                unsigned looked = 0;
                unsigned missed = 0;
                PackedTx rig({size, features, 0, 64 << 20});
                uint64_t slots = 0;
                for (int round = 0; round < 300; ++round) {
                    const unsigned wanted = 1 + random() % std::min<unsigned>(size, 30);
                    unsigned sent = 0;
                    for (; sent < wanted && rig.queue.free_count() > 0; ++sent)
                        rig.send(frame_of(60));
                    slots += rig.fetch(1 + random() % wanted);
                    rig.ring->release();
                    if (random() % 3 != 0) rig.reclaim();
                    RingConfig config = rig.config();
                    config.resumed = false;
                    if (slots % (size * 2u) == 0) continue;
                    ++looked;
                    if (fault_of(config, rig.space) != Fault::packed_position_lost) ++missed;
                    config.base = Packed::position(slots, size);
                    CHECK(fault_of(config, rig.space) == Fault::none);
                    config.resumed = true;
                    config.base = Packed::position(0, size);
                    CHECK(fault_of(config, rig.space) == Fault::none);
                }
                // IN_ORDER marks one descriptor a batch: a few states of a short ring look fresh.
                CHECK(missed <= (features == in_order && size < 10 ? looked / 20 : 0));
            }
        }
    }
    TEST_CASE("a receiver whose driver offered all its buffers again") {
        PackedRx rig({8, modern});
        for (int i = 0; i < 8; ++i) rig.offer(2048);
        for (uint64_t slots = 1; slots < 40; ++slots) {
            REQUIRE(rig.deliver({frame_of(60)}).frames == 1);
            REQUIRE(rig.queue.used_waiting() == 1);
            rig.queue.free_chain(rig.queue.take_used().head);
            rig.offer(2048);
            RingConfig config = rig.config();
            config.resumed = false;
            const Fault wanted = slots % 16 == 0 ? Fault::none : Fault::packed_position_lost;
            CHECK(fault_of(config, rig.space) == wanted);
            config.base = Packed::position(slots, 8);
            if (slots % 16 != 0) CHECK(fault_of(config, rig.space) == Fault::none);
            // One that a VMM kept from an earlier stop.
            config.base = Packed::position(slots + 3, 8);
            CHECK(fault_of(config, rig.space) == Fault::packed_position_lost);
        }
    }
    TEST_CASE("nothing of the ring is written when it is refused") {
        PackedRx rig({8, modern});
        for (int i = 0; i < 8; ++i) rig.offer(2048);
        REQUIRE(rig.deliver({frame_of(60)}).frames == 1);
        const auto parts = driver::PackedQueue::parts_of(8);
        const auto* memory = reinterpret_cast<const uint8_t*>(rig.queue.slots());
        const Bytes before(memory, memory + parts.bytes);
        RingConfig config = rig.config();
        config.resumed = false;
        CHECK(fault_of(config, rig.space) == Fault::packed_position_lost);
        CHECK(std::memcmp(memory, before.data(), before.size()) == 0);
    }
}
