// XDP: two instructions in front of the guest's own driver, and what that driver says to them.
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "ops.hpp"

namespace valenic::agent {
namespace {

/// A program that says the same of every frame.
OwnedFd load_program(uint32_t verdict) {
    bpf_insn code[2]{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;  // r0 = verdict.
    code[0].imm = static_cast<int>(verdict);
    code[1].code = BPF_JMP | BPF_EXIT;
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = reinterpret_cast<uint64_t>(&code);
    attributes.insn_cnt = 2;
    attributes.license = reinterpret_cast<uint64_t>("Dual MIT/GPL");
    const long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    if (fd < 0) fail_errno("loading an XDP program");
    return OwnedFd(static_cast<int>(fd));
}

/// RTM_SETLINK with IFLA_XDP: a program in the driver itself, never the kernel's generic one.
struct LinkRequest {
    nlmsghdr header{};
    ifinfomsg link{};
    nlattr xdp{};
    nlattr fd_head{};
    int32_t fd = -1;
    nlattr flags_head{};
    uint32_t flags = XDP_FLAGS_DRV_MODE;
};

/// What the driver said besides its error number; empty when it said nothing.
std::string words_of(const std::string& answer) {
    nlmsghdr header{};
    nlmsgerr error{};
    if (answer.size() < sizeof header + sizeof error) return "";
    std::memcpy(&header, answer.data(), sizeof header);
    std::memcpy(&error, answer.data() + sizeof header, sizeof error);
    if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return "";
    // The request comes back in front of the attributes unless it was capped.
    const bool capped = (header.nlmsg_flags & NLM_F_CAPPED) != 0;
    size_t at = sizeof header + sizeof error;
    if (!capped) at += error.msg.nlmsg_len - sizeof error.msg;
    while (at + sizeof(nlattr) <= answer.size()) {
        nlattr head{};
        std::memcpy(&head, answer.data() + at, sizeof head);
        if (head.nla_len < sizeof head || at + head.nla_len > answer.size()) return "";
        if (head.nla_type == NLMSGERR_ATTR_MSG)
            return answer.substr(at + sizeof head, head.nla_len - sizeof head - 1);
        at += (head.nla_len + 3u) & ~size_t{3};
    }
    return "";
}

/// @param program  -1 takes away what is there.
void set_program(const std::string& name, int program) {
    const unsigned index = if_nametoindex(name.c_str());
    if (index == 0) fail_errno(name);
    const OwnedFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.valid()) fail_errno("a netlink socket");
    const int on = 1;
    setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    LinkRequest request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_SETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.link.ifi_index = static_cast<int>(index);
    request.xdp.nla_type = NLA_F_NESTED | IFLA_XDP;
    request.xdp.nla_len = sizeof request - offsetof(LinkRequest, xdp);
    request.fd_head = {sizeof(nlattr) + sizeof request.fd, IFLA_XDP_FD};
    request.fd = program;
    request.flags_head = {sizeof(nlattr) + sizeof request.flags, IFLA_XDP_FLAGS};
    if (send(socket.get(), &request, sizeof request, 0) < 0) fail_errno(name + ": setting XDP");
    std::string answer(8192, '\0');
    const ssize_t got = recv(socket.get(), answer.data(), answer.size(), 0);
    if (got < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(int32_t)))
        fail_errno(name + ": setting XDP", got < 0 ? errno : EPROTO);
    answer.resize(static_cast<size_t>(got));
    int32_t error = 0;
    std::memcpy(&error, answer.data() + sizeof(nlmsghdr), sizeof error);
    if (error == 0) return;
    const std::string words = words_of(answer);
    fail_errno(name + ": setting XDP" + (words.empty() ? "" : ": " + words), -error);
}

}  // namespace

/// {interface, action: pass | drop | none}: what becomes of every frame that comes; none detaches.
Json op_xdp(const Args& args, OpContext&) {
    const std::string name = args.text("interface");
    const std::string action = args.text("action");
    if (action == "none") {
        set_program(name, -1);
    } else if (action == "pass" || action == "drop") {
        const OwnedFd program = load_program(action == "pass" ? XDP_PASS : XDP_DROP);
        set_program(name, program.get());
    } else {
        throw OpError("action must be pass, drop or none");
    }
    return Json::object();
}

}  // namespace valenic::agent
