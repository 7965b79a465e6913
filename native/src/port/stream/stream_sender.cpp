#include "port/stream/stream_sender.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "base/check.hpp"
#include "port/gather.hpp"
#include "port/send_errors.hpp"

namespace valenic {

namespace {

/// Pieces of one system call: UIO_MAXIOV of Linux.
constexpr size_t pieces_max = 1024;
static_assert(pieces_max > 1 + frame_pieces_max);
/// System calls for a peer that reads as fast as we write: then the queue's owner takes over.
constexpr unsigned writes_in_a_row = 16;

/// Bytes written; 0: the socket takes none now. Negative: the error with its sign turned.
ssize_t write_pieces(int fd, iovec* pieces, size_t count) noexcept {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    const ssize_t written = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written >= 0) return written;
    const int error = errno;
    const Blame blame = send_error(error).blame;
    return blame == Blame::full || blame == Blame::host ? 0 : -error;
}

}  // namespace

StreamSender::StreamSender()
    : backlog_(new uint8_t[backlog_bytes]), rest_(new uint8_t[stream_unit_bytes]) {}

bool StreamSender::prepare(int fd) {
    OwnedFd epoll(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN;
    if (!epoll.valid() || epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
    next_epoll_ = std::move(epoll);
    return true;
}

bool StreamSender::attach(const Parked& parked, int fd) {
    detach(parked);
    if (!next_epoll_.valid() && !prepare(fd)) return false;
    epoll_ = std::move(next_epoll_);
    fd_ = fd;
    return true;
}

void StreamSender::detach(const Parked&) {
    CHECK(!writing_);
    epoll_.reset();
    fd_ = -1;
    blocked_.store(false, std::memory_order_relaxed);
    head_ = tail_ = 0;
    rest_begin_ = rest_end_ = 0;
}

StreamSender::Sent StreamSender::send(const Batch& batch, std::span<const uint8_t> indices,
                                      const WorkerContext& context) noexcept {
    {
        const std::lock_guard guard(lock_);
        if (writing_ || blocked()) {
            Sent sent;
            append(batch, indices, context, sent);
            return sent;
        }
        writing_ = true;
    }
    return write_directly(batch, indices, context);
}

bool StreamSender::flush() noexcept {
    {
        const std::lock_guard guard(lock_);
        if (writing_) return true;
        writing_ = true;
    }
    return drain();
}

// ---- Under the lock.

void StreamSender::put(const void* bytes, size_t count) noexcept {
    const size_t at = head_ % backlog_bytes;
    const size_t first = std::min(count, backlog_bytes - at);
    std::memcpy(backlog_.get() + at, bytes, first);
    std::memcpy(backlog_.get(), static_cast<const uint8_t*>(bytes) + first, count - first);
    head_ += count;
}

/// Copies whole frames behind what waits, until one does not fit or cannot be read.
void StreamSender::append(const Batch& batch, std::span<const uint8_t> indices,
                          const WorkerContext& context, Sent& sent) noexcept {
    for (size_t i = 0; i < indices.size(); ++i) {
        const uint8_t index = indices[i];
        const Frame& frame = batch.frames[index];
        if (stream_header_bytes + frame.len_bytes > free_bytes()) return;
        const uint64_t before = head_;
        uint8_t length[stream_header_bytes];
        write_stream_length(length, frame.len_bytes);
        put(length, sizeof length);
        put(batch.stages[index].bytes, frame.stage_len);
        for (const Segment& segment : batch.segments_of(frame))
            put(segment.data, segment.len_bytes);
        if (source_lost(context)) [[unlikely]] {
            head_ = before;  // Nobody has looked at it yet: we hold the lock.
            sent.unreadable = indices.size() - i;
            return;
        }
        ++sent.frames;
        sent.bytes += frame.len_bytes;
    }
}

// ---- The writer's part.

/// Nothing waits: frames go from where they lie, as many as one system call takes.
StreamSender::Sent StreamSender::write_directly(const Batch& batch,
                                                std::span<const uint8_t> indices,
                                                const WorkerContext& context) noexcept {
    uint8_t lengths[batch_frames][stream_header_bytes];
    iovec pieces[pieces_max];
    Sent sent;
    while (sent.frames < indices.size()) {
        const std::span<const uint8_t> rest = indices.subspan(sent.frames);
        size_t count = 0;
        size_t frames = 0;
        for (; frames < rest.size() && count + 1 + frame_pieces_max <= pieces_max; ++frames) {
            write_stream_length(lengths[frames], batch.frames[rest[frames]].len_bytes);
            pieces[count++] = {lengths[frames], stream_header_bytes};
            count += gather(batch, rest[frames], pieces + count);
        }
        const ssize_t written = write_pieces(fd_, pieces, count);
        if (written < 0) {
            // Of these frames nothing is out: where it is their source's fault, nothing will be.
            if (charge_send_error(-static_cast<int>(written), context).blame == Blame::source) {
                sent.unreadable = rest.size();
                break;
            }
            const std::lock_guard guard(lock_);
            settle(false);
            sent.broken = true;
            return sent;
        }
        if (!account(batch, rest.first(frames), static_cast<size_t>(written), sent)) break;
    }
    if (sent.frames + sent.unreadable < indices.size()) {
        // The socket is full, or could not read on: the rest goes behind what waits.
        const std::lock_guard guard(lock_);
        append(batch, indices.subspan(sent.frames), context, sent);
    }
    sent.broken = !drain();
    return sent;
}

/// Adds to `sent` what of `frames` is out after `written` bytes; a frame that is out in part is
/// kept to go on first. False: not all of them are out.
bool StreamSender::account(const Batch& batch, std::span<const uint8_t> frames, size_t written,
                           Sent& sent) noexcept {
    for (const uint8_t index : frames) {
        if (written == 0) return false;
        const size_t bytes = batch.frames[index].len_bytes;
        ++sent.frames;
        sent.bytes += bytes;
        if (written < stream_header_bytes + bytes) {
            keep_rest(batch, index, written);
            return false;
        }
        written -= stream_header_bytes + bytes;
    }
    return true;
}

/// Copies the frame of which `written` bytes are out. It has the length that it said, also when a
/// page of it is lost: the copy has zeros there.
void StreamSender::keep_rest(const Batch& batch, size_t index, size_t written) noexcept {
    iovec pieces[frame_pieces_max];
    const size_t count = gather(batch, index, pieces);
    write_stream_length(rest_.get(), batch.frames[index].len_bytes);
    rest_end_ = stream_header_bytes;
    for (size_t i = 0; i < count; ++i) {
        std::memcpy(rest_.get() + rest_end_, pieces[i].iov_base, pieces[i].iov_len);
        rest_end_ += pieces[i].iov_len;
    }
    rest_begin_ = written;
}

/// What waits, as pieces for one system call. Under the lock.
size_t StreamSender::waiting(iovec* pieces) noexcept {
    size_t count = 0;
    if (rest_begin_ != rest_end_)
        pieces[count++] = {rest_.get() + rest_begin_, rest_end_ - rest_begin_};
    const size_t at = tail_ % backlog_bytes;
    const auto bytes = static_cast<size_t>(head_ - tail_);
    const size_t first = std::min(bytes, backlog_bytes - at);
    if (first > 0) pieces[count++] = {backlog_.get() + at, first};
    if (bytes > first) pieces[count++] = {backlog_.get(), bytes - first};
    return count;
}

/// Writes what waits until nothing does or the socket is full, and gives the writer's part back.
/// False: the stream is broken.
bool StreamSender::drain() noexcept {
    iovec pieces[3];
    for (unsigned turn = 0; turn < writes_in_a_row; ++turn) {
        size_t count = 0;
        {
            const std::lock_guard guard(lock_);
            count = waiting(pieces);
            if (count == 0) return settle(false), true;
        }
        const ssize_t written = write_pieces(fd_, pieces, count);
        if (written < 0) {
            const std::lock_guard guard(lock_);
            return settle(false), false;
        }
        if (written == 0) break;
        const size_t of_rest = std::min(static_cast<size_t>(written), rest_end_ - rest_begin_);
        rest_begin_ += of_rest;
        const std::lock_guard guard(lock_);
        tail_ += static_cast<size_t>(written) - of_rest;
    }
    const std::lock_guard guard(lock_);
    settle(true);
    return true;
}

/// Gives the writer's part back. `blocked`: the owner is woken when the socket takes bytes. Under
/// the lock, so that the woken thread finds the part free.
void StreamSender::settle(bool blocked) noexcept {
    writing_ = false;
    if (blocked == this->blocked()) return;
    blocked_.store(blocked, std::memory_order_relaxed);
    epoll_event event{};
    event.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd_, &event);
}

}  // namespace valenic
