#include "port/packet/xdp_program.hpp"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "port/packet/kernel_function.hpp"

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

using Program = std::vector<bpf_insn>;

constexpr int16_t data_at = offsetof(xdp_md, data);
constexpr int16_t data_end_at = offsetof(xdp_md, data_end);
constexpr int16_t queue_at = offsetof(xdp_md, rx_queue_index);
/// Where the program keeps a tag's protocol and the tag.
constexpr int16_t protocol_at = -8;
constexpr int16_t tag_at = -6;

constexpr uint8_t copy_register = BPF_ALU64 | BPF_MOV | BPF_X;
constexpr uint8_t set_register = BPF_ALU64 | BPF_MOV | BPF_K;
constexpr uint8_t add_number = BPF_ALU64 | BPF_ADD;  // BPF_K, a number, is 0.
constexpr uint8_t load_from = BPF_LDX | BPF_MEM;
constexpr uint8_t store_to = BPF_STX | BPF_MEM;
constexpr bpf_insn exit_program = {BPF_JMP | BPF_EXIT, 0, 0, 0, 0};

/// return bpf_redirect_map(&map, context->rx_queue_index, XDP_PASS): what comes to a queue without
/// a socket is the host's. Register 6 has the context.
void give_to_socket(Program& program, const OwnedFd& map) {
    program.insert(program.end(),
                   {
                       {load_from | BPF_W, BPF_REG_2, BPF_REG_6, queue_at, 0},
                       {BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map.get()},
                       {},  // The upper half of the map's address.
                       {set_register, BPF_REG_3, 0, 0, XDP_PASS},
                       {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map},
                       exit_program,
                   });
}

/// Puts a VLAN tag back that the driver keeps beside the frame: no socket would see it.
/// Jumps go to what follows all of it: the frame as it is.
void restore_tag(Program& program, unsigned tag_function) {
    const auto function = static_cast<int32_t>(tag_function);
    program.insert(
        program.end(),
        {
            {BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, protocol_at, 0},
            {copy_register, BPF_REG_1, BPF_REG_6, 0, 0},
            {copy_register, BPF_REG_2, BPF_REG_10, 0, 0},
            {add_number, BPF_REG_2, 0, 0, protocol_at},
            {copy_register, BPF_REG_3, BPF_REG_10, 0, 0},
            {add_number, BPF_REG_3, 0, 0, tag_at},
            {BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function},
            {BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 18, 0},  // There is none.
            {copy_register, BPF_REG_1, BPF_REG_6, 0, 0},
            {set_register, BPF_REG_2, 0, 0, -4},
            {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_xdp_adjust_head},
            {BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 14, 0},  // No room in front: never.
            {load_from | BPF_W, BPF_REG_2, BPF_REG_6, data_at, 0},
            {load_from | BPF_W, BPF_REG_3, BPF_REG_6, data_end_at, 0},
            {copy_register, BPF_REG_4, BPF_REG_2, 0, 0},
            {add_number, BPF_REG_4, 0, 0, 18},
            {BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 9, 0},  // As it is: never so short.
            {load_from | BPF_DW, BPF_REG_5, BPF_REG_2, 4, 0},  // Both addresses, four bytes down.
            {store_to | BPF_DW, BPF_REG_2, BPF_REG_5, 0, 0},
            {load_from | BPF_W, BPF_REG_5, BPF_REG_2, 12, 0},
            {store_to | BPF_W, BPF_REG_2, BPF_REG_5, 8, 0},
            {load_from | BPF_H, BPF_REG_5, BPF_REG_10, protocol_at, 0},
            {store_to | BPF_H, BPF_REG_2, BPF_REG_5, 12, 0},
            {load_from | BPF_H, BPF_REG_5, BPF_REG_10, tag_at, 0},
            {BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_5, 0, 0, 16},
            {store_to | BPF_H, BPF_REG_2, BPF_REG_5, 14, 0},
        });
}

/// @param tag_function  0: tags stay where they are, and the interface is not looked at.
OwnedFd load_program(const OwnedFd& map, int interface, unsigned tag_function) {
    Program program{{copy_register, BPF_REG_6, BPF_REG_1, 0, 0}};
    bpf_attr attributes = no_attributes();
    if (tag_function != 0) {
        restore_tag(program, tag_function);
        // What a driver keeps beside a frame, programs that are bound to it may ask.
        attributes.prog_flags = 1 << 6;  // BPF_F_XDP_DEV_BOUND_ONLY, Linux 6.3.
        attributes.prog_ifindex = static_cast<uint32_t>(interface);
    }
    give_to_socket(program, map);
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = address_of(program.data());
    attributes.insn_cnt = static_cast<uint32_t>(program.size());
    // The kernel lends its functions to such programs alone. So the instructions made in this file
    // may be used under MIT or GPL-2.0 too, beside the licence of the project.
    attributes.license = address_of("Dual MIT/GPL");
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
    const unsigned tag_function = kernel_function("bpf_xdp_metadata_rx_vlan_tag");
    if (tag_function != 0) {
        const OwnedFd program = load_program(map, interface, tag_function);
        OwnedFd link =
            program.valid() ? make_link(program, interface, XDP_FLAGS_DRV_MODE) : OwnedFd();
        if (link.valid()) return AttachedProgram{std::move(link), true, true};
    }
    const OwnedFd program = load_program(map, interface, 0);
    if (!program.valid()) return PacketFailure{errno, "BPF_PROG_LOAD"};
    OwnedFd link = make_link(program, interface, XDP_FLAGS_DRV_MODE);
    if (link.valid()) return AttachedProgram{std::move(link), true, false};
    if (errno != EOPNOTSUPP) return PacketFailure{errno, "BPF_LINK_CREATE"};
    link = make_link(program, interface, XDP_FLAGS_SKB_MODE);
    if (!link.valid()) return PacketFailure{errno, "BPF_LINK_CREATE"};
    return AttachedProgram{std::move(link), false, false};
}

}  // namespace valenic
