// A worker's time is shared by what work costs. The clock is the test's own.
#include "switch/shares.hpp"

#include <array>
#include <vector>

#include "testing.hpp"

using namespace valenic;

namespace {

uint64_t fake_now = 0;
/// One tick is a nanosecond.
constexpr TickClock fake_clock{[]() noexcept { return fake_now; }, 1000};

constexpr uint64_t us = 1000;

/// A port that always has work; its turns cost what the test says.
struct Source {
    uint64_t frame_ns = 40;
    size_t budget = batch_frames_default;
    unsigned pairs = 1;
    /// Of each turn, what its receiver pays; the receiver is another's account.
    uint64_t receiver_ns = 0;
    Share* receiver = nullptr;

    Share share{};
    uint64_t used_ns = 0;
    uint64_t frames = 0;
    std::array<uint64_t, 16> turns{};
};

/// As a worker does it: every queue of every port is asked in each round.
class Bench {
 public:
    Bench() { fake_now = 1'000'000; }
    Shares shares{fake_clock};

    void round(std::vector<Source*> sources) {
        shares.begin_round(fake_now);
        for (Source* source : sources)
            for (unsigned pair = 0; pair < source->pairs; ++pair) turn(*source, pair);
        fake_now += 50;
    }
    void run_for(uint64_t ns, const std::vector<Source*>& sources) {
        const uint64_t end = fake_now + ns;
        while (fake_now < end) round(sources);
    }
    uint64_t longest_turn_ns = 0;

 private:
    void turn(Source& source, unsigned pair) {
        if (!shares.may_go(source.share, pair)) return;
        const size_t frames = shares.frames_of(source.share, source.budget);
        uint64_t cost = shares_cost(source, frames);
        fake_now += cost;
        source.used_ns += shares.end_turn(source.share, pair, source.budget, frames, cost);
        source.frames += frames;
        ++source.turns[pair];
        longest_turn_ns = std::max(longest_turn_ns, cost);
    }
    uint64_t shares_cost(Source& source, size_t frames) {
        uint64_t cost = 200 + frames * source.frame_ns;
        for (size_t i = 0; source.receiver != nullptr && i < frames; ++i) {
            if (source.receiver->paid_to > shares.receivers_limit()) {
                shares.refuse_receiver(*source.receiver);
                break;
            }
            shares.charge_receiver(*source.receiver, source.receiver_ns);
            cost += source.receiver_ns;
        }
        return cost;
    }
};

double share_of(const Source& one, std::vector<const Source*> all) {
    uint64_t sum = 0;
    for (const Source* source : all) sum += source->used_ns;
    return static_cast<double>(one.used_ns) / static_cast<double>(sum);
}

}  // namespace

TEST_SUITE("shares of a worker's time") {
    TEST_CASE("alike ports take turns, each a whole batch") {
        Bench bench;
        Source a, b;
        bench.run_for(20'000 * us, {&a, &b});
        CHECK(share_of(a, {&a, &b}) == doctest::Approx(0.5).epsilon(0.02));
        CHECK(a.frames / a.turns[0] == batch_frames_default);
    }
    TEST_CASE("beside one whose frames cost a hundred times as much: half of the time") {
        for (const uint64_t dear : {400u, 4'000u, 20'000u}) {
            Bench bench;
            Source honest;
            Source attacker{.frame_ns = dear};
            bench.run_for(50'000 * us, {&honest, &attacker});
            CHECK(share_of(honest, {&honest, &attacker}) > 0.45);
        }
    }
    TEST_CASE("turns that cost next to nothing are no way around it") {
        for (const size_t count : {1u, 8u}) {
            Bench bench;
            Source honest;
            std::vector<Source> attackers(count, Source{.frame_ns = 1});
            std::vector<Source*> all{&honest};
            for (Source& attacker : attackers) all.push_back(&attacker);
            const uint64_t began = fake_now;
            bench.run_for(50'000 * us, all);
            const double share =
                static_cast<double>(honest.used_ns) / static_cast<double>(fake_now - began);
            CHECK(share > 0.8 / static_cast<double>(count + 1));
        }
    }
    TEST_CASE("beside eight of them: its ninth, wherever it stands in the round") {
        for (const size_t place : {0u, 4u, 8u}) {
            Bench bench;
            Source honest;
            std::vector<Source> attackers(8, Source{.frame_ns = 4'000});
            std::vector<Source*> all;
            for (Source& attacker : attackers) all.push_back(&attacker);
            all.insert(all.begin() + static_cast<ptrdiff_t>(place), &honest);
            bench.run_for(100'000 * us, all);
            CHECK(share_of(honest, {all.begin(), all.end()}) > 0.9 / 9);
        }
    }
    TEST_CASE("a turn gets as few frames as its last one's price asks for") {
        Bench bench;
        Source honest;
        Source attacker{.frame_ns = 2'000};
        bench.run_for(1'000 * us, {&honest, &attacker});
        bench.longest_turn_ns = 0;
        bench.run_for(20'000 * us, {&honest, &attacker});
        CHECK(bench.longest_turn_ns <= 2 * Shares::turn_target_ns);
        CHECK(bench.longest_turn_ns >= Shares::turn_target_ns / 2);
    }
    TEST_CASE("a port with many queues has one share, and its queues the same part of it") {
        Bench bench;
        Source wide{.pairs = 4};
        Source one;
        bench.run_for(50'000 * us, {&wide, &one});
        CHECK(share_of(one, {&wide, &one}) == doctest::Approx(0.5).epsilon(0.05));
        for (unsigned pair = 1; pair < 4; ++pair)
            CHECK(static_cast<double>(wide.turns[pair]) ==
                  doctest::Approx(static_cast<double>(wide.turns[0])).epsilon(0.1));
    }
    TEST_CASE("a queue that is owed a turn and has gone holds up its siblings for two rounds") {
        Bench bench;
        Source wide{.pairs = 4};
        Source one;
        bench.run_for(1'000 * us, {&wide, &one});
        wide.pairs = 1;  // The others' rings stopped.
        wide.turns = {};
        bench.run_for(10'000 * us, {&wide, &one});
        CHECK(wide.turns[0] > 1'000);
    }
    TEST_CASE("who is alone goes in every round, whatever it costs") {
        Bench bench;
        Source dear{.frame_ns = 20'000, .pairs = 3};
        for (unsigned i = 0; i < 100; ++i) bench.round({&dear});
        CHECK(dear.turns[0] + dear.turns[1] + dear.turns[2] == 300);
        CHECK(dear.frames == 300 * batch_frames_default);
    }
    TEST_CASE("when all are ahead of the time, the first of them goes: nobody waits for nothing") {
        Bench bench;
        Source a{.frame_ns = 20'000};
        Source b{.frame_ns = 20'000};
        unsigned idle_rounds = 0;
        for (unsigned i = 0; i < 1'000; ++i) {
            const uint64_t before = a.turns[0] + b.turns[0];
            bench.round({&a, &b});
            idle_rounds += a.turns[0] + b.turns[0] == before;
        }
        CHECK(idle_rounds <= 1);
    }
    TEST_CASE("who was idle has saved nothing up to keep others waiting with") {
        Bench bench;
        Source busy, late;
        bench.run_for(100'000 * us, {&busy});
        busy.used_ns = 0;
        bench.run_for(5'000 * us, {&busy, &late});
        CHECK(share_of(busy, {&busy, &late}) > 0.45);
    }
    TEST_CASE("a larger budget is a larger share") {
        Bench bench;
        Source large{.frame_ns = 150};
        Source small{.frame_ns = 150, .budget = 8};
        bench.run_for(50'000 * us, {&large, &small});
        const double ratio = static_cast<double>(large.frames) / static_cast<double>(small.frames);
        CHECK(ratio == doctest::Approx(8).epsilon(0.1));
    }
    TEST_CASE("time off the CPU is not charged") {
        Bench bench;
        Source honest, other;
        bench.run_for(1'000 * us, {&honest, &other});
        const uint64_t before = honest.share.paid_to;
        bench.shares.begin_round(fake_now);
        fake_now += 4'000'000;
        bench.shares.end_turn(honest.share, 0, 64, 64, 4'000'000);
        CHECK(honest.share.paid_to - before <= Shares::turn_max_ns + Shares::credit_max_ns);
        honest.used_ns = other.used_ns = 0;
        bench.run_for(20'000 * us, {&honest, &other});
        CHECK(share_of(honest, {&honest, &other}) > 0.45);
    }
}

TEST_SUITE("receivers pay for what their buffers cost") {
    TEST_CASE("one that is dear leaves the sender half of the time") {
        Bench bench;
        Share dear;
        Source honest{.receiver_ns = 5'000, .receiver = &dear};
        const uint64_t began = fake_now;
        bench.run_for(50'000 * us, {&honest});
        CHECK(static_cast<double>(honest.used_ns) > 0.4 * static_cast<double>(fake_now - began));
    }
    TEST_CASE("eight that are dear leave it its ninth") {
        Bench bench;
        std::vector<Share> dear(8);
        Source honest;
        std::vector<Source> accomplices(8);
        std::vector<Source*> all{&honest};
        for (size_t i = 0; i < 8; ++i) {
            accomplices[i].receiver = &dear[i];
            accomplices[i].receiver_ns = 5'000;
            all.push_back(&accomplices[i]);
        }
        const uint64_t began = fake_now;
        bench.run_for(100'000 * us, all);
        // Nine senders and eight receivers want time.
        CHECK(static_cast<double>(honest.used_ns) >
              0.8 / 17 * static_cast<double>(fake_now - began));
    }
    TEST_CASE("what a receiver pays its sender does not") {
        Bench bench;
        Share receiver;
        Source honest, other;
        Source sender{.receiver_ns = 100, .receiver = &receiver};
        bench.run_for(50'000 * us, {&honest, &sender});
        CHECK(share_of(honest, {&honest, &sender}) == doctest::Approx(0.5).epsilon(0.1));
    }
    TEST_CASE("with a worker that has time nobody is refused") {
        Bench bench;
        Share receiver;
        Source calm{.receiver_ns = 500, .receiver = &receiver};
        Source another;
        for (unsigned i = 0; i < 1'000; ++i) {
            bench.shares.begin_round(fake_now);
            for (Source* source : {&calm, &another}) {
                REQUIRE(bench.shares.may_go(source->share, 0));
                bench.shares.end_turn(source->share, 0, 64, 1, 300);
            }
            REQUIRE(receiver.paid_to <= bench.shares.receivers_limit());
            bench.shares.charge_receiver(receiver, 500);
            fake_now += 2'500;
            bench.shares.begin_round(fake_now);  // Nobody had anything.
            fake_now += 2'500;
        }
    }
}
