// A value, or the named reason why there is none. Peers' faults are values, never exceptions.
#pragma once
#include <utility>
#include <variant>

#include "base/check.hpp"

namespace valenic {

template <typename Value, typename Error>
class [[nodiscard]] Result {
 public:
    Result(Value value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }
    Value& value() {
        CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    const Value& value() const {
        CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    const Error& error() const {
        CHECK(!ok());
        return *std::get_if<1>(&state_);
    }

 private:
    std::variant<Value, Error> state_;
};

}  // namespace valenic
