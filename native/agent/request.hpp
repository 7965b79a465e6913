// The arguments of one request, checked as they are read; a broken rule is one sentence.
#pragma once
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace valenic::agent {

using Json = nlohmann::json;

/// Why an operation was not done: becomes `{id, error: sentence}`.
class OpError : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// `what`: what we were doing, e.g. "eth0: setting the MTU". Adds errno's sentence.
[[noreturn]] inline void fail_errno(const std::string& what, int error = errno) {
    throw OpError(what + ": " + std::strerror(error));
}

/// Reads members of one request object.
class Args {
 public:
    explicit Args(const Json& object) : object_(object) {}

    bool has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }

    std::string text(const char* key) const {
        if (!has(key) || !object_[key].is_string())
            throw OpError(std::string(key) + " must be a string");
        return object_[key].get<std::string>();
    }

    /// At least one text, at most `most` of them.
    std::vector<std::string> texts(const char* key, size_t most) const {
        const Json list = has(key) ? object_[key] : Json::array();
        const auto is_text = [](const Json& item) { return item.is_string(); };
        if (!list.is_array() || list.empty() || list.size() > most ||
            !std::all_of(list.begin(), list.end(), is_text))
            throw OpError(std::string(key) + " must be a list of strings, at most " +
                          std::to_string(most));
        return list.get<std::vector<std::string>>();
    }

    /// A whole number in [least, most].
    uint64_t whole(const char* key, uint64_t least, uint64_t most) const {
        if (has(key) && object_[key].is_number_integer() && object_[key] >= 0) {
            const uint64_t value = object_[key].get<uint64_t>();
            if (value >= least && value <= most) return value;
        }
        throw OpError(std::string(key) + " must be a whole number, " + std::to_string(least) +
                      ".." + std::to_string(most));
    }
    uint64_t whole(const char* key, uint64_t least, uint64_t most, uint64_t otherwise) const {
        return has(key) ? whole(key, least, most) : otherwise;
    }

    /// Any number in [least, most].
    double number(const char* key, double least, double most, double otherwise) const {
        if (!has(key)) return otherwise;
        if (object_[key].is_number()) {
            const double value = object_[key].get<double>();
            if (value >= least && value <= most) return value;
        }
        throw OpError(std::string(key) + " must be a number, " + std::to_string(least) + ".." +
                      std::to_string(most));
    }

    bool boolean(const char* key) const {
        if (!has(key) || !object_[key].is_boolean())
            throw OpError(std::string(key) + " must be true or false");
        return object_[key].get<bool>();
    }
    bool boolean(const char* key, bool otherwise) const {
        return has(key) ? boolean(key) : otherwise;
    }

 private:
    const Json& object_;
};

}  // namespace valenic::agent
