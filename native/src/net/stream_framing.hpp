// Frames in a byte stream, as QEMU's `-netdev stream` and `socket` have them: a length of four
// bytes, big-endian, then the frame.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "boundary/names.hpp"
#include "net/ethernet.hpp"

namespace valenic {

inline constexpr uint32_t stream_header_bytes = 4;
/// The longest piece of a stream that makes one frame.
inline constexpr uint32_t stream_unit_bytes = stream_header_bytes + largest_frame_bytes;

inline void write_stream_length(uint8_t* out, uint32_t length) noexcept {
    const uint32_t swapped = __builtin_bswap32(length);
    std::memcpy(out, &swapped, sizeof swapped);
}
inline uint32_t read_stream_length(const uint8_t* in) noexcept {
    uint32_t length;
    std::memcpy(&length, in, sizeof length);
    return __builtin_bswap32(length);
}

/// Cuts a stream into frames, in memory of its own: bytes go into room(), frames come out of
/// next().
///
/// Frames stay where they are until the next call of room().
class StreamFramer {
 public:
    /// Several frames of the largest size: what is left over moves seldom.
    static constexpr size_t capacity_bytes = 4 * size_t{stream_unit_bytes};

    enum class Step : uint8_t { frame, incomplete, broken };

    StreamFramer() : bytes_(new uint8_t[capacity_bytes]) {}

    /// Where the next bytes go; never empty after next() found nothing whole.
    std::span<uint8_t> room() noexcept {
        if (begin_ == end_) {
            begin_ = end_ = 0;
        } else if (capacity_bytes - end_ < stream_unit_bytes) {
            std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        return {bytes_.get() + end_, capacity_bytes - end_};
    }
    /// So many bytes were written into room().
    void filled(size_t bytes) noexcept { end_ += bytes; }

    /// Takes the next whole frame out. A broken stream stays broken.
    Step next(std::span<const uint8_t>& frame) noexcept {
        if (end_ - begin_ < stream_header_bytes) return Step::incomplete;
        const uint32_t length = read_stream_length(bytes_.get() + begin_);
        fault_ = length == 0                    ? spec::Fault::stream_length_zero
                 : length > largest_frame_bytes ? spec::Fault::stream_length_excessive
                                                : spec::Fault::none;
        if (fault_ != spec::Fault::none) return Step::broken;
        if (end_ - begin_ - stream_header_bytes < length) return Step::incomplete;
        frame = {bytes_.get() + begin_ + stream_header_bytes, length};
        begin_ += stream_header_bytes + length;
        return Step::frame;
    }
    /// Whether next() would find something to do without more bytes.
    bool ready() const noexcept {
        if (end_ - begin_ < stream_header_bytes) return false;
        const uint32_t length = read_stream_length(bytes_.get() + begin_);
        return length == 0 || length > largest_frame_bytes ||
               end_ - begin_ - stream_header_bytes >= length;
    }
    spec::Fault fault() const noexcept { return fault_; }
    /// Whether a stream that ends now ends in the middle of a frame.
    bool amid_frame() const noexcept { return begin_ != end_; }
    void reset() noexcept {
        begin_ = end_ = 0;
        fault_ = spec::Fault::none;
    }

 private:
    std::unique_ptr<uint8_t[]> bytes_;
    size_t begin_ = 0;  ///< First byte not taken.
    size_t end_ = 0;    ///< One behind the last byte that came.
    spec::Fault fault_ = spec::Fault::none;
};

}  // namespace valenic
