#include "net/vlan.hpp"

namespace valenic {

Tags read_tags(const uint8_t* frame, uint32_t bytes) noexcept {
    Tags tags;
    tags.end = ethernet_header_bytes;
    tags.ethertype = load_be16(frame + tag_at);
    while (tags.whole < vlan_tags_max && is_tag(tags.ethertype)) {
        ++tags.announced;
        if (bytes < tags.end + vlan_tag_bytes) break;
        tags.vlans[tags.whole++] = load_be16(frame + tags.end) & tag_vlan_mask;
        tags.end += vlan_tag_bytes;
        tags.ethertype = load_be16(frame + tags.end - 2);
    }
    return tags;
}

}  // namespace valenic
