// Writes one message: CBOR (RFC 8949), of which reader.hpp says what is used.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "boundary/types.hpp"

namespace valenic::boundary {

class Writer {
 public:
    void number(uint64_t value) { head(Major::unsigned_number, value); }
    /// -1 and below.
    void negative(int64_t value) { head(Major::negative, static_cast<uint64_t>(-1 - value)); }
    void bytes(std::span<const uint8_t> value) {
        head(Major::bytes, value.size());
        bytes_.insert(bytes_.end(), value.begin(), value.end());
    }
    void text(std::string_view value) {
        head(Major::text, value.size());
        bytes_.insert(bytes_.end(), value.begin(), value.end());
    }
    void array(size_t length) { head(Major::array, length); }
    void map(size_t pairs) { head(Major::map, pairs); }
    void boolean(bool value) { head(Major::simple, value ? simple_true : simple_false); }
    void real(double value) {
        uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        bytes_.push_back(static_cast<uint8_t>(Major::simple) << 5 | simple_double);
        for (int shift = 56; shift >= 0; shift -= 8) put_byte(bits >> shift);
    }
    std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
    void put_byte(uint64_t value) { bytes_.push_back(static_cast<uint8_t>(value)); }
    /// In the fewest bytes: RFC 8949, 4.1.
    void head(Major major, uint64_t argument) {
        const auto type = static_cast<uint8_t>(static_cast<uint8_t>(major) << 5);
        if (argument < one_byte_follows) {
            put_byte(type | argument);
            return;
        }
        unsigned power = 0;
        while (power < 3 && argument >> (8u << power) != 0) ++power;
        put_byte(type | (one_byte_follows + power));
        for (int shift = (8 << power) - 8; shift >= 0; shift -= 8) put_byte(argument >> shift);
    }

    std::vector<uint8_t> bytes_;
};

// ---- Values of fields, by their types.

inline void put(Writer& to, bool value) { to.boolean(value); }
inline void put(Writer& to, double value) { to.real(value); }
inline void put(Writer& to, const std::string& value) { to.text(value); }
inline void put(Writer& to, const std::vector<uint8_t>& value) { to.bytes(value); }
inline void put(Writer& to, Mac mac) {
    uint8_t bytes[6];
    for (unsigned i = 0; i < sizeof bytes; ++i)
        bytes[i] = static_cast<uint8_t>(mac.value >> (8 * i));
    to.bytes(bytes);
}
inline void put(Writer& to, Descriptor descriptor) {
    if (descriptor.place < 0)
        to.negative(-1);
    else
        to.number(static_cast<uint64_t>(descriptor.place));
}
template <typename T>
requires(std::is_unsigned_v<T> && !std::is_same_v<T, bool>) void put(Writer& to, T value) {
    to.number(value);
}
template <typename T>
requires std::is_enum_v<T>
void put(Writer& to, T value) { to.number(static_cast<uint64_t>(value)); }
/// A structure: messages.hpp has its encode().
template <typename T>
requires(std::is_class_v<T>) void put(Writer& to, const T& value) { encode(to, value); }
template <typename T>
void put(Writer& to, const std::vector<T>& values) {
    to.array(values.size());
    for (const T& value : values) put(to, value);
}

template <typename T>
void put_field(Writer& to, uint64_t number, const T& value) {
    to.number(number);
    put(to, value);
}
template <typename T>
void put_field(Writer& to, uint64_t number, const std::optional<T>& value) {
    if (value) put_field(to, number, *value);
}

}  // namespace valenic::boundary
