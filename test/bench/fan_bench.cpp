// What it costs to send one batch to many: floods, batches of many destinations, and two workers
// that send into one ring. One thread plays guests and worker, but for the last. Prints nanoseconds
// for each delivered copy; nothing here passes or fails.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "../native/alone.hpp"
#include "base/clock.hpp"
#include "bench_guest.hpp"
#include "lookup/learning.hpp"

using namespace valenic;
using namespace valenic::bench;

namespace {

constexpr unsigned slices = 25;  // The median of them is printed, and the best.
constexpr uint16_t nobodys_number = 0xffff;

struct Worker {
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::unique_ptr<WorkerContext> context = std::make_unique<WorkerContext>();
    explicit Worker(uint16_t index = 0) {
        context->worker = index;
        context->now_ns = monotonic_ns();
    }
};

struct Fan {
    explicit Fan(unsigned receivers)
        : vale("bench", std::make_unique<LearningLookup>(LearningOptions{})) {
        vale.attach(alone(), source.port);
        for (unsigned i = 0; i < receivers; ++i) {
            guests.push_back(std::make_unique<ServedGuest>("g" + std::to_string(i), 256, 256));
            vale.attach(alone(), guests[i]->port);
            introduce(i);
        }
    }
    /// The switch learns the receiver's address.
    void introduce(unsigned index) {
        uint8_t frame[60];
        write_frame(frame, 1, static_cast<uint16_t>(index + 2));
        worker.batch->clear();
        append_frame(*worker.batch, frame);
        vale.forward(*worker.batch, guests[index]->port, *worker.context);
        drain();
    }
    void drain() {
        for (auto& guest : guests) guest->net->receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
        source.net->receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
    }
    uint64_t delivered() const {
        uint64_t sum = 0;
        for (const auto& guest : guests) sum += guest->port.queue.delivered;
        return sum;
    }
    /// Nanoseconds of the switch's part for each copy delivered: best and median of the slices.
    /// `to(i)`: the number of frame i's destination.
    template <typename To>
    void measure(const char* name, size_t frames, To to) {
        // First every buffer of every receiver once: its page is mapped then.
        const size_t receivers = guests.size();
        play(frames, static_cast<unsigned>(300 * receivers / frames + 300), to);
        const auto rounds = static_cast<unsigned>(40'000 / frames / receivers + 4);
        std::vector<double> all;
        for (unsigned slice = 0; slice < slices; ++slice) all.push_back(play(frames, rounds, to));
        std::sort(all.begin(), all.end());
        std::printf("%-34s batch %3zu, %3zu receivers: best %6.2f  median %6.2f ns a copy\n", name,
                    frames, receivers, all.front(), all[all.size() / 2]);
        std::fflush(stdout);
    }
    template <typename To>
    double play(size_t frames, unsigned rounds, To to) {
        uint64_t spent = 0;
        const uint64_t before = delivered();
        for (unsigned round = 0; round < rounds; ++round) {
            source.net->reclaim();
            source.net->send(frames, 60,
                             [&](uint8_t* frame) { write_frame(frame, to(number++), 1); });
            const uint64_t start = monotonic_ns();
            worker.batch->clear();
            source.tx->fetch(*worker.batch, {frames, largest_frame_bytes}, source.port.counters(0));
            vale.forward(*worker.batch, source.port, *worker.context);
            source.tx->release();
            spent += monotonic_ns() - start;
            drain();
        }
        return static_cast<double>(spent) / static_cast<double>(delivered() - before);
    }

    uint64_t number = 0;
    ServedGuest source{"source", 512, 256};
    std::vector<std::unique_ptr<ServedGuest>> guests;
    ValeSwitch vale;
    Worker worker;
};

/// A frame for the number that nobody has goes to all.
void flood(unsigned ports) {
    Fan fan(ports - 1);
    for (const size_t frames : {size_t{1}, size_t{64}}) {
        char name[40];
        std::snprintf(name, sizeof name, "flood, %u ports", ports);
        fan.measure(name, frames, [](uint64_t) { return nobodys_number; });
    }
}

void mixed(unsigned receivers, size_t frames) {
    Fan fan(receivers);
    char name[40];
    std::snprintf(name, sizeof name, "mixed, %u destinations", receivers);
    fan.measure(name, frames,
                [&](uint64_t i) { return static_cast<uint16_t>(2 + i * 7 % receivers); });
}

void bind_to(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// A worker that delivers the same batch again and again into one ring, and takes out what it put
/// in when it is the guest's thread as well.
struct Deliverer {
    Deliverer(ServedGuest& to, uint16_t index) : to(to), worker(index) {
        uint8_t frame[60];
        write_frame(frame, 2, 1);
        for (auto& one : frames) {
            std::memcpy(one, frame, sizeof frame);
            append_frame(*worker.batch, one);
        }
        for (size_t i = 0; i < std::size(indices); ++i) indices[i] = static_cast<uint8_t>(i);
    }
    void once() {
        const uint64_t start = monotonic_ns();
        const Delivery done =
            to.rx->deliver(*worker.batch, indices, to.blocks[worker.context->worker]);
        const uint64_t ns = monotonic_ns() - start;
        if (done.frames != std::size(indices)) return;  // The ring was full: not what is measured.
        spent_ns += ns;
        delivered += done.frames;
    }
    double cost() const {
        return static_cast<double>(spent_ns) /
               static_cast<double>(std::max<uint64_t>(delivered, 1));
    }
    ServedGuest& to;
    Worker worker;
    uint8_t frames[64][60];
    uint8_t indices[64];
    uint64_t spent_ns = 0;
    uint64_t delivered = 0;
};

/// `other`: a second worker on another CPU delivers into the same ring; else into one of its own,
/// so that the machine is as busy.
void shared_ring(bool other_shares) {
    ServedGuest guest("guest", 1024, 256);
    ServedGuest elsewhere("elsewhere", 1024, 256);
    std::vector<double> all;
    std::vector<double> shares;
    for (unsigned slice = 0; slice < slices; ++slice) {
        Deliverer mine(guest, 0);
        Deliverer theirs(other_shares ? guest : elsewhere, 1);
        std::atomic<bool> stop{false};
        std::thread second([&] {
            bind_to(1);
            while (!stop.load(std::memory_order_relaxed)) {
                theirs.once();
                if (other_shares) continue;
                elsewhere.net->receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
            }
        });
        bind_to(0);
        const uint64_t until = monotonic_ns() + 20'000'000;
        while (monotonic_ns() < until) {
            mine.once();
            guest.net->receive(SIZE_MAX, [](const uint8_t*, uint32_t) {});
        }
        stop.store(true);
        second.join();
        all.push_back(mine.cost());
        shares.push_back(static_cast<double>(theirs.delivered) /
                         static_cast<double>(theirs.delivered + mine.delivered));
    }
    std::sort(all.begin(), all.end());
    std::sort(shares.begin(), shares.end());
    std::printf("%-34s batch  64: best %6.2f  median %6.2f ns a frame (the other had %.0f %%)\n",
                other_shares ? "two workers into one ring" : "two workers, a ring each",
                all.front(), all[all.size() / 2], 100 * shares[shares.size() / 2]);
}

}  // namespace

/// fan_bench [flood | mixed | shared]
int main(int argc, char** argv) {
    const std::string only = argc > 1 ? argv[1] : "";
    const auto wanted = [&](const char* name) { return only.empty() || only == name; };
    if (wanted("flood"))
        for (const unsigned ports : {2u, 8u, 64u, 250u}) flood(ports);
    if (wanted("mixed"))
        for (const unsigned receivers : {2u, 8u, 64u})
            for (const size_t frames : {size_t{64}, size_t{256}}) mixed(receivers, frames);
    for (int i = 0; wanted("shared") && i < 2; ++i) {
        shared_ring(false);
        shared_ring(true);
    }
    return 0;
}
