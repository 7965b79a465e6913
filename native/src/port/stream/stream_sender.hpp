// The sending half of a stream port: any worker hands frames in, none waits for the peer.
#pragma once
#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/fd.hpp"
#include "base/parked.hpp"
#include "base/spinlock.hpp"
#include "net/batch.hpp"
#include "net/stream_framing.hpp"
#include "switch/context.hpp"

namespace valenic {

/// One worker at a time writes; the others put their frames behind what waits (copied under a short
/// lock) and go on. What the socket does not take waits in a bounded backlog, and what finds no
/// room there is the caller's to drop. While the socket is full, wait_fd() tells the queue's owner
/// when it takes bytes again.
class StreamSender {
 public:
    /// As many bytes as a UNIX socket holds itself, so that a peer that hesitates loses nothing.
    static constexpr size_t backlog_bytes = 1 << 18;
    static_assert(backlog_bytes >= 2 * size_t{stream_unit_bytes});

    StreamSender();

    /// Before attach(), while workers run: what the system may refuse. The descriptor stays the
    /// caller's.
    bool prepare(int fd);
    /// False when it was not prepared and the system refuses now.
    bool attach(const Parked& parked, int fd);
    /// What waits is forgotten.
    void detach(const Parked&);

    struct Sent {
        size_t frames = 0;  ///< Of those given: written, or waiting to be.
        uint64_t bytes = 0;
        size_t unreadable = 0;  ///< The last ones: their source took its memory away.
        bool broken = false;    ///< The stream no longer takes bytes.
    };
    /// Takes frames from the first on, as many as fit. Any worker.
    ///
    /// Unreadable memory is its source's fault, and the stream goes on: a frame is not begun, or,
    /// where its length is out already, gets as many bytes as it said, zeros in place of what is
    /// lost.
    Sent send(const Batch& batch, std::span<const uint8_t> indices,
              const WorkerContext& context) noexcept;
    /// Writes what waits, unless somebody is at it. False: the stream is broken. Any worker.
    bool flush() noexcept;
    /// Whether flush() has to be called once the socket takes bytes again.
    bool blocked() const noexcept { return blocked_.load(std::memory_order_relaxed); }
    /// Readable when the socket is, and while blocked() also when it takes bytes.
    int wait_fd() const noexcept { return epoll_.get(); }

 private:
    size_t free_bytes() const noexcept { return backlog_bytes - (head_ - tail_); }
    void put(const void* bytes, size_t count) noexcept;
    void append(const Batch& batch, std::span<const uint8_t> indices, const WorkerContext& context,
                Sent& sent) noexcept;
    Sent write_directly(const Batch& batch, std::span<const uint8_t> indices,
                        const WorkerContext& context) noexcept;
    void keep_rest(const Batch& batch, size_t index, size_t written) noexcept;
    bool account(const Batch& batch, std::span<const uint8_t> frames, size_t written,
                 Sent& sent) noexcept;
    size_t waiting(iovec* pieces) noexcept;
    bool drain() noexcept;
    void settle(bool blocked) noexcept;

    int fd_ = -1;
    OwnedFd epoll_;
    OwnedFd next_epoll_;  ///< Of the descriptor to be attached.
    Spinlock lock_;
    bool writing_ = false;              // under lock_: some worker has the writer's part
    std::atomic<bool> blocked_{false};  // written under lock_
    uint64_t head_ = 0;                 // under lock_: bytes ever put into the backlog
    uint64_t tail_ = 0;                 // under lock_; moved by the writer alone
    std::unique_ptr<uint8_t[]> backlog_;
    // The writer's own: the frame that was written in part, before everything in the backlog.
    std::unique_ptr<uint8_t[]> rest_;
    size_t rest_begin_ = 0;
    size_t rest_end_ = 0;
};

}  // namespace valenic
