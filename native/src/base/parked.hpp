// The proof that workers are kept out of what is changed.
#pragma once

namespace valenic {

/// Every worker that could reach what changes is parked between two batches, as long as whoever was
/// handed this has not returned. What takes one as its parameter is legal only then.
///
/// Only the gate makes one (io/gate.hpp), and nobody copies it: it is lent for the length of a
/// call, by reference, so that none is left when the gate opens.
class Parked {
 public:
    Parked(const Parked&) = delete;
    Parked& operator=(const Parked&) = delete;

 private:
    friend class Gate;
    Parked() noexcept {}
};

}  // namespace valenic
