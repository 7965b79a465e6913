// Commands about workers, switches and ports.
#include "control/commands.hpp"
#include "io/placement.hpp"

namespace valenic::control {

Answer<boundary::WorkerAdd> Commands::handle(const boundary::WorkerAdd& command) {
    const auto added = engine_.add_worker(command.cpu);
    if (!added) return added.error();
    const auto& [worker, thread_id] = added.value();
    return boundary::WorkerAddAnswer{worker, static_cast<uint32_t>(thread_id)};
}

Answer<boundary::SwitchCreate> Commands::handle(const boundary::SwitchCreate& command) {
    const auto created =
        engine_.create_switch(command.name, {command.ageing_seconds, command.mac_table_size});
    if (!created) return created.error();
    return boundary::SwitchCreateAnswer{created.value()};
}

Done Commands::handle(const boundary::SwitchRemove& command) {
    return engine_.remove_switch(command.switch_id);
}

Answer<boundary::PortCreate> Commands::handle(const boundary::PortCreate& command) {
    const auto created =
        engine_.create_port({command.switch_id, command.name, command.kind, command.queues,
                             command.workers, command.settings.value_or(SettingsChange{})});
    if (!created) return created.error();
    const auto& [port, slot, stats_block] = created.value();
    return boundary::PortCreateAnswer{port, slot, static_cast<uint32_t>(stats_block)};
}

Done Commands::handle(const boundary::PortRemove& command) {
    return engine_.remove_port(command.port);
}

Done Commands::handle(const boundary::PortSet& command) {
    return engine_.set_port(command.port, command.settings);
}

Done Commands::handle(const boundary::QueueMove& command) {
    return engine_.move_queue(command.port, command.pair, command.worker);
}

Answer<boundary::PortMacs> Commands::handle(const boundary::PortMacs& command) {
    const auto macs = engine_.macs_of(command.port);
    if (!macs) return macs.error();
    boundary::PortMacsAnswer answer;
    for (const MacAddress mac : macs.value()) answer.macs.push_back({mac});
    return answer;
}

Answer<boundary::PortForget> Commands::handle(const boundary::PortForget& command) {
    const auto forgotten = engine_.forget_macs(command.port);
    if (!forgotten) return forgotten.error();
    return boundary::PortForgetAnswer{forgotten.value()};
}

Done Commands::handle(const boundary::PortInject& command) {
    return engine_.inject(command.port, command.frame);
}

Answer<boundary::ProbePlacement> Commands::handle(const boundary::ProbePlacement& command) {
    const auto ns =
        probe_placement(static_cast<int>(command.cpu_a), static_cast<int>(command.cpu_b));
    if (!ns) return ns.error();
    return boundary::ProbePlacementAnswer{ns.value()};
}

}  // namespace valenic::control
