#include "switch/context.hpp"

#include "switch/port.hpp"

namespace valenic {

void run_timers(uint64_t now_ns, WorkerContext& context) {
    context.timers.take_due(now_ns, [&](const WorkerTimers::Entry& entry) {
        entry.target->on_time(entry.token, context);
    });
    context.held.send_due(context);
}

void forget_in(const Parked&, WorkerContext& context, Port& port) noexcept {
    for (const Queue* queue : port.queues()) context.timers.forget(queue);
    context.held.forget(port, context);
}

}  // namespace valenic
