// A file whose server answers until it is open, and nothing from then on.
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "attackers.hpp"

namespace {

constexpr uint64_t file_node = 2;
constexpr uint64_t file_bytes = 1 << 20;

void write_text(const char* path, const std::string& text) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
    close(fd);
}

fuse_attr attributes(uint64_t node) {
    fuse_attr facts{};
    facts.ino = node;
    facts.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
    facts.nlink = 1;
    facts.size = node == FUSE_ROOT_ID ? 0 : file_bytes;
    facts.blksize = 4096;
    return facts;
}

template <typename Body>
void reply(int device, uint64_t unique, const Body& body) {
    std::array<char, sizeof(fuse_out_header) + sizeof(Body)> bytes;
    const fuse_out_header head{static_cast<uint32_t>(bytes.size()), 0, unique};
    std::memcpy(bytes.data(), &head, sizeof head);
    std::memcpy(bytes.data() + sizeof head, &body, sizeof body);
    [[maybe_unused]] const ssize_t written = write(device, bytes.data(), bytes.size());
}

/// Who closes the file and is not to wait for it: whoever sends it, and we.
std::array<uint32_t, 2> friends;

bool is_friend(uint32_t thread) { return thread == friends[0] || thread == friends[1]; }

/// Answers what opening the file takes. What comes when it is open gets no answer.
void serve(int device) {
    static std::array<char, 1 << 17> request;
    for (;;) {
        const ssize_t got = read(device, request.data(), request.size());
        if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) return;
        fuse_in_header head;
        std::memcpy(&head, request.data(), sizeof head);
        if (head.opcode == FUSE_INIT) {
            fuse_init_out out{};
            out.major = FUSE_KERNEL_VERSION;
            out.minor = FUSE_KERNEL_MINOR_VERSION;
            out.max_write = 4096;
            reply(device, head.unique, out);
        } else if (head.opcode == FUSE_LOOKUP) {
            fuse_entry_out out{};
            out.nodeid = file_node;
            out.attr = attributes(file_node);
            reply(device, head.unique, out);
        } else if (head.opcode == FUSE_GETATTR && head.nodeid == FUSE_ROOT_ID) {
            fuse_attr_out out{};
            out.attr = attributes(FUSE_ROOT_ID);
            reply(device, head.unique, out);
        } else if (head.opcode == FUSE_OPEN) {
            reply(device, head.unique, fuse_open_out{});
        } else if (head.opcode == FUSE_FLUSH && is_friend(head.pid)) {
            const fuse_out_header done{sizeof done, 0, head.unique};
            [[maybe_unused]] const ssize_t written = write(device, &done, sizeof done);
        }
    }
}

}  // namespace

bool make_silent_file(const Order& order, std::vector<int>& made) {
    static int root = -1;
    friends = {static_cast<uint32_t>(getpid()), static_cast<uint32_t>(order.number(0))};
    if (root < 0) {
        const auto user = getuid();
        const auto group = getgid();
        // Only mounts of our own are changed; without rights a user namespace gives them.
        if (unshare(CLONE_NEWNS) != 0) {
            if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
            write_text("/proc/self/setgroups", "deny");
            write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
            write_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
        }
        if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
        const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (device < 0) return false;
        char folder[] = "/tmp/valenic-fuse-XXXXXX";
        if (mkdtemp(folder) == nullptr) return false;
        const std::string options =
            "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
        if (mount("hostile", folder, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
            return false;
        std::thread(serve, device).detach();
        root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        umount2(folder, MNT_DETACH);
        rmdir(folder);
    }
    const int file = openat(root, "file", O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    made.push_back(file);
    return true;
}
