#include "port/xdp_program.hpp"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace valenic {

namespace {

/// @return A descriptor, or -1 with errno.
int bpf_call(bpf_cmd command, bpf_attr& attributes) noexcept {
    return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

bpf_attr no_attributes() noexcept {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);  // Padding too: the kernel looks at it.
    return attributes;
}

uint64_t address_of(const void* pointer) noexcept { return reinterpret_cast<uint64_t>(pointer); }

OwnedFd make_socket_map(std::span<const OwnedFd> sockets) noexcept {
    bpf_attr attributes = no_attributes();
    attributes.map_type = BPF_MAP_TYPE_XSKMAP;
    attributes.key_size = sizeof(uint32_t);
    attributes.value_size = sizeof(uint32_t);
    attributes.max_entries = static_cast<uint32_t>(sockets.size());
    OwnedFd map(bpf_call(BPF_MAP_CREATE, attributes));
    for (uint32_t queue = 0; map.valid() && queue < sockets.size(); ++queue) {
        const int socket = sockets[queue].get();
        attributes = no_attributes();
        attributes.map_fd = static_cast<uint32_t>(map.get());
        attributes.key = address_of(&queue);
        attributes.value = address_of(&socket);
        if (bpf_call(BPF_MAP_UPDATE_ELEM, attributes) != 0) return OwnedFd();
    }
    return map;
}

/// return bpf_redirect_map(&map, context->rx_queue_index, XDP_PASS): what comes to a queue without
/// a socket is the host's.
OwnedFd load_program(const OwnedFd& map) noexcept {
    constexpr int16_t queue_at = offsetof(xdp_md, rx_queue_index);
    const bpf_insn program[] = {
        {BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, queue_at, 0},
        {BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map.get()},
        {},  // The upper half of the map's address.
        {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS},
        {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    };
    bpf_attr attributes = no_attributes();
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = address_of(program);
    attributes.insn_cnt = std::size(program);
    attributes.license = address_of("Apache-2.0");
    std::memcpy(attributes.prog_name, "valenic", sizeof "valenic");
    return OwnedFd(bpf_call(BPF_PROG_LOAD, attributes));
}

OwnedFd make_link(const OwnedFd& program, int interface, uint32_t mode) noexcept {
    bpf_attr attributes = no_attributes();
    attributes.link_create.prog_fd = static_cast<uint32_t>(program.get());
    attributes.link_create.target_ifindex = static_cast<uint32_t>(interface);
    attributes.link_create.attach_type = BPF_XDP;
    attributes.link_create.flags = mode;
    return OwnedFd(bpf_call(BPF_LINK_CREATE, attributes));
}

}  // namespace

Result<AttachedProgram, PacketFailure> attach_xdp_program(int interface,
                                                          std::span<const OwnedFd> sockets) {
    const OwnedFd map = make_socket_map(sockets);
    if (!map.valid()) return PacketFailure{errno, "BPF_MAP_CREATE"};
    const OwnedFd program = load_program(map);
    if (!program.valid()) return PacketFailure{errno, "BPF_PROG_LOAD"};
    OwnedFd link = make_link(program, interface, XDP_FLAGS_DRV_MODE);
    if (link.valid()) return AttachedProgram{std::move(link), true};
    if (errno != EOPNOTSUPP) return PacketFailure{errno, "BPF_LINK_CREATE"};
    link = make_link(program, interface, XDP_FLAGS_SKB_MODE);
    if (!link.valid()) return PacketFailure{errno, "BPF_LINK_CREATE"};
    return AttachedProgram{std::move(link), false};
}

}  // namespace valenic
