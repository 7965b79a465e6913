// Host ports: numbered frames made and checked by this process.
#include "engine_rig.hpp"
#include "port/host/host_commands.hpp"

using namespace valenic;
using namespace valenic::test;
using spec::PollingMode;
using spec::PortCounter;
using Kind = Engine::PortKind;

namespace {

HostSource source_of(uint32_t stream, uint64_t count, uint32_t frame_bytes = 60,
                     uint64_t rate_pps = 0) {
    HostSource source;
    source.stream = stream;
    source.frame_bytes = frame_bytes;
    source.count = count;
    source.rate_pps = rate_pps;
    source.source = mac(stream);
    return source;
}

struct HostRig : EngineRig {
    explicit HostRig(unsigned workers = 1) : EngineRig(workers) {}
    HostCommands::HostReport report(const EnginePort& port, bool reset = false) {
        auto result = HostCommands(engine).host_report(port.id, reset);
        REQUIRE(result.ok());
        return std::move(result.value());
    }
    uint64_t received(const EnginePort& port, uint32_t stream) {
        for (const StreamReport& one : report(port).streams)
            if (one.stream == stream) return one.frames;
        return 0;
    }
};

}  // namespace

TEST_SUITE("host port") {
    TEST_CASE("counted frames arrive exactly, in every mode, of every length, by burst or alone") {
        for (const PollingMode mode :
             {PollingMode::busy, PollingMode::adaptive, PollingMode::event}) {
            for (const uint32_t bytes : {60u, 61u, 1514u, 9014u}) {
                for (const bool more : {true, false}) {
                    HostRig rig;
                    SettingsChange settings;
                    settings.polling = mode;
                    settings.more = more;
                    EnginePort a(rig, rig.new_port("a", Kind::host, settings));
                    EnginePort b(rig, rig.new_port("b", Kind::host, settings));
                    constexpr uint64_t count = 2000 / traffic_share;
                    REQUIRE_FALSE(
                        HostCommands(rig.engine).start_source(a.id, source_of(1, count, bytes)));
                    REQUIRE(eventually([&] { return rig.received(b, 1) == count; }));
                    const auto report = rig.report(b);
                    REQUIRE(report.streams.size() == 1);
                    CHECK(report.streams[0].bytes == count * bytes);
                    CHECK(report.streams[0].gaps == 0);
                    CHECK(report.streams[0].reordered == 0);
                    CHECK(report.streams[0].corrupt == 0);
                    CHECK(rig.report(a).sent == count);
                    CHECK(a.count(PortCounter::tx_frames) == count);
                    CHECK(b.count(PortCounter::rx_frames) == count);
                    CHECK(a.drops() + b.drops() == 0);
                }
            }
        }
    }
    TEST_CASE("a paced source sends all of them, also from a sleeping worker") {
        HostRig rig;
        SettingsChange settings;
        settings.polling = PollingMode::event;
        EnginePort a(rig, rig.new_port("a", Kind::host, settings));
        EnginePort b(rig, rig.new_port("b", Kind::host, settings));
        const uint64_t slept = rig.worker_count(spec::WorkerCounter::sleeps);
        REQUIRE_FALSE(HostCommands(rig.engine).start_source(a.id, source_of(1, 100, 60, 1000)));
        CHECK(eventually([&] { return rig.received(b, 1) == 100; }));
        // How often is the machine's to say: after a pause it sends what is due at once.
        CHECK(rig.worker_count(spec::WorkerCounter::sleeps) > slept);
    }
    TEST_CASE("sources stop and start again; reports are reset when asked") {
        HostRig rig;
        EnginePort a(rig, rig.new_port("a", Kind::host));
        EnginePort b(rig, rig.new_port("b", Kind::host));
        REQUIRE_FALSE(HostCommands(rig.engine).start_source(a.id, source_of(1, 0)));
        CHECK(HostCommands(rig.engine).start_source(a.id, source_of(1, 0))->code() ==
              std::string("wrong_state"));
        CHECK(eventually([&] { return rig.received(b, 1) > 100; }));
        auto sent = HostCommands(rig.engine).stop_source(a.id);
        REQUIRE(sent.ok());
        CHECK(rig.received(b, 1) == sent.value());  // Nothing is on its way any more.
        rig.report(b, true);
        CHECK(rig.report(b).streams.empty());
        REQUIRE_FALSE(HostCommands(rig.engine).start_source(a.id, source_of(2, 50)));
        CHECK(eventually([&] { return rig.received(b, 2) == 50; }));
    }
    TEST_CASE("several workers deliver into one sink: added up, nothing missing") {
        HostRig rig(3);
        std::vector<std::unique_ptr<EnginePort>> sources;
        EnginePort sink(rig, rig.new_port("sink", Kind::host));
        for (uint32_t i = 0; i < 3; ++i) {
            auto wanted = rig.new_port("s" + std::to_string(i), Kind::host);
            wanted.workers = {i};
            wanted.settings.storm_broadcast = 100'000'000;
            sources.push_back(std::make_unique<EnginePort>(rig, wanted));
        }
        constexpr uint64_t count = 20'000 / traffic_share;
        for (uint32_t i = 0; i < 3; ++i)
            REQUIRE_FALSE(
                HostCommands(rig.engine).start_source(sources[i]->id, source_of(i, count, 100)));
        for (uint32_t i = 0; i < 3; ++i)
            CHECK(eventually([&] { return rig.received(sink, i) == count; }));
        for (const StreamReport& one : rig.report(sink).streams) {
            CHECK(one.corrupt == 0);
            CHECK(one.gaps == 0);
        }
    }
    TEST_CASE("guest to host and host to guest") {
        HostRig rig;
        EnginePort host(rig, rig.new_port("h", Kind::host));
        EngineGuest guest(rig, "g", {.ring_size = 1024});
        SendingGuest sender(guest.guest, {broadcast_mac, mac(9)}, 4);
        const std::atomic<bool> never{false};
        CHECK(sender.run(500, 700, never));
        CHECK(sender.drain());
        CHECK(eventually([&] { return rig.received(host, 4) == 500; }));
        REQUIRE_FALSE(HostCommands(rig.engine).start_source(host.id, source_of(5, 500, 900)));
        ReceivingGuest receiver(guest.guest);
        CHECK(eventually([&] {
            receiver.take();
            return receiver.frames == 500;
        }));
        CHECK(receiver.sink.report_for(5)->frames == 500);
        CHECK(receiver.sink.report_for(5)->corrupt == 0);
    }
    TEST_CASE("a source's frames hold a probe and no more than a page and a bit") {
        HostRig rig;
        EnginePort a(rig, rig.new_port("a", Kind::host));
        for (const uint32_t bytes : {0u, 59u, 9015u})
            CHECK(HostCommands(rig.engine).start_source(a.id, source_of(1, 1, bytes))->code() ==
                  std::string("invalid_argument"));
        HostSource group = source_of(1, 1);
        group.source = broadcast_mac;
        CHECK(HostCommands(rig.engine).start_source(a.id, group)->code() ==
              std::string("invalid_argument"));
    }
}
