// Opening a tap interface: kernel, Documentation/networking/tuntap.rst.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "boundary/names.hpp"

namespace valenic {

/// Why an interface could not be had: an errno and the call that had it.
struct TapFailure {
    int number;
    const char* call;
};

struct TapWanted {
    unsigned queues = 1;
    /// The host's stack and the switch may leave checksums and segmentation to each other.
    bool offloads = true;
    /// Of an interface that is made: what it is set to.
    std::optional<uint32_t> mtu = {};
    /// Of an interface that is made: it stays when its last descriptor is closed.
    bool persist = false;
};

struct TapOpened {
    std::vector<OwnedFd> fds;  ///< One for each queue.
    bool created = false;      ///< It was not there before; then it is set up.
    spec::NetHeaderUse net_header = spec::NetHeaderUse::none;
};

/// Opens every queue of the interface, which is made where it does not exist.
Result<TapOpened, TapFailure> open_tap(const std::string& name, const TapWanted& wanted);

}  // namespace valenic
