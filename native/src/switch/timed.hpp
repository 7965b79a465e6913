// Who has something to do later.
#pragma once
#include <cstdint>

namespace valenic {

struct WorkerContext;

/// Who wants to be told when a time has come.
class Timed {
 public:
    virtual ~Timed() = default;
    /// @param token  As it was given with the time.
    virtual void on_time(uint32_t token, WorkerContext& context) = 0;
};

}  // namespace valenic
