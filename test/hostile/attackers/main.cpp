// hostile_attackers: what an attacker does that Node cannot, on demand of the hostile suite.
//
// Each line on the socket that is descriptor 3 has 128 bytes: a word, numbers, spaces; descriptors
// come with it. The answer is "ok" or what failed, with the descriptors that were made.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "attackers.hpp"

namespace {

constexpr int wire = 3;
constexpr size_t line_bytes = 128;
constexpr size_t fds_max = 8;

/// One line, and the descriptors that came with it. False when nobody asks any more.
bool receive(std::string& line, std::vector<int>& fds) {
    std::array<char, line_bytes> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(fds_max * sizeof(int))> control{};
    iovec bytes{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (recvmsg(wire, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC) != line_bytes) return false;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        const size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const size_t before = fds.size();
        fds.resize(before + count);
        std::memcpy(fds.data() + before, CMSG_DATA(head), count * sizeof(int));
    }
    line.assign(text.data(), text.size());
    return true;
}

void answer(const std::string& text, const std::vector<int>& fds) {
    std::array<char, line_bytes> padded;
    padded.fill(' ');
    std::memcpy(padded.data(), text.data(), std::min(text.size(), padded.size()));
    alignas(cmsghdr) std::array<char, CMSG_SPACE(fds_max * sizeof(int))> control{};
    iovec bytes{padded.data(), padded.size()};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(head), fds.data(), fds.size() * sizeof(int));
    }
    [[maybe_unused]] const ssize_t sent = sendmsg(wire, &message, MSG_NOSIGNAL);
}

/// What was asked for; "ok" or the reason why not.
std::string perform(const Order& order, std::vector<int>& made) {
    for (const Attacker& attacker : attackers)
        if (order.word == attacker.word) {
            errno = 0;
            if (attacker.run(order, made)) return "ok";
            return std::string(errno == 0 ? "refused" : std::strerror(errno));
        }
    return "no such attacker";
}

}  // namespace

int main() {
    // The socket does not block for whoever asks; for us it does.
    fcntl(wire, F_SETFL, fcntl(wire, F_GETFL) & ~O_NONBLOCK);
    std::string line;
    for (std::vector<int> fds; receive(line, fds); fds.clear()) {
        Order order{{}, {}, fds};
        std::istringstream words(line);
        words >> order.word;
        for (uint64_t number = 0; words >> number;) order.numbers.push_back(number);
        std::vector<int> made;
        const std::string result = perform(order, made);
        answer(result, made);
        for (const int fd : made) close(fd);
    }
    _exit(0);  // Not exit(): threads of attackers go on until then.
}
