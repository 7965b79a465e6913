// The proof that workers are kept out of what is changed.
#pragma once

namespace valenic {

/// Every worker that could reach what changes is parked between two batches, as long as whoever was
/// handed this has not returned. What takes one as its parameter is legal only then.
///
/// Only the gate makes one (io/gate.hpp). It has no bytes: to pass it costs nothing.
class Parked {
    friend class Gate;
    Parked() noexcept {}
};

}  // namespace valenic
