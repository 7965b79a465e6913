#include "stream_report.hpp"

namespace valenic::agent {

void StreamReport::take(const uint8_t* payload, size_t payload_bytes, size_t wire_bytes) {
    ProbeHeader header;
    const ProbeCheck check = read_probe(payload, payload_bytes, header);
    if (check == ProbeCheck::not_probe) {
        ++not_probe_;
        return;
    }
    auto found = streams_.find(header.stream);
    if (check == ProbeCheck::corrupt) {
        ++corrupt_;
        if (found != streams_.end()) ++found->second.corrupt;
        return;
    }
    if (found == streams_.end()) {
        if (streams_.size() >= most_streams) {
            ++refused_;
            return;
        }
        found = streams_.emplace(header.stream, StreamCounts{}).first;
        found->second.first_sequence = found->second.next_sequence = header.sequence;
    }
    StreamCounts& counts = found->second;
    ++counts.frames;
    counts.bytes += wire_bytes;
    if (header.sequence >= counts.next_sequence) {
        counts.gaps += header.sequence - counts.next_sequence;
        counts.next_sequence = header.sequence + 1;
    } else {
        ++counts.reordered;
    }
}

Json StreamReport::to_json() const {
    Json streams = Json::array();
    for (const auto& [stream, counts] : streams_) {
        streams.push_back({{"stream", stream},
                           {"frames", counts.frames},
                           {"bytes", counts.bytes},
                           {"firstSequence", counts.first_sequence},
                           {"nextSequence", counts.next_sequence},
                           {"gaps", counts.gaps},
                           {"reordered", counts.reordered},
                           {"corrupt", counts.corrupt}});
    }
    return {{"streams", std::move(streams)},
            {"corrupt", corrupt_},
            {"notProbe", not_probe_},
            {"refused", refused_}};
}

}  // namespace valenic::agent
