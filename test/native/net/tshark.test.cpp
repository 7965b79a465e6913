// What was cut and completed, as tshark judges it: a witness that shares no line with us.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "net/adapt.hpp"
#include "net/frames.hpp"

using namespace valenic;
using namespace valenic::test;

namespace {

/// A pcap file that goes away with this.
class PacketFile {
 public:
    PacketFile() {
        const int fd = mkstemp(path_);
        REQUIRE(fd >= 0);
        file_ = fdopen(fd, "wb");
        const uint32_t header[] = {0xa1b2'c3d4, 0x0004'0002, 0, 0, 0x0004'0000, 1};  // Ethernet.
        std::fwrite(header, sizeof header, 1, file_);
    }
    ~PacketFile() {
        close();
        unlink(path_);
    }
    void add(const Octets& frame) {
        const auto bytes = static_cast<uint32_t>(frame.size());
        const uint32_t header[] = {0, 0, bytes, bytes};
        std::fwrite(header, sizeof header, 1, file_);
        std::fwrite(frame.data(), bytes, 1, file_);
    }
    void close() {
        if (file_ != nullptr) std::fclose(file_);
        file_ = nullptr;
    }
    std::string path() const { return path_; }

 private:
    char path_[32] = "/tmp/valenic-cut-XXXXXX";
    std::FILE* file_ = nullptr;
};

std::vector<std::string> lines_of(const std::string& command) {
    std::FILE* pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): words of ours.
    REQUIRE(pipe != nullptr);
    std::string text;
    char part[4096];
    while (const size_t got = std::fread(part, 1, sizeof part, pipe)) text.append(part, got);
    pclose(pipe);
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("cut: tshark finds every checksum right, and every segment where it belongs") {
    if (lines_of("command -v tshark").empty()) {
        MESSAGE("not run: tshark is not installed");
        return;
    }
    PacketFile file;
    std::vector<std::string> expected;
    const auto scratch = std::make_unique<RewrittenBatch>();
    for (const unsigned version : {4u, 6u}) {
        for (const bool tcp : {true, false}) {
            for (const unsigned tags : {0u, 1u, 2u}) {
                FrameSpec spec{.version = version, .tcp = tcp, .tags = tags, .payload = 5001};
                spec.source_port = static_cast<uint16_t>(40'000 + expected.size());
                Octets frame = make_frame(spec);
                leave_partial(frame, spec);
                LoadedBatch loaded;
                REQUIRE(loaded.add_offloaded(frame, gso_header(spec, 1448)) ==
                        NetHeaderFault::none);
                adapt(*loaded.batch, {every_index.data(), 1}, 0, *scratch,
                      [&](const Batch& batch, std::span<const uint8_t> indices) {
                          for (const uint8_t index : indices) file.add(flatten(batch, index));
                      });
                for (uint32_t at = 0; at < 5001; at += 1448) {
                    const uint32_t bytes = std::min(1448u, 5001 - at);
                    std::ostringstream line;
                    line << (version == 4 ? "1" : "") << '|' << (tcp ? "1" : "") << '|'
                         << (tcp ? "" : "1") << '|';
                    if (tcp) line << 1000 + at << '|' << bytes << '|';
                    if (!tcp) line << "||" << bytes + 8;
                    expected.push_back(line.str());
                }
            }
        }
    }
    file.close();
    const std::vector<std::string> lines = lines_of(
        "tshark -n -r " + file.path() +
        " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE"
        " -T fields -E separator='|' -e ip.checksum.status -e tcp.checksum.status"
        " -e udp.checksum.status -e tcp.seq_raw -e tcp.len -e udp.length </dev/null 2>/dev/null");
    CHECK(lines == expected);
}
