// The commands of native/boundary/commands.ts: what each asks of the engine. A command in the table
// without a handle() here does not compile.
#pragma once
#include <span>
#include <vector>

#include "base/fd.hpp"
#include "boundary/messages.hpp"
#include "io/engine.hpp"

namespace valenic::control {

template <typename Command>
using Answer = Result<typename Command::Answer, Refusal>;

/// One command, with the descriptors beside it. They are closed with this where nothing took them.
class Commands {
 public:
    Commands(Engine& engine, std::vector<OwnedFd> descriptors)
        : engine_(engine), descriptors_(std::move(descriptors)) {}

    // port_commands.cpp
    Answer<boundary::WorkerAdd> handle(const boundary::WorkerAdd& command);
    Answer<boundary::SwitchCreate> handle(const boundary::SwitchCreate& command);
    Done handle(const boundary::SwitchRemove& command);
    Answer<boundary::PortCreate> handle(const boundary::PortCreate& command);
    Done handle(const boundary::PortRemove& command);
    Done handle(const boundary::PortSet& command);
    Done handle(const boundary::QueueMove& command);
    Answer<boundary::PortMacs> handle(const boundary::PortMacs& command);
    Answer<boundary::PortForget> handle(const boundary::PortForget& command);
    Done handle(const boundary::PortInject& command);
    Answer<boundary::ProbePlacement> handle(const boundary::ProbePlacement& command);

    // device_commands.cpp
    Done handle(const boundary::VhostMemory& command);
    Done handle(const boundary::VhostFeatures& command);
    Answer<boundary::VhostRingStart> handle(const boundary::VhostRingStart& command);
    Answer<boundary::VhostRingStop> handle(const boundary::VhostRingStop& command);
    Done handle(const boundary::VhostRingEnable& command);
    Done handle(const boundary::VhostRingCall& command);
    Done handle(const boundary::VhostRingKick& command);
    Done handle(const boundary::VhostRingAddresses& command);
    Answer<boundary::VhostRings> handle(const boundary::VhostRings& command);
    Done handle(const boundary::HostStart& command);
    Answer<boundary::HostStop> handle(const boundary::HostStop& command);
    Answer<boundary::HostReport> handle(const boundary::HostReport& command);
    Done handle(const boundary::LinkAttach& command);
    Done handle(const boundary::LinkDetach& command);

 private:
    /// No two fields name the same one: boundary::Reader.
    OwnedFd take(boundary::Descriptor descriptor);
    std::vector<OwnedFd> take(std::span<const boundary::Descriptor> descriptors);

    Engine& engine_;
    std::vector<OwnedFd> descriptors_;
};

}  // namespace valenic::control
