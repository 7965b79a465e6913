// A guest that changes its memory while we look at it. docs/THREAT_MODEL.md names these tests.
#include <sys/mman.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "rig.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

/// Longest time to wait until both outcomes of a race were seen.
constexpr uint64_t patience_ns = 10'000'000'000;

/// Makes the page behind the backend's view of a guest's memory one that ends the process when it
/// is touched. False when something else is mapped there.
bool guard_behind(GuestSpace& space) {
    const MappedRegion& region = space.map()->regions()[0];
    uint8_t* end = region.host + region.size_bytes;
    void* page =
        mmap(end, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return page == end || page == MAP_FAILED;  // Failed: whatever is there, we try all the same.
}

/// Flags of the mapping that holds this address, as /proc/self/smaps spells them.
std::string flags_of_mapping(const void* address) {
    std::ifstream smaps("/proc/self/smaps");
    const auto wanted = reinterpret_cast<uintptr_t>(address);
    bool inside = false;
    for (std::string line; std::getline(smaps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
            inside = wanted >= begin && wanted < end;
        if (inside && line.starts_with("VmFlags:")) return line + " ";
    }
    return "";
}

}  // namespace

TEST_SUITE("a guest that changes what we read") {
    TEST_CASE("a length that changes while it is checked is used as it was checked") {
        TxRig rig;
        REQUIRE(guard_behind(rig.space));
        // The last bytes of the memory: with the longer length the buffer runs out of it.
        constexpr uint32_t good_bytes = 512;
        constexpr uint32_t bad_bytes = 2048;
        const MappedRegion& region = rig.space.map()->regions()[0];
        const uint64_t addr = region.guest_addr + region.size_bytes - good_bytes;
        rig.write_descriptor(0, addr, good_bytes, 0);
        rig.offer_raw(0);

        std::atomic<bool> stop{false};
        std::thread guest([&] {
            uint32_t& len = rig.queue.table()[0].len;
            while (!stop.load(std::memory_order_relaxed)) {
                store_once(len, bad_bytes);
                store_once(len, good_bytes);
            }
        });
        size_t taken = 0;
        size_t refused = 0;
        size_t wrong = 0;
        const uint64_t begun = monotonic_ns();
        while ((taken < 1000 || refused < 1000) && monotonic_ns() - begun < patience_ns) {
            auto ring = make_tx_ring(rig.config(), rig.space.map());
            REQUIRE(ring.ok());
            rig.batch->clear();
            ring.value()->fetch(*rig.batch, {batch_frames, largest_frame_bytes}, rig.counters);
            if (ring.value()->fault() == spec::Fault::address_outside_memory) {
                ++refused;
                continue;
            }
            const bool whole = rig.batch->count == 1 &&
                               rig.batch->frames[0].len_bytes == good_bytes - rig.header_bytes();
            ++(whole ? taken : wrong);
            bytes_of(*rig.batch, 0);  // Reads every byte of it.
        }
        stop.store(true);
        guest.join();
        CHECK(wrong == 0);
        CHECK(taken > 0);
        CHECK(refused > 0);
    }

    TEST_CASE("a header that changes after it was looked at is delivered as it was looked at") {
        TxRig sender;
        const Bytes frame = frame_of(400, 3);
        uint8_t* at = sender.place(sender.packet(frame));
        sender.queue.add_one(sender.space.addr(at),
                             static_cast<uint32_t>(sender.header_bytes() + frame.size()), false);
        sender.queue.publish();
        REQUIRE(sender.fetch() == 1);

        std::memset(at, 0xff, sender.header_bytes() + frame.size());
        RxRig receiver;
        const uint8_t* buffer = receiver.offer(2048);
        const Delivery delivery =
            receiver.ring->deliver(*sender.batch, first_indices(1), receiver.counters);

        CHECK(delivery.frames == 1);
        const uint8_t* delivered = buffer + receiver.header_bytes();
        CHECK(std::memcmp(delivered, frame.data(), stage_frame_bytes) == 0);
        // What no lookup reads is the guest's own affair: it arrives as it is when it is copied.
        CHECK(delivered[stage_frame_bytes] == 0xff);
        sender.ring->release();
    }
}

TEST_SUITE("guests' memory in our process") {
    TEST_CASE("is left out of core dumps") {
        const GuestSpace space;
        const std::string flags = flags_of_mapping(space.map()->regions()[0].host);
        CHECK(flags.find(" dd ") != std::string::npos);
    }
}
