// Reads one message, whoever made it: a part of CBOR (RFC 8949). Whole numbers, byte and text
// strings, arrays, maps with whole numbers as keys, booleans and doubles, of definite lengths.
//
// Nothing outside the bytes is read, nothing is nested deeper than MessageLimits says, and nothing
// longer is allocated than the bytes that are there can fill. The first refusal stays, and from
// then on every method says false.
#pragma once
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "boundary/names.hpp"
#include "boundary/types.hpp"

namespace valenic::boundary {

/// Why a message is refused: a code, and a sentence in the words of native/boundary/check.ts.
struct Refused {
    spec::CommandError code = spec::CommandError::message_malformed;
    std::string text;
};

/// What a table says of a field. `give`: what is possible, to stand after "give".
struct FieldRule {
    uint64_t number;
    const char* name;
    const char* give;
    bool must;  ///< It has to be there.
};

class Reader {
 public:
    /// @param descriptors  How many came beside the message.
    Reader(std::span<const uint8_t> bytes, size_t descriptors);

    const std::optional<Refused>& refused() const noexcept { return refused_; }
    bool good() const noexcept { return !refused_; }

    // Values of fields. False: refused.

    template <typename T>
    bool number(T& out, const NumberRange& range) {
        uint64_t value = 0;
        if (!whole(value, range)) return false;
        out = static_cast<T>(value);
        return true;
    }
    template <typename T>
    requires std::is_enum_v<T>
    bool enumeration(T& out) {
        uint64_t value = 0;
        if (!whole(value, {0, static_cast<uint64_t>(T::count) - 1})) return false;
        out = static_cast<T>(value);
        return true;
    }
    bool boolean(bool& out);
    bool real(double& out);
    bool mac(Mac& out);
    /// Each descriptor belongs to one field.
    bool descriptor(Descriptor& out);
    /// Text is UTF-8.
    bool text(std::string& out, size_t min, size_t max);
    bool bytes(std::vector<uint8_t>& out, size_t min, size_t max);

    /// Passes over one value, whatever it is.
    bool skip(unsigned depth = 0);
    /// Nothing stands behind what was read.
    bool end();
    /// No command, or event, has this number.
    bool refuse_number(uint32_t number);
    bool refuse(spec::CommandError code, std::string text);
    bool malformed(const char* why);

    // For Map and List.

    /// A map, or an array, begins: how many pairs or elements it has.
    bool begin(Major major, size_t& count);
    bool key(uint64_t& number);
    bool missing(const FieldRule& rule);
    bool out_of_range(const std::string& what);
    /// What is being read, for sentences: the last step of the path.
    struct Step {
        const char* name;  ///< Null: an element.
        size_t index;
        const char* give;
    };
    void enter(const Step& step) { path_.push_back(step); }
    void leave() { path_.pop_back(); }
    size_t depth() const noexcept { return path_.size(); }

    /// Five numbers of the head: an array of `length`.
    bool head_number(uint64_t& out);

 private:
    bool take(size_t count, std::span<const uint8_t>& out);
    bool argument(uint64_t& out);
    bool is(Major major) const noexcept;
    bool size(Major major, size_t& out);
    bool sized(Major major, size_t min, size_t max, std::span<const uint8_t>& out);
    bool whole(uint64_t& out, const NumberRange& range);
    bool simple(unsigned lowest, unsigned highest);
    bool wrong_type();
    std::string path() const;
    const char* give() const;

    std::span<const uint8_t> bytes_;
    size_t at_ = 0;
    size_t descriptors_;
    std::bitset<MessageLimits::descriptors> named_;
    std::vector<Step> path_;
    std::optional<Refused> refused_;
};

/// The fields of one structure, as they come. Keys that no rule has are passed over.
class Map {
 public:
    Map(Reader& in, std::span<const FieldRule> rules);
    ~Map();
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;

    /// The field whose value comes next; null: there are no more, or something was refused.
    const FieldRule* next();
    /// Every field was there that has to be. Nothing was refused.
    bool whole();
    /// Refuses when this field was not there.
    void needs(const FieldRule& rule);

 private:
    bool seen(const FieldRule& rule) const noexcept;
    void leave();

    Reader& in_;
    std::span<const FieldRule> rules_;
    size_t left_ = 0;
    uint64_t seen_ = 0;  ///< A bit for each rule.
    bool inside_ = false;
};

/// The elements of a list.
class List {
 public:
    /// @param give  What each element may be.
    List(Reader& in, size_t min, size_t max, const char* give);
    ~List();
    List(const List&) = delete;
    List& operator=(const List&) = delete;

    /// An element comes next.
    bool next();

 private:
    Reader& in_;
    const char* give_;
    size_t count_ = 0;
    size_t index_ = 0;
};

template <typename T, typename Take>
bool with(Reader& in, Take& take) {
    T value;
    if (!decode(in, value) || !in.end()) return false;
    take(value);
    return true;
}

}  // namespace valenic::boundary
