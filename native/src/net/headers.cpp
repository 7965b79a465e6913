#include "net/headers.hpp"

namespace valenic {

Headers pass_extensions(const uint8_t* frame, uint32_t bytes, Headers headers) noexcept {
    headers.found = HeadersFound::too_deep;
    uint32_t at = headers.transport_at;
    while (is_extension(headers.protocol)) {
        if (bytes < at + 8) return headers;
        const bool fragment = headers.protocol == protocol_fragment;
        headers.protocol = frame[at];
        const uint32_t length = fragment ? 8 : (frame[at + 1] + 1u) * 8;
        if (at + length > UINT8_MAX) return headers;
        at += length;  // At least eight: the walk ends.
        headers.transport_at = static_cast<uint16_t>(at);
        if (!fragment) continue;
        headers.found = HeadersFound::fragment;
        return headers;
    }
    headers.found = HeadersFound::transport;
    return headers;
}

Headers find_headers(const uint8_t* frame, uint32_t bytes) noexcept {
    if (bytes < ethernet_header_bytes) return {};
    const Tags tags = tags_of(frame, bytes);
    if (tags.whole < tags.announced) return {};
    return find_headers_at(frame, bytes, tags.end, tags.ethertype);
}

}  // namespace valenic
