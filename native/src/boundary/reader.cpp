#include "boundary/reader.hpp"

#include <cstring>

namespace valenic::boundary {

namespace {

/// Whether the bytes are UTF-8: RFC 3629, 4.
bool is_utf8(std::span<const uint8_t> bytes) noexcept {
    for (size_t i = 0; i < bytes.size();) {
        const uint8_t first = bytes[i];
        const unsigned more = first < 0x80                    ? 0
                              : first >= 0xc2 && first < 0xe0 ? 1
                              : first >= 0xe0 && first < 0xf0 ? 2
                              : first >= 0xf0 && first < 0xf5 ? 3
                                                              : 4;
        if (more == 4 || bytes.size() - i <= more) return false;
        // The second byte rules out surrogates, what is too long, and what lies above U+10FFFF.
        if (more > 0) {
            const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
            const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
            if (bytes[i + 1] < low || bytes[i + 1] > high) return false;
        }
        for (unsigned k = 2; k <= more; ++k)
            if ((bytes[i + k] & 0xc0) != 0x80) return false;
        i += 1 + more;
    }
    return true;
}

}  // namespace

Reader::Reader(std::span<const uint8_t> bytes, size_t descriptors)
    : bytes_(bytes), descriptors_(descriptors) {
    if (bytes.size() > MessageLimits::bytes) malformed("it is too long");
    if (descriptors > MessageLimits::descriptors) malformed("too many descriptors are beside it");
}

// ---- Values.

bool Reader::whole(uint64_t& out, const NumberRange& range) {
    const bool negative = is(Major::negative);
    if (!negative && !is(Major::unsigned_number)) return wrong_type();
    if (!argument(out)) return false;
    // -1 - out: what does not fit is refused anyway, so that its text may be cut.
    if (negative)
        return out_of_range("-" +
                            (out == UINT64_MAX ? "18446744073709551616" : std::to_string(out + 1)));
    return range.holds(out) || out_of_range(std::to_string(out));
}

bool Reader::boolean(bool& out) {
    if (!simple(simple_false, simple_true)) return wrong_type();
    out = bytes_[at_++] == (static_cast<uint8_t>(Major::simple) << 5 | simple_true);
    return true;
}

bool Reader::real(double& out) {
    uint64_t bits = 0;
    if (!simple(simple_double, simple_double)) return wrong_type();
    if (!argument(bits)) return false;
    std::memcpy(&out, &bits, sizeof out);
    return true;
}

bool Reader::mac(Mac& out) {
    if (!is(Major::bytes)) return wrong_type();
    std::span<const uint8_t> bytes;
    size_t length = 0;
    if (!size(Major::bytes, length) || !take(length, bytes)) return false;
    if (length != 6) return wrong_type();
    out.value = 0;
    for (unsigned i = 0; i < 6; ++i) out.value |= uint64_t{bytes[i]} << (8 * i);
    return true;
}

bool Reader::descriptor(Descriptor& out) {
    uint64_t value = 0;
    if (is(Major::negative)) {
        if (!argument(value)) return false;
        out.place = -1;
        return value == 0 || wrong_type();
    }
    if (!is(Major::unsigned_number)) return wrong_type();
    if (!argument(value)) return false;
    if (value >= descriptors_) return malformed("a field names a descriptor that did not come");
    if (named_[value]) return malformed("two fields name the same descriptor");
    named_.set(value);
    out.place = static_cast<int32_t>(value);
    return true;
}

bool Reader::text(std::string& out, size_t min, size_t max) {
    std::span<const uint8_t> bytes;
    if (!sized(Major::text, min, max, bytes)) return false;
    if (!is_utf8(bytes)) return malformed("a text is not UTF-8");
    out.assign(bytes.begin(), bytes.end());
    return true;
}

bool Reader::bytes(std::vector<uint8_t>& out, size_t min, size_t max) {
    std::span<const uint8_t> found;
    if (!sized(Major::bytes, min, max, found)) return false;
    out.assign(found.begin(), found.end());
    return true;
}

bool Reader::sized(Major major, size_t min, size_t max, std::span<const uint8_t>& out) {
    size_t length = 0;
    if (!is(major)) return wrong_type();
    if (!size(major, length) || !take(length, out)) return false;
    if (length >= min && length <= max) return true;
    return out_of_range("a length of " + std::to_string(length));
}

bool Reader::skip(unsigned depth) {
    if (depth > MessageLimits::depth) return malformed("it is nested too deeply");
    if (!good()) return false;
    if (at_ >= bytes_.size()) return malformed("it is cut off");
    const auto major = static_cast<Major>(bytes_[at_] >> 5);
    std::span<const uint8_t> passed;
    size_t count = 0;
    uint64_t value = 0;
    switch (major) {
        case Major::bytes:
        case Major::text:
            return size(major, count) && take(count, passed);
        case Major::array:
        case Major::map:
            if (!size(major, count)) return false;
            for (size_t left = major == Major::map ? 2 * count : count; left > 0; --left)
                if (!skip(depth + 1)) return false;
            return true;
        case Major::tag:
            return argument(value) && skip(depth + 1);
        default:
            return argument(value);
    }
}

bool Reader::end() {
    if (!good()) return false;
    return at_ == bytes_.size() || malformed("something stands behind its end");
}

// ---- What is refused.

bool Reader::refuse(spec::CommandError code, std::string text) {
    if (!refused_) refused_ = Refused{code, std::move(text)};
    return false;
}

bool Reader::malformed(const char* why) {
    return refuse(spec::CommandError::message_malformed,
                  std::string("the message is malformed: ") + why);
}

bool Reader::refuse_number(uint32_t number) {
    return refuse(spec::CommandError::unknown_command,
                  "no command has the number " + std::to_string(number));
}

bool Reader::wrong_type() {
    if (at_ >= bytes_.size()) return malformed("it is cut off");
    return refuse(spec::CommandError::invalid_argument,
                  path() + " has the wrong type: give " + give());
}

bool Reader::out_of_range(const std::string& what) {
    return refuse(spec::CommandError::invalid_argument,
                  path() + ": " + what + " is out of range: give " + give());
}

bool Reader::missing(const FieldRule& rule) {
    enter({rule.name, 0, rule.give});
    const std::string at = path();
    leave();
    return refuse(spec::CommandError::invalid_argument, at + " is missing: give " + rule.give);
}

std::string Reader::path() const {
    std::string text;
    for (const Step& step : path_) {
        if (step.name == nullptr) {
            text += '[' + std::to_string(step.index) + ']';
        } else {
            if (!text.empty()) text += '.';
            text += step.name;
        }
    }
    return text.empty() ? "its body" : text;
}

const char* Reader::give() const { return path_.empty() ? "a map" : path_.back().give; }

// ---- The encoding.

bool Reader::take(size_t count, std::span<const uint8_t>& out) {
    if (!good()) return false;
    if (count > bytes_.size() - at_) return malformed("it is cut off");
    out = bytes_.subspan(at_, count);
    at_ += count;
    return true;
}

/// The head of a value: RFC 8949, 3.
bool Reader::argument(uint64_t& out) {
    std::span<const uint8_t> bytes;
    if (!take(1, bytes)) return false;
    const uint8_t low = bytes[0] & 31;
    out = low;
    if (low < one_byte_follows) return true;
    if (low > eight_bytes_follow) return malformed("a length is not definite");
    if (!take(size_t{1} << (low - one_byte_follows), bytes)) return false;
    out = 0;
    for (const uint8_t byte : bytes) out = out << 8 | byte;
    return true;
}

bool Reader::is(Major major) const noexcept {
    return good() && at_ < bytes_.size() && bytes_[at_] >> 5 == static_cast<uint8_t>(major);
}

bool Reader::simple(unsigned lowest, unsigned highest) {
    if (!is(Major::simple)) return false;
    const unsigned low = bytes_[at_] & 31u;
    return low >= lowest && low <= highest;
}

/// A length, or a count: never more than bytes are left.
bool Reader::size(Major major, size_t& out) {
    if (!is(major)) return wrong_type();
    uint64_t value = 0;
    if (!argument(value)) return false;
    if (value > bytes_.size() - at_) return malformed("it is cut off");
    out = value;
    return true;
}

bool Reader::begin(Major major, size_t& count) { return good() && size(major, count); }

bool Reader::key(uint64_t& number) {
    if (!good()) return false;
    if (at_ >= bytes_.size()) return malformed("it is cut off");
    if (!is(Major::unsigned_number)) return malformed("a key is not a number");
    return argument(number);
}

bool Reader::head_number(uint64_t& out) {
    if (!good()) return false;
    if (at_ >= bytes_.size()) return malformed("it is cut off");
    if (!is(Major::unsigned_number)) return malformed("its head is not of numbers");
    return argument(out);
}

// ---- Structures and lists.

Map::Map(Reader& in, std::span<const FieldRule> rules) : in_(in), rules_(rules) {
    in.begin(Major::map, left_);
}

Map::~Map() { leave(); }

void Map::leave() {
    if (inside_) in_.leave();
    inside_ = false;
}

const FieldRule* Map::next() {
    leave();
    for (; left_ > 0 && in_.good(); --left_) {
        uint64_t number = 0;
        if (!in_.key(number)) return nullptr;
        const FieldRule* rule = nullptr;
        for (const FieldRule& one : rules_)
            if (one.number == number) rule = &one;
        if (rule == nullptr) {
            in_.skip();
            continue;
        }
        if (seen(*rule)) {
            in_.malformed("a field is there twice");
            return nullptr;
        }
        seen_ |= uint64_t{1} << (rule - rules_.data());
        in_.enter({rule->name, 0, rule->give});
        inside_ = true;
        --left_;
        return rule;
    }
    return nullptr;
}

bool Map::seen(const FieldRule& rule) const noexcept {
    return (seen_ >> (&rule - rules_.data()) & 1) != 0;
}

void Map::needs(const FieldRule& rule) {
    if (in_.good() && !seen(rule)) in_.missing(rule);
}

bool Map::whole() {
    leave();
    for (const FieldRule& rule : rules_)
        if (rule.must) needs(rule);
    return in_.good();
}

List::List(Reader& in, size_t min, size_t max, const char* give) : in_(in), give_(give) {
    if (in.begin(Major::array, count_) && (count_ < min || count_ > max))
        in.out_of_range("a length of " + std::to_string(count_));
    in.enter({nullptr, 0, give_});
}

List::~List() { in_.leave(); }

bool List::next() {
    if (!in_.good() || index_ == count_) return false;
    in_.leave();
    in_.enter({nullptr, index_, give_});
    ++index_;
    return true;
}

}  // namespace valenic::boundary
