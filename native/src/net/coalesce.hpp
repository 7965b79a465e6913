// Makes one big frame of TCP segments that follow each other in a batch (GRO), for a receiver that
// takes them, from sources that send no big ones.
#pragma once
#include <cstdint>
#include <span>

#include "net/rewritten.hpp"

namespace valenic {

/// Puts together what may be and appends everything else as it is; frames of one flow never
/// overtake each other. The rules are those of Linux: `native/src/net/coalesce.cpp`.
///
/// Only segments whose checksums are right are put together: whoever gets the big frame does not
/// check them again.
///
/// @param indices  Of frames that leave nothing to their receiver.
/// @param accepts  offloads_of_receiver().
/// @param to       Empty. Borrows from `from`.
/// @returns        Whether anything was put together; if not, `to` is still empty.
bool coalesce(const Batch& from, std::span<const uint8_t> indices, OffloadSet accepts,
              RewrittenBatch& to) noexcept;

}  // namespace valenic
