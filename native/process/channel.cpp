#include "process/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "boundary/version.hpp"

namespace valenic::process {

namespace {

using boundary::MessageLimits;

constexpr size_t head_bytes = 8;
constexpr size_t receive_bytes = 65'536;
/// Linux: SCM_MAX_FD. There is room for as many, since the kernel closes what has none.
constexpr size_t descriptors_a_call = 253;

/// Room for control messages, aligned as the kernel wants it.
template <size_t descriptors>
union ControlRoom {
    char bytes[CMSG_SPACE(descriptors * sizeof(int))];
    cmsghdr align;
};

uint32_t load_le32(const uint8_t* from) noexcept {
    return uint32_t{from[0]} | uint32_t{from[1]} << 8 | uint32_t{from[2]} << 16 |
           uint32_t{from[3]} << 24;
}

void store_le32(uint8_t* to, uint32_t value) noexcept {
    for (unsigned i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(value >> (8 * i));
}

void take_descriptors(msghdr& header, std::deque<OwnedFd>& to) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            to.emplace_back(fd);
        }
    }
}

bool try_later(int error) noexcept { return error == EAGAIN || error == EINTR; }

/// Returns what sendmsg() does.
ssize_t send_part(int socket, std::span<const uint8_t> bytes, int descriptor) {
    iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    ControlRoom<1> room{};
    if (descriptor >= 0) {
        header.msg_control = room.bytes;
        header.msg_controllen = sizeof room.bytes;
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    }
    return sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

Channel::Channel(OwnedFd socket) : socket_(std::move(socket)) {
    const int flags = fcntl(socket_.get(), F_GETFL);
    fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

bool Channel::fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
}

bool Channel::receive(std::vector<Frame>& frames) {
    const size_t before = incoming_.size();
    incoming_.resize(before + receive_bytes);
    iovec part{incoming_.data() + before, receive_bytes};
    ControlRoom<descriptors_a_call> room{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = room.bytes;
    header.msg_controllen = sizeof room.bytes;
    const ssize_t got = recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const int error = errno;
    incoming_.resize(before + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got < 0) return try_later(error) || fail(std::strerror(error));
    take_descriptors(header, descriptors_);
    if (got == 0)
        return incoming_.empty() ? false : fail("it was cut off in the middle of a message");
    if ((header.msg_flags & MSG_CTRUNC) != 0)
        return fail("descriptors were lost: this process may open no more (ulimit -n)");
    return take_frames(frames);
}

bool Channel::take_frames(std::vector<Frame>& frames) {
    size_t at = 0;
    while (incoming_.size() - at >= head_bytes) {
        const uint8_t* const head = incoming_.data() + at;
        const size_t bytes = load_le32(head);
        const size_t count = load_le32(head + 4);
        if (bytes > MessageLimits::bytes || count > MessageLimits::descriptors)
            return fail("what came is not a message: too long, or with too many descriptors");
        if (incoming_.size() - at < head_bytes + bytes) break;
        if (descriptors_.size() < count) return fail("a message came without its descriptors");
        Frame frame;
        frame.message.assign(head + head_bytes, head + head_bytes + bytes);
        for (size_t i = 0; i < count; ++i) {
            frame.descriptors.push_back(std::move(descriptors_.front()));
            descriptors_.pop_front();
        }
        frames.push_back(std::move(frame));
        at += head_bytes + bytes;
    }
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<ptrdiff_t>(at));
    if (descriptors_.size() > MessageLimits::descriptors)
        return fail("descriptors came that belong to no message");
    return true;
}

void Channel::send(std::span<const uint8_t> message, int descriptor) {
    Outgoing next;
    next.bytes.resize(head_bytes + message.size());
    store_le32(next.bytes.data(), static_cast<uint32_t>(message.size()));
    store_le32(next.bytes.data() + 4, descriptor >= 0 ? 1 : 0);
    std::memcpy(next.bytes.data() + head_bytes, message.data(), message.size());
    next.descriptor = descriptor;
    outgoing_bytes_ += next.bytes.size();
    outgoing_.push_back(std::move(next));
}

bool Channel::flush() {
    while (!outgoing_.empty()) {
        Outgoing& next = outgoing_.front();
        const std::span<const uint8_t> left = std::span(next.bytes).subspan(next.sent);
        const ssize_t sent = send_part(socket_.get(), left, next.descriptor);
        if (sent < 0) return try_later(errno) || fail(std::strerror(errno));
        next.sent += static_cast<size_t>(sent);
        next.descriptor = -1;
        if (next.sent < next.bytes.size()) continue;
        outgoing_bytes_ -= next.bytes.size();
        outgoing_.pop_front();
    }
    return true;
}

}  // namespace valenic::process
