// Which ports a switch has, and what they ask for: what changes with a Parked.
#include "switch/vale.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace valenic {

ValeSwitch::ValeSwitch(std::string name, std::unique_ptr<Lookup> lookup, uint64_t flow_secret)
    : name_(std::move(name)),
      lookup_(std::move(lookup)),
      flow_seed_(FlowSeed::of(flow_secret)),
      ports_(lookup_->ports_max()),
      books_(ports_.size()),
      generations_(ports_.size()) {
    CHECK(lookup_->header_bytes() <= stage_frame_bytes);
    CHECK(ports_.size() <= Port::slots_max);
}

bool ValeSwitch::attach(const Parked&, Port& port) {
    CHECK(port.home == nullptr);
    for (size_t slot = 0; slot < ports_.size(); ++slot) {
        if (ports_[slot] != nullptr) continue;
        ports_[slot] = &port;
        books_[slot] = &port.counters(0);
        port.slot = static_cast<uint16_t>(slot);
        port.generation = ++generations_[slot];
        port.home = this;
        if (port.queues().size() > 1) port.spread = std::make_unique<FlowSpread>();
        ++port_count_;
        if (slot >= slots_used_) slots_used_ = slot + 1;
        return true;
    }
    return false;
}

void ValeSwitch::detach(const Parked& parked, Port& port) {
    CHECK(port.home == this && ports_[port.slot] == &port);
    set_tap(parked, port, nullptr);
    set_rules(parked, port, {});  // Forgets its addresses.
    ports_[port.slot] = nullptr;
    books_[port.slot] = nullptr;
    port.home = nullptr;
    --port_count_;
    while (slots_used_ > 0 && ports_[slots_used_ - 1] == nullptr) --slots_used_;
}

ValeSwitch::PortStages& ValeSwitch::stages_to_change(const Port& port) {
    CHECK(port.home == this);
    if (stages_ == nullptr) stages_ = std::make_unique<StageBook>(ports_.size());
    std::unique_ptr<PortStages>& stages = (*stages_)[port.slot];
    if (stages == nullptr) stages = std::make_unique<PortStages>();
    return *stages;
}

/// While no port has any, there is no book.
void ValeSwitch::drop_empty_stages(const Port& port) {
    std::unique_ptr<PortStages>& stages = (*stages_)[port.slot];
    if (stages->empty()) stages = nullptr;
    for (const auto& one : *stages_)
        if (one != nullptr) return;
    stages_ = nullptr;
}

void ValeSwitch::set_rules(const Parked& parked, const Port& port, const PortRules& rules) {
    // What was learned of it was learned in VLANs that it may have no more.
    lookup_->forget(port.slot);
    lookup_->set_sticky(parked, port.slot, rules.security.sticky);
    stages_to_change(port).rules = rules;
    gather_claims();
    drop_empty_stages(port);
}

void ValeSwitch::gather_claims() {
    claims_.clear();
    for (size_t slot = 0; slot < stages_->size(); ++slot)
        if (const auto& stages = (*stages_)[slot]; stages != nullptr)
            for (const AllowedStation& station : stages->rules.security.allow)
                claims_.push_back({station.mac, static_cast<uint16_t>(slot)});
    std::ranges::sort(claims_, {}, &Claim::mac);
}

void ValeSwitch::set_tap(const Parked&, const Port& port, FrameTap* tap) {
    stages_to_change(port).tap = tap;
    drop_empty_stages(port);
}

}  // namespace valenic
