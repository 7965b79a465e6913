// The agent's operations over the loopback interface: the same sockets and threads as in a guest.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <map>

#include "base/fd.hpp"
#include "server.hpp"

using namespace valenic::agent;
using namespace std::chrono_literals;

namespace {

/// Sends requests and waits for their answers.
class Client {
 public:
    uint64_t send(Json request) {
        request["id"] = next_;
        server_.handle(request.dump());
        return next_++;
    }
    Json wait(uint64_t id) {
        std::unique_lock lock(mutex_);
        REQUIRE(arrived_.wait_for(lock, 20s, [&] { return answers_.contains(id); }));
        return answers_[id];
    }
    Json call(Json request) { return wait(send(std::move(request))); }
    void disconnect() { server_.disconnect(); }
    /// Asks again until `enough` is content or two seconds passed.
    Json report_until(uint64_t job, const std::function<bool(const Json&)>& enough) {
        Json report;
        for (int i = 0; i < 200; ++i) {
            report = call({{"op", "job_report"}, {"job", job}});
            if (enough(report)) break;
            std::this_thread::sleep_for(10ms);
        }
        return report;
    }

 private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::map<uint64_t, Json> answers_;
    uint64_t next_ = 1;
    Server server_{[this](const std::string& line) {
        const Json answer = Json::parse(line);
        const std::lock_guard lock(mutex_);
        answers_[answer["id"].get<uint64_t>()] = answer;
        arrived_.notify_all();
    }};
};

uint64_t frames_of(const Json& report) {
    uint64_t frames = 0;
    for (const Json& stream : report["streams"]) frames += stream["frames"].get<uint64_t>();
    return frames;
}

/// One that nothing else on this machine is bound to right now.
int free_port() {
    const valenic::OwnedFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    socklen_t bytes = sizeof at;
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), bytes) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &bytes) == 0);
    return ntohs(at.sin_port);
}

}  // namespace

TEST_CASE("tcp: a transfer is confirmed at both ends, and a job is gone after its wait") {
    const int port = free_port();
    Client client;
    const Json listener = client.call({{"op", "tcp_listen"}, {"port", port}});
    REQUIRE(listener["ok"] == true);
    const Json sent = client.call({{"op", "tcp_connect"},
                                   {"address", "127.0.0.1"},
                                   {"port", port},
                                   {"bytes", 3'000'001},
                                   {"seed", 5}});
    CHECK(sent["checksumOk"] == true);
    CHECK(sent["bytes"] == 3'000'001);
    const Json received = client.call({{"op", "job_wait"}, {"job", listener["job"]}});
    CHECK(received["checksumOk"] == true);
    CHECK(received["check"] == sent["check"]);
    const Json gone = client.call({{"op", "job_report"}, {"job", listener["job"]}});
    CHECK(gone["error"].get<std::string>().starts_with("there is no job "));
}

TEST_CASE("tcp_ask: one answer for each request, and how long they took") {
    const int port = free_port();
    Client client;
    const Json echo = client.call({{"op", "tcp_echo"}, {"port", port}});
    REQUIRE(echo["ok"] == true);
    const Json asked = client.call({{"op", "tcp_ask"},
                                    {"address", "127.0.0.1"},
                                    {"port", port},
                                    {"seconds", 0.05},
                                    {"bytes", 100}});
    REQUIRE(asked["ok"] == true);
    CHECK(asked["roundTrips"] > 0);
    CHECK(asked["seconds"] >= 0.05);
    CHECK(asked["latencyUs"]["p50"] <= asked["latencyUs"]["p99"]);
    CHECK(asked["latencyUs"]["p99"] <= asked["latencyUs"]["p999"]);
    CHECK(client.call({{"op", "job_stop"}, {"job", echo["job"]}})["connections"] == 1);
    const Json refused = client.call(
        {{"op", "tcp_ask"}, {"address", "127.0.0.1"}, {"port", port}, {"seconds", 0.05}});
    CHECK(refused["error"].get<std::string>().starts_with("connecting"));
}

TEST_CASE("program_start: both output streams and the status, or its end when it is stopped") {
    Client client;
    const auto start = [&](std::initializer_list<std::string> words) {
        return client.call({{"op", "program_start"}, {"words", Json(words)}});
    };
    const Json said = start({"sh", "-c", "echo out; echo err >&2; exit 7"});
    REQUIRE(said["ok"] == true);
    const Json ended = client.call({{"op", "job_wait"}, {"job", said["job"]}});
    CHECK(ended["status"] == 7);
    CHECK(ended["output"] == "out\nerr\n");
    const Json sleeper = start({"sleep", "1000"});
    CHECK(client.call({{"op", "job_report"}, {"job", sleeper["job"]}})["running"] == true);
    CHECK(client.call({{"op", "job_stop"}, {"job", sleeper["job"]}})["status"] == 128 + 9);
    CHECK(start({"/no/such/program"})["error"].get<std::string>().starts_with("starting"));
    const Json none = client.call({{"op", "program_start"}, {"words", Json::array()}});
    CHECK(none["error"].get<std::string>().starts_with("words must be a list"));
}

TEST_CASE("udp: every datagram of two streams is counted") {
    const int port = free_port();
    Client client;
    const Json receiver = client.call({{"op", "udp_receive"}, {"port", port}});
    REQUIRE(receiver["ok"] == true);
    const auto sending = [&](int stream) {
        return client.send({{"op", "udp_send"},
                            {"address", "127.0.0.1"},
                            {"port", port},
                            {"payloadBytes", 100},
                            {"count", 500},
                            {"ratePps", 5000},
                            {"stream", stream}});
    };
    const uint64_t one = sending(1), two = sending(2);
    CHECK(client.wait(one)["sent"] == 500);
    CHECK(client.wait(two)["sent"] == 500);
    client.report_until(receiver["job"], [](const Json& r) { return frames_of(r) == 1000; });
    const Json last = client.call({{"op", "job_stop"}, {"job", receiver["job"]}});
    REQUIRE(last["streams"].size() == 2);
    for (const Json& stream : last["streams"]) {
        CHECK(stream["frames"] == 500);
        CHECK(stream["bytes"] == 50'000);
        CHECK(stream["gaps"] == 0);
    }
}

TEST_CASE("a report with reset starts counting anew") {
    const int port = free_port();
    Client client;
    const Json receiver = client.call({{"op", "udp_receive"}, {"port", port}});
    const auto send_ten = [&] {
        client.call({{"op", "udp_send"},
                     {"address", "127.0.0.1"},
                     {"port", port},
                     {"payloadBytes", 32},
                     {"count", 10}});
        return client.report_until(receiver["job"],
                                   [](const Json& r) { return frames_of(r) == 10; });
    };
    CHECK(frames_of(send_ten()) == 10);
    client.call({{"op", "job_report"}, {"job", receiver["job"]}, {"reset", true}});
    CHECK(frames_of(send_ten()) == 10);
}

TEST_CASE("disconnect: ends what runs, and everything can be done again") {
    const int port = free_port();
    Client client;
    client.call({{"op", "udp_receive"}, {"port", port}});
    const uint64_t endless = client.send({{"op", "udp_send"},
                                          {"address", "127.0.0.1"},
                                          {"port", port},
                                          {"payloadBytes", 64},
                                          {"seconds", 3600},
                                          {"ratePps", 100}});
    client.disconnect();
    CHECK(client.wait(endless)["ok"] == true);  // It tells how far it came, to whom it may concern.
    CHECK(client.call({{"op", "udp_receive"}, {"port", port}})["ok"] == true);
}

TEST_CASE("jobs and operations are bounded") {
    const int port = free_port();
    Client client;
    for (int i = 0; i < 16; ++i)
        REQUIRE(client.call({{"op", "udp_receive"}, {"port", port + i}})["ok"] == true);
    CHECK(client.call({{"op", "udp_receive"}, {"port", port + 16}})["error"] ==
          "at most 16 jobs run at a time");
    for (int i = 0; i < 16; ++i)
        client.send({{"op", "udp_send"},
                     {"address", "127.0.0.1"},
                     {"port", port},
                     {"payloadBytes", 64},
                     {"seconds", 3600},
                     {"ratePps", 10}});
    CHECK(client.call({{"op", "ping"}, {"address", "127.0.0.1"}})["error"] ==
          "16 operations are already running");
}

TEST_CASE("hello and counters know the loopback interface") {
    Client client;
    const Json hello = client.call({{"op", "hello"}});
    CHECK(hello["version"] == 1);
    bool found = false;
    for (const Json& interface : hello["interfaces"]) found |= interface["name"] == "lo";
    CHECK(found);
    const Json counters = client.call({{"op", "counters"}});
    CHECK(counters["interfaces"]["lo"].contains("rx_packets"));
    CHECK(counters["cpu"]["busy"].get<uint64_t>() > 0);
}
