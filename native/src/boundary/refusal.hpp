// Why a command was refused.
#pragma once
#include <optional>

#include "boundary/names.hpp"

namespace valenic {

/// One of our reasons, or a rule of the ring that a peer broke.
struct Refusal {
    spec::CommandError error = spec::CommandError::count;
    spec::Fault fault = spec::Fault::none;
    int error_number = 0;    ///< What the operating system said; 0: it was not asked.
    const char* doing = "";  ///< What was being done then.
    const char* rule = "";   ///< The argument and its rule, where the code leaves them open.

    Refusal(spec::CommandError reason) : error(reason) {}
    Refusal(spec::Fault reason) : fault(reason) {}
    Refusal(spec::CommandError reason, int number, const char* what)
        : error(reason), error_number(number), doing(what) {}
    Refusal(spec::CommandError reason, const char* broken) : error(reason), rule(broken) {}
    const char* code() const noexcept {
        return fault != spec::Fault::none ? spec::name_of(fault) : spec::name_of(error);
    }
    const char* text() const noexcept {
        return fault != spec::Fault::none ? spec::text_of(fault) : spec::text_of(error);
    }
};

/// Nothing, or why not.
using Done = std::optional<Refusal>;

}  // namespace valenic
