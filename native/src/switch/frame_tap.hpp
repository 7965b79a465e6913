// Where captures and monitors see frames on their way.
#pragma once
#include <cstdint>
#include <span>

#include "net/batch.hpp"

namespace valenic {

class Port;
struct WorkerContext;

enum class TapPoint : uint8_t {
    ingress,  ///< As the port sent them, before anything was decided.
    egress,   ///< As the port is to get them: tags as it sees them, big frames not cut yet.
    list,     ///< Where an action list says so: as they are there.
};

/// Several workers may be in it at once. Neither blocks nor allocates; what it keeps it copies.
class FrameTap {
 public:
    virtual ~FrameTap() = default;
    /// @param port  Who sent them; at egress who gets them.
    virtual void see(const Batch& batch, std::span<const uint8_t> indices, TapPoint point,
                     const Port& port, WorkerContext& context) noexcept = 0;
};

}  // namespace valenic
