#include <doctest/doctest.h>

#include <sstream>

#include "address.hpp"
#include "counters.hpp"
#include "pacer.hpp"
#include "server.hpp"
#include "stream_report.hpp"
#include "tcp_pattern.hpp"

using namespace valenic;
using namespace valenic::agent;

TEST_CASE("parse_mac takes six pairs with colons, and nothing else") {
    CHECK(parse_mac("52:54:00:aB:0c:01") == Mac{0x52, 0x54, 0, 0xab, 0x0c, 1});
    CHECK(format_mac({0x52, 0x54, 0, 0xab, 0x0c, 1}) == "52:54:00:ab:0c:01");
    for (const char* wrong : {"", "52:54:00:ab:0c", "52-54-00-ab-0c-01", "52:54:00:ab:0c:0g",
                              "52:54:00:ab:0c:011", "+2:54:00:ab:0c:01", "5:054:00:ab:0c:01"})
        CHECK_FALSE(parse_mac(wrong).has_value());
}

TEST_CASE("parse_ipv4_prefix needs address and length") {
    const auto prefix = parse_ipv4_prefix("10.0.0.1/24");
    REQUIRE(prefix.has_value());
    CHECK(prefix->address == 0x0a000001);
    CHECK(prefix->mask() == 0xffffff00);
    CHECK(parse_ipv4_prefix("10.0.0.1/0")->mask() == 0);
    CHECK(parse_ipv4_prefix("10.0.0.1/32")->mask() == 0xffffffff);
    for (const char* wrong : {"10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/24x", "10.0.1/24",
                              "10.0.0.256/24", "/24", "10.0.0.1/-1"})
        CHECK_FALSE(parse_ipv4_prefix(wrong).has_value());
}

TEST_CASE("LineReader joins pieces and refuses a line without end") {
    LineReader reader;
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
    CHECK(reader.feed("{\"a\"", keep));
    CHECK(lines.empty());
    CHECK(reader.feed(":1}\n\n{}\n{", keep));
    CHECK(lines == std::vector<std::string>{"{\"a\":1}", "{}"});
    CHECK(reader.feed("}\n", keep));
    CHECK(lines.back() == "{}");
    CHECK_FALSE(reader.feed(std::string(max_line_bytes + 1, 'x'), keep));
}

TEST_CASE("Server answers every line with the id it came with") {
    std::vector<Json> answers;
    Server server([&](const std::string& line) { answers.push_back(Json::parse(line)); });
    server.handle("not json");
    server.handle("[1]");
    server.handle(R"({"id":7})");
    server.handle(R"({"id":8,"op":"dance"})");
    server.handle(R"({"id":9,"op":"configure"})");
    server.handle(R"({"id":10,"op":"job_report","job":3})");
    server.handle(R"({"id":11,"op":"pmd_start"})");
    REQUIRE(answers.size() == 7);
    CHECK(answers[0]["id"].is_null());
    CHECK(answers[1]["error"] == "a request must be one JSON object on a line");
    CHECK(answers[2]["id"] == 7);
    CHECK(answers[3]["error"] == "there is no operation dance");
    CHECK(answers[4]["error"] == "interface must be a string");
    CHECK(answers[5]["error"] == "there is no job 3");
    CHECK(answers[6]["id"] == 11);
}

TEST_CASE("Args refuse what is out of range, with the range") {
    const Json object = {{"a", 5}, {"b", -1}, {"c", 1.5}, {"d", "x"}, {"e", nullptr}};
    const Args args(object);
    CHECK(args.whole("a", 1, 5) == 5);
    CHECK(args.whole("e", 1, 5, 3) == 3);
    CHECK(args.number("c", 0, 2, 0) == 1.5);
    CHECK_THROWS_WITH_AS(args.whole("a", 1, 4), "a must be a whole number, 1..4", OpError);
    for (const char* wrong : {"b", "c", "d", "missing"})
        CHECK_THROWS_AS(args.whole(wrong, 0, 9), OpError);
    CHECK_THROWS_AS(args.text("a"), OpError);
    CHECK_THROWS_AS(args.boolean("a"), OpError);
}

TEST_CASE("Pacer: the first frame at once, then by the rate, and never beyond the count") {
    const Pacer paced({.rate_pps = 1000, .count = 3}, 1'000);
    CHECK(paced.due(0, 1'000, 64) == 1);
    CHECK(paced.due(1, 1'000, 64) == 0);
    CHECK(paced.due_at_ns(1) == 1'001'000);
    CHECK(paced.due(1, 1'001'000, 64) == 1);
    CHECK(paced.due(1, 9'000'000'000, 64) == 2);
    CHECK_FALSE(paced.finished(2, 9'000'000'000));
    CHECK(paced.finished(3, 1'000));
    const Pacer timed({.time_limit_ns = 500}, 1'000);
    CHECK(timed.due(1'000'000, 1'100, 64) == 64);
    CHECK_FALSE(timed.finished(1'000'000, 1'499));
    CHECK(timed.finished(0, 1'500));
}

namespace {
void feed(StreamReport& report, uint32_t stream, uint64_t sequence, int damage = -1) {
    uint8_t bytes[100];
    write_probe(bytes, sizeof bytes, stream, sequence, 5);
    if (damage >= 0) bytes[damage] ^= 1;
    report.take(bytes, sizeof bytes, sizeof bytes + 14);
}
}  // namespace

TEST_CASE("StreamReport counts gaps, late frames and damage by stream") {
    StreamReport report;
    for (const uint64_t sequence : {4, 5, 9, 7, 10}) feed(report, 1, sequence);
    feed(report, 2, 0);
    feed(report, 1, 11, 60);  // Damaged payload.
    feed(report, 1, 11, 0);   // Damaged magic: no probe any more.
    const Json json = report.to_json();
    REQUIRE(json["streams"].size() == 2);
    const Json& one = json["streams"][0];
    CHECK(one["frames"] == 5);
    CHECK(one["bytes"] == 5 * 114);
    CHECK(one["firstSequence"] == 4);
    CHECK(one["nextSequence"] == 11);
    CHECK(one["gaps"] == 3);
    CHECK(one["reordered"] == 1);
    CHECK(one["corrupt"] == 1);
    CHECK(json["corrupt"] == 1);
    CHECK(json["notProbe"] == 1);
}

TEST_CASE("StreamReport holds a bounded number of streams") {
    StreamReport report;
    for (uint32_t stream = 0; stream < 100; ++stream) feed(report, stream, 0);
    CHECK(report.to_json()["streams"].size() == 64);
    CHECK(report.to_json()["refused"] == 36);
}

TEST_CASE("Pattern repeats after 65537 bytes and differs by seed") {
    const Pattern pattern(7);
    CHECK(std::memcmp(pattern.at(0), pattern.at(Pattern::period), Pattern::piece) == 0);
    CHECK(std::memcmp(pattern.at(0), pattern.at(4096), 4096) != 0);
    CHECK(*pattern.at(Pattern::period - 1 + Pattern::piece) ==
          *(pattern.at(Pattern::period - 1) + Pattern::piece));
    CHECK(std::memcmp(pattern.at(0), Pattern(8).at(0), 64) != 0);
}

TEST_CASE("parse_interrupts: sums over CPUs, names what an interrupt is for") {
    std::istringstream text(
        "           CPU0       CPU1       \n"
        "  4:          0        700   IO-APIC   4-edge      ttyS0\n"
        " 25:         10         32   PCI-MSI 65537-edge      virtio1-input.0\n"
        "LOC:       1000       2000   Local timer interrupts\n"
        "ERR:          3\n");
    const auto rows = parse_interrupts(text);
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].name == "ttyS0");
    CHECK(rows[1].irq == "25");
    CHECK(rows[1].name == "virtio1-input.0");
    CHECK(rows[1].count == 42);
    CHECK(rows[2].name == "Local timer interrupts");
    CHECK(rows[3].count == 3);
}

TEST_CASE("parse_cpu_times: the first line of /proc/stat") {
    std::istringstream text("cpu  10 1 20 300 5 2 7 4 0 0\ncpu0 1 1 1 1\n");
    const CpuTimes times = parse_cpu_times(text);
    CHECK(times.busy == 44);
    CHECK(times.idle == 305);
    CHECK(times.softirq == 7);
    std::istringstream other("intr 5\n");
    CHECK(parse_cpu_times(other).idle == 0);
}
