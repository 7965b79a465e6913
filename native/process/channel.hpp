// A UNIX stream socket that carries messages and the descriptors beside them.
//
// A frame is the number of the message's bytes and of its descriptors, four bytes each, little
// endian, and the message. Descriptors come with bytes of their frame: as many as one sendmsg()
// takes with each, in order. backend/datapath/channel.ts is the other side.
#pragma once
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace valenic::process {

struct Frame {
    std::vector<uint8_t> message;
    std::vector<OwnedFd> descriptors;
};

/// For one thread. Never blocks.
class Channel {
 public:
    /// What may wait to be sent. Above that no more is read: who does not take answers gets none.
    static constexpr size_t outgoing_max = 4 << 20;

    /// @param socket  Connected; it is made non-blocking.
    explicit Channel(OwnedFd socket);

    int fd() const noexcept { return socket_.get(); }
    /// Receives once, and gives the frames that are whole. False: the other side is gone, or what
    /// came is not a frame, as reason() says; nothing comes after that.
    bool receive(std::vector<Frame>& frames);
    /// Sends it, now or in a later flush().
    ///
    /// @param descriptor  Beside it; -1: none. Stays the caller's, and open until it was sent.
    void send(std::span<const uint8_t> message, int descriptor = -1);
    /// False: the other side is gone.
    bool flush();

    bool wants_to_send() const noexcept { return !outgoing_.empty(); }
    bool may_receive() const noexcept { return outgoing_bytes_ < outgoing_max; }
    /// Why it is of no more use, as a sentence; empty where the other side just closed it.
    const std::string& reason() const noexcept { return reason_; }

 private:
    struct Outgoing {
        std::vector<uint8_t> bytes;
        size_t sent = 0;
        int descriptor = -1;
    };

    bool take_frames(std::vector<Frame>& frames);
    bool fail(std::string reason);

    OwnedFd socket_;
    std::vector<uint8_t> incoming_;
    std::deque<OwnedFd> descriptors_;  ///< Beside what is in `incoming_`.
    std::deque<Outgoing> outgoing_;
    size_t outgoing_bytes_ = 0;
    std::string reason_;
};

}  // namespace valenic::process
